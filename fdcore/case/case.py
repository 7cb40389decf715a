"""A case: one folder that holds an investigation, readable without our software.

    case.json           what was investigated, with which settings, by which version
    audit.jsonl         what was done and when, as a hash chain
    evidence/           the suspect's file as it came
    hierarchy.parquet   the corpus' hierarchy
    corpus.parquet      the corpus' images: node, name, SHA-256
    names.csv           what leaves were called and placed below by hand
    near_tau.csv        leaves that adaptive asking found too near tau to tell
    corpus_problems.csv files that were left out or converted, with the reason
    ledger/             every answer of the suspect
    scores.csv/.json    functional scores; of very many, those above 0
    scores.parquet      every functional score
    selection.csv/.json what was found for each class
    images.csv          the selection's images, kept or dropped
    verdict.json        what all classes together mean
    claims.json         what the classes are claimed to be
    notes.json          tags and comments on pictures, leaves and classes
    claims_beside.json  what a file beside the suspect's calls them
    tensors.csv         the tensors of weights that no known network fits
    verification/       claims against findings, maps, and the word vectors used
    report.html         everything on one page
    gaps.json           training splits compared with test splits
    views.json          settings that an analyst saved under a name
    versions.json       the software that the suspect was queried with, and that weighed its answers
    timestamps/         replies of time-stamping authorities about entries of the log
    generated.json      which pictures were generated: of what, by which prompt, seed and command
    grown/              these pictures, a folder for each leaf
    validation.json     how the installation did with reference suspects, as of the conclusions

Every file is written whole or not at all. The evidence is hashed on intake and again before each run.
"""

import hashlib
import json
import math
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from fdcore.case import layout, log, verify
from fdcore.case.plan import Plan
from fdcore.case.records import CaseFacts, EvidenceFacts, settings_as_written
from fdcore.errors import CaseError, EvidenceError, StorageError, SuspectError
from fdcore.records import from_plain, names_only, to_plain
from fdcore.storage import disk_errors, only_one, sha256_file, sync_folder, write_atomically
from fdcore.version import __version__, environment

FORMAT = 1
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")  # in JSON; a pair of them is one character, a lone one is not text
_SETTLED_NS = 1_000_000_000  # a folder changed less ago may change again within one tick of the file system's clock


@dataclass(frozen=True)
class Evidence:
    """A file taken into a case: its path there, its original name, and its hash on intake."""

    path: Path
    name: str
    sha256: str
    size: int


