"""The tables of scores: cut where they would be too long, and then they say so and what has every row."""

import csv
import io
import random
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from fdcore.case import tables
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.errors import CorpusError
from fdcore.method.findings import ImageTable
from fdcore.method.scores import Scores

N_CLASSES, N_LEAVES = 3, 40


@pytest.fixture
def scores():
    """Three classes: one hits two leaves, one all of them, one nothing."""
    hits = np.zeros((N_CLASSES, N_LEAVES), np.int32)
    hits[0, [7, 9]] = 4, 8
    hits[1] = 2
    asked = np.full(N_LEAVES, 10, np.int64)
    return Scores(tuple(f"n{leaf:02}" for leaf in range(N_LEAVES)), hits, asked, asked, design_effect=1.0)


@pytest.fixture
def hierarchy(scores):
    return Hierarchy.from_rows([("root", (), ("root",)), *((node, ("root",), ("alike",)) for node in scores.nodes)])


def test_hostile_parquet_is_a_sentence(scores, hierarchy):
    """Bytes changed, cut, put in or out, wherever: a table, or an error that becomes a sentence."""
    drawn = random.Random(0)
    images = ImageTable(("a", "b"), np.arange(2, dtype=np.int32).repeat(50), ("x.png",) * 100, ("0" * 64,) * 100)
    readers = {
        tables.image_table_to_parquet(images): tables.image_table_from_parquet,
        tables.hierarchy_to_parquet(hierarchy): tables.hierarchy_from_parquet,
        pd.DataFrame({"node": [1], "name": [None], "sha256": [b"x"]}).to_parquet(): tables.image_table_from_parquet,
        pd.DataFrame({"id": [1, 2], "parents": [3, 4], "synonyms": [5, 6]}).to_parquet(): tables.hierarchy_from_parquet,
    }
    outcomes = Counter()
    for good, read in readers.items():
        for number in range(300):
            content = bytearray(good)
            for _ in range(drawn.choice((1, 1, 2, 8)) if number else 0):
                at, length = drawn.randrange(len(content)), drawn.randrange(1, 9)
                content[at : at + drawn.choice((0, length, 40))] = drawn.randbytes(drawn.choice((0, length)))
            try:
                read(bytes(content))
            except (ValueError, KeyError, TypeError, AttributeError, CorpusError) as error:  # as those who read catch
                outcomes[type(error)] += 1
            else:
                outcomes["read"] += 1
    assert outcomes[ValueError] > 500
    assert outcomes["read"] > 50


def test_every_row_is_there_up_to_the_limit(scores, hierarchy):
    """Nothing is left out and nothing is said."""
    assert tables.n_left_out(scores) == 0
    rows = tables.score_rows(scores, hierarchy)
    assert len(rows) == N_CLASSES * N_LEAVES
    assert (rows["node"] != "").all()


def test_rows_without_a_hit_are_left_out_beyond_it_and_a_row_of_each_class_says_how_many(
    scores, hierarchy, monkeypatch
):
    """The row has no node, is made of numbers where the others are, and sums up the leaves that it stands for."""
    monkeypatch.setattr(tables, "MAX_ROWS", N_CLASSES * N_LEAVES - 1)
    assert tables.n_left_out(scores) == 38 + 40
    content = tables.score_rows(scores, hierarchy).to_csv(index=False)
    by_class = [
        [row for row in csv.DictReader(io.StringIO(content)) if row["target_class"] == str(i)] for i in range(3)
    ]
    assert [len(rows) for rows in by_class] == [2 + 1, 40, 1]
    last = by_class[0][-1]
    assert (last["node"], last["functional_score"], last["ci_low"], last["n_queries"]) == ("", "0.0", "0.0", "380")
    assert last["label"] == "38 leaves without a hit are left out here; scores.parquet has every row"
    assert float(last["ci_high"]) == pytest.approx(scores.interval(0)[1][0], abs=1e-6)
    assert by_class[0][0]["node"] == "n09"
    assert all(row["node"] for row in by_class[1])


def test_the_parquet_file_has_every_row_however_many_are_written_at_once(scores, hierarchy, monkeypatch):
    """The columns of the CSV, class by class, whether it is cut or not."""
    whole = tables.scores_to_parquet(scores, hierarchy)
    monkeypatch.setattr(tables, "MAX_ROWS", 2 * N_LEAVES)
    for content in (whole, tables.scores_to_parquet(scores, hierarchy)):
        frame = pd.read_parquet(io.BytesIO(content))
        assert list(frame) == list(tables.score_rows(scores, hierarchy))
        assert len(frame) == N_CLASSES * N_LEAVES
        for target_class, part in frame.groupby("target_class"):
            low, high = scores.interval(int(target_class))
            assert part["node"].tolist() == list(scores.nodes)
            np.testing.assert_array_equal(part["functional_score"], scores.functional[target_class])
            np.testing.assert_allclose(part["ci_low"], low, atol=1e-6)
            np.testing.assert_allclose(part["ci_high"], high, atol=1e-6)
            assert (part["n_queries"] == 10).all()
        assert (frame["label"] == "alike").all()
