"""The case folder: atomic artefacts, evidence and the audit chain."""

import errno
import json
import os
import shutil
import subprocess
import sys

import case_factory
import pytest
from raising import raises

from fdcore import storage
from fdcore.case import case as case_module
from fdcore.case.case import Case
from fdcore.errors import CaseError, EvidenceError, StorageError, SuspectError


@pytest.fixture
def case(tmp_path):
    return Case.create(tmp_path / "case")


@pytest.fixture
def suspect_file(tmp_path):
    path = tmp_path / "found <b>model.pth"
    path.write_bytes(b"weights" * 1000)
    return path


def test_a_case_opens_again_with_what_was_recorded(case):
    """Facts survive closing and opening."""
    case.record(state="asked")
    assert Case.open(case.folder).facts().state == "asked"


def test_a_foreign_folder_is_not_taken_over(tmp_path):
    """A folder with other things in it is refused, and they stay."""
    (tmp_path / "thesis.txt").write_text("precious")
    with raises(CaseError, "not a case", tmp_path):
        Case.create(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def test_no_case_is_a_sentence(tmp_path):
    """Opening nothing says how to make a case."""
    with raises(CaseError, "not a case", "fdcore investigate", tmp_path):
        Case.open(tmp_path)


def test_a_case_of_another_version_is_left_alone(case):
    """Another format is refused and not changed."""
    case.record(format=99)
    before = (case.folder / "case.json").read_bytes()
    with raises(CaseError, "format of another version", "format 99"):
        Case.open(case.folder)
    assert (case.folder / "case.json").read_bytes() == before


def test_a_case_is_walked_for_links_once_and_again_when_something_arrives(case, monkeypatch):
    """Opening it again costs no walk; a link is found at once in the folder itself, and anywhere before work begins."""
    walks = []
    monkeypatch.setattr(case_module.os, "walk", lambda folder, walk=os.walk: walks.append(folder) or walk(folder))
    monkeypatch.setattr(case_module, "_SETTLED_NS", 0)
    for _ in range(50):
        Case.open(case.folder)
    assert len(walks) == 1
    (case.folder / "ledger").mkdir()
    (case.folder / "ledger" / "answers.npy").symlink_to("/etc/passwd")
    with raises(CaseError, "symbolic link", case.folder):
        Case.open(case.folder)
    (case.folder / "ledger" / "answers.npy").unlink()
    opened = Case.open(case.folder)
    (case.folder / "ledger" / "answers.npy").symlink_to("/etc/passwd")
    with raises(CaseError, "symbolic link", case.folder), opened.exclusively():
        pytest.fail("work began")


def test_a_link_in_a_case_that_just_changed_is_found(case):
    """Within one tick of the file system's clock a folder's time says nothing, so that it is walked."""
    Case.open(case.folder)
    (case.folder / "scores.csv").symlink_to("/etc/passwd")
    with raises(CaseError, "symbolic link", case.folder):
        Case.open(case.folder)


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe\x00", b""])
def test_a_damaged_case_is_a_sentence(case, content):
    """Broken JSON gives CaseError."""
    (case.folder / "case.json").write_bytes(content)
    with raises(CaseError, "file damaged", "case.json"):
        Case.open(case.folder)


def test_evidence_is_copied_hashed_and_verified(case, suspect_file):
    """The copy has the original's hash; a change of the copy is noticed at the next use."""
    evidence = case.take_evidence(suspect_file)
    assert evidence.path.read_bytes() == suspect_file.read_bytes()
    assert evidence.name == suspect_file.name
    suspect_file.unlink()
    assert case.evidence() == evidence
    os.chmod(evidence.path, 0o644)
    evidence.path.write_bytes(b"Weights" + evidence.path.read_bytes()[7:])
    with raises(EvidenceError, "evidence changed", evidence.path, evidence.sha256[:12]):
        case.evidence()


def test_missing_evidence_is_noticed(case, suspect_file):
    """Evidence that is gone is an error of its own."""
    evidence = case.take_evidence(suspect_file)
    evidence.path.unlink()
    with raises(EvidenceError, "evidence changed", evidence.path):
        case.evidence()


def test_a_case_is_about_one_suspect(case, suspect_file, tmp_path):
    """The same file again changes nothing; another one is refused."""
    case.take_evidence(suspect_file)
    entries = len(list(case.audit()))
    case.take_evidence(suspect_file)
    assert len(list(case.audit())) == entries
    (tmp_path / "other").write_bytes(b"other")
    with raises(CaseError, "case of another file", suspect_file.name, "other"):
        case.take_evidence(tmp_path / "other")


def test_an_unreadable_suspect_is_a_sentence(case, tmp_path):
    """A path that is not there says so."""
    with raises(SuspectError, "file unreadable", tmp_path / "nothing"):
        case.take_evidence(tmp_path / "nothing")


def test_the_audit_log_is_a_chain(case):
    """Entries follow from each other; one changed, removed or swapped line is noticed."""
    for n in range(4):
        case.log("step", {"n": n, "text": "Ünïcode\n"})
    assert [e["event"] for e in case.audit()] == ["case created", "step", "step", "step", "step"]
    path = case.folder / "audit.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    for broken in (
        [*lines[:2], lines[2].replace('"n": 1,', '"n": 7,', 1), *lines[3:]],
        [*lines[:2], *lines[3:]],
        [lines[0], lines[2], lines[1], *lines[3:]],
        [*lines, "not json\n"],
    ):
        path.write_text("".join(broken))
        with raises(CaseError, "audit log changed", "audit.jsonl"):
            list(case.audit())


