"""Scoring past one machine: queries in shards, which workers answer wherever they run.

A shard is one view of a run of pictures, given by their ids; neither the worker nor its machine is part of it. A worker
answers it with its own suspect, exactly as one process would, and keeps the answers as a file with a checksum before it
hands them over. Only this process, the driver, writes the ledger: it counts a shard as sent before it hands it out, so
that no budget is exceeded, and records the answers that come back. A worker that is lost costs its shard, which is
counted and sent again; a driver that is killed finds the finished shards when it is started again.
"""

import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from typing import Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from fdcore.answers.asking import FLUSH_EVERY_S, Batch, Pixels, Strategy, ask_suspect, dense_sweep, n_queries_left
from fdcore.answers.ledger import NOT_ASKED, Ledger, LedgerHeader
from fdcore.answers.views import Pictures
from fdcore.errors import SettingsError, SuspectError
from fdcore.progress import Progress, silent
from fdcore.storage import SharedFolder
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.suspect.suspect import Suspect

MAX_PICTURES, MAX_BYTES = 4_096, 32 << 20  # of one shard
SHARES = 4  # shards for each worker, where there are few pictures: the last ones end at about the same time
MAX_LOST = 3  # times that a shard may be lost with its worker
_ENDING = ".shard"


class LostError(Exception):
    """A worker is gone with the shard that it was answering; the message says how, for people."""


@dataclass(frozen=True)
class Task:
    """A shard to be answered.

    Attributes:
        header: of a ledger that holds this shard alone.
        view: the view's number.
        image_ids: (n,) uint64.
        pictures: (n, H, W, C) uint8, of which the worker draws the view.
        n_after: about how many further queries the worker will get.
        place: the address of the folder in which it keeps the answers.
    """

    header: LedgerHeader
    view: int
    image_ids: npt.NDArray[np.uint64]
    pictures: Pictures
    n_after: int
    place: str


@dataclass(frozen=True)
class Shard:
    """An answered shard, as its file holds it.

    Attributes:
        header, view: as of `Task`.
        image_ids: n little-endian uint64.
        labels: n little-endian int32, the class of each.
        n_sent: queries that were sent for it, repeats after a failure of the cell included.
        runtime: what computed the answers; empty where there was no choice.
    """

    header: LedgerHeader
    view: int
    image_ids: bytes
    labels: bytes
    n_sent: int
    runtime: str = ""


class Workers(Protocol):
    """Processes that answer shards, each with a suspect of its own."""

    def size(self) -> int:
        """How many shards are answered at once now; it changes when machines come and go."""
        ...

    def submit(self, task: Task) -> "Future[bytes]":
        """The content of the shard's file, as of `answer_shard`; the future raises LostError, or the FdError."""
        ...


@dataclass
class Sharded:
    """How a sweep went.

    Attributes:
        finished: whether the strategy ended; False if the budget was exhausted first.
        n_shards: how many were answered, those of an earlier driver included.
        n_found: of these, how many an earlier driver had left.
        n_lost: times that a shard was lost and sent again.
        runtimes: by what computed the answers, in how many shards.
    """

    finished: bool = False
    n_shards: int = 0
    n_found: int = 0
    n_lost: int = 0
    runtimes: dict[str, int] = field(default_factory=dict)


# In a worker


def answer_shard(suspect: Suspect, task: Task) -> bytes:
    """Query one view of a shard's pictures, and keep the answers as a file in the shared folder.

    Returns:
        What the file holds: the SHA-256 of the rest, and a `Shard` as MessagePack.

    Raises:
        SuspectError: the suspect fails, or is not the task's.
        StorageError: the shared folder cannot be written.
    """
    ledger = Ledger.in_memory(task.header, task.image_ids)
    whole = Batch(np.arange(len(task.image_ids)), task.view)
    ask_suspect(suspect, ledger, task.pictures, strategy=lambda *_: iter([whole]), n_after=task.n_after)
    labels = ledger.answers[:, task.view].astype("<i4").tobytes()
    runtime = suspect.trial.chosen if suspect.trial else ""
    shard = Shard(task.header, task.view, _as_bytes(task.image_ids), labels, ledger.n_sent, runtime)
    content = seal(shard)
    SharedFolder(task.place).write(_name(task.header, task.view, shard.image_ids), content)
    return content


def seal(shard: Shard) -> bytes:
    """A shard as a file, whose first 32 bytes are the SHA-256 of the rest."""
    body = msgspec.msgpack.encode(shard)
    return hashlib.sha256(body).digest() + body


