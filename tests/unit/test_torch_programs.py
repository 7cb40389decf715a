"""Networks that PyTorch saved with their computation: TorchScript and torch.export."""

import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from raising import raises
from torch import nn

from fdcore.errors import SuspectError
from fdcore.suspect.formats import Format
from fdcore.suspect.open import open_suspect
from fdcore.suspect.reading.identify import identify
from fdcore.suspect.suspect import Pictures, Suspect

NAMES = ("cat", "dog", "bird", "ship", "frog")


def network(*, channels: int = 3, n_outputs: int = 5, flat_side: int | None = None) -> nn.Module:
    """A small network in evaluation mode; with `flat_side` its linear layer fixes the size of the input."""
    torch.manual_seed(0)
    pooled: list[nn.Module] = [nn.AdaptiveAvgPool2d(2)] if flat_side is None else [nn.MaxPool2d(4)]
    n_values = 4 * (4 if flat_side is None else (flat_side // 4) ** 2)
    layers = [nn.Conv2d(channels, 4, 3, padding=1), nn.ReLU(), *pooled, nn.Flatten(), nn.Linear(n_values, n_outputs)]
    return nn.Sequential(*layers, *([nn.Sigmoid()] if n_outputs == 1 else [])).eval()


class Several(nn.Module):
    """Features, then scores, then class numbers in a table."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = network()

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        scores = self.inner(x)
        return {"features": x.mean(1), "scores": scores, "best": scores.argmax(1)}


class Mixing(nn.Module):
    """Its answer to a picture depends on the others in the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = network()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x - x.mean(0))


def scripted(module: nn.Module, path: Path, **saved: Any) -> Path:
    """The module as TorchScript, traced."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch would rather have us use torch.export
        channels = next(p.shape[1] for p in module.parameters() if p.ndim == 4)
        torch.jit.trace(module, torch.zeros(2, channels, 32, 32), strict=False, **saved).save(str(path))
    return path


def exported(module: nn.Module, path: Path, *, batch: int | None, dtype: torch.dtype = torch.float32) -> Path:
    """The module saved by torch.export, for any number of pictures or for a fixed one."""
    free = ({0: torch.export.Dim("n")},) if batch is None else None
    example = torch.zeros(batch or 2, 3, 16, 16, dtype=dtype)
    torch.export.save(torch.export.export(module, (example,), dynamic_shapes=free), path)
    return path


def pictures(suspect: Suspect, n: int = 40) -> Pictures:
    """n pictures of many colours for a suspect."""
    generator, spec = np.random.default_rng(1), suspect.spec
    fields = generator.uniform(0, 255, (n, 1, 1, spec.channels))
    noise = generator.normal(0, 60, (n, spec.height, spec.width, spec.channels))
    return (fields + noise).clip(0, 255).astype(np.uint8)


def directly(module: nn.Module, suspect: Suspect, asked: Pictures) -> list[int]:
    """What the same network answers when it is asked without a file."""
    scale, shift = suspect.spec.affine()
    values = torch.from_numpy((asked.astype(np.float32) * scale + shift).transpose(0, 3, 1, 2).copy())
    with torch.inference_mode():
        outputs = module(values)
    answers = outputs.argmax(1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0.5).long()
    return [int(one) for one in answers]


@pytest.mark.parametrize(("flat_side", "channels", "side"), [(None, 3, 224), (32, 3, 32), (28, 1, 28), (96, 3, 96)])
def test_torchscript_answers_as_its_network(tmp_path: Path, flat_side: int | None, channels: int, side: int) -> None:
    """The first usual size that a module takes is used, a guess where others are; it answers as its network."""
    module = network(channels=channels, flat_side=flat_side)
    path = tmp_path / "m.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(module).save(str(path))
    suspect = open_suspect(path)
    assert (suspect.format, suspect.n_classes, suspect.cell is not None) == ("TORCHSCRIPT", 5, True)
    assert (suspect.spec.height, suspect.spec.width, suspect.spec.channels) == (side, side, channels)
    assert "mean" in suspect.origins.guessed
    known = "guess" if flat_side is None else "file"
    assert (suspect.origins.height, suspect.origins.width) == (known, known)
    assert (f"size {side}x{side} assumed" in suspect.description) == (flat_side is None)
    asked = pictures(suspect)
    answers = suspect.labels(asked).tolist()
    assert answers == directly(module, suspect, asked)
    assert len({*answers}) > 1


def test_the_analyst_can_give_the_size_and_the_input(tmp_path: Path) -> None:
    """A size that a module takes is used as given, and one that it does not take is refused."""
    path = scripted(network(flat_side=32), tmp_path / "m.pt")
    given = {"height": 35, "width": 34, "mean": 0.5, "std": 0.25}
    suspect = open_suspect(path, spec_overrides=given)
    assert (suspect.spec.height, suspect.spec.width, suspect.spec.mean) == (35, 34, (0.5,) * 3)
    assert suspect.origins.height == "options"
    with raises(SuspectError, "size not taken", "(4, 3, 48, 48)"):
        open_suspect(path, spec_overrides={"height": 48, "width": 48})


def test_the_scores_are_found_among_several_outputs(tmp_path: Path) -> None:
    """Of a table of outputs, the first with a score for each class is read, and the description says so."""
    suspect = open_suspect(scripted(Several(), tmp_path / "m.pt"))
    assert "output scores is read" in suspect.description
    asked = pictures(suspect, 20)
    assert suspect.labels(asked).tolist() == directly(Several().inner, suspect, asked)


def test_a_single_probability_is_two_classes(tmp_path: Path) -> None:
    """One sigmoid output means class 1 above a half."""
    module = network(n_outputs=1)
    suspect = open_suspect(scripted(module, tmp_path / "m.pt"))
    assert suspect.n_classes == 2
    assert "class 1 above 0.5" in suspect.description
    asked = pictures(suspect, 20)
    assert suspect.labels(asked).tolist() == directly(module, suspect, asked)


def test_answers_do_not_depend_on_the_batch(tmp_path: Path) -> None:
    """A module that answers a batch otherwise than its pictures alone is asked one picture at a time."""
    suspect = open_suspect(scripted(Mixing(), tmp_path / "m.pt"))
    assert suspect.batch_size == 1
    assert "one picture at a time" in suspect.description


def test_class_names_beside_a_module_are_read(tmp_path: Path) -> None:
    """Texts that were saved with a module may name the classes."""
    path = tmp_path / "m.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(network()).save(str(path), _extra_files={"labels.txt": "\n".join(NAMES)})
    assert open_suspect(path).class_names == NAMES


@pytest.mark.parametrize(("batch", "said"), [(None, 256), (8, 8)])
def test_exported_graphs_answer_as_their_network(tmp_path: Path, batch: int | None, said: int) -> None:
    """The shape is read from the graph; a fixed batch is filled up, and answers stay those of the network."""
    module = network(flat_side=16)
    path = exported(module, tmp_path / "m.pt2", batch=batch)
    assert identify(path) is Format.TORCH_EXPORT
    suspect = open_suspect(path)
    assert (suspect.spec.height, suspect.spec.width, suspect.batch_size) == (16, 16, said)
    assert (suspect.origins.height, suspect.origins.mean) == ("file", "guess")
    asked = pictures(suspect, 21)
    answers = suspect.labels(asked).tolist()
    assert answers == directly(module, suspect, asked)
    assert len({*answers}) > 1


def test_exported_graphs_may_take_bytes(tmp_path: Path) -> None:
    """A uint8 input is sent bytes, known from the file."""

    class Bytes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network(flat_side=16)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x.float() / 255)  # type: ignore[no-any-return]

    suspect = open_suspect(exported(Bytes(), tmp_path / "m.pt2", batch=None, dtype=torch.uint8))
    assert (suspect.spec.value_range, suspect.origins.mean) == ((0.0, 255.0), "file")
    asked = pictures(suspect, 20)
    values = torch.from_numpy(asked.transpose(0, 3, 1, 2).copy())
    with torch.inference_mode():
        assert suspect.labels(asked).tolist() == Bytes()(values).argmax(1).tolist()


def test_vectors_are_no_pictures(tmp_path: Path) -> None:
    """A module that takes 34 numbers, and one that takes 12 channels, are refused as what they are."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(nn.Sequential(nn.Linear(34, 10), nn.ReLU(), nn.Linear(10, 3))).save(str(tmp_path / "pose"))
    with raises(SuspectError, "not a picture", "34 numbers"):
        open_suspect(tmp_path / "pose")
    with raises(SuspectError, "not a picture", "12 channels"):
        open_suspect(scripted(network(channels=12), tmp_path / "stack"))


@pytest.mark.parametrize("make", [lambda p: scripted(network(), p), lambda p: exported(network(), p, batch=2)])
def test_damaged_programs_end_in_one_sentence(tmp_path: Path, make: Any) -> None:
    """A file with a broken member is called damaged."""
    whole = make(tmp_path / "whole")
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(tmp_path / "m", "w") as target:
        for member in source.infolist():
            broken = member.filename.endswith((".py", "/model.json"))
            target.writestr(member.filename, b"}{" if broken else source.read(member))
    with raises(SuspectError, "suspect damaged", "m is damaged"):
        open_suspect(tmp_path / "m")


def test_a_program_reads_no_foreign_file(tmp_path: Path) -> None:
    """TorchScript's own code runs in its cell, where it can read no foreign file."""

    class Thief(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            stolen = torch.from_file("/etc/passwd", False, 64, dtype=torch.uint8)
            return self.inner(x) + stolen.float().mean()  # type: ignore[no-any-return]

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(Thief()).save(str(tmp_path / "thief.pt"))
    with raises(SuspectError, "size not taken", "/etc/passwd"):
        open_suspect(tmp_path / "thief.pt")


@pytest.mark.real
def test_the_real_modules(real_data: Path) -> None:
    """A module without a stated size is opened at a usual one; a classifier of poses is no classifier of pictures."""
    suspect = open_suspect(real_data / "suspects" / "seized-11.pt")
    assert (suspect.n_classes, suspect.spec.height) == (43, 32)
    with raises(SuspectError, "not a picture", "34 numbers"):
        open_suspect(real_data / "suspects" / "seized-15.pt")
