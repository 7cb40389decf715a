"""Known label sets against findings, in class order."""

import itertools
import math
from collections.abc import Sequence

import networkx as nx
import numpy as np
import pytest
from raising import raises

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.wordnet import load_wordnet
from fdcore.errors import SettingsError
from fdcore.method.filtering import FilteredClass
from fdcore.method.findings import ClassFinding
from fdcore.method.scores import Scores
from fdcore.method.selection import ClassSelection, Cluster
from fdcore.words.agreement import MAX_P, MIN_MEAN, TOO_FEW, Agreement, agreement_matrix, rank_label_sets
from fdcore.words.label_sets import LabelSet, label_set
from fdcore.words.similarity import name_similarities
from fdcore.words.vectors import WordVectors
from fdcore.words.vocabulary import ListedVocabulary

WORDS = ("cat", "tabby", "dog", "beagle", "ship", "boat", "red", "blue", "stop", "speed", "limit", "zero", "one")
# Labels that no vocabulary has: each is only like itself.
SOUNDS = tuple((name,) for name in ("blib", "crux", "drom", "flim", "gnat", "hrun", "jorv", "klep"))
# Leaves of ImageNet for the classes of CIFAR-10, in its order, each at or under the node of its class.
CIFAR10_LEAVES = (
    ("n02690373",), ("n04285008", "n03100240"), ("n02058221",), ("n02123045", "n02123394"), ("n02432983",),
    ("n02099601",), ("n01641577",), ("n02389026",), ("n03095699",), ("n03796401",),
)  # fmt: skip


def tiny_vectors() -> WordVectors:
    """Thirteen words; those of a pair lie near one another."""
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(len(WORDS), 8)).astype(np.float32)
    for pair in ((0, 1), (2, 3), (4, 5)):
        matrix[pair[1]] = matrix[pair[0]] + 0.1 * matrix[pair[1]]
    return WordVectors("tiny", "0" * 64, True, 0, matrix, ListedVocabulary(WORDS))


VECTORS = tiny_vectors()


def world(answers: Sequence[Sequence[str]]) -> tuple[list[ClassFinding], Scores]:
    """Findings with these leaves for class 0, 1, ..."""
    nodes = tuple(sorted({node for answer in answers for node in answer} | {"n01443537"}))
    hits = np.zeros((len(answers), len(nodes)), np.int32)
    scores = Scores(nodes, hits, np.full(len(nodes), 8), np.full(len(nodes), 1), 1.0)
    return [finding(number, [nodes.index(node) for node in answer]) for number, answer in enumerate(answers)], scores


def finding(number: int, members: Sequence[int]) -> ClassFinding:
    clusters = (Cluster(members[0], tuple(members), 0.5, 0.4, 0.6, 0.5, 0.2, 0.4),) if members else ()
    none = np.empty(0, np.intp)
    filtered = FilteredClass(number, none, none.astype(np.float32), none, none.astype(np.int32))
    return ClassFinding(ClassSelection(number, tuple(members), clusters), filtered, None, ())


def rank(
    answers: Sequence[Sequence[str]],
    hierarchy: Hierarchy | None = None,
    *,
    size: tuple[int, int, int] = (32, 32, 3),
    sets: Sequence[LabelSet] | None = None,
    n_permutations: int = 2_000,
) -> tuple[Agreement, ...]:
    findings, scores = world(answers)
    height, width, channels = size
    return rank_label_sets(
        findings, scores, hierarchy or load_wordnet(), VECTORS,
        height=height, width=width, channels=channels, sets=sets, n_permutations=n_permutations,
    )  # fmt: skip


def folders(names: Sequence[str], parent: str | None = None) -> Hierarchy:
    """WordNet with folders of one's own, below a node or beside it."""
    return load_wordnet().with_children((name, parent, name) for name in names)