def unseal(content: bytes) -> Shard | None:
    """The shard that a file holds; None where it is cut off, damaged or not one."""
    body = content[32:]
    if hashlib.sha256(body).digest() != content[:32]:
        return None
    try:
        shard = msgspec.msgpack.decode(body, type=Shard)
    except (msgspec.DecodeError, SettingsError):
        return None
    n = len(shard.image_ids) // 8
    if len(shard.image_ids) != 8 * n or len(shard.labels) != 4 * n or shard.view < 0:
        return None
    labels = _labels(shard)
    return shard if n and labels.min() >= 0 and labels.max() < shard.header.n_classes else None


def _as_bytes(image_ids: npt.NDArray[np.uint64]) -> bytes:
    return image_ids.astype("<u8").tobytes()


def _labels(shard: Shard) -> npt.NDArray[np.int32]:
    return np.frombuffer(shard.labels, "<i4")


def _name(header: LedgerHeader, view: int, image_ids: bytes) -> str:
    """The name of a shard's file, the same whoever answers it."""
    queries = replace(header, corpus="", n_images=0, n_views=0, generation=0)
    digest = hashlib.sha256(msgspec.json.encode((queries, view)) + image_ids)
    return digest.hexdigest()[:32] + _ENDING


# In the driver


def ask_in_shards(
    workers: Workers,
    ledger: Ledger,
    pixels: Pixels,
    *,
    batch_size: int,
    place: str,
    budget: int | None = None,
    strategy: Strategy = dense_sweep,
    progress: Progress = silent,
) -> Sharded:
    """Have workers answer the strategy's queries that the ledger lacks; the counterpart of `ask_suspect`.

    Args:
        workers: where the shards are answered.
        ledger: where the answers are recorded; the caller holds its lock.
        pixels: as of `ask_suspect`.
        batch_size: the suspect's.
        place: the address of the folder of finished shards, of this ledger alone, which workers and driver should see.
        budget: the most queries that may ever be sent in this ledger; None for no limit.
        strategy: the order of the queries.
        progress: a listener.

    Raises:
        SuspectError: the suspect fails, or a shard was lost too often; what was answered is kept.
        StorageError: the shared folder cannot be read or written.
    """
    driver = _Driver(workers, ledger, pixels, place, budget, progress)
    try:
        driver.pick_up()
        driver.sweep(strategy, batch_size)
    finally:
        driver.flush()
    return driver.how


