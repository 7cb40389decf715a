"""Folders of the transformers library: each opens as the library itself would answer, and brings no program."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from raising import raises

from fdcore.errors import SettingsError, SuspectError
from fdcore.progress import silent
from fdcore.suspect.confined import Opened
from fdcore.suspect.open import open_suspect
from fdcore.suspect.packing import pack
from fdcore.suspect.reading.opening import Request, open_inside
from fdcore.suspect.suspect import Suspect

MISSING = "transformers needs pip install -r requirements-formats.txt"
transformers = pytest.importorskip("transformers", reason=MISSING)
SIDE = 32
SMALL = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16, "image_size": SIDE,
    "patch_size": 8,
}  # fmt: skip
LABELS = dict(enumerate(["cat", "dog", "frog", "horse", "ship"]))


def pictures() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Fields of many colours with noise."""
    generator = np.random.default_rng(0)
    fields = generator.uniform(0, 255, (40, 1, 1, 3)) + generator.normal(0, 60, (40, SIDE, SIDE, 3))
    return fields.clip(0, 255).astype(np.uint8)


def saved(folder: Path, name: str, settings: dict[str, Any], processor: Any) -> Any:
    """A network of this name with random weights, written with its preprocessing as the library writes them."""
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(id2label=LABELS, **settings)
    network = getattr(transformers, f"{name}ForImageClassification")(config).eval()
    for weights in network.parameters():
        if weights.dim() > 1:
            weights.data.normal_(0, (2 / weights[0].numel()) ** 0.5)
    head = [layer for layer in network.modules() if isinstance(layer, torch.nn.Linear)][-1]
    with torch.inference_mode():  # without this, most untrained networks answer one class
        given = processor(list(pictures()), return_tensors="pt", do_resize=False, do_center_crop=False)
        head.bias -= network(**given).logits.mean(0)
    network.save_pretrained(folder)
    processor.save_pretrained(folder)
    return network


def opened(folder: Path, arch: str | None = None) -> tuple[Suspect, Opened]:
    """As a cell opens it, in this process, which has imported the library already."""
    packed = pack(folder, folder.parent / "m.zip")
    return open_inside(packed, Request(arch, {}, None, None, "cpu", None, {}, silent))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small ViT."""
    processor = transformers.ViTImageProcessor(size={"height": SIDE, "width": SIDE})
    saved(tmp_path / "vit", "ViT", SMALL, processor)
    return tmp_path / "vit"


@pytest.mark.parametrize(
    ("name", "settings", "kind", "processing"),
    [
        ("ViT", SMALL, "ViTImageProcessor", {"size": SIDE, "do_rescale": False, "image_mean": [90.0, 120.0, 130.0],
                                             "image_std": [50.0, 60.0, 70.0]}),
        ("ResNet", {"embedding_size": 8, "hidden_sizes": [8, 8], "depths": [1, 1]}, "ConvNextImageProcessor",
         {"size": {"shortest_edge": SIDE}, "crop_pct": 0.875, "image_mean": [0.485, 0.456, 0.406],
          "image_std": [0.229, 0.224, 0.225]}),
        ("MobileViT", {"image_size": SIDE, "hidden_sizes": [16, 16, 16], "neck_hidden_sizes": [8] * 6 + [16],
                       "num_attention_heads": 2}, "MobileViTImageProcessor",
         {"size": {"shortest_edge": 36}, "crop_size": {"height": SIDE, "width": SIDE}}),
    ],
)  # fmt: skip
def test_a_folder_answers_as_the_library_does(
    tmp_path: Path, name: str, settings: dict[str, Any], kind: str, processing: dict[str, Any]
) -> None:
    """Weights, size, normalisation, order of the colours and names are those that the folder specifies."""
    processor = getattr(transformers, kind)(**processing)
    network = saved(tmp_path / "m", name, settings, processor)
    given = processor(list(pictures()), return_tensors="pt", do_resize=False, do_center_crop=False)
    with torch.inference_mode():
        wanted = network(**given).logits.argmax(1).tolist()
    suspect, said = opened(tmp_path / "m")
    assert suspect.labels(pictures()).tolist() == wanted
    assert len({*wanted}) > 2
    assert suspect.spec.order == ("BGR" if name == "MobileViT" else "RGB")
    assert said.class_names == tuple(LABELS.values())
    assert said.origins.guessed == ()


def test_without_its_preprocessing_the_usual_one_is_assumed(folder: Path) -> None:
    """The size comes from the configuration; the normalisation counts as guessed."""
    (folder / "preprocessor_config.json").unlink()
    suspect, said = opened(folder)
    assert (suspect.spec.height, suspect.spec.mean) == (SIDE, (0.5, 0.5, 0.5))
    assert {"mean", "std", "value_range"} <= {*said.origins.guessed}
    with raises(SettingsError, "architecture given", "lenet"):
        opened(folder, arch="lenet")


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"architectures": ["ViTModel"]}, "architecture not built"),
        ({"model_type": "os", "architectures": ["system"]}, "architecture not built"),
        ({"model_type": ["vit"]}, "architecture not built"),
        ({"hidden_size": "many"}, "architecture not built"),
        ({"num_hidden_layers": 3}, "architecture does not fit"),
        ({"id2label": {"0": "one", "1": "two"}}, "architecture does not fit"),
        ({"quantization_config": {"quant_method": "gptq"}}, "quantised weights"),
    ],
)
def test_a_configuration_that_does_not_fit_ends_in_a_sentence(folder: Path, change: dict[str, Any], key: str) -> None:
    """Only the library's classifiers are built, and only with all of their weights."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(SuspectError) as caught:
        opened(folder)
    assert caught.value.key == key


@pytest.mark.slow
def test_a_program_beside_the_weights_does_not_run(folder: Path) -> None:
    """A configuration that names a program of its author's is read without it, in a cell."""
    (folder / "modeling.py").write_text("raise SystemExit('this must not run')")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModelForImageClassification": "modeling.Evil"}
    (folder / "config.json").write_text(json.dumps(config))
    assert open_suspect(folder).labels(pictures()).tolist() == opened(folder)[0].labels(pictures()).tolist()
