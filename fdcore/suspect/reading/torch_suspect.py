"""State dicts as suspects: choose the architecture, load the weights, query the network."""

import contextlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from fdcore.errors import SuspectError
from fdcore.progress import Progress, silent
from fdcore.suspect.architectures import fitting, plain
from fdcore.suspect.architectures.fitting import Fit
from fdcore.suspect.architectures.index import Shapes
from fdcore.suspect.architectures.namings import Naming
from fdcore.suspect.architectures.registry import TIMM, build_with_outputs, find, names, title
from fdcore.suspect.preprocess import Assumption, Origin, Origins, PreprocessSpec, with_preset
from fdcore.suspect.reading.checkpoint import Checkpoint
from fdcore.suspect.reading.torch_runtimes import Run, Runtimes, Scores, Trial, UnavailableError, trial
from fdcore.suspect.reading.weights import fingerprint
from fdcore.suspect.runtimes import EAGER, Runtime, RuntimeChoice, RuntimeTrial
from fdcore.suspect.suspect import Labels, Pictures, Suspect, batch_size_for, filled, hard_labels
from fdcore.suspect.tensors import NOTHING_FITS

ASSUMED_FIRST = ("lenet", plain.PREFIX)  # families whose members differ only in what tensors cannot show
USUAL_PRESET = {3: "imagenet", 1: "mnist"}  # by the number of channels
MAX_COMPARED = 8
TRIAL_QUERIES, TRIAL_S = 10_000, 30.0  # to come at least, and how long they would take, for a trial to pay
RECALL_QUERIES = 2_000  # to come at least for another runtime to be built
N_SHOWN = 5
N_TIED = 3
MAX_KEY = 80  # characters that are shown


@dataclass(frozen=True)
class Network:
    """A network with the suspect's weights.

    Attributes:
        module: in evaluation mode.
        arch, title: the architecture's full name, and the same for people.
        n_outputs: one for each class; a single output distinguishes two classes by its sign.
        spec: the input it expects, as far as the architecture specifies it.
        normalisation: where the spec's normalisation comes from, for people.
        notes: how it was found and what was left out, for people.
        origins: how each part is known.
        assumptions: what its tensors do not show.
        weights: as of `Suspect`.
    """

    module: nn.Module
    arch: str
    title: str
    n_outputs: int
    spec: PreprocessSpec
    normalisation: str
    notes: tuple[str, ...]
    origins: Origins
    assumptions: tuple[Assumption, ...] = ()
    weights: str = ""

    @property
    def n_classes(self) -> int:
        """Classes that the outputs distinguish."""
        return max(2, self.n_outputs)

    @property
    def fixed_size(self) -> bool:
        """Whether the size of the input follows from the tensors."""
        return self.arch.startswith(ASSUMED_FIRST)

    def suspect(
        self, spec: PreprocessSpec, *, fingerprint: str, description: str, device: str, runtime: RuntimeChoice = "auto"
    ) -> Suspect:
        """The network as a suspect on a device.

        Raises:
            SuspectError: there is no such device, or the runtime cannot be used.
        """
        return TorchSuspect(
            self, spec, fingerprint=fingerprint, description=description, device=device, runtime=runtime
        )


