"""Drawing transfer sets: what is taken, what is not, and what people are told about it."""

import re
import time
from collections import Counter
from dataclasses import astuple, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raising import raises

from fdcore.cloning.settings import TransferSettings
from fdcore.cloning.sources import (
    STEADY,
    choose_images,
    draw_all,
    draw_chosen,
    draw_found,
    draw_random,
    reserved_images,
)
from fdcore.errors import SettingsError
from fdcore.method.filtering import filter_images
from fdcore.method.findings import ClassFinding
from fdcore.method.naming import Name
from fdcore.method.selection import ClassSelection, Cluster
from fdcore.method.weaknesses import BELOW_LIMIT, BELOW_TAU

WORD = 2**64
ALL = TransferSettings(total=10_000, reserved=0.0, any_leaf=False)


def make_findings(answers, leaf, leaves_of, labels=("dog", "cat", "ship", "frog")) -> list[ClassFinding]:
    """Findings as the pipeline makes them: class i has the leaves `leaves_of[i]`, none for "not found"."""
    selections = tuple(
        ClassSelection(i, members, (Cluster(members[0], members, 0.9, 0.8, 1.0, 0.9, 0.0, 0.6),) if members else ())
        for i, members in enumerate(leaves_of)
    )
    filtered = filter_images(selections, np.asarray(answers, np.int32), np.asarray(leaf, np.int32))
    names = (Name("n", labels[i % len(labels)], 1, 1) if leaves_of[i] else None for i in range(len(selections)))
    rows = zip(selections, filtered, names, strict=True)
    return [ClassFinding(selection, kept, name, ()) for selection, kept, name in rows]


def make_ids(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, WORD, n, dtype=np.uint64)


def make_world(seed=0, n_images=120, n_views=4, n_classes=4, unasked=0.1):
    """Answers, ids and findings; leaf i mostly answers class i, and the last class is not found."""
    rng = np.random.default_rng(seed)
    leaf = rng.integers(0, n_classes, n_images)
    strays = rng.integers(0, n_classes, (n_images, n_views))
    answers = np.where(rng.random((n_images, n_views)) < 0.6, leaf[:, None], strays).astype(np.int32)
    answers[rng.random((n_images, n_views)) < unasked] = -1
    leaves_of = [(i,) for i in range(n_classes - 1)] + [()]
    return answers, make_ids(n_images, seed), make_findings(answers, leaf, leaves_of)


def mixed(word: int) -> int:
    """SplitMix64 in whole numbers, as an oracle."""
    word = (word + 0x9E3779B97F4A7C15) % WORD
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB % WORD
    return word ^ (word >> 31)


def place(image_id: int, seed: int) -> int:
    return mixed(mixed(seed) ^ image_id)


