"""Grades: how far an answer can be relied on, as often as such answers were right."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fdcore.method.grades import MEASURED, SCALE, grade_of, measured_in_words
from fdcore.method.scores import Scores, Split
from fdcore.method.selection import SelectionSettings, select

GRADES = Path(__file__).parents[2] / "benchmarks" / "grades.csv"
N_LEAVES, ASKED = 20, 100
APART = np.where(np.arange(N_LEAVES)[:, None] // 2 == np.arange(N_LEAVES) // 2, 2, 12).astype(np.float32)
np.fill_diagonal(APART, 0)


def graded(shares: list[float], settings: SelectionSettings = SelectionSettings(evidence=0.2)):  # noqa: B008, frozen
    """The grade of class 0, whose leaves have these scores in both halves; leaves 0 and 1 are relatives."""
    hits = np.zeros((2, N_LEAVES), np.int32)
    hits[0, : len(shares)] = np.round(np.array(shares) * ASKED)
    hits[1] = ASKED - hits[0]
    asked = np.full(N_LEAVES, ASKED)
    half = Scores(tuple(f"n{i:02}" for i in range(N_LEAVES)), hits, asked, asked, 1.0)
    scores = replace(half, hits=2 * hits, n_queries=2 * asked, n_images=2 * asked, halves=Split(half, half))
    selection = select(scores, np.arange(N_LEAVES), APART, settings)[0]
    return grade_of(selection, scores, lambda leaves: APART[np.ix_(leaves, leaves)], settings)


def test_an_answer_that_holds_most_of_its_class_is_certain():
    """Two relatives with nearly all of the class's answers."""
    grade = graded([0.9, 0.9])
    assert grade.word == "certain"
    assert grade.support == pytest.approx(0.85, abs=0.05)
    assert grade.measured.startswith(f"{MEASURED['certain'][0]} of ")


def test_an_answer_that_beats_every_unrelated_leaf_is_likely():
    """A class that answers a little everywhere holds a small part of its answers, but nothing rivals it."""
    assert graded([0.6, 0.6] + [0.4] * 18).word == "likely"


def test_a_rival_among_the_unrelated_leaves_makes_it_weak():
    """An unrelated leaf scores as high: the same share of answers, and a lower grade."""
    grade = graded([0.6, 0.6, 0.58, 0, 0.58] + [0.4] * 15)
    assert grade.word == "weak"
    assert grade.support < 0.1


def test_a_grade_says_what_it_rests_on():
    """A high L with a rival is less sure than a lower one without, and the words show both numbers and the rival."""
    rivalled, alone = graded([0.9, 0.9, 0, 0, 0.88]), graded([0.7, 0.7])
    assert (rivalled.word, alone.word) == ("likely", "certain")
    assert rivalled.rival == 4
    assert alone.rival is None
    words = rivalled.rests_on(lambda leaf: f"leaf {leaf}")
    assert f"Support {rivalled.support:.3f}: the lower bound of L, {rivalled.low:.2f}, times 67% of" in words
    assert "unrelated leaf leaf 4 scores as high" in words
    assert "no unrelated leaf scores as high. Certain needs 0.16" in alone.rests_on(str)
    assert "Below 0.02" in graded([0.24] * 20, SelectionSettings(evidence=0.2, k=20, share=0.0)).rests_on(str)


def test_a_relative_is_no_rival():
    """A leaf nearer than eta may score as high: it belongs to the same kind."""
    assert graded([0.62, 0.56] + [0.4] * 18, SelectionSettings(evidence=0.2, k=20)).word == "likely"


def test_what_is_not_found_or_not_held_out_has_no_grade():
    """Nothing was found; and by the paper's rule L is too high for the measured shares to apply."""
    assert graded([0.1, 0.1]) is None
    assert graded([0.9, 0.9], SelectionSettings().by_paper_rule()) is None


def test_the_stated_shares_are_those_that_were_measured():
    """The sums of grades.csv, without what the limits were chosen on; a better grade was right more often."""
    with GRADES.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["counted"] == "yes"]
    for word, stated in MEASURED.items():
        n_right, n, n_after = (sum(int(row[f"{word} {what}"]) for row in rows)
                               for what in ("right", "answers", "after removal"))  # fmt: skip
        assert stated == (n_right, n + n_after)
        assert measured_in_words(word).startswith(f"{stated[0]} of {stated[1]} ")
    shares = [n_right / n for n_right, n in MEASURED.values()]
    assert shares == sorted(shares, reverse=True)


def test_each_grade_has_its_words_on_the_scale():
    """The statement names class, finding, share and n, and never says that the suspect was trained on it."""
    grade = graded([0.9, 0.9])
    said = grade.statement(3, "domestic cat")
    assert said.startswith("Strong support: ")
    assert "the answers of class 3 are consistent with training data from “domestic cat”" in said
    assert measured_in_words("certain") in said
    assert "was trained on" not in said
    assert list(SCALE) == list(MEASURED)
    assert len(set(SCALE.values())) == len(SCALE)
