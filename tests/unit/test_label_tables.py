"""Pictures that a table labels: CSV files as data sets have them, the hub's metadata, and ILSVRC's ground truth."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from pictures import CAT, DOG, SMALL_WORDNET, save
from raising import raises
from scipy.io import savemat

from fdcore.corpus.layouts import ImageSet, read_image_set
from fdcore.errors import CorpusError

NAMES = ("a1", "a2", "b1", "b2")
LABELS = {"a1": "cat", "a2": "cat", "b1": "big dog", "b2": "big dog"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder `train` of four pictures."""
    for name in NAMES:
        save(tmp_path / "set" / "train" / f"{name}.jpg")
    return tmp_path / "set"


def read(root: Path, under: str | None = None) -> ImageSet:
    return read_image_set(root, hierarchy=SMALL_WORDNET, under=under)


def labels(images: ImageSet) -> dict[str, str]:
    return {file.path.stem: file.node.partition("/")[2] or file.node for file in images.files}


def table(row: str, heading: str = "") -> str:
    return heading + "".join(row.format(name=name, label=label) for name, label in LABELS.items())


TABLES = {
    "train.csv": table("{name}.jpg,{label}\n", "filename,label\n"),
    "labels.csv": table("{name},{label}\n", "id,breed\n"),
    "Train.CSV": table("{name};{label}\r\n", "\ufeffImage;Species\r\n"),
    "no_heading.csv": table("{name}.jpg,{label}\n"),
    "paths.csv": table("set/train/{name}.jpg,{label},7\n", "path,class,width\n"),
    "turned.csv": table("7,{label},{name}.jpg\n", "width,category,image\n"),
    "tabs.csv": table("{name}.jpg\t{label}\n", "file_name\ttarget\n"),
}


@pytest.mark.parametrize(
    ("name", "place"),
    [*product(TABLES, ["train", "."]), ("train.csv", "beside"), ("Train.CSV", "beside")],
)
def test_a_csv_labels_the_pictures(root: Path, name: str, place: str) -> None:
    """In the folder or above it; names with and without folder and extension, any order of the columns."""
    if name == "train.csv":
        (root / "a_prices.csv").write_text("item,price\nx,3\n")
        (root / "sample_submission.csv").write_text("id,label\na1,x\nb1,x\n")
    (root / ("train" if place == "train" else ".") / name).write_text(TABLES[name])
    images = read(root / "train" if place == "beside" else root)
    assert (images.layout, labels(images)) == ("table", LABELS)
    assert {label for _, _, label in images.new_nodes} == {"cat", "big dog"}


def test_a_table_beside_the_corpus_may_be_another_sets(root: Path) -> None:
    """Outside the named folder, a table with words is only used if it is called like the folder."""
    (root / "labels.csv").write_text(TABLES["labels.csv"])
    with raises(CorpusError, "no images found", "file_name and label"):
        read(root / "train")


def test_classes_of_a_table_are_placed_below_a_node(root: Path) -> None:
    (root / "train.csv").write_text(TABLES["train.csv"])
    assert {(node, above) for node, above, _ in read(root, "n00015388").new_nodes} == {
        ("set/cat", "n00015388"), ("set/big dog", "n00015388"),
    }  # fmt: skip


def test_nodes_in_any_column(root: Path) -> None:
    """A column of node ids counts before a column of words; such a set cannot be placed below a node."""
    text = "split,label,wnid,file\n" + "".join(f"train,x,{CAT if name < 'b' else DOG},{name}.jpg\n" for name in NAMES)
    (root / "train.csv").write_text(text)
    images = read(root)
    assert (images.layout, set(labels(images).values())) == ("ilsvrc-val", {CAT, DOG})
    with raises(CorpusError, "set names nodes", "n00015388"):
        read(root, "n00015388")


def test_numbers_of_classes_are_no_file_names(tmp_path: Path) -> None:
    """Where files are numbered as classes are, the column that names more files is the one of their names."""
    for i in range(6):
        save(tmp_path / "set" / f"{i}.jpg")
    (tmp_path / "set" / "labels.csv").write_text("label,id\n" + "".join(f"{i % 2},{i}\n" for i in range(6)))
    assert labels(read(tmp_path / "set")) == {str(i): str(i % 2) for i in range(6)}


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
@pytest.mark.parametrize("deeper", [False, True])
def test_the_hubs_image_folder(tmp_path: Path, name: str, deeper: bool) -> None:
    """metadata.csv or .jsonl with file_name and label, also for files in folders below."""
    where = "pictures/" if deeper else ""
    for stem in NAMES:
        save(tmp_path / "set" / "train" / f"{where}{stem}.jpg")
    rows = [{"file_name": f"{where}{stem}.jpg", "text": f"a {stem}", "label": label} for stem, label in LABELS.items()]
    as_csv = "file_name,text,label\n" + "".join(",".join(row.values()) + "\n" for row in rows)
    text = as_csv if name.endswith("csv") else "".join(json.dumps(row) + "\n" for row in rows) + "damaged\n"
    (tmp_path / "set" / "train" / name).write_text(text)
    images = read(tmp_path / "set")
    assert (images.layout, labels(images)) == ("table", LABELS)


