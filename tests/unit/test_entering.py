"""Which folder people name: the one above the classes, the one with parts, and the one above several sets."""

from collections import Counter
from pathlib import Path

import pytest
from pictures import CAR, CAT, DOG, SMALL_WORDNET, save
from raising import raises

from fdcore.corpus.entering import is_split
from fdcore.corpus.layouts import ImageSet, read_image_set
from fdcore.errors import CorpusError


def make(root: Path, *names: str) -> Path:
    """A folder of tiny pictures, and of other files for names that do not end in .jpg."""
    for name in names:
        if name.endswith(".jpg"):
            save(root / name)
        else:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text("x")
    return root


def read(root: Path) -> ImageSet:
    return read_image_set(root, hierarchy=SMALL_WORDNET)


def counts(images: ImageSet) -> dict[str, int]:
    return dict(Counter(file.node for file in images.files))


WORDS = ("cat/1.jpg", "cat/2.jpg", "dog/1.jpg")
NODES = (f"{CAT}/1.jpg", f"{CAT}/2.jpg", f"{DOG}/1.jpg")


def below(*folders: str, names: tuple[str, ...] = WORDS) -> list[str]:
    return [f"{folder}/{name}" for folder in folders for name in names]


@pytest.mark.parametrize(
    "names",
    [
        below("set"), below("set/set"), below("images"), below("train"), below("archive/set/train", "archive/set/Test"),
        [*below("images"), "annotations/cat/1.xml", "annotations/trimaps/1.jpg"], [*below("data"), "papers/a.pdf"],
        below("seg_train/seg_train", "seg_test/seg_test"), below("Training", "Validation"), below("train2017"),
        below("cats_train", "cats_val"), [*below("Training"), "test-multiple_fruits/1.jpg", "papers/a.pdf"],
        [*below("train"), "test/images/1.jpg"], [*below("a/b/c/d"), "README.md"],
    ],
)  # fmt: skip
def test_the_classes_are_found_below(tmp_path: Path, names: list[str]) -> None:
    """However the folders above the classes are called, the classes are the same."""
    images = read(make(tmp_path / "root", *names))
    assert images.layout == "folders"
    assert set(counts(images)) == {"root/cat", "root/dog"}


@pytest.mark.parametrize(
    "names",
    [
        below("set/train", "set/val", names=NODES), below("Images", names=NODES),
        [*below("ILSVRC/Data/CLS-LOC/train", names=NODES), "ILSVRC/Data/CLS-LOC/test/1.jpg", "LOC_train_solution.csv",
         f"ILSVRC/Annotations/CLS-LOC/train/{CAR}/1.xml", "ILSVRC/ImageSets/CLS-LOC/train.txt"],
        [*below("Images", names=NODES), f"Annotation/{CAR}/{CAR}_10", "lists/file_list.mat"],
        below("ILSVRC2012_img_train", names=NODES), [*below("train", names=NODES), "test/unlabelled/1.jpg"],
    ],
)  # fmt: skip
def test_folders_of_nodes_are_found_below(tmp_path: Path, names: list[str]) -> None:
    """ImageNet as it is unpacked, and sets like it; annotations are no classes, even in folders named by WNIDs."""
    images = read(make(tmp_path / "root", *names))
    assert images.layout == "imagenet"
    assert set(counts(images)) == {CAT, DOG}


def test_what_is_left_out_is_reported(tmp_path: Path) -> None:
    images = read(make(tmp_path / "root", *below("set/train"), "set/test/1.jpg", "set/annotations/1.xml", "set/a.txt"))
    assert {problem.path: problem.reason for problem in images.problems} == {
        "root/set/annotations": "no pictures", "root/set/test": "no labels", "root/set/a.txt": "other file",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (below("pets", "farm"), {"root/pets", "root/farm"}),
        (("cat/train/1.jpg", "cat/test/2.jpg", "dog/train/3.jpg"), {"root/cat", "root/dog"}),
        (("cat/images/1.jpg", "dog/images/1.jpg"), {"root/cat", "root/dog"}),
        (("cat/a/b/c/1.jpg",), {"root/cat"}),
        (("images/1.jpg",), {"root/images"}),
        (("train/1.jpg", "bus/1.jpg"), {"root/train", "root/bus"}),
        (("bullet_train/1.jpg", "freight_train/1.jpg"), {"root/bullet_train", "root/freight_train"}),
        (("annotation/1.jpg", "cat/1.jpg", "dog/1.jpg"), None),
    ],
)
def test_classes_stay_classes(tmp_path: Path, names: tuple[str, ...], classes: set[str] | None) -> None:
    """Folders within class folders belong to the class, and words that also name parts may name classes."""
    found = counts(read(make(tmp_path / "root", *names)))
    assert set(found) == (classes or {"root/annotation", "root/cat", "root/dog"})


@pytest.mark.parametrize(
    ("names", "named"),
    [
        (below("one", "two", names=NODES), ("one", "two")),
        (below("one/train", "one/test", "two/train", "two/test"), ("one", "two")),
        ([*below("train"), "extra/1.jpg"], ("train", "extra")),
    ],
)
def test_a_folder_above_several_sets_is_refused(tmp_path: Path, names: list[str], named: tuple[str, ...]) -> None:
    """The error names the folders to choose from."""
    root = make(tmp_path / "root", *names)
    with raises(CorpusError, "several sets", *(root / name for name in named)):
        read(root)


@pytest.mark.parametrize(
    ("names", "folder"),
    [
        (("train/1.jpg", "test/2.jpg"), "train"), (("images/1.jpg", "annotations/1.xml"), "images"),
        (("images/1.jpg", "labels/1.txt"), "images"), (("Test/1.jpg",), "Test"), (("1.jpg", "2.jpg"), ""),
        (("ILSVRC2012_img_val/1.jpg",), "ILSVRC2012_img_val"),
    ],
)  # fmt: skip
def test_pictures_without_labels_are_refused_with_the_reason(
    tmp_path: Path, names: tuple[str, ...], folder: str
) -> None:
    """Parts of a set and folders of all pictures are no classes; the error says which folder lacks labels."""
    root = make(tmp_path / "root", *names)
    with raises(CorpusError, "no images found", f"{root / folder} holds", "file_name and label"):
        read(root)


def test_other_archives_are_to_be_unpacked(tmp_path: Path) -> None:
    with raises(CorpusError, "no images found", "Unpack 1 archive (set.zip)"):
        read(make(tmp_path, "set.zip"))


def test_a_wnid_at_the_beginning_places_a_folder(tmp_path: Path) -> None:
    """Stanford Dogs' folders are named by WNID and word; longer numbers are no WNIDs."""
    images = read(make(tmp_path / "root", f"{DOG}-Chihuahua/1.jpg", f"{CAT}_cat/1.jpg", f"{CAR}0/1.jpg"))
    assert counts(images) == {DOG: 1, CAT: 1}
    assert {problem.path: problem.reason for problem in images.problems} == {f"root/{CAR}0": "unknown node"}
    assert counts(read(tmp_path / "root" / f"{DOG}-Chihuahua")) == {DOG: 1}


@pytest.mark.parametrize(
    "name", ["train", "Test", "seg_train", "test-multiple_fruits", "ILSVRC2012_img_val", "val2017"]
)
def test_names_of_parts(name: str) -> None:
    assert is_split(name)
    assert not is_split(name.replace("t", "s").replace("v", "w"))
