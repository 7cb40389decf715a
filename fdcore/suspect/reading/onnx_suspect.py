"""ONNX graphs as suspects, queried through ONNX Runtime on the CPU."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnx import ModelProto
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from fdcore.errors import SuspectError
from fdcore.progress import Progress, silent
from fdcore.suspect.preprocess import NORMALISATION, Layout, Origins, PreprocessSpec, with_preset
from fdcore.suspect.reading import onnx_graph
from fdcore.suspect.reading.onnx_graph import GraphInput
from fdcore.suspect.suspect import Labels, Pictures, Suspect, batch_size_for, filled, hard_labels

RUNTIME_ERRORS: tuple[type[Exception], ...] = (
    runtime.Fail, runtime.InvalidArgument, runtime.InvalidGraph, runtime.InvalidProtobuf, runtime.NotImplemented,
    runtime.RuntimeException, runtime.EPFail, runtime.EngineError, runtime.NoModel, runtime.NoSuchFile,
    RuntimeError, ValueError, MemoryError,
)  # fmt: skip
N_CHECKED = 12
USUAL_SIDES = (onnx_graph.DEFAULT_SIDE, 32, 28)  # pixels
GUESSED = "assumed"  # the reason for a preset that nothing in the file supports
SCORE_NAMES = ("logit", "prob", "score", "softmax", "output", "class", "pred")

Scores = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class GraphOutput:
    """How an answer is read from a graph's outputs.

    Attributes:
        kind: "scores" (N, n_classes), "logit" (one number, class 1 above `threshold`) or "labels" (class numbers).
    """

    name: str
    n_classes: int
    kind: str
    threshold: float = 0.0

    def labels(self, values: npt.NDArray[Any]) -> Labels:
        """(N,) class numbers from the output of N pictures."""
        if self.kind == "labels":
            return values.reshape(len(values)).astype(np.int64)
        if self.kind == "logit":
            number = values.reshape(len(values), 1).astype(np.float64) - self.threshold
            return hard_labels(np.concatenate([np.zeros_like(number), number], axis=1))
        return hard_labels(values.reshape(len(values), self.n_classes))


@dataclass(frozen=True)
class OpenGraph:
    """A graph that has answered a first batch.

    Attributes:
        source, answer: its input and output.
        spec: the input it expects, as far as the file specifies it.
        normalisation: where the spec's normalisation comes from, for people.
        batch_size: how many pictures to send at once.
        origins: how each part is known.
        notes: what was assumed, for people.
    """

    session: onnxruntime.InferenceSession
    source: GraphInput
    answer: GraphOutput
    spec: PreprocessSpec
    normalisation: str
    batch_size: int
    origins: Origins
    notes: tuple[str, ...] = ()
    title: ClassVar[str] = "ONNX graph"
    arch: ClassVar[str] = "onnx"

    @property
    def n_classes(self) -> int:
        """Classes that the answers distinguish."""
        return self.answer.n_classes

    def suspect(self, spec: PreprocessSpec, *, fingerprint: str, description: str, device: str) -> Suspect:
        """The graph as a suspect; it runs on the CPU whatever the device."""
        return OnnxSuspect(self, spec, fingerprint=fingerprint, description=description)


class OnnxSuspect(Suspect):
    """A graph in ONNX Runtime.

    Every batch is filled up to `batch_size`, as with PyTorch networks; a graph with a fixed batch size is queried in
    blocks of that size.
    """

    def __init__(self, graph: OpenGraph, spec: PreprocessSpec, *, fingerprint: str, description: str) -> None:
        self._session, self._source, self._output = graph.session, graph.source, graph.answer
        self.spec, self.n_classes, self.batch_size = spec, graph.answer.n_classes, graph.batch_size
        self.fingerprint, self.description = fingerprint, description
        self._scale, self._shift = spec.affine()

    def _answer(self, pictures: Pictures) -> Labels:
        return self._output.labels(self.outputs(pictures))

    def outputs(self, pictures: Pictures) -> npt.NDArray[Any]:
        """The graph's output for at most `batch_size` pictures; it stays within this module."""
        inputs = self._prepared(filled(pictures, self.batch_size))
        values = _run(self._session, self._source.name, inputs, self._output.name)
        if len(values) != len(inputs):
            raise SuspectError(f"The graph gave {len(values)} answers for {len(inputs)} pictures.")
        return values[: len(pictures)]

    def _prepared(self, pictures: Pictures) -> npt.NDArray[Any]:
        """From (N, H, W, C) uint8 to the graph's layout, type and range."""
        if self.spec.order == "BGR":
            pictures = pictures[..., ::-1]
        if self._source.dtype == np.uint8:
            return self._source.arranged(pictures)
        x = pictures.astype(np.float32)
        x *= self._scale
        x += self._shift
        return self._source.arranged(x).astype(self._source.dtype, copy=False)


