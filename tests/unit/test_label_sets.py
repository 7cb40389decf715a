"""The shipped label sets: sizes, orders, and that every WordNet node names what its label says."""

import re

import numpy as np
import pytest
from raising import raises

from fdcore.corpus.wordnet import load_wordnet, timm_info
from fdcore.errors import SettingsError
from fdcore.words.label_sets import LabelSet, label_set, label_sets

SIZES = {
    "cifar10": 10, "cifar100": 100, "cifar100-coarse": 20, "imagenet1k": 1000, "imagenet1k-devkit": 1000,
    "tiny-imagenet": 200, "imagenette": 10, "imagewoof": 10, "gtsrb": 43, "gtsrb-as-text": 43, "mnist": 10, "svhn": 10,
    "usps": 10, "emnist-digits": 10, "emnist-letters": 26, "emnist-balanced": 47, "emnist-byclass": 62,
    "fashion-mnist": 10, "kmnist": 10, "flowers102": 102, "flowers102-as-text": 102, "flowers17": 17, "tf-flowers": 5,
    "tf-flowers-listed": 5, "food101": 101, "caltech101": 101, "caltech102": 102, "pets": 37, "pets-as-text": 37,
    "cars-makes": 49, "fgvc-manufacturers": 30, "fgvc-variants": 100, "cub200": 200, "dtd": 47, "eurosat": 10,
    "stl10": 10, "places365-top": 3, "beans": 3, "ham10000": 7, "dermamnist": 7, "chestxray14": 14, "chestmnist": 14,
    "chest-pneumonia": 2, "pneumoniamnist": 2, "cats-dogs": 2, "coco80": 80, "voc20": 20, "indoor67": 67, "fer2013": 7,
    "intel-scenes": 6, "pathmnist": 9, "bloodmnist": 8, "plantvillage": 38,
}  # fmt: skip
# Some classes whose number is known from elsewhere: papers, and the outputs of published models.
KNOWN = [
    ("cifar10", 0, "airplane"), ("cifar10", 9, "truck"), ("cifar100", 1, "aquarium fish"),
    ("cifar100", 58, "pickup truck"), ("cifar100", 99, "worm"), ("cifar100-coarse", 19, "vehicles 2"),
    ("imagenet1k", 0, "tench"), ("imagenet1k", 207, "golden retriever"), ("imagenet1k", 281, "tabby"),
    ("imagenet1k", 999, "toilet tissue"), ("imagenet1k-devkit", 0, "kit fox"),
    ("imagenet1k-devkit", 1, "English setter"), ("imagenet1k-devkit", 2, "Siberian husky"),
    ("imagenet1k-devkit", 3, "Australian terrier"), ("imagenet1k-devkit", 999, "dumbbell"), ("gtsrb", 14, "stop"),
    ("gtsrb", 40, "roundabout mandatory"), ("mnist", 7, "7"), ("fashion-mnist", 9, "ankle boot"),
    ("flowers102", 0, "pink primrose"), ("flowers102", 76, "passion flower"), ("flowers102", 101, "blackberry lily"),
    ("food101", 0, "apple pie"), ("food101", 76, "pizza"), ("food101", 100, "waffles"), ("caltech101", 0, "Faces"),
    ("caltech102", 0, "background"), ("caltech102", 1, "Faces"), ("caltech101", 100, "yin yang"),
    ("pets", 0, "Abyssinian"), ("pets", 25, "Pug"), ("pets-as-text", 11, "Sphynx"),
    ("pets-as-text", 12, "American Bulldog"), ("cub200", 0, "Black footed Albatross"),
    ("cub200", 199, "Common Yellowthroat"), ("dtd", 46, "zigzagged"), ("eurosat", 9, "sea or lake"),
    ("coco80", 0, "person"), ("coco80", 79, "toothbrush"), ("voc20", 14, "person"), ("indoor67", 66, "wine cellar"),
    ("tf-flowers", 0, "daisy"), ("tf-flowers-listed", 0, "dandelion"), ("chestxray14", 13, "hernia"),
    ("ham10000", 5, "melanocytic nevi"), ("emnist-balanced", 36, "a"), ("emnist-balanced", 46, "t"),
    ("fgvc-manufacturers", 29, "de Havilland"),
]  # fmt: skip
# Labels whose node goes by quite another word, each looked at.
OTHER_WORDS: set[tuple[str, str]] = set()


def words(name: str) -> set[str]:
    """The words of a name without case and plural."""
    found = re.findall(r"[^\W_]+", name.casefold().replace("'s", ""))
    return {re.sub(r"(?<=\w\w)s$", "", word) for word in found} | {"".join(re.findall(r"[^\W_]+", name.casefold()))}


@pytest.mark.parametrize("known", label_sets(), ids=lambda known: known.key)
def test_every_set_has_the_size_of_its_data_set_and_tells_its_labels_apart(known: LabelSet):
    """So many classes, each with a name of its own, upper and lower case letters apart; nodes are given or none."""
    assert len(known) == len(known.names) == len(known.nodes) == SIZES[known.key]
    assert all(names and all(name == name.strip() != "" for name in names) for names in known.names)
    assert all(len(set(names)) == len(names) for names in known.names)
    labels = [names[0] for names in known.names]
    if known.nodes[0] is None or known.key not in {"imagenet1k", "imagenet1k-devkit"}:
        assert len(set(labels)) == len(labels)
    nodes = [node for node in known.nodes if node]
    if len(nodes) == len(labels) and known.key.startswith(("imagenet", "tiny", "imagewoof")):
        assert len(set(nodes)) == len(nodes)


