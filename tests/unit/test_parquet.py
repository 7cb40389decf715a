"""Parquet files of pictures, as the Hugging Face hub publishes data sets."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pictures import CAT, DOG, SMALL_WORDNET, encoded, picture
from raising import raises

from fdcore.corpus import parquet
from fdcore.corpus.containers import open_file
from fdcore.corpus.corpus import survey
from fdcore.corpus.decode import decode_file
from fdcore.corpus.layouts import ImageSet, read_image_set
from fdcore.errors import CorpusError

PICTURES = [encoded(picture(), "PNG") for _ in range(7)]
SHARD = "data/train-00000-of-00001.parquet"


def write(
    root: Path, labels: list[Any], names: list[str] | None = None, *, path: str = SHARD, label: str = "label",
    plain: bool = False, image: str = "image",
) -> Path:  # fmt: skip
    """A shard as the hub writes it; returns the corpus folder."""
    pictures = PICTURES[: len(labels)]
    column: list[Any] = pictures if plain else [{"bytes": one, "path": f"{i}.png"} for i, one in enumerate(pictures)]
    features: dict[str, Any] = {image: {"_type": "Image"}}
    features[label] = {"names": names, "_type": "ClassLabel"} if names else {"dtype": "string", "_type": "Value"}
    table = pa.table({image: column, label: labels})
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, root / path, row_group_size=3)
    (root / "README.md").write_text("x")
    return root


def read(root: Path, under: str | None = None) -> ImageSet:
    return read_image_set(root, hierarchy=SMALL_WORDNET, under=under)


def counts(images: ImageSet) -> dict[str, int]:
    return dict(Counter(file.node for file in images.files))


@pytest.mark.parametrize("plain", [False, True])
def test_class_names_come_from_the_schema(tmp_path: Path, plain: bool) -> None:
    """Numbers are named by the metadata; each picture is named by shard and row, and is the file in that row."""
    root = write(tmp_path / "set", [0, 1, 0, 1, 1, 0, 1], ["house cat", "big_dog"], plain=plain)
    images = read(root)
    assert images.layout == "parquet"
    assert counts(images) == {"set/house cat": 3, "set/big_dog": 4}
    assert [label for _, _, label in images.new_nodes] == ["house cat", "big dog"]
    assert images.files[4].full_name == f"set/{SHARD}/4"
    for row in (6, 0, 3, 2, 5, 1, 4):
        file, size = open_file(images.files[row].path)
        assert (file.read(), size) == (PICTURES[row], len(PICTURES[row]))


def test_names_that_are_nodes(tmp_path: Path) -> None:
    """Labels that are ids of nodes have their place already; text does as well as numbers."""
    assert counts(read(write(tmp_path / "a", [0, 1, 1], [CAT, DOG]))) == {CAT: 1, DOG: 2}
    assert counts(read(write(tmp_path / "b", [CAT, DOG, "n99999999"]))) == {CAT: 1, DOG: 1}
    with raises(CorpusError, "set names nodes", "parquet"):
        read(tmp_path / "a", "n00015388")


def test_shards_of_several_parts(tmp_path: Path) -> None:
    """All shards are one set; hidden labels (-1) and missing ones are no class."""
    root = write(tmp_path / "set", [0, 1], ["cat", "dog"])
    write(root, [-1, None, 0], ["cat", "dog"], path="data/test-00000-of-00001.parquet")
    write(root, [0, 1], ["cat", "dog"], path="data/validation-00000-of-00001.parquet")
    images = read(root)
    assert counts(images) == {"set/cat": 3, "set/dog": 2}
    assert Counter(problem.reason for problem in images.problems) == {"no label": 2, "other file": 1}


@pytest.mark.parametrize(("label", "image"), [("fine_label", "img"), ("class", "image"), ("anything", "picture")])
def test_columns_of_other_names(tmp_path: Path, label: str, image: str) -> None:
    root = write(tmp_path / "set", [0, 1, 1], ["cat", "dog"], label=label, image=image)
    assert counts(read(root)) == {"set/cat": 1, "set/dog": 2}


def test_no_clear_labels(tmp_path: Path) -> None:
    """Where no column is clearly the one of labels, the error says which columns there are."""
    with raises(CorpusError, "no images found", "(caption)", "'label'"):
        read(write(tmp_path / "set", ["a", "b"], label="caption"))


def test_decoding(tmp_path: Path) -> None:
    """A survey decodes the pictures; a row without one, or of another file, is listed."""
    root = write(tmp_path / "set", [0, 1, 1], ["cat", "dog"])
    found = survey([root], hierarchy=SMALL_WORDNET)
    assert found.sources[0].n_usable == {"set/cat": 1, "set/dog": 2}
    for row in ("3", "-1", "x", "٣"):
        decoded = decode_file(root / SHARD / row, height=8, width=8, channels=3)
        assert decoded.notes[0].reason == "missing file"


def test_damaged_and_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is no parquet file is listed; a group that would not fit is refused unread."""
    root = write(tmp_path / "set", [0, 1, 1], ["cat", "dog"])
    (root / "data" / "b.parquet").write_bytes(b"PAR1 junk PAR1")
    images = read(root)
    assert {problem.reason for problem in images.problems if "b.parquet" in problem.path} >= {"unreadable"}
    monkeypatch.setattr(parquet, "MAX_GROUP_BYTES", 100)
    decoded = decode_file(images.files[0].path, height=8, width=8, channels=3)
    assert (decoded.pixels, decoded.notes[0].reason) == (None, "unreadable")
    (root / SHARD).write_bytes((root / SHARD).read_bytes()[:-50])
    with raises(CorpusError, "no images found", "not a parquet file"):
        read(root)
