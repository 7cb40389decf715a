"""Files that bring their own computation: TorchScript, torch.export, TensorFlow Lite and Keras.

The reader of a format hands over a function from values to outputs; finding the input that it takes, the output that it
answers with and how many pictures it takes at once is the same for all of them.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from fdcore.errors import SuspectError
from fdcore.suspect.preprocess import Layout, Origins, PreprocessSpec
from fdcore.suspect.reading.onnx_outputs import GraphOutput
from fdcore.suspect.suspect import Labels, Pictures, Suspect, batch_size_for, filled

USUAL_SIDES = (224, 32, 28, 64, 96, 128, 299)  # pixels
N_TRIED = 4  # pictures
N_SHOWN = 5
MAX_REASON = 300  # characters
_COLOURS = re.compile(r"\x1b\[\d*m")
_ASIDE = ("Arguments received by", "Exception encountered", "\N{BULLET}")  # around what Keras says

Shape = tuple[int | None, int | None]
Values = npt.NDArray[Any]
Run = Callable[[Values], Mapping[str, Values]]
"""From (N, C, H, W) or (N, H, W, C) float32 to the outputs by name; SuspectError where it fails."""


@dataclass(frozen=True)
class Source:
    """What a reader makes of its format.

    Attributes:
        run: the computation.
        arch, title: the format as a part of the suspect's identity, and for people.
        specs: the inputs that it may take, the likeliest first; one where the file fixes it.
        normalisation: where the specs' normalisation comes from, for people.
        batch: how many pictures it takes at once, where the file fixes that.
        known: the parts of the input that the file specifies.
        sigmoid: whether an output of one number is a probability.
        notes: what was assumed or chosen, for people.
        tables: what may hold class names: key -> list, table or text.
        weights: their fingerprint, as in `Suspect`; empty where the file does not hold them as tensors.
    """

    run: Run
    arch: str
    title: str
    specs: Sequence[PreprocessSpec]
    normalisation: str
    batch: int | None = None
    known: tuple[str, ...] = ()
    sigmoid: bool = False
    notes: tuple[str, ...] = ()
    tables: tuple[Mapping[Any, Any], ...] = ()
    weights: str = ""


@dataclass(frozen=True)
class Program:
    """A file's own computation, which has answered a first batch.

    Attributes:
        source: as its reader found it.
        answer: the output that is read.
        spec: the input it expects, as far as the file specifies it.
        batch_size: how many pictures to send at once.
        origins: how each part is known.
        notes: what was assumed or chosen, for people.
    """

    source: Source
    answer: GraphOutput
    spec: PreprocessSpec
    batch_size: int
    origins: Origins
    notes: tuple[str, ...]

    @property
    def arch(self) -> str:
        """The format, a part of the suspect's identity."""
        return self.source.arch

    @property
    def title(self) -> str:
        """The format, for people."""
        return self.source.title

    @property
    def normalisation(self) -> str:
        """Where the spec's normalisation comes from, for people."""
        return self.source.normalisation

    @property
    def n_classes(self) -> int:
        """Classes that the answers distinguish."""
        assert self.answer.n_classes is not None  # noqa: S101 - a program is asked only once it is known
        return self.answer.n_classes

    def suspect(self, spec: PreprocessSpec, *, fingerprint: str, description: str, device: str) -> Suspect:
        """The program as a suspect; it runs on the CPU whatever the device."""
        return ProgramSuspect(self, spec, fingerprint=fingerprint, description=description)


class ProgramSuspect(Suspect):
    """A program that is asked in full batches, so that an answer does not depend on how many others are asked."""

    def __init__(self, program: Program, spec: PreprocessSpec, *, fingerprint: str, description: str) -> None:
        self._program = program
        self.spec, self.n_classes, self.batch_size = spec, program.n_classes, program.batch_size
        self.fingerprint, self.description = fingerprint, description
        if (spec.height, spec.width) != (program.spec.height, program.spec.width):  # another size than was tried
            self._answer(np.zeros((1, spec.height, spec.width, spec.channels), np.uint8))

    def _answer(self, pictures: Pictures) -> Labels:
        program = self._program
        outputs = asked(program.source.run, self.spec, filled(pictures, self.batch_size))
        return program.answer.labels(outputs[program.answer.name][: len(pictures)])