def make_set(names: Sequence[Sequence[str]], nodes: Sequence[str | None] | None = None, key: str = "own") -> LabelSet:
    return LabelSet(key, key, "", tuple(map(tuple, names)), tuple(nodes or [None] * len(names)), None, None, 3)


def test_cifar10_comes_first_for_what_cifar10_looks_like():
    """All ten classes lie at or under their node: mean 1, the least p-value, ahead of STL-10 with its likeness."""
    first, second, *others = rank(CIFAR10_LEAVES)
    assert first.label_set.key == "cifar10"
    assert (first.mean, first.n_compared, first.offset) == (1.0, 10, 0)
    assert first.p_value == pytest.approx(1 / 2_001)
    assert first.by_node.all()
    assert first.agrees
    assert second.label_set.key == "stl10"
    assert not any(other.agrees or other.above_chance for other in others)


def test_answers_that_are_right_in_part_are_above_chance_and_do_not_agree():
    """Each class with its own leaf among pizza and soccer ball: no accident, and not convincing."""
    blurred = [(leaves[0], "n07873807", "n04254680") for leaves in CIFAR10_LEAVES]
    (cifar10,) = rank(blurred, sets=[label_set("cifar10")])
    assert 1 / 3 < cifar10.mean < MIN_MEAN
    assert cifar10.above_chance
    assert not cifar10.agrees


def test_classes_that_were_not_found_do_not_count():
    """Two classes without an answer: nan there, and the others decide."""
    answers = [() if number in {0, 7} else leaves for number, leaves in enumerate(CIFAR10_LEAVES)]
    first = rank(answers)[0]
    assert first.label_set.key == "cifar10"
    assert np.flatnonzero(np.isnan(first.per_class)).tolist() == [0, 7]
    assert not first.by_node[[0, 7]].any()
    assert (first.n_compared, first.mean) == (8, 1.0)
    assert first.agrees


def test_the_same_classes_in_another_order_do_not_agree_and_any_order_shows_it():
    """A model with shuffled outputs: no agreement in class order, and every label has its class somewhere."""
    shuffled = [CIFAR10_LEAVES[i] for i in (4, 7, 0, 9, 2, 1, 8, 5, 3, 6)]
    cifar10 = next(a for a in rank(shuffled) if a.label_set.key == "cifar10")
    assert not cifar10.agrees
    assert cifar10.mean < 0.3
    assert cifar10.p_value > 0.05
    assert cifar10.any_order == pytest.approx(1)


def test_nothing_found_agrees_with_nothing():
    """No class to compare: p is 1 and the mean 0, for every set."""
    ranked = rank([()] * 10)
    assert {(a.n_compared, a.mean, a.p_value, a.any_order, a.agrees) for a in ranked} == {(0, 0.0, 1.0, 0.0, False)}
    assert (ranked[0].too_few, ranked[0].fits) == (True, False)
    assert all(np.isnan(a.per_class).all() for a in ranked)


def test_a_size_that_no_set_has_gives_nothing():
    """Nothing to compare with is an empty answer, not an error."""
    assert rank([()] * 999, sets=[label_set("cifar10")]) == ()


def test_values_by_node_are_those_of_a_shortest_path():
    """1 at, under or above the node, else one over the steps, as networkx counts them; the mean over the leaves."""
    hierarchy = load_wordnet()
    graph = nx.Graph((node, parent) for node in hierarchy.ids for parent in hierarchy.parents(node))
    cifar10 = label_set("cifar10")
    answers = (*CIFAR10_LEAVES[:9], ("n02123045", "n04285008", "n00015388"))  # tabby, sports car, and animal itself
    findings, scores = world(answers)
    matrix = agreement_matrix(findings, scores, hierarchy, VECTORS, cifar10)

    def near(leaf: str, node: str) -> float:
        related = leaf == node or node in hierarchy.ancestors(leaf) or leaf in hierarchy.ancestors(node)
        return 1.0 if related else 1 / nx.shortest_path_length(graph, leaf, node)

    expected = [[np.mean([near(leaf, node) for leaf in answer]) for node in cifar10.nodes] for answer in answers]
    np.testing.assert_allclose(matrix, expected, rtol=1e-6)


