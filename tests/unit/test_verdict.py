"""The verdict: what all classes together say, how far it may be believed, and what casts doubt on it."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from verdict_world import (
    FAMILIES,
    LEAVES,
    SETTINGS,
    WORLD,
    by_family,
    find,
    finding,
    make_scores,
    matrix,
    points_of,
    verdict_on,
)

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.choices import Choice, apply_choices
from fdcore.method.closeness import distances
from fdcore.method.findings import ClassFinding
from fdcore.method.removal import Rest
from fdcore.method.scores import Scores
from fdcore.method.selection import SelectionSettings, select
from fdcore.method.weaknesses import BELOW_LIMIT, is_catch_all, share_elsewhere
from fdcore.verdict import (
    Circumstances,
    find_domains,
    measure_specificity,
    reach_verdict,
    reason_for,
    verdict_as_dict,
    verdict_in_words,
)
from fdcore.verdict.chance import Chance
from fdcore.verdict.overview import _domains_in_words
from fdcore.verdict.specificity import MAX_LEAVES, why_meaningless
from fdcore.words.agreement import TOO_FEW, Agreement
from fdcore.words.label_sets import label_set

UNLIMITED = SelectionSettings(tau=0.3, relative=0, evidence=0, share=0)


# Domains


def test_related_classes_share_a_domain_and_strangers_do_not():
    """Three classes of animals and one plant: "animal" holds the three, the plant stands alone."""
    shares = by_family()
    shares[4:] = 0.0
    domains = find_domains(find(make_scores(shares)), make_scores(shares), WORLD)
    assert [(d.label, d.classes) for d in domains] == [("animal", (0, 1, 2)), ("planta", (3,))]
    assert [(d.n_selected, d.n_leaves) for d in domains] == [(12, 12), (4, 4)]


def test_unrelated_leaves_chosen_by_hand_are_a_domain_of_their_own():
    """A choice whose leaves have nothing in common has no node, and is not lost."""
    nodes = ("a/1", "b/2", "c/3")
    flat = Hierarchy.from_rows((node, (), (node[-1],)) for node in nodes)
    scores = make_scores(np.eye(3), nodes=nodes)
    choice = Choice(0, ("a/1", "b/2"), "seen", "", "2026-03-01T12:00:00+00:00")
    leaves, among = np.arange(3), distances(flat, nodes)
    selections = apply_choices(select(scores, leaves, among, SETTINGS), {0: choice}, scores, leaves, among, SETTINGS)
    domains = find_domains([finding(s, scores, flat) for s in selections], scores, flat)
    assert ("1, 2", (0,)) in [(d.label, d.classes) for d in domains]


def test_without_a_found_class_there_is_no_domain():
    """Nothing found: no domain, and no meaningful distribution."""
    scores = make_scores(np.full((6, 24), 1 / 6))
    assert find_domains(find(scores), scores, WORLD) == ()
    verdict = verdict_on(scores)
    assert not verdict.meaningful
    assert verdict.headline == "No meaningful distribution: no class was found in this corpus."
    assert math.isnan(verdict.mean_functional)


def shares_of(*answers: str) -> np.ndarray:
    """Class i scores 0.9 in the leaves of answer i, given by a part of their names; nothing else."""
    shares = np.zeros((len(answers), len(LEAVES)))
    for i, answer in enumerate(answers):
        shares[i, [leaf.startswith(tuple(answer.split())) for leaf in LEAVES]] = 0.9
    return shares


def domains_of(*answers: str) -> list[tuple[str, str, tuple[int, ...]]]:
    """Kind, label and classes of the domains when each class answers all leaves with these beginnings."""
    found, scores = all_locked(*answers)
    return [(each.kind, each.label, each.classes) for each in find_domains(found, scores, WORLD)]


def all_locked(*answers: str) -> tuple[list[ClassFinding], Scores]:
    """Findings in which each class answers all leaves with these beginnings, and their scores."""
    scores = make_scores(shares_of(*answers))
    return [locked(i, answer, scores) for i, answer in enumerate(answers)], scores


def locked(target_class: int, answer: str, scores: Scores) -> ClassFinding:
    """A class whose answer was chosen by hand: the leaves that begin so."""
    nodes = tuple(node for node in scores.nodes if node.startswith(tuple(answer.split())))
    choices = {target_class: Choice(target_class, nodes, "seen", "", "2026-03-01T12:00:00+00:00")}
    leaves, among = np.arange(len(scores.nodes)), distances(WORLD, scores.nodes)
    selections = apply_choices(select(scores, leaves, among, SETTINGS), choices, scores, leaves, among, SETTINGS)
    return finding(selections[target_class], scores, WORLD)


def test_a_class_named_like_everything_does_not_swallow_the_others():
    """A gazelle and a van are "thing": that class stands apart, last, and the others keep their domains."""
    assert domains_of("animala", "animalb", "animalc", "plantb", "animala0 planta0") == [
        ("node", "animal", (0, 1, 2)),
        ("node", "plantb", (3,)),
        ("too general", "thing", (4,)),
    ]


def test_a_name_that_promises_too_much_has_no_say():
    """Two of twelve leaves under "plant" do not gather the plants, which lie in two families."""
    alone = domains_of("animala", "planta0", "plantc3")
    broad = domains_of("animala", "planta0", "plantc3", "planta1 plantb1")
    assert alone == [("node", "animala", (0,)), ("node", "planta0", (1,)), ("node", "plantc3", (2,))]
    assert broad == [*alone, ("node", "plant", (3,))]


def test_a_name_that_promises_too_much_joins_a_domain_that_is_there():
    """It is a plant all the same, where "plant" is what the others are."""
    assert domains_of("planta", "plantb", "plantc", "planta0 plantb1") == [("node", "plant", (0, 1, 2, 3))]


def test_a_domain_holds_what_it_names_while_others_below_it_go_elsewhere():
    """A class that is rightly named "animal" leaves those of one family to that family, and is said to be general."""
    found, scores = all_locked("animala animalb", "animalc0", "animalc1", "animalc2", "animalc3", "animalc0")
    family, animal = find_domains(found, scores, WORLD)
    assert (family.label, family.classes, family.above_others) == ("animalc", (1, 2, 3, 4, 5), False)
    assert (animal.label, animal.classes, animal.above_others) == ("animal", (0,), True)
    assert (animal.n_selected, animal.n_leaves) == (8, 12)
    verdict = reach_verdict(found, scores, WORLD)
    assert "animalc (5 classes) and animal in general (1 class)" in verdict.headline


def test_what_is_too_general_is_counted_in_the_headline():
    """It is said apart from the domains; and where nothing else is found, that nothing can be placed."""
    found, scores = all_locked("animala", "animalb", "animalc", "animala0 planta0")
    assert reach_verdict(found, scores, WORLD).headline == (
        "The suspect's answers are consistent with training data from animal (3 classes); 1 class is too general to "
        "place."
    )
    found, scores = all_locked("animala0 planta0", "animalb0 plantb0")
    verdict = reach_verdict(found, scores, WORLD)
    assert "cannot be placed: 2 classes found" in verdict.headline
    assert "“thing”" in verdict.headline


def test_a_corpus_folder_is_no_finding():
    """Classes without a hierarchy can mean something; their domain is called after the analyst's corpus folder."""
    nodes = tuple(f"digits/{i}" for i in range(40))
    flat = Hierarchy.from_rows((node, (), (node[7:],)) for node in nodes)
    verdict = verdict_on(make_scores(np.eye(40) * 0.9, nodes=nodes), flat)
    assert verdict.headline == (
        "The suspect's answers are consistent with training data from 40 classes like those in the corpus folder "
        "“digits”."
    )
    [domain] = verdict.domains
    assert (domain.node, domain.label, domain.n_selected, domain.n_leaves) == (None, "digits", 40, 40)
    assert math.isnan(verdict.specificity.kinship)
    assert verdict.meaningful
    assert _domains_in_words([replace(domain, n_selected=38)], set()) == "folders of digits (38 of 40)"


