"""What the workbench shows of classes, images and distances, before anything is drawn."""

from dataclasses import replace
from pathlib import Path

import case_factory
import numpy as np
import pytest

from fdcore.case.conclusions import load_scored
from fdcore.case.notes import Note
from fdcore.method.choices import Choice
from fdcore.method.findings import Scored, weigh, weigh_class
from fdcore.method.selection import SelectionSettings
from ui.distances.panels import _frames
from ui.leaf_scores.pictures import ALL, FOUND, OTHER, kept
from ui.workbench.bars import leaf_rows
from ui.workbench.classes import class_row
from ui.workbench.notes import marks_of_images
from ui.workbench.picked import _codes
from ui.workbench.pictures import by_consistency, images_of_class, images_of_leaf, share_of


@pytest.fixture
def scored(tmp_path: Path) -> Scored:
    """The answers of a finished case of the tiny world."""
    return load_scored(case_factory.Case.open(case_factory.finished(tmp_path / "colours")))


def answered(scored: Scored, *answers: list[int]) -> Scored:
    """The same with other answers to the first images, all of leaf 0; every other image is of leaf 1 and unanswered."""
    given = np.full_like(scored.answers, -1)
    given[: len(answers)] = answers
    leaves = (np.arange(len(given)) >= len(answers)).astype(np.int32)
    return replace(scored, answers=given, images=replace(scored.images, node_index=leaves))


def test_images_are_ordered_by_their_share_those_never_queried_last(scored: Scored) -> None:
    """The share counts the answered views alone; ties keep the images' order."""
    changed = answered(scored, [1, 1, 0, 0], [0, 0, 0, 0], [-1, -1, -1, -1], [0, -1, -1, -1], [2, 2, 2, 0])
    assert images_of_leaf(changed, 0, 0).tolist() == [1, 3, 0, 4, 2]
    assert images_of_class(changed, 2).tolist() == [4]
    assert by_consistency(changed, np.array([], dtype=np.intp), 0).tolist() == []


def test_a_share_names_the_most_frequent_other_answer(scored: Scored) -> None:
    """None where there is none; nothing is said about an image that was never queried."""
    changed = answered(scored, [1, 2, 2, 0], [0, 0, 0, 0], [-1, -1, -1, -1])
    assert [share_of(changed, image, 0).in_words for image in range(3)] == [
        "1 of 4 views, else class 2", "4 of 4 views", "not queried yet",
    ]  # fmt: skip


def test_equal_files_have_names_of_their_own(scored: Scored) -> None:
    """A link leads to the one that was clicked; the first keeps the plain name."""
    twice = replace(scored, images=replace(scored.images, sha256=("ab" * 32, "cd" * 32, "ab" * 32, "ab" * 32)))
    assert _codes(twice) == ["ab" * 8, "cd" * 8, f"{'ab' * 8}-2", f"{'ab' * 8}-3"]


def test_pictures_are_filtered_by_every_word_and_by_what_was_found(scored: Scored) -> None:
    """Words in any order and case; a leaf is in the answer or not."""
    images = np.arange(len(scored.images.names))
    leaf_of = scored.images.node_index
    tabby, persian = (scored.scores.nodes.index(node) for node in ("n02123045", "n02123394"))
    assert (kept(scored, images, "CAT persian", (), ALL) == (leaf_of == persian)).all()
    assert (kept(scored, images, "", (tabby, persian), FOUND) == np.isin(leaf_of, (tabby, persian))).all()
    assert (kept(scored, images, "", (tabby, persian), OTHER) == ~np.isin(leaf_of, (tabby, persian))).all()


def test_a_class_in_the_list_says_what_was_found_and_what_is_nearest(scored: Scored) -> None:
    """Found with its grade, missed with the nearest leaf, or locked."""
    found = class_row(scored, weigh_class(scored, SelectionSettings(), 1))
    assert (found["name"], found["kind"], found["sought"]) == ("domestic cat", "certain", "tabby, Persian cat")
    missed = class_row(scored, weigh_class(scored, SelectionSettings(share=1.0), 1))
    assert (missed["name"], missed["kind"]) == ("not found", "missing")
    assert missed["words"].startswith("not found; nearest: domestic cat, L ")
    locked = weigh(scored, SelectionSettings(), {3: Choice(3, (), "Seen.", "", "2026-01-02T03:04:05+00:00")})
    assert class_row(scored, locked.classes[3])["words"] == "not found; no picture was put in it; locked by hand"


def test_a_bar_has_its_leafs_score_and_interval(scored: Scored) -> None:
    """The whisker contains the score; leaves of the answer are strong."""
    leaf = scored.scores.nodes.index("n02123045")
    [row] = leaf_rows(scored, 1, [leaf], (leaf,))
    low, high = scored.scores.interval_of(1, (leaf,))
    assert (row["id"], row["parts"], row["strong"]) == ("n02123045", [1.0], True)
    assert (row["low"], row["high"]) == (pytest.approx(low), pytest.approx(high))
    assert row["words"].splitlines()[2] == "10 images, 40 answers"


def test_pictures_are_marked_by_their_tags(scored: Scored) -> None:
    """By the file, whatever leaf it lies in; comments and tags of other things mark nothing."""
    sha = scored.images.sha256[5]
    notes = [Note("picture", sha, tag="a"), Note("picture", sha, tag="b"), Note("picture", sha, comment="c"),
             Note("leaf", sha, tag="d")]  # fmt: skip
    assert marks_of_images(notes, scored) == {5: "a, b"}
    assert marks_of_images([], scored) == {}


@pytest.mark.parametrize(("groups", "frames"), [((), []), ((0, 0, 1, 2, 2, -1), [(0, 2), (2, 3), (3, 5)]), ((-1,), [])])
def test_each_cluster_is_framed(groups: tuple[int, ...], frames: list[tuple[int, int]]) -> None:
    """Leaves of no cluster are not."""
    assert _frames(groups) == frames