def figures(notes) -> list[list[int]]:
    """The numbers in each of some notes."""
    return [[int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", note)] for note in notes]


def counts(drawn) -> list[tuple[int, ...]]:
    """Of each class: rows wanted, images, views of them, images that fill it."""
    return [astuple(one)[2:] for one in drawn.classes]


def rows_of(drawn) -> Counter:
    return Counter(zip(drawn.images.tolist(), drawn.views.tolist(), drawn.labels.tolist(), strict=True))


def plain_draw(findings, answers, ids, how) -> set[tuple[int, int, int]]:
    """The draw as one would do it by hand: deal rows out one by one to the class that has fewest."""
    queues = []
    for target, finding in enumerate(findings):
        kept = finding.filtered.kept.tolist()
        pool = list(kept)
        aside = how.uncertain == "set aside" and BELOW_TAU in finding.weaknesses
        missing = aside or not finding.selection.winner
        fill = missing and how.not_found == "random"
        if missing:
            pool = kept = []
        if fill or (how.any_leaf and not missing):
            pool = [i for i in range(len(answers)) if answers[i, 0] == target]
        pool = [i for i in pool if place(int(ids[i]), WORD - 1) >= how.reserved * WORD]
        queue = []
        for image in pool:
            views = [v for v in range(answers.shape[1]) if answers[image, v] == target]
            share = len(views) / sum(answers[image] >= 0)
            usable = views if how.fill_views and image in kept else views[:1]
            order = (not (image in kept and share >= STEADY), -share, place(int(ids[image]), how.seed), image)
            queue += [(rank, *order, view) for rank, view in enumerate(usable)]
        queues.append(sorted(queue))
    taken = [0] * len(queues)
    for _ in range(how.total):
        open_classes = [c for c in range(len(queues)) if taken[c] < len(queues[c])]
        if not open_classes:
            break
        taken[min(open_classes, key=lambda c: (taken[c], c))] += 1
    return {(row[-2], row[-1], c) for c, queue in enumerate(queues) for row in queue[: taken[c]]}


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 50), total=st.integers(8, 400), draw_seed=st.integers(0, 2**63 - 1), fill_views=st.booleans(),
    not_found=st.sampled_from(["leave out", "random"]), reserved=st.sampled_from([0.0, 0.2, 0.5]),
    uncertain=st.sampled_from(["take", "set aside"]), any_leaf=st.booleans(),
)  # fmt: skip
def test_a_draw_agrees_with_one_made_by_hand(
    seed, total, draw_seed, fill_views, not_found, reserved, uncertain, any_leaf
):
    """Dealing rows out one by one, with plain whole numbers, gives the same rows. Class 0 is uncertain."""
    answers, ids, findings = make_world(seed)
    findings[0] = replace(findings[0], weaknesses=(BELOW_TAU,))
    how = TransferSettings(total, draw_seed, fill_views, not_found, reserved, uncertain, any_leaf)
    drawn = draw_found(findings, answers, ids, how)
    expected = plain_draw(findings, answers, ids, how)
    assert rows_of(drawn) == Counter(expected)
    assert drawn.views.dtype == np.int16
    assert drawn.labels.dtype == np.int32
    for one in drawn.classes:
        own = [(image, view) for image, view, label in expected if label == one.target_class]
        finding = findings[one.target_class]
        aside = uncertain == "set aside" and BELOW_TAU in finding.weaknesses
        found = finding.selection.winner is not None and not aside
        assert one.n_rows == len(own)
        kept = set(finding.filtered.kept.tolist()) if found else set()
        assert one.n_images == sum(view == 0 and image in kept for image, view in own)
        assert one.n_filled == sum(view == 0 and image not in kept for image, view in own)
        assert one.n_views == sum(view > 0 for _, view in own)


def test_labels_are_the_suspects_answers_and_reserved_images_stay_out():
    """Of every source: each row is in the ledger as it is told, once, and no reserved image is among them."""
    answers, ids, findings = make_world(3, n_images=400)
    how = TransferSettings(total=900, reserved=0.3, not_found="random")
    for drawn in (draw_found(findings, answers, ids, how), draw_random(answers, ids, how, n_classes=4)):
        assert np.array_equal(answers[drawn.images, drawn.views], drawn.labels)
        assert drawn.labels.min() >= 0
        assert max(rows_of(drawn).values()) == 1
        assert not reserved_images(ids, 0.3)[drawn.images].any()
        assert Counter(drawn.labels.tolist()) == {one.target_class: one.n_rows for one in drawn.classes}


@pytest.mark.parametrize("source", ["found", "random"])
def test_a_draw_does_not_depend_on_the_order_of_the_images(source):
    """The same images in another order give the same images."""
    rng = np.random.default_rng(5)
    answers, ids, _ = make_world(7, unasked=0.0)
    leaf, order = answers[:, 0], rng.permutation(len(ids))
    how = TransferSettings(total=60, seed=9)
    found = []
    for own_answers, own_ids, own_leaf in ((answers, ids, leaf), (answers[order], ids[order], leaf[order])):
        if source == "found":
            findings = make_findings(own_answers, own_leaf, [(0,), (1,), (2,), (3,)])
            drawn = draw_found(findings, own_answers, own_ids, how)
        else:
            drawn = draw_random(own_answers, own_ids, how, n_classes=4)
        found.append(set(zip(own_ids[drawn.images].tolist(), drawn.views.tolist(), strict=True)))
    assert found[0] == found[1]


def test_an_image_is_preferred_whatever_else_is_in_the_corpus():
    """In a corpus that grew no old image comes in that was passed over before, and no reserved one changes sides."""
    answers, ids, _ = make_world(11, n_images=300, n_views=1, unasked=0.0)
    small, how = np.arange(300) < 150, TransferSettings(total=40)
    before, after = (draw_random(answers[:n], ids[:n], how, n_classes=4) for n in (150, 300))
    old = set(after.images.tolist()) & set(np.flatnonzero(small).tolist())
    assert old <= set(before.images.tolist())
    assert 0 < len(old) < 40
    assert np.array_equal(reserved_images(ids, 0.2)[small], reserved_images(ids[small], 0.2))


