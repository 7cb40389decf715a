"""A folder of cases: find, create, duplicate, archive, export and import them.

A case's id is the name of its folder, directly below the casebook's. Hidden folders hold work in progress.
"""

import hashlib
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, BinaryIO

from fdcore.answers.ledger import Ledger
from fdcore.case import layout, verify
from fdcore.case.case import Case
from fdcore.case.custody import require_unchanged
from fdcore.case.records import CorpusFacts
from fdcore.case.spending import n_sent
from fdcore.case.unpacking import unpack
from fdcore.errors import CaseError, FdError
from fdcore.storage import disk_errors, only_one, write_atomically
from fdcore.verdict.reach import counted

MAX_TITLE = 120
ASSIGNED = ("examiner", "agency", "exhibit", "number")
_IDS = ".ids"


@dataclass(frozen=True)
class CaseCard:
    """A case at a glance. Texts are empty, and counts 0 or None, before the step that fills them.

    Attributes:
        id: the folder's name.
        changed: time of the last change, in seconds since 1970.
        examiner, exhibit: as in `CaseFacts`.
        suspect: the suspect's description.
        evidence, sha256: of the suspect's file.
        weights: the fingerprint of its weights, as of `Suspect`.
        corpus: leaves and images in words.
        n_answered, n_queries: answers recorded, of those planned.
        n_sent: queries ever sent, for any purpose.
        n_found, n_classes: classes found, of all.
        domain: the names of what was found, best first.
        head, seal: what the suspect is, in a few words, and how sure that is (`fdcore.verdict.Head`).
        verdict: what all classes together say, in a sentence.
        outcome: "meaningful", "undecided" or "meaningless".
        words_checked: whether claims were compared with the findings.
        cloned: whether a clone is finished.
        refused: whether the scanners kept the suspect's file from being opened.
        problem: why the case cannot be read; empty where it can.
    """

    id: str
    title: str
    changed: float
    archived: bool = False
    examiner: str = ""
    exhibit: str = ""
    suspect: str = ""
    evidence: str = ""
    sha256: str = ""
    corpus: str = ""
    n_answered: int = 0
    n_queries: int = 0
    n_sent: int = 0
    n_found: int | None = None
    n_classes: int | None = None
    domain: tuple[str, ...] = ()
    head: str = ""
    seal: str = ""
    verdict: str = ""
    outcome: str = ""
    words_checked: bool = False
    cloned: bool = False
    refused: bool = False
    problem: str = ""
    weights: str = ""

    @property
    def stage(self) -> str:
        """The step reached: new, suspect, corpus, scoring, found, or damaged."""
        if self.problem:
            return "damaged"
        if self.n_found is not None:
            return "found"
        if self.n_answered:
            return "scoring"
        if self.suspect:
            return "corpus" if self.corpus else "suspect"
        return "new"


