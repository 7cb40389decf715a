"""One network in several runtimes, and the trial that finds the fastest with the same labels. It runs in a cell.

Every runtime takes a full batch of pictures, (N, H, W, C) uint8, and gives scores, (N, n_outputs).
"""

import copy
import io
import sys
import time
import warnings
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.fx.experimental.optimization import fuse

from fdcore.errors import FdError
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.suspect.reading.onnx_suspect import start
from fdcore.suspect.runtimes import EAGER, N_PROBED, Runtime, TriedRuntime
from fdcore.suspect.suspect import Labels, Pictures

Scores = npt.NDArray[np.float32]
Run = Callable[[Pictures], Scores]
Label = Callable[[Run, Pictures], Labels]
MAX_TIMED_S = 1.0
N_TIMED = 3
MAX_REASON = 200  # characters
_OPSET = 17


class UnavailableError(Exception):
    """A runtime cannot be used; the message says why."""


class Runtimes:
    """Builds runtimes of one network.

    Args:
        network: in evaluation mode.
        spec: its input.
        batch_size: of every batch.
        device: where PyTorch computes.
    """

    def __init__(self, network: nn.Module, spec: PreprocessSpec, *, batch_size: int, device: torch.device) -> None:
        self._network, self._spec, self._batch_size, self._device = network.to(device), spec, batch_size, device

    def build(self, name: Runtime) -> Run:
        """The network in a runtime.

        Raises:
            UnavailableError: it cannot be used here, or not for this network.
        """
        if name == EAGER:
            return self._in_torch(self._network, torch.contiguous_format)
        try:
            return self._build(name)
        except UnavailableError:
            raise
        except Exception as error:  # whatever a converter raises, eager PyTorch still answers
            raise UnavailableError(_short(error)) from error

    def _build(self, name: Runtime) -> Run:
        if name == "channels-last":
            return self._in_torch(copy.deepcopy(self._network), torch.channels_last)
        if name == "folded":
            return self._in_torch(fuse(self._network), torch.channels_last)
        if name == "compiled":
            raise UnavailableError("torch.compile runs a compiler, and a cell may not start a program")
        if self._device.type != "cpu":
            raise UnavailableError("it would compute on the processor, not on the device that was asked for")
        return self._in_onnxruntime() if name == "onnxruntime" else self._in_openvino()

    def _in_torch(self, network: nn.Module, layout: torch.memory_format) -> Run:
        module = _FromPixels(network.to(memory_format=layout), self._spec, layout).to(self._device)

        def run(pictures: Pictures) -> Scores:
            with torch.inference_mode():
                scores: Scores = (
                    module(torch.from_numpy(self._ordered(pictures)).to(self._device)).float().cpu().numpy()
                )
            return scores

        return run

    def _in_onnxruntime(self) -> Run:
        session = start(self._exported())
        return lambda pictures: np.asarray(session.run(None, {"pictures": self._ordered(pictures)})[0], np.float32)

    def _in_openvino(self) -> Run:
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # absent: it would call home
        try:
            openvino = import_module("openvino")
        except ModuleNotFoundError as error:
            raise UnavailableError("OpenVINO is not installed") from error
        core = openvino.Core()
        settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        compiled = core.compile_model(core.read_model(self._exported()), "CPU", settings)
        return lambda pictures: np.array(compiled([self._ordered(pictures)])[0], np.float32)

    def _exported(self) -> bytes:
        """The network as an ONNX graph, in memory; the number of pictures is free."""
        spec, content = self._spec, io.BytesIO()
        pictures = torch.zeros((self._batch_size, spec.height, spec.width, spec.channels), dtype=torch.uint8)
        module = _FromPixels(self._network, spec, torch.contiguous_format).eval()
        fast = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)  # its operator has no counterpart in ONNX
        try:
            with warnings.catch_warnings(), torch.inference_mode():
                warnings.simplefilter("ignore")
                torch.onnx.export(
                    module, (pictures,), content, dynamo=False,  # type: ignore[arg-type]  # a buffer too, without dynamo
                    opset_version=_OPSET, input_names=["pictures"], output_names=["scores"],
                    dynamic_axes={"pictures": {0: "n"}, "scores": {0: "n"}},
                )  # fmt: skip
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)
        return content.getvalue()

    def _ordered(self, pictures: Pictures) -> Pictures:
        """The pictures in an array of their own, with the channels in the network's order."""
        return np.array(pictures[..., ::-1] if self._spec.order == "BGR" else pictures, order="C")


