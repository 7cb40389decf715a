"""Without what was found: does the rest of the corpus still get consistent answers?"""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from raising import raises
from streamlit.testing.v1 import AppTest
from verdict_world import make_scores, points_of, verdict_on

from fdcore.answers.ledger import LedgerHeader
from fdcore.answers.views import ViewSpec
from fdcore.case.records import KeptChance
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.errors import CaseError
from fdcore.method.findings import Findings, ImageTable, Scored, weigh
from fdcore.method.known_rates import HARDENED
from fdcore.method.scores import score_leaves
from fdcore.method.selection import SelectionSettings, select
from fdcore.records import from_plain, to_plain
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.verdict import Chance, Verdict, WeakPoint, ask_untrained, judge, verdict_as_dict, verdict_in_words
from fdcore.verdict.chance import MIN_LEAVES
from fdcore.verdict.second_look import MIN_IMAGES, MIN_KINDS, STRONG, SecondLook, groups_left, leaves_left, strongest
from fdcore.verdict.weak_points import TwoGroups

N_EACH, N_CLASSES = 6, 5
DIGITS, OTHERS = tuple(f"digits/{i}" for i in range(N_CLASSES)), tuple(f"n{i:02}" for i in range(40))
SIGNS = tuple(f"signs/{i:02}" for i in range(20))
NODES = DIGITS + OTHERS
LEAF_OF = np.repeat(np.arange(len(NODES)), N_EACH).astype(np.int32)
WORLD = Hierarchy.from_rows(
    [("thing", (), ("thing",)), *((leaf, (), (leaf[7:],)) for leaf in DIGITS), *((leaf, (), (leaf,)) for leaf in SIGNS)]
    + [(f"kind{i}", ("thing",), (f"kind {i}",)) for i in range(len(OTHERS))]
    + [(leaf, (f"kind{i}",), (f"*{leaf}*",)) for i, leaf in enumerate(OTHERS)]
)
REST = SecondLook(0.03, 0.02, 1_000, 100, 9, ("n01", "gone"), (2, 4))


