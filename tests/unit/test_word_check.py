"""Comparing a case's words: what is written, that it is what the pure functions say, and that it can be done again."""

import csv
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import case_factory
import numpy as np
import pytest
from conftest import REPOSITORY
from raising import raises

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.claims import write_claims
from fdcore.case.conclusions import load_scored, read_choices, selection_settings
from fdcore.errors import CaseError, SettingsError
from fdcore.method.findings import Findings, weigh
from fdcore.method.selection import SelectionSettings
from fdcore.words.claims import Claims
from fdcore.words.comparison import compare
from fdcore.words.vectors import WordVectors, builtin_vectors
from fdcore.work.compare_words import (
    AGREEMENT_COLUMNS,
    METHODS,
    agreements_to_csv,
    case_vectors,
    check_words,
    choose_vectors,
    chosen_vectors,
    opens_at_once,
)
from fdcore.work.conclude import analyse

WORDS = {
    "airplane": (1, 0, 0), "airliner": (0.8, 0.6, 0), "warplane": (0.6, 0.8, 0), "cat": (0, 0, 2), "car": (0, 3, 0),
}  # fmt: skip
CLAIMS = Claims({0: "airplane", 1: "cat", 3: "gribbleflop"}, "the README")


@pytest.fixture
def case(tmp_path: Path) -> Case:
    folder = case_factory.finished(tmp_path / "case")
    write_claims(folder, CLAIMS)
    return Case.open(folder)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def glove(tmp_path: Path) -> Path:
    """A file of word vectors with five words."""
    path = tmp_path / "vectors" / "five.txt"
    path.parent.mkdir()
    path.write_text("".join(f"{word} {' '.join(map(str, vector))}\n" for word, vector in WORDS.items()))
    return path


def findings_of(case: Case) -> Findings:
    return weigh(load_scored(case), selection_settings(case), read_choices(case))


def logged(case: Case, event: str) -> dict:
    return [entry["details"] for entry in case.audit() if entry["event"] == event][-1]


def test_a_row_for_each_claim_by_the_nearest_words(case: Case, glove: Path, cache: Path) -> None:
    """Against numbers worked out by hand: airplane is nearest to airliner, cat is "domestic cat"'s own word."""
    found = compare(findings_of(case), CLAIMS, case_vectors(case, glove, cache))
    first, second, last = found.rows
    assert first.nearest.cosine == pytest.approx(0.8)
    assert first.nearest.euclidean == pytest.approx(np.hypot(0.2, 0.6))
    assert (first.nearest.claim_token, first.nearest.found_token) == ("airplane", "airliner")
    assert second.nearest.cosine == 1
    assert (last.nodes, last.nearest, last.unknown_claim) == ((), None, ("gribbleflop",))
    assert found.mean_cosine == pytest.approx(0.9)


def test_nothing_compared_has_no_mean(case: Case) -> None:
    """Without claims known label sets are compared all the same."""
    found = compare(findings_of(case), Claims(), builtin_vectors())
    assert (found.rows, found.mean_cosine) == ((), None)
    assert {len(one.label_set) for one in found.agreements} == {3}


def test_claims_about_classes_that_are_not_there_are_refused(case: Case) -> None:
    with raises(SettingsError, "claim class", "class 9"):
        compare(findings_of(case), Claims({9: "cat"}, ""), builtin_vectors())