# Meaningful or not


def test_answers_by_kind_are_meaningful():
    """Each family its own class: the answers follow the hierarchy."""
    verdict = verdict_on(make_scores(by_family(0.5)))
    assert verdict.meaningful
    assert verdict.why_not == ""
    assert verdict.headline == (
        "The suspect's answers are consistent with training data from animal (3 classes) and plant (3 classes)."
    )


@pytest.mark.parametrize("seed", range(5))
def test_one_class_for_nearly_everything_means_nothing(seed):
    """A catch-all with a few strays, as an untrained network answers, though its L is near 1."""
    rng = np.random.default_rng(seed)
    shares = np.zeros((10, 24))
    shares[3] = rng.uniform(0.85, 1, 24)
    shares[5] = 1 - shares[3]
    verdict = verdict_on(make_scores(shares))
    assert verdict.n_found
    assert verdict.mean_functional > 0.8
    assert not verdict.meaningful
    assert "few of its classes" in verdict.why_not


@pytest.mark.parametrize("seed", range(5))
def test_answers_that_ignore_kinship_mean_nothing(seed):
    """Evenly used classes whose leaves have nothing in common, as after learning noise."""
    shares = np.random.default_rng(seed).dirichlet(np.full(10, 0.8), 240).T
    nodes = tuple(f"{family}{leaf}" for family in FAMILIES for leaf in range(40))
    world = Hierarchy.from_rows(
        [(node, WORLD.parents(node), WORLD.synonyms(node)) for node in WORLD.ids if node not in LEAVES]
        + [(node, (node.rstrip("0123456789"),), (node,)) for node in nodes]
    )
    verdict = verdict_on(make_scores(shares, nodes=nodes), world, UNLIMITED)
    assert verdict.n_found > 5
    assert not verdict.meaningful
    assert "related" in verdict.why_not


