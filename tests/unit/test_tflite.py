"""TensorFlow Lite models as suspects."""

import io
import zipfile
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from raising import raises
from tflite_world import SIDE, WEIGHTS, model

from fdcore.errors import SuspectError
from fdcore.suspect.open import open_suspect
from fdcore.suspect.suspect import Suspect

NAMES = ("red", "green", "blue", "grey", "none")


def opened(path: Path, content: bytes, **said: Any) -> Suspect:
    """The model as a suspect."""
    path.write_bytes(content)
    return open_suspect(path, **said)


def pictures(n: int = 30) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Fields of many colours with noise."""
    generator = np.random.default_rng(1)
    fields = generator.uniform(0, 255, (n, 1, 1, 3)) + generator.normal(0, 30, (n, SIDE, SIDE, 3))
    return fields.clip(0, 255).astype(np.uint8)


def scores_of(values: Any) -> Any:
    """What the classifier computes from (N, H, W, 3) real numbers."""
    return values.astype(np.float64).mean(axis=(1, 2)) @ WEIGHTS.T


def test_a_floating_model_answers_as_its_numbers_say(tmp_path: Path) -> None:
    """Shape and layout are read from the file, the range is guessed, and a batch is sent at once."""
    suspect = opened(tmp_path / "m", model())
    spec = suspect.spec
    assert (suspect.format, spec.layout, spec.height, spec.channels) == ("TFLITE", "NHWC", SIDE, 3)
    assert (suspect.n_classes, suspect.batch_size) == (5, 256)
    assert (suspect.origins.height, suspect.origins.mean) == ("file", "guess")
    answers = suspect.labels(pictures())
    assert answers.tolist() == scores_of(pictures() / 255).argmax(1).tolist()
    assert len({*answers.tolist()}) > 1


@pytest.mark.parametrize(
    ("dtype", "quantised", "black", "white"),
    [
        ("UINT8", (1 / 255, 0), 0.0, 1.0),
        ("UINT8", (2 / 255, 128), -1.0039, 0.9961),
        ("INT8", (1 / 255, -128), 0.0, 1.0),
        ("INT8", (1.0, -128), 0.0, 255.0),
        ("INT8", (2 / 255, 0), -1.0039, 0.9961),
    ],
)
def test_quantised_inputs_take_bytes_as_they_are(
    tmp_path: Path, dtype: str, quantised: tuple[float, int], black: float, white: float
) -> None:
    """A byte is sent as it is, or minus 128, whatever real number it stands for; the file says so."""
    suspect = opened(tmp_path / "m", model(dtype=dtype, quantised=quantised))
    assert suspect.spec.value_range == pytest.approx((black, white), abs=1e-3)
    assert (suspect.origins.value_range, suspect.origins.mean) == ("file", "file")
    stored = pictures().astype(np.int64) - (128 if dtype == "INT8" else 0)
    real = (stored - quantised[1]) * np.float32(quantised[0])
    assert suspect.labels(pictures()).tolist() == scores_of(real).argmax(1).tolist()


def test_quantised_scores_are_compared_as_real_numbers(tmp_path: Path) -> None:
    """Whole scores with a scale answer as the scores that they stand for."""
    suspect = opened(tmp_path / "m", model(dtype="INT8", quantised=(1 / 255, -128), out=(0.03, 0)))
    wanted = scores_of(pictures() / 255)
    answers = suspect.labels(pictures())
    best = wanted.max(axis=1) - wanted[np.arange(len(wanted)), answers]
    assert best.max() <= 0.03


def test_a_single_probability_is_two_classes(tmp_path: Path) -> None:
    """One sigmoid output means class 1 above a half."""
    suspect = opened(tmp_path / "m", model(single=True), preset="signed")
    assert suspect.n_classes == 2
    wanted = (scores_of(pictures() / 127.5 - 1)[:, 0] > 0).astype(int)
    assert suspect.labels(pictures()).tolist() == wanted.tolist()


def metadata_of(mean: list[float], std: list[float]) -> bytes:
    """Metadata with the normalisation of the first input."""
    builder = flatbuffers.Builder(256)
    numbers = [builder.CreateNumpyVector(np.array(values, np.float32)) for values in (mean, std)]
    options = table(builder, {0: numbers[0], 1: numbers[1]})
    builder.StartObject(2)
    builder.PrependUint8Slot(0, 1, 0)
    builder.PrependUOffsetTRelativeSlot(1, options, 0)
    tensor = table(builder, {4: vector(builder, builder.EndObject())})
    graph = table(builder, {2: vector(builder, tensor)})
    builder.Finish(table(builder, {3: vector(builder, graph)}), b"M001")
    return bytes(builder.Output())


def table(builder: Any, fields: dict[int, int]) -> int:
    """A table of offsets by field."""
    builder.StartObject(max(fields) + 1)
    for field, offset in fields.items():
        builder.PrependUOffsetTRelativeSlot(field, offset, 0)
    return int(builder.EndObject())


def vector(builder: Any, offset: int) -> int:
    """A vector of one table."""
    builder.StartVector(4, 1, 4)
    builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def test_metadata_gives_normalisation_and_class_names(tmp_path: Path) -> None:
    """Mean and standard deviation in metadata count as the file's, and so do the labels appended to it."""
    content = model(metadata=metadata_of([127.5], [64.0]))
    archive = io.BytesIO()
    archive.write(content)
    with zipfile.ZipFile(archive, "a") as packed:
        packed.writestr("labels.txt", "\n".join(NAMES) + "\n")
    suspect = opened(tmp_path / "m", archive.getvalue())
    assert (suspect.spec.value_range, suspect.spec.mean, suspect.spec.std) == ((0, 255), (127.5,) * 3, (64.0,) * 3)
    assert suspect.origins.mean == "file"
    assert suspect.class_names == NAMES
    wanted = scores_of((pictures() - 127.5) / 64).argmax(1)
    assert suspect.labels(pictures()).tolist() == wanted.tolist()


def test_damaged_metadata_counts_as_none(tmp_path: Path) -> None:
    """Metadata that cannot be read does not keep a model from being opened."""
    for metadata in (b"\0", b"\xff" * 64, metadata_of([1.0, 2.0], [1.0, 2.0]), metadata_of([1.0], [0.0])):
        assert opened(tmp_path / "m", model(metadata=metadata)).origins.mean == "guess"


def test_broken_models_end_in_one_sentence(tmp_path: Path) -> None:
    """A cut model, one of nonsense, and one that takes no pictures are refused."""
    with raises(SuspectError, "suspect damaged", "m is damaged"):
        opened(tmp_path / "m", model()[:300])
    with raises(SuspectError, "suspect damaged", "m is damaged"):
        opened(tmp_path / "m", b"\x1c\0\0\0TFL3" + b"\0" * 100)
    with raises(SuspectError, "not a picture", "(1, 8, 8, 2)"):
        opened(tmp_path / "m", model(channels=2))


@pytest.mark.real
@pytest.mark.parametrize(("name", "n_classes", "shape"), [("09", 100, (128, 128, 3)), ("13", 7, (64, 64, 1))])
def test_the_real_models(real_data: Path, name: str, n_classes: int, shape: tuple[int, ...]) -> None:
    """Models as they were found open and answer."""
    suspect = open_suspect(real_data / "suspects" / f"seized-{name}.tflite")
    assert suspect.n_classes == n_classes
    assert (suspect.spec.height, suspect.spec.width, suspect.spec.channels) == shape
    assert suspect.labels(np.zeros((2, *shape), np.uint8)).shape == (2,)