def test_a_label_without_node_is_compared_by_words():
    """The mean over the leaves of the nearest tokens' cosine, none below 0; a shared name is 1."""
    hierarchy = folders(["tabby", "red", "Ship_"], None)
    own = make_set([("cat",), ("blue",), ("ship", "vessel")])
    findings, scores = world([("tabby", "red"), ("red",), ("Ship_",)])
    matrix = agreement_matrix(findings, scores, hierarchy, VECTORS, own)
    cosines = np.clip(name_similarities([("tabby",), ("red",)], own.names, VECTORS), 0, 1)
    np.testing.assert_allclose(matrix[0], cosines.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(matrix[1], cosines[1], atol=1e-6)
    assert matrix[2].tolist() == [0, 0, 1]
    (agreement,) = rank([("tabby", "red"), ("red",), ("Ship_",)], hierarchy, sets=[own])
    assert not agreement.by_node.any()


def test_words_that_nobody_knows_are_left_out():
    """No vector on either side: nan, and it counts neither for nor against."""
    hierarchy = folders(["qqq", "tabby"])
    own = make_set([("xyzzy",), ("cat",)])
    (agreement,) = rank([("qqq",), ("tabby",)], hierarchy, sets=[own])
    assert agreement.n_compared == 1
    assert np.isnan(agreement.per_class[0])


def test_numbered_folders_below_a_node_are_compared_by_their_number():
    """GTSRB below "street sign": "00014" is class 14 of GTSRB, wherever it hangs, and of no other set."""
    names = [f"{number:05}" for number in range(43)]
    hierarchy = folders(names, "n06794110")
    answers = [() if number in {3, 20} else (name,) for number, name in enumerate(names)]
    ranked = rank(answers, hierarchy)
    assert [a.label_set.key for a in ranked if a.numbered] == ["gtsrb"]
    assert (ranked[0].n_compared, ranked[0].mean) == (41, 1.0)
    assert not ranked[0].by_node.any()


def test_folders_sorted_as_text_are_another_order():
    """0, 1, 10, 11, ...: the second order of GTSRB, and not the first."""
    names = sorted(map(str, range(43)))
    ranked = rank([(name,) for name in names], folders(names))
    assert [a.label_set.key for a in ranked if a.numbered] == ["gtsrb-as-text"]
    assert next(a for a in ranked if a.label_set.key == "gtsrb").any_order == 1


def test_a_number_says_nothing_about_a_set_of_words():
    """Digits against CIFAR-10: nothing to compare, though they hang in the hierarchy."""
    names = list(map(str, range(10)))
    cifar10 = next(a for a in rank([(n,) for n in names], folders(names, "n06794110")) if a.label_set.key == "cifar10")
    assert (cifar10.n_compared, cifar10.p_value) == (0, 1.0)


@pytest.mark.parametrize(
    ("size", "expected"), [((28, 28, 1), "mnist"), ((32, 32, 3), "svhn"), ((16, 16, 1), "usps"), ((64, 64, 3), "svhn")]
)
def test_sets_with_the_same_names_are_told_apart_by_their_pictures(size: tuple[int, int, int], expected: str):
    """MNIST, SVHN, USPS and EMNIST's digits tie by name; size and channels of the suspect's input decide."""
    names = list(map(str, range(10)))
    first, *others = rank([(name,) for name in names], folders(names), size=size)
    assert first.label_set.key == expected
    assert {first.label_set.name, *first.tied_with} == {
        label_set(key).name for key in ("mnist", "svhn", "usps", "emnist-digits")
    }
    assert len({other.p_value for other in others if other.label_set.name in first.tied_with} | {first.p_value}) == 1
    assert "-digits" not in first.tie_in_words, "a set is called by its name"
    assert all(name in first.tie_in_words for name in first.tied_with)


def test_folders_that_bear_numbers_identify_nothing():
    """Clothes in the folders 0 to 9 would agree with the digits as well: it is said to be numbers, and no more."""
    names = list(map(str, range(10)))
    first = rank([(name,) for name in names], folders(names), size=(28, 28, 1))[0]
    assert (first.in_order, first.numbered, first.agrees, first.fits) == (True, True, False, False)
    assert "only the pictures can tell" in first.in_words
    assert first.title in first.in_words


def test_digits_called_by_their_words_are_digits():
    """A folder "zero" is a name of class 0."""
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    first = rank([(name,) for name in names], folders(names), size=(28, 28, 1))[0]
    assert (first.label_set.key, first.mean, first.numbered, first.agrees) == ("mnist", 1.0, False, True)


@pytest.mark.parametrize(("in_front", "offset"), [(True, 1), (False, 0)])
def test_a_background_class_in_front_or_at_the_end_is_seen(in_front: bool, offset: int):
    """Eleven classes, ten of them CIFAR-10's: the offset says where the eleventh is."""
    answers = [(), *CIFAR10_LEAVES] if in_front else [*CIFAR10_LEAVES, ()]
    first = rank(answers)[0]
    assert (first.label_set.key, first.offset, first.mean) == ("cifar10", offset, 1.0)
    assert first.agrees
    assert len(first.per_class) == 11
    assert first.title == f"CIFAR-10 (one class {'in front' if in_front else 'at the end'})"
    assert first.title in first.in_words


def test_what_was_found_for_a_background_class_counts_for_nothing():
    """The class without a label may have an answer; it is not compared."""
    first = rank([("n01443537",), *CIFAR10_LEAVES], sets=[label_set("cifar10")])[0]
    assert (first.offset, first.n_compared, first.mean) == (1, 10, 1.0)
    assert np.isnan(first.per_class[0])


def test_both_orders_of_imagenet_are_told_apart():
    """A few dozen classes of a thousand suffice, one leaf each."""
    for key, other in (("imagenet1k-devkit", "imagenet1k"), ("imagenet1k", "imagenet1k-devkit")):
        found = set(range(0, 1000, 30))
        answers = [(node,) if i in found and node else () for i, node in enumerate(label_set(key).nodes)]
        ranked = rank(answers, size=(224, 224, 3))
        assert [a.label_set.key for a in ranked if a.agrees] == [key]
        second = next(a for a in ranked if a.label_set.key == other)
        assert second.any_order == pytest.approx(1)
        assert second.mean < 0.3


def test_the_p_value_is_that_of_all_orders():
    """Against every order of the labels, counted one by one."""
    rng = np.random.default_rng(5)
    hierarchy = folders(WORDS)
    labels = rng.permutation(WORDS)[:6]
    found = rng.permutation(WORDS)[:6]
    own = make_set([(label,) for label in labels])
    findings, scores = world([(name,) for name in found])
    matrix = agreement_matrix(findings, scores, hierarchy, VECTORS, own)
    means = [np.nanmean(matrix[range(6), order]) for order in itertools.permutations(range(6))]
    (agreement,) = rank([(name,) for name in found], hierarchy, sets=[own], n_permutations=20_000)
    assert agreement.mean == pytest.approx(np.trace(matrix) / 6)
    assert agreement.p_value == pytest.approx(np.mean(np.array(means) >= means[0] - 1e-9), abs=0.02)
    assert agreement.any_order == pytest.approx(max(means))


def test_p_values_of_findings_without_meaning_are_not_small_too_often():
    """Random leaves for ten classes, forty times: p at or below x for hardly more than a share x of the sets."""
    leaves = [node for node in label_set("tiny-imagenet").nodes if node]
    sets = [label_set("cifar10"), label_set("fashion-mnist")]
    p_values = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        answers = [tuple(rng.choice(leaves, size=rng.integers(1, 4), replace=False)) for _ in range(10)]
        p_values += [a.p_value for a in rank(answers, sets=sets, n_permutations=199)]
    assert np.mean(np.array(p_values) <= 0.1) < 0.25
    assert 0.3 < np.mean(p_values) < 0.7


def test_the_ranking_does_not_change_from_run_to_run():
    """The permutations are seeded."""
    answers = [CIFAR10_LEAVES[i] for i in (1, 0, 2, 3, 5, 4, 6, 8, 7, 9)]
    first, again = rank(answers), rank(answers)
    assert [(a.label_set.key, a.p_value) for a in first] == [(a.label_set.key, a.p_value) for a in again]


def test_two_classes_are_too_few_to_convince():
    """Cat and dog in order happen by chance every second time."""
    first = rank([("n02123045",), ("n02099601",)], sets=[label_set("cats-dogs")])[0]
    assert first.mean == 1
    assert first.p_value > MAX_P
    assert not first.agrees
    assert first.too_few
    assert first.fits
    assert first.title in first.in_words
    assert "1.00 over 2 classes" in first.in_words
    assert TOO_FEW in first.in_words


def test_one_lucky_class_of_a_thousand_does_not_convince():
    """A single class in its place has a small p and a mean of 1, and is a single class."""
    answers = [(node,) if i == 500 and node else () for i, node in enumerate(label_set("imagenet1k").nodes)]
    (agreement,) = rank(answers, sets=[label_set("imagenet1k")])
    assert (agreement.n_compared, agreement.mean) == (1, 1.0)
    assert agreement.p_value <= MAX_P
    assert not agreement.agrees
    assert agreement.too_few


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6, 8])
def test_up_to_five_classes_are_too_few_and_can_fit_all_the_same(n: int):
    """A perfect match of n labels has p of about 1 / n!: beyond five it agrees, up to five it fits."""
    own = make_set(SOUNDS[:n])
    names = [names[0] for names in SOUNDS[:n]]
    (perfect,) = rank([(name,) for name in names], folders(names), sets=[own])
    assert perfect.p_value == pytest.approx(max(1 / math.factorial(n), 1 / 2_001), abs=0.03)
    assert perfect.too_few == (n <= 5)
    assert (perfect.agrees, perfect.fits) == (n > 5, n <= 5)
    assert bool(perfect.in_words)


