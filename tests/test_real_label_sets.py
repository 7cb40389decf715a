"""Known label sets against real suspects: the right one comes first, and shuffled outputs convince nobody."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fdcore.case.plan import Settings
from fdcore.corpus.wordnet import load_wordnet
from fdcore.method.findings import ClassFinding, Findings
from fdcore.suspect.open import open_suspect
from fdcore.words.agreement import Agreement, rank_label_sets
from fdcore.words.vectors import builtin_vectors
from fdcore.work.investigate import investigate

pytestmark = [pytest.mark.real, pytest.mark.nightly]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Decoded pictures, shared by the cases."""
    return tmp_path_factory.mktemp("cache")


def find(suspect: Path, corpora: list[str], folder: Path, cache: Path, *, per_leaf: int, n_views: int) -> Findings:
    """A small investigation of a real suspect."""
    return investigate(
        folder, suspect, corpora, hierarchy=load_wordnet(), open_suspect=open_suspect, cache=cache,
        settings=Settings(images_per_leaf=per_leaf, n_views=n_views),
    )  # fmt: skip


def rank(findings: Findings, size: tuple[int, int, int], order: list[int] | None = None) -> tuple[Agreement, ...]:
    """The ranking, with the classes renumbered where an order is given."""
    classes = findings.classes
    if order is not None:
        classes = tuple(renumber(classes[i], number) for number, i in enumerate(order))
    scored = findings.scored
    height, width, channels = size
    return rank_label_sets(
        classes, scored.scores, scored.hierarchy, builtin_vectors(), height=height, width=width, channels=channels
    )


def renumber(found: ClassFinding, number: int) -> ClassFinding:
    return replace(found, selection=replace(found.selection, target_class=number))


def test_the_real_digits_are_mnist(real_data: Path, tmp_path: Path, cache: Path):
    """Numbered folders without a hierarchy; MNIST before the sets with the same names and other pictures."""
    suspect, corpus = real_data / "suspects" / "seized-03.onnx", real_data / "corpora" / "mnist"
    first = rank(find(suspect, [str(corpus)], tmp_path / "case", cache, per_leaf=20, n_views=2), (28, 28, 1))[0]
    assert first.label_set.key == "mnist"
    assert first.numbered
    assert set(first.tied_with) == {"SVHN", "USPS", "EMNIST digits"}


def test_the_real_signs_are_gtsrb(real_data: Path, tmp_path: Path, cache: Path):
    """Numbered folders below "street sign": class by class the sign of its number, and not in the order of a text."""
    suspect, corpus = real_data / "suspects" / "seized-02.onnx", f"{real_data / 'corpora' / 'gtsrb'}@n06794110"
    first, *others = rank(find(suspect, [corpus], tmp_path / "case", cache, per_leaf=10, n_views=2), (32, 32, 3))
    assert first.label_set.key == "gtsrb"
    assert first.numbered
    assert first.mean > 0.9
    assert not any(other.in_order for other in others)


def test_the_real_resnet_is_cifar10_and_its_shuffled_outputs_are_nothing(real_data: Path, tmp_path: Path, cache: Path):
    """CIFAR-10 alone agrees; with its outputs in twenty other orders no set does, or hardly ever."""
    suspect, corpus = real_data / "suspects" / "seized-01.th", real_data / "corpora" / "tiny-imagenet" / "val"
    findings = find(suspect, [str(corpus)], tmp_path / "case", cache, per_leaf=15, n_views=4)
    ranked = rank(findings, (32, 32, 3))
    assert [each.label_set.key for each in ranked if each.agrees] == ["cifar10"]
    assert ranked[0].n_compared >= 7
    orders = [np.random.default_rng(seed).permutation(10).tolist() for seed in range(20)]
    convinced = [any(each.agrees for each in rank(findings, (32, 32, 3), order)) for order in orders]
    assert sum(convinced) <= 1