def asked(run: Run, spec: PreprocessSpec, pictures: Pictures) -> Mapping[str, Values]:
    """The outputs for N pictures (N, H, W, C) uint8, each with N rows; others are left out.

    Raises:
        SuspectError: it fails, or gives no output with a row for each picture.
    """
    outputs = run(arranged(pictures, spec))
    rows = {name: values for name, values in outputs.items() if values.ndim and len(values) == len(pictures)}
    if not rows:
        shapes = [f"{name} {values.shape}" for name, values in outputs.items()][:N_SHOWN]
        raise SuspectError(
            f"None of its outputs ({', '.join(shapes)}) has an answer for each of {len(pictures)} pictures.",
            key="wrong number of answers",
        )
    return rows


def arranged(pictures: Pictures, spec: PreprocessSpec) -> Values:
    """From (N, H, W, C) uint8 to float32 in the spec's layout, order and range."""
    if spec.order == "BGR":
        pictures = pictures[..., ::-1]
    scale, shift = spec.affine()
    values = pictures.astype(np.float32)
    values *= scale
    values += shift
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2)) if spec.layout == "NCHW" else values


def open_program(source: Source, n_classes: int | None = None) -> Program:
    """Find the input that a program takes, the output it answers with, and how many pictures it takes at once.

    Raises:
        SuspectError: it takes no picture, or is not a classifier.
    """
    spec, taken = _first_taken(source)
    outputs = asked(source.run, spec, some_pictures(spec, taken))
    answer, chosen = find_answer(outputs, n_classes=n_classes, sigmoid=source.sigmoid)
    batch_size, batching = _batch_size(source, spec, answer, taken)
    fixed = len(source.specs) == 1
    origins = Origins().known("file", "architecture", "n_classes", "channels", "layout", *source.known)
    origins = origins.known("file", *(("height", "width") if fixed else ()))
    if answer.kind == "labels":  # class numbers do not show how many classes there are
        origins = origins.known("options", "n_classes")
    return Program(source, answer, spec, batch_size, origins, (*source.notes, *chosen, *batching))


def input_specs(name: str, shapes: Sequence[Sequence[int | None]], given: Shape, usual: Layout) -> list[PreprocessSpec]:
    """The inputs to try, in 0..1, of a program that states the shapes of its inputs.

    Args:
        name: the file's, for messages.
        shapes: of each input; None for what is left open.
        given: the height and width that the analyst gives, where the file leaves them open.
        usual: the layout, unless only the other one fits.

    Raises:
        SuspectError: it takes something else than one batch of colour or grey pictures.
    """
    dims = tuple(shapes[0])[1:] if len(shapes) == 1 else ()
    other: Layout = "NHWC" if usual == "NCHW" else "NCHW"
    for layout in (usual, other):
        channels, height, width = (dims if layout == "NCHW" else (dims[2], *dims[:2])) if len(dims) == 3 else (0, 0, 0)
        if channels in (1, 3) or (channels is None and layout == usual):
            return specs_of((height or given[0], width or given[1]), USUAL_SIDES, (channels or 3,), layout)
    stated = ", ".join(f"({', '.join('any' if side is None else str(side) for side in shape)})" for shape in shapes)
    raise SuspectError(
        f"{name} takes {len(shapes)} inputs of shapes {stated}; one batch of colour or grey pictures was expected.",
        key="not a picture",
    )


def specs_of(shape: Shape, sides: Iterable[int], channels: Iterable[int], layout: Layout) -> list[PreprocessSpec]:
    """The inputs to try, in 0..1.

    Args:
        shape: height and width; None where they are open.
        sides: what to try for an open height or width.
    """
    height, width = shape
    sizes = [(height or width or side, width or height or side) for side in (sides if None in shape else (0,))]
    found = dict.fromkeys((n, *size) for n in channels for size in sizes)
    return [PreprocessSpec(h, w, n, layout, mean=(0.0,) * n, std=(1.0,) * n) for n, h, w in found]


def _first_taken(source: Source) -> tuple[PreprocessSpec, int]:
    """The first input that the program answers, and how many pictures it took at once."""
    first: SuspectError | None = None
    for spec in source.specs:
        for n in (N_TRIED, 1) if source.batch is None else (source.batch,):
            try:
                asked(source.run, spec, some_pictures(spec, n))
            except SuspectError as error:
                first = first or error
            else:
                return spec, n
    raise SuspectError(
        f"It takes no picture of {'that' if len(source.specs) == 1 else 'any usual'} size: {first} If it is a "
        "classifier of pictures, give the height and width that it was trained with.",
        key="size not taken",
    )


