"""Whether an untrained network would have answered so too: the measure, the null, the decision, and the case."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from raising import raises
from sklearn.linear_model import Ridge

import fdcore
from fdcore.case.case import Case
from fdcore.case.conclusions import judge, kept_chance, load_scored, selection_settings
from fdcore.case.plan import Settings
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.errors import CaseError
from fdcore.method.findings import weigh
from fdcore.records import from_plain, to_plain
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.suspect.suspect import CallableSuspect, Suspect
from fdcore.verdict import Chance, Specificity
from fdcore.verdict import chance as chance_module
from fdcore.verdict.chance import (
    LEVEL,
    MAX_PICTURES,
    MIN_LEAVES,
    N_FOLDS,
    PER_LEAF,
    RIDGE,
    compare_with_chance,
    pictures_to_compare,
)
from fdcore.verdict.decision import decide
from fdcore.verdict.untrained import N_OUTPUTS, untrained_outputs
from fdcore.work.conclude import analyse
from fdcore.work.investigate import investigate

RULED_OUT = Chance(0.4, 0.2, 200, 0, 900)
NEARLY = Chance(0.21, 0.2, 200, 0, 900)
AS_UNTRAINED = Chance(0.1, 0.2, 200, 60, 900)
BY_KINDS = Specificity(10, 8, 9.0, 0.95, 0.6, 4.0, 0.7, 0.6, 0.05)
NO_KINDS = replace(BY_KINDS, kinship=0.0, kin_odds=1.0, kin_share=0.0, strays=0.3)
N_LEAVES, N_EACH = 40, 6
LEAF_OF = np.repeat(np.arange(N_LEAVES), N_EACH)


def outputs(seed: int, *, n_networks: int = 2) -> list[np.ndarray]:
    """What untrained networks see: pictures of a leaf look alike to them, by half."""
    rng = np.random.default_rng(0)
    looks = rng.standard_normal((N_LEAVES, 8))[LEAF_OF] + rng.standard_normal((len(LEAF_OF), 8))
    rng = np.random.default_rng(seed)
    return [(looks @ rng.standard_normal((8, 30))).astype(np.float32) for _ in range(n_networks)]


# The measure


def test_the_intraclass_correlation_is_that_of_an_analysis_of_variance():
    """Against mean squares between and within groups of equal size, written out."""
    values = np.random.default_rng(1).normal(size=(12, 5)) + np.arange(12)[:, None]
    mean_between = 5 * values.mean(axis=1).var(ddof=1)
    mean_within = values.var(axis=1, ddof=1).mean()
    variance = (mean_between - mean_within) / 5
    measured = chance_module._intraclass(values.reshape(-1, 1), np.arange(0, 60, 5), np.full(12, 5))
    assert measured == pytest.approx(variance / (variance + mean_within))


def test_the_variance_between_leaves_is_estimated_without_bias():
    """Over many draws of four leaves of two or three pictures, the mean is the variance that they were drawn with."""
    rng, sizes = np.random.default_rng(8), np.array([2, 3, 2, 3])
    starts, n_draws = np.array([0, 2, 5, 7]), 20_000
    leaves = rng.normal(size=(4, n_draws))[np.repeat(np.arange(4), sizes)]
    drawn = leaves + 1.5 * rng.normal(size=(10, n_draws))
    between, within = np.mean(
        [chance_module._variances(one[:, None], starts, sizes) for one in drawn.T], axis=0
    )  # standard errors 0.015 and 0.013
    assert between == pytest.approx(1.0, abs=0.06)
    assert within == pytest.approx(1.5**2, abs=0.06)


def test_what_features_explain_is_ridge_regression_on_other_leaves():
    """Against scikit-learn, fold by fold."""
    rng = np.random.default_rng(2)
    features = rng.standard_normal((len(LEAF_OF), 10)).astype(np.float32)
    features -= features.mean(axis=0)
    labels = rng.integers(3, size=len(LEAF_OF))
    starts = np.flatnonzero(np.diff(LEAF_OF, prepend=-1))
    folds = np.repeat(np.random.default_rng(0).permutation(N_LEAVES) % N_FOLDS, N_EACH)
    answers, rest = np.eye(3)[labels], np.zeros((len(LEAF_OF), 3))
    for fold in range(N_FOLDS):
        out = folds == fold
        seen = answers[~out] - answers[~out].mean(axis=0)
        ridge = Ridge(alpha=RIDGE * (~out).sum(), fit_intercept=False).fit(features[~out], seen)
        rest[out] = answers[out] - answers[~out].mean(axis=0) - ridge.predict(features[out])
    expected = chance_module._intraclass(rest, starts, np.full(N_LEAVES, N_EACH))
    [measured] = chance_module._Unexplained(features, starts).consistencies([labels], 3)
    assert measured == pytest.approx(expected, abs=1e-4)


def test_random_networks_use_their_classes_as_the_suspect_does():
    """Shares that are far from even are reached, by two classes exactly and by several nearly."""
    for shares, within in ((np.array([0.8, 0.2]), 0.01), (np.array([0.5, 0.3, 0.1, 0.1]), 0.05)):
        for several in chance_module._random_answers(outputs(3), shares):
            for labels in several:
                got = np.bincount(labels, minlength=len(shares)) / len(labels)
                assert np.abs(got - shares).max() <= within


# The comparison


@pytest.mark.parametrize("n_classes", [2, 5, 30])
def test_answers_by_leaf_are_beyond_any_untrained_network(n_classes):
    """Each leaf one class, whatever it looks like: no untrained network comes near."""
    rng = np.random.default_rng(4)
    answers = rng.integers(n_classes, size=N_LEAVES)[LEAF_OF]
    compared = compare_with_chance(answers, LEAF_OF, outputs(1), outputs(2))
    assert compared.ruled_out
    assert compared.share == 1 / (compared.n_null + 1)
    assert (compared.n_networks, compared.n_null) == (2, 2 * 3 * (15 if n_classes < 20 else 4))


def test_answers_of_one_network_are_alike_so_their_share_is_no_significance_level():
    """A seventh network is within the highest 5 % of six others' answers far more often than once in twenty times."""
    rng = np.random.default_rng(9)
    networks, heads = rng.normal(size=(4_000, 7, 1)), 0.2 * rng.normal(size=(4_000, 7, 45))
    values = networks + heads
    n_as_high = (values[:, 1:] >= values[:, :1, :1]).sum(axis=(1, 2)).tolist()
    opened = np.mean([Chance(0.0, 0.0, 270, n, 900).share <= LEVEL for n in n_as_high])
    assert opened > 2 * LEVEL
    words = replace(RULED_OUT, n_networks=6).in_words()
    assert "200 random last layers on 6 untrained networks" in words
    assert "p =" not in words