def test_a_larger_total_holds_the_smaller_one():
    """Clones of 30 and of 90 rows differ in what was added alone; another seed gives another draw."""
    answers, ids, findings = make_world(2)
    draws = [rows_of(draw_found(findings, answers, ids, TransferSettings(total))) for total in (30, 90)]
    assert not draws[0] - draws[1]
    other = draw_found(findings, answers, ids, TransferSettings(30, seed=1))
    assert rows_of(other) != draws[0]


def test_the_reserved_share_is_what_was_asked_for():
    """As many as asked, a larger share holding the smaller; 0 reserves nothing, 1 everything."""
    ids = make_ids(20_000)
    few, many = reserved_images(ids, 0.1), reserved_images(ids, 0.3)
    assert few.mean() == pytest.approx(0.1, abs=0.01)
    assert many.mean() == pytest.approx(0.3, abs=0.015)
    assert not (few & ~many).any()
    assert not reserved_images(ids, 0.0).any()
    assert reserved_images(ids, 1.0).all()


def test_ids_in_a_row_are_drawn_as_evenly_as_any():
    """A hash decides: ids that were counted up are reserved and drawn no less at random."""
    ids = np.arange(20_000, dtype=np.uint64)
    reserved = reserved_images(ids, 0.2)
    assert reserved.reshape(20, -1).mean(axis=1) == pytest.approx(np.full(20, 0.2), abs=0.06)
    chosen = choose_images(np.zeros(20_000, int), 2_000, 0, image_ids=ids)
    assert np.histogram(chosen, 10)[0] == pytest.approx(np.full(10, 200), abs=60)
    assert reserved[chosen].mean() == pytest.approx(0.2, abs=0.04)  # what is drawn says nothing of what is reserved


def test_what_is_short_is_told_class_by_class():
    """Images, views of them, what was wanted, and the total, in plain words."""
    answers = np.array([[0, 0, 0]] * 3 + [[1, 1, 0]] * 2 + [[2, -1, -1]] * 20, np.int32)
    findings = make_findings(answers, answers[:, 0], [(0,), (1,), (2,)])
    drawn = draw_found(findings, answers, make_ids(25), TransferSettings(total=30, reserved=0.0, any_leaf=False))
    assert counts(drawn) == [(10, 3, 6, 0), (10, 2, 2, 0), (10, 17, 0, 0)]
    assert figures(drawn.notes) == [[0, 3, 6, 10], [1, 2, 2, 10]]  # the class, images, views, what was wanted
    assert "0 (dog)" in drawn.notes[0]
    bare = draw_found(
        findings, answers, make_ids(25), TransferSettings(30, fill_views=False, reserved=0.0, any_leaf=False)
    )
    assert figures(bare.notes) == [[0, 3, 10], [1, 2, 10], [25, 30]]


def test_classes_that_were_not_found_are_left_out_or_filled():
    """As chosen: nothing and the total to the others, or images of the whole corpus that the suspect puts there."""
    answers = np.array([[0, 0]] * 30 + [[1, 1]] * 30 + [[2, 2]] * 4, np.int32)
    leaf = np.repeat([0, 1, 0], [30, 30, 4])
    findings, ids = make_findings(answers, leaf, [(0,), (1,), ()]), make_ids(64)
    out = draw_found(findings, answers, ids, TransferSettings(total=30, reserved=0.0, any_leaf=False))
    assert counts(out) == [(15, 15, 0, 0), (15, 15, 0, 0), (0, 0, 0, 0)]
    assert figures(out.notes) == [[2]]
    filled = draw_found(
        findings, answers, ids, TransferSettings(total=30, not_found="random", reserved=0.0, any_leaf=False)
    )
    assert counts(filled) == [(10, 13, 0, 0), (10, 13, 0, 0), (10, 0, 0, 4)]
    assert filled.classes[2].label == ""
    assert figures(filled.notes) == [[2, 4, 10]]


