"""The corpus's sets side by side."""

import json
from collections.abc import Sequence
from pathlib import Path

import case_factory
import numpy as np
import pytest

from fdcore.answers.ledger import NOT_ASKED, LedgerHeader
from fdcore.answers.views import ViewSpec
from fdcore.case.tables import set_rows
from fdcore.cli.main import main
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.findings import ImageTable, Scored, weigh
from fdcore.method.scores import score_leaves
from fdcore.method.selection import SelectionSettings
from fdcore.method.sets import HIERARCHY, best_pictures, compare_sets
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.verdict import ask_untrained
from fdcore.work.conclude import full_report

N_IMAGES, N_VIEWS, N_CLASSES = 20, 2, 2
NODES = ("cats", "leaves/cercis", "leaves/oak", "roses/red", "roses/white", "unasked/x")
SHARES = (0.5, 1.0, 0.1, 0.6, 0.4)  # of a leaf's images that class 0 takes, with all of their views


def scored() -> Scored:
    """A set that is answered clearly, one that is not, a leaf of the hierarchy, and a set that was not queried."""
    leaf_of = np.repeat(np.arange(len(NODES)), N_IMAGES).astype(np.int32)
    ids = np.random.default_rng(0).permutation(len(leaf_of)).astype(np.uint64)
    answers = np.full((len(leaf_of), N_VIEWS), NOT_ASKED, np.int32)
    for leaf, share in enumerate(SHARES):
        mine = np.flatnonzero(leaf_of == leaf)
        mine = mine[np.argsort(ids[mine])]  # every second image of a leaf states, the others choose
        in_class = np.arange(N_IMAGES) // 2 < share * N_IMAGES / 2
        answers[mine] = np.where(in_class, 0, 1)[:, None]
    world = Hierarchy.from_rows([(node, (), (node.rpartition("/")[2],)) for node in NODES])
    images = ImageTable(NODES, leaf_of, tuple(map(str, ids)), ("",) * len(ids))
    header = LedgerHeader("", N_CLASSES, PreprocessSpec(height=8, width=8), "", 0, ViewSpec(), len(ids), N_VIEWS)
    scores = score_leaves(answers, leaf_of, NODES, N_CLASSES, ids)
    return Scored(scores, images, answers, ids, world, header, int((answers >= 0).sum()))


def test_the_set_that_is_answered_most_clearly_comes_first() -> None:
    """Leaves .95, roses .6, the hierarchy's own leaf .5; what was not queried is left out."""
    found = compare_sets(scored())
    assert [(one.name, len(one.leaves), one.n_images) for one in found] == [
        ("leaves", 2, 40), ("roses", 2, 40), (HIERARCHY, 1, 20)]  # fmt: skip
    assert [one.agreement for one in found] == pytest.approx([0.95, 0.6, 0.5])


def test_each_class_has_the_best_leaf_of_each_set() -> None:
    """With its score on the half that did not choose it, and the interval of that half."""
    leaves = compare_sets(scored())[0]
    assert [NODES[leaf] for leaf in leaves.best] == ["leaves/cercis", "leaves/oak"]
    assert leaves.score == pytest.approx([1.0, 0.9])
    assert (leaves.low < leaves.score).all()
    assert (leaves.score <= leaves.high).all()


def test_the_best_pictures_are_those_with_most_views_in_the_class() -> None:
    """Of the set alone; none where no view is in the class."""
    data = scored()
    leaves = compare_sets(data)[0]
    best = best_pictures(data, leaves, 1, 4)
    assert [NODES[leaf] for leaf in data.images.node_index[best]] == ["leaves/oak"] * 4
    assert (data.answers[best] == 1).all()
    assert not len(best_pictures(data, leaves, 7))


def test_the_table_has_a_row_for_each_set_and_class() -> None:
    """Names that a spreadsheet would run are made inert."""
    data = scored()
    rows = set_rows(compare_sets(data), data)
    assert len(rows) == 3 * N_CLASSES
    assert rows.loc[0, ["set", "target_class", "label"]].tolist() == ["leaves", 0, "cercis"]


def test_the_command_prints_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One set in this case: all of its leaves are the hierarchy's own."""
    case = case_factory.finished(tmp_path / "case")
    assert main(["sets", str(case)]) == 0
    assert HIERARCHY in capsys.readouterr().out
    assert main(["sets", str(case), "--json"]) == 0
    assert {row["set"] for row in json.loads(capsys.readouterr().out)["sets"]} == {HIERARCHY}


def cats_apart(nodes: Sequence[str]) -> np.ndarray:
    """Two sets, of which one has a name that is markup."""
    return np.array(["<b>x" if node.startswith("n02123") else "other" for node in nodes])


def test_the_report_compares_sets_where_there_are_several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that are markup stay text; one set is not compared with itself."""
    case = case_factory.finished(tmp_path / "case")
    assert "Which set of the corpus" not in full_report(case, cache=tmp_path)
    monkeypatch.setattr("fdcore.method.sets.sets_of", cats_apart)
    page = full_report(case, cache=tmp_path)
    assert "Which set of the corpus" in page
    assert "<b>x" not in page
    assert "&lt;b&gt;x" in page


def test_each_set_is_compared_with_untrained_networks_by_itself() -> None:
    """What pictures alone explain is no agreement; a set of few leaves is left out."""
    names = [f"grey/{i}" for i in range(12)] + [f"rich/{i}" for i in range(12)] + ["few/0"]
    leaf_of = np.repeat(np.arange(len(names)), 8).astype(np.int32)
    rng = np.random.default_rng(0)
    own = rng.integers(3, size=len(names))
    noise = rng.integers(3, size=len(leaf_of))
    is_rich = np.array([name.startswith("rich") for name in names])[leaf_of]
    answers = np.where(is_rich, own[leaf_of], noise)[:, None].astype(np.int32)
    pixels = rng.integers(0, 256, (len(leaf_of), 8, 8, 3), dtype=np.uint8)
    world = Hierarchy.from_rows([(name, (), (name,)) for name in names])
    ids = np.arange(len(leaf_of), dtype=np.uint64)
    header = LedgerHeader("", 3, PreprocessSpec(height=8, width=8), "", 0, ViewSpec(), len(ids), 1)
    scores = score_leaves(answers, leaf_of, tuple(names), 3, ids)
    images = ImageTable(tuple(names), leaf_of, tuple(map(str, ids)), ("",) * len(ids))
    data = Scored(scores, images, answers, ids, world, header, len(ids))
    chance = ask_untrained(weigh(data, SelectionSettings()), pixels)
    assert chance is not None
    by_name = {one.name: one for one in chance.sets}
    assert set(by_name) == {"grey", "rich"}
    assert by_name["rich"].consistency > 2 * by_name["rich"].highest
    assert by_name["grey"].consistency < 0.2
    rows = set_rows(compare_sets(data), data, chance.sets)
    assert rows[rows["set"] == "few"]["consistency"].isna().all()
