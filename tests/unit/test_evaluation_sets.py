"""Which folder of a labelled set is which class of the suspect."""

import time

import pytest

from fdcore.cloning.evaluation_sets import match_folders

CLAIMS = {0: "airplane", 1: "automobile", 2: "fire truck", 3: "fox, red fox", 4: "crane", 5: "crane"}


@pytest.mark.parametrize("folders", [["0", "1", "2"], ["00000", "00001", "00002"], ["class_0", "Class 1", "label-2"]])
def test_folders_that_are_numbers_are_those_classes(folders):
    """Zeros in front and "class" before a number make no difference; nothing is assumed."""
    match = match_folders(folders, 5, {})
    assert match.classes == dict(zip(folders, range(3), strict=True))
    assert (match.how, match.unmatched) == ("numbers", ())


@pytest.mark.parametrize("folders", [["0", "1", "9"], ["1", "01"], ["0", "one"], ["0", "1e0"], ["0", "²"], ["-1", "0"]])
def test_numbers_that_cannot_all_be_classes_are_not_taken_for_some(folders):
    """A number beyond the classes, the same number twice, or anything that is none: nothing is guessed."""
    match = match_folders(folders, 5, {})
    assert (match.classes, match.how, match.unmatched) == ({}, "none", tuple(folders))
    assert f"each of the {len(folders)} folders" in match.note


@pytest.mark.parametrize(
    ("folder", "target"),
    [
        ("airplane", 0), ("Airplanes", 0), ("AIRPLANE", 0), ("fire_truck", 2), ("Fire-Trucks", 2), ("firetruck", None),
        ("fox", 3), ("red fox", 3), ("foxes", 3), ("crane", None), ("", None), ("___", None), ("plane", None),
    ],
)  # fmt: skip
def test_folders_are_known_by_what_is_claimed(folder, target):
    """Case, joints and regular plurals are one; synonyms count; a name of two classes is neither's."""
    match = match_folders([folder, "automobile"], 10, CLAIMS)
    assert match.classes == ({folder: target} if target is not None else {}) | {"automobile": 1}
    assert match.how == "names"
    assert match.unmatched == (() if target is not None else (folder,))


def test_names_spelt_the_same_go_before_singular_and_plural():
    """Where "glass" and "glasses" are two classes, each folder is its own; "glasses_" is no third."""
    claims = {0: "glass", 1: "glasses", 2: "bus", 3: "lorries"}
    match = match_folders(["glasses", "glass", "buses", "lorry"], 4, claims)
    assert match.classes == {"glasses": 1, "glass": 0, "buses": 2, "lorry": 3}


def test_claimed_names_go_before_numbers():
    """A suspect that reads digits in an order of its own is not misread: its claims are names, digits or not."""
    claims = {i: str(9 - i) for i in range(10)}
    match = match_folders([str(i) for i in range(10)], 10, claims)
    assert match.how == "names"
    assert match.classes == {str(i): 9 - i for i in range(10)}


def test_folders_of_which_some_are_known_leave_the_others_without_a_label():
    """The note says how many, and names some."""
    folders = ["airplane", "automobile", *(f"thing {i}" for i in range(98))]
    match = match_folders(folders, 10, CLAIMS)
    assert match.classes == {"airplane": 0, "automobile": 1}
    assert match.unmatched == tuple(folders[2:])
    assert match.note.startswith("2 of 100 folders")
    assert match.note.endswith(": 'thing 0', 'thing 1', 'thing 2', 'thing 3', 'thing 4' and 93 more.")


def test_as_many_folders_as_classes_are_assumed_to_be_in_order():
    """Sorted as text, as training code numbers folders; the note says that it is an assumption, and how to check it."""
    match = match_folders(["n10", "n2", "n1"], 3, {0: "something else"})
    assert match.classes == {"n1": 0, "n10": 1, "n2": 2}
    assert match.how == "order"
    assert "'n1' is taken as class 0, 'n10' as class 1" in match.note


WORDNET = {"n03126707": "crane", "n02012849": "crane", "n02123045": "tabby", "n04254680": "soccer ball"}


def test_two_folders_of_one_word_are_no_class_and_spoil_nothing():
    """The bird and the machine that are called crane are not guessed; every other folder has its class."""
    match = match_folders(list(WORDNET), 4, {0: "crane", 1: "crane", 2: "tabby, tabby cat", 3: "soccer_ball"}, WORDNET)
    assert match.classes == {"n02123045": 2, "n04254680": 3}
    assert (match.how, match.unmatched) == ("names", ("n03126707", "n02012849"))
    assert match.note.startswith("2 of 4 folders")
    assert match.note.endswith(": 'n03126707' ('crane'), 'n02012849' ('crane').")
    assert match_folders(list(WORDNET), 9, {0: "crane"}, WORDNET).how == "none"