class TorchSuspect(Suspect):
    """A PyTorch network.

    Every batch is filled up to `batch_size`, so that each forward pass has the same shape and the answer to a picture
    does not depend on how many others are sent with it.

    Eager PyTorch answers until a trial, which looks at the same batches, has found a faster runtime with the same
    labels.
    """

    def __init__(
        self, network: Network, spec: PreprocessSpec, *, fingerprint: str, description: str, device: str = "cpu",
        runtime: RuntimeChoice = "auto",
    ) -> None:  # fmt: skip
        self.spec, self.n_classes, self.fingerprint = spec, network.n_classes, fingerprint
        self.description = description
        self._n_outputs = network.n_outputs
        self.batch_size = batch_size_for(spec)
        self._runtimes = Runtimes(
            network.module.eval(), spec, batch_size=self.batch_size, device=checked_device(device)
        )
        self._choice: RuntimeChoice = runtime
        self._trying: Trial | None = None
        self._settled, self._per_s = False, math.inf
        self._run = self._runtimes.build(EAGER)
        self._probe()
        if runtime != "auto" and runtime != "fastest":
            self._fix(runtime)

    def recall(self, trial: RuntimeTrial) -> None:
        """Use what an earlier trial on this machine has chosen, once enough queries are to come, and begin no other."""
        if self._choice in ("auto", "fastest"):
            self._choice, self.trial = trial.chosen, trial

    def _answer(self, pictures: Pictures) -> Labels:
        self._prepare()
        begun = time.perf_counter()
        labels = self._labels(self._run, pictures)
        self._per_s = self.batch_size / (time.perf_counter() - begun)
        if self._trying is not None:
            self._step(filled(pictures, self.batch_size), labels)
        return labels

    def _prepare(self) -> None:
        """Begin a trial, or build the runtime that an earlier one has chosen, when it pays."""
        if self._choice == "auto":
            pays = self._n_expected >= TRIAL_QUERIES and self._n_expected / self._per_s >= TRIAL_S
        else:
            pays = self._choice == "fastest" or self._n_expected >= RECALL_QUERIES
        if not pays or self._settled:
            return
        self._settled = True
        if self.trial is not None:
            with contextlib.suppress(UnavailableError):  # eager PyTorch keeps answering
                self._run = self._runtimes.build(self.trial.chosen)
        else:
            self._trying = trial(self._runtimes, self._labels)
            next(self._trying)

    def _step(self, pictures: Pictures, labels: Labels) -> None:
        assert self._trying is not None  # noqa: S101 - as its caller has seen
        try:
            self._trying.send((pictures, labels))
        except StopIteration as ended:
            chosen, self._run, tried = ended.value
            self._trying, self.trial = None, RuntimeTrial(chosen, tried)

    def _fix(self, name: Runtime) -> None:
        """Use the runtime that the analyst names."""
        self._settled = True
        try:
            self._run = self._runtimes.build(name)
            self._probe()
        except UnavailableError as error:
            raise SuspectError(
                f"The runtime {name!r} cannot be used for this suspect: {error}. Name another one, or none, and the "
                "fastest with the same labels is taken.",
                key="runtime not available",
            ) from error
        self.trial = RuntimeTrial(name)

    def _labels(self, run: Run, pictures: Pictures) -> Labels:
        """The labels of at most a batch of pictures."""
        return hard_labels(self._outputs(filled(pictures, self.batch_size), run)[: len(pictures)])

    def _outputs(self, pictures: Pictures, run: Run | None = None) -> Scores:
        """Soft outputs (N, n_classes) of N pictures; they stay within this module."""
        scores = (run or self._run)(pictures)
        if scores.shape != (len(pictures), self._n_outputs):
            raise SuspectError(f"The network does not return one score for each of its {self.n_classes} classes.")
        return np.concatenate([np.zeros_like(scores), scores], axis=1) if self._n_outputs == 1 else scores

    def _probe(self) -> None:
        """Send one black picture, so that an unsuitable input size is noticed at once."""
        spec = self.spec
        try:
            self._outputs(np.zeros((1, spec.height, spec.width, spec.channels), np.uint8))
        except (RuntimeError, AssertionError, ValueError) as error:
            detail = str(error).partition("\n")[0]
            raise SuspectError(
                f"The network does not take pictures of {spec.height} x {spec.width} with {spec.channels} channels "
                f"({detail}). Give the height and width that it was trained with.",
                key="size not taken",
            ) from error


def checked_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        SuspectError: this machine has no such device.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        detail = str(error).partition("\n")[0]
        raise SuspectError(
            f"This machine has no device {name!r} ({detail}). Use 'cpu'.", key="no such device"
        ) from error
    return device


