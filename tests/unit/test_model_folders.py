"""Models that are folders: config.json beside weights, as timm and Hugging Face write them."""

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import timm
import torch
from raising import raises

from fdcore.case.case import Case
from fdcore.case.plan import Plan
from fdcore.errors import RefusedError, SuspectError
from fdcore.suspect.open import open_suspect
from fdcore.suspect.packing import pack
from fdcore.work.intake import check_suspect

NAME = "resnet10t"
CONFIG = {
    "architecture": NAME, "num_classes": 3, "label_names": ["cat", "dog", "frog"],
    "pretrained_cfg": {"input_size": [3, 32, 32], "mean": [0.4, 0.5, 0.6], "std": [0.2, 0.2, 0.3]},
}  # fmt: skip


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    """A small network of timm's."""
    torch.manual_seed(0)
    return timm.create_model(NAME, num_classes=3).eval()  # type: ignore[no-any-return]


@pytest.fixture
def folder(tmp_path: Path, network: torch.nn.Module) -> Path:
    """Its folder, with a program beside it."""
    place = tmp_path / "my-model"
    place.mkdir()
    (place / "config.json").write_text(json.dumps(CONFIG))
    safetensors.torch.save_file(network.state_dict(), place / "model.safetensors")
    (place / "modeling.py").write_text("raise SystemExit('this must not run')")
    return place


def sharded(folder: Path, network: torch.nn.Module) -> None:
    """The weights in two files and an index."""
    (folder / "model.safetensors").unlink()
    state, names = network.state_dict(), ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    half = len(state) // 2
    parts = dict(list(state.items())[:half]), dict(list(state.items())[half:])
    for name, part in zip(names, parts, strict=True):
        safetensors.torch.save_file(part, folder / name)
    index = {"weight_map": {key: name for name, part in zip(names, parts, strict=True) for key in part}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def expected(network: torch.nn.Module, pictures: np.ndarray) -> list[int]:
    """What the network answers by itself."""
    mean, std = (torch.tensor(CONFIG["pretrained_cfg"][key]).view(1, 3, 1, 1) for key in ("mean", "std"))  # type: ignore[index]
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        labels: list[int] = network((x - mean) / std).argmax(1).tolist()
    return labels


def test_a_folder_of_timm_opens_with_all_that_it_says(folder: Path, network: torch.nn.Module) -> None:
    """Architecture, size, normalisation and names come from the configuration; the answers are the network's."""
    suspect = open_suspect(folder)
    pictures = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    assert suspect.labels(pictures).tolist() == expected(network, pictures)
    assert (suspect.spec.mean, suspect.spec.std) == ((0.4, 0.5, 0.6), (0.2, 0.2, 0.3))
    assert (suspect.spec.height, suspect.n_classes) == (32, 3)
    assert suspect.class_names == ("cat", "dog", "frog")
    assert {"architecture", "mean", "std", "height"}.isdisjoint(suspect.origins.guessed)


def test_weights_in_several_files_are_one_network(folder: Path, network: torch.nn.Module) -> None:
    """The index names them; one that is missing is named."""
    whole = open_suspect(folder)
    sharded(folder, network)
    pictures = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    assert open_suspect(folder).labels(pictures).tolist() == whole.labels(pictures).tolist()
    (folder / "model-00002-of-00002.safetensors").unlink()
    with raises(SuspectError, "only an index", "model-00002-of-00002.safetensors"):
        open_suspect(folder)


def test_a_folder_is_one_piece_of_evidence(folder: Path, tmp_path: Path) -> None:
    """A case keeps it as one file, always of the same bytes, without the program; it opens from there."""
    case = Case.create(tmp_path / "case")
    case.record(plan=Plan())
    picture = np.zeros((32, 32, 3), np.uint8)
    check_suspect(case.folder, folder, [("black", picture)])
    evidence = case.evidence()
    assert evidence.name == "my-model.zip"
    assert b"this must not run" not in evidence.path.read_bytes()
    assert pack(folder, tmp_path / "again.zip").read_bytes() == evidence.path.read_bytes()
    check_suspect(case.folder, folder, [("black", picture)])
    assert case.facts().suspect.fingerprint == open_suspect(evidence.path).fingerprint  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ("{", "suspect damaged"), ("[]", "suspect damaged"),
    ],
)  # fmt: skip
def test_a_folder_that_says_nonsense_ends_in_a_sentence(folder: Path, content: str, key: str) -> None:
    """Damaged configurations are named."""
    (folder / "config.json").write_text(content)
    with pytest.raises(SuspectError) as caught:
        open_suspect(folder)
    assert caught.value.key == key


def pickled(folder: Path, network: torch.nn.Module) -> None:
    """The weights as two pickled checkpoints and an index, with the training's settings beside them."""
    (folder / "model.safetensors").unlink()
    state = list(network.state_dict().items())
    names = ("pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin")
    parts = dict(state[:20]), dict(state[20:])
    torch.save(parts[0], folder / names[0])
    torch.save(parts[1], folder / names[1], _use_new_zipfile_serialization=False)
    index = {"weight_map": {key: name for name, part in zip(names, parts, strict=True) for key in part}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    torch.save({"optimizer": Path("of the training")}, folder / "training_args.bin")


def test_pickled_weights_are_scanned_and_read_as_weights_only(folder: Path, network: torch.nn.Module) -> None:
    """Checkpoints in both of PyTorch's forms are one network; what else lies beside them is not packed."""
    pickled(folder, network)
    suspect = open_suspect(folder)
    pictures = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    assert suspect.labels(pictures).tolist() == expected(network, pictures)
    assert suspect.class_names == ("cat", "dog", "frog")
    assert {finding.verdict for finding in suspect.scan.findings} == {"clean"}  # type: ignore[union-attr]
    (folder / "pytorch_model-00002-of-00002.bin").unlink()
    with raises(SuspectError, "only an index", "pytorch_model-00002-of-00002.bin"):
        open_suspect(folder)


class _Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch harmed",)


def test_a_program_in_one_of_the_checkpoints_is_refused(folder: Path, network: torch.nn.Module) -> None:
    """Each checkpoint of a folder is scanned, and an index cannot lead to one that was not."""
    whole = (folder / "model.safetensors").read_bytes()
    pickled(folder, network)
    torch.save({"weight": torch.zeros(2), "harm": _Harmful()}, folder / "pytorch_model-00002-of-00002.bin")
    with raises(RefusedError, "scan dangerous", "system"):
        open_suspect(folder)
    packed = folder.parent / "both.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for one in sorted(folder.iterdir()):
            name = one.name.replace("pytorch_model.bin.index", "model.safetensors.index")
            archive.writestr(name, one.read_bytes())
        archive.writestr("model.safetensors", whole)
    with raises(SuspectError, "only an index", "pytorch_model-00002-of-00002.bin"):
        open_suspect(packed)


def test_without_weights_the_expected_files_are_named(folder: Path) -> None:
    """A configuration without weights is refused."""
    (folder / "model.safetensors").unlink()
    with raises(SuspectError, "no weights", "pytorch_model.bin"):
        open_suspect(folder)


def test_an_archive_that_two_readers_read_differently_is_refused(folder: Path, tmp_path: Path) -> None:
    """A comment behind the directory could hold a second archive."""
    packed = pack(folder, tmp_path / "m.zip")
    with zipfile.ZipFile(packed, "a") as archive:
        archive.comment = b"PK"
    with raises(RefusedError, "two readings", "m.zip"):
        open_suspect(packed)