def test_kinship_is_morans_i_with_nearest_leaves():
    """Against the textbook formula, written out with loops; with very many answers, no correction is left."""
    shares = np.random.default_rng(1).dirichlet(np.ones(4), 24).T
    scores = make_scores(shares, asked=1_000_000)
    among = distances(WORLD, LEAVES)
    profiles = scores.functional.T.astype(float)
    centred = profiles - profiles.mean(axis=0)
    shared, within = [], []
    for j in range(24):
        others = [k for k in range(24) if k != j]
        least = min(among[j, k] for k in others)
        near = [k for k in others if among[j, k] == least]
        shared.append(np.mean([centred[j] @ centred[k] for k in near]))
        within.append(1 - profiles[j] @ profiles[j])
    expected = np.mean(shared) / (np.mean((centred**2).sum(axis=1)) + np.mean(within) / 12)
    measured = measure_specificity(find(scores), scores, matrix(scores))
    assert measured.kinship == pytest.approx(expected, abs=1e-4)


def test_kinship_does_not_grow_with_the_number_of_pictures():
    """Drawn from the same truth, few and many pictures give the same kinship on average."""
    truth = by_family(0.3).T
    means = []
    for asked in (8, 200):
        measured = []
        for seed in range(30):
            rng = np.random.default_rng(seed)
            drawn = np.stack([rng.multinomial(asked, row / row.sum()) for row in truth], axis=1) / asked
            scores = make_scores(drawn, asked=asked)
            measured.append(measure_specificity([], scores, matrix(scores)).kinship)
        means.append(np.mean(measured))
    assert means[0] == pytest.approx(means[1], abs=0.05)


@pytest.mark.parametrize(("alike", "expected"), [(True, 1.0), (False, -1.0)])
def test_no_figure_leaves_its_range(alike, expected):
    """Of few pictures the estimates lie beyond 1 and -1; a correlation and a share are reported at their limit."""
    pairs = Hierarchy.from_rows(
        [("a", (), ("a",)), ("b", (), ("b",))] + [(n, (n[0],), (n,)) for n in ("a0", "a1", "b0", "b1")]
    )
    hits = np.array([[9, 9, 1, 1], [1, 1, 9, 9]] if alike else [[9, 1, 9, 1], [1, 9, 1, 9]])
    scores = make_scores(hits / 10, asked=10, nodes=("a0", "a1", "b0", "b1"))
    measured = measure_specificity([], scores, matrix(scores, pairs))
    assert measured.kinship == measured.kin_share == expected
    assert measured.evenness <= 1
    assert measured.n_used <= 2
    assert f"correlate by {expected:.2f}" in measured.in_words()


