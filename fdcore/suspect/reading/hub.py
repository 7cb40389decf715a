"""A model's folder, packed: config.json beside weights in one or several files, as Hugging Face and timm write it."""

import json
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from fdcore.errors import SuspectError
from fdcore.suspect.formats import Format, damaged
from fdcore.suspect.packing import CONFIG
from fdcore.suspect.reading.archives import require_one_reading
from fdcore.suspect.reading.checkpoint import Checkpoint, load_weights_only
from fdcore.suspect.reading.hints import find_hints
from fdcore.suspect.reading.weights import check_number, check_sizes, refuse_unusual

INDEX, PREPROCESSOR = ".index.json", "preprocessor_config.json"
WEIGHTS = {Format.HUB: ".safetensors", Format.HUB_PICKLED: ".bin"}  # how the names end


def read_hub(path: Path, kind: Format) -> Checkpoint:
    """The weights of all files with what the configuration says about them.

    Raises:
        SuspectError: the configuration or a file of weights is missing or damaged.
        RefusedError: two readers could read the archive differently.
    """
    require_one_reading(path)
    with zipfile.ZipFile(path) as archive:
        config = _json(archive, CONFIG, path.name)
        preprocessor = _json(archive, PREPROCESSOR, path.name) if PREPROCESSOR in archive.namelist() else {}
        parts = _parts(archive, WEIGHTS[kind], path.name)
        tensors: dict[str, Tensor] = {}
        for name in parts:
            tensors |= _tensors(archive.read(name), name)
    check_number(len(tensors), path.name)
    refuse_unusual(tensors, path.name)
    check_sizes(tensors, path.name)
    hints = find_hints({**_timm(config), "preprocessor": preprocessor})
    notes = (f"weights in {len(parts)} files",) if len(parts) > 1 else ()
    of_transformers = "model_type" in config and "architecture" not in config
    return Checkpoint(tensors, hints, notes, of_transformers=(config, preprocessor) if of_transformers else None)


def _json(archive: zipfile.ZipFile, name: str, path: str) -> dict[str, Any]:
    try:
        content = json.loads(archive.read(name))
    except (KeyError, ValueError, RecursionError, zipfile.BadZipFile) as error:
        raise damaged(f"{name} in {path}", error) from error
    if not isinstance(content, dict):
        raise damaged(f"{name} in {path}", "not a JSON object")
    return content


def _parts(archive: zipfile.ZipFile, ending: str, path: str) -> list[str]:
    """The files of the weights; those that an index names, where there is one."""
    names = set(archive.namelist())
    index = next((name for name in sorted(names) if name.endswith(ending + INDEX)), None)
    if index is None:
        found = sorted(name for name in names if name.endswith(ending))[:1]
        if not found:
            raise SuspectError(
                f"{path} holds no weights: a model.safetensors or pytorch_model.bin was expected beside {CONFIG}.",
                key="no weights",
            )
        return found
    listed = _json(archive, index, path).get("weight_map", {})
    wanted = sorted({str(name) for name in listed.values()}) if isinstance(listed, dict) else []
    if missing := [name for name in wanted if name not in names or not name.endswith(ending)]:
        raise SuspectError(
            f"{path} lacks {len(missing)} of the {len(wanted)} files of weights that {index} names: "
            f"{', '.join(missing[:3])}. Copy the whole folder.",
            key="only an index",
        )
    return wanted


def _tensors(content: bytes, name: str) -> dict[str, Tensor]:
    if name.endswith(".bin"):
        state = load_weights_only(BytesIO(content), name)
        if not isinstance(state, Mapping) or not all(isinstance(key, str) for key in state):
            raise damaged(name, "it does not hold tensors by name")
        return {key: value for key, value in state.items() if isinstance(value, Tensor)}
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