def open_graph(
    path: Path,
    *,
    height: int | None = None,
    width: int | None = None,
    n_classes: int | None = None,
    progress: Progress = silent,
) -> OpenGraph:
    """Check a graph, find its input and output, and free its batch size if that changes no answer.

    Args:
        path: an ONNX file.
        height, width: for an input of free size.
        n_classes: for a graph that answers class numbers only.
        progress: notified of each picture sent to check a freed batch size.

    Raises:
        SuspectError: the graph cannot be opened or is not a classifier of pictures.
    """
    model = onnx_graph.read_graph(path)
    session = start(model)
    source, answer = _try_sizes(model, session, (height, width), n_classes)
    spec, normalisation, origins = _guess_spec(model, source)
    if not source.assumed:
        origins = origins.known("file", "height", "width")
    if answer.kind == "labels":  # class numbers do not show how many classes there are
        origins = origins.known("options", "n_classes")
    notes = (f"written by {model.producer_name}",) if model.producer_name else ()
    if source.assumed:
        notes = (*notes, f"size {source.height}x{source.width} assumed, not fixed by the file")
    graph = OpenGraph(
        session, source, answer, spec, normalisation, source.batch or batch_size_for(spec), origins, notes
    )
    if source.batch == 1:
        return _freed(model, graph, progress)
    if source.batch is not None:
        return replace(graph, notes=(*notes, f"queried in blocks of {source.batch}, as fixed by the file"))
    return graph


