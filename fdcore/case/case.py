"""A case: one folder that holds an investigation, readable without our software.

    case.json           what was investigated, with which settings, by which version
    audit.jsonl         what was done and when, as a hash chain
    evidence/           the suspect's file as it came
    hierarchy.parquet   the corpus' hierarchy
    corpus.parquet      the images that were asked about: node, name, SHA-256
    corpus_problems.csv files that were left out or converted, with the reason
    ledger/             every answer of the suspect
    scores.csv/.json    functional scores; of very many, those above 0
    scores.parquet      every functional score
    selection.csv/.json what was found per class
    images.csv          the selection's images, kept or dropped
    verdict.json        what all classes together mean
    claims.json         what somebody says that the classes are
    verification/       claims against findings, maps, and the word vectors used
    report.html         all of it on one page

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

from fdcore.case import layout
from fdcore.case.plan import Plan
from fdcore.case.records import CaseFacts, EvidenceFacts
from fdcore.errors import CaseError, EvidenceError, StorageError, SuspectError
from fdcore.records import from_plain, to_plain
from fdcore.storage import disk_errors, only_one, sha256_file, sync_folder, write_atomically
from fdcore.version import __version__

FORMAT = 1
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")  # in JSON; a pair of them is one character, one alone is no text
_GENESIS = "0" * 64
_SETTLED_NS = 1_000_000_000  # a folder changed less ago may change again within one tick of the file system's clock


@dataclass(frozen=True)
class Evidence:
    """A file taken into a case: where it lies, what it was called, and its hash on intake."""

    path: Path
    name: str
    sha256: str
    size: int


class Case:
    """One case folder. `create` or `open` it, then read and write its artefacts by the names above."""

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
        # Hidden files are what a run that was killed right at the start leaves behind.
        if folder.exists() and (not folder.is_dir() or any(not p.name.startswith(".") for p in folder.iterdir())):
            raise CaseError(f"{folder} exists and is no case. Give the path of a case, or of a new or empty folder.")
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        case = cls(folder)
        case.write_json(layout.FACTS, {"format": FORMAT, "fdcore": __version__, "created": _now()})
        case.log("case created", {"fdcore": __version__})
        return case

    @classmethod
    def open(cls, folder: str | Path) -> "Case":
        """Open a case that exists.

        Raises:
            CaseError: there is none, it is damaged, or a version with another format made it.
        """
        folder = Path(folder)
        if not (folder / layout.FACTS).is_file():
            raise CaseError(
                f"{folder} is no case: it has no case.json. `fdcore investigate ... --out {folder}` makes one."
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
                "Open it with the version that made it; nothing was changed."
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
        said = {part: value for part, value in plain.items() if value != {}}  # an empty part says nothing
        return from_plain(CaseFacts, said, what=f"{self.folder / 'case.json'}"), plain

    def record(self, **facts: Any) -> None:
        """Put fields of `CaseFacts` into case.json; what others record at the same time is kept.

        Raises:
            CaseError: case.json is damaged, or the case was removed.
        """
        self._require_there()
        with only_one(self.folder / ".facts.lock"):
            _, plain = self._read_facts()
            self.write_json(layout.FACTS, plain | to_plain(facts))

    def plan(self) -> Plan:
        """What the analyst wants done in the case, as far as it is known.

        Raises:
            CaseError: case.json is damaged.
        """
        return self.facts().plan or Plan()

    def change_plan(self, *, by: str = "", **parts: Any) -> Plan:
        """Change fields of the plan; the others stay as they are at that moment. The change goes into the audit log.

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
                self.log("plan changed", to_plain(parts) | ({"by": by} if by else {}))
        return new

    def has(self, name: str) -> bool:
        """Whether the artefact is there."""
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
            content = json.loads(text, parse_constant=_finite, parse_float=_finite)
            if _SURROGATE.search(text):
                json.dumps(content, ensure_ascii=False).encode()  # a ValueError where half a character stands alone
        except FileNotFoundError as error:
            raise CaseError(f"The case {self.folder} has no {name}: that step was not run yet.") from error
        except RecursionError as error:
            raise CaseError(
                f"{self.folder / name} is damaged: it is nested too deeply. Restore it from a copy of the case."
            ) from error
        except (ValueError, OSError) as error:
            raise CaseError(
                f"{self.folder / name} is damaged ({error}). Restore it from a copy of the case."
            ) from error
        if not isinstance(content, dict):
            raise CaseError(f"{self.folder / name} is damaged: it holds no JSON object. Restore it from a copy.")
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
        write_atomically(self.folder / name, content)

    def revision(self, *names: str) -> str:
        """A digest that changes whenever one of the artefacts does; what was read from them may be kept under it."""
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
            raise SuspectError(f"The suspect {source} is no regular file. Give the path of a model's file.")
        try:
            sha256 = sha256_file(source)
        except OSError as error:
            raise SuspectError(f"The suspect's file {source} cannot be read: {error.strerror}.") from error
        known = self.facts().evidence
        if known and known.sha256 != sha256:
            raise CaseError(
                f"This case is about another file ({known.name}, SHA-256 {known.sha256[:12]}…), "
                f"not {source.name} ({sha256[:12]}…). Give another folder for a new case."
            )
        if known:
            return self.evidence()
        target = self.folder / layout.EVIDENCE / _safe_name(source.name)
        copied = _copy(source, target)
        if copied != sha256:
            target.unlink()
            raise SuspectError(f"{source} changed while it was copied. Copy it to a quiet place and try again.")
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
                f"The evidence {path} {state}. It was changed after intake; restore the original file before going on."
            )
        return Evidence(path, known.name, known.sha256, known.size)

    # Audit log

    def log(self, event: str, details: dict[str, Any]) -> None:
        """Append one entry to the audit log, chained to the one before.

        Raises:
            CaseError: the log was changed, or the case was removed.
        """
        self._require_there()
        with only_one(self.folder / ".audit.lock"), disk_errors(self.folder):
            self._append(event, details)

    def _append(self, event: str, details: dict[str, Any]) -> None:
        path = self.folder / layout.AUDIT
        content = path.read_bytes() if path.exists() else b""
        whole, torn = content[: content.rfind(b"\n") + 1], content[content.rfind(b"\n") + 1 :]
        entries = [(event, details)]
        if torn:  # a power cut in the middle of a write
            os.truncate(path, len(whole))
            entries.insert(0, ("torn entry removed", {"text": torn.decode(errors="replace")}))
        lines = whole.splitlines()
        try:
            previous = json.loads(lines[-1])["hash"] if lines else _GENESIS
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise CaseError(
                f"The audit log {path} was changed: its last entry is none. Restore it from a copy."
            ) from error
        with path.open("ab") as file:
            for number, (name, values) in enumerate(entries, start=len(lines)):
                entry = {"n": number, "time": _now(), "event": name, "details": values, "previous": previous}
                previous = _entry_hash(entry)
                file.write(json.dumps(entry | {"hash": previous}, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def audit(self) -> Iterator[dict[str, Any]]:
        """The audit log's entries, each verified.

        Raises:
            CaseError: an entry was changed, removed or reordered.
        """
        previous = _GENESIS
        path = self.folder / layout.AUDIT
        for number, line in enumerate(path.read_bytes().splitlines() if path.exists() else []):
            try:
                entry = json.loads(line)
                intact = entry["previous"] == previous and entry["n"] == number and _entry_hash(entry) == entry["hash"]
            except (ValueError, KeyError, TypeError, RecursionError):
                intact = False
            if not intact:
                raise CaseError(
                    f"The audit log {path} was changed: entry {number} does not follow from the one before."
                )
            previous = entry["hash"]
            yield entry
        if previous == _GENESIS:
            raise CaseError(
                f"The audit log {path} is missing or empty, and every case has one. Restore it from a copy."
            )

    @contextmanager
    def exclusively(self, *, wait: bool = False) -> Iterator[None]:
        """Hold the case's lock while a run writes its artefacts.

        Args:
            wait: for another process that works on this case, instead of giving up.

        Raises:
            CaseError: another process works on this case, or it was removed.
        """
        self._require_there()
        busy = f"Another process is working on the case {self.folder}. Wait for it, or stop it and run again."
        with only_one(self.folder / ".lock", None if wait else busy):
            _refuse_links(self.folder)  # whatever was remembered: what holds the lock writes, copies or exports
            yield

    def _require_there(self) -> None:
        """A case that somebody removed is not made again by what still works on it."""
        if not self.folder.is_dir():
            raise CaseError(f"The case {self.folder} was removed. Choose another, or import a copy of it.")


@lru_cache(maxsize=1_000)
def _refuse_links_once(folder: Path, _inode: int, _changed_ns: int) -> None:
    """`_refuse_links` once for a folder in this process, until something arrives in the folder itself.

    A page opens its case some fifty times. Cases come as whole folders; whoever can put a link deep into one that is
    open already can also change what it holds.
    """
    _refuse_links(folder)


def _refuse_links(folder: Path) -> None:
    """Walk through the whole case for symbolic links; what others remove meanwhile is passed over.

    Raises:
        CaseError: there is one.
    """
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if (path := Path(place) / name).is_symlink():
                raise CaseError(
                    f"The case holds a symbolic link ({path}), which could lead anywhere. Replace it by a copy."
                )


def to_json(content: dict[str, Any]) -> bytes:
    """JSON as a case holds it: indented, UTF-8, without NaN."""
    return (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _finite(text: str) -> float:
    """A number in JSON; NaN, Infinity and what is too large for a number have no place in a case."""
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text[:20]} is no number")
    return number


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _entry_hash(entry: dict[str, Any]) -> str:
    """SHA-256 over the entry without its own hash, as canonical JSON; it covers the previous entry's hash."""
    body = {key: value for key, value in entry.items() if key != "hash"}
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _safe_name(name: str) -> str:
    """A file name that is only a name: what a hostile one could do with slashes, dots or control characters is gone."""
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