class _FromPixels(nn.Module):
    """A network that takes pictures, (N, H, W, C) uint8."""

    scale: Tensor
    shift: Tensor

    def __init__(self, network: nn.Module, spec: PreprocessSpec, layout: torch.memory_format) -> None:
        super().__init__()
        self.network, self.layout = network, layout
        for name, values in zip(("scale", "shift"), spec.affine(), strict=True):
            self.register_buffer(name, torch.from_numpy(values).view(1, -1, 1, 1))

    def forward(self, pictures: Tensor) -> Tensor:
        """Scores, (N, n_outputs); auxiliary heads, which some networks also return, are left out."""
        x = pictures.permute(0, 3, 1, 2).to(torch.float32, memory_format=self.layout)
        outputs = self.network(x * self.scale + self.shift)
        scores: Tensor = outputs[0] if isinstance(outputs, Sequence) else outputs
        return scores


Trial = Generator[None, tuple[Pictures, Labels], tuple[Runtime, Run, tuple[TriedRuntime, ...]]]


def trial(runtimes: Runtimes, label: Label) -> Trial:
    """Time every runtime, then compare the labels of the fastest with eager PyTorch's.

    A step for each batch that the suspect is queried with anyway, so that no batch takes long: it is sent the pictures
    and the labels that eager PyTorch gave them.

    Args:
        runtimes: of the suspect's network.
        label: the labels that a runtime gives.

    Returns:
        The runtime that was chosen, by name and itself, and how each did.
    """
    runs: dict[Runtime, Run] = {}
    tried: dict[Runtime, TriedRuntime] = {}
    for name in get_args(Runtime):
        pictures, _ = yield
        try:
            runs[name] = run = runtimes.build(name)
            tried[name] = TriedRuntime(name, round(len(pictures) / _seconds(run, pictures), 1))
        except UnavailableError as error:
            tried[name] = TriedRuntime(name, not_tried=str(error))
        except Exception as error:  # noqa: BLE001 - as for building
            del runs[name]
            tried[name] = TriedRuntime(name, not_tried=_short(error))
    for name in sorted(runs, key=lambda one: tried[one].per_s or 0.0, reverse=True):
        while name != EAGER and tried[name].n_compared < N_PROBED:
            pictures, labels = yield
            tried[name] = _compared(tried[name], runs[name], label, pictures, labels)
        if not tried[name].n_differing:
            return name, runs[name], tuple(tried.values())
    raise AssertionError("eager PyTorch differs from nothing")


def _compared(before: TriedRuntime, run: Run, label: Label, pictures: Pictures, labels: Labels) -> TriedRuntime:
    """With one more batch; a batch that fails counts as one that differs."""
    try:
        n_differing = int((label(run, pictures)[: len(labels)] != labels).sum())
    except FdError:
        n_differing = len(labels)
    n_compared = before.n_compared + len(labels)
    return replace(before, n_compared=n_compared, n_differing=before.n_differing + n_differing)


def _seconds(run: Run, pictures: Pictures) -> float:
    """The shortest time for a batch, of a few after the first."""
    run(pictures)
    seconds: list[float] = []
    while len(seconds) < N_TIMED and sum(seconds) < MAX_TIMED_S:
        begun = time.perf_counter()
        run(pictures)
        seconds.append(time.perf_counter() - begun)
    return min(seconds)


def _short(error: Exception) -> str:
    text: Any = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {text}"[:MAX_REASON]
