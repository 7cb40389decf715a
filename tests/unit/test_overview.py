"""The verdict in one picture: the head is never weaker than the rows, and every class keeps its row."""

import math

import numpy as np
from verdict_world import by_family, findings_on, make_scores

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.findings import Findings
from fdcore.method.selection import SelectionSettings
from fdcore.verdict import Overview, judge, overview_of
from fdcore.verdict.overview import MAX_WORDS, found_in_words, pictures_of


def overview_on(findings: Findings, *guesses: str, **options: object) -> Overview:
    return overview_of(findings, judge(findings, **options), guesses)


def test_without_a_label_set_the_domains_are_the_title_in_few_words():
    """Six families in two kingdoms: described, and at most eight words."""
    overview = overview_on(findings_on(make_scores(by_family())))
    assert overview.head.seal == "described"
    assert "nimal" in overview.head.title
    assert len(overview.head.title.split()) <= MAX_WORDS
    assert overview.head.open == ()


def test_every_guess_is_open_and_so_are_missing_answers():
    """Chips name what could change all of it."""
    answers = np.full((24, 2), -1)
    answers[:, 0] = 0
    overview = overview_on(findings_on(make_scores(by_family()), answers=answers), "normalisation guessed: unit")
    assert overview.head.open == ("normalisation guessed: unit", "not all queries answered")


def test_answers_that_mean_nothing_have_no_domain_as_title():
    """The title does not name what the rows would."""
    shares = np.full((6, 24), 1 / 6)
    overview = overview_on(findings_on(make_scores(shares)))
    assert overview.head.seal in ("nothing", "undecided")
    assert "nimal" not in overview.head.title


def test_a_class_without_an_answer_keeps_its_row_with_what_comes_nearest():
    """Name, score and interval of the nearest, and why it is not enough; none where no picture is in the class."""
    shares = by_family()
    shares[4] = 0
    shares[4, 5] = 0.1
    shares[5] = 0
    rows = overview_on(findings_on(make_scores(shares))).rows
    assert [row.found for row in rows] == [True] * 4 + [False] * 2
    assert rows[4].name == "animalb1"
    assert rows[4].low < rows[4].functional < rows[4].high
    assert "0.20" in rows[4].why_not
    assert rows[5].name == ""
    assert math.isnan(rows[5].functional)
    assert "No picture" in rows[5].why_not


def test_pictures_come_from_every_leaf_in_turn():
    """The most consistent image of each leaf comes before the second of any."""
    leaf_of = np.repeat(np.arange(24), 4)
    answers = np.repeat((leaf_of // 4)[:, None], 4, axis=1)
    answers[0, 1:] = 5  # an image of the first leaf is kept, but not consistent
    findings = findings_on(make_scores(by_family()), answers=answers, leaf_of=leaf_of)
    images = pictures_of(findings.scored, findings.classes[0])
    assert len(images) == 6
    assert sorted(leaf_of[images[:4]]) == [0, 1, 2, 3]
    assert 0 not in images


def test_the_counts_are_said_in_one_line():
    """Found, by grade, and what it cost."""
    findings = findings_on(make_scores(by_family()))
    assert found_in_words(overview_on(findings), 4800).startswith("6 of 6 classes found")
    assert found_in_words(overview_on(findings), 1).endswith("; 1 query sent")


def test_a_background_class_is_said_to_be_one():
    """Of a class that takes most of everything no leaf comes nearest; its share stands in its row."""
    shares = np.vstack([0.3 * by_family(), np.full((1, 24), 0.7)])
    row = overview_on(findings_on(make_scores(shares, asked=1000), settings=SelectionSettings(tau=0.75))).rows[-1]
    assert (row.found, row.name) == (False, "")
    assert row.why_not.startswith("Class 6 takes 70%")


def test_folders_that_bear_numbers_do_not_identify():
    """Clothes in folders 0 to 9 are in the order of MNIST's digits too: described by their folder, and no more."""
    names = tuple(f"clothes/{number}" for number in range(10))
    hierarchy = Hierarchy.from_rows([(name, (), (name.partition("/")[2],)) for name in names])
    findings = findings_on(make_scores(0.9 * np.eye(10) + 0.01, nodes=names), hierarchy)
    overview = overview_on(findings)
    assert overview.head.seal != "identified"
    assert "MNIST" not in overview.head.title
    assert all(row.matched == "" for row in overview.rows)
