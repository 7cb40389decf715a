"""Folders of images: which layout they have, what belongs to which node, and what is odd about them."""

import inspect
import os
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from pictures import CAR, CAT, DOG, SMALL_WORDNET, save
from raising import raises

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.layouts import ImageSet, read_image_set
from fdcore.errors import CorpusError


def read(root: Path, under: str | None = None, hierarchy: Hierarchy = SMALL_WORDNET) -> ImageSet:
    return read_image_set(root, hierarchy=hierarchy, under=under)


def counts(images: ImageSet) -> dict[str, int]:
    return dict(Counter(file.node for file in images.files))


def reasons(images: ImageSet) -> dict[str, str]:
    return {problem.path: problem.reason for problem in images.problems}


# imagenet


def test_imagenet_folders(tmp_path: Path) -> None:
    """Folders named by node id hold images directly or in images/ below, with any image extension or none."""
    save(tmp_path / "set" / DOG / f"{DOG}_1.JPEG")
    save(tmp_path / "set" / DOG / "plain")
    save(tmp_path / "set" / CAT / "images" / "a.PNG", kind="PNG")
    images = read(tmp_path / "set")
    assert images.layout == "imagenet"
    assert counts(images) == {DOG: 2, CAT: 1}
    assert [file.name for file in images.files] == [f"{DOG}/{DOG}_1.JPEG", f"{DOG}/plain", f"{CAT}/images/a.PNG"]
    assert images.files[2].path.read_bytes().startswith(b"\x89PNG")
    assert images.new_nodes == ()
    assert images.problems == ()


def test_unknown_wnid(tmp_path: Path) -> None:
    """A folder with an id that the hierarchy does not have is listed once and its files are not used."""
    save(tmp_path / "set" / DOG / "1.jpg")
    save(tmp_path / "set" / "n99999999" / "1.jpg")
    images = read(tmp_path / "set")
    assert counts(images) == {DOG: 1}
    assert reasons(images) == {"set/n99999999": "unknown node"}


def test_only_unknown_wnids(tmp_path: Path) -> None:
    """A set of which no folder is a known node is an error that says so."""
    save(tmp_path / "n99999999" / "1.jpg")
    with raises(CorpusError, "no images found", "unknown node: 1"):
        read(tmp_path)


def test_own_hierarchy(tmp_path: Path) -> None:
    """Folders named by ids of the analyst's own hierarchy are its nodes, however the accents are composed."""
    own = Hierarchy.from_rows([("thing", (), ()), ("café", ("thing",), ()), ("sports car", ("thing",), ())])
    save(tmp_path / unicodedata.normalize("NFD", "café") / "1.jpg")
    save(tmp_path / "sports car" / "1.jpg")
    images = read(tmp_path, hierarchy=own)
    assert images.layout == "imagenet"
    assert counts(images) == {"café": 1, "sports car": 1}


def test_single_node_folder(tmp_path: Path) -> None:
    """The folder of one single node can be named itself."""
    save(tmp_path / DOG / "images" / "1.jpg")
    images = read(tmp_path / DOG)
    assert (images.layout, counts(images)) == ("imagenet", {DOG: 1})


def test_stray_files_at_the_root(tmp_path: Path) -> None:
    """Files beside the class folders are listed: images as such, all others as other files."""
    save(tmp_path / "set" / DOG / "1.jpg")
    save(tmp_path / "set" / "loose.jpg")
    (tmp_path / "set" / "wnids.txt").write_text(DOG)
    assert reasons(read(tmp_path / "set")) == {
        "set/loose.jpg": "not in a class folder",
        "set/wnids.txt": "other file",
    }