def load_network(checkpoint: Checkpoint, arch: str | None, file_name: str, *, progress: Progress = silent) -> Network:
    """The network that a checkpoint's weights belong to.

    Args:
        arch: a registered name or that of a plain network; None to find it.
        file_name: for messages.

    Raises:
        SuspectError: nothing fits, several different networks fit, or the named one does not.
    """
    shapes = fitting.shapes_of(checkpoint.tensors)
    if arch is not None:
        return _load(arch, shapes, checkpoint, (), "options")
    hinted = _hinted_arch(checkpoint, shapes)
    if hinted is not None:
        return _load(hinted, shapes, checkpoint, ("architecture as the file specifies",))
    found = fitting.fitting(checkpoint.tensors, progress=progress)
    if not found:
        raise SuspectError(_nothing_fits(shapes, file_name), key=NOTHING_FITS)
    if all(name.startswith(plain.PREFIX) for name in found):
        return _load(plain.PREFIX, shapes, checkpoint, (), "guess")
    if len(found) == 1:
        return _load(found[0], shapes, checkpoint, ("the only known architecture that fits",))
    if all(name.startswith(ASSUMED_FIRST) for name in found):
        assumed = Assumption("architecture", found[0], tuple(found[1 : 1 + N_SHOWN]))
        return replace(_load(found[0], shapes, checkpoint, (), "guess"), assumptions=(assumed,))
    return _first_of_equals(found, checkpoint, file_name, progress)


def _hinted_arch(checkpoint: Checkpoint, shapes: Shapes) -> str | None:
    """The architecture that the file itself names, if it is registered and fits."""
    hint = checkpoint.hints.get("arch")
    if hint is None:
        return None
    known = set(names())
    for name in (hint, hint.lower(), f"torchvision/{hint.lower()}", f"timm/{hint.partition('.')[0]}"):
        if name in known and fitting.compare(name, shapes).exact:
            return name
    return None


def _load(arch: str, shapes: Shapes, checkpoint: Checkpoint, notes: tuple[str, ...], known: Origin = "file") -> Network:
    origins = Origins(architecture=known).known("file", "n_classes", "channels", "layout")
    if arch.startswith(plain.PREFIX):
        return _load_plain(arch, shapes, checkpoint, notes, origins.known("file", "height", "width"))
    fit = fitting.compare(arch, shapes)
    if not fit.exact:
        raise SuspectError(_does_not_fit(fit, checkpoint), key="architecture does not fit")
    module = build_with_outputs(arch, fit.n_outputs, channels=fit.channels)
    _fill(module, fit.keys, checkpoint.tensors)
    usual = find(arch).input
    spec, normalisation = _usual_input(usual.height, usual.width, fit.channels)
    if arch.startswith(TIMM) and fit.channels == len(usual.mean):
        spec, normalisation = replace(spec, mean=usual.mean, std=usual.std), "timm's usual normalisation for it"
    if arch.startswith(ASSUMED_FIRST):
        origins = origins.known("file", "height", "width")
    return Network(
        module.eval(), arch, title(arch), fit.n_outputs, spec, normalisation, (*notes, *fit.notes), origins,
        weights=_weights(fit.keys, checkpoint),
    )  # fmt: skip


def _load_plain(arch: str, shapes: Shapes, checkpoint: Checkpoint, notes: tuple[str, ...], origins: Origins) -> Network:
    found = plain.readings(shapes)
    reading = plain.choose(found, arch)
    others = [other for other in found if other is not reading]
    if origins.architecture == "guess" and any(other.size != reading.size for other in others):
        origins = origins.known("guess", "height", "width")
    module = plain.PlainNetwork(reading)
    names = reading.names()
    _fill(module, names, checkpoint.tensors)
    spec, normalisation = _usual_input(reading.size, reading.size, reading.channels)
    notes = (*notes, *fitting.left_out_note([key for key in shapes if key not in names.values()]))
    return Network(
        module.eval(), reading.name, reading.title, reading.n_outputs, spec, normalisation, notes, origins,
        reading.assumptions(others[:N_SHOWN]), _weights(names, checkpoint),
    )  # fmt: skip


def _weights(keys: Naming, checkpoint: Checkpoint) -> str:
    """The fingerprint of the tensors that the network takes."""
    return fingerprint({key: checkpoint.tensors[key] for key in keys.values()})


def _usual_input(height: int, width: int, channels: int) -> tuple[PreprocessSpec, str]:
    """The normalisation of most published training scripts, since a state dict does not specify it."""
    bare = PreprocessSpec(height, width, channels, mean=(0.0,) * channels, std=(1.0,) * channels)
    preset = USUAL_PRESET[channels]
    return with_preset(bare, preset), f"{preset} normalisation (assumed)"