@pytest.mark.usefixtures("quick_umap")
def test_what_is_written_is_what_was_compared(case: Case, glove: Path, cache: Path) -> None:
    """JSON, both tables and the map say what `compare` returns; the log has the hash of every file."""
    found = check_words(case.folder, glove, cache=cache, by="A. Nalyst")
    words = case.read_json(layout.WORDS)
    assert [row["target_class"] for row in words["similarity"]] == [0, 1, 3]
    assert words["similarity"][0]["nearest"]["cosine"] == pytest.approx(found.rows[0].nearest.cosine)
    assert words["claims"] == {"names": {"0": "airplane", "1": "cat", "3": "gribbleflop"}, "source": "the README"}
    assert words["vectors"]["sha256"] == hashlib.sha256(glove.read_bytes()).hexdigest()
    assert SelectionSettings(**words["settings"]) == selection_settings(case)
    table = list(csv.DictReader(io.StringIO(case.path("verification/similarity.csv").read_text("utf-8"))))
    assert [float(row["cosine"]) if row["cosine"] else None for row in table] == pytest.approx([0.8, 1.0, None])
    sets = list(csv.DictReader(io.StringIO(case.path("verification/label_sets.csv").read_text("utf-8"))))
    assert [row["key"] for row in sets] == [one.label_set.key for one in found.agreements]
    details = logged(case, "words compared")
    assert (details["by"], details["n_claims"], details["vectors"]["n_words"]) == ("A. Nalyst", 3, 5)
    for name, digest in details["written"].items():
        assert hashlib.sha256(case.path(name).read_bytes()).hexdigest() == digest
    assert layout.WORD_VECTORS in details["written"]


@pytest.mark.usefixtures("quick_umap")
def test_the_map_has_a_place_for_every_known_word(case: Case, glove: Path, cache: Path) -> None:
    """Both methods place the same words; what has no vector is listed instead."""
    check_words(case.folder, glove, cache=cache)
    drawn = case.read_json(layout.WORDS)["map"]
    texts = [point["text"] for point in drawn["points"]]
    assert texts[:2] == ["airplane", "cat"]
    assert "gribbleflop" in drawn["unknown"]
    assert not set(texts) & set(drawn["unknown"])
    for method in METHODS:
        at = np.array(drawn["maps"][method]["coordinates"])
        assert at.shape == (len(texts), 2)
        assert np.isfinite(at).all()
        fell_back = drawn["maps"][method]["method"] != method
        assert fell_back == bool(drawn["maps"][method]["note"]), "what fell back is told, and nothing else"


@pytest.mark.usefixtures("quick_umap")
def test_the_same_again_gives_the_same_files(case: Case, glove: Path, cache: Path) -> None:
    """Byte for byte: fixed seeds, no times in the files."""
    names = (layout.WORDS, layout.WORD_VECTORS, "verification/similarity.csv", "verification/label_sets.csv")
    check_words(case.folder, glove, cache=cache)
    first = {name: case.path(name).read_bytes() for name in names}
    check_words(case.folder, glove, cache=cache)
    assert {name: case.path(name).read_bytes() for name in names} == first


@pytest.mark.usefixtures("quick_umap")
def test_the_kept_vectors_stand_in_for_the_file(case: Case, glove: Path, cache: Path) -> None:
    """With the file gone, the case compares the same words to the same numbers, and still names the file's hash."""
    before = check_words(case.folder, glove, cache=cache)
    glove.unlink()
    kept = case_vectors(case, case.path(layout.WORD_VECTORS), cache / "another")
    after = compare(findings_of(case), CLAIMS, kept)
    assert after.rows == before.rows
    measured = [[(one.mean, one.p_value) for one in found.agreements] for found in (before, after)]
    assert measured[0] == measured[1]
    assert kept.sha256 == case.read_json(layout.WORDS)["vectors"]["sha256"]


def test_vectors_that_are_not_there_or_damaged_are_a_sentence(case: Case, cache: Path) -> None:
    with raises(SettingsError, "no word vectors"):
        case_vectors(case, case.path(layout.WORD_VECTORS), cache)
    with pytest.raises(SettingsError):
        case_vectors(case, case.folder / "nothing.txt", cache)
    case.write(layout.WORD_VECTORS, b"PK\x03\x04 no archive")
    with pytest.raises(CaseError):
        case_vectors(case, case.path(layout.WORD_VECTORS), cache)
    assert case_vectors(case, None, cache) is builtin_vectors()


