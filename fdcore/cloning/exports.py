"""A finished clone as files for others: safetensors, ONNX and a model card."""

import copy
import io
import json
import re
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

import safetensors
import safetensors.torch
import torch

from fdcore.cloning.evaluation import Evaluation
from fdcore.cloning.networks import PRESET, CloneNetwork, build_clone, without_auxiliary_heads
from fdcore.cloning.run import NETWORK, ClassTransfer, CloneRun
from fdcore.errors import SuspectError
from fdcore.suspect.architectures.registry import find, title
from fdcore.suspect.preprocess import PreprocessSpec

ONNX_OPSET = 17  # ONNX Runtime 1.13 (2022) and later read it
MAX_TEXT = 200  # characters of a name in a model card
N_CLASSES_SHOWN = 1_000
KINDS: tuple[Literal["onnx", "safetensors"], ...] = ("onnx", "safetensors")
_EXPORTING = threading.Lock()  # `_traceable` changes settings of the whole process
WHAT_IT_IS = (
    "This network was trained to imitate another one, an undocumented suspect, from nothing but the class numbers that "
    "the suspect returned. It is evidence about what the suspect recognises. It does not replace the suspect: on "
    "inputs on which the two were not compared, it is unknown whether they agree."
)


def save_weights(network: CloneNetwork, spec: PreprocessSpec) -> bytes:
    """The weights as safetensors, without normalisation and auxiliary heads.

    The file names its architecture, so that `fdcore.suspect.open.open_suspect(path, preset="signed")` opens it; an
    input size other than the architecture's usual one must be given (`open_command`).
    """
    size = f"{spec.height}x{spec.width}x{spec.channels}"
    metadata = {"format": "pt", "arch": network.arch, "preprocess": PRESET, "input": size}
    return _with_sorted_header(safetensors.torch.save(network.weights(), metadata=metadata))


def _with_sorted_header(content: bytes) -> bytes:
    """The same file with sorted metadata; the library writes the entries in a different order every time.

    A safetensors file begins with the length of its header, 8 bytes, and the header as JSON, padded with spaces.
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    return content[:8] + text.ljust(end - 8) + content[end:]


def load_weights(content: bytes, arch: str, n_classes: int, spec: PreprocessSpec) -> CloneNetwork:
    """The inverse of `save_weights`: a network in evaluation mode.

    Raises:
        SuspectError: the weights are damaged or belong to another network.
    """
    network = without_auxiliary_heads(build_clone(arch, n_classes, spec, seed=0))
    try:
        network.body.load_state_dict(safetensors.torch.load(content))
    except (safetensors.SafetensorError, RuntimeError, ValueError) as error:
        detail = str(error).partition("\n")[0][:MAX_TEXT]
        raise SuspectError(
            f"The weights are damaged, or do not belong to {title(arch)} with {n_classes} classes ({detail}). Train "
            "the clone again.",
            key="weights unusable",
        ) from error
    return network.eval()


def to_onnx(network: CloneNetwork, spec: PreprocessSpec) -> bytes:
    """The clone as an ONNX graph: "pictures" float32 (n, C, H, W) in 0..1 to "logits" (n, n_classes), for any n.

    PyTorch's older exporter is used, which needs no further package but does not support every operation.

    Raises:
        SuspectError: the exporter cannot write this network; only its weights can be exported.
    """
    if spec.kind == "text":
        raise SuspectError("A bag of words is not written as ONNX; its weights are safetensors.", key="no onnx")
    plain = without_auxiliary_heads(copy.deepcopy(network)).eval().to("cpu", memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # the stub lacks this form
    content = io.BytesIO()
    try:
        with _traceable(), torch.inference_mode():
            torch.onnx.export(
                plain,
                (torch.zeros(2, spec.channels, spec.height, spec.width),),
                content,  # type: ignore[arg-type]  # the older exporter writes to an open file too
                input_names=["pictures"],
                output_names=["logits"],
                dynamic_axes={"pictures": {0: "n"}, "logits": {0: "n"}},
                opset_version=ONNX_OPSET,
                dynamo=False,
            )
    except (RuntimeError, TypeError, ValueError, AttributeError, LookupError, AssertionError) as error:
        detail = str(error).partition("\n")[0][:MAX_TEXT]
        raise SuspectError(
            f"{title(network.arch)} cannot be written as ONNX ({detail}). Its weights are available as safetensors; "
            "for an ONNX file choose another architecture.",
            key="no onnx",
        ) from error
    return content.getvalue()


@contextmanager
def _traceable() -> Iterator[None]:
    """Let the exporter see only operations that it can write, and keep it silent.

    In inference PyTorch fuses attention into one operation, which ONNX lacks. On failure the exporter prints the whole
    graph to standard output, where a command's result belongs, and has no switch for that.
    """
    with _EXPORTING, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is a newer exporter, and which constants are not folded
        fused, log = torch.backends.mha.get_fastpath_enabled(), torch._C._jit_onnx_log
        torch.backends.mha.set_fastpath_enabled(False)
        torch._C._jit_onnx_log = lambda *args: None
        try:
            yield
        finally:
            torch._C._jit_onnx_log = log
            torch.backends.mha.set_fastpath_enabled(fused)


def open_command(arch: str, spec: PreprocessSpec, kind: Literal["safetensors", "onnx"]) -> str:
    """The command that investigates an exported clone as a suspect in its own right.

    Raises:
        SuspectError: no architecture has that name.
    """
    how = f"--arch {find(arch).name} --preprocess {PRESET} --input-size {spec.height}x{spec.width}"
    options = how if kind == "safetensors" else "--preprocess unit"
    return f"python -m fdcore investigate clone.{kind} {options} --corpus IMAGES --out CASE"


def model_card(
    run: CloneRun, evaluations: Mapping[str, Evaluation], facts: Mapping[str, str], spec: PreprocessSpec
) -> str:
    """What the clone was made from, how, and how good it is, as Markdown in which every name is inert.

    Args:
        run: the clone; if its `files` lack `clone.onnx`, the card says that there is none.
        evaluations: its answers, by the evaluation set's display name.
        facts: further lines for the top, name -> value, such as the suspect's description and the case's name.
        spec: the suspect's input.
    """
    shown, n_hidden = run.drawn.classes[:N_CLASSES_SHOWN], len(run.drawn.classes) - N_CLASSES_SHOWN
    parts = [
        f"# Clone of a suspect, made from: {inert(run.source.name)}",
        WHAT_IT_IS,
        _table(("", ""), [*facts.items(), *_origin(run), *_training(run)]),
        "## How good it is",
        *(_quality(name, evaluation) for name, evaluation in evaluations.items()),
        *([] if evaluations else ["It has not been tested yet."]),
        "## What it was trained on",
        run.diagnosis,
        *(f"- {inert(note)}" for note in run.drawn.notes),
        _table(("class", "found", "images", "further views", "of other leaves"), map(_class_row, shown)),
        *([f"{n_hidden:,} more classes are in the run's record."] if n_hidden > 0 else []),
        "## How to use it",
        *_how_to_use(run, spec),
        *(["## Hashes", _table(("file", "SHA-256"), sorted(run.files.items()))] if run.files else []),
    ]
    return "\n\n".join(parts) + "\n"


def inert(text: str) -> str:
    """A text from outside as plain words of Markdown: one line, no link, no image, no HTML."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    short = line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"
    escaped = re.sub(r"[\\`*_{}\[\]<>#|~!&@$]|^[-+=]", r"\\\g<0>", short)
    return re.sub(r"(?i)(www)\.", r"\1\\.", escaped.replace("://", r":\/\/"))  # both would become links


