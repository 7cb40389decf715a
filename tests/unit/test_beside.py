"""Names of the classes in a file beside the suspect's."""

from pathlib import Path

import pytest

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.claims import names_beside, read_claims
from fdcore.work.beside import keep_names_beside


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case.create(tmp_path / "case")


@pytest.fixture
def suspect(tmp_path: Path) -> Path:
    """A file in a folder of its own."""
    (tmp_path / "drive").mkdir()
    path = tmp_path / "drive" / "model.pth"
    path.write_bytes(b"weights")
    return path


def test_a_list_beside_the_file_is_offered_with_its_name(case: Case, suspect: Path) -> None:
    """The nearest name is taken first; the names become claims only when somebody takes them."""
    (suspect.parent / "labels.txt").write_text("one\ntwo\n")
    (suspect.parent / "model.labels.txt").write_text("0 cat\n1 dog\x07\n")
    keep_names_beside(case, suspect, 2)
    found = names_beside(case)
    assert (dict(found.names), found.source) == ({0: "cat", 1: "dog"}, "a file beside the suspect, model.labels.txt")
    assert read_claims(case).names == {}
    assert [entry["event"] for entry in case.audit()][-1] == "names beside the suspect"


@pytest.mark.parametrize("content", [b"one\ntwo\nthree\n", b"one\n", b"\xff\xfe\x00", b""])
def test_a_list_of_another_length_is_left_alone(case: Case, suspect: Path, content: bytes) -> None:
    """A file that is not a list is passed over too; the next one is read."""
    (suspect.parent / "labels.txt").write_bytes(content)
    keep_names_beside(case, suspect, 2)
    assert names_beside(case).names == {}
    (suspect.parent / "classes.txt").write_text("one\ntwo\n")
    keep_names_beside(case, suspect, 2)
    assert names_beside(case).source.endswith("classes.txt")


def test_links_and_the_case_itself_are_not_read(case: Case, suspect: Path) -> None:
    """A link could lead anywhere, and what lies in a case may have come with it."""
    (suspect.parent / "secret").write_text("one\ntwo\n")
    (suspect.parent / "labels.txt").symlink_to(suspect.parent / "secret")
    keep_names_beside(case, suspect, 2)
    (case.folder / "evidence").mkdir(exist_ok=True)
    (case.folder / "evidence" / "labels.txt").write_text("one\ntwo\n")
    keep_names_beside(case, case.folder / "evidence" / "model.pth", 2)
    assert not case.has(layout.BESIDE)
    case.write(layout.BESIDE, b"[]")
    assert names_beside(case).names == {}