def test_odds_too_high_to_be_measured_are_not_printed_as_a_number():
    """Where no two leaves answer alike at random, the multiple has no end."""
    scores = make_scores(by_family())
    measured = replace(measure_specificity([], scores, matrix(scores)), kin_odds=3e20)
    assert "with over 1,000 times the odds" in measured.in_words()


def test_leaves_without_answers_and_single_pictures_do_no_harm():
    """Unasked leaves are left out; one picture a leaf is the worst case, not an error."""
    scores = make_scores(by_family(), asked=1)
    empty = replace(scores, n_queries=np.zeros_like(scores.n_queries), hits=np.zeros_like(scores.hits))
    for some in (scores, empty):
        measured = measure_specificity(find(some), some, matrix(some))
        assert 0 <= measured.evenness <= 1
        assert why_meaningless(replace(measured, n_found=0))


def test_a_suspect_with_one_class_is_no_error():
    """There is nothing to tell apart: evenness 0, no meaningful distribution, and a sentence that fits one class."""
    verdict = verdict_on(make_scores(np.ones((1, 24))))
    assert "a single class" in verdict.why_not
    assert "1.0 of 1" not in verdict.specificity.in_words()
    assert verdict.specificity.evenness == 0
    assert not verdict.meaningful


def test_a_single_found_class_is_not_distinct_from_any_other():
    """It keeps to its own leaf, which proves nothing: the reason says so."""
    shares = np.full((10, 24), 0.1)
    shares[:, 0] = np.eye(10)[0]
    verdict = verdict_on(make_scores(shares))
    assert verdict.n_found == 1
    assert verdict.specificity.keeps_apart
    assert not verdict.specificity.by_distinct_classes
    assert "a single found class" in verdict.why_not


def test_very_many_leaves_are_measured_on_some():
    """Beyond the limit the distances of a part are asked for, evenly over all leaves."""
    n = MAX_LEAVES + 500
    scores = make_scores(np.ones((2, n)) / 2, nodes=tuple(f"d/{i}" for i in range(n)))
    asked = []

    def remember(leaves):
        asked.append(leaves)
        return np.full((len(leaves), len(leaves)), np.inf, np.float32)

    measure_specificity([], scores, remember)
    assert len(asked[0]) == MAX_LEAVES
    assert (asked[0][0], asked[0][-1]) == (0, n - 1)


# Weak points


def test_a_class_that_answers_everything_is_named_as_a_catch_all():
    """Its L is high in its own leaves and everywhere else."""
    shares = by_family(0.5)
    shares[0, 4:] = 0.28  # just below tau
    assert points_of(verdict_on(make_scores(shares), settings=UNLIMITED))["answers much of everything"] == (0,)


def test_two_classes_may_each_answer_half_of_everything():
    """With few classes a large share elsewhere is no wonder."""
    assert not is_catch_all(0.95, 0.5, n_classes=2)
    assert is_catch_all(0.95, 0.5, n_classes=10)
    assert is_catch_all(0.3, 0.2, n_classes=10)
    assert not is_catch_all(0.9, 0.2, n_classes=10)


def test_the_share_elsewhere_leaves_the_answer_out():
    """Each leaf outside the answer counts the same, however often it was asked about."""
    scores = make_scores(by_family(0.6))
    assert share_elsewhere(scores, 0, (0, 1, 2, 3)) == pytest.approx(scores.functional[0, 4:].mean())
    assert share_elsewhere(scores, 0, range(24)) == 0