def test_a_torn_last_entry_is_set_aside(case):
    """A line cut short by a power cut is recorded as such and the chain goes on."""
    case.log("step", {})
    path = case.folder / "audit.jsonl"
    with path.open("ab") as file:
        file.write(b'{"n": 2, "ti')
    case.log("next", {})
    assert [e["event"] for e in case.audit()] == ["case created", "step", "torn entry removed", "next"]


def test_two_processes_log_side_by_side(case):
    """Entries of concurrent writers all arrive, in one intact chain."""
    code = (
        "import sys; from pathlib import Path; from fdcore.case.case import Case\n"
        "case = Case.open(Path(sys.argv[1]))\n"
        "for n in range(25): case.log('from ' + sys.argv[2], {'n': n})"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(case.folder), name]) for name in "ab"]
    assert [p.wait(120) for p in running] == [0, 0]
    events = [e["event"] for e in case.audit()]
    assert events.count("from a") == events.count("from b") == 25


def test_a_full_disk_is_a_sentence_and_loses_nothing(case, monkeypatch):
    """When a write finds no space, the artefact before it stays whole and no temporary file is left."""
    case.write_json("scores.json", {"good": True})

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage.os, "fsync", full)
    with raises(StorageError, "disk full", case.folder):
        case.write_json("scores.json", {"good": False})
    assert case.read_json("scores.json") == {"good": True}
    assert not [p for p in case.folder.iterdir() if p.name.startswith(".scores")]


def test_evidence_on_a_full_disk_leaves_no_half_file(case, suspect_file, monkeypatch):
    """A copy that does not fit leaves nothing behind."""

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with raises(StorageError, "disk full", case.folder):
        case.take_evidence(suspect_file)
    assert not list((case.folder / "evidence").iterdir())


def test_json_artefacts_hold_no_nan(case):
    """A NaN would make the file unreadable elsewhere; it is a bug and stays loud."""
    with pytest.raises(ValueError, match="JSON"):
        case.write_json("x.json", {"score": float("nan")})
    assert not case.has("x.json")
    assert json.loads((case.folder / "case.json").read_text())["format"] == 1


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "[" * 100_000 + "]" * 100_000])
def test_numbers_and_nesting_that_json_cannot_hold_are_damage(case, value):
    """They are found when the file is read, and not by whoever writes it or counts with it."""
    (case.folder / "case.json").write_text(f'{{"format": 1, "x": {value}}}')
    for use in (case.facts, lambda: case.record(state="x")):
        with raises(CaseError, "file damaged", "case.json"):
            use()


@pytest.mark.parametrize(
    ("part", "change"),
    [("evidence", {"name": None}), ("suspect", {"preprocessing": {"height": 0}}), ("selection", {"alpha": "1"}),
     ("asking", None)],
)  # fmt: skip
def test_parts_of_the_wrong_kind_are_damage(tmp_path, part, change):
    """Pages rely on what case.json holds, so it is checked once, where it is read; the message says where."""
    case = Case.open(case_factory.finished(tmp_path / "finished"))
    facts = case.read_json("case.json")
    case.write_json("case.json", facts | {part: "everything" if change is None else facts[part] | change})
    with raises(CaseError, "record damaged", "case.json"):
        Case.open(case.folder)


def test_an_audit_log_that_is_nested_too_deeply_was_changed(case):
    """It is a sentence like every other change."""
    case.path("audit.jsonl").write_text("[" * 100_000 + "\n")
    with raises(CaseError, "audit log changed", "audit.jsonl"):
        list(case.audit())
    with raises(CaseError, "audit log changed", "audit.jsonl"):
        case.log("step", {})


def test_a_removed_case_is_not_made_again(case):
    """Work that goes on after somebody removed the folder says so and leaves nothing behind."""
    shutil.rmtree(case.folder)
    for use in (lambda: case.log("step", {}), lambda: case.record(state="x"), lambda: case.write("scores.csv", b"x"),
                lambda: case.exclusively().__enter__()):  # fmt: skip
        with raises(CaseError, "case removed", case.folder):
            use()
    assert not case.folder.exists()


def test_half_a_character_is_damage(tmp_path):
    """JSON may hold half of a surrogate pair, which no page and no file can show; a whole pair is a character."""
    case = Case.create(tmp_path / "case")
    case.path("x.json").write_text('{"a": "\\ud83d\\ude00"}')
    assert case.read_json("x.json") == {"a": "\N{GRINNING FACE}"}
    case.path("x.json").write_text('{"a": "b\\ud800c"}')
    with raises(CaseError, "file damaged", "x.json"):
        case.read_json("x.json")