class Case:
    """One case folder: `create` or `open` it, then read and write its artefacts by the names above."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        return f"<Case {self.folder}>"

    @classmethod
    def create(cls, folder: Path) -> "Case":
        """Make an empty case in a new or empty folder.

        Raises:
            CaseError: the folder holds something else.
            StorageError: the folder cannot be written.
        """
        # A run that was killed at its very start leaves hidden files behind.
        if folder.exists() and (not folder.is_dir() or any(not p.name.startswith(".") for p in folder.iterdir())):
            raise CaseError(
                f"{folder} exists but is not a case. Give the path of a case, or of a new or empty folder.",
                key="not a case",
            )
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        case = cls(folder)
        case.write_json(layout.FACTS, {"format": FORMAT, "fdcore": __version__, "created": _now()})
        log.append(folder, "case created", {"fdcore": __version__}, new=True)
        return case

    @classmethod
    def open(cls, folder: str | Path) -> "Case":
        """Open a case that exists.

        Raises:
            CaseError: there is none, it is damaged, or its format is of another version.
        """
        folder = Path(folder)
        if not (folder / layout.FACTS).is_file():
            raise CaseError(
                f"{folder} is not a case: it has no case.json. `fdcore investigate ... --out {folder}` makes one.",
                key="not a case",
            )
        status = folder.stat()
        if time.time_ns() - status.st_ctime_ns < _SETTLED_NS:
            _refuse_links(folder)
        else:
            _refuse_links_once(folder.absolute(), status.st_ino, status.st_ctime_ns)
        case = cls(folder)
        found = case.facts().format
        if found != FORMAT:
            raise CaseError(
                f"The case {folder} has format {found}; this version ({__version__}) reads format {FORMAT}. "
                "Open it with the version that made it; nothing was changed.",
                key="format of another version",
            )
        return case

    @classmethod
    def open_or_create(cls, folder: Path) -> "Case":
        """Open the case if the folder is one, or make one."""
        return cls.open(folder) if (folder / layout.FACTS).exists() else cls.create(folder)

    # What is in it

    def facts(self) -> CaseFacts:
        """The content of case.json.

        Raises:
            CaseError: it is damaged; the message says where.
        """
        return self._read_facts()[0]

    def _read_facts(self) -> tuple[CaseFacts, dict[str, Any]]:
        plain = self.read_json(layout.FACTS)
        stated = {part: value for part, value in plain.items() if value != {}}  # an empty part says nothing
        for owner in (stated, stated.get("plan", {}).get("settings", {})):
            if "selection" in owner:
                owner["selection"] = settings_as_written(owner["selection"])
        return from_plain(CaseFacts, stated, what=f"{self.folder / 'case.json'}"), plain

    def record(self, **facts: Any) -> None:
        """Write fields of `CaseFacts` into case.json; what others record at the same time is kept.

        Raises:
            CaseError: case.json is damaged, or the case was removed.
        """
        self._require_there()
        with only_one(self.folder / ".facts.lock"):
            _, plain = self._read_facts()
            self.write_json(layout.FACTS, plain | to_plain(facts))

    def plan(self) -> Plan:
        """What the analyst wants done in the case; an empty plan where nothing is planned.

        Raises:
            CaseError: case.json is damaged.
        """
        return self.facts().plan or Plan()

    def change_plan(self, *, by: str = "", **parts: Any) -> Plan:
        """Change some fields of the plan; the change is recorded in the audit log.

        Args:
            by: who changes it.
            parts: fields of `Plan`.

        Raises:
            CaseError: another process works on the case.
        """
        with self.exclusively():
            now = self.plan()
            new = replace(now, **parts)
            if new != now:
                self.record(plan=new)
                self.log("plan changed", names_only(to_plain(parts)) | ({"by": by} if by else {}))
        return new

    def has(self, name: str) -> bool:
        """Whether the artefact exists."""
        return (self.folder / name).exists()

    def path(self, name: str) -> Path:
        """Where an artefact lies or will lie."""
        return self.folder / name

    def read_json(self, name: str) -> dict[str, Any]:
        """Read a JSON artefact.

        Raises:
            CaseError: it is missing or damaged.
        """
        try:
            text = (self.folder / name).read_text(encoding="utf-8")
            content = json.loads(text, parse_constant=_finite, parse_float=_finite, object_pairs_hook=verify.once)
            if _SURROGATE.search(text):
                json.dumps(content, ensure_ascii=False).encode()  # a ValueError where half a character stands alone
        except FileNotFoundError as error:
            raise CaseError(
                f"The case {self.folder} has no {name}: that step has not been run yet.", key="artefact missing"
            ) from error
        except (ValueError, OSError, RecursionError) as error:
            raise _damaged(
                self.folder / name, "nested too deeply" if isinstance(error, RecursionError) else error
            ) from error
        if not isinstance(content, dict):
            raise _damaged(self.folder / name, "not a JSON object")
        return content

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write a JSON artefact, atomically."""
        self.write(name, to_json(content))

    def write(self, name: str, content: bytes) -> None:
        """Write an artefact, atomically.

        Raises:
            CaseError: the case was removed.
        """
        self._require_there()
        log.note_written(self.folder, name, content)
        write_atomically(self.folder / name, content)

    def remove(self, name: str) -> None:
        """Remove an artefact."""
        log.note_removed(self.folder, name)
        (self.folder / name).unlink()

    @contextmanager
    def changing(self, *places: str) -> Iterator[None]:
        """Change files below folders of the case by other means than `write`; the next entry of the log binds them."""
        before = {place: log.note_begun(self.folder, place) for place in places}
        try:
            yield
        finally:
            for place, hashes in before.items():
                log.note_changed(self.folder, place, hashes)

    def record_versions(self, step: str) -> None:
        """Record the versions that a step runs with; the next entry of the log binds them.

        Args:
            step: "asked" or "analysed".
        """
        known = self.read_json(layout.VERSIONS) if self.has(layout.VERSIONS) else {}
        self.write_json(layout.VERSIONS, known | {step: environment()})

    def revision(self, *names: str) -> str:
        """A digest that changes whenever one of the artefacts does, to cache under it what was read from them."""
        stamps = []
        for name in names:
            try:
                status = (self.folder / name).stat()
                stamps.append((name, status.st_mtime_ns, status.st_size))
            except FileNotFoundError:
                stamps.append((name, 0, -1))
        return hashlib.sha256(repr((str(self.folder), stamps)).encode()).hexdigest()

    # Evidence

    def take_evidence(self, source: Path) -> Evidence:
        """Copy the suspect's file into the case and hash it; the same file again changes nothing.

        Raises:
            SuspectError: the file cannot be read.
            CaseError: the case already holds another suspect.
        """
        if source.exists() and not source.is_file():
            raise SuspectError(f"The suspect {source} is not a regular file. Give the path of a model's file.")
        try:
            sha256 = sha256_file(source)
        except OSError as error:
            raise SuspectError(
                f"The suspect's file {source} cannot be read: {error.strerror}.", key="file unreadable"
            ) from error
        known = self.facts().evidence
        if known and known.sha256 != sha256:
            raise CaseError(
                f"This case is about another file ({known.name}, SHA-256 {known.sha256[:12]}…), "
                f"not {source.name} ({sha256[:12]}…). Give another folder for a new case.",
                key="case of another file",
            )
        if known:
            return self.evidence()
        target = self.folder / layout.EVIDENCE / _safe_name(source.name)
        with self.changing(layout.EVIDENCE):
            copied = _copy(source, target)
        if copied != sha256:
            target.unlink()
            raise SuspectError(f"{source} changed while it was being copied. Make a copy of it and give that one.")
        name = os.fsencode(source.name).decode("utf-8", "backslashreplace")
        facts = EvidenceFacts(name, target.name, sha256, target.stat().st_size)
        self.record(evidence=facts)
        self.log("evidence taken", to_plain(facts))
        return self.evidence()

    def evidence(self) -> Evidence:
        """The evidence on record, its hash verified now.

        Raises:
            CaseError: there is none.
            EvidenceError: the file is gone or no longer has the hash that was taken on intake.
        """
        known = self.facts().evidence
        if not known:
            raise CaseError(f"The case {self.folder} holds no suspect's file.")
        path = self.folder / layout.EVIDENCE / _safe_name(known.file)
        if not path.is_file() or (found := sha256_file(path)) != known.sha256:
            state = "is missing" if not path.is_file() else f"has SHA-256 {found[:12]}… instead of {known.sha256[:12]}…"
            raise EvidenceError(
                f"The evidence {path} {state}. It was changed after intake; restore the original file first.",
                key="evidence changed",
            )
        return Evidence(path, known.name, known.sha256, known.size)

    # Audit log

    def log(self, event: str, details: dict[str, Any]) -> None:
        """Append one entry to the audit log; it binds what this thread wrote into the case since its last one.

        Raises:
            CaseError: the log was changed, or the case was removed.
        """
        self._require_there()
        log.append(self.folder, event, details)

    def audit(self) -> Iterator[dict[str, Any]]:
        """The audit log's entries, each verified.

        Raises:
            CaseError: an entry was changed, removed or reordered, or the log is gone.
        """
        try:
            yield from verify.entries(self.folder)
        except verify.Broken as error:
            raise CaseError(
                f"The audit log {self.path(layout.AUDIT)} was changed: {error}. Restore it from a copy.",
                key="audit log missing" if "missing" in str(error) else "audit log changed",
            ) from error

    @contextmanager
    def exclusively(self, *, wait: bool = False) -> Iterator[None]:
        """Hold the case's lock while a run writes its artefacts.

        Args:
            wait: wait for another process that works on this case, instead of raising.

        Raises:
            CaseError: another process works on this case, or it was removed.
        """
        self._require_there()
        busy = f"Another process is working on the case {self.folder}. Wait for it, or stop it, and try again."
        with only_one(self.folder / ".lock", None if wait else busy):
            _refuse_links(self.folder)  # without the cache: who holds the lock writes, copies or exports
            yield

    def _require_there(self) -> None:
        """Keep work that still runs from creating again a case that was removed."""
        if not self.folder.is_dir():
            raise CaseError(
                f"The case {self.folder} was removed. Choose another, or import a copy of it.", key="case removed"
            )