@pytest.mark.parametrize("seed", range(3))
def test_an_untrained_network_is_not_beyond_the_others(seed):
    """Two or five classes by a random last layer: leaves are answered alike, since they look alike, and no more."""
    rng = np.random.default_rng(seed)
    seen = outputs(100 + seed, n_networks=1)[0]
    for n_classes in (2, 5):
        answers = (seen @ rng.standard_normal((30, n_classes))).argmax(axis=1)
        assert not compare_with_chance(answers, LEAF_OF, outputs(1), outputs(2)).ruled_out


def test_the_comparison_is_the_same_each_time_and_whatever_the_classes_are_called():
    """No chance enters that a seed does not fix; numbers of classes are names."""
    answers = np.random.default_rng(5).integers(3, size=len(LEAF_OF))
    first = compare_with_chance(answers, LEAF_OF, outputs(1), outputs(2))
    assert compare_with_chance(answers + 7, LEAF_OF, outputs(1), outputs(2)) == first


def test_a_single_answer_is_compared_with_nothing():
    """Where everything gets one class, no network could do otherwise."""
    compared = compare_with_chance(np.zeros(len(LEAF_OF), int), LEAF_OF, outputs(1), outputs(2))
    assert compared.n_null == 0
    assert not compared.ruled_out
    assert not compared.left_open


def test_pictures_are_taken_leaf_by_leaf_and_not_without_an_answer():
    """At most so many of a leaf; leaves with fewer than two answers are left out."""
    leaf_of = np.tile(np.arange(MIN_LEAVES + 1), PER_LEAF + 3)
    answers = np.zeros(len(leaf_of), np.int32)
    answers[0] = -1
    answers[(leaf_of == 5) & (np.arange(len(leaf_of)) > 5)] = -1
    chosen = pictures_to_compare(answers, leaf_of)
    assert 0 not in chosen
    assert np.all(np.diff(leaf_of[chosen]) >= 0)
    assert np.bincount(leaf_of[chosen]).tolist() == [PER_LEAF] * 5 + [0] + [PER_LEAF] * (MIN_LEAVES - 5)