def test_no_image_in_a_class_folder(tmp_path: Path) -> None:
    """Hidden files, Thumbs.db, text and archives in a class folder are listed as no images; so are empty folders."""
    save(tmp_path / "set" / DOG / "1.jpg")
    for name in (".DS_Store", "._1.jpg", "Thumbs.db", f"{DOG}_boxes.txt", "more.tar.gz"):
        (tmp_path / "set" / DOG / name).write_bytes(b"x")
    (tmp_path / "set" / CAT).mkdir()
    images = read(tmp_path / "set")
    assert counts(images) == {DOG: 1}
    assert Counter(reasons(images).values()) == {"not an image": 5, "empty folder": 1}


def test_numbered_names(tmp_path: Path) -> None:
    """A dot in a name starts an extension only if a short word follows it."""
    for name in ("frame.0001", "Mr. Smith's dog", "a.b.jpg"):
        save(tmp_path / DOG / name)
    assert counts(read(tmp_path)) == {DOG: 3}


# tiny-imagenet-val


def make_tiny_val(folder: Path) -> Path:
    for i, node in enumerate((DOG, CAT, DOG)):
        save(folder / "images" / f"val_{i}.JPEG")
        with (folder / "val_annotations.txt").open("a") as out:
            out.write(f"val_{i}.JPEG\t{node}\t0\t0\t62\t62\n")
    return folder


def test_tiny_imagenet_val(tmp_path: Path) -> None:
    """val_annotations.txt says which node each image belongs to."""
    images = read(make_tiny_val(tmp_path / "val"))
    assert images.layout == "tiny-imagenet-val"
    nodes = {file.name: file.node for file in images.files}
    assert nodes == {"images/val_0.JPEG": DOG, "images/val_1.JPEG": CAT, "images/val_2.JPEG": DOG}
    assert images.problems == ()


def test_annotations_that_do_not_fit(tmp_path: Path) -> None:
    """Missing and unnamed files, odd lines, contradictions and unknown nodes are listed; nothing outside is reached."""
    val = make_tiny_val(tmp_path / "val")
    save(val / "images" / "unnamed.JPEG")
    save(val / "images" / "stranger.JPEG")
    save(tmp_path / "secret.JPEG")
    with (val / "val_annotations.txt").open("a") as out:
        out.write(
            f"gone.JPEG\t{DOG}\n../../secret.JPEG\t{DOG}\nnonsense\n\nval_0.JPEG\t{CAT}\nstranger.JPEG\tn99999999\n"
        )
    images = read(val)
    assert counts(images) == {DOG: 2, CAT: 1}
    assert reasons(images) == {
        "val/gone.JPEG": "missing file",
        "val/../../secret.JPEG": "missing file",
        "val/val_annotations.txt": "unreadable line",
        "val/images/val_0.JPEG": "labelled twice",
        "val/images/unnamed.JPEG": "no label",
        "val/n99999999": "unknown node",
    }


def test_whole_tiny_imagenet(tmp_path: Path) -> None:
    """The whole data set is train and val together; test/, which has no labels, is left out and listed."""
    root = tmp_path / "tiny"
    make_tiny_val(root / "val")
    save(root / "train" / CAR / "images" / "c.JPEG")
    save(root / "test" / "images" / "t.JPEG")
    (root / "wnids.txt").write_text(CAR)
    images = read(root)
    assert images.layout == "imagenet + tiny-imagenet-val"
    assert counts(images) == {DOG: 2, CAT: 1, CAR: 1}
    assert f"train/{CAR}/images/c.JPEG" in {file.name for file in images.files}
    assert reasons(images) == {"tiny/test": "no labels", "tiny/wnids.txt": "other file"}


# ilsvrc-val


def make_ilsvrc(folder: Path) -> Path:
    for i in (1, 2):
        save(folder / f"ILSVRC2012_val_0000000{i}.JPEG")
    return folder


KAGGLE = f"""ImageId,PredictionString
ILSVRC2012_val_00000001,{DOG} 1 2 3 4 {DOG} 5 6 7 8
ILSVRC2012_val_00000002,{CAT} 1 2 3 4
"""