def test_only_a_file_that_was_not_converted_takes_long(case: Case, glove: Path, cache: Path) -> None:
    """Built-in and kept vectors open at once; a file does once it was opened before."""
    assert opens_at_once(case, None, cache)
    assert opens_at_once(case, case.path(layout.WORD_VECTORS), cache)
    assert not opens_at_once(case, glove, cache)
    assert isinstance(case_vectors(case, glove, cache), WordVectors)
    assert opens_at_once(case, glove, cache)
    with pytest.raises(SettingsError):
        opens_at_once(case, case.folder / "nothing.txt", cache)


def test_the_choice_of_vectors_is_kept_and_logged(case: Case, glove: Path) -> None:
    """Once for each change; choosing the built-in ones takes the choice back."""
    assert chosen_vectors(case) is None
    choose_vectors(case, glove, by="A. Nalyst")
    choose_vectors(case, glove, by="A. Nalyst")
    assert chosen_vectors(case) == glove
    entries = [entry["details"] for entry in case.audit() if entry["event"] == "word vectors chosen"]
    assert entries == [{"vectors": "five.txt", "by": "A. Nalyst"}]
    choose_vectors(case, None)
    assert chosen_vectors(case) is None


@pytest.mark.parametrize("told", ["", "a\0b", None])  # anything but a text is a damaged case
def test_an_odd_choice_in_an_imported_case_is_none(case: Case, told: str | None) -> None:
    case.record(word_vectors=told)
    assert chosen_vectors(case) is None


@pytest.mark.usefixtures("quick_umap")
def test_the_report_compares_the_claims_with_todays_findings(case: Case, cache: Path) -> None:
    """With other settings the claims are compared anew; claims that were never compared are not spoken of."""
    check_words(case.folder, None, cache=cache)
    before = case.path("report.html").read_text("utf-8")
    assert "gribbleflop" in before
    analyse(case.folder, SelectionSettings(alpha=1.0, eta=0.0, tau=1.0))
    after = case.path("report.html").read_text("utf-8")
    assert "gribbleflop" in after
    assert after != before
    write_claims(case.folder, Claims({0: "wuggle"}, "a note"))
    analyse(case.folder)
    assert "wuggle" not in case.path("report.html").read_text("utf-8")


def test_a_table_of_label_sets_computes_nothing_in_a_spreadsheet(case: Case) -> None:
    """It has the columns that it names, and no cell that begins like a formula."""
    content = agreements_to_csv(compare(findings_of(case), Claims(), builtin_vectors()).agreements).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(content)))
    assert tuple(rows[0]) == AGREEMENT_COLUMNS
    assert not [cell for row in rows for cell in row if cell[:1] in "=+@" and cell]


_KILLED = """
import sys
from pathlib import Path
import os, signal
from fdcore.words import maps
from fdcore.work.compare_words import check_words

maps._umap = lambda unit, _seed: maps._principal_axes(unit)  # which UMAP starts from; it compiles itself for long

def die(stage, done, total):
    if stage == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)

check_words(Path(sys.argv[1]), None, cache=Path(sys.argv[2]), progress=die)
"""


@pytest.mark.usefixtures("quick_umap")
@pytest.mark.parametrize("stage", ["Comparing words", "Drawing the maps", "Writing results"])
def test_a_killed_comparison_leaves_a_whole_case_and_can_be_done_again(case: Case, cache: Path, stage: str) -> None:
    """Killed while comparing, drawing or writing: what is there can be read, and the next time everything is."""
    ended = subprocess.run(
        [sys.executable, "-c", _KILLED, str(case.folder), str(cache), stage], cwd=REPOSITORY, env=dict(os.environ),
        capture_output=True,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    for path in case.folder.rglob("*.json"):
        json.loads(path.read_text("utf-8"))
    assert list(case.audit())
    check_words(case.folder, None, cache=cache)
    assert len(case.read_json(layout.WORDS)["similarity"]) == 3