def test_a_small_set_in_another_order_does_not_fit():
    """Three labels turned by one: too few, and no fit; nor do three answers that are right for all labels alike."""
    names = [names[0] for names in SOUNDS[:3]]
    (turned,) = rank([(names[i],) for i in (1, 2, 0)], folders(names), sets=[make_set(SOUNDS[:3])])
    assert turned.too_few
    assert not turned.fits
    assert turned.in_words == ""
    alike = make_set([("entity",)] * 3, ["n00001740"] * 3)
    (same,) = rank([(node,) for node in ("n02123045", "n02099601", "n01641577")], sets=[alike])
    assert (same.mean, same.p_value, same.fits) == (1.0, 1.0, False)


def test_a_hierarchy_of_ones_own_is_compared_by_words():
    """Nodes with other ids: the label's WordNet node is not there, its name is."""
    own = Hierarchy.from_rows([("root", (), ("thing",)), ("a", ("root",), ("cat",)), ("b", ("root",), ("dog",))])
    nodes = ("a", "b")
    scores = Scores(nodes, np.zeros((2, 2), np.int32), np.full(2, 8), np.full(2, 1), 1.0)
    (agreement,) = rank_label_sets(
        [finding(0, [0]), finding(1, [1])], scores, own, VECTORS,
        height=64, width=64, channels=3, sets=[label_set("cats-dogs")],
    )  # fmt: skip
    assert agreement.per_class.tolist() == [1, 1]
    assert not agreement.by_node.any()


def test_a_test_without_permutations_is_refused():
    """The message says what is needed."""
    with raises(SettingsError, "permutations", 0):
        rank([()] * 10, n_permutations=0)