@pytest.mark.parametrize(("weakness", "limit"), [(BELOW_TAU, "tau"), (BELOW_LIMIT, "the evidence limit")])
def test_an_answer_that_may_be_none_is_told_and_can_be_set_aside(weakness, limit):
    """It counts as not found then, and what the whole corpus gives its class may fill it; the limit is named."""
    answers, ids, findings = make_world()
    findings[1] = replace(findings[1], weaknesses=("low score", weakness))
    taken = draw_found(findings, answers, ids, ALL)
    aside = draw_found(findings, answers, ids, replace(ALL, uncertain="set aside"))
    notes = [next(note for note in one.notes if f"below {limit} in class 1 (cat)" in note) for one in (taken, aside)]
    assert notes[0] != notes[1]
    assert "not found" in notes[1]
    assert (taken.classes[1].n_rows > 0, aside.classes[1].n_rows) == (True, 0)
    filled = draw_found(findings, answers, ids, replace(ALL, uncertain="set aside", not_found="random"))
    assert filled.classes[1].n_filled == int((answers[:, 0] == 1).sum())
    assert (filled.classes[1].n_images, filled.classes[1].n_views) == (0, 0)


def test_a_class_that_the_whole_corpus_does_not_show_is_told():
    """Nothing fills it, and nothing is kept of a class whose images the suspect puts elsewhere."""
    answers = np.repeat([[0], [1]], 30, axis=0).astype(np.int32)
    findings = make_findings(answers, np.repeat([0, 1, 2], [30, 20, 10]), [(0,), (1,), (), (2,)])
    drawn = draw_found(
        findings, answers, make_ids(60), TransferSettings(40, not_found="random", reserved=0.0, any_leaf=False)
    )
    assert figures(drawn.notes) == [[3, 10], [2, 10]]
    assert all("no image" in note for note in drawn.notes)
    assert [one.n_rows for one in drawn.classes] == [20, 20, 0, 0]


def test_hundreds_of_alike_notes_become_one_sentence():
    """A thousand classes, of which some hundred are short or not found, are told in a few lines."""
    n_classes = 1_000
    answers = np.repeat(np.arange(n_classes), 3)[:, None].astype(np.int32)
    leaves_of = [(i,) if i % 2 else () for i in range(n_classes)]
    findings, ids = make_findings(answers, answers[:, 0], leaves_of), make_ids(3_000)
    out = draw_found(findings, answers, ids, TransferSettings(total=5_000, reserved=0.0, any_leaf=False))
    assert figures(out.notes) == [
        [500, 1, 3, 5, 7, 9, 495, 3, 10], [500, 0, 2, 4, 6, 8, 495], [1_500, 5_000],
    ]  # fmt: skip
    filled = draw_found(
        findings, answers, ids, TransferSettings(5_000, not_found="random", reserved=0.0, any_leaf=False)
    )
    assert figures(filled.notes)[1] == [500, 0, 2, 4, 6, 8, 495, 3, 5]


def test_a_total_below_the_number_of_classes_is_told():
    """Some classes want nothing then, and the note says which."""
    answers = np.repeat(np.arange(4), 5)[:, None].astype(np.int32)
    findings = make_findings(answers, answers[:, 0], [(0,), (1,), (2,), (3,)])
    drawn = draw_found(findings, answers, make_ids(20), TransferSettings(total=3, reserved=0.0, any_leaf=False))
    assert [one.n_rows for one in drawn.classes] == [1, 1, 1, 0]
    assert figures(drawn.notes) == [[3, 3]]
    assert "class 3 (frog)" in drawn.notes[0]


def test_hostile_labels_stay_short_and_on_one_line():
    """A name of a corpus that somebody sent cannot spoil a sentence."""
    answers = np.repeat([[0], [1]], [1, 30], axis=0).astype(np.int32)
    findings = make_findings(answers, answers[:, 0], [(0,), (1,)], labels=("a\n\n# b" + "x" * 10_000,))
    drawn = draw_found(findings, answers, make_ids(31), TransferSettings(total=20, reserved=0.0, any_leaf=False))
    assert drawn.notes[0].startswith("Class 0 (a # bxxx")
    assert "xx…)" in drawn.notes[0]
    assert len(drawn.notes[0]) < 120


def test_random_images_are_taken_without_regard_to_the_answers():
    """Other answers to the same images change the labels and nothing else; nothing is short, so nothing is said."""
    answers, ids, _ = make_world(1, unasked=0.0)
    how = TransferSettings(total=50)
    one, other = (draw_random(told, ids, how, n_classes=4) for told in (answers, (answers + 1) % 4))
    assert set(one.images.tolist()) == set(other.images.tolist())
    assert one.views.tolist() == [0] * 50
    assert sum(one.n_images for one in one.classes) == 50
    assert one.notes == ()