@lru_cache(maxsize=1_000)
def _refuse_links_once(folder: Path, _inode: int, _changed_ns: int) -> None:
    """`_refuse_links`, cached until something changes directly in the folder: a page opens its case some fifty times.

    Cases arrive as whole folders; who can put a link deep into an open case can also change what it holds.
    """
    _refuse_links(folder)


def _refuse_links(folder: Path) -> None:
    """Search the whole case for symbolic links; what others remove meanwhile is skipped.

    Raises:
        CaseError: there is one.
    """
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if (path := Path(place) / name).is_symlink():
                raise CaseError(
                    f"The case holds a symbolic link ({path}), which could lead anywhere. Replace it with a copy.",
                    key="symbolic link",
                )


def _damaged(path: Path, reason: object) -> CaseError:
    return CaseError(f"{path} is damaged ({reason}). Restore it from a copy of the case.", key="file damaged")


def to_json(content: dict[str, Any]) -> bytes:
    """JSON as a case holds it: indented, UTF-8, without NaN."""
    return (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _finite(text: str) -> float:
    """A number in JSON, which NaN, Infinity and what overflows are not."""
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text[:20]} is not a number")
    return number


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _safe_name(name: str) -> str:
    """A harmless file name: slashes, leading dots and control characters are removed."""
    return re.sub(r"[^A-Za-z0-9_-]+", ".", name)[-80:].strip(".") or "suspect"


def _copy(source: Path, target: Path) -> str:
    """Copy a file whole or not at all, and return the hash of what was written."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            with source.open("rb") as read, temporary.open("wb") as write:
                shutil.copyfileobj(read, write, 1 << 20)
                write.flush()
                os.fsync(write.fileno())
            digest = sha256_file(temporary)
            os.chmod(temporary, 0o444)
            os.replace(temporary, target)
            sync_folder(target.parent)
    except StorageError:
        temporary.unlink(missing_ok=True)
        raise
    return digest
