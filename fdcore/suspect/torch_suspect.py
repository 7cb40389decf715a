"""State dicts as suspects: choose the architecture, load the weights, ask the network."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from fdcore.errors import SuspectError
from fdcore.progress import Progress, silent
from fdcore.suspect.architectures import fitting, plain
from fdcore.suspect.architectures.fitting import Fit
from fdcore.suspect.architectures.index import Shapes
from fdcore.suspect.architectures.registry import build, find, names
from fdcore.suspect.checkpoint import Checkpoint
from fdcore.suspect.preprocess import PreprocessSpec, with_preset
from fdcore.suspect.suspect import Labels, Pictures, Suspect, hard_labels

ASSUMED_FIRST = ("lenet", plain.PREFIX)  # families whose members differ only in what the tensors cannot say
MAX_COMPARED = 8
N_SHOWN = 5
PIXELS_AT_ONCE = 256 * 32 * 32  # so that a batch's activations stay within hundreds of megabytes


@dataclass(frozen=True)
class Network:
    """A network with the suspect's weights.

    Attributes:
        module: in evaluation mode.
        arch: the architecture's full name.
        n_classes: outputs.
        spec: the input it expects, as far as the architecture and the file say.
        notes: what was assumed, for people.
    """

    module: nn.Module
    arch: str
    n_classes: int
    spec: PreprocessSpec
    notes: tuple[str, ...]


class TorchSuspect(Suspect):
    """A PyTorch network.

    Every batch is filled up to `batch_size`, so that each forward pass has the same shape and the answer to a picture
    does not depend on how many others were asked with it.
    """

    def __init__(
        self, network: Network, spec: PreprocessSpec, *, fingerprint: str, description: str, device: str = "cpu"
    ) -> None:
        self.spec, self.n_classes, self.fingerprint = spec, network.n_classes, fingerprint
        self.description = description
        self.batch_size = batch_size_for(spec)
        self._device = checked_device(device)
        self._module = network.module.eval().to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # the stub lacks this form
        scale, shift = spec.affine()
        self._scale, self._shift = (torch.from_numpy(v).to(self._device).view(1, -1, 1, 1) for v in (scale, shift))
        self._probe()

    def _answer(self, pictures: Pictures) -> Labels:
        return hard_labels(self._outputs(pictures)[: len(pictures)])

    def _outputs(self, pictures: Pictures) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        """Soft outputs (batch_size, n_classes); they stay within this module."""
        with torch.inference_mode():
            outputs = self._module(self._prepared(_filled(pictures, self.batch_size)))
        if isinstance(outputs, Sequence):  # some networks answer with their auxiliary heads too
            outputs = outputs[0]
        if not isinstance(outputs, Tensor) or outputs.dim() != 2 or outputs.shape[1] != self.n_classes:
            raise SuspectError(f"The network does not answer one score for each of its {self.n_classes} classes.")
        answer: np.ndarray[tuple[int, int], np.dtype[np.float32]] = outputs.float().cpu().numpy()
        return answer

    def _prepared(self, pictures: Pictures) -> Tensor:
        """From (N, H, W, C) uint8 to the network's (N, C, H, W) float32; channels stay last in memory."""
        if self.spec.order == "BGR":
            pictures = pictures[..., ::-1]
        x = torch.from_numpy(np.ascontiguousarray(pictures)).to(self._device).permute(0, 3, 1, 2)
        return x.to(torch.float32).mul_(self._scale).add_(self._shift)

    def _probe(self) -> None:
        """Ask once, so that an input size that the network cannot take is known at once."""
        spec = self.spec
        try:
            self._outputs(np.zeros((1, spec.height, spec.width, spec.channels), dtype=np.uint8))
        except (RuntimeError, AssertionError, ValueError) as error:
            detail = str(error).partition("\n")[0]
            raise SuspectError(
                f"The network does not take pictures of {spec.height} x {spec.width} with {spec.channels} channels "
                f"({detail}). Give the height and width that it was trained with."
            ) from error