def answers(planted: int) -> np.ndarray:
    """Digits are recognised; the first of the other leaves have a class each, which nothing else suggests; noise."""
    rng = np.random.default_rng(0)
    noise = rng.integers(N_CLASSES, size=len(LEAF_OF))
    is_digit = LEAF_OF < N_CLASSES
    is_planted = ~is_digit & (planted > LEAF_OF - N_CLASSES) & (rng.random(len(LEAF_OF)) < 0.7)
    return np.where(is_digit, LEAF_OF, np.where(is_planted, LEAF_OF * 7 // 3 % N_CLASSES, noise)).astype(np.int32)


def findings(planted: int, nodes: tuple[str, ...] = NODES) -> Findings:
    """What is found in these answers: the digits, and nothing of the other leaves."""
    given = answers(planted)[: N_EACH * len(nodes), None]
    n = len(given)
    images = ImageTable(nodes, LEAF_OF[:n], tuple(map(str, range(n))), ("",) * n)
    spec = PreprocessSpec(height=8, width=8)
    header = LedgerHeader("", N_CLASSES, spec, "", 0, ViewSpec(), n, 1)
    scores = score_leaves(given, images.node_index, nodes, N_CLASSES)
    settings = SelectionSettings(evidence=0.9)
    return weigh(Scored(scores, images, given, np.arange(n, dtype=np.uint64), WORLD, header, n), settings)


@pytest.fixture(autouse=True)
def untrained_see_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Untrained networks whose outputs are noise, one in each group: real ones take seconds."""

    def outputs(pixels: np.ndarray, chosen: np.ndarray, *, progress: object) -> tuple[list, list]:
        return tuple([np.random.default_rng(seed).standard_normal((len(chosen), 20), np.float32)] for seed in (1, 2))

    monkeypatch.setattr("fdcore.verdict.untrained.untrained_outputs", outputs)


def pictures(n: int) -> np.ndarray:
    """Nobody looks at them."""
    return np.empty((n, 2, 1, 1), np.uint8)


@pytest.mark.parametrize(("planted", "strong"), [(0, False), (20, True)])
def test_a_planted_domain_answers_strongly_and_a_clean_rest_does_not(planted, strong):
    """Only the digits are found in either; the leaves with a planted class are named, as data and not as markup."""
    found = findings(planted)
    assert found.overall.n_found == N_CLASSES
    chance = ask_untrained(found, pictures(len(LEAF_OF)))
    assert (chance.rest.n_leaves, chance.rest.n_removed, chance.rest.n_pictures) == (40, 5, 240)
    assert chance.rest.strong == strong
    verdict = verdict_on(found.scored.scores, WORLD, found.settings, chance=chance)
    assert ("second domain" in points_of(verdict)) == strong
    if strong:
        assert set(chance.rest.leaves) <= set(OTHERS[:20])


def test_the_source_that_answers_most_strongly_is_kept():
    """Of two other sources, the folder with planted classes; the other one does not dilute it."""
    found = findings(20, DIGITS + SIGNS + OTHERS[:20])
    rest = ask_untrained(found, pictures(len(found.scored.answers))).rest
    assert rest.strong
    assert (rest.folder, rest.n_leaves, rest.n_removed) == ("signs", 20, 25)
    assert set(rest.leaves) <= set(SIGNS)


def test_the_first_comparison_is_the_same_with_a_second_look():
    """What was found has no say in whether an untrained network would have answered so."""
    found = findings(0)
    nothing = replace(found, classes=())
    with_look, without = (ask_untrained(each, pictures(len(LEAF_OF))) for each in (found, nothing))
    assert without.rest is None
    assert replace(with_look, rest=None) == without


def test_a_small_rest_is_not_looked_at():
    """Fewer than twenty leaves are left."""
    few = findings(0, NODES[: N_CLASSES + MIN_LEAVES - 1])
    chance = ask_untrained(few, pictures(len(few.scored.answers)))
    assert chance is not None
    assert chance.rest is None


def test_relatives_of_what_was_found_and_its_own_source_are_taken_away():
    """Leaves closer than eta, and other leaves of the folder where most was found; all where nothing was found."""
    nodes = ("signs/0", "signs/1", "n01", "n02", "n03")
    apart = np.array([[0, 2, 2, 5, 5], [2, 0, 2, 5, 5], [2, 2, 0, 5, 5], [5, 5, 5, 0, 2], [5, 5, 5, 2, 0]], np.float32)
    shares = np.vstack([[0.9, 0, 0, 0, 0], np.full((3, 5), 0.1)])
    scores = make_scores(shares, nodes=nodes)
    for eta, left in ((1, ["n01", "n02", "n03"]), (3, ["n02", "n03"]), (6, [])):
        settings = SelectionSettings(eta=eta)
        selections = select(scores, np.arange(5), apart, settings)
        scored = SimpleNamespace(scores=scores, distances=lambda leaves: apart[np.ix_(leaves, leaves)])
        looked = SimpleNamespace(
            classes=[SimpleNamespace(selection=s) for s in selections], scored=scored, settings=settings
        )
        assert [nodes[leaf] for leaf in leaves_left(looked, np.arange(5))] == left
    looked.classes = []
    assert len(leaves_left(looked, np.arange(5))) == 0


def test_the_strongest_leaves_stand_out_in_their_class():
    """A class that answers everything is not strong anywhere."""
    shares = np.zeros((3, 24))
    shares[0] = 0.6
    shares[1, 7], shares[2, [3, 4]] = 0.4, 0.3
    leaves, classes = strongest(make_scores(shares), np.arange(2, 24))
    assert leaves[:3] == ("animalb3", "animala3", "animalb0")
    assert classes[-2:] == (1, 2)


def hardened(n_planted: int, n_each: int = 60) -> Findings:
    """Classes that answer a digit each, and some of them a leaf of the hierarchy as well."""
    shares = np.full((N_CLASSES, len(NODES)), 0.1)
    for target in range(N_CLASSES):
        shares[target, target] = 40.0
        if target < n_planted:
            shares[target, N_CLASSES + target] = 2.0
    rng, shares = np.random.default_rng(0), shares / shares.sum(axis=0)
    given = np.concatenate([rng.choice(N_CLASSES, n_each, p=share) for share in shares.T]).astype(np.int32)[:, None]
    places, n = np.repeat(np.arange(len(NODES)), n_each).astype(np.int32), n_each * len(NODES)
    images = ImageTable(NODES, places, tuple(map(str, range(n))), ("",) * n)
    header = LedgerHeader("", N_CLASSES, PreprocessSpec(height=8, width=8), "", 0, ViewSpec(), n, 1)
    scores = score_leaves(given, places, NODES, N_CLASSES)
    scored = Scored(scores, images, given, np.arange(n, dtype=np.uint64), WORLD, header, n)
    return weigh(scored, SelectionSettings(eta=1.0))


def test_two_groups_of_leaves_are_named_class_by_class():
    """Each class is found by its digit; weighed without them, the planted leaves are found as well, and flagged."""
    found = hardened(N_CLASSES)
    groups = groups_left(found, None)
    assert {target: rest.name.label for target, rest in groups.items()} == {i: f"*n{i:02}*" for i in range(N_CLASSES)}
    verdict = judge(found)
    [point] = [each for each in verdict.weak_points if each.key == "second domain"]
    assert "may have been hardened" in point.what
    assert point.classes == tuple(range(N_CLASSES))
    assert [(each.found, each.second) for each in point.groups] == [(str(i), f"*n{i:02}*") for i in range(N_CLASSES)]
    words = verdict_in_words(verdict)
    assert point.groups[2].in_words(str) in words
    assert HARDENED.in_words in words
    assert verdict_as_dict(verdict)["weak_points"][0]["groups"][2]["second"] == "*n02*"
    chance = Chance(0.1, 0.2, 200, 100, 900)  # untrained networks answer so as well
    assert "second domain" not in points_of(judge(found, chance=chance))


@pytest.mark.parametrize(("n_planted", "n_each"), [(0, 60), (MIN_KINDS - 1, 60), (N_CLASSES, MIN_IMAGES - 1)])
def test_few_kinds_of_leaves_or_few_images_are_no_second_group(n_planted, n_each):
    """A clean suspect has none; one or two leaves that look like a class, or chance, are no second domain."""
    found = hardened(n_planted, n_each)
    assert found.overall.n_found == N_CLASSES
    assert groups_left(found, None) == {}
    assert "second domain" not in points_of(judge(found))


def test_a_strong_second_look_names_its_own_source_only():
    """Where the comparison was strong, whatever is found there is named; in a folder that is not left, nothing is."""
    found = hardened(1)
    strong = replace(REST, consistency=0.1, folder="")
    assert groups_left(found, strong)[0].name.label == "*n00*"
    assert groups_left(found, replace(strong, folder="digits")) == {}


def test_many_groups_are_counted():
    """The first twelve classes are named, and the others counted."""
    groups = tuple(TwoGroups(i, "a", 0.9, "b", 0.5) for i in range(14))
    point = WeakPoint("second domain", "What.", "Why.", "Remedy.", "existence", "Done.", groups=groups)
    *named, more = point.groups_in_words(str)
    assert len(named) == 12
    assert more == "And 2 more classes."


def told(rest: SecondLook | None) -> Verdict:
    """A verdict over the synthetic world with this second look."""
    return verdict_on(findings(0).scored.scores, WORLD, chance=Chance(0.4, 0.2, 200, 0, 900, rest=rest))


def test_the_finding_names_classes_and_leaves():
    """First of all weak points; labels stay apart from the sentences, and unknown ids are left out."""
    verdict = told(REST)
    point = verdict.weak_points[0]
    assert (point.key, point.classes, point.leaves) == ("second domain", (2, 4), ("*n01*",))
    assert "*" not in point.what + point.why + point.remedy
    assert "0.030" in point.what
    assert "Strongest leaves: *n01*." in verdict_in_words(verdict)
    assert verdict_as_dict(verdict)["chance"]["rest"]["n_removed"] == 9
    weak = replace(REST, consistency=STRONG * REST.highest)
    assert "second domain" not in points_of(told(weak)) | points_of(told(None))


def test_a_label_is_no_markup_on_a_page():
    """The dashboard shows the strongest leaves as text."""

    def page() -> None:
        from fdcore.verdict import WeakPoint
        from fdcore.verdict.weak_points import TwoGroups
        from ui.verdict import _weak_point

        _weak_point(
            WeakPoint(
                "second domain", "What.", "Why.", "Remedy.", "existence", "Done.", (1,), ("**n01** :red[x]", "n02"),
                (TwoGroups(1, ":red[a]", 0.9, "**b**", 0.5),),
            )
        )  # fmt: skip

    [shown] = AppTest.from_function(page).run().markdown
    assert r"Strongest leaves: \*\*n01\*\*" in shown.value
    assert r"and “\*\*b\*\*” (L 0.50)." in shown.value
    assert ":red[" not in shown.value


def test_a_case_keeps_it_and_older_cases_have_none():
    """Through JSON and back; what cannot be is an error."""
    kept = KeptChance(0.4, 0.2, 200, 0, 900, rest=REST)
    content = json.loads(json.dumps(to_plain(kept)))
    assert from_plain(KeptChance, content, what="it") == kept
    with raises(CaseError, "record damaged"):
        from_plain(KeptChance, content | {"rest": content["rest"] | {"highest": float("nan")}}, what="it")
    del content["rest"]
    assert from_plain(KeptChance, content, what="it").rest is None