def _fill(module: nn.Module, keys: dict[str, str], tensors: dict[str, Tensor]) -> None:
    """Copy the weights in, as float32; counters of batch normalisation may be absent and have no effect."""
    module.load_state_dict({key: tensors[file_key].float() for key, file_key in keys.items()}, strict=False)


def _first_of_equals(found: list[str], checkpoint: Checkpoint, file_name: str, progress: Progress) -> Network:
    """The first of several fitting networks if all compute the same function; otherwise the analyst must choose."""
    shapes = fitting.shapes_of(checkpoint.tensors)
    different: dict[str, Network] = {}
    for done, name in enumerate(found[:MAX_COMPARED]):
        progress("comparing what architectures compute", done, min(len(found), MAX_COMPARED))
        network = _load(name, shapes, checkpoint, ())
        if not any(_same_answers(other, network) for other in different.values()):
            different[name] = network
    if len(different) == 1 and len(found) <= MAX_COMPARED:
        note = f"computes the same as {', '.join(found[1:])}"
        return replace(different[found[0]], notes=(*different[found[0]].notes, note))
    offered = [*different, *found[MAX_COMPARED:]]
    rest = f" and {len(offered) - 2 * N_SHOWN} more" if len(offered) > 2 * N_SHOWN else ""
    raise SuspectError(
        f"The weights of {file_name} fit {len(offered)} architectures that compute different functions. "
        f"Name the right one with --arch, one of: {', '.join(offered[: 2 * N_SHOWN])}{rest}.",
        key="several architectures fit",
    )


def _same_answers(one: Network, other: Network) -> bool:
    """Whether two networks give the same outputs for two random pictures."""
    generator = torch.Generator().manual_seed(0)
    size = (2, one.spec.channels, one.spec.height, one.spec.width)
    pictures = torch.randn(size, generator=generator)
    try:
        with torch.inference_mode():
            first, second = one.module(pictures), other.module(pictures)
    except (RuntimeError, AssertionError):  # the other takes another input size
        return False
    return bool(first.shape == second.shape and torch.allclose(first, second, rtol=1e-3, atol=1e-3))


def _nothing_fits(shapes: Shapes, file_name: str) -> str:
    shown = [f"{key[:MAX_KEY]} {tuple(shape)}" for key, shape in list(shapes.items())[:N_SHOWN]]
    shown += ["..."] if len(shapes) > N_SHOWN else []
    near = [f"{_tied(match.names)} ({match.shared} of {match.total} tensors)" for match in fitting.closest(shapes)]
    nearest = (
        f"The closest are {', then '.join(near)}." if near else "No registered architecture shares a tensor with it."
    )
    return (
        f"No known architecture fits the tensors of {file_name}, {len(shapes)} in all ({', '.join(shown)}). {nearest} "
        "`fdcore tensors FILE` lists them all. Name one with --arch, ask for an ONNX export, or wrap the "
        "model as a Python callable."
    )


def _tied(names: Sequence[str]) -> str:
    """Architectures that are equally near, the first few by name."""
    rest = f" and {len(names) - N_TIED} more alike" if len(names) > N_TIED else ""
    return f"{', '.join(names[:N_TIED])}{rest}"


def _does_not_fit(fit: Fit, checkpoint: Checkpoint) -> str:
    parts = []
    for what, keys in (("missing", fit.missing), ("unexpected", fit.unexpected)):
        if keys:
            parts.append(f"{len(keys)} {what} ({', '.join(keys[:N_SHOWN])}{', ...' if len(keys) > N_SHOWN else ''})")
    if fit.misshapen:
        shown = [f"{key} is {found} but should be {wanted}" for key, found, wanted in fit.misshapen[:N_SHOWN]]
        parts.append(f"{len(fit.misshapen)} of another shape ({'; '.join(shown)})")
    fits = fitting.fitting(checkpoint.tensors)
    offered = f"These fit: {', '.join(fits[: 2 * N_SHOWN])}." if fits else "No registered architecture fits them."
    return f"The weights do not fit {fit.name}: {'; '.join(parts)}. {offered}"