def some_pictures(spec: PreprocessSpec, n: int) -> Pictures:
    """(n, H, W, C): fields of many colours with noise, the same on every call."""
    generator = np.random.default_rng(0)
    shape = (n, spec.height, spec.width, spec.channels)
    fields = generator.uniform(0, 255, (n, 1, 1, spec.channels)) + generator.normal(0, 60, shape)
    return fields.clip(0, 255).astype(np.uint8)


def find_answer(
    outputs: Mapping[str, Values], *, n_classes: int | None, sigmoid: bool
) -> tuple[GraphOutput, tuple[str, ...]]:
    """The first output that has a score for each class, else class numbers, else one number for two classes.

    Args:
        outputs: each (N, ...).
        n_classes: of a program that answers class numbers.
        sigmoid: whether a single number is a probability.

    Returns:
        The answer, and a note where there was a choice.

    Raises:
        SuspectError: there is none.
    """
    found = [reading for name, values in outputs.items() if (reading := _reading(name, values, n_classes, sigmoid))]
    shapes = [f"{name} {values.shape}" for name, values in outputs.items()][:N_SHOWN]
    if not found:
        whole = any(np.issubdtype(values.dtype, np.integer) for values in outputs.values())
        raise SuspectError(
            f"None of its outputs ({', '.join(shapes)}) is one score for each class; a classifier was expected."
            + (" If it answers class numbers, give the number of classes." if whole else ""),
            key="number of classes needed" if whole else "not a classifier",
        )
    order = ("scores", "labels", "logit")
    answer = min(found, key=lambda reading: order.index(reading.kind))
    notes = (f"of its outputs ({', '.join(shapes)}), {answer.name} is read",) if len(outputs) > 1 else ()
    if answer.kind == "logit":
        notes = (*notes, f"its single output means class 1 above {answer.threshold:g}")
    return answer, notes


def _reading(name: str, values: Values, n_classes: int | None, sigmoid: bool) -> GraphOutput | None:
    rest = [side for side in values.shape[1:] if side != 1]
    if len(rest) > 1:
        return None
    if np.issubdtype(values.dtype, np.integer):
        return GraphOutput(name, n_classes, "labels") if n_classes and not rest else None
    if not np.issubdtype(values.dtype, np.floating):
        return None
    return GraphOutput(name, rest[0], "scores") if rest else GraphOutput(name, 2, "logit", 0.5 if sigmoid else 0.0)


def _batch_size(source: Source, spec: PreprocessSpec, answer: GraphOutput, taken: int) -> tuple[int, tuple[str, ...]]:
    """How many pictures to send at once, and a note where that is not the usual number.

    Several at once are sent only if they get the answers that they get alone.
    """
    if source.batch is not None:
        alone = "one picture at a time" if taken == 1 else f"in blocks of {taken}"
        return taken, (f"queried {alone}, as fixed by the file",)
    if taken > 1 and _same_alone(source.run, spec, answer):
        return batch_size_for(spec), ()
    return 1, ("queried one picture at a time, because it does not answer several at once as it does alone",)


def _same_alone(run: Run, spec: PreprocessSpec, answer: GraphOutput) -> bool:
    pictures = some_pictures(spec, N_TRIED)
    together = asked(run, spec, pictures)[answer.name]
    try:
        alone = np.concatenate([asked(run, spec, pictures[i : i + 1])[answer.name] for i in range(N_TRIED)])
    except (SuspectError, KeyError, ValueError):  # one at a time fails, or has other outputs
        return False
    tolerance = 1e-3 * float(np.abs(together).max(initial=1e-6))
    return together.shape == alone.shape and np.allclose(together, alone, rtol=1e-3, atol=tolerance, equal_nan=True)


def named_outputs(value: Any, name: str = "output") -> dict[str, Values]:
    """The tensors that a PyTorch module returns, in their order, those in lists and tables by number and key."""
    if isinstance(value, Tensor):
        return {name: (value.float() if value.is_floating_point() else value).cpu().numpy()}
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list | tuple) else ()
    return {key: one for at, part in inner for key, one in named_outputs(part, f"{name} {at}").items()}


def failed(values: Values, error: BaseException) -> SuspectError:
    """The error for a program that does not take an input."""
    return SuspectError(f"It fails on an input of shape {values.shape}: {short(error)}.", key="graph fails")


def short(error: BaseException) -> str:
    """The last line that says something of a runtime's message; the lines before it are its trace."""
    lines = [_COLOURS.sub("", line).strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith(_ASIDE)]
    return (said[-1] if said else type(error).__name__)[:MAX_REASON].rstrip(".")