@pytest.mark.parametrize("where", ["val", "."])
def test_ilsvrc_val(tmp_path: Path, where: str) -> None:
    """The ILSVRC validation images take their nodes from Kaggle's CSV, beside the folder or in it."""
    val = make_ilsvrc(tmp_path / "val")
    (tmp_path / where / "LOC_val_solution.csv").write_text(KAGGLE)
    images = read(val)
    assert images.layout == "ilsvrc-val"
    assert [file.node for file in images.files] == [DOG, CAT]
    assert images.problems == ()


def test_ilsvrc_with_two_columns(tmp_path: Path) -> None:
    """A plain CSV of file name and node does as well, with or without header and folder; others beside it do not."""
    val = make_ilsvrc(tmp_path / "val")
    save(val / "ILSVRC2012_val_00000003.JPEG")
    (tmp_path / "a_prices.csv").write_text("item,price\nx,3\n")
    (tmp_path / "b_other_set.csv").write_text(f"some_file.jpg,{DOG}\n")
    (tmp_path / "truth.csv").write_text(
        f"\ufeffILSVRC2012_val_00000001.JPEG,{DOG}\nval/ILSVRC2012_val_00000002.JPEG,{CAT}\nno.JPEG,{CAT}\n"
    )
    images = read(val)
    assert [file.node for file in images.files] == [DOG, CAT]
    assert reasons(images) == {"val/no.JPEG": "missing file", "val/ILSVRC2012_val_00000003.JPEG": "no label"}


def test_ilsvrc_root(tmp_path: Path) -> None:
    """A folder that holds train and the flat validation images, with the CSV beside these, is read as a whole."""
    make_ilsvrc(tmp_path / "val")
    save(tmp_path / "train" / CAR / "1.JPEG")
    (tmp_path / "LOC_val_solution.csv").write_text(KAGGLE)
    images = read(tmp_path)
    assert images.layout == "imagenet + ilsvrc-val"
    assert counts(images) == {CAR: 1, DOG: 1, CAT: 1}


def test_ilsvrc_without_truth(tmp_path: Path) -> None:
    """Flat images without a CSV are an error that names the layouts and what was seen."""
    with raises(CorpusError, "no images found", "2 files (ILSVRC2012_val_00000001", "LOC_val_solution.csv"):
        read(make_ilsvrc(tmp_path / "val"))


# folders


def test_plain_folders(tmp_path: Path) -> None:
    """One folder per class makes a new node of each class, a component of its own; nested folders belong to it."""
    save(tmp_path / "set" / "big_red-dog" / "deep" / "deeper" / "1.jpg")
    save(tmp_path / "set" / "big_red-dog" / "2.jpg")
    save(tmp_path / "set" / "cat" / "1.jpg")
    images = read(tmp_path / "set")
    assert images.layout == "folders"
    assert images.new_nodes == (("set/big_red-dog", None, "big red dog"), ("set/cat", None, "cat"))
    assert counts(images) == {"set/big_red-dog": 2, "set/cat": 1}


def test_folders_below_a_node(tmp_path: Path) -> None:
    """Classes hang below the node that the caller names, and the larger hierarchy takes them."""
    save(tmp_path / "leaves" / "oak" / "1.jpg")
    images = read(tmp_path / "leaves", under="n00015388")
    assert images.new_nodes == (("leaves/oak", "n00015388", "oak"),)
    assert SMALL_WORDNET.with_children(images.new_nodes).parents("leaves/oak") == ("n00015388",)


def test_under_an_unknown_node(tmp_path: Path) -> None:
    """A node to hang classes below must exist."""
    save(tmp_path / "oak" / "1.jpg")
    with raises(CorpusError, "unknown node", "vegetable"):
        read(tmp_path, under="vegetable")


def test_under_for_a_set_with_nodes(tmp_path: Path) -> None:
    """A set that names its nodes itself cannot be hung below another one."""
    save(tmp_path / DOG / "1.jpg")
    with raises(CorpusError, "set names nodes", CAR):
        read(tmp_path, under=CAR)