def test_circumstances_are_weak_points_of_the_whole_case():
    """A guessed preprocessing and an ended budget come first, and concern no single class."""
    verdict = verdict_on(make_scores(by_family(), asked=10), circumstances=Circumstances(True, False))
    keys = [point.key for point in verdict.weak_points[:3]]
    assert keys == ["assumed preprocessing", "not all answered", "few images"]
    assert all(point.why and point.remedy and not point.classes for point in verdict.weak_points[:3])


def test_classes_that_were_not_found_are_not_covered():
    """4 of 6: the headline and a weak point say so."""
    shares = by_family()
    shares[4:] = 0
    verdict = verdict_on(make_scores(shares))
    assert points_of(verdict)["not found"] == (4, 5)
    assert verdict.headline.endswith("; 2 classes were not found in this corpus.")


def test_every_weakness_of_the_engine_has_a_reason_and_a_remedy():
    """What `weaknesses` may say is explained, so that none is passed on as a bare word."""
    named = {"chosen by hand", "interval reaches below tau", "another cluster has the higher objective",
             "close runner-up", BELOW_LIMIT}  # fmt: skip
    assert all(reason_for(weakness).why and reason_for(weakness).remedy for weakness in named)
    assert "something new" in reason_for("something new").one


# Known label sets


def agreement(key: str, n_classes: int, **changes: object) -> Agreement:
    """A perfect agreement with a known label set over so many classes."""
    known = label_set(key)
    full = np.ones(n_classes)
    return replace(Agreement(known, 0, full, full > 0, full > 0, 1.0, 0.0005, n_classes, 1.0), **changes)


def sentence(*agreements: Agreement) -> str:
    """What is said because of these, at the head of the headline or below it."""
    plain = verdict_on(make_scores(by_family()))
    verdict = verdict_on(make_scores(by_family()), agreements=agreements)
    assert verdict.headline.endswith(plain.headline)
    assert verdict.label_set_sentence in verdict_in_words(verdict)
    return f"{verdict.headline.removesuffix(plain.headline)}{verdict.label_set_sentence}"


def test_a_label_set_that_agrees_is_the_headline_and_lifts_undecided():
    """Nothing untrained answers a known set in its order; the domains follow."""
    undecided = {"chance": Chance(0.21, 0.2, 200, 0, 900)}
    scores = make_scores(by_family())
    assert verdict_on(scores, **undecided).outcome == "undecided"
    lifted = verdict_on(scores, agreements=[agreement("mnist", 10)], **undecided)
    assert lifted.outcome == "meaningful"
    assert lifted.headline.startswith("The suspect answers like a model of MNIST, class for class")
    assert "training data from" in lifted.headline
    assert "a model of MNIST" not in lifted.label_set_sentence


def test_a_guess_is_named_before_the_verdict():
    """Another preprocessing or architecture could change all that follows."""
    known = verdict_on(make_scores(by_family()), circumstances=Circumstances(False))
    guessed = verdict_on(make_scores(by_family()), circumstances=Circumstances(True))
    assert guessed.headline.startswith("The preprocessing or the architecture was guessed")
    assert guessed.headline.endswith(known.headline)


@pytest.mark.parametrize(
    ("n_other", "n_none", "said"),
    [(1, 0, "1 class has another answer by the same limits."),
     (2, 1, "2 classes have another answer by the same limits, 1 class has none."),
     (0, 2, "no class has an answer by the same limits."), (0, 0, "")],
)  # fmt: skip
def test_what_remains_without_the_answers_is_counted(n_other, n_none, said):
    """Classes with another answer and classes with none, each with the right noun."""
    verdict = verdict_on(make_scores(by_family()))
    winner = find(make_scores(by_family()))[0].selection.winner
    rests = [Rest(4, winner, None)] * n_other + [Rest(4, None, None)] * n_none
    assert replace(verdict, rests=dict(enumerate(rests))).removal_in_words.rpartition("away, ")[2] == said


def test_the_first_label_set_that_agrees_is_said():
    """By its name, with its namesakes; what does not agree is passed over, and without any there is no sentence."""
    unlike = agreement("cifar10", 10, p_value=0.4)
    text = sentence(unlike, agreement("mnist", 10, tied_with=("USPS",)), agreement("usps", 10))
    assert "a model of MNIST, class for class: agreement 1.00 over 10 classes" in text
    assert "USPS" in text
    assert sentence() == sentence(unlike) == ""


