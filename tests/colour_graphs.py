"""Small ONNX graphs that answer by mean colour: class 0 red, 1 green, 2 blue."""

from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from fdcore.suspect.reading.onnx_suspect import OnnxSuspect, OpenGraph, open_graph

FLOAT, INT64, UINT8 = TensorProto.FLOAT, TensorProto.INT64, TensorProto.UINT8
Dims = list[int | str | None]
RGB = np.array([[200, 30, 30], [30, 200, 30], [30, 30, 200]], np.uint8)


def node(operator: str, sources: str, targets: str, **attributes: Any) -> NodeProto:
    """A node; names are separated by spaces, and "-" stands for an input that is left out."""
    return helper.make_node(operator, [name.strip("-") for name in sources.split()], targets.split(), **attributes)


def by_colour(
    tail: list[NodeProto] | None = None, outputs: dict[str, tuple[int, Dims]] | None = None, *,
    weights: dict[str, Any] | None = None, head: list[NodeProto] | None = None, source: Dims | None = None,
    kind: int = FLOAT, axes: tuple[int, ...] = (2, 3), metadata: dict[str, str] | None = None,
) -> ModelProto:  # fmt: skip
    """A graph x -> head -> h -> mean over `axes` v -> logits z (N, 3) -> tail -> outputs; x is h without a head."""
    constants = {"eye": 10 * np.eye(3, dtype=np.float32), **(weights or {})}
    nodes = [
        *(head or []),
        node("ReduceMean", "h" if head else "x", "v", axes=list(axes), keepdims=0),
        node("MatMul", "v eye", "z"),
        *(tail or []),
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", kind, source or ["n", 3, 8, 8])],
        [helper.make_tensor_value_info(name, *of) for name, of in (outputs or {"z": (FLOAT, ["n", 3])}).items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )  # fmt: skip
    opsets = [
        helper.make_opsetid("", 13),
        helper.make_opsetid("ai.onnx.ml", 1),
        helper.make_opsetid("com.microsoft", 1),
    ]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    helper.set_model_props(model, metadata or {})
    return model


def opened(model: ModelProto, folder: Path, **said: Any) -> OpenGraph:
    """The graph as it is opened from a file."""
    path = folder / "m.onnx"
    path.write_bytes(model.SerializeToString())
    return open_graph(path, **said)


def pictures(height: int, width: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """(3, height, width, 3): a red, a green and a blue one."""
    return np.stack([np.broadcast_to(colour, (height, width, 3)) for colour in RGB])


def answers(graph: OpenGraph) -> list[int]:
    """The classes of a red, a green and a blue picture."""
    suspect = OnnxSuspect(graph, graph.spec, fingerprint="f", description="d")
    return suspect.labels(pictures(graph.spec.height, graph.spec.width)).tolist()
