"""Several folders as one corpus, and the survey of their content."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import CAR, CAT, DOG, SMALL_WORDNET, save
from raising import raises

from fdcore.corpus import images
from fdcore.corpus.corpus import Corpus, Survey, open_corpus, survey
from fdcore.corpus.wordnet import load_wordnet
from fdcore.errors import CorpusError


def open_folders(tmp_path: Path, *folders: str | Path, **changes: Any) -> Corpus:
    settings = {"height": 8, "width": 8, "channels": 3} | changes
    return open_corpus(folders, hierarchy=SMALL_WORDNET, cache=tmp_path / "cache", **settings)


def total(found: Survey) -> Counter[str]:
    return sum((Counter(source.n_files) for source in found.sources), Counter())


def make(root: Path, *classes: str, n_files: int = 2) -> Path:
    for name in classes:
        for i in range(n_files):
            save(root / name / f"{i}.png", kind="PNG")
    return root


def test_one_folder(tmp_path: Path) -> None:
    """A corpus of one folder has its images, nodes, counts and the given hierarchy itself."""
    corpus = open_folders(tmp_path, make(tmp_path / "set", DOG, CAT))
    assert corpus.store.pixels.shape == (4, 8, 8, 3)
    assert corpus.store.nodes == (DOG, CAT)
    assert total(corpus.listed) == {DOG: 2, CAT: 2}
    assert corpus.sources == ("set (imagenet)",)
    assert corpus.hierarchy is SMALL_WORDNET
    assert corpus.problems == ()


def test_folders_add_up(tmp_path: Path) -> None:
    """The same node in several folders is one leaf with the images of all."""
    corpus = open_folders(tmp_path, make(tmp_path / "one", DOG), make(tmp_path / "two", DOG, CAR, n_files=3))
    assert total(corpus.listed) == {DOG: 5, CAR: 3}
    assert Counter(name.split("/")[0] for name in corpus.store.names) == {"one": 2, "two": 6}


def test_below_a_node(tmp_path: Path) -> None:
    """DIR@NODE hangs the classes of a plain set below a node, given by id or by words."""
    make(tmp_path / "pets", "hamster")
    for node in ("n00015388", "animal", "Beast"):
        corpus = open_folders(tmp_path, f"{tmp_path}/pets@{node}")
        assert corpus.hierarchy.parents("pets/hamster") == ("n00015388",)
        assert corpus.hierarchy.label("pets/hamster") == "hamster"
    alone = open_folders(tmp_path, tmp_path / "pets")
    assert alone.hierarchy.parents("pets/hamster") == ()
    assert "pets/hamster" not in SMALL_WORDNET


def test_an_at_sign_in_a_path(tmp_path: Path) -> None:
    """A folder whose path holds an @ is taken as it is, and can have a node behind it too."""
    make(tmp_path / "me@home", "hamster")
    assert open_folders(tmp_path, f"{tmp_path}/me@home").hierarchy.parents("me@home/hamster") == ()
    below = open_folders(tmp_path, f"{tmp_path}/me@home@animal")
    assert below.hierarchy.parents("me@home/hamster") == ("n00015388",)


@pytest.mark.parametrize(
    ("folder", "key", "value"),
    [
        ("set@unicorn", "unknown name", "unicorn"), ("set@", "no node", "set@"),
        ("none@animal", "not a folder", "none@animal"),
    ],
)  # fmt: skip
def test_wrong_folders(tmp_path: Path, folder: str, key: str, value: str) -> None:
    """A missing folder and an unknown node are refused by name."""
    make(tmp_path / "set", "hamster")
    with raises(CorpusError, key, value):
        open_folders(tmp_path, f"{tmp_path}/{folder}")


def test_no_folder(tmp_path: Path) -> None:
    """A corpus needs a folder."""
    with raises(CorpusError, "no folder"):
        open_folders(tmp_path)


def test_folders_of_the_same_name(tmp_path: Path) -> None:
    """Folders with the same name get a number, so that names and new nodes stay distinct."""
    folders = [make(tmp_path / place / "set", "hamster") for place in ("a", "b", "c")]
    taken = make(tmp_path / "set-2", "hamster")
    corpus = open_folders(tmp_path, *folders, taken)
    assert [source.split(" ")[0] for source in corpus.sources] == ["set", "set-3", "set-4", "set-2"]
    assert set(total(corpus.listed)) == {"set/hamster", "set-2/hamster", "set-3/hamster", "set-4/hamster"}


def test_the_same_folder_twice(tmp_path: Path) -> None:
    """A folder given twice adds duplicates, which are listed, and no images."""
    root = make(tmp_path / "set", DOG)
    corpus = open_folders(tmp_path, root, root)
    assert len(corpus.store.names) == 2
    assert [problem.reason for problem in corpus.problems] == ["duplicate", "duplicate"]


def test_all_problems_are_reported(tmp_path: Path) -> None:
    """Problems of listing and of decoding are in one list, also when the corpus is opened again."""
    root = make(tmp_path / "set", DOG, CAT, "n99999999")
    (root / DOG / "bad.jpg").write_bytes(b"bad")
    (root / "readme.txt").write_text("x")
    for path in (root / CAT).iterdir():
        path.write_bytes(b"")
    for _ in range(2):
        corpus = open_folders(tmp_path, root)
        assert {(problem.path, problem.reason) for problem in corpus.problems} == {
            ("set/n99999999", "unknown node"),
            ("set/readme.txt", "other file"),
            (f"set/{DOG}/bad.jpg", "not an image"),
            (f"set/{CAT}/0.png", "empty file"),
            (f"set/{CAT}/1.png", "empty file"),
            (f"set/{CAT}", "no usable image"),
        }
        assert corpus.store.nodes == (DOG,)
        assert total(corpus.listed) == {DOG: 3, CAT: 2}


def test_nothing_usable(tmp_path: Path) -> None:
    """A corpus without any usable image is an error that counts the reasons."""
    root = tmp_path / "set" / DOG
    root.mkdir(parents=True)
    for i in range(3):
        (root / f"{i}.jpg").write_bytes(b"")
    (root / "x.jpg").write_bytes(b"bad")
    with raises(CorpusError, "no usable image", "4 files", "empty file: 3", "not an image: 1"):
        open_folders(tmp_path, tmp_path / "set")


# survey


def test_survey(tmp_path: Path) -> None:
    """A survey reports layout, files, usable files, labels and problems of each folder, and stores nothing."""
    root = make(tmp_path / "set", DOG, CAT)
    (root / DOG / "bad.jpg").write_bytes(b"bad")
    plain = make(tmp_path / "pets", "guinea_pig")
    found = survey([root, f"{plain}@animal"], hierarchy=SMALL_WORDNET)
    first, second = found.sources
    assert (first.name, first.root, first.layout) == ("set", root, "imagenet")
    assert first.n_files == {DOG: 3, CAT: 2}
    assert first.n_usable == {DOG: 2, CAT: 2}
    assert (second.layout, second.n_usable) == ("folders", {"pets/guinea_pig": 2})
    assert found.labels == {DOG: "dog", CAT: "cat", "pets/guinea_pig": "guinea pig"}
    assert found.hierarchy.parents("pets/guinea_pig") == ("n00015388",)
    assert [problem[:2] for problem in found.problems] == [(f"set/{DOG}/bad.jpg", "not an image")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pets", "set"]


def test_quick_survey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quick survey opens no file."""
    root = make(tmp_path / "set", DOG)
    monkeypatch.setattr(images, "decode_file", None)
    [source] = survey([root], hierarchy=SMALL_WORDNET, quick=True).sources
    assert source.n_files == {DOG: 2}
    assert source.n_usable is None


