"""The picture input of an ONNX graph: its shape, and what the graph does to its values before the first layer."""

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

from fdcore.errors import SuspectError
from fdcore.suspect.preprocess import Layout
from fdcore.suspect.reading.class_names import nested
from fdcore.suspect.reading.onnx_graph import Array, Wiring, dims_of, metadata

MAX_SIDE = 4096
DEFAULT_SIDE = 224
SIZE_KEYS = ("imgsz", "input_size", "img_size", "image_size", "crop_size", "input_shape")
TRANSPARENT = frozenset({
    "Identity", "Cast", "Transpose", "Pad", "Reshape", "Unsqueeze", "Squeeze", "Flatten", "Slice", "Gather", "Split",
    "Concat", "Resize", "Upsample", "CenterCropPad", "Clip", "Round", "Floor", "QuantizeLinear", "DequantizeLinear",
})  # fmt: skip
ARITHMETIC = frozenset({"Sub", "Add", "Mul", "Div", "BatchNormalization"})

Axes = Literal["NCHW", "NHWC", "NHW", "flat"]
Range = Literal["bytes", "unit", "signed"]


@dataclass(frozen=True)
class GraphInput:
    """The picture input of a graph.

    Attributes:
        axes: the axes of a batch of pictures; "NHW" has no channel axis, "flat" is (N, values).
        layout: the order of a picture's values; of a flat colour picture the file does not fix it.
        batch: the fixed batch size, or None if it is free.
        alone: whether the input is one picture without a batch axis.
        height, width: in pixels.
        assumed: whether the usual size was assumed because the file does not fix it.
        named: whether the size is free and was taken from the metadata.
    """

    name: str
    dtype: np.dtype[Any]
    axes: Axes
    layout: Layout
    batch: int | None
    alone: bool
    height: int
    width: int
    channels: int
    assumed: bool
    named: bool

    @property
    def order_is_open(self) -> bool:
        """Whether the input is flat, so that the order of its values cannot be seen."""
        return self.axes == "flat" and self.channels > 1

    def arranged(self, pictures: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Pictures (N, H, W, C) in the graph's layout, contiguous; one picture where it takes no batch."""
        if self.axes == "NHW":
            pictures = pictures[..., 0]
        elif self.layout == "NCHW":
            pictures = pictures.transpose(0, 3, 1, 2)
        arranged = np.ascontiguousarray(pictures)
        if self.axes == "flat":
            return arranged.reshape(len(arranged), -1)
        return arranged[0] if self.alone else arranged


@dataclass(frozen=True)
class Head:
    """What a graph does to its input before the first layer.

    Attributes:
        value_range: the preset that its arithmetic expects; None if there is no arithmetic.
        flips: whether it reverses the order of the colour channels.
        layout: the order in which it unfolds flat values; None if it does not.
    """

    value_range: Range | None = None
    flips: bool = False
    layout: Layout | None = None


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
    value, dims = inputs[0], dims_of(inputs[0])
    alone = len(dims) == 3 and (dims[0] == 3 or dims[2] in (1, 3))
    axes, sides, channels = _axes([1, *dims] if alone else dims)
    is_free = None in sides and None in (height, width)
    named = size_in_metadata(model) if is_free else None
    wanted = zip((height, width), sides, named or (DEFAULT_SIDE, DEFAULT_SIDE), strict=True)
    taken = [given or known or usual for given, known, usual in wanted]
    if max(taken) > MAX_SIDE or not all(sides[i] in (None, taken[i]) for i in (0, 1)):
        raise SuspectError(
            f"The graph takes pictures of {sides[0]} x {sides[1]} pixels, not {taken[0]} x {taken[1]}.",
            key="size fixed by graph",
        )
    return GraphInput(
        name=value.name, dtype=_dtype(value), axes=axes, layout="NHWC" if axes == "NHWC" else "NCHW",
        batch=1 if alone else dims[0], alone=alone, height=taken[0], width=taken[1], channels=channels,
        assumed=is_free and named is None, named=named is not None,
    )  # fmt: skip


def size_in_metadata(model: ModelProto) -> tuple[int, int] | None:
    """The height and width that the metadata name, such as "[64, 64]", "3, 224, 224" or "224"."""
    for group in nested(metadata(model)):
        for text in (str(group[key])[:100] for key in SIZE_KEYS if key in group):
            sides = [int(number) for number in re.findall(r"[0-9]+", text) if 8 <= int(number) <= MAX_SIDE]
            if len(sides) in (1, 2):
                return sides[0], sides[-1]
    return None


def head_of(wiring: Wiring, name: str) -> Head:
    """What is done to the input before the first layer, followed through everything that only moves values.

    A graph that first subtracts 127 or divides by 255 takes 0..255, one that first multiplies by 255 takes 0..1, or
    -1..1 if it adds something before; other arithmetic normalises 0..1.
    """
    reached, value_range, decided = {name}, None, False
    flips, layout = False, None
    for node in wiring.nodes:
        if not reached & {*node.input} or node.op_type not in TRANSPARENT | ARITHMETIC:
            continue
        others = [wiring.constants.get(other) for other in node.input if other and other not in reached]
        constants = [other for other in others if other is not None]
        if node.op_type in ARITHMETIC and len(constants) < len(others):
            continue
        if not decided and (found := _range_of(node.op_type, constants, after_arithmetic=value_range is not None)):
            value_range, decided = found
        flips ^= _reverses(node, wiring)
        layout = layout or _unfolded(node, wiring)
        reached.update(node.output)
    return Head(value_range, flips, layout)


def _range_of(operator: str, constants: list[Array], *, after_arithmetic: bool) -> tuple[Range, bool] | None:
    """The range that a node with these constants expects, and whether that is sure; None if it says nothing."""
    values = np.abs(np.asarray(constants[0], dtype=np.float64)) if constants and constants[0].size else np.zeros(1)
    most = float(values.max())
    if operator == "QuantizeLinear":
        return ("bytes", True) if 255 * most >= 100 else None
    if operator not in ARITHMETIC or not constants:
        return None
    if operator == "BatchNormalization":  # scale, shift, mean, variance
        return ("bytes", True) if np.abs(constants[2]).max(initial=0) >= 10 else ("unit", False)
    if (operator == "Mul" and most >= 50) or (operator == "Div" and 0 < most <= 0.02):
        return ("signed" if after_arithmetic else "unit"), True
    is_bytes = 0 < most <= 0.03 if operator == "Mul" else most >= 10
    return ("bytes", True) if is_bytes else ("unit", False)


def _reverses(node: NodeProto, wiring: Wiring) -> bool:
    """Whether a node reverses the order of the channels."""
    if node.op_type == "Slice":
        steps = wiring.constants.get(node.input[4]) if len(node.input) > 4 else None
        return steps is not None and bool((steps == -1).any())
    if node.op_type == "Gather":
        return np.array_equal(np.ravel(wiring.constants.get(node.input[1], ())), [2, 1, 0])
    split = wiring.made_by.get(node.input[0]) if node.op_type == "Concat" else None
    return split is not None and split.op_type == "Split" and list(node.input) == list(split.output)[::-1]


def _unfolded(node: NodeProto, wiring: Wiring) -> Layout | None:
    shape = wiring.constants.get(node.input[1]) if node.op_type == "Reshape" and len(node.input) > 1 else None
    if shape is None or shape.shape != (4,):
        return None
    return "NHWC" if shape[3] == 3 else "NCHW" if shape[1] == 3 else None


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
    if len(dims) == 3 and dims[1] not in (1, 3):
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