def _origin(run: CloneRun) -> list[tuple[str, str]]:
    choice = ", ".join(f"{key} {value}" for key, value in run.selection.items() if value is not None)
    return [
        ("Made", run.created),
        ("Source of its images", run.source.name),
        *([("Finding drawn with", choice)] if choice else []),
        ("Rows it learned from, further views included", f"{run.drawn.n_rows:,} of {run.transfer.total:,} requested"),
        ("Answers of the suspect that it rests on", f"{run.n_answers:,}, of which {run.n_sent:,} were sent for it"),
        ("Seeds", f"{run.transfer.seed} for the images, {run.training.seed} for the training"),
    ]


def _training(run: CloneRun) -> list[tuple[str, str]]:
    settings, held_out = run.training, run.best_agreement
    rounds = f", rounds of Jacobian-based augmentation: {settings.jacobian_rounds}" if settings.jacobian_rounds else ""
    done = f"epochs: {len(run.history)}{rounds}; the weights are those of epoch {run.best_epoch}"
    where = ", ".join(f"{key} {value}" for key, value in run.circumstances.items() if not isinstance(value, dict))
    return [
        ("Architecture", f"{title(settings.arch)} ({settings.arch})"),
        ("Training", done),
        *([("Stopped early", run.stopped_early)] if run.stopped_early else []),
        ("Optimiser", f"{settings.optimiser}, learning rate {settings.peak_rate:g}, batches of {settings.batch_size}"),
        ("Agreement on held-out images", "nothing was held out" if held_out is None else f"{held_out:.1%}"),
        ("Trained on", where),
    ]


def _quality(name: str, evaluation: Evaluation) -> str:
    measured = {
        "Agreement with the suspect": evaluation.agreement,
        "Agreement, mean over classes": evaluation.mean_agreement,
        "Accuracy": evaluation.accuracy,
        "The suspect's own accuracy": evaluation.suspect_accuracy,
    }
    rows = [
        (what, f"{rate.value:.1%} ({rate.low:.1%} to {rate.high:.1%}), {rate.n:,} images")
        for what, rate in measured.items()
        if rate is not None
    ]
    return f"### On {inert(name)}\n\n" + _table(("", "share, with its 95 % interval"), rows)


def _class_row(one: ClassTransfer) -> tuple[str, ...]:
    return (
        str(one.target_class),
        one.label or "not found",
        *(f"{n:,}" for n in (one.n_images, one.n_views, one.n_filled)),
    )


def _how_to_use(run: CloneRun, spec: PreprocessSpec) -> list[str]:
    """The input of each file, and the command that investigates it."""
    arch, size = run.training.arch, f"(n, {spec.channels}, {spec.height}, {spec.width})"
    weights = "`clone.safetensors` holds only the weights, for an input from -1 to 1."
    if spec.kind == "text":
        return [
            "`clone.safetensors` holds the weight of each class for each word, by the word's hash "
            "(`fdcore.cloning.bag_of_words`), and one offset for each class."
        ]
    if NETWORK not in run.files:
        return [
            f"There is no `clone.onnx`: {inert(title(arch))} could not be written as ONNX.",
            f"{weights} They can be investigated as a suspect in their own right:",
            f"    {open_command(arch, spec, 'safetensors')}",
        ]
    return [
        f"`clone.onnx` takes pictures as float32 {size} with values from 0 to 1, RGB if they have colour, and returns "
        f"one score for each of the {len(run.drawn.classes):,} classes.",
        f"{weights} Either can be investigated as a suspect in its own right:",
        *(f"    {open_command(arch, spec, kind)}" for kind in KINDS),
    ]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *(tuple(map(inert, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