@pytest.mark.parametrize(
    "text",
    [
        table("{name}.jpg,{label},7\n", "file_name,words,width\n"),
        "file_name,text\n" + "".join(f"{name}.jpg,a picture {name}\n" for name in NAMES),
    ],
)
def test_an_unclear_table_is_refused_with_the_reason(root: Path, text: str) -> None:
    """Where no column is clearly the one of labels, nothing is guessed: captions, which all differ, are no labels."""
    (root / "train" / "metadata.csv").write_text(text)
    with raises(CorpusError, "no images found", "metadata.csv names the pictures", "'label'"):
        read(root)


def test_a_table_of_several_parts(root: Path) -> None:
    """Rows of another part are not missing; pictures without a row, and rows without a picture, are listed."""
    save(root / "test" / "c1.jpg")
    save(root / "train" / "unnamed.jpg")
    (root / "all.csv").write_text(
        "path,label\n" + table("train/{name}.jpg,{label}\n") + "test/c1.jpg,cat\ntrain/gone.jpg,cat\n../../x.jpg,cat\n"
    )
    images = read(root)
    assert labels(images) == LABELS | {"c1": "cat"}
    reasons = {problem.path: problem.reason for problem in images.problems}
    assert reasons["set/train/unnamed.jpg"] == "no label"
    assert reasons["set/train/train/gone.jpg"] == "missing file"
    assert set(reasons.values()) == {"no label", "missing file"}


def test_plain_folders_keep_their_classes_beside_a_table(root: Path) -> None:
    """A table that lists the files of class folders changes nothing."""
    for name in ("oak", "elm"):
        save(root / "train" / name / f"{name}.jpg")
    for name in NAMES:
        (root / "train" / f"{name}.jpg").unlink()
    (root / "set.csv").write_text("path,label\ntrain/oak/oak.jpg,tree\ntrain/elm/elm.jpg,tree\n")
    assert read(root).layout == "folders"


# ILSVRC


def make_val(folder: Path) -> Path:
    for i in (1, 2, 3):
        save(folder / f"ILSVRC2012_val_0000000{i}.JPEG")
    return folder


WANTED = [CAT, DOG, CAT]


@pytest.mark.parametrize("place", [".", "..", "../ILSVRC2012_devkit_t12/data"])
def test_the_development_kits_ground_truth(tmp_path: Path, place: str) -> None:
    """Its numbers are explained by meta.mat beside it, which is not in the order of the WNIDs."""
    val = make_val(tmp_path / "imagenet" / "ILSVRC2012_img_val")
    (val / place).mkdir(parents=True, exist_ok=True)
    (val / place / "ILSVRC2012_validation_ground_truth.txt").write_text("1\n2\n1\n")
    with raises(CorpusError, "no images found", "meta.mat"):
        read(tmp_path / "imagenet")
    synsets = np.array(
        [(1, CAT, "cat"), (2, DOG, "dog")], [("ILSVRC2012_ID", object), ("WNID", object), ("words", object)]
    )
    savemat(val / place / "meta.mat", {"synsets": synsets})
    images = read(tmp_path / "imagenet")
    assert (images.layout, [file.node for file in images.files]) == ("ilsvrc-val", WANTED)


def test_a_list_of_synsets_in_the_order_of_the_pictures(tmp_path: Path) -> None:
    val = make_val(tmp_path / "val")
    (tmp_path / "imagenet_2012_validation_synset_labels.txt").write_text("\n".join(WANTED))
    assert [file.node for file in read(val).files] == WANTED


def test_kaggles_imagenet(tmp_path: Path) -> None:
    """The table of the validation pictures lies three folders above them."""
    root = tmp_path / "kaggle"
    make_val(root / "ILSVRC" / "Data" / "CLS-LOC" / "val")
    save(root / "ILSVRC" / "Data" / "CLS-LOC" / "train" / DOG / f"{DOG}_1.JPEG")
    save(root / "ILSVRC" / "Data" / "CLS-LOC" / "test" / "ILSVRC2012_test_00000001.JPEG")
    (root / "ILSVRC" / "Annotations" / "CLS-LOC" / "val").mkdir(parents=True)
    (root / "LOC_sample_submission.csv").write_text("ImageId,PredictionString\nILSVRC2012_test_00000001,862 0 0 1 1\n")
    (root / "LOC_train_solution.csv").write_text(f"ImageId,PredictionString\n{DOG}_1,{DOG} 1 2 3 4\n")
    rows = "".join(f"ILSVRC2012_val_0000000{i},{node} 1 2 3 4\n" for i, node in enumerate(WANTED, start=1))
    (root / "LOC_val_solution.csv").write_text(f"ImageId,PredictionString\n{rows}")
    images = read(root)
    assert images.layout == "imagenet + ilsvrc-val"
    assert sorted(file.node for file in images.files) == sorted([*WANTED, DOG])
    assert "no labels" in {problem.reason for problem in images.problems}