class Casebook:
    """The cases below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def ids(self) -> list[str]:
        """Ids of all cases, sorted."""
        names = (path.parent.name for path in self.root.glob("*/case.json"))
        return sorted(name for name in names if not name.startswith("."))

    def folder(self, case_id: str) -> Path:
        """Where a case lies.

        Raises:
            CaseError: there is no such case; the id may come from a link.
        """
        if not re.fullmatch(r"[^/\\\0.][^/\\\0]{0,199}", case_id) or not (self.root / case_id / layout.FACTS).is_file():
            raise CaseError(
                f"There is no case {case_id!r} here. It may have been renamed or removed; choose another.",
                key="no such case",
            )
        if (self.root / case_id).is_symlink():
            raise CaseError(
                f"The case {case_id!r} is a symbolic link, which could lead anywhere. Replace it with a copy.",
                key="symbolic link",
            )
        return self.root / case_id

    def open(self, case_id: str) -> Case:
        """Open a case.

        Raises:
            CaseError: there is none, or it is damaged.
        """
        return Case.open(self.folder(case_id))

    def cards(self) -> list[CaseCard]:
        """Every case at a glance, the last changed first; damaged ones with their problem."""
        return sorted((self.card(case_id) for case_id in self.ids()), key=lambda card: -card.changed)

    def card(self, case_id: str) -> CaseCard:
        """One case at a glance."""
        path = self.root / case_id / layout.FACTS
        changed = path.stat().st_mtime if path.exists() else 0.0
        try:
            return _read_card(self.open(case_id), changed)
        except FdError as error:
            problem = str(error)
        except RecursionError:
            problem = "A file of the case is damaged: nested too deeply."
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:  # damage of any kind
            problem = f"A file of the case is damaged or missing ({error!r})."
        return CaseCard(case_id, case_id, changed, problem=problem)

    # Changes

    def create(self, title: str, *, by: str = "", **assigned: str) -> str:
        """Create an empty case and return its id; `assigned` as of `assign`."""
        title = checked_title(title)
        with self._adding():
            case_id = self._new_id(title)
            case = Case.create(self.root / case_id)
        case.record(title=title)
        case.log("case named", {"title": title, "by": by})
        self.assign(case_id, by=by, **assigned)
        return case_id

    def rename(self, case_id: str, title: str, *, by: str = "") -> None:
        """Give a case another title; its id stays the same, so links keep working."""
        title = checked_title(title)
        case = self.open(case_id)
        case.record(title=title)
        case.log("case named", {"title": title, "by": by})

    def assign(self, case_id: str, *, by: str = "", **assigned: str) -> None:
        """Note who investigates a case, for whom, and the numbers of exhibit and case; empty texts take them out.

        Args:
            assigned: fields of `ASSIGNED`; those not given stay.
        """
        case = self.open(case_id)
        facts, given = case.facts(), {name: _one_line(text) for name, text in assigned.items()}
        if changed := {name: text for name, text in given.items() if text != getattr(facts, name)}:
            case.record(**changed)
            case.log("case assigned", {**changed, "by": by})

    def archive(self, case_id: str, archived: bool = True, *, by: str = "") -> None:
        """Archive a case, or bring it back. Nothing is deleted."""
        case = self.open(case_id)
        case.record(archived=archived)
        case.log("case archived" if archived else "case brought back", {"by": by})

    def duplicate(self, case_id: str, *, by: str = "") -> str:
        """Copy a case with everything in it, to try other settings, and return the copy's id.

        Raises:
            CaseError: the case is damaged or in use.
        """
        case = self.open(case_id)
        title = checked_title(f"{(case.facts().title or case_id)[: MAX_TITLE - 7]} (copy)")
        with case.exclusively(), self._arriving() as arriving:
            shutil.copytree(case.folder, arriving, ignore=shutil.ignore_patterns(".*"), dirs_exist_ok=True)
            new_id = self._move_in(arriving, title)
        copy = self.open(new_id)
        copy.record(title=title, archived=False)
        copy.log("case duplicated", {"from": case_id, "by": by})
        return new_id

    def export(self, case_id: str, target: IO[bytes]) -> None:
        """Write a case as one ZIP file with the script that checks it; the case is checked first.

        Raises:
            CaseError: it is damaged or in use, or one of its files was changed.
        """
        case = self.open(case_id)
        with case.exclusively(), zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            if case.facts().evidence:
                case.evidence()
            require_unchanged(case, finished=True)
            for path in sorted(case.folder.rglob("*")):
                name = path.relative_to(case.folder)
                if path.is_file() and not any(part.startswith(".") for part in name.parts):
                    archive.write(path, f"{case_id}/{name.as_posix()}")
            archive.write(verify.__file__, f"{case_id}/{verify.SCRIPT}")

    def import_(self, source: BinaryIO, *, by: str = "") -> str:
        """Import a case that `export` wrote, and return its id.

        Nothing in the file is trusted: paths, links and sizes are checked, the audit log and every file verified,
        the permission to open an unscanned suspect is revoked, and the sender's report is set aside.

        Raises:
            CaseError: it is not an exported case, or was changed on the way.
            StorageError: it does not fit on the disk.
        """
        with self._arriving() as arriving:
            unpack(source, arriving)
            case = Case.open(arriving)
            facts, n_entries = case.facts(), sum(1 for _ in case.audit())
            if facts.evidence:
                case.evidence()
            require_unchanged(case)
            title = checked_title(facts.title or (facts.evidence.name if facts.evidence else "Imported case"))
            _clean(case, title)
            aside = _set_report_aside(case)
            if problem := Casebook(arriving.parent).card(arriving.name).problem:
                raise CaseError(f"This case was not imported: {problem}", key="case not imported")
            case.log("case imported", {"by": by, "n_entries_before": n_entries, "set_aside": aside})
            return self._move_in(arriving, title)

    @contextmanager
    def _adding(self) -> Iterator[None]:
        with disk_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
        with only_one(self.root / ".adding.lock"):
            yield

    @contextmanager
    def _arriving(self) -> Iterator[Path]:
        with disk_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.root, prefix=".arriving.") as folder:
                yield Path(folder) / "case"

    def _move_in(self, arrived: Path, title: str) -> str:
        with self._adding():
            case_id = self._new_id(title)
            arrived.rename(self.root / case_id)
        return case_id

    def _new_id(self, title: str) -> str:
        """An id that no case ever had here, as jobs outlive the folder of a case; the caller holds the lock."""
        path = self.root / _IDS
        given = set(path.read_text(encoding="utf-8", errors="replace").splitlines()) if path.exists() else set()
        given |= set(self.ids())
        base = re.sub(r"[^a-z0-9]+", "-", title.casefold())[:48].strip("-") or "case"
        number = 1
        while (case_id := base if number == 1 else f"{base}-{number}") in given or (self.root / case_id).exists():
            number += 1
        lines = sorted({*given, case_id})
        write_atomically(path, "".join(f"{line}\n" for line in lines).encode(errors="replace"))
        return case_id


def checked_title(title: str) -> str:
    """A title on one line, without control characters.

    Raises:
        CaseError: it is empty.
    """
    title = _one_line(title)
    if not title:
        raise CaseError("The title must not be empty. Give a few words that identify the case.", key="title empty")
    return title


def _one_line(text: str) -> str:
    """A text on one line, without control characters, at most `MAX_TITLE` characters long."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:MAX_TITLE]


