"""Identifying a file's kind from its content."""

import io
import json
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from onnx import TensorProto, helper
from raising import raises

from fdcore.errors import SuspectError
from fdcore.suspect.formats import Format, require_supported
from fdcore.suspect.reading.identify import identify


def torch_file(zipped: bool) -> bytes:
    """A state dict as PyTorch saves it."""
    buffer = io.BytesIO()
    torch.save({"fc.weight": torch.ones(2, 3)}, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def onnx_file() -> bytes:
    """A graph of one node."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", values[:1], values[1:])
    return bytes(helper.make_model(graph).SerializeToString())


def zip_file(*names: str) -> bytes:
    """An archive with empty members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    return buffer.getvalue()


def array_file() -> bytes:
    """A NumPy array."""
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


CONTENTS = {
    Format.TORCH_ZIP: torch_file(True),
    Format.TORCH_LEGACY: torch_file(False),
    Format.SAFETENSORS: safetensors.torch.save({"fc.weight": torch.ones(2, 3)}),
    Format.HUB: zip_file("config.json", "model.safetensors", "pytorch_model.bin"),
    Format.HUB_PICKLED: zip_file("config.json", "pytorch_model-00001-of-00002.bin"),
    Format.ONNX: onnx_file(),
    Format.TORCHSCRIPT: zip_file("m/code/__torch__.py", "m/data.pkl", "m/constants.pkl"),
    Format.TORCH_EXPORT: zip_file("m/models/model.json", "m/data/weights/weight_0", "m/archive_format"),
    Format.PICKLE: pickle.dumps({"weights": [1.0, 2.0]}),
    Format.TAR_CHECKPOINT: b"\0" * 257 + b"ustar" + b"\0" * 300,
    Format.TFLITE: b"\x1c\0\0\0TFL3" + b"\0" * 100,
    Format.HDF5: b"\x89HDF\r\n\x1a\n" + b"\0" * 100,
    Format.KERAS: zip_file("metadata.json", "config.json", "model.weights.h5"),
    Format.SKOPS: zip_file("schema.json", "1234.npy"),
    Format.SAVED_MODEL: b"\x08\x01\x12\x02ab",
    Format.TF_GRAPH: b"\x0a\x02ab\x22\x00",
    Format.GGUF: b"GGUF\x03\0\0\0",
    Format.NUMPY: array_file(),
    Format.TABLE: b"picture,answer\na.png,3\nb.png,4\n",
    Format.ARCHIVE: zip_file("readme.txt"),
    Format.WEB_PAGE: b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>",
    Format.EMPTY: b"",
    Format.UNKNOWN: b"There is nothing here but words.\n",
}


@pytest.mark.parametrize("kind", list(Format), ids=lambda kind: kind.name)
@pytest.mark.parametrize("name", ["suspect.pth", "suspect.onnx"])
def test_content_decides_the_kind_under_any_name(tmp_path: Path, kind: Format, name: str) -> None:
    """Each kind of file is identified from its content, under a right and a wrong extension."""
    (tmp_path / name).write_bytes(CONTENTS[kind])
    assert identify(tmp_path / name) is kind


def test_text_pickles_and_arrays_of_arrays_are_known(tmp_path: Path) -> None:
    """The oldest pickle protocol, which is text, and archives of arrays are identified too."""
    (tmp_path / "old").write_bytes(pickle.dumps({"a": 1}, protocol=0))
    np.savez(tmp_path / "arrays.npz", a=np.zeros(2))
    assert identify(tmp_path / "old") is Format.PICKLE
    assert identify(tmp_path / "arrays.npz") is Format.NUMPY


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf\n<HTML lang=en>",
        b"<!-- saved from a mirror -->\n<html>",
        b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
    ],
)
def test_web_pages_are_known_however_they_begin(tmp_path: Path, content: bytes) -> None:
    """Space, comments and capitals before a page, and a store's error in XML, do not hide it."""
    (tmp_path / "m.pth").write_bytes(content)
    assert identify(tmp_path / "m.pth") is Format.WEB_PAGE


POINTER = b"version https://git-lfs.github.com/spec/v1\next-0-a sha256:0\noid sha256:abab\nsize 46830571\n"
INDEX = json.dumps({"metadata": {}, "weight_map": {"a": "m-1-of-2.safetensors", "b": "m-2-of-2.safetensors"}}).encode()