def test_every_shipped_set_is_in_the_list_of_sizes():
    """A new set needs its size written down here, from a second source."""
    assert {known.key for known in label_sets()} == set(SIZES)
    assert len({known.name for known in label_sets()}) == len(SIZES)


def test_known_classes_stand_at_their_number():
    """An order that slipped by one shows."""
    assert [one for one in KNOWN if label_set(one[0]).names[one[1]][0] != one[2]] == []


@pytest.mark.parametrize("known", label_sets(), ids=lambda known: known.key)
def test_every_node_exists_and_shares_a_word_with_its_label(known: LabelSet):
    """A node by mistake, such as the crane that is a machine, mostly goes by other words."""
    hierarchy = load_wordnet()
    for names, node in zip(known.names, known.nodes, strict=True):
        if node is None:
            continue
        assert node in hierarchy, f"{known.key}: {names[0]}"
        ours = set().union(*map(words, names))
        theirs = set().union(*map(words, hierarchy.synonyms(node)))
        assert ours & theirs or (known.key, names[0]) in OTHER_WORDS, f"{known.key}: {names} is no {theirs}"


BRANCHES = {  # the nodes that everything of a set must stand under
    "cifar10": {"n00015388", "n04524313"},
    "stl10": {"n00015388", "n04524313"},
    "cats-dogs": {"n02075296"},
    "pets": {"n02121808", "n02084071"},
    "cub200": {"n01503061"},
    "flowers17": {"n00017222"},
    "flowers102": {"n00017222", "n07555863"},
    "tf-flowers": {"n00017222"},
    "food101": {"n00020827", "n07555863", "n00021265"},
    "fashion-mnist": {"n00021939", "n03122748"},
    "imagewoof": {"n02083346"},
}


@pytest.mark.parametrize("key", BRANCHES)
def test_nodes_stand_in_the_branch_of_their_set(key: str):
    """The cat of CIFAR-10 is an animal and no whip, the rose of the flowers a plant and no wine."""
    hierarchy, known = load_wordnet(), label_set(key)
    strays = [
        (names[0], hierarchy.label(node))
        for names, node in zip(known.names, known.nodes, strict=True)
        if node and not BRANCHES[key] & (hierarchy.ancestors(node) | {node})
    ]
    assert not strays


def test_both_orders_of_imagenet_hold_the_thousand_classes():
    """Against timm's own list: the same wnids, sorted in one set and in the development kit's order in the other."""
    listed = (timm_info() / "imagenet_synsets.txt").read_text("ascii").split()
    assert list(label_set("imagenet1k").nodes) == listed == sorted(listed)
    devkit = label_set("imagenet1k-devkit").nodes
    assert sorted(filter(None, devkit)) == listed
    assert sum(a == b for a, b in zip(devkit, listed, strict=True)) < 10


def test_names_of_imagenet_come_from_the_hierarchy():
    """All synonyms of the node."""
    known = label_set("imagenet1k")
    assert known.names[207] == load_wordnet().synonyms("n02099601")


def test_folders_sorted_as_text_have_the_order_of_a_file_system():
    """0, 1, 10, 11, ...: what a program sees that sorts the names of numbered folders."""
    by_text = [names[-1] for names in label_set("gtsrb-as-text").names]
    assert by_text == sorted(str(number) for number in range(43))
    flowers = label_set("flowers102")
    numbers = [flowers.names.index(names) + 1 for names in label_set("flowers102-as-text").names]
    assert list(map(str, numbers)) == sorted(str(number) for number in range(1, 103))


def test_alphabetical_sets_are_sorted():
    """What is said to be alphabetical is."""
    for key in ("cifar10", "cifar100", "dtd", "stl10", "intel-scenes", "tf-flowers", "cats-dogs", "cifar100-coarse"):
        labels = [names[0] for names in label_set(key).names]
        assert labels == sorted(labels), key
    for key in ("cars-makes", "fgvc-manufacturers"):
        labels = [names[0] for names in label_set(key).names]
        assert labels == sorted(labels), key
    pets = [names[0] for names in label_set("pets").names]
    assert pets == sorted(pets, key=str.casefold)
    folders = [names[0].replace(" ", "_") for names in label_set("caltech101").names]
    assert folders == sorted(folders)


def test_sets_of_the_same_digits_differ_in_their_pictures():
    """MNIST, SVHN and USPS have the same names; size and channels tell them apart."""
    digits = [label_set(key) for key in ("mnist", "svhn", "usps")]
    assert len({known.names for known in digits}) == 1
    assert len({(known.height, known.width, known.channels) for known in digits}) == 3


def test_pictures_have_plausible_sizes():
    """Both sides or none, and grey or colour."""
    for known in label_sets():
        assert (known.height is None) == (known.width is None)
        assert known.channels in {1, 3}
        assert known.height is None or 16 <= np.hypot(known.height, known.width or 0) <= 2_000


def test_an_unknown_key_is_answered_with_close_ones():
    """The message helps."""
    with raises(SettingsError, "label set unknown", "cifar10"):
        label_set("CIFAR-10")