def shard_size(spec: PreprocessSpec, batch_size: int, n_left: int, n_workers: int) -> int:
    """How many pictures a shard holds: whole batches, bounded in memory, and enough shards for every worker."""
    most = min(MAX_PICTURES, MAX_BYTES // (spec.height * spec.width * spec.channels))
    fair = -(-n_left // (SHARES * max(n_workers, 1)))
    return max(1, min(most, fair) // batch_size) * batch_size


def cut(strategy: Strategy, ledger: Ledger, batch_size: int, size: int) -> Iterator[Batch | None]:
    """The strategy's unanswered queries in shards; None where the next ones depend on the answers to all before."""
    held, view = np.empty(0, np.intp), 0
    for batch in strategy(ledger, batch_size):
        if batch.view != view and len(held):
            yield Batch(held, view)
            held = held[:0]
        view = batch.view
        held = np.concatenate([held, ledger.missing(batch.images, view)])
        # Before a pause every worker gets something.
        least, step = (size, size) if batch.next_is_independent else (1, batch_size)
        while len(held) >= least:
            yield Batch(held[:step], view)
            held = held[step:]
        if not batch.next_is_independent:
            yield None
    if len(held):
        yield Batch(held, view)


class _Driver:
    """One sweep; `how` says how it goes."""

    def __init__(
        self, workers: Workers, ledger: Ledger, pixels: Pixels, place: str, budget: int | None, progress: Progress
    ) -> None:
        self._workers, self._ledger, self._pixels = workers, ledger, pixels
        self._place, self._budget, self._progress = place, budget, progress
        self._folder = SharedFolder(place)
        self._folder.create()
        self._flying: dict[Future[bytes], tuple[Batch, int]] = {}  # with how often it was lost
        self._recorded: list[str] = []  # files whose answers are in the ledger, but maybe not on its disk
        self._done = ledger.n_answered
        self._total = self._done + n_queries_left(ledger, budget)
        self._flushed = time.monotonic()
        self._short = False
        self.how = Sharded()

    def pick_up(self) -> None:
        """Record what an earlier driver of this ledger had counted and handed out, and workers have finished."""
        names = [name for name in self._folder.names() if name.endswith(_ENDING)]
        order = np.argsort(self._ledger.image_ids) if names else np.empty(0, np.intp)
        for name in names:
            shard = self._read(name)
            if shard is not None and self._is_ours(shard):
                ids = np.frombuffer(shard.image_ids, "<u8")
                at = np.searchsorted(self._ledger.image_ids, ids, sorter=order)
                images = order[np.minimum(at, len(order) - 1)]
                self._record(images, shard, self._ledger.image_ids[images] == ids)
                self.how.n_found += 1
            self._recorded.append(name)  # one that is damaged is asked again
        self.flush()

    def sweep(self, strategy: Strategy, batch_size: int) -> None:
        left = n_queries_left(self._ledger, self._budget)
        size = shard_size(self._ledger.header.spec, batch_size, left, self._workers.size())
        for shard in cut(strategy, self._ledger, batch_size, size):
            if shard is None:
                self._land(0)
            else:
                self._land(max(self._workers.size(), 1))  # and one more waits, so that no worker does
                self._send(shard, 0)
            if self._short:
                break
        self._land(0)
        self.how.finished = not self._short

    def flush(self) -> None:
        """Make the ledger durable, then remove the files that it no longer needs."""
        self._ledger.flush()
        self._folder.remove(self._recorded)
        self._recorded.clear()
        self._flushed = time.monotonic()

    def _send(self, shard: Batch, n_lost: int) -> None:
        """Count as many queries as the budget allows, and hand them out."""
        left = len(shard.images) if self._budget is None else max(self._budget - self._ledger.n_sent, 0)
        self._short |= left < len(shard.images)
        images = shard.images[:left]
        if not len(images):
            return
        header = replace(self._ledger.header, corpus="", n_images=len(images), n_views=shard.view + 1, generation=0)
        n_after = (self._total - self._done) // max(self._workers.size(), 1)
        task = Task(header, shard.view, self._ledger.image_ids[images], np.ascontiguousarray(self._pixels[images]),
                    n_after, self._place)  # fmt: skip
        self._ledger.count(len(images))
        self._flying[self._workers.submit(task)] = (Batch(images, shard.view), n_lost)

    def _land(self, n_flying: int) -> None:
        """Record shards as they come back, until at most `n_flying` are out."""
        while len(self._flying) > n_flying:
            for future in wait(self._flying, return_when=FIRST_COMPLETED).done:
                self._receive(future, *self._flying.pop(future))
            if time.monotonic() - self._flushed > FLUSH_EVERY_S:
                self.flush()

    def _receive(self, future: "Future[bytes]", sent: Batch, n_lost: int) -> None:
        ids = _as_bytes(self._ledger.image_ids[sent.images])
        name = _name(self._ledger.header, sent.view, ids)
        try:
            shard, reason = unseal(future.result()), "its answers arrived damaged"
        except LostError as error:
            shard, reason = self._read(name), str(error)  # it may have been finished all the same
        if shard is not None and self._is_ours(shard) and (shard.view, shard.image_ids) == (sent.view, ids):
            self._record(sent.images, shard, np.ones(len(sent.images), bool))
            self._recorded.append(name)
            self._progress("Querying the suspect", self._done, self._total)
        elif n_lost + 1 >= MAX_LOST:
            raise SuspectError(
                f"A shard of {len(sent.images):,} pictures was lost {MAX_LOST} times, the last time because {reason} "
                "What was answered is kept. Run this again; if it happens again, the workers may lack memory.",
                key="shard lost",
            )
        else:
            self.how.n_lost += 1
            self._send(sent, n_lost + 1)

    def _read(self, name: str) -> Shard | None:
        content = self._folder.read(name)
        return None if content is None else unseal(content)

    def _is_ours(self, shard: Shard) -> bool:
        return self._ledger.header.same_queries(shard.header) and shard.view < self._ledger.header.n_views

    def _record(self, images: npt.NDArray[np.intp], shard: Shard, known: npt.NDArray[np.bool_]) -> None:
        """Write the answers that the ledger lacks into it; repeats within the worker are counted now."""
        known &= np.asarray(self._ledger.answers[images, shard.view]) == NOT_ASKED
        self.how.n_shards += 1
        self.how.runtimes[shard.runtime] = self.how.runtimes.get(shard.runtime, 0) + 1
        if known.any():
            self._ledger.count(max(0, shard.n_sent - len(images)))
            self._ledger.record(images[known], shard.view, _labels(shard)[known])
            self._done += int(known.sum())