def tar_file(**contents: bytes) -> bytes:
    """A tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "key", "values"),
    [
        (POINTER, "only a pointer", ["46,830,571 bytes"]),
        (INDEX, "only an index", ["m-1-of-2.safetensors, m-2-of-2.safetensors"]),
        (tar_file(one=torch_file(True), two=onnx_file(), notes=b"words"), "several models", [2, "one, two"]),
    ],
)
def test_files_that_point_to_models_say_where_they_are(
    tmp_path: Path, content: bytes, key: str, values: list[object]
) -> None:
    """A pointer says how large the missing file is, an index which files are missing, an archive what it holds."""
    (tmp_path / "m.pth").write_bytes(content)
    with raises(SuspectError, key, "m.pth", *values):
        identify(tmp_path / "m.pth")


def test_an_archive_of_several_models_names_them(tmp_path: Path) -> None:
    """Checkpoints, graphs and safetensors in a zip archive are seen by their content; a single one is not named."""
    contents = {"a/1": torch_file(False), "a/2": CONTENTS[Format.SAFETENSORS], "a/3": onnx_file(), "a/4": b"words"}
    for n in (3, 1):
        with zipfile.ZipFile(tmp_path / str(n), "w", zipfile.ZIP_DEFLATED) as archive:
            for name in [*[*contents][:n], "a/4"]:
                archive.writestr(name, contents[name])
    with raises(SuspectError, "several models", 3, "a/1, a/2, a/3."):
        identify(tmp_path / "3")
    assert identify(tmp_path / "1") is Format.ARCHIVE


@pytest.mark.parametrize("kind", [kind for kind in Format if not kind.supported], ids=lambda kind: kind.name)
def test_unsupported_kinds_are_refused_with_a_remedy(tmp_path: Path, kind: Format) -> None:
    """A file that cannot be opened is refused with its name, its kind and a remedy."""
    with raises(SuspectError, "unsupported format", "model.bin", kind.value[1:]) as caught:
        require_supported("model.bin", kind)
    assert len(str(caught.value)) > 80


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    """A missing file and a folder are refused with the system's reason."""
    with raises(SuspectError, "suspect unreadable", "absent"):
        identify(tmp_path / "absent")
    with raises(SuspectError, "suspect unreadable", tmp_path.name):
        identify(tmp_path)


def test_truncated_archives_say_so(tmp_path: Path) -> None:
    """A checkpoint that was cut off is called damaged and not unknown."""
    (tmp_path / "cut.pth").write_bytes(CONTENTS[Format.TORCH_ZIP][:300])
    with raises(SuspectError, "archive damaged"):
        identify(tmp_path / "cut.pth")


@pytest.mark.parametrize(
    "content",
    [
        b"\x08\x07\x3a\xff\xff\xff\xff\x0f",  # a graph that is longer than the file
        b"\x08" + b"\xff" * 12,  # a number without an end
        b"\x08\x01" * 20_000,  # fields without an end
        (200).to_bytes(8, "little") + b"{" + b"x" * 300,  # a safetensors header that is not JSON
        (1 << 60).to_bytes(8, "little") + b"{}",  # one that is longer than the file
        b"\x80",
        b"\x80\x04",
    ],
)
def test_damaged_beginnings_are_unknown(tmp_path: Path, content: bytes) -> None:
    """Content that only begins like a known kind is of an unknown kind, without reading it whole."""
    (tmp_path / "m").write_bytes(content)
    assert identify(tmp_path / "m") is Format.UNKNOWN


def test_deeply_nested_headers_do_no_harm(tmp_path: Path) -> None:
    """A safetensors header nested beyond the parser's depth is of an unknown kind."""
    header = b'{"a":' * 100_000 + json.dumps({}).encode()
    (tmp_path / "m").write_bytes(len(header).to_bytes(8, "little") + header)
    assert identify(tmp_path / "m") is Format.UNKNOWN


@pytest.mark.real
def test_the_real_suspects_are_identified(real_data: Path) -> None:
    """Files as they were found are identified, one of them under a misleading extension."""
    expected = {"01.th": "TORCH_LEGACY", "02.onnx": "ONNX", "03.onnx": "ONNX", "04.bin": "ONNX", "05.pt": "TORCH_ZIP",
                "06.onnx": "ONNX", "07.pth": "TORCH_ZIP", "08.pth": "TORCH_ZIP", "09.tflite": "TFLITE"}  # fmt: skip
    found = {name: identify(real_data / "suspects" / f"seized-{name}").name for name in expected}
    assert found == expected