def test_random_images_are_filled_up_with_views_to_be_a_fair_baseline():
    """Where the corpus is smaller than the total, views follow, each image's first before any image's second."""
    answers, ids, _ = make_world(1, n_images=40, unasked=0.0)
    drawn = draw_random(answers, ids, TransferSettings(total=100, reserved=0.0), n_classes=4)
    per_image = Counter(drawn.images.tolist())
    assert len(drawn.images) == 100
    assert set(per_image.values()) == {2, 3}
    assert figures(drawn.notes) == [[40, 60, 100]]
    bare = draw_random(answers, ids, TransferSettings(100, fill_views=False, reserved=0.0), n_classes=4)
    assert figures(bare.notes) == [[40, 100]]


def test_a_ledger_that_a_budget_cut_gives_what_it_has():
    """Images that were never asked are left out and counted; so are views."""
    answers = np.full((50, 3), -1, np.int32)
    answers[:20, 0] = np.arange(20) % 3
    drawn = draw_random(answers, make_ids(50), TransferSettings(total=40, reserved=0.0), n_classes=5)
    assert sorted(drawn.images.tolist()) == list(range(20))
    assert figures(drawn.notes) == [[20, 40], [3, 4], [30, 50]]  # the last: images that were never asked about


def test_images_of_a_folder_are_chosen_evenly_before_anything_is_asked():
    """Balanced over the folder's own classes, the same for the same seed, none twice, in order."""
    node_index, ids = np.repeat([0, 1, 2], [100, 5, 40]), make_ids(145)
    chosen = choose_images(node_index, 60, 3, image_ids=ids)
    assert np.bincount(node_index[chosen]).tolist() == [28, 5, 27]
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    dogs = sorted(range(100), key=lambda image: place(int(ids[image]), 3))[:28]
    assert chosen[:28].tolist() == sorted(dogs)
    assert chosen.tolist() != choose_images(node_index, 60, 4, image_ids=ids).tolist()
    assert len(choose_images(node_index, 1_000, 3, image_ids=ids)) == 145


def test_a_source_of_which_everything_is_tested_on_says_so():
    """Before anything is asked, and not as if the suspect should be."""
    nothing = np.empty(0, int)
    with raises(SettingsError, "all tested"):
        choose_images(nothing, 10, 3, image_ids=make_ids(0))
    with raises(SettingsError, "all tested"):
        draw_chosen(nothing, np.empty(0, np.int32), 4, 10)


def test_chosen_images_take_the_suspects_labels():
    """All of them, class by class, and where it puts nothing is told."""
    labels = np.array([2, 0, 2, 0], np.int32)
    drawn = draw_chosen(np.array([7, 3, 9, 4]), labels, n_classes=4, total=6)
    assert dict(zip(drawn.images.tolist(), drawn.labels.tolist(), strict=True)) == {7: 2, 3: 0, 9: 2, 4: 0}
    assert counts(drawn) == [(2, 2, 0, 0), (2, 0, 0, 0), (1, 2, 0, 0), (1, 0, 0, 0)]
    assert figures(drawn.notes) == [[4, 6], [1, 3]]


def test_a_suspect_of_one_class_has_nothing_to_be_copied():
    """Whatever the source, it ends in a sentence."""
    answers = np.zeros((10, 2), np.int32)
    findings = make_findings(answers, answers[:, 0], [(0,)])
    for draw in (
        lambda: draw_found(findings, answers, make_ids(10), ALL),
        lambda: draw_random(answers, make_ids(10), ALL, n_classes=1),
        lambda: draw_chosen(np.arange(10), answers[:, 0], 1, 10),
    ):
        with raises(SettingsError, "single class"):
            draw()


def test_images_of_one_class_alone_teach_nothing():
    """A suspect that puts everything in one class, or a single class that was found, is refused by name."""
    answers = np.full((10, 1), 2, np.int32)
    findings = make_findings(answers, answers[:, 0], [(), (), (2,)])
    with raises(SettingsError, "too few classes", "2 (ship)"):
        draw_found(findings, answers, make_ids(10), ALL)
    with raises(SettingsError, "too few classes", "class 2 gets"):
        draw_random(answers, make_ids(10), ALL, n_classes=3)
    nothing = make_findings(answers, answers[:, 0], [(), (), ()])
    with raises(SettingsError, "too few classes", "no class"):
        draw_found(nothing, answers, make_ids(10), ALL)


