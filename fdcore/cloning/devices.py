"""The device that a clone is trained on, and its arithmetic."""

import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import torch

from fdcore.cloning.settings import Precision
from fdcore.errors import SettingsError

_PROCESSOR_DRAWS = threading.RLock()


class Arithmetic(NamedTuple):
    """A device and its precision."""

    device: torch.device
    dtype: torch.dtype  # of convolutions and products: float32, or bfloat16 with weights that stay float32

    def autocast(self) -> torch.autocast:
        """A context in which a forward pass computes in this precision."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.dtype is torch.bfloat16)

    def describe(self) -> dict[str, Any]:
        """For the record of a run; results are bit-identical only on a CPU, with the same number of threads."""
        on_gpu = self.device.type == "cuda"
        return {
            "device": str(self.device),
            "hardware": torch.cuda.get_device_name(self.device) if on_gpu else platform.machine(),
            "precision": str(self.dtype).removeprefix("torch."),
            "threads": torch.get_num_threads(),
            "torch": str(torch.__version__),  # a class of its own, which no checkpoint may hold
            "repeatable": self.device.type == "cpu",
        }


def choose_arithmetic(device: str, precision: Precision = "auto") -> Arithmetic:
    """The device of that name and its precision; "auto" is the first GPU if there is one.

    Raises:
        SettingsError: there is no such device here.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    chosen = _existing(device)
    wants_bfloat16 = precision == "bfloat16" or (precision == "auto" and _computes_bfloat16(chosen))
    return Arithmetic(chosen, torch.bfloat16 if wants_bfloat16 else torch.float32)


@contextmanager
def seeded(device: torch.device, seed: int) -> Iterator[None]:
    """Let initial weights, dropout and the like on that device draw from this seed.

    Each GPU has its own generator. All threads share the processor's: they take turns, and its state is restored.
    """
    on_gpu = device.type == "cuda"
    generator = torch.cuda.default_generators[device.index] if on_gpu else torch.default_generator
    with nullcontext() if on_gpu else _PROCESSOR_DRAWS:
        before = generator.get_state()
        generator.manual_seed(seed)
        try:
            yield
        finally:
            generator.set_state(before)


@contextmanager
def memory_errors(batch_size: int) -> Iterator[None]:
    """Turn exhausted memory of the device or the machine into a `SettingsError`."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        short = isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(error)
        if not short:
            raise
        raise SettingsError(
            f"There is not enough memory for steps of {batch_size:,} images. Choose a smaller batch or a smaller "
            "architecture; finished epochs are kept.",
            key="not enough memory",
        ) from error


def _existing(name: str) -> torch.device:
    try:
        device = torch.device(name)
        if device.type not in ("cpu", "cuda"):
            raise RuntimeError("only processors and CUDA devices are supported")
        device = torch.empty(1, device=device).device  # "cuda" becomes "cuda:0"
    except (RuntimeError, AssertionError) as error:
        detail = str(error).partition("\n")[0]
        raise SettingsError(
            f"There is no device {name!r} here ({detail}). Use 'auto' or 'cpu'.", key="no device"
        ) from error
    return device


def _computes_bfloat16(device: torch.device) -> bool:
    """Whether the hardware multiplies in bfloat16 natively; emulating it is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return bool(torch.cpu._is_avx512_bf16_supported())  # PyTorch has no public function for this
