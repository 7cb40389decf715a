"""TensorFlow Lite models, made operator by operator, as no converter is at hand."""

from typing import Any

import flatbuffers
import numpy as np
import pytest

schema = pytest.importorskip(
    "ai_edge_litert.schema_py_generated", reason="TensorFlow Lite needs pip install -r requirements-formats.txt"
)
SIDE = 8
OPERATORS = {"MEAN": 40, "FULLY_CONNECTED": 9, "LOGISTIC": 14, "DEQUANTIZE": 6, "QUANTIZE": 114}


class Made:
    """A model of one graph, from tensors and operators."""

    def __init__(self) -> None:
        self.model, self.graph = schema.ModelT(), schema.SubGraphT()
        self.model.version, self.model.operatorCodes, self.model.subgraphs = 3, [], [self.graph]
        self.model.buffers = [schema.BufferT()]
        self.graph.tensors, self.graph.operators = [], []

    def tensor(
        self, name: str, shape: list[int], dtype: str = "FLOAT32", *, values: Any = None,
        quantised: tuple[float, int] | None = None,
    ) -> int:  # fmt: skip
        one = schema.TensorT()
        one.name, one.shape, one.type, one.buffer = name, shape, getattr(schema.TensorType, dtype), 0
        if values is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            one.buffer = len(self.model.buffers) - 1
        if quantised:
            one.quantization = schema.QuantizationParametersT()
            one.quantization.scale, one.quantization.zeroPoint = [quantised[0]], [quantised[1]]
        self.graph.tensors.append(one)
        return len(self.graph.tensors) - 1

    def operator(self, name: str, inputs: list[int], output: int, options: str = "") -> None:
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = OPERATORS[name], min(OPERATORS[name], 127), 1
        self.model.operatorCodes.append(code)
        one = schema.OperatorT()
        one.opcodeIndex, one.inputs, one.outputs = len(self.model.operatorCodes) - 1, inputs, [output]
        if options:
            one.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            one.builtinOptions = getattr(schema, f"{options}T")()
        self.graph.operators.append(one)

    def content(self, source: int, output: int, metadata: bytes = b"") -> bytes:
        self.graph.inputs, self.graph.outputs = [source], [output]
        if metadata:
            buffer, entry = schema.BufferT(), schema.MetadataT()
            buffer.data = np.frombuffer(metadata, np.uint8)
            self.model.buffers.append(buffer)
            entry.name, entry.buffer = "TFLITE_METADATA", len(self.model.buffers) - 1
            self.model.metadata = [entry]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


WEIGHTS = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
WEIGHTS -= WEIGHTS.mean(axis=0)


def model(
    *, dtype: str = "FLOAT32", quantised: tuple[float, int] | None = None, out: tuple[float, int] | None = None,
    single: bool = False, metadata: bytes = b"", channels: int = 3,
) -> bytes:  # fmt: skip
    """A linear classifier of a picture's mean colour: 5 classes, or one probability."""
    made, n = Made(), 1 if single else 5
    source = made.tensor("pictures", [1, SIDE, SIDE, channels], dtype, quantised=quantised)
    colours = source
    if dtype != "FLOAT32":
        colours = made.tensor("real", [1, SIDE, SIDE, channels])
        made.operator("DEQUANTIZE", [source], colours)
    axes = made.tensor("axes", [2], "INT32", values=np.array([1, 2], np.int32))
    mean, scores = made.tensor("mean", [1, channels]), made.tensor("scores", [1, n])
    weights = made.tensor("weights", [n, channels], values=WEIGHTS[:n, :channels])
    made.operator("MEAN", [colours, axes], mean, "ReducerOptions")
    made.operator("FULLY_CONNECTED", [mean, weights, -1], scores, "FullyConnectedOptions")
    last = scores
    if single:
        last = made.tensor("probability", [1, n])
        made.operator("LOGISTIC", [scores], last)
    if out:
        last = made.tensor("stored", [1, n], dtype, quantised=out)
        made.operator("QUANTIZE", [scores], last)
    return made.content(source, last, metadata)
