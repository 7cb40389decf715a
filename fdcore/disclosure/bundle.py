"""The disclosure bundle: one ZIP file for the other side's expert, the same bytes each time it is made.

It holds the part of a case that bears out its findings, in `case/`, and beside it what was made for the reader. What
was left out is listed, with its hash and the reason, in the manifest that the analyst signs.
"""

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from fdcore.case import layout, verify
from fdcore.case.case import Case, to_json
from fdcore.case.conclusions import load_scored, pixels_of, read_choices, selection_settings
from fdcore.case.custody import require_unchanged
from fdcore.case.keys import SigningKey, load_key
from fdcore.case.plan import open_planned_hierarchy
from fdcore.case.verify import CASE, Checked
from fdcore.corpus.containers import open_file
from fdcore.corpus.corpus import folder_of, nodes_above
from fdcore.corpus.picture_list import root_of
from fdcore.disclosure import readme
from fdcore.disclosure.case_uco import case_as_jsonld
from fdcore.disclosure.statement import LeftOut, sign, statement
from fdcore.errors import CaseError, CorpusError
from fdcore.method.findings import Findings, weigh
from fdcore.records import names_only
from fdcore.report.audit import read_trail
from fdcore.report.pdf import to_pdf
from fdcore.report.sections import Record
from fdcore.tables import to_csv
from fdcore.verdict.reach import counted
from fdcore.version import environment
from fdcore.work.conclude import draw_report
from fdcore.work.replay import replay
from fdcore.work.sections import record_for_report

Content = Path | bytes | Callable[[], bytes]

README, PICTURES_CSV, LOCK, UCO = "README.md", "pictures.csv", "requirements.lock", "case-uco.jsonld"
REPORT_HTML, REPORT_PDF, SETTINGS = "report.html", "report.pdf", "settings.json"
_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest in a ZIP file
SUSPECT_SEALED = "the suspect's file, which may be evidence under seal"
PICTURES_LICENSED = "holds pictures, whose licences may not allow that they are passed on"
REASONS = {
    layout.FACTS: f"names folders of the machine where the case was made; {SETTINGS} has the rest of its content",
    f"{layout.GENERATED_PICTURES}/": "a generated picture; those that were queried come with the corpus' pictures",
    f"{layout.CLONES}/": "a clone copies the suspect; the findings do not rest on it",
}


@dataclass(frozen=True)
class Bundle:
    """What a bundle holds.

    Attributes:
        name: of the folder that it unpacks to.
        files: names of its files, sorted.
        left_out: files of the case that are not in it.
        key: the fingerprint of the key that signed its manifest; "" for none.
        with_folders: numbers of log entries that name folders of the machine where the case was made.
    """

    name: str
    files: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    key: str
    with_folders: tuple[int, ...]

    @property
    def in_words(self) -> str:
        """What is in it and what is not."""
        signed = f"signed by {self.key}" if self.key else "not signed"
        lines = [
            f"{counted(len(self.files), 'file', 'files')}, {signed}; "
            f"{counted(len(self.left_out), 'file', 'files')} of the case left out:"
        ]
        lines += [f"  {n}: {reason}" for reason, n in Counter(one.reason for one in self.left_out).items()]
        if self.with_folders:
            numbers = ", ".join(map(str, self.with_folders))
            lines.append(f"Log entries that name folders of this machine, which cannot be taken out: {numbers}.")
        return "\n".join(lines)


