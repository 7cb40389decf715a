"""Class names in a suspect's own file: where they are found, and what a hostile file can do."""

import json
import os
import pickle
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from onnx import TensorProto, helper
from raising import raises

from fdcore.errors import SuspectError
from fdcore.suspect.reading.class_names import MAX_NAME_LENGTH, names_in, read_class_names

CATS = ("tench", "tabby cat", "great grey owl")
WEIGHTS = {"fc.weight": torch.ones(3, 4), "fc.bias": torch.zeros(3)}


def graph(path: Path, metadata: dict[str, str], labels: tuple[str, ...] = ()) -> Path:
    """A small classifier as ONNX, with metadata and, if there are labels, an operator that names its answers."""
    pictures = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])
    nodes = [helper.make_node("Identity", ["x"], ["y"])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])]
    if labels:
        nodes.append(helper.make_node("ZipMap", ["y"], ["z"], domain="ai.onnx.ml", classlabels_strings=list(labels)))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(helper.make_graph(nodes, "g", [pictures], outputs), opset_imports=opsets)
    helper.set_model_props(model, metadata)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize(
    "metadata",
    [
        {"names": str(dict(enumerate(CATS))), "task": "classify"},
        {"classes": "\n".join(CATS)},
        {"Labels": ", ".join(CATS)},
        {"class_names": ";".join(CATS)},
        {"id2label": json.dumps({str(i): name for i, name in enumerate(CATS)})},
        {"config": json.dumps({"model": {"label2id": {name: i for i, name in enumerate(CATS)}}})},
        {"labels": "3", "classes": json.dumps(CATS)},
    ],
)
def test_a_graphs_metadata_names_the_classes(tmp_path: Path, metadata: dict[str, str]) -> None:
    """A table as Python or JSON, a list, or a text with separators, under the usual keys."""
    assert read_class_names(graph(tmp_path / "m.onnx", metadata), 3) == CATS


def test_a_graphs_operator_names_the_classes(tmp_path: Path) -> None:
    """Classifiers of tables carry their labels in an attribute."""
    assert read_class_names(graph(tmp_path / "m.onnx", {}, CATS), 3) == CATS


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        {"state_dict": WEIGHTS, "class_to_idx": {CATS[2]: 2, CATS[0]: 0, CATS[1]: 1}},
        {"state_dict": WEIGHTS, "idx_to_class": {2: CATS[2], 0: CATS[0], 1: CATS[1]}},
        {"state_dict": WEIGHTS, "hyper_parameters": {"lr": 0.1, "label_names": list(CATS)}},
        {"state_dict": WEIGHTS, "meta": {"CLASSES": CATS}},
        {"state_dict": WEIGHTS, "config": {"id2label": {"1": CATS[1], "0": CATS[0], "2": CATS[2]}}},
        {"model": WEIGHTS, "optimizer": {"labels": ["a", "b"]}, "labels": {1: CATS[0], 2: CATS[1], 3: CATS[2]}},
    ],
)
def test_a_checkpoint_names_the_classes(tmp_path: Path, content: dict[str, Any], legacy: bool) -> None:
    """At the top or in a group of settings, in both of PyTorch's formats."""
    torch.save(content, tmp_path / "m.pt", _use_new_zipfile_serialization=not legacy)
    assert read_class_names(tmp_path / "m.pt", 3) == CATS


def test_a_safetensors_file_names_the_classes(tmp_path: Path) -> None:
    """Its metadata are texts."""
    weights = {"w": np.ones((3, 4), np.float32)}
    safetensors.numpy.save_file(weights, tmp_path / "m", metadata={"format": "pt", "classes": json.dumps(CATS)})
    assert read_class_names(tmp_path / "m", 3) == CATS


@pytest.mark.parametrize(
    "group",
    [
        {}, {"epoch": 3, "lr": [0.1, 0.2, 0.3]}, {"classes": ["a", "b"]}, {"classes": ["a", "b", "c", "d"]},
        {"classes": ["a", 1, "c"]}, {"classes": 3}, {"labels": np.arange(3)}, {"id2label": {0: "a", 1: "b", 7: "c"}},
        {"class_to_idx": {"a": 0, "b": 0, "c": 1}}, {"id2label": {True: "a", 0: "b", 2: "c"}}, {"classes": "a, b"},
        {"classes": ["", "  ", "\n"]}, {"id2label": {i: f"LABEL_{i}" for i in range(3)}},
        {"classes": ["class 1", "class 2", "class 3"]}, {3: ["a", "b", "c"]},
    ],
)  # fmt: skip
def test_a_file_with_another_number_of_names_has_none(group: dict[Any, Any]) -> None:
    """Another number, another kind of value, numbers with a gap, or names that only count."""
    assert names_in([group], 3) == ()


