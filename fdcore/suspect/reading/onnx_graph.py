"""ONNX graphs as data: what a graph may contain, its input, and how to free a batch size that is fixed at 1."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import google.protobuf.message  # type: ignore[import-untyped]  # ships no types
import numpy as np
import numpy.typing as npt
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from fdcore.errors import SuspectError
from fdcore.suspect.formats import damaged

KNOWN_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc"})
MAX_BYTES = 2_000_000_000
MAX_ELEMENTS = 2_000_000_000  # of one tensor inside the graph: 8 GB of float32
MAX_SIDE = 4096
DEFAULT_SIDE = 224
TRANSPARENT = frozenset({"Identity", "Cast", "Transpose", "Pad", "Reshape", "Unsqueeze", "Squeeze"})
ARITHMETIC = frozenset({"Sub", "Add", "Mul", "Div", "BatchNormalization"})

Axes = Literal["NCHW", "NHWC", "NHW", "flat"]


@dataclass(frozen=True)
class GraphInput:
    """The picture input of a graph.

    Attributes:
        axes: the layout of a batch of pictures; "NHW" has no channel axis, "flat" is (N, values).
        batch: the fixed batch size, or None if it is free.
        height, width: in pixels.
        assumed: whether the usual size was assumed because the file does not fix it.
    """

    name: str
    dtype: np.dtype[Any]
    axes: Axes
    batch: int | None
    height: int
    width: int
    channels: int
    assumed: bool

    def arranged(self, pictures: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Pictures (N, H, W, C) in the graph's layout, contiguous."""
        if self.axes == "NHWC":
            return np.ascontiguousarray(pictures)
        if self.axes == "NHW":
            return np.ascontiguousarray(pictures[..., 0])
        planes = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))
        return planes if self.axes == "NCHW" else planes.reshape(len(planes), -1)


def read_graph(path: Path) -> ModelProto:
    """Read and check a graph.

    Raises:
        SuspectError: it is damaged, keeps weights in other files, needs unknown operators or has giant tensors.
    """
    if path.stat().st_size > MAX_BYTES:
        raise SuspectError(f"{path.name} is larger than the {MAX_BYTES:,} bytes that a single ONNX file can have.")
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except (google.protobuf.message.DecodeError, ValueError) as error:
        raise damaged(path.name, error) from error
    _refuse_external_data(model, path.name)
    _refuse_unknown_operators(model, path.name)
    _refuse_giants(model, path.name)
    return model


def picture_input(model: ModelProto, height: int | None, width: int | None) -> GraphInput:
    """The one input of a graph, interpreted as pictures.

    Args:
        height, width: set by the analyst for an input of free size; None for the file's or the usual size.

    Raises:
        SuspectError: there is not exactly one input, or it does not look like pictures.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    if len(inputs) != 1:
        raise SuspectError(
            f"The graph has {len(inputs)} inputs ({', '.join(value.name for value in inputs[:5])}); a classifier of "
            "pictures has one. Wrap it as a Python callable that fills in the others.",
            key="not one input",
        )
    value, dims = inputs[0], _dims(inputs[0])
    axes, sides, channels = _axes(dims)
    taken = [given or known or DEFAULT_SIDE for given, known in zip((height, width), sides, strict=True)]
    if max(taken) > MAX_SIDE or not all(sides[i] in (None, taken[i]) for i in (0, 1)):
        raise SuspectError(
            f"The graph takes pictures of {sides[0]} x {sides[1]} pixels, not {taken[0]} x {taken[1]}.",
            key="size fixed by graph",
        )
    return GraphInput(
        name=value.name,
        dtype=_dtype(value),
        axes=axes,
        batch=dims[0],
        height=taken[0],
        width=taken[1],
        channels=channels,
        assumed=None in sides and None in (height, width),
    )


def value_range_at_head(model: ModelProto, name: str) -> Literal["bytes", "unit"] | None:
    """The range of values that the graph expects, inferred from the arithmetic with constants at its input.

    A graph that first subtracts 127 or divides by 255 takes 0..255; one that starts with other arithmetic normalises
    0..1 itself. None if it starts with a layer.
    """
    constants = _constants(model.graph)
    current, seen = name, False
    for _ in range(20):
        users = [node for node in model.graph.node if current in node.input]
        if len(users) != 1 or users[0].op_type not in TRANSPARENT | ARITHMETIC:
            break
        node = users[0]
        if node.op_type in ARITHMETIC:
            others = [constants[other] for other in node.input if other != current and other in constants]
            if len(others) + 1 != len(node.input):
                break
            seen = True
            if _scales_bytes(node.op_type, others):
                return "bytes"
        current = node.output[0]
    return "unit" if seen else None


def _scales_bytes(operation: str, constants: list[npt.NDArray[Any]]) -> bool:
    """Whether these constants only make sense for pixels in 0..255."""
    values = np.abs(np.asarray(constants[0], dtype=np.float64)) if constants[0].size else np.zeros(1)
    if operation == "BatchNormalization":
        return bool(np.abs(constants[2]).max() >= 10)  # scale, shift, mean, variance
    if operation == "Mul":
        return bool(0 < values.max() <= 0.03)
    return bool(values.max() >= 10)


def with_free_batch(model: ModelProto) -> ModelProto:
    """A copy with a free batch size; whether its answers are unchanged must be checked by querying both."""
    copy = ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    copy.ir_version = max(copy.ir_version, 4)  # below 4, every constant would have to be an input too
    del graph.value_info[:]
    weights = {tensor.name for tensor in graph.initializer}
    for value in [*graph.input, *graph.output]:
        dims = value.type.tensor_type.shape.dim
        if value.name not in weights and len(dims) and dims[0].dim_value == 1:
            dims[0].dim_param = "batch"
    constants = _constants(graph)
    for number, node in enumerate(graph.node):
        if node.op_type == "Reshape" and node.input[0] not in constants and node.input[1] in constants:
            shape = np.array(constants[node.input[1]], dtype=np.int64)
            if shape.ndim == 1 and len(shape) and shape[0] == 1:
                shape[0] = 0 if -1 in shape else -1  # 0 copies the first axis, -1 takes the rest
                node.input[1] = f"free_batch_shape_{number}"
                graph.initializer.append(numpy_helper.from_array(shape, node.input[1]))
    return copy


def _constants(graph: GraphProto) -> dict[str, npt.NDArray[Any]]:
    """Name -> value of small constants, or an empty array for large ones."""
    found = {tensor.name: _value(tensor) for tensor in graph.initializer}
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.name == "value":
                found[node.output[0]] = _value(attribute.t)
    return found


def _value(tensor: TensorProto) -> npt.NDArray[Any]:
    if np.prod(tensor.dims, dtype=np.float64) > 10_000:
        return np.empty(0)
    try:
        values: npt.NDArray[Any] = numpy_helper.to_array(tensor)
    except (ValueError, TypeError) as error:
        raise damaged(f"The graph's constant {tensor.name}", error) from error
    return values


def _dims(value: ValueInfoProto) -> list[int | None]:
    """Sizes of an input's axes, None for a free one."""
    return [dim.dim_value if dim.dim_value > 0 else None for dim in value.type.tensor_type.shape.dim]


