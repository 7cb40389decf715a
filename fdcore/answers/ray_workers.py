"""Workers on a Ray cluster: each opens the suspect's file in a cell of its own.

Ray starts a worker for each core (or GPU) of every machine in the cluster, on new machines as soon as they join, and
says which one was lost. It never repeats a shard by itself: the driver counts the queries first.
"""

import json
import os
import platform
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fdcore.answers.shards import LostError, Task, answer_shard
from fdcore.errors import EvidenceError, FdError, SettingsError, SuspectError
from fdcore.storage import sha256_file
from fdcore.suspect.runtimes import RuntimeTrial, version_of
from fdcore.suspect.suspect import Suspect
from fdcore.version import __version__

LOCAL, CONNECT_S = "local", 10.0
# On which views and answers depend.
DECIDING = ("numpy", "torch", "torchvision", "timm", "transformers", "onnx", "onnxruntime", "ai-edge-litert", "keras")


@dataclass(frozen=True)
class Opening:
    """What a worker needs to open the suspect.

    Attributes:
        name: of its file.
        sha256: of its file, hex.
        options: of `fdcore.suspect.open.open_suspect`, as JSON.
        fingerprint: that it must have, as the driver's has it.
        versions: what the driver has of `DECIDING`, of Python and of fdcore.
        trial: which runtime the case has chosen.
        fetch: gives the file's bytes, (n,) uint8.
    """

    name: str
    sha256: str
    options: str
    fingerprint: str
    versions: frozenset[tuple[str, str]]
    trial: RuntimeTrial | None
    fetch: Callable[[], npt.NDArray[np.uint8]] = field(compare=False)


class RayWorkers:
    """The processes of a Ray cluster, as `fdcore.answers.shards.Workers`; see `ray_workers`."""

    def __init__(self, ray: Any, kind: str, opening: Opening) -> None:
        self._ray, self._kind, self._opening = ray, kind, opening
        needs = {"num_cpus": 1, "num_gpus": int(kind == "GPU")}
        self._answer = ray.remote(**needs, max_retries=0)(_answer)
        self._open = ray.remote(**needs)(_answer)  # sends no query, so Ray may repeat it

    def require_one(self) -> None:
        """Wait until a worker has opened the suspect, before any query is counted.

        Raises:
            FdError: it cannot.
        """
        try:
            error = self._ray.get(self._open.remote(self._opening, None))
        except self._ray.exceptions.RayError as lost:
            raise SuspectError(
                f"No worker of the cluster lived to open the suspect ({_in_a_line(lost)}). Give its machines more "
                "memory, or leave out --engine ray.",
                key="no worker",
            ) from lost
        if error:
            raise error

    def size(self) -> int:
        """The cores, or GPUs, of the machines that are in the cluster now."""
        return int(self._ray.cluster_resources().get(self._kind, 0))

    def submit(self, task: Task) -> "Future[bytes]":
        """Have the next free worker answer a shard."""
        landed: Future[bytes] = Future()
        self._answer.remote(self._opening, task).future().add_done_callback(partial(self._pass_on, landed))
        return landed

    def _pass_on(self, landed: "Future[bytes]", future: "Future[bytes | FdError]") -> None:
        error = future.exception()
        if error is None:
            answer = future.result()
            if isinstance(answer, FdError):
                landed.set_exception(answer)
            else:
                landed.set_result(answer)
        elif isinstance(error, self._ray.exceptions.RayTaskError):  # a bug in the worker stays loud
            landed.set_exception(error)
        else:
            landed.set_exception(LostError(_in_a_line(error)))


@contextmanager
def ray_workers(
    address: str, evidence: Path, sha256: str, options: Mapping[str, Any], suspect: Suspect
) -> Iterator[RayWorkers]:
    """Connect to a cluster, hand it the suspect's file, and wait until a worker has opened it.

    Args:
        address: of a cluster as Ray writes it, such as 10.0.0.1:6379; "local" starts one on this machine alone.
        evidence: the suspect's file.
        sha256: that it had on intake, hex.
        options: of `fdcore.suspect.open.open_suspect`.
        suspect: the driver's own.

    Raises:
        SettingsError: Ray is not installed, no cluster answers, or its machines have other versions.
        SuspectError, EvidenceError: a worker cannot open the file.
    """
    with _connected(address) as ray:
        fetch = partial(ray.get, ray.put(np.fromfile(evidence, np.uint8)))
        opening = Opening(
            evidence.name, sha256, json.dumps(options), suspect.fingerprint, _versions(), suspect.trial, fetch
        )
        workers = RayWorkers(ray, "CPU" if options.get("device", "cpu") == "cpu" else "GPU", opening)
        workers.require_one()
        yield workers


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Ray with a connection, which is closed in the end if it was made here."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
    try:
        ray = import_module("ray")
    except ModuleNotFoundError as error:
        raise SettingsError(
            "Ray is not installed. Install it with: pip install -r requirements-ray.txt", key="package missing"
        ) from error
    if ray.is_initialized():
        yield ray
        return
    own = {"include_dashboard": False} if address == LOCAL else {}
    host, _, port = address.rpartition(":")
    try:
        if host and port.isdecimal():  # Ray itself would try for minutes
            socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
        ray.init(address=address, log_to_driver=False, logging_level="error", **own)
    except (OSError, OverflowError, ValueError, RuntimeError) as error:
        raise SettingsError(
            f"No Ray cluster answers at {address} ({_in_a_line(error)}). Start one with `ray start --head` there, or "
            "leave out --address to use this machine alone.",
            key="no cluster",
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _in_a_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}"


def _versions() -> frozenset[tuple[str, str]]:
    packages = ((name, version_of(name)) for name in DECIDING)
    return frozenset([("fdcore", __version__), ("python", platform.python_version()), *packages])


# In a worker


def _answer(opening: Opening, task: Task | None) -> bytes | FdError:
    """Answer a shard, or None to open the suspect; the user's errors are handed over, anything else is a bug."""
    try:
        suspect = _opened(opening)
        return answer_shard(suspect, task) if task else b""
    except FdError as error:
        return error


@lru_cache(maxsize=1)
def _opened(opening: Opening) -> Suspect:
    """The suspect in this worker's own cell, from a copy whose hash is checked here."""
    from fdcore.suspect.open import open_suspect

    if others := dict(_versions() - opening.versions):
        wanted = dict(opening.versions)
        shown = ", ".join(f"{name} {others[name] or 'missing'} instead of {wanted[name]}" for name in sorted(others))
        raise SettingsError(
            f"A worker has other versions than this machine: {shown}. Views and answers are the same only with the "
            "same packages: install fdcore there from the same requirements.",
            key="other versions",
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / opening.name
        opening.fetch().tofile(path)
        if (found := sha256_file(path)) != opening.sha256:
            raise EvidenceError(
                f"The suspect's file reached a worker with SHA-256 {found[:12]}… instead of {opening.sha256[:12]}…. "
                "Run this again; if it happens again, check that machine's memory and network.",
                key="evidence changed",
            )
        suspect = open_suspect(path, **json.loads(opening.options))
    if suspect.fingerprint != opening.fingerprint:
        raise SuspectError(
            "A worker opened the suspect otherwise than this machine did. Name what is guessed (--arch, --input-size).",
            key="another suspect",
        )
    if opening.trial is not None:
        suspect.recall(opening.trial)
    return suspect