def start(model: ModelProto) -> onnxruntime.InferenceSession:
    """A session on the CPU.

    Raises:
        SuspectError: ONNX Runtime refuses the graph.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except RUNTIME_ERRORS as error:
        raise SuspectError(
            f"ONNX Runtime cannot open the graph: {_short(error)}. Ask for a new export.", key="runtime refuses graph"
        ) from error


def _run(session: onnxruntime.InferenceSession, name: str, inputs: npt.NDArray[Any], output: str) -> npt.NDArray[Any]:
    """One output for one batch."""
    try:
        values: npt.NDArray[Any] = session.run([output], {name: inputs})[0]
    except RUNTIME_ERRORS as error:
        message = f"The graph fails on pictures of shape {inputs.shape}: {_short(error)}."
        raise SuspectError(message, key="graph fails") from error
    return values


def _short(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]


def _try_sizes(
    model: ModelProto, session: onnxruntime.InferenceSession, size: tuple[int | None, int | None], n_classes: int | None
) -> tuple[GraphInput, GraphOutput]:
    """The input and output; if neither file nor analyst fixes the size, the first usual size that works is taken."""
    source = onnx_graph.picture_input(model, *size)
    if not source.assumed:
        return source, _find_output(model, session, source, n_classes)
    for side in USUAL_SIDES:
        try:
            sized = replace(source, height=side, width=side)
            return sized, _find_output(model, session, sized, n_classes)
        except SuspectError as error:
            reason = error
    raise SuspectError(
        f"The graph does not fix its input size, and the sides {USUAL_SIDES} do not work. Give height and width. "
        f"{reason}",
        key="size needed",
    )


def _find_output(
    model: ModelProto, session: onnxruntime.InferenceSession, source: GraphInput, n_classes: int | None
) -> GraphOutput:
    """The output to read, chosen by the shapes that a first batch gives.

    Scores are preferred to labels and labels to a single number; among several, one with a usual name is preferred.
    """
    batch = source.batch or 2
    pictures = np.resize(_test_pictures(source), (batch, source.height, source.width, source.channels))
    inputs = source.arranged(pictures).astype(source.dtype)
    found = []
    for output in session.get_outputs():
        if not output.type.startswith("tensor("):  # a sequence or map beside labels, as scikit-learn exports them
            continue
        values = _run(session, source.name, inputs, output.name)
        reading = _reading(model, output.name, values, n_classes)
        if reading is not None and len(values) == len(inputs):
            found.append(reading)
    if not found:
        shapes = [f"{output.name} {output.shape}" for output in session.get_outputs()]
        has_labels = any(output.type == "tensor(int64)" for output in session.get_outputs())
        hint = " If it outputs class numbers, give the number of classes." if has_labels else ""
        raise SuspectError(
            f"None of the graph's outputs ({', '.join(shapes[:5])}) is one score for each class; a classifier was "
            f"expected.{hint} Otherwise wrap it as a Python callable that reduces its outputs to class numbers.",
            key="number of classes needed" if has_labels else "not a classifier",
        )
    order = ("scores", "labels", "logit")
    return min(found, key=lambda r: (order.index(r.kind), not any(n in r.name.lower() for n in SCORE_NAMES)))


def _reading(model: ModelProto, name: str, values: npt.NDArray[Any], n_classes: int | None) -> GraphOutput | None:
    batch, *rest = values.shape or (0,)
    n_values = int(np.prod(rest))
    if batch == 0 or sum(side > 1 for side in rest) > 1:
        return None
    if np.issubdtype(values.dtype, np.integer):
        return GraphOutput(name, n_classes, "labels") if n_values == 1 and n_classes else None
    if not np.issubdtype(values.dtype, np.floating):
        return None
    if n_values >= 2:
        return GraphOutput(name, n_values, "scores")
    last = next((node.op_type for node in model.graph.node if name in node.output), "")
    return GraphOutput(name, 2, "logit", 0.5 if last == "Sigmoid" else 0.0)


def _guess_spec(model: ModelProto, source: GraphInput) -> tuple[PreprocessSpec, str, Origins]:
    """The input that the graph expects, with the reason and the origins; the file seldom specifies all of it."""
    zeros, ones = (0.0,) * source.channels, (1.0,) * source.channels
    layout: Layout = "NHWC" if source.axes == "NHWC" else "NCHW"
    spec = PreprocessSpec(source.height, source.width, source.channels, layout, mean=zeros, std=ones)
    preset, reason = _guess_preset(model, source)
    origins = Origins().known("file", "architecture", "n_classes", "channels", "layout")
    if reason != GUESSED:
        origins = origins.known("file", *NORMALISATION)
    if _metadata(model).get("Image.BitmapPixelFormat", "").lower().startswith("bgr") and source.channels == 3:
        spec, origins = replace(spec, order="BGR"), origins.known("file", "order")
    return with_preset(spec, preset), f"{preset} normalisation ({reason})", origins


def _guess_preset(model: ModelProto, source: GraphInput) -> tuple[str, str]:
    if source.dtype == np.uint8:
        return "bytes", "its input is uint8"
    named = _metadata(model).get("Image.NominalPixelRange", "")
    ranges = {"NominalRange_0_255": "bytes", "Normalized_0_1": "unit", "Normalized_1_1": "signed"}
    if named in ranges:
        return ranges[named], "as the file specifies"
    at_head = onnx_graph.value_range_at_head(model, source.name)
    if at_head is not None:
        return at_head, "inferred from the arithmetic at its input"
    return "unit", GUESSED


def _metadata(model: ModelProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in model.metadata_props}


def _freed(model: ModelProto, graph: OpenGraph, progress: Progress) -> OpenGraph:
    """The graph with a free batch size if the answers stay the same, else the graph unchanged."""
    try:
        session = start(onnx_graph.with_free_batch(model))
        freed = replace(
            graph, session=session, source=replace(graph.source, batch=None), batch_size=batch_size_for(graph.spec)
        )
        agrees = _same_answers(graph, freed, progress)
    except SuspectError:
        agrees = False
    if agrees:
        return replace(freed, notes=(*graph.notes, "batch size freed from 1, checked for equal answers"))
    return replace(graph, notes=(*graph.notes, "queried one picture at a time, as fixed by the file"))


def _same_answers(fixed: OpenGraph, freed: OpenGraph, progress: Progress) -> bool:
    """Whether a batch gets the answers that its pictures get one by one, on noise and on drawn structure."""
    pictures = _test_pictures(fixed.source)
    one, many = (OnnxSuspect(graph, graph.spec, fingerprint="", description="") for graph in (fixed, freed))
    alone = []
    for i in range(N_CHECKED):
        progress("checking that a free batch size changes no answer", i, N_CHECKED)
        alone.append(one.outputs(pictures[i : i + 1]))
    singles = np.concatenate(alone)
    parts = [many.outputs(pictures[i : i + many.batch_size]) for i in range(0, N_CHECKED, many.batch_size)]
    together = np.concatenate(parts)
    if singles.shape != together.shape:
        return False
    tolerance = 1e-3 * float(np.abs(singles).max(initial=1e-6))
    close = np.allclose(singles, together, rtol=1e-3, atol=tolerance, equal_nan=True)
    if fixed.answer.kind == "labels" or not np.isfinite(singles).all():
        return bool(close)
    return bool(close and (fixed.answer.labels(singles) == fixed.answer.labels(together)).all())


def _test_pictures(source: GraphInput) -> Pictures:
    """(12, H, W, C): gradients, stripes, plain fields and noise, the same on every call."""
    generator = np.random.default_rng(0)
    shape = (source.height, source.width, source.channels)
    y, x = np.mgrid[0 : source.height, 0 : source.width].astype(np.float64)
    drawn = [x / source.width, y / source.height, (x + y) % 16 / 16, (x // 4 + y // 4) % 2, np.hypot(x, y) % 32 / 32]
    pictures = [np.repeat((255 * picture).astype(np.uint8)[..., None], source.channels, axis=2) for picture in drawn]
    pictures += [np.full(shape, level, dtype=np.uint8) for level in (0, 128, 255)]
    pictures += [generator.integers(0, 256, shape, dtype=np.uint8) for _ in range(N_CHECKED - len(pictures))]
    return np.stack(pictures)
