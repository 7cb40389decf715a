"""The words of a finding."""

import csv
import io

import numpy as np
import tiny_world

from fdcore.errors import CorpusError
from fdcore.method.filtering import FilteredClass
from fdcore.method.findings import ClassFinding
from fdcore.method.naming import name_selection
from fdcore.method.scores import Scores
from fdcore.method.selection import ClassSelection, Cluster
from fdcore.words import words as verification
from fdcore.words.words import words_of, words_to_csv

NODES = tuple(sorted(tiny_world.LEAVES))
HIERARCHY = tiny_world.hierarchy()
SCORES = Scores(NODES, np.full((2, 8), 40, np.int32), np.full(8, 80), np.full(8, 10), 1.0)


def finding(number: int, *members: str) -> ClassFinding:
    leaves = tuple(NODES.index(node) for node in members)
    clusters = (Cluster(leaves[0], leaves, 0.5, 0.4, 0.6, 0.5, 0.2, 0.4),) if leaves else ()
    none = np.empty(0, np.intp)
    filtered = FilteredClass(number, none, none.astype(np.float32), none, none.astype(np.int32))
    name = name_selection(HIERARCHY, members, NODES) if members else None
    return ClassFinding(ClassSelection(number, leaves, clusters), filtered, name, ())


def test_a_class_has_the_words_of_its_ancestor_and_of_every_leaf():
    """All synonyms and WordNet's gloss; a class that was not found has none."""
    words = words_of([finding(0, "n02690373", "n04552348"), finding(1)], SCORES, HIERARCHY)
    assert [word.role for word in words] == ["common ancestor", "selected", "selected"]
    assert {word.target_class for word in words} == {0}
    airliner = words[1]
    assert airliner.label == "airliner"
    assert words[0].label == "heavier-than-air craft"
    assert "plane" in airliner.gloss or "craft" in airliner.gloss
    assert airliner.functional_score == 0.5


def test_a_single_leaf_is_its_own_ancestor_and_stands_there_once():
    """Nothing is told twice."""
    assert [word.role for word in words_of([finding(0, "n02690373")], SCORES, HIERARCHY)] == ["selected"]


def test_without_the_table_of_glosses_everything_else_is_there(monkeypatch):
    """A missing package is no reason to lose the words."""

    def missing(_node: str) -> str:
        raise CorpusError("timm is not installed")

    monkeypatch.setattr(verification, "gloss", missing)
    words = words_of([finding(0, "n02690373")], SCORES, HIERARCHY)
    assert (words[0].label, words[0].gloss) == ("airliner", "")


def test_the_table_has_a_row_for_each_node():
    """Synonyms are separated by semicolons; an ancestor has no score."""
    rows = list(
        csv.DictReader(io.StringIO(words_to_csv(words_of([finding(0, *NODES[:2])], SCORES, HIERARCHY)).decode()))
    )
    assert [row["role"] for row in rows][1:] == ["selected", "selected"]
    assert rows[0]["functional_score"] == ""
    assert tuple(rows[0]) == verification.COLUMNS