def test_a_large_corpus_is_compared_on_some_of_its_leaves():
    """Over the limit, leaves at even steps with fewer pictures; under `MIN_LEAVES`, none at all."""
    leaf_of = np.repeat(np.arange(3_000), 10)
    chosen = pictures_to_compare(np.zeros(len(leaf_of), np.int32), leaf_of)
    assert len(chosen) <= MAX_PICTURES
    assert set(np.unique(leaf_of[chosen], return_counts=True)[1]) == {4}
    assert leaf_of[chosen].max() == 2_999
    few = np.repeat(np.arange(MIN_LEAVES - 1), 10)
    assert not len(pictures_to_compare(np.zeros(len(few), np.int32), few))


def test_untrained_networks_are_the_same_each_time_and_leave_the_dice_alone():
    """Grey pictures of any size; two groups that differ; torch's own random numbers go on as if nothing had been."""
    pictures = np.random.default_rng(6).integers(256, size=(30, 20, 24, 1), dtype=np.uint8)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    explaining, answering = untrained_outputs(pictures, np.arange(5, 30))
    assert torch.equal(torch.rand(3), expected)
    again, _ = untrained_outputs(pictures, np.arange(5, 30))
    assert all(np.array_equal(one, other) for one, other in zip(explaining, again, strict=True))
    assert {each.shape for each in explaining + answering} == {(25, N_OUTPUTS)}
    assert not any(np.allclose(one, other) for one, other in zip(explaining, answering, strict=True))
    assert all(np.isfinite(each).all() and each.std(axis=0).max() > 0 for each in explaining + answering)


# The decision


@pytest.mark.parametrize(
    ("n_classes", "limits", "chance", "outcome"),
    [
        (10, BY_KINDS, RULED_OUT, "meaningful"), (10, NO_KINDS, RULED_OUT, "undecided"),
        (10, BY_KINDS, NEARLY, "undecided"), (10, NO_KINDS, NEARLY, "meaningless"),
        (10, BY_KINDS, AS_UNTRAINED, "meaningless"), (10, BY_KINDS, None, "meaningful"),
        (10, NO_KINDS, None, "meaningless"), (2, BY_KINDS, RULED_OUT, "meaningful"),
        (2, NO_KINDS, RULED_OUT, "meaningful"), (2, NO_KINDS, NEARLY, "undecided"),
        (2, BY_KINDS, AS_UNTRAINED, "meaningless"), (2, BY_KINDS, None, "undecided"),
        (2, NO_KINDS, None, "meaningless"),
    ],
)  # fmt: skip
def test_both_must_speak_for_a_suspect_of_many_classes_and_the_comparison_for_one_of_few(
    n_classes, limits, chance, outcome
):
    """The whole table of decisions; a reason comes with all but "meaningful"."""
    decision = decide(replace(limits, n_classes=n_classes), chance)
    assert decision.outcome == outcome
    assert bool(decision.why) == (outcome != "meaningful")


@pytest.mark.parametrize("chance", [RULED_OUT, NEARLY, AS_UNTRAINED, None])
def test_without_a_found_class_nothing_is_meaningful(chance):
    """However the comparison came out."""
    assert decide(replace(BY_KINDS, n_found=0), chance).outcome == "meaningless"


# In a case


def test_numbers_that_cannot_be_are_damage():
    """Through JSON and back; what cannot be is an error."""
    content = json.loads(json.dumps(to_plain(RULED_OUT)))
    assert from_plain(Chance, content, what="it") == RULED_OUT
    del content["n_networks"]  # as an earlier version kept it
    assert from_plain(Chance, content, what="it") == RULED_OUT
    for damage in ({"n_null": "many"}, {"highest": float("nan")}, {"n_as_high": 201}):
        with raises(CaseError, "record damaged"):
            from_plain(Chance, content | damage, what="it")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 folders of three noise pictures, whose first byte is their folder's number."""
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(7)
    for leaf in range(24):
        (folder / f"leaf{leaf:02}").mkdir()
        for number in range(3):
            pixels = rng.integers(256, size=(12, 12, 3), dtype=np.uint8)
            pixels[0, 0, 0] = leaf
            Image.fromarray(pixels).save(folder / f"leaf{leaf:02}" / f"{number}.png")
    return folder


