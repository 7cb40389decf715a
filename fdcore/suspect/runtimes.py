"""Ways to compute a network's answers, and what a trial of them found. The trial runs in the suspect's cell."""

import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

Runtime = Literal["eager", "channels-last", "folded", "onnxruntime", "openvino", "compiled"]
RuntimeChoice = Runtime | Literal["auto", "fastest"]
"""A runtime; "auto" tries them when so many queries are to come that it pays, "fastest" whatever is to come."""

EAGER: Runtime = "eager"
TITLES: dict[Runtime, str] = {
    "eager": "PyTorch",
    "channels-last": "PyTorch, channels last",
    "folded": "PyTorch, batch norm folded",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "compiled": "torch.compile",
}
N_PROBED = 2_000  # views that a runtime must answer as eager PyTorch does before it is taken
PACKAGES = ("torch", "onnxruntime", "openvino")  # whose versions may change what is fastest


@dataclass(frozen=True)
class TriedRuntime:
    """How a runtime did.

    Attributes:
        per_s: queries per second; None where it was not tried.
        n_compared: views that it and eager PyTorch answered; 0 where a faster one was taken before it was its turn.
        n_differing: how many of them got another label.
        not_tried: why it was not tried, for people; empty where it was.
    """

    name: Runtime
    per_s: float | None = None
    n_compared: int = 0
    n_differing: int = 0
    not_tried: str = ""

    @property
    def finding(self) -> str:
        """What was found, for people."""
        if self.not_tried:
            return self.not_tried
        if self.name == EAGER:
            return "the others must give its labels"
        if not self.n_compared:
            return "not compared, as a faster one was taken"
        return f"{self.n_differing:,} of {self.n_compared:,} labels differ"


@dataclass(frozen=True)
class RuntimeTrial:
    """Which runtime answers.

    Attributes:
        chosen: the fastest of those with the same labels.
        tried: all of them, eager PyTorch first; empty where the analyst named the runtime.
        fingerprint: the suspect's.
        machine: as `this_machine`.
    """

    chosen: Runtime
    tried: tuple[TriedRuntime, ...] = ()
    fingerprint: str = ""
    machine: str = ""

    @property
    def sentence(self) -> str:
        """Which runtime answers and why, for people."""
        if not self.tried:
            return f"{TITLES[self.chosen]}, as set"
        speeds = {one.name: one.per_s or 0.0 for one in self.tried}
        taken = next((one for one in self.tried if one.name == self.chosen), None)
        if self.chosen == EAGER or taken is None or not speeds.get(EAGER):
            return f"{TITLES[self.chosen]}, the fastest with its labels on this machine"
        return (
            f"{TITLES[self.chosen]}, {speeds[self.chosen] / speeds[EAGER]:.1f} times as fast as PyTorch, the same "
            f"labels for {taken.n_compared:,} views"
        )


def this_machine(device: str = "cpu") -> str:
    """The processor, its cores, the device and the versions of the libraries that compute, in a line."""
    versions = (f"{name} {found}" for name in PACKAGES if (found := version_of(name)))
    return ", ".join((processor(), f"{os.cpu_count()} cores", device, *versions))


def processor() -> str:
    """The processor's name, or its kind where the system does not name it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def version_of(package: str) -> str:
    """An installed package's version; empty where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