def test_folders_are_numbered_by_their_own_names_not_by_what_they_stand_for():
    """Training code sorts WordNet's ids, not the English words; so is a number in a folder's name taken."""
    match = match_folders(list(WORDNET), 4, {}, WORDNET)
    assert match.classes == {"n02012849": 0, "n02123045": 1, "n03126707": 2, "n04254680": 3}
    assert match.how == "order"
    assert "'n02012849' ('crane') is taken as class 0, 'n02123045' ('tabby') as class 1" in match.note
    numbers = match_folders(["00001", "00000"], 2, {}, {"00001": "ship", "00000": "7"})
    assert (numbers.how, numbers.classes) == ("numbers", {"00001": 1, "00000": 0})


def test_folders_are_known_by_their_names_as_well_as_by_their_words():
    """Claims may name ids or words; a folder that is told by both, or by one alone, has its class."""
    claims = {0: "tabby", 1: "n04254680", 2: "ship"}
    labels = {"n02123045": "tabby", "n04254680": "soccer ball", "ship": "ship", "tabbies": "plum"}
    match = match_folders(list(labels), 3, claims, labels)
    assert match.classes == {"n02123045": 0, "n04254680": 1, "ship": 2, "tabbies": 0}
    assert (match.how, match.unmatched) == ("names", ())
    assert match_folders(["n1", "n2"], 5, {3: "dog"}, {"n2": "dogs"}).classes == {"n2": 3}


def test_a_word_that_one_folder_is_called_and_another_stands_for_is_neither():
    """Which of them is the class nothing tells; no more does a folder whose name and words are two classes."""
    match = match_folders(
        ["crane", "n1", "n2"], 5, {0: "crane", 1: "ship"}, {"crane": "bird", "n1": "crane", "n2": "ship"}
    )
    assert match.classes == {"n2": 1}
    assert match_folders(["crane", "n2"], 5, {0: "crane", 1: "ship"}, {"crane": "ship"}).classes == {}


def test_one_folder_of_one_class_is_a_match_too():
    """The smallest set does not stumble over its own note."""
    assert match_folders(["things"], 1, {}).classes == {"things": 0}


def test_a_set_without_folders_measures_agreement_alone():
    """Pictures without folders have no labels."""
    match = match_folders([], 3, CLAIMS)
    assert (match.classes, match.how, match.unmatched) == ({}, "none", ())
    assert "only agreement can be measured" in match.note


def test_claims_about_classes_that_do_not_exist_are_not_believed():
    """Claims may come from a case that somebody sent."""
    assert match_folders(["airplane"], 5, {7: "airplane", -1: "airplane"}).classes == {}


def test_a_hostile_set_hurts_nobody():
    """Ten thousand folders with odd names take no time, and none of them does anything in a note."""
    odd = ["\udcff", "‮evil", "x" * 255, "a\nb", "Ⅷ", "<b>", "9" * 250, "ﷺ" * 80]
    folders = [*odd, *(f"{'s' * 200}{i}" for i in range(10_000))]
    claims = {i: f"{'s' * 190}, {'es ' * 3}{i}" for i in range(1_000)}
    started = time.process_time()
    match = match_folders(folders, 1_000, claims | {1_000: "never"})
    assert time.process_time() - started < 2
    assert set(match.unmatched) == set(folders)
    some = match_folders([*odd, "dog"], 2, {0: "dog"})
    assert some.classes == {"dog": 0}
    assert some.note.isprintable()
    assert len(some.note) < 400
    labelled = match_folders(["n1", "n2"], 3, {0: "dog"}, {"n1": "dog", "n2": "\u202eevil\n" * 999})
    assert labelled.classes == {"n1": 0}
    assert labelled.note.isprintable()
    assert len(labelled.note) < 400


@pytest.mark.real
def test_real_labelled_sets_are_matched_as_their_makers_meant(real_data):
    """Digits and traffic signs go by number, objects by name, and without claims the latter in order, as assumed."""
    sets = {path.name: sorted(one.name for one in path.iterdir()) for path in (real_data / "labelled").iterdir()}
    signs, digits, things = sets["gtsrb-test"], sets["mnist-test"], sets["cifar10-test"]
    assert match_folders(signs, 43, {}).classes == {name: i for i, name in enumerate(signs)}
    assert match_folders(digits, 10, {}).how == "numbers"
    claims = dict(enumerate(things))
    assert match_folders(things, 10, claims)[:3] == ({name: i for i, name in claims.items()}, "names", ())
    assert match_folders(things, 10, {})[:3] == ({name: i for i, name in claims.items()}, "order", ())
    assert match_folders(things, 43, {}).how == "none"