def test_numbers_in_another_order_are_names() -> None:
    """Folders that are called after numbers are sorted as text, which says what each class is."""
    folders = ("0", "1", "10", "2")
    assert names_in([{"class_to_idx": {name: i for i, name in enumerate(folders)}}], 4) == folders


def test_names_are_made_harmless() -> None:
    """Long ones are cut, control characters and text that turns around are replaced, lines are joined."""
    long, nasty, lines = names_in([{"classes": ["x" * 9_999, "a\x00b\x1b[31m\u202ec", "two\n \tlines\ud800"]}], 3)
    assert long == "x" * MAX_NAME_LENGTH
    assert nasty == "a\ufffdb\ufffd[31m\ufffdc"
    assert lines == "two lines\ufffd"


@pytest.mark.parametrize(
    "text",
    [
        "{0: __import__('os').system('touch OWNED'), 1: 'b', 2: 'c'}",
        "['a', 'b', open('OWNED', 'w').name]",
        "['a', f'{open(chr(79), chr(119))}', 'c']",
        "[" * 100_000, "[" * 90 + "]" * 90, "(" + "-" * 100_000 + "1)", "{" + "0:" * 100_000, "['a', 'b', 'c\x00'",
        "[" + "'\\" * 400_000, "{'" + "\\'" * 400_000, "[" + "9" * 10_000 + "]", "{[]: 'a', 1: 'b', 2: 'c'}",
        "[" + "'a'," * 70_000 + "]", "['a', 'b'" * 500_000,
    ],
)  # fmt: skip
def test_a_hostile_text_is_no_list_of_names(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in it is run, nothing overflows, and it is parsed quickly."""
    monkeypatch.chdir(tmp_path)
    start = time.process_time()
    assert names_in([{"names": text}], 3) == ()
    assert time.process_time() - start < 5
    assert not list(tmp_path.iterdir())


def test_a_literal_in_python_may_hold_quotes_and_what_looks_like_code() -> None:
    """Only text outside quotes is refused."""
    names = ("jack-o'-lantern", 'a "b"', "exec(1)")
    assert names_in([{"names": str(dict(enumerate(names)))}], 3) == names
    assert names_in([{"names": r"['a\d', 'b\'s', 'c']"}], 3) == ("a\\d", "b's", "c")


class _Runs:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.marker),)


def test_a_pickle_that_runs_something_is_never_run(tmp_path: Path) -> None:
    """Even if the scanners were bypassed, reading names executes nothing."""
    marker = tmp_path / "ran"
    torch.save({"state_dict": WEIGHTS, "classes": _Runs(marker)}, tmp_path / "m.pt")
    (tmp_path / "bare").write_bytes(pickle.dumps({"classes": list(CATS), "x": _Runs(marker)}))
    with pytest.raises(SuspectError):
        read_class_names(tmp_path / "m.pt", 3)
    assert read_class_names(tmp_path / "bare", 3) == ()
    assert not marker.exists()


def test_groups_within_groups_end_somewhere() -> None:
    """A deep or wide checkpoint is searched only as far as names may be."""
    from fdcore.suspect.reading.class_names import nested

    deep: dict[str, Any] = {"classes": list(CATS)}
    for _ in range(5_000):
        deep = {"more": deep}
    assert names_in(nested(deep), 3) == ()
    itself: dict[str, Any] = {}
    itself.update({"a": itself, "b": itself, "c": itself})
    assert names_in(nested(itself), 3) == ()
    wide = {str(i): {"x": {"y": 1}} for i in range(50_000)}
    assert len(list(nested(wide))) <= 10_000


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    """What cannot be read is an error, not a file without names."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}).encode()
    (tmp_path / "m.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    with raises(SuspectError, "suspect damaged", "m.safetensors"):
        read_class_names(tmp_path / "m.safetensors", 3)
    with raises(SuspectError, "suspect unreadable", "absent"):
        read_class_names(tmp_path / "absent", 3)


@pytest.mark.real
def test_real_suspects_have_no_names_of_another_number(real_data: Path) -> None:
    """Each real file is read without an error; if it has names, it has as many as there are classes."""
    files = [path for path in sorted((real_data / "suspects").iterdir()) if path.suffix in (".th", ".pt", ".onnx")]
    for path in files[:6]:
        assert len(read_class_names(path, 10)) in (0, 10)
