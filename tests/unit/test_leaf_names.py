"""Leaves that an analyst names and places: in the hierarchy, in a case at any stage, on the command line."""

import shlex
from pathlib import Path

import case_factory
import numpy as np
import pytest
from PIL import Image
from raising import raises

from fdcore.case.case import Case
from fdcore.case.conclusions import load_scored
from fdcore.case.intake import read_survey
from fdcore.case.plan import Plan
from fdcore.cli import arguments, main
from fdcore.corpus.corpus import survey
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.leaf_names import NamedLeaf, is_numbered, names_to_csv, read_names, with_named
from fdcore.corpus.wordnet import load_wordnet
from fdcore.errors import CorpusError
from fdcore.report.rerun import rerun_commands
from fdcore.work.intake import survey_corpora
from fdcore.work.investigate import run_plan
from fdcore.work.leaf_names import name_leaves

SANDAL, CLOTHING = "n04133789", "n03051540"
SHOES = Hierarchy.from_rows([("n0", (), ("thing",)), ("n1", ("n0",), ("sandal",))])


@pytest.fixture
def numbered(tmp_path: Path) -> Path:
    """A corpus of two folders called 0 and 1."""
    for leaf in "01":
        (tmp_path / "corpora" / "shoes" / leaf).mkdir(parents=True)
        for i in range(3):
            pixels = np.full((8, 8, 3), 40 * i + 9 * int(leaf), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "corpora" / "shoes" / leaf / f"{i}.png")
    return tmp_path / "corpora" / "shoes"


def test_a_named_leaf_has_its_name_and_its_place(numbered):
    """Its id stays that of the folder; the other one stays a number and a root."""
    named = with_named(SHOES, [NamedLeaf("shoes/1", "flat sandal", "n1")])
    found = survey([numbered], hierarchy=named, quick=True)
    assert found.labels == {"shoes/0": "0", "shoes/1": "flat sandal"}
    assert found.hierarchy.parents("shoes/1") == ("n1",)
    assert found.hierarchy.parents("shoes/0") == ()
    assert [is_numbered(leaf) for leaf in ("shoes/12", "shoes/a1", "shoes/1 2")] == [True, False, False]


@pytest.mark.parametrize(
    ("leaf", "key"),
    [(NamedLeaf("a/1", "x", "nowhere"), "unknown node"), (NamedLeaf("n1", "x", "n0"), "id taken")],
)
def test_a_place_that_is_none_is_refused(leaf, key):
    """A parent must exist, and an id must be free."""
    with raises(CorpusError, key):
        with_named(SHOES, [leaf])


def test_names_are_a_table_that_is_read_back(tmp_path):
    """With the columns of a hierarchy's table; a row without a name is a mistake."""
    leaves = (NamedLeaf("shoes/0", "boot"), NamedLeaf("shoes/1", "sandal", SANDAL))
    (tmp_path / "names.csv").write_bytes(names_to_csv(leaves))
    assert read_names(tmp_path / "names.csv") == leaves
    (tmp_path / "bad.csv").write_text("id,parent,label\nshoes/0,,\n")
    with raises(CorpusError, "bad name", "shoes/0"):
        read_names(tmp_path / "bad.csv")
    with raises(CorpusError, "missing columns", "bad.csv"):
        (tmp_path / "bad.csv").write_text("leaf,name\nshoes/0,x\n")
        read_names(tmp_path / "bad.csv")
    with raises(CorpusError, "names unreadable", "none.csv"):
        read_names(tmp_path / "none.csv")


def test_a_surveyed_case_uses_the_names_at_once(numbered, tmp_path):
    """The survey's hierarchy has them without reading the corpus again, and so has the next survey; it is logged."""
    case = Case.create(tmp_path / "case")
    case.record(plan=Plan(corpora=(f"{numbered}@{CLOTHING}",)))
    survey_corpora(case.folder)
    name_leaves(case.folder, [NamedLeaf("shoes/1", "sandal", SANDAL)], by="Ana")
    for found in (read_survey(case), survey_corpora(case.folder)):
        assert (found.hierarchy.label("shoes/1"), found.hierarchy.parents("shoes/1")) == ("sandal", (SANDAL,))
        assert (found.hierarchy.label("shoes/0"), found.hierarchy.parents("shoes/0")) == ("0", (CLOTHING,))
    logged = [entry["details"] for entry in case.audit() if entry["event"] == "leaves named"]
    assert logged == [{"leaves": [{"leaf": "shoes/1", "name": "sandal", "parent": SANDAL}], "by": "Ana"}]
    name_leaves(case.folder, [])
    after = read_survey(case).hierarchy
    assert (after.label("shoes/1"), after.parents("shoes/1")) == ("1", (CLOTHING,))


def test_leaves_are_named_after_scoring_without_a_query(numbered, tmp_path):
    """The answers belong to the leaves' ids: the findings have the name, and running the plan again sends nothing."""
    case, own, cache = Case.open(case_factory.planned(tmp_path / "case")), "shoes/1", tmp_path / "cache"
    case.change_plan(corpora=(*case.plan().corpora, str(numbered)))
    before = run_plan(case.folder, cache=cache).scored
    name_leaves(case.folder, [NamedLeaf(own, "sandal", SANDAL)])
    after = load_scored(case)
    assert after.label(before.scores.nodes.index(own)) == "sandal"
    assert after.n_sent == before.n_sent
    found = run_plan(case.folder, cache=cache)
    assert found.scored.n_sent == before.n_sent
    assert found.scored.hierarchy.parents(own) == (SANDAL,)
    command = shlex.split(rerun_commands(case.facts(), found.settings)[0])
    again = main._parser().parse_args(command[1:])
    assert case.path(str(again.names)).read_bytes() == names_to_csv(case.plan().leaves)


def test_the_command_line_keeps_and_reads_names(numbered, tmp_path):
    """--names gives them; without it, those of the case stay."""
    (tmp_path / "names.csv").write_bytes(names_to_csv([NamedLeaf("shoes/0", "boot")]))
    parser, case = main._parser(), tmp_path / "case"
    words = ["investigate", "m.pth", "--corpus", str(numbered), "--out", str(case)]
    given = arguments.plan(parser.parse_args([*words, "--names", str(tmp_path / "names.csv")]))
    assert given.leaves == (NamedLeaf("shoes/0", "boot"),)
    assert arguments.plan(parser.parse_args(words)).leaves == ()
    Case.create(case).record(plan=given)
    assert arguments.plan(parser.parse_args(words)).leaves == given.leaves
    assert SANDAL in load_wordnet()