def test_a_set_that_fits_with_too_few_classes_is_said_with_that_reservation():
    """Only where no set agrees."""
    few = agreement("beans", 3, p_value=1 / 6)
    assert TOO_FEW in sentence(few)
    assert "a model of MNIST" in sentence(few, agreement("mnist", 10))


def test_a_meaningless_verdict_is_stated_before_the_classes():
    """What follows is only listed then, and a set that merely fits is not named; one that agrees is."""
    verdict = verdict_on(make_scores(by_family()), agreements=[agreement("beans", 3, p_value=1 / 6)])
    assert (verdict.outcome, verdict.caution) == ("meaningful", "")
    assert verdict.label_set_sentence
    for outcome, caveat in (("undecided", "only if the verdict is meaningful"), ("meaningless", "mean nothing")):
        other = replace(verdict, outcome=outcome)
        assert caveat in other.caution
        assert bool(other.label_set_sentence) == (outcome == "undecided")
    agreed = replace(verdict, outcome="meaningless", agreements=(agreement("mnist", 10),))
    assert "a model of MNIST" in agreed.label_set_sentence


def test_a_thousand_classes_are_no_number_too_large():
    """Their orders are more than a float can hold; a large set that does not agree has no sentence."""
    assert sentence(agreement("imagenet1k", 1_000, p_value=0.4)) == ""


def test_a_class_that_the_label_set_does_not_have_is_said():
    """One more class in front, or at the end, in the sentence and in the list."""
    front = agreement("mnist", 11, offset=1, n_compared=10)
    verdict = verdict_on(make_scores(by_family()), agreements=[front])
    assert "in front" in verdict.headline
    assert "MNIST (one class in front): mean similarity 1.00" in verdict_in_words(verdict)
    assert "at the end" in sentence(agreement("mnist", 11, n_compared=10))


# As a whole


def test_counts_and_scores_are_those_of_the_findings():
    """Means over the found classes, sums as in the paper's section 4.1.3, and how the classes were answered."""
    scores = make_scores(by_family())
    found = find(scores)
    winners = [f.selection.winner for f in found]
    verdict = reach_verdict(found, scores, WORLD)
    assert verdict.mean_functional == pytest.approx(np.mean([w.functional for w in winners]))
    assert verdict.overall_semantic == pytest.approx(sum(w.semantic for w in winners))
    answers = verdict.answers
    assert answers.n_single_leaf + answers.n_named_by_node + answers.n_unrelated == verdict.n_found == 6


def test_hostile_labels_stay_data():
    """Line breaks, control characters and endless names neither break the text nor vanish from the data."""
    evil = "<script>\n\x1b[31m" + "x" * 500
    world = Hierarchy.from_rows(
        (node, WORLD.parents(node), (evil if node == "animal" else node,)) for node in WORLD.ids
    )
    verdict = verdict_on(make_scores(by_family()), world)
    text = verdict_in_words(verdict)
    assert "\x1b" not in text
    assert "\n\x1b" not in verdict.headline
    assert len(verdict.headline) < 400
    assert verdict_as_dict(verdict)["domains"][0]["label"] == evil


def test_the_dictionary_is_plain_json():
    """No NaN, no arrays, no tuples: what a case's file may hold."""
    for scores in (make_scores(by_family()), make_scores(np.full((6, 24), 1 / 6))):
        content = verdict_as_dict(verdict_on(scores))
        assert json.loads(json.dumps(content, allow_nan=False)) == content


def test_an_uncertain_domain_is_said_to_be_one():
    """A lone class whose interval reaches below what an answer needs is a domain only with a reservation."""
    shares = by_family()
    shares[4:] = 0
    shares[4, 20] = 0.6
    verdict = verdict_on(make_scores(shares, asked=40))
    assert "plantc0 (1 class, uncertain)" in verdict.headline