def write_bundle(
    folder: Path, target: IO[bytes], *, cache: Path | None = None, suspect: bool = False, pictures: bool = False
) -> Bundle:
    """Write a case's disclosure bundle; the case is checked first and nothing in it is written.

    Args:
        folder: the case's folder.
        target: where the ZIP file is written.
        cache: where decoded images are kept, for the pictures in the report.
        suspect: whether the suspect's file is in it.
        pictures: whether the pictures are in it: those of the corpus that were queried, and those in the report.

    Raises:
        CaseError: the case was changed or has no conclusions, or its log is signed and there is no key to sign with.
        CorpusError: a picture is not where the case's plan says, or was changed since.
    """
    case = Case.open(folder)
    with case.exclusively():
        checked, findings, key = _checked(case), _findings(case), load_key()
        if checked.signers and key is None:
            raise CaseError(
                "The log of this case is signed, so the list of what is left out must be signed too. Set FDCORE_KEY.",
                key="bundle not signed",
            )
        own, left_out = _own_files(case, suspect=suspect, pictures=pictures)
        page = draw_report(case, findings, pixels_of(case, cache) if pictures else None, _record(case, findings))
        made = _made(case, findings, page, key) | own | (_picture_files(case, findings) if pictures else {})
        with_folders = tuple(entry["n"] for entry in case.audit() if _names_folders(case, entry["details"]))
        names = sorted({*made, README, verify.MANIFEST, *([verify.ENVELOPE] if key else [])})
        made[README] = readme.text(case, names, left_out, checked, with_folders).encode()
        hashes = {name: _sha256(content) for name, content in made.items()}
        made[verify.MANIFEST] = manifest = to_json(statement(case, checked, findings, hashes, left_out))
        if key:
            made[verify.ENVELOPE] = sign(manifest, key)
        root = f"{folder.resolve().name}-disclosure"
        _write_zip(target, root, made)
    return Bundle(root, tuple(names), left_out, key.fingerprint if key else "", with_folders)


@contextmanager
def as_case(folder: Path) -> Iterator[Path]:
    """A copy of the part of a case in an unpacked bundle that can be replayed, for as long as the block runs.

    Raises:
        CaseError: the bundle lacks it.
    """
    if not (folder / CASE).is_dir() or not (folder / SETTINGS).is_file():
        raise CaseError(f"The bundle {folder} is not whole: {CASE}/ or {SETTINGS} is missing. Unpack it again.",
                        key="bundle not whole")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="fdcore-bundle.") as place:
        copy = Path(shutil.copytree(folder / CASE, Path(place) / CASE))
        shutil.copyfile(folder / SETTINGS, copy / layout.FACTS)
        yield copy


def _checked(case: Case) -> Checked:
    if not case.has(layout.SELECTION):
        raise CaseError(f"The case {case.folder} has no conclusions yet: there is nothing to disclose.",
                        key="no conclusions")  # fmt: skip
    if case.facts().evidence:
        case.evidence()
    return require_unchanged(case, finished=True)


def _findings(case: Case) -> Findings:
    if differ := replay(case.folder).differ:
        raise CaseError(
            f"{case.folder}: its answers and choices now give another {', '.join(differ)}. Write the conclusions "
            "again with `fdcore select`.",
            key="conclusions out of date",
        )
    return weigh(load_scored(case), selection_settings(case), read_choices(case))


# What is in it


def _made(case: Case, findings: Findings, page: str, key: SigningKey | None) -> dict[str, Content]:
    """What is made for the reader."""
    return {
        REPORT_HTML: page.encode(),
        REPORT_PDF: to_pdf(page),
        SETTINGS: to_json(names_only(case.read_json(layout.FACTS))),
        PICTURES_CSV: _pictures_csv(findings),
        LOCK: _lock(case).encode(),
        UCO: to_json(case_as_jsonld(case)),
        verify.SCRIPT: Path(verify.__file__),
        **_keys(case, key),
    }


def _own_files(case: Case, *, suspect: bool, pictures: bool) -> tuple[dict[str, Content], tuple[LeftOut, ...]]:
    """The case's own files that are in it, and those that are not."""
    own: dict[str, Content] = {f"{CASE}/{layout.AUDIT}": case.path(layout.AUDIT)}
    left_out = []
    for name in verify.names(case.folder):
        path, reason = case.path(name), _reason(name, suspect=suspect, pictures=pictures)
        if reason:
            left_out.append(LeftOut(name, verify.sha256_of(path), path.stat().st_size, reason))
        else:
            own[f"{CASE}/{name}"] = path
    return own, tuple(left_out)


def _reason(name: str, *, suspect: bool, pictures: bool) -> str:
    """Why a file of the case is left out; "" for what is in the bundle."""
    if name == layout.REPORT or (name.endswith(".png") and not name.startswith(f"{layout.GENERATED_PICTURES}/")):
        return "" if pictures else PICTURES_LICENSED
    if name.startswith(f"{layout.EVIDENCE}/"):
        return "" if suspect else SUSPECT_SEALED
    if any(name == own or (own[-1] == "/" and name.startswith(own)) for own in readme.OWN):
        return ""
    return next((why for place, why in REASONS.items() if name.startswith(place)), "the findings do not rest on it")