def test_survey_of_unusable_files(tmp_path: Path) -> None:
    """A survey succeeds even if all files are broken."""
    (tmp_path / "set" / DOG).mkdir(parents=True)
    (tmp_path / "set" / DOG / "x.jpg").write_bytes(b"")
    found = survey([tmp_path / "set"], hierarchy=SMALL_WORDNET)
    assert found.sources[0].n_usable == {}
    assert {problem.reason for problem in found.problems} == {"empty file", "no usable image"}


def test_survey_sees_a_cut_tail(tmp_path: Path) -> None:
    """A picture that lacks only its last bytes is detected."""
    root = make(tmp_path / "set", DOG)
    whole = save(root / DOG / "big.jpg").read_bytes()
    (root / DOG / "cut.jpg").write_bytes(whole[:-40])
    problems = survey([root], hierarchy=SMALL_WORDNET).problems
    assert [problem[:2] for problem in problems] == [(f"set/{DOG}/cut.jpg", "truncated")]


# real data


@pytest.mark.real
@pytest.mark.nightly
def test_real_tiny_imagenet(real_data: Path, tmp_path: Path) -> None:
    """Tiny ImageNet's validation set is 200 leaves of 50 images, opened again from its decoded images."""
    settings: dict[str, Any] = {"height": 32, "width": 32, "channels": 3, "cache": tmp_path / "cache"}
    folder = real_data / "corpora" / "tiny-imagenet" / "val"
    first = open_corpus([folder], hierarchy=load_wordnet(), **settings)
    assert first.store.pixels.shape == (10_000, 32, 32, 3)
    assert set(np.bincount(first.store.node_index)) == {50}
    assert len(first.store.nodes) == 200
    second = open_corpus([folder], hierarchy=load_wordnet(), **settings)
    assert second.store.fingerprint == first.store.fingerprint
    whole = survey([folder.parent], hierarchy=load_wordnet(), quick=True)
    assert whole.sources[0].layout == "imagenet + tiny-imagenet-val"
    assert set(whole.sources[0].n_files.values()) == {150}


@pytest.mark.real
@pytest.mark.parametrize(("name", "n_classes", "label"), [("caltech101", 102, "Faces easy"), ("gtsrb", 43, "00042")])
def test_real_flat_sets(real_data: Path, tmp_path: Path, name: str, n_classes: int, label: str) -> None:
    """Sets of one folder per class are read without a hierarchy of their own, hung below a node."""
    corpus = open_corpus(
        [f"{real_data / 'corpora' / name}@n00021939"], hierarchy=load_wordnet(),
        height=32, width=32, channels=1, per_leaf=5, cache=tmp_path,
    )  # fmt: skip
    assert len(corpus.store.nodes) == n_classes
    assert corpus.store.pixels.shape == (5 * n_classes, 32, 32, 1)
    assert label in {corpus.hierarchy.label(node) for node in corpus.store.nodes}
    assert "n00021939" in corpus.hierarchy.ancestors(corpus.store.nodes[0])
