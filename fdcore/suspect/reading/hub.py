"""A model's folder, packed: config.json beside weights in one or several files, as Hugging Face and timm write it."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor, nn

from fdcore.errors import SuspectError
from fdcore.suspect.formats import damaged
from fdcore.suspect.packing import CONFIG
from fdcore.suspect.preprocess import Origins, PreprocessSpec
from fdcore.suspect.reading.archives import require_one_reading
from fdcore.suspect.reading.checkpoint import Checkpoint
from fdcore.suspect.reading.hints import find_hints
from fdcore.suspect.reading.torch_suspect import Network
from fdcore.suspect.reading.weights import check_number, check_sizes, refuse_unusual

INDEX, WEIGHTS, PREPROCESSOR = ".index.json", ".safetensors", "preprocessor_config.json"
PREFIX = "transformers/"
INSTALL = "pip install -r requirements-formats.txt"


def read_hub(path: Path) -> tuple[Checkpoint, dict[str, Any]]:
    """The weights of all files with what the configuration says about them, and the configuration.

    Raises:
        SuspectError: the configuration or a file of weights is missing or damaged.
        RefusedError: two readers could read the archive differently.
    """
    require_one_reading(path)
    with zipfile.ZipFile(path) as archive:
        config = _json(archive, CONFIG, path.name)
        preprocessor = _json(archive, PREPROCESSOR, path.name) if PREPROCESSOR in archive.namelist() else {}
        parts = _parts(archive, path.name)
        tensors: dict[str, Tensor] = {}
        for name in parts:
            tensors |= _tensors(archive.read(name), name)
    check_number(len(tensors), path.name)
    refuse_unusual(tensors, path.name)
    check_sizes(tensors, path.name)
    hints = find_hints({**_timm(config), **_transformers(config, preprocessor)})
    return Checkpoint(tensors, hints, (f"weights in {len(parts)} files",) if len(parts) > 1 else ()), config


def transformer(checkpoint: Checkpoint, config: Mapping[str, Any], name: str) -> Network | None:
    """The network of one of Hugging Face's own architectures; None where the configuration names none.

    Raises:
        SuspectError: transformers is not installed or does not know it, or the weights do not fit.
    """
    kind = config.get("model_type")
    if not isinstance(kind, str) or "architecture" in config:
        return None
    try:
        from transformers import AutoConfig, AutoModelForImageClassification
    except ImportError as error:
        raise SuspectError(
            f"{name} is a model of the transformers library, which is not installed. Install it: {INSTALL}",
            key="runtime missing",
        ) from error
    try:
        settings = AutoConfig.for_model(**{key: value for key, value in config.items() if key != "auto_map"})
        body = AutoModelForImageClassification.from_config(settings, trust_remote_code=False)
        missing, unexpected = body.load_state_dict(
            {key: value.float() if value.is_floating_point() else value for key, value in checkpoint.tensors.items()},
            strict=False,
        )
    except (ValueError, KeyError, TypeError, RuntimeError, AttributeError) as error:
        raise SuspectError(
            f"{name} names the architecture {kind!r}, but its configuration and weights do not make a classifier of "
            f"pictures: {str(error).partition(chr(10))[0][:200]}.",
            key="architecture does not fit",
        ) from error
    if missing:
        raise SuspectError(
            f"{name} lacks {len(missing)} tensors of a {kind} classifier, such as {missing[0]}.",
            key="architecture does not fit",
        )
    channels, side = int(getattr(settings, "num_channels", 3)), getattr(settings, "image_size", 224)
    spec = PreprocessSpec(int(side), int(side), channels, mean=(0.0,) * channels, std=(1.0,) * channels)
    origins = Origins().known("file", "architecture", "n_classes", "channels", "layout")
    if hasattr(settings, "image_size"):
        origins = origins.known("file", "height", "width")
    notes = (f"left out: {', '.join(unexpected[:5])}",) if unexpected else ()
    return Network(
        _Logits(body).eval(), PREFIX + kind, type(body).__name__, int(settings.num_labels), spec, "unit (assumed)",
        notes, origins,
    )  # fmt: skip


class _Logits(nn.Module):
    """The logits alone of what transformers' classifiers return."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, classes) from (N, channels, height, width)."""
        logits: Tensor = self.body(pictures).logits
        return logits


def _json(archive: zipfile.ZipFile, name: str, path: str) -> dict[str, Any]:
    try:
        content = json.loads(archive.read(name))
    except (KeyError, ValueError, RecursionError, zipfile.BadZipFile) as error:
        raise damaged(f"{name} in {path}", error) from error
    if not isinstance(content, dict):
        raise damaged(f"{name} in {path}", "not a JSON object")
    return content


def _parts(archive: zipfile.ZipFile, path: str) -> list[str]:
    """The files of the weights; those that an index names, where there is one."""
    names = set(archive.namelist())
    index = next((name for name in sorted(names) if name.endswith(WEIGHTS + INDEX)), None)
    if index is None:
        found = sorted(name for name in names if name.endswith(WEIGHTS))[:1]
        if not found:
            raise SuspectError(
                f"{path} holds no weights as safetensors. Weights in a pytorch_model.bin are opened by giving that "
                "file itself.",
                key="no weights",
            )
        return found
    listed = _json(archive, index, path).get("weight_map", {})
    wanted = sorted({str(name) for name in listed.values()}) if isinstance(listed, dict) else []
    if missing := [name for name in wanted if name not in names]:
        raise SuspectError(
            f"{path} lacks {len(missing)} of the {len(wanted)} files of weights that {index} names: "
            f"{', '.join(missing[:3])}. Copy the whole folder.",
            key="only an index",
        )
    return wanted


def _tensors(content: bytes, name: str) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load(content)
    except (safetensors.SafetensorError, ValueError, RuntimeError, KeyError) as error:
        raise damaged(name, error) from error


def _timm(config: Mapping[str, Any]) -> dict[str, Any]:
    """What timm's configuration says, under the names that checkpoints use."""
    own = config.get("pretrained_cfg")
    own = own if isinstance(own, dict) else {}
    return {
        "arch": config.get("architecture"), "mean": own.get("mean"), "std": own.get("std"),
        "input_size": own.get("input_size"), "classes": config.get("label_names"),
    }  # fmt: skip


def _transformers(config: Mapping[str, Any], preprocessor: Mapping[str, Any]) -> dict[str, Any]:
    """What Hugging Face's configuration and that of its preprocessor say; values that are absent change nothing."""
    size = preprocessor.get("crop_size") or preprocessor.get("size")
    if isinstance(size, dict):
        size = [size.get("height", size.get("shortest_edge")), size.get("width", size.get("shortest_edge"))]
    found = {"input_size": size, "id2label": config.get("id2label")}
    if preprocessor.get("do_normalize", True):
        found |= {"mean": preprocessor.get("image_mean"), "std": preprocessor.get("image_std")}
    return {key: value for key, value in found.items() if value is not None}