def test_splits_of_plain_folders(tmp_path: Path) -> None:
    """Plain folders split into train and test are one set: the same class in both is one node."""
    save(tmp_path / "set" / "train" / "oak" / "1.jpg")
    save(tmp_path / "set" / "test" / "oak" / "1.jpg")
    images = read(tmp_path / "set")
    assert images.new_nodes == (("set/oak", None, "oak"),)
    assert sorted(file.name for file in images.files) == ["test/oak/1.jpg", "train/oak/1.jpg"]


def test_a_class_called_train(tmp_path: Path) -> None:
    """A folder called train is a class if it directly contains images, beside other classes."""
    for name in ("train", "bus", "bullet_train"):
        save(tmp_path / "set" / name / "1.jpg")
    assert counts(read(tmp_path / "set")) == {"set/train": 1, "set/bus": 1, "set/bullet_train": 1}


@pytest.mark.parametrize(
    ("folder", "label"),
    [
        ("sea  lion", "sea lion"), ("дуб_обыкновенный", "дуб обыкновенный"), ("...", "..."),
        ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"), ("two\nlines\x1b[31m", "two lines [31m"),
        ("abc\u202egpj", "abc gpj"), ("семь👩\u200d🚀", "семь👩\u200d🚀"), (os.fsdecode(b"caf\xe9"), "caf�"),
    ],
)  # fmt: skip
def test_labels_are_inert(tmp_path: Path, folder: str, label: str) -> None:
    """Whatever a folder is called, its label is readable text, its id can be encoded and its files can be opened."""
    save(tmp_path / "set" / folder / "1.jpg")
    images = read(tmp_path / "set")
    [(node, _, found)] = images.new_nodes
    assert found == label
    assert node.startswith("set/")
    assert "\n" not in node
    assert "\x1b" not in node
    (node + images.files[0].name + found).encode()
    assert images.files[0].path.read_bytes().startswith(b"\xff\xd8")
    assert node in SMALL_WORDNET.with_children(images.new_nodes)


# links and what cannot be read


def test_links_inside(tmp_path: Path) -> None:
    """Links to folders and files inside the corpus folder are followed, each folder once per class."""
    save(tmp_path / "set" / "a" / "1.jpg")
    (tmp_path / "set" / "b").mkdir()
    (tmp_path / "set" / "b" / "first").symlink_to(tmp_path / "set" / "a")
    (tmp_path / "set" / "b" / "second").symlink_to(tmp_path / "set" / "a")
    (tmp_path / "set" / "b" / "file.jpg").symlink_to("../a/1.jpg")
    images = read(tmp_path / "set")
    assert [file.name for file in images.files] == ["a/1.jpg", "b/file.jpg", "b/first/1.jpg"]
    assert reasons(images) == {"set/b/second": "folder linked twice"}


def test_link_loops(tmp_path: Path) -> None:
    """Links that lead back to their own folder, directly or through another, are listed and do not stop the reading."""
    for name in ("a", "b"):
        save(tmp_path / "set" / name / "1.jpg")
    (tmp_path / "set" / "a" / "self").symlink_to(".")
    (tmp_path / "set" / "a" / "up").symlink_to("..")
    (tmp_path / "set" / "a" / "there").symlink_to("../b")
    (tmp_path / "set" / "b" / "back").symlink_to("../a")
    (tmp_path / "set" / "a" / "ouroboros").symlink_to("ouroboros")
    images = read(tmp_path / "set")
    found = reasons(images)
    for loop in ("a/self", "a/up", "a/there/back", "b/back/there", "a/ouroboros"):
        assert found[f"set/{loop}"] == "symbolic link loop", loop
    assert counts(images) == {"set/a": 2, "set/b": 2}


def test_links_out_of_the_folder(tmp_path: Path) -> None:
    """What a link reaches outside of the corpus folder is not read; a link to nothing is listed too."""
    save(tmp_path / "elsewhere" / "1.jpg")
    save(tmp_path / "set" / "a" / "1.jpg")
    (tmp_path / "set" / "a" / "out").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "class").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "a" / "out.jpg").symlink_to(tmp_path / "elsewhere" / "1.jpg")
    (tmp_path / "set" / "a" / "nothing.jpg").symlink_to("nowhere")
    images = read(tmp_path / "set")
    assert counts(images) == {"set/a": 1}
    assert reasons(images) == {
        "set/a/out": "symbolic link leaves the folder",
        "set/class": "symbolic link leaves the folder",
        "set/a/out.jpg": "symbolic link leaves the folder",
        "set/a/nothing.jpg": "broken symbolic link",
    }


