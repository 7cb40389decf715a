"""Corpora that are no folder of folders: a list of pictures, one parquet file, a folder of pictures of one class."""

import io
from pathlib import Path

import pandas as pd
import pytest
import tiny_world
from PIL import Image
from raising import raises

from fdcore.corpus.corpus import open_corpus, survey
from fdcore.corpus.layouts import ImageSet, is_corpus, read_image_set
from fdcore.errors import CorpusError

CAT, TABBY = "n02121808", "n02123045"


def pictures(folder: Path, *names: str) -> Path:
    for place, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 9), (place * 9, 0, 0)).save(folder / name)
    return folder


def listed(path: Path, *lines: str, under: str | None = CAT) -> ImageSet:
    path.write_text("\n".join(lines) + "\n")
    return read_image_set(path, hierarchy=tiny_world.hierarchy(), under=under)


def found(images: ImageSet) -> list[tuple[str, str]]:
    return [(file.name, file.node) for file in images.files]


def test_a_list_of_paths_is_one_class_called_like_the_list(tmp_path):
    """Relative to the list's folder or absolute; a comma is part of a path."""
    pictures(tmp_path, "a/one.png", "b/two, too.png")
    images = listed(tmp_path / "kittens.txt", "a/one.png", "", str(tmp_path / "b" / "two, too.png"))
    assert images.layout == "list"
    assert found(images) == [("a/one.png", "kittens.txt/kittens"), ("b/two, too.png", "kittens.txt/kittens")]
    assert images.new_nodes == (("kittens.txt/kittens", CAT, "kittens"),)
    assert not images.problems


@pytest.mark.parametrize("lines", [
    ("path,label", "a/one.png,tom", "b/two.png,queen"), ("label;file_name", "tom;a/one.png", "queen;b/two.png"),
    ("a/one.png,tom", "b/two.png,queen"),
])  # fmt: skip
def test_a_csv_gives_each_picture_its_class(tmp_path, lines):
    """With or without a heading, in any order of the columns."""
    pictures(tmp_path, "a/one.png", "b/two.png")
    images = listed(tmp_path / "cats.csv", *lines)
    assert found(images) == [("a/one.png", "cats.csv/tom"), ("b/two.png", "cats.csv/queen")]
    assert [row[1:] for row in images.new_nodes] == [(CAT, "tom"), (CAT, "queen")]


def test_labels_that_are_nodes_keep_their_own_place(tmp_path):
    """And cannot be placed below another."""
    pictures(tmp_path, "one.png")
    images = listed(tmp_path / "cats.csv", "path,label", f"one.png,{TABBY}", under=None)
    assert found(images) == [("one.png", TABBY)]
    with raises(CorpusError, "set names nodes"):
        listed(tmp_path / "cats.csv", "path,label", f"one.png,{TABBY}")


def test_what_a_list_names_outside_its_folder_is_never_read(tmp_path):
    """By an absolute path, by `..`, or by a link; each is listed with the reason."""
    pictures(tmp_path, "secret.png", "in/one.png")
    (tmp_path / "in" / "link.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "in" / "notes.md").write_text("x")
    wanted = ["one.png", "../secret.png", str(tmp_path / "secret.png"), "link.png", "gone.png", "notes.md", "a\0b.png"]
    images = listed(tmp_path / "in" / "list.txt", *wanted)
    assert [file.name for file in images.files] == ["one.png"]
    assert [problem.reason for problem in images.problems] == [
        *["outside the list's folder"] * 3, "missing file", "other file", "missing file"
    ]  # fmt: skip


def test_a_list_without_a_single_picture_is_refused(tmp_path):
    """Such as a text that is no list."""
    with raises(CorpusError, "no images found"):
        listed(tmp_path / "readme.txt", "Dear reader,", "this is no list.")


def test_a_list_below_a_node_is_read_surveyed_and_decoded(tmp_path):
    """As LIST@NODE, like any folder."""
    pictures(tmp_path, "one.png", "two.png")
    (tmp_path / "kittens.txt").write_text("one.png\ntwo.png\n")
    text = f"{tmp_path / 'kittens.txt'}@{CAT}"
    seen = survey([text], hierarchy=tiny_world.hierarchy())
    assert seen.sources[0].n_usable == {"kittens.txt/kittens": 2}
    corpus = open_corpus([text], hierarchy=tiny_world.hierarchy(), height=9, width=9, channels=3, cache=tmp_path / "c")
    assert sorted(corpus.store.names) == ["kittens.txt/one.png", "kittens.txt/two.png"]
    assert corpus.hierarchy.parents("kittens.txt/kittens") == (CAT,)


def test_a_parquet_file_alone_is_a_corpus(tmp_path):
    """Its rows are named by their numbers."""
    pixels = io.BytesIO()
    Image.new("RGB", (9, 9)).save(pixels, "PNG")
    frame = pd.DataFrame({"image": [{"bytes": pixels.getvalue()}] * 2, "label": ["tom", "queen"]})
    frame.to_parquet(tmp_path / "cats.parquet")
    images = read_image_set(tmp_path / "cats.parquet", hierarchy=tiny_world.hierarchy(), under=CAT)
    assert found(images) == [("0", "cats.parquet/tom"), ("1", "cats.parquet/queen")]
    seen = survey([f"{tmp_path / 'cats.parquet'}@{CAT}"], hierarchy=tiny_world.hierarchy())
    assert seen.sources[0].n_usable == {"cats.parquet/queen": 1}  # the other is the same


def test_a_folder_of_pictures_below_a_node_is_one_class(tmp_path):
    """Without a node nothing says what they are, and it is refused as before."""
    folder = pictures(tmp_path / "kittens", "one.png", "two.png")
    images = read_image_set(folder, hierarchy=tiny_world.hierarchy(), under=CAT)
    assert images.layout == "pictures"
    assert found(images) == [("one.png", "kittens/kittens"), ("two.png", "kittens/kittens")]
    with raises(CorpusError, "no images found", "@NODE"):
        read_image_set(folder, hierarchy=tiny_world.hierarchy())


def test_a_folder_whose_table_is_in_doubt_is_not_taken_for_one_class(tmp_path):
    """The error says what the table lacks."""
    folder = pictures(tmp_path / "kittens", "one.png", "two.png")
    (folder / "labels.csv").write_text("file,x,y\none.png,a,b\ntwo.png,c,d\n")
    with raises(CorpusError, "no images found", "heading 'label'"):
        read_image_set(folder, hierarchy=tiny_world.hierarchy(), under=CAT)


def test_only_files_of_these_kinds_are_corpora(tmp_path):
    """A name alone is not enough."""
    (tmp_path / "a.zip").write_bytes(b"x")
    (tmp_path / "a.txt").write_bytes(b"x")
    assert [is_corpus(tmp_path / name) for name in ("a.zip", "a.txt", "b.txt")] == [False, True, False]
    with raises(CorpusError, "not a folder", "another kind"):
        read_image_set(tmp_path / "a.zip", hierarchy=tiny_world.hierarchy())