def _record(case: Case, findings: Findings) -> Record:
    """The record of the case, without the folders that entries of earlier versions name."""
    trail = read_trail(entry | {"details": names_only(entry["details"])} for entry in case.audit())
    return replace(record_for_report(case, findings), trail=trail)


def _pictures_csv(findings: Findings) -> bytes:
    """Each picture of the corpus that was queried: its leaf, name, SHA-256, and how many of its views were answered."""
    images, n_answers = findings.scored.images, (findings.scored.answers >= 0).sum(axis=1).tolist()
    rows = (
        {"leaf": images.nodes[leaf], "label": findings.scored.hierarchy.label(images.nodes[leaf]), "picture": name,
         "sha256": sha256, "n_answers": n}
        for leaf, name, sha256, n in zip(images.node_index.tolist(), images.names, images.sha256, n_answers,
                                         strict=True) if n
    )  # fmt: skip
    return to_csv(("leaf", "label", "picture", "sha256", "n_answers"), rows)


def _picture_files(case: Case, findings: Findings) -> dict[str, Content]:
    """The pictures of the corpus that were queried, from the folders that the plan names."""
    plan, images = case.plan(), findings.scored.images
    folders = (root_of(folder_of(text)) for text in plan.corpora)
    roots = dict(zip(nodes_above(plan.corpora, open_planned_hierarchy(plan)), folders, strict=True))
    asked = (findings.scored.answers >= 0).any(axis=1).tolist()

    def reader(name: str, sha256: str) -> Callable[[], bytes]:
        source, _, rest = name.partition("/")

        def read() -> bytes:
            try:
                with open_file(roots[source] / rest)[0] as file:
                    content = file.read()
            except (KeyError, OSError) as error:
                raise CorpusError(f"The picture {name} cannot be read where the plan says. Correct the plan, or leave "
                                  "out --pictures.", key="picture missing") from error  # fmt: skip
            if hashlib.sha256(content).hexdigest() != sha256:
                raise CorpusError(f"The picture {name} was changed since it was queried. Restore it, or leave out "
                                  "--pictures.", key="picture changed")  # fmt: skip
            return content

        return read

    named = zip(images.names, images.sha256, asked, strict=True)
    return {f"{readme.PICTURES}{name}": reader(name, sha256) for name, sha256, is_asked in named if is_asked}


def _lock(case: Case) -> str:
    """The software as pip reads it: what weighed the answers, as the case records it, and what differed before."""
    recorded = case.read_json(layout.VERSIONS) if case.has(layout.VERSIONS) else {}
    used = recorded.get("analysed") or environment()
    source = "As the case records it" if recorded else "Not recorded in the case; installed where this bundle was made"
    lines = [f"# {source}: fdcore {used['fdcore']}, Python {used['python']}, {used['platform']}."]
    if (asked := recorded.get("asked")) and asked != used:
        lines.append(f"# The suspect was queried with fdcore {asked['fdcore']}, Python {asked['python']}, "
                     f"{asked['platform']}, and:")  # fmt: skip
        differ = {name: one for name, one in asked["packages"].items() if used["packages"].get(name) != one}
        lines += [f"#   {name}=={one}" for name, one in differ.items()]
    return "\n".join([*lines, *(f"{name}=={one}" for name, one in used["packages"].items()), ""])


def _keys(case: Case, key: SigningKey | None) -> dict[str, Content]:
    """The public key of everybody who signed an entry, and of who signs the manifest."""
    pems = {entry["key"] for entry in case.audit() if "key" in entry} | ({key.public_pem} if key else set())
    return {f"{verify.KEYS}/{verify.fingerprint(pem.encode())}.pem": pem.encode() for pem in pems}


def _names_folders(case: Case, details: object) -> bool:
    return names_only(details) != details or str(case.folder.resolve()) in json.dumps(details, ensure_ascii=False)


# The file


def _bytes(content: Content) -> bytes:
    return content.read_bytes() if isinstance(content, Path) else content if isinstance(content, bytes) else content()


def _sha256(content: Content) -> str:
    return verify.sha256_of(content) if isinstance(content, Path) else hashlib.sha256(_bytes(content)).hexdigest()


def _write_zip(target: IO[bytes], root: str, made: Mapping[str, Content]) -> None:
    """The same content gives the same bytes: sorted, without times."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in sorted(made.items()):
            member = zipfile.ZipInfo(f"{root}/{name}", _TIME)
            member.compress_type, member.external_attr, member.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            archive.writestr(member, _bytes(content))
