"""Training and test split compared: is the suspect right more often about pictures that it was trained on?"""

from dataclasses import replace

import numpy as np
import pytest
from lab_world import draw_folder, lab_of
from raising import raises

from fdcore.case.custody import check_case
from fdcore.case.gaps import add_gap, read_gaps
from fdcore.case.spending import n_sent, spent, spent_in_words
from fdcore.errors import CaseError, CorpusError, SettingsError
from fdcore.report.pdf import to_pdf
from fdcore.verdict.gap import Gap, Split, compare_splits
from fdcore.work.conclude import full_report
from fdcore.work.gap import measure_gap


def drawn(rng, right: float, n_folders: int = 20, per_folder: int = 25):
    """Answers to a split whose folder i is class i + 5, right with this probability, and the folders."""
    folders = np.repeat(np.arange(n_folders, dtype=np.int32), per_folder)
    wrong = rng.integers(0, n_folders, len(folders))
    return np.where(rng.random(len(folders)) < right, folders + 5, wrong).astype(np.int32), folders


def test_a_gap_is_found_and_none_is_not():
    """No class needs to be known: a folder's class is what most of its pictures are taken for."""
    rng = np.random.default_rng(0)
    train, folders = drawn(rng, 0.98)
    test, _ = drawn(rng, 0.88)
    found = compare_splits(("a", "b"), (train, test), (folders, folders))
    assert (found.outcome, found.n_folders) == ("seen", 20)
    assert found.interval[0] < found.points < found.interval[1]
    assert found.points == pytest.approx(10, abs=4)
    turned = compare_splits(("b", "a"), (test, train), (folders, folders))
    assert (turned.outcome, turned.points) == ("no sign", -found.points)
    assert ["swapped" in one.in_words for one in (found, turned)] == [False, True]


def test_chance_is_called_a_gap_as_often_as_p_says():
    """Splits of one distribution, of different sizes, hard and easy folders mixed: at most 5 % have p <= 0.05."""
    rng = np.random.default_rng(1)
    small = 0
    for _ in range(300):
        folders = np.repeat(np.arange(12, dtype=np.int32), 30)
        share = np.linspace(0.2, 0.95, 12)[folders]
        answers = np.where(rng.random(360) < share, folders, rng.integers(0, 12, 360)).astype(np.int32)
        in_train = rng.random(360) < 0.3 + 0.4 * (folders % 2)
        parts = (answers[in_train], answers[~in_train]), (folders[in_train], folders[~in_train])
        small += compare_splits(("a", "b"), *parts).p_value <= 0.05
    assert small <= 0.05 * 300 + 2 * np.sqrt(300 * 0.05 * 0.95)


def test_a_few_pictures_cannot_tell():
    """The sentence says to use more."""
    answers, folders = np.zeros(6, np.int32), np.zeros(6, np.int32)
    other = np.array([0, 0, 0, 1, 1, 1], np.int32)
    assert compare_splits(("a", "b"), (answers, other), (folders, folders)).outcome == "no sign"
    many = compare_splits(("a", "b"), (answers, np.array([0, 0, 1, 1, 1, 1], np.int32)), (folders, folders))
    assert many.outcome == "undecided"
    assert "more pictures" in many.in_words


def test_splits_are_sent_once_and_kept(case, tmp_path):
    """Both count as sent; a second comparison sends nothing; pictures in both splits are left out; the log binds it."""
    train, test = draw_folder(tmp_path / "train", per_class=8), draw_folder(tmp_path / "test", seed=3)
    (test / "red" / "0.png").write_bytes((train / "red" / "0.png").read_bytes())
    before = n_sent(case)
    with lab_of(case) as lab:
        found = measure_gap(lab, str(train), str(test))
        assert n_sent(case) == before + 31 + 23
        again = measure_gap(lab, str(train), str(test))
    assert n_sent(case) == before + 31 + 23
    assert replace(again, time=found.time) == found
    assert (found.n_shared, found.train.n_images, found.test.n_images) == (1, 31, 23)
    assert found.outcome == "no sign"
    assert read_gaps(case) == (found, again)
    assert [entry["event"] for entry in case.audit()][-1] == "splits compared"
    parts = spent(case)
    assert (parts["comparing splits"], parts["scoring"], sum(parts.values())) == (31 + 23, before, n_sent(case))
    assert spent_in_words(parts) == f"{before + 54} queries sent: {before} scoring + 54 comparing splits"
    assert check_case(case).intact


def test_what_cannot_be_compared_is_a_sentence(case, tmp_path):
    """Splits without a common folder, and a budget that is too small for both: nothing is sent."""
    train, test = draw_folder(tmp_path / "train"), draw_folder(tmp_path / "test", seed=3)
    before = n_sent(case)
    case.change_plan(settings=replace(case.plan().settings, budget=before + 40))
    with lab_of(case) as lab, raises(SettingsError, "budget exceeded"):
        measure_gap(lab, str(train), str(test))
    for place, folder in enumerate(sorted(test.iterdir())):
        folder.rename(test / f"other{place}")
    with lab_of(case) as lab, raises(CorpusError, "no common folder"):
        measure_gap(lab, str(train), str(test))
    case.change_plan(settings=replace(case.plan().settings, budget=None))
    with lab_of(case) as lab, raises(CorpusError, "same pictures"):
        measure_gap(lab, str(train), str(train))
    assert n_sent(case) == before
    assert read_gaps(case) == ()
    empty = {"train": {"name": "a", "n_images": 0, "n_right": 0}, "test": {"name": "b", "n_images": 1, "n_right": 1}}
    case.write_json("gaps.json", {"gaps": [{**empty, "n_folders": 1, "n_shared": 0, "p_value": 1.0}]})
    with raises(CaseError, "record damaged"):
        read_gaps(case)
    case.write_json("gaps.json", {"gaps": [{"train": 3}]})
    with raises(CaseError, "record damaged"):
        read_gaps(case)


def test_the_report_shows_what_was_compared(case, tmp_path):
    """The strongest comparison as a sentence, each in a table; names are texts."""
    seen = Gap(Split("a/<b>train", 100, 99), Split("a/test", 100, 80), 10, 1, 0.0001, time="2026-01-01T00:00:00+00:00")
    add_gap(case, seen)
    add_gap(case, replace(seen, train=Split("other", 90, 45), p_value=0.6, time="2026-01-02T00:00:00+00:00"))
    case.log("splits compared", {})
    page = full_report(case.folder)
    assert "Were these very pictures used?" in page
    assert "a/&lt;b&gt;train" in page
    assert page.index("consistent with training on the pictures of a/") < page.index("no sign")
    assert to_pdf(page)