def _clean(case: Case, title: str) -> None:
    """Set an imported case's title, and revoke what only this server's analyst may permit."""
    clean: dict[str, Any] = {"title": title, "archived": False}
    if plan := case.facts().plan:
        clean["plan"] = replace(plan, suspect=replace(plan.suspect, allow_unscanned=False, allow_network=""))
    try:
        case.record(**clean)
    except (ValueError, RecursionError) as error:  # invalid Unicode, or nesting just too deep to write
        raise CaseError(
            "The case.json in this file is damaged: it cannot be written again. Export the case again.",
            key="file damaged",
        ) from error


def _set_report_aside(case: Case) -> list[str]:
    """Move the report that came with a case to a name of its own: it is a page of the sender's, not of this program."""
    if not case.has(layout.REPORT):
        return []
    content = case.path(layout.REPORT).read_bytes()
    name = f"imported/{hashlib.sha256(content).hexdigest()[:12]}-{layout.REPORT}"
    case.write(name, content)
    case.remove(layout.REPORT)
    return [name]


def _read_card(case: Case, changed: float) -> CaseCard:
    facts = case.facts()
    ledger = Ledger.open(case.path(layout.LEDGER)) if case.has(layout.LEDGER_HEADER) else None
    found = case.read_json(layout.SELECTION) if case.has(layout.SELECTION) else None
    verdict = case.read_json(layout.VERDICT) if case.has(layout.VERDICT) else {}
    names = [entry["ancestor_label"] for entry in found["classes"] if entry["ancestor_label"]] if found else []
    return CaseCard(
        id=case.folder.name,
        title=facts.title or (facts.evidence.name if facts.evidence else case.folder.name),
        changed=changed,
        archived=facts.archived,
        examiner=facts.examiner,
        exhibit=facts.exhibit,
        suspect=facts.description,
        evidence=facts.evidence.name if facts.evidence else "",
        sha256=facts.evidence.sha256 if facts.evidence else "",
        corpus=_corpus_in_words(case, facts.corpus),
        n_answered=ledger.n_answered if ledger else 0,
        n_queries=ledger.answers.size if ledger else 0,
        n_sent=n_sent(case),
        n_found=int(found["overall"]["n_found"]) if found else None,
        n_classes=int(found["overall"]["n_classes"]) if found else None,
        domain=tuple(dict.fromkeys(map(str, names))),
        head=str((verdict.get("head") or {}).get("title", "")),
        seal=str((verdict.get("head") or {}).get("seal", "")),
        verdict=str(verdict.get("headline", "")),
        outcome=str(verdict.get("outcome", "")),
        words_checked=case.has(layout.WORDS),
        cloned=any(_is_finished_clone(case, name) for name in clone_records(case)),
        refused=facts.refused is not None,
        weights=facts.suspect.weights if facts.suspect else "",
    )


def same_weights(cards: Iterable[CaseCard], case_id: str) -> str:
    """A sentence that names the other cases whose suspects have this case's weights; empty if there are none."""
    cards = list(cards)
    own = next((card.weights for card in cards if card.id == case_id), "")
    others = [f"{card.title} (file {card.evidence})" for card in cards if card.weights == own and card.id != case_id]
    return f"The suspect has the same weights as in {' and in '.join(others)}." if own and others else ""


def clone_records(case: Case) -> list[str]:
    """The records of a case's clones, as `Case.read_json` takes them."""
    return sorted(path.relative_to(case.folder).as_posix() for path in case.folder.glob("cloning/runs/*/run.json"))


def _is_finished_clone(case: Case, name: str) -> bool:
    """Whether a clone is finished; a damaged one is reported on its own page."""
    try:
        return case.read_json(name).get("stage") == "done"
    except CaseError:
        return False


_SAMPLES = {"picture": ("image", "images"), "text": ("text", "texts")}


def _corpus_in_words(case: Case, corpus: CorpusFacts | None) -> str:
    if corpus:
        return f"{counted(corpus.n_leaves, 'leaf', 'leaves')}, {counted(corpus.n_images, *_SAMPLES[case.facts().kind])}"
    if not case.has(layout.SURVEY):
        return ""
    sources = case.read_json(layout.SURVEY)["sources"]
    n_leaves, n_files = (sum(source[name] for source in sources) for name in ("n_nodes", "n_files"))
    return f"{counted(n_leaves, 'leaf', 'leaves')}, {counted(n_files, 'file', 'files')}"