@pytest.mark.parametrize("n_images", [0, 10])
def test_nothing_answered_is_said_before_anything_else(n_images):
    """An untouched ledger, or an empty one, asks to be filled first."""
    answers = np.full((n_images, 2), -1, np.int32)
    findings = make_findings(answers, np.zeros(n_images), [(0,) if n_images else (), ()])
    for draw in (
        lambda: draw_found(findings, answers, make_ids(n_images), ALL),
        lambda: draw_random(answers, make_ids(n_images), ALL, n_classes=2),
    ):
        with raises(SettingsError, "no answers"):
            draw()


def test_a_thousand_classes_are_drawn_fast():
    """50,000 images with eight views each of 1,000 classes take less than two seconds of processor time."""
    rng = np.random.default_rng(0)
    leaf = rng.integers(0, 1_000, 50_000)
    answers = np.where(rng.random((50_000, 8)) < 0.7, leaf[:, None], rng.integers(0, 1_000, (50_000, 8)))
    answers, ids = answers.astype(np.int32), make_ids(50_000)
    findings = make_findings(answers, leaf, [(i,) if i % 10 else () for i in range(1_000)])
    how = TransferSettings(total=100_000, not_found="random")
    started = time.process_time()
    drawn = draw_found(findings, answers, ids, how)
    assert time.process_time() - started < 2
    assert len(drawn.images) == 100_000


# Consistent, balanced, all


def test_found_images_come_first_and_then_the_most_consistent_and_nearest_of_other_leaves():
    """Steady found ones, then by consistency whatever the leaf, then by steps; views only after all images."""
    answers = np.array([
        [0, 0, 0, 0], [0, 1, 1, 1],  # the found leaf: steady, unsteady
        [0, 0, 0, 1], [0, 0, 1, 1], [0, 0, 1, 1],  # other leaves: steadier than the second; far; near
        [1, 1, 1, 1], [1, 1, 1, 1],
    ], np.int32)  # fmt: skip
    findings = make_findings(answers, [0, 0, 2, 3, 4, 1, 1], [(0,), (1,)])
    apart = np.array([[0, 0, 9, 9, 5, 9, 9], [9, 9, 9, 9, 9, 0, 0]], np.float32)
    taken = []
    for total in range(4, 12):
        drawn = draw_found(findings, answers, make_ids(7), TransferSettings(total, reserved=0.0), apart)
        own = {(image, view) for image, view, label in rows_of(drawn) if label == 0}
        taken += sorted(own - set(taken))
    assert taken[:5] == [(0, 0), (2, 0), (4, 0), (3, 0), (1, 0)]
    assert {image for image, view in taken[5:]} == {0}  # views of the found, steady one alone
    assert drawn.classes[0].n_filled == 3
    assert "3 images of other leaves in class 0 (dog)" in drawn.notes[-1]


def test_balanced_images_are_shared_evenly_among_the_suspects_classes():
    """However rare a class is; and consistent ones are the steadiest of each."""
    rng = np.random.default_rng(0)
    itself = np.repeat([0, 1, 2], [300, 60, 40])
    steady = rng.random((400, 8)) < rng.random(400)[:, None]
    answers = np.where(steady, itself[:, None], 3).astype(np.int32)
    answers[:, 0] = itself
    how, ids = TransferSettings(90, reserved=0.0, fill_views=False), make_ids(400)
    balanced, consistent = (draw_random(answers, ids, how, n_classes=4, balanced=True, consistent=one)
                            for one in (False, True))  # fmt: skip
    for drawn in (balanced, consistent):
        assert np.bincount(drawn.labels, minlength=4).tolist() == [30, 30, 30, 0]
    share = (answers == itself[:, None]).mean(axis=1)
    for target in range(3):
        least = share[consistent.images[consistent.labels == target]].min()
        others = np.setdiff1d(np.flatnonzero(itself == target), consistent.images)
        assert share[others].max() <= least
    assert share[balanced.images].mean() < share[consistent.images].mean() - 0.1


def test_all_answers_are_every_view_under_its_own_label():
    """What was reserved or never answered stays out; the total does not matter."""
    answers, ids, _ = make_world()
    how = TransferSettings(total=10, reserved=0.2)
    drawn = draw_all(answers, ids, how, n_classes=4)
    usable = (answers[:, 0] >= 0) & ~reserved_images(ids, 0.2)
    image, view = np.nonzero((answers >= 0) & usable[:, None])
    assert rows_of(drawn) == Counter(zip(image.tolist(), view.tolist(), answers[image, view].tolist(), strict=True))