def run(case: Path, corpus: Path, answer) -> dict:
    """Ask a suspect of two classes about the corpus; the verdict's file."""
    spec = PreprocessSpec(height=12, width=12)
    suspect = CallableSuspect(answer, n_classes=2, spec=spec, fingerprint="e" * 64, batch_size=24)
    world = Hierarchy.from_rows([("thing", (), ("thing",))])
    investigate(
        case, suspect, [corpus], hierarchy=world, open_suspect=lambda path: suspect, cache=case.parent / "cache",
        settings=Settings(n_views=1, images_per_leaf=3),
    )  # fmt: skip
    return json.loads((case / "verdict.json").read_text())


def by_leaf(pictures: np.ndarray) -> np.ndarray:
    return (pictures[:, 0, 0, 0] // 3 % 2).astype(int)


def by_brightness(pictures: np.ndarray) -> np.ndarray:
    means = pictures.reshape(len(pictures), -1).mean(axis=1)
    return (means > 127.5).astype(int)


@pytest.mark.slow
def test_an_investigation_keeps_the_comparison_and_the_verdict_rests_on_it(corpus, tmp_path):
    """Two classes by leaf are meaningful, by brightness they are not; numbers and audit log are in the case."""
    assert run(tmp_path / "leaf", corpus, by_leaf)["outcome"] == "meaningful"
    bright = run(tmp_path / "bright", corpus, by_brightness)
    assert bright["outcome"] == "meaningless"
    assert bright["headline"].startswith("No meaningful distribution")
    kept = Case.open(tmp_path / "leaf").facts().chance
    assert kept.n_as_high == 0
    assert kept.n_pictures == 72
    assert kept.rest is None  # all leaves are of the source where the classes were found
    log = (tmp_path / "leaf" / "audit.jsonl").read_text()
    assert log.count("compared with untrained networks") == 1
    run(tmp_path / "leaf", corpus, by_leaf)
    assert (tmp_path / "leaf" / "audit.jsonl").read_text().count("compared with untrained networks") == 1


@pytest.fixture(scope="module")
def finished(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case with the comparison."""
    folder = tmp_path_factory.mktemp("cases")
    run(folder / "case", corpus, by_leaf)
    return folder / "case"


def test_an_investigation_in_memory_makes_the_same_comparison(corpus, finished, tmp_path):
    """Without a case the verdict rests on the same numbers, after other settings too."""
    suspect = Suspect.from_callable(by_leaf, input_size=12, n_classes=2)
    settings = Settings(n_views=1, images_per_leaf=3)
    found = fdcore.investigate(suspect, corpus, settings=settings, cache=finished.parent / "cache")
    kept = fdcore.Findings.of(Case.open(finished))
    assert found.verdict.chance is not None
    assert repr(found.verdict) == repr(kept.verdict)
    assert fdcore.weigh(found.scored, eta=2).verdict.outcome == "meaningful"


def test_a_finished_case_is_judged_again_without_torch_or_pictures(finished):
    """The kept numbers are enough, in a process that never imports torch."""
    code = (
        "import sys; from pathlib import Path; from fdcore.case.conclusions import *;"
        "case = Case.open(Path(sys.argv[1])); found = weigh_case(case);"
        "print(judge(found, case.facts()).outcome, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(finished)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["meaningful", "False"]


def test_an_old_case_still_has_a_verdict_that_says_how_it_came_about(finished, tmp_path):
    """Without the comparison two classes are undecided, and weighing the case again does not make it up."""
    shutil.copytree(finished, tmp_path / "case")
    case = Case.open(tmp_path / "case")
    case.record(chance=None)
    analyse(tmp_path / "case", cache=finished.parent / "cache")
    case = Case.open(tmp_path / "case")
    assert case.facts().chance is None
    verdict = judge(weigh(load_scored(case), selection_settings(case)), case.facts())
    assert not verdict.meaningful
    assert "fixed limits decide" in verdict.measured_in_words


def test_a_comparison_of_other_answers_does_not_count(finished):
    """Of another suspect, or of fewer pictures: as if there were none."""
    case = Case.open(finished)
    scored, facts = load_scored(case), case.facts()
    assert kept_chance(scored, facts) is not None
    for other in (replace(facts.chance.of, suspect="f" * 64), replace(facts.chance.of, n_answered=71)):
        assert kept_chance(scored, replace(facts, chance=replace(facts.chance, of=other))) is None