def _dtype(value: ValueInfoProto) -> np.dtype[Any]:
    kind = value.type.tensor_type.elem_type
    if kind not in (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.UINT8):
        name = TensorProto.DataType.Name(kind) if kind in TensorProto.DataType.values() else str(kind)
        raise SuspectError(
            f"The graph's input {value.name} takes {name.lower()} values; pictures are float or uint8.",
            key="wrong input type",
        )
    return helper.tensor_dtype_to_np_dtype(kind)


def _axes(dims: list[int | None]) -> tuple[Axes, tuple[int | None, int | None], int]:
    """The layout of an input, its height and width (None if free), and its channels."""
    if len(dims) == 4:
        if dims[1] in (1, 3):
            return "NCHW", (dims[2], dims[3]), int(dims[1] or 0)
        if dims[3] in (1, 3):
            return "NHWC", (dims[1], dims[2]), int(dims[3] or 0)
        if dims[1:] == [None, None, None]:
            return "NCHW", (None, None), 3
    if len(dims) == 3 and dims[0] != 3 and dims[1] not in (1, 3):
        return "NHW", (dims[1], dims[2]), 1
    if len(dims) == 2 and dims[1] is not None:
        for channels in (1, 3):
            side = round((dims[1] / channels) ** 0.5)
            if side >= 8 and side * side * channels == dims[1]:
                return "flat", (side, side), channels
    shown = " x ".join("?" if dim is None else str(dim) for dim in dims)
    raise SuspectError(
        f"The graph takes an input of shape {shown}, which is not a batch of pictures with 1 or 3 channels. "
        "Wrap it as a Python callable that brings pictures into that shape.",
        key="not pictures",
    )


def _tensors(model: ModelProto) -> Iterator[TensorProto]:
    """Every tensor in the file, including those of subgraphs and attributes."""
    attributes = [attribute for node in _nodes(model) for attribute in node.attribute]
    for graph in (model.graph, *(graph for attribute in attributes for graph in (attribute.g, *attribute.graphs))):
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
    for attribute in attributes:
        yield from (attribute.t, *attribute.tensors)


def _nodes(model: ModelProto) -> Iterator[NodeProto]:
    """Every node, including those of subgraphs and functions."""
    waiting = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attribute:
            waiting.extend(attribute.g.node)
            for graph in attribute.graphs:
                waiting.extend(graph.node)


def _refuse_external_data(model: ModelProto, name: str) -> None:
    outside = [t.name for t in _tensors(model) if t.data_location == TensorProto.EXTERNAL or t.external_data]
    if outside:
        raise SuspectError(
            f"{name} keeps {len(outside)} of its weights in other files ({', '.join(outside[:3])}), and paths that a "
            "suspect names are never followed. Join them first: onnx.save(onnx.load('MODEL'), 'joined.onnx').",
            key="weights in other files",
        )


def _refuse_unknown_operators(model: ModelProto, name: str) -> None:
    own = {(function.domain, function.name) for function in model.functions}
    strange = {
        f"{node.domain}.{node.op_type}"
        for node in _nodes(model)
        if node.domain not in KNOWN_DOMAINS and (node.domain, node.op_type) not in own
    }
    if strange:
        raise SuspectError(
            f"{name} needs operators that are not part of ONNX Runtime ({', '.join(sorted(strange)[:5])}); their code "
            "is not loaded. Ask for an export with standard operators only.",
            key="unknown operators",
        )


def _refuse_giants(model: ModelProto, name: str) -> None:
    """Refuse stored or computed tensors whose shapes would exhaust memory."""
    shapes = [(tensor.name, list(tensor.dims)) for tensor in _tensors(model)]
    try:
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError):
        inferred = model.graph  # the runtime will report the fault
    values = [*inferred.value_info, *inferred.output, *inferred.input]
    shapes += [(value.name, [dim or 1 for dim in _dims(value)]) for value in values]
    for tensor, dims in shapes:
        if np.prod([max(dim, 0) for dim in dims], dtype=np.float64) > MAX_ELEMENTS:
            raise SuspectError(
                f"{name} holds or computes the tensor {tensor} of shape {' x '.join(map(str, dims))}, more than the "
                f"{MAX_ELEMENTS:,} numbers that can be opened. It is damaged or made to exhaust memory.",
                key="tensor too large",
            )
