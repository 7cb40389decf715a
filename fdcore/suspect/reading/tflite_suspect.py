"""TensorFlow Lite models as suspects, asked through LiteRT on the CPU."""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from fdcore.suspect.formats import damaged
from fdcore.suspect.preprocess import NORMALISATION, PreprocessSpec, with_preset
from fdcore.suspect.reading.program import Program, Shape, Source, Values, failed, input_specs, open_program, short
from fdcore.suspect.reading.tflite_metadata import normalisation_in

FAILURES = (RuntimeError, ValueError, TypeError, MemoryError)
MAX_TABLE = 1 << 20  # bytes
DELEGATED = "DELEGATE"


@dataclass(frozen=True)
class Quantised:
    """How a tensor's numbers q stand for real ones: (q - zero) * scale; floats stand for themselves.

    Attributes:
        dtype: of the tensor.
        scale, zero: 1 and 0 where the file has none.
    """

    dtype: np.dtype[Any]
    scale: float = 1.0
    zero: int = 0

    @classmethod
    def of(cls, detail: Mapping[str, Any]) -> "Quantised":
        """As the interpreter describes a tensor."""
        scale, zero = detail["quantization"]
        return cls(np.dtype(detail["dtype"]), float(scale) or 1.0, int(zero) if scale else 0)

    @property
    def whole(self) -> bool:
        """Whether it holds whole numbers."""
        return np.issubdtype(self.dtype, np.integer)

    @property
    def range(self) -> tuple[float, float]:
        """The real numbers that black and white stand for: the lowest and highest of a byte, else 0 and 255."""
        if self.dtype.itemsize > 1:
            return 0.0, 255.0
        limits = np.iinfo(self.dtype)
        return (limits.min - self.zero) * self.scale, (limits.max - self.zero) * self.scale

    def stored(self, values: Values) -> Values:
        """From real numbers to the tensor's."""
        if not self.whole:
            return values.astype(self.dtype, copy=False)
        limits = np.iinfo(self.dtype)
        stored: Values = np.rint(values / self.scale + self.zero).clip(limits.min, limits.max).astype(self.dtype)
        return stored

    def real(self, values: Values) -> Values:
        """From the tensor's numbers to real ones; whole numbers without a scale stay class numbers."""
        if not self.whole:
            return values.astype(np.float32, copy=False)
        if self.scale == 1.0 and self.zero == 0 and self.dtype.itemsize >= 4:
            return values
        return (values.astype(np.float32) - self.zero) * np.float32(self.scale)


class _Asked:
    """An interpreter with one input, whose batch is resized as it is asked."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._shape: tuple[int, ...] = ()
        self._start()
        self.inputs, self.outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self.operators = [one for one in self._interpreter._get_ops_details() if one["op_name"] != DELEGATED]

    def run(self, values: Values) -> dict[str, Values]:
        """The outputs for (N, H, W, C) or (N, C, H, W) real numbers, as real numbers."""
        source = self.inputs[0]
        try:
            if self._shape != values.shape:
                self._interpreter.resize_tensor_input(source["index"], list(values.shape))
                self._interpreter.allocate_tensors()
                self._shape = values.shape
            self._interpreter.set_tensor(source["index"], Quantised.of(source).stored(values))
            self._interpreter.invoke()
            return {
                one["name"]: Quantised.of(one).real(self._interpreter.get_tensor(one["index"])) for one in self.outputs
            }
        except FAILURES as error:
            self._start()
            raise failed(values, error) from error

    def _start(self) -> None:
        self._interpreter = Interpreter(model_content=self._content)
        self._shape = ()


def open_tflite(path: Path, shape: Shape, n_classes: int | None) -> Program:
    """A TensorFlow Lite model; see `opening.PROGRAMS`."""
    content = path.read_bytes()
    try:
        asked = _Asked(content)
    except FAILURES as error:
        raise damaged(path.name, short(error)) from error
    shapes = [[int(side) if side > 0 else None for side in one["shape_signature"]] for one in asked.inputs]
    specs = input_specs(path.name, shapes, shape, "NHWC")
    specs, normalisation, known = _normalised(specs, asked, content)
    names = {one["op_name"] for one in asked.operators if set(one["outputs"]) & {o["index"] for o in asked.outputs}}
    return open_program(
        Source(
            asked.run, "tflite", "TensorFlow Lite model", specs, normalisation, known=known,
            sigmoid="LOGISTIC" in names, tables=_tables(content),
        ), n_classes,
    )  # fmt: skip


def _normalised(
    specs: list[PreprocessSpec], asked: _Asked, content: bytes
) -> tuple[list[PreprocessSpec], str, tuple[str, ...]]:
    """The inputs with their normalisation, its reason, and the parts of it that the file specifies.

    Black and white are the lowest and highest number that a quantised input can hold, so that its bytes arrive as they
    are (minus 128 for int8). A floating input is guessed: MobileNets and other networks of depthwise convolutions were
    mostly trained on -1..1, others on 0..1.
    """
    source = Quantised.of(asked.inputs[0])
    if source.whole:
        specs = [replace(spec, value_range=source.range) for spec in specs]
        return specs, f"bytes, as its input is {source.dtype}", NORMALISATION
    stored = normalisation_in(content, specs[0].channels)
    if stored is not None:
        mean, std = stored
        found = [replace(spec, value_range=(0.0, 255.0), mean=mean, std=std) for spec in specs]
        return found, "normalisation as the file specifies", NORMALISATION
    preset = "signed" if any(one["op_name"] == "DEPTHWISE_CONV_2D" for one in asked.operators) else "unit"
    return [with_preset(spec, preset) for spec in specs], f"{preset} normalisation (assumed)", ()


def _tables(content: bytes) -> tuple[Mapping[Any, Any], ...]:
    """The texts in the zip archive that metadata appends to a model, such as labels.txt, each as class names."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [one for one in archive.infolist() if one.filename.endswith(".txt")]
            found = [archive.read(one) for one in members if one.file_size <= MAX_TABLE]
    except (zipfile.BadZipFile, ValueError, RuntimeError, NotImplementedError, EOFError):
        return ()
    return tuple({"labels": text.decode("utf-8", "replace").strip()} for text in found)
