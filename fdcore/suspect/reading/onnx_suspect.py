"""ONNX graphs as suspects, queried through ONNX Runtime on the CPU."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnx import ModelProto, numpy_helper
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from fdcore.errors import SuspectError
from fdcore.progress import Progress, silent
from fdcore.suspect.preprocess import NORMALISATION, Layout, Origins, PreprocessSpec, with_preset
from fdcore.suspect.reading.onnx_file import read_graph
from fdcore.suspect.reading.onnx_graph import Wiring, metadata, with_free_batch, with_outputs
from fdcore.suspect.reading.onnx_input import DEFAULT_SIDE, GraphInput, Head, head_of, picture_input
from fdcore.suspect.reading.onnx_outputs import Choice, GraphOutput, choose_output, tensor_to_read
from fdcore.suspect.reading.weights import fingerprint_of_arrays
from fdcore.suspect.suspect import Labels, Pictures, Suspect, batch_size_for, filled

RUNTIME_ERRORS: tuple[type[Exception], ...] = (
    runtime.Fail, runtime.InvalidArgument, runtime.InvalidGraph, runtime.InvalidProtobuf, runtime.NotImplemented,
    runtime.RuntimeException, runtime.EPFail, runtime.EngineError, runtime.NoModel, runtime.NoSuchFile,
    RuntimeError, ValueError, MemoryError,
)  # fmt: skip
N_CHECKED = 12
# As PyTorch takes it, which ONNX Runtime does not; 0 for every core. Read here, as a cell has no environment.
N_THREADS = int(text) if (text := os.environ.get("OMP_NUM_THREADS", "")).isdecimal() else 0
USUAL_SIDES = (DEFAULT_SIDE, 32, 28)  # pixels
GUESSED = "assumed"  # the reason for a preset that nothing in the file supports


@dataclass(frozen=True)
class OpenGraph:
    """A graph that has answered a first batch.

    Attributes:
        source, answer: its input, and how a class is read from it.
        n_classes: classes that the answers distinguish.
        spec: the input it expects, as far as the file specifies it.
        normalisation: where the spec's normalisation comes from, for people.
        batch_size: how many pictures to send at once.
        origins: how each part is known.
        notes: what was assumed, for people.
        arch: part of the fingerprint; it names the output if the analyst did.
        weights: the fingerprint of its initialisers, as in `Suspect`.
    """

    session: onnxruntime.InferenceSession
    source: GraphInput
    answer: GraphOutput
    n_classes: int
    spec: PreprocessSpec
    normalisation: str
    batch_size: int
    origins: Origins
    notes: tuple[str, ...] = ()
    arch: str = "onnx"
    weights: str = ""
    title: ClassVar[str] = "ONNX graph"

    def suspect(self, spec: PreprocessSpec, *, fingerprint: str, description: str, device: str) -> Suspect:
        """The graph as a suspect; it runs on the CPU whatever the device."""
        return OnnxSuspect(self, spec, fingerprint=fingerprint, description=description)


class OnnxSuspect(Suspect):
    """A graph in ONNX Runtime.

    Every batch is filled up to `batch_size`, as with PyTorch networks; a graph with a fixed batch size is queried in
    blocks of that size.
    """

    def __init__(self, graph: OpenGraph, spec: PreprocessSpec, *, fingerprint: str, description: str) -> None:
        self._session, self._output = graph.session, graph.answer
        self._source = replace(graph.source, layout=spec.layout)
        self.spec, self.n_classes, self.batch_size = spec, graph.n_classes, graph.batch_size
        self.fingerprint, self.description = fingerprint, description
        self._scale, self._shift = spec.affine()

    def _answer(self, pictures: Pictures) -> Labels:
        return self._output.labels(self.outputs(pictures))

    def outputs(self, pictures: Pictures) -> npt.NDArray[Any]:
        """The graph's output for at most `batch_size` pictures; it stays within this module."""
        inputs = self._prepared(filled(pictures, self.batch_size))
        (values,) = _run(self._session, self._source, inputs, [self._output.name])
        if len(values) != self.batch_size:
            raise SuspectError(f"The graph gave {len(values)} answers for {self.batch_size} pictures.")
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
    model: Path | ModelProto,
    *,
    height: int | None = None,
    width: int | None = None,
    n_classes: int | None = None,
    output: str | None = None,
    layout: Layout | None = None,
    progress: Progress = silent,
) -> OpenGraph:
    """Check a graph, find its input and output, and free its batch size if that changes no answer.

    Args:
        model: an ONNX file, or its checked graph.
        height, width: for an input of free size.
        n_classes: for a graph that answers class numbers only.
        output: the output to read; None to find it.
        layout: the order of flat values; None to assume it.
        progress: notified of each picture sent to check a freed batch size.

    Raises:
        SuspectError: the graph cannot be opened or is not a classifier of pictures.
    """
    model = read_graph(model) if isinstance(model, Path) else model
    wiring = Wiring.of(model)
    tensors = {name: tensor_to_read(wiring, name) for name in named_outputs(model, output)}
    model = with_outputs(model, list(tensors.values()))
    session = start(model)
    source, choice = _try_sizes(model, session, (height, width), lambda sized: choose_output(
        model, wiring, _first_values(session, sized, tensors), n_classes))  # fmt: skip
    head = head_of(wiring, source.name)
    if source.order_is_open:
        source = replace(source, layout=layout or head.layout or source.layout)
    spec, normalisation, origins = _guess_spec(model, source, head)
    origins = origins.known("file" if choice.reading.counted else "options", "n_classes")
    origins = origins.known("options" if output else choice.origin, "output")
    notes = (*_notes(model, source, head, layout_is_given=layout is not None), *choice.notes)
    graph = OpenGraph(
        session, source, choice.reading, choice.reading.n_classes or 0, spec, normalisation,
        source.batch or batch_size_for(spec), origins, notes, f"onnx:{output}" if output else "onnx",
        fingerprint_of_arrays(map(numpy_helper.to_array, model.graph.initializer)),
    )  # fmt: skip
    if source.batch == 1 and not source.alone:
        return _freed(model, graph, progress)
    if source.batch is not None:
        blocks = f"in blocks of {source.batch}" if source.batch > 1 else "one picture at a time"
        return replace(graph, notes=(*notes, f"queried {blocks}, as fixed by the file"))
    return graph