def batch_size_for(spec: PreprocessSpec) -> int:
    """How many pictures to ask at once: a power of two from 4 to 256, 256 at 32 x 32."""
    n = max(4, min(256, PIXELS_AT_ONCE // (spec.height * spec.width)))
    return 1 << (n.bit_length() - 1)


def checked_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        SuspectError: there is no such device here.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SuspectError(f"There is no device {name!r} here ({str(error).partition(chr(10))[0]}). Use 'cpu'.") from error
    return device


def load_network(
    checkpoint: Checkpoint, arch: str | None, file_name: str, *, progress: Progress = silent
) -> Network:
    """The network that a checkpoint's weights belong to.

    Args:
        checkpoint: the weights and what the file says beside them.
        arch: a registered name or one of a plain network; None to find it.
        file_name: for messages.

    Raises:
        SuspectError: nothing fits, several different networks fit, or the named one does not.
    """
    shapes = fitting.shapes_of(checkpoint.tensors)
    if arch is not None:
        return _load(arch, shapes, checkpoint, ())
    hinted = _hinted_arch(checkpoint, shapes)
    if hinted is not None:
        return _load(hinted, shapes, checkpoint, ("architecture as the file says",))
    found = fitting.fitting(checkpoint.tensors, progress=progress)
    if not found:
        raise SuspectError(_nothing_fits(shapes, file_name))
    if len(found) == 1:
        return _load(found[0], shapes, checkpoint, ("the only known architecture that fits",))
    if all(name.startswith(ASSUMED_FIRST) for name in found):
        others = ", ".join(found[1 : 1 + N_SHOWN])
        return _load(found[0], shapes, checkpoint, (f"assumed among several that fit; others: {others}",))
    return _first_of_equals(found, shapes, checkpoint, file_name)


def _hinted_arch(checkpoint: Checkpoint, shapes: Shapes) -> str | None:
    """The architecture that the file itself names, if it is registered and fits."""
    said = checkpoint.hints.get("arch")
    if said is None:
        return None
    known = set(names())
    for name in (said, said.lower(), f"torchvision/{said.lower()}", f"timm/{said.partition('.')[0]}"):
        if name in known and fitting.compare(name, shapes).exact:
            return name
    return None


def _load(arch: str, shapes: Shapes, checkpoint: Checkpoint, notes: tuple[str, ...]) -> Network:
    if arch.startswith(plain.PREFIX):
        return _load_plain(arch, shapes, checkpoint, notes)
    fit = fitting.compare(arch, shapes)
    if not fit.exact:
        raise SuspectError(_does_not_fit(fit, checkpoint))
    module = build(arch, fit.n_classes, channels=fit.channels)
    _fill(module, fit.keys, checkpoint.tensors)
    usual = find(arch).input
    mean, std = (_for_channels(values, fit.channels) for values in (usual.mean, usual.std))
    spec = PreprocessSpec(usual.height, usual.width, fit.channels, mean=mean, std=std)
    if fit.channels == 1:
        spec = with_preset(spec, "mnist")
    return Network(module.eval(), arch, fit.n_classes, spec, (*notes, *fit.notes))


def _load_plain(arch: str, shapes: Shapes, checkpoint: Checkpoint, notes: tuple[str, ...]) -> Network:
    found = plain.readings(shapes)
    reading = plain.choose(found, arch)
    others = [other.name for other in found if other is not reading][:N_SHOWN]
    if others and not any("others" in note for note in notes):
        notes = (*notes, f"other readings: {', '.join(others)}")
    module = plain.PlainNetwork(reading)
    _fill(module, reading.names(), checkpoint.tensors)
    spec = PreprocessSpec(reading.size, reading.size, reading.channels, mean=(0.0,) * reading.channels, std=(1.0,) * reading.channels)
    spec = with_preset(spec, "mnist" if reading.channels == 1 else "imagenet")
    return Network(module.eval(), reading.name, reading.n_classes, spec, notes)


def _for_channels(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    return values if len(values) == channels else (sum(values) / len(values),) * channels


def _fill(module: nn.Module, keys: dict[str, str], tensors: dict[str, Tensor]) -> None:
    """Copy the weights in, as float32; counters of batch normalisation may be absent and play no part."""
    module.load_state_dict({key: tensors[file_key].float() for key, file_key in keys.items()}, strict=False)


def _first_of_equals(found: list[str], shapes: Shapes, checkpoint: Checkpoint, file_name: str) -> Network:
    """The first of several fitting networks, if all compute the same function; else a question to the analyst."""
    if len(found) <= MAX_COMPARED:
        networks = [_load(name, shapes, checkpoint, ()) for name in found]
        if all(_same_answers(networks[0], other) for other in networks[1:]):
            note = f"computes the same as {', '.join(found[1:])}"
            return _load(found[0], shapes, checkpoint, (note,))
    shown = ", ".join(found[: 2 * N_SHOWN]) + (f" and {len(found) - 2 * N_SHOWN} more" if len(found) > 2 * N_SHOWN else "")
    raise SuspectError(
        f"The weights of {file_name} fit {len(found)} architectures that compute different functions. "
        f"Name the right one with --arch, one of: {shown}."
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
    shown = ", ".join(f"{key} {tuple(shape)}" for key, shape in list(shapes.items())[:N_SHOWN])
    near = [f"{name} ({shared} of its {total} tensors)" for name, shared, total in fitting.closest(shapes) if shared]
    nearest = f"Closest are {', '.join(near)}." if near else "No registered one shares a tensor with it."
    return (
        f"No known architecture fits the {len(shapes)} tensors of {file_name} ({shown}, ...). {nearest} "
        "Name one with --arch, ask for an ONNX export, or wrap the model as a Python callable."
    )


def _does_not_fit(fit: Fit, checkpoint: Checkpoint) -> str:
    parts = []
    for what, keys in (("missing", fit.missing), ("unexpected", fit.unexpected)):
        if keys:
            parts.append(f"{len(keys)} {what} ({', '.join(keys[:N_SHOWN])}{', ...' if len(keys) > N_SHOWN else ''})")
    if fit.misshapen:
        shown = [f"{key} is {there} and should be {wanted}" for key, there, wanted in fit.misshapen[:N_SHOWN]]
        parts.append(f"{len(fit.misshapen)} of another shape ({'; '.join(shown)})")
    fits = fitting.fitting(checkpoint.tensors)
    offered = f"These fit: {', '.join(fits[: 2 * N_SHOWN])}." if fits else "No registered architecture fits them."
    return f"The weights do not fit {fit.name}: {'; '.join(parts)}. {offered}"


def _filled(pictures: Pictures, batch_size: int) -> Pictures:
    """Repeat the last picture up to a full batch."""
    missing = batch_size - len(pictures)
    return np.concatenate([pictures, np.repeat(pictures[-1:], missing, axis=0)]) if missing else pictures