def test_root_behind_a_link(tmp_path: Path) -> None:
    """A corpus folder may itself be a link, and keeps the link's name."""
    save(tmp_path / "real" / "oak" / "1.jpg")
    (tmp_path / "trees").symlink_to("real")
    assert counts(read(tmp_path / "trees")) == {"trees/oak": 1}


def test_a_pipe_is_no_image(tmp_path: Path) -> None:
    """A named pipe, which would block whoever opens it, is listed and left alone, also behind a link."""
    save(tmp_path / "set" / "a" / "1.jpg")
    os.mkfifo(tmp_path / "set" / "a" / "pipe.jpg")
    (tmp_path / "set" / "a" / "link.jpg").symlink_to("pipe.jpg")
    images = read(tmp_path / "set")
    assert counts(images) == {"set/a": 1}
    assert reasons(images) == {"set/a/pipe.jpg": "not an image", "set/a/link.jpg": "not an image"}


def test_hidden_folders(tmp_path: Path) -> None:
    """Hidden folders and what macOS leaves in archives are not classes."""
    for name in ("a", ".git", "__MACOSX"):
        save(tmp_path / "set" / name / "1.jpg")
    images = read(tmp_path / "set")
    assert counts(images) == {"set/a": 1}
    assert reasons(images) == {"set/.git": "hidden folder", "set/__MACOSX": "hidden folder"}


def test_very_deep_folders(tmp_path: Path) -> None:
    """Folders nested deeper than Python's recursion limit are read."""
    save(tmp_path.joinpath("set", "a", *["d"] * 200, "1.jpg"))
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 100)
    try:
        images = read(tmp_path / "set")
    finally:
        sys.setrecursionlimit(before)
    assert counts(images) == {"set/a": 1}


def test_unreadable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that may not be read is listed with the system's reason; the others are used."""
    save(tmp_path / "set" / "a" / "1.jpg")
    save(tmp_path / "set" / "b" / "1.jpg")
    scandir = os.scandir

    def guarded(path: str) -> object:
        if str(path).endswith("/b"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    images = read(tmp_path / "set")
    assert counts(images) == {"set/a": 1}
    assert ("set/b", "unreadable", "Permission denied", False) in images.problems


# nothing there


def test_no_such_folder(tmp_path: Path) -> None:
    """A folder that does not exist, or is a file, is an error that says which."""
    with raises(CorpusError, "not a folder", tmp_path / "none"):
        read(tmp_path / "none")
    with raises(CorpusError, "not a folder", tmp_path / "one.jpg"):
        read(save(tmp_path / "one.jpg"))


def test_empty_folder(tmp_path: Path) -> None:
    """A folder without images is an error that names the known layouts and the folder's content."""
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    seen = ("1 folder (empty)", "1 file (notes.txt)", "imagenet", "val_annotations")
    with raises(CorpusError, "no images found", *seen):
        read(tmp_path)


def test_progress_counts_folders(tmp_path: Path) -> None:
    """Listing says how many folders are done."""
    for name in ("a", "b"):
        save(tmp_path / name / "1.jpg")
    heard: list[tuple[str, int, int]] = []
    read_image_set(tmp_path, hierarchy=SMALL_WORDNET, progress=lambda *said: heard.append(said))
    assert heard[-1] == ("Listing images", 2, 2)