def named_outputs(model: ModelProto, output: str | None) -> list[str]:
    """The outputs among which the answer is sought: the one that the analyst names, or all."""
    names = [value.name for value in model.graph.output]
    if output is not None and output not in names:
        raise SuspectError(
            f"The graph has no output {output!r}; its outputs are {', '.join(names[:20])}.", key="unknown output"
        )
    return names if output is None else [output]


def _notes(model: ModelProto, source: GraphInput, head: Head, *, layout_is_given: bool) -> tuple[str, ...]:
    """What was found and assumed about the input, for people."""
    notes = [f"written by {model.producer_name}"] if model.producer_name else []
    if source.named:
        notes.append(f"size {source.height}x{source.width} as its metadata say")
    if source.order_is_open and not layout_is_given:
        order = "pixel by pixel (NHWC)" if source.layout == "NHWC" else "channel by channel (NCHW)"
        notes.append(f"its flat values are assumed to run {order}; the other order can be set as its layout")
    if head.flips:
        notes.append("it reverses the order of the colour channels itself")
    return tuple(notes)


def start(model: ModelProto | bytes) -> onnxruntime.InferenceSession:
    """A session on the CPU; bytes are a serialised model.

    Raises:
        SuspectError: ONNX Runtime refuses the graph.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = N_THREADS
    options.add_session_config_entry("session.load_model_format", "ONNX")
    # Threads that wait by spinning would take a processor from the parent, which prepares the next batch meanwhile.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        content = model if isinstance(model, bytes) else model.SerializeToString()
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except RUNTIME_ERRORS as error:
        raise SuspectError(
            f"ONNX Runtime cannot open the graph: {short(error)}. Ask for a new export.", key="runtime refuses graph"
        ) from error


def _run(
    session: onnxruntime.InferenceSession, source: GraphInput, inputs: npt.NDArray[Any], tensors: Sequence[str]
) -> list[npt.NDArray[Any]]:
    """Some outputs for one batch, (N, ...) also of a graph whose answer to one picture has no batch axis."""
    try:
        found = [np.asarray(values) for values in session.run(tensors, {source.name: inputs})]
    except RUNTIME_ERRORS as error:
        message = f"The graph fails on pictures of shape {inputs.shape}: {short(error)}."
        raise SuspectError(message, key="graph fails") from error
    return [values[None] if source.batch == 1 and values.shape[:1] != (1,) else values for values in found]


def short(error: Exception) -> str:
    """The first line of a runtime's message."""
    return str(error).strip().partition("\n")[0][:300]


def _try_sizes(
    model: ModelProto, session: onnxruntime.InferenceSession, size: tuple[int | None, int | None],
    choose: Callable[[GraphInput], Choice],
) -> tuple[GraphInput, Choice]:  # fmt: skip
    """The input and output; if neither file nor analyst fixes the size, the first usual size that works is taken."""
    source = picture_input(model, *size)
    if not source.assumed:
        return source, choose(source)
    for side in USUAL_SIDES:
        try:
            sized = replace(source, height=side, width=side)
            return sized, choose(sized)
        except SuspectError as error:
            if error.key == "number of classes needed":  # which no size would show
                raise
            reason = error
    raise SuspectError(
        f"The graph does not fix its input size, and the sides {USUAL_SIDES} do not work. Give height and width. "
        f"{reason}",
        key="size needed",
    )


def _first_values(
    session: onnxruntime.InferenceSession, source: GraphInput, tensors: Mapping[str, str]
) -> dict[str, tuple[str, npt.NDArray[Any]]]:
    """Output -> the tensor that is read for it, and its values for a first batch."""
    batch = source.batch or 2
    pictures = np.resize(_test_pictures(source), (batch, source.height, source.width, source.channels))
    inputs = source.arranged(pictures).astype(source.dtype)
    kinds = {output.name: output.type for output in session.get_outputs()}
    readable = {output: tensor for output, tensor in tensors.items() if kinds[tensor].startswith("tensor(")}
    values = _run(session, source, inputs, list(readable.values())) if readable else []
    found = zip(readable.items(), values, strict=True)
    return {output: (tensor, of_batch) for (output, tensor), of_batch in found if of_batch.shape[:1] == (batch,)}


def _guess_spec(model: ModelProto, source: GraphInput, head: Head) -> tuple[PreprocessSpec, str, Origins]:
    """The input that the graph expects, with the reason and the origins; the file seldom specifies all of it."""
    zeros, ones = (0.0,) * source.channels, (1.0,) * source.channels
    spec = PreprocessSpec(source.height, source.width, source.channels, source.layout, mean=zeros, std=ones)
    preset, reason = _guess_preset(model, source, head)
    origins = Origins().known("file", "architecture", "channels")
    if not source.order_is_open:
        origins = origins.known("file", "layout")
    if not source.assumed:
        origins = origins.known("file", "height", "width")
    if reason != GUESSED:
        origins = origins.known("file", *NORMALISATION)
    if metadata(model).get("Image.BitmapPixelFormat", "").lower().startswith("bgr") and source.channels == 3:
        spec, origins = replace(spec, order="BGR"), origins.known("file", "order")
    return with_preset(spec, preset), f"{preset} normalisation ({reason})", origins


def _guess_preset(model: ModelProto, source: GraphInput, head: Head) -> tuple[str, str]:
    if source.dtype == np.uint8:
        return "bytes", "its input is uint8"
    named = metadata(model).get("Image.NominalPixelRange", "")
    ranges = {"NominalRange_0_255": "bytes", "Normalized_0_1": "unit", "Normalized_1_1": "signed"}
    if named in ranges:
        return ranges[named], "as the file specifies"
    if head.value_range is not None:
        return head.value_range, "inferred from the arithmetic at its input"
    return "unit", GUESSED


def _freed(model: ModelProto, graph: OpenGraph, progress: Progress) -> OpenGraph:
    """The graph with a free batch size if the answers stay the same, else the graph unchanged."""
    try:
        session = start(with_free_batch(model))
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
