"""Image classifiers of the transformers library: built from their configuration and filled as the library fills them.

Only the library's own classes are built: the file names one of them and the values of its settings, never a program.
What the preprocessing does is measured by running the library's on three pictures, so that no setting is missed.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

os.environ["HF_HUB_OFFLINE"] = "1"  # read once, on import; a cell's environment is its own

import transformers
from huggingface_hub.errors import StrictDataclassError
from transformers.models.auto import image_processing_auto, modeling_auto
from transformers.utils import logging

from fdcore.errors import SettingsError, SuspectError
from fdcore.suspect.architectures.fitting import left_out_note
from fdcore.suspect.preprocess import NORMALISATION, Origins, PreprocessSpec, with_preset
from fdcore.suspect.reading.checkpoint import Checkpoint
from fdcore.suspect.reading.program import short
from fdcore.suspect.reading.torch_suspect import N_SHOWN, Network
from fdcore.suspect.reading.weights import UNUSUAL, fingerprint

USUAL_SIDE = 224  # pixels
PROBE_SIDE = 64  # pixels of the pictures that the preprocessing is measured with
STEERING = (
    "auto_map", "custom_pipelines", "attn_implementation", "experts_implementation", "torch_dtype", "dtype",
    "name_or_path", "transformers_weights", "fusion_config", "distributed_config",
)  # fmt: skip
"""Settings that concern how and from where a network is loaded, not the network."""
FAILURES = (
    RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, ImportError,
    NotImplementedError, OSError, ZeroDivisionError, OverflowError, RecursionError, StrictDataclassError,
)  # fmt: skip


class _Scores(nn.Module):
    """A classifier that returns its scores alone."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        scores: Tensor = self.network(pixels).logits
        return scores


def load_network(checkpoint: Checkpoint, name: str) -> Network:
    """The network that a folder of the transformers library describes.

    Args:
        checkpoint: its weights and configurations.
        name: the folder's, for messages.

    Raises:
        SuspectError: it is not one of the library's image classifiers, or the weights do not fit.
    """
    logging.disable_progress_bar()
    config, preprocessor = checkpoint.of_transformers or ({}, {})
    title, tensors = _class_name(config, name), checkpoint.tensors
    try:
        settings = {key: value for key, value in config.items() if key not in STEERING and not key.startswith("_")}
        built = transformers.CONFIG_MAPPING[config["model_type"]].from_dict(settings)
        network, info = getattr(transformers, title).from_pretrained(
            None, config=built, state_dict=tensors, dtype=torch.float32, output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are in `info`
        )  # fmt: skip
    except FAILURES as error:
        raise SuspectError(
            f"{name} cannot be built as a {title} of the transformers library ({short(error)}). {_ADVICE}",
            key="architecture not built",
        ) from error
    wrong = [*info["missing_keys"], *(one[0] for one in info["mismatched_keys"])]
    if wrong:
        raise SuspectError(
            f"The weights of {name} do not fit the {title} that its config.json describes: {len(wrong)} are missing or "
            f"of another shape ({', '.join(sorted(wrong)[:N_SHOWN])}). Copy the whole folder.",
            key="architecture does not fit",
        )
    found = _input(built, preprocessor)
    origins = Origins().known("file", "architecture", "n_classes", "channels", "layout", *found.known)
    return Network(
        _Scores(network).eval(), f"transformers/{title}", title, built.num_labels, found.spec,
        found.normalisation, (*found.notes, *left_out_note(sorted(info["unexpected_keys"]))), origins,
        weights=fingerprint({key: value for key, value in tensors.items() if key not in info["unexpected_keys"]}),
    )  # fmt: skip


def _class_name(config: Mapping[str, Any], name: str) -> str:
    """The library's class; only those that classify pictures are built."""
    kind, named = config.get("model_type"), config.get("architectures")
    known = modeling_auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES.get(kind, ()) if isinstance(kind, str) else ()
    known = (known,) if isinstance(known, str) else known
    wanted = named[0] if isinstance(named, list) and named else next(iter(known), None)
    if "quantization_config" in config:
        raise SuspectError(f"{name} holds quantised weights: {UNUSUAL['quantised']}", key="quantised weights")
    if wanted not in known:
        raise SuspectError(
            f"{name} is a {str(wanted or kind)!r} according to its config.json, which is not an image classifier of "
            f"the transformers library. {_ADVICE}",
            key="architecture not built",
        )
    return str(wanted)


_ADVICE = "Export it to ONNX (optimum-cli export onnx --model FOLDER OUT) and open that."


class _Input(NamedTuple):
    """An input, where its normalisation comes from, the parts that the folder specifies, and notes."""

    spec: PreprocessSpec
    normalisation: str
    known: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def _input(config: Any, settings: Mapping[str, Any]) -> _Input:
    """What the folder's preprocessing makes of a picture; the usual one for the network where it has none."""
    channels = getattr(config, "num_channels", 3)
    side = getattr(config, "image_size", USUAL_SIDE)
    height, width = side if isinstance(side, list | tuple) else (side, side)
    try:
        processor = _processor(config.model_type, settings)
        spec = _measured(processor, channels)
    except (*FAILURES, SettingsError) as error:
        bare = PreprocessSpec(height, width, channels, mean=(0.0,) * channels, std=(1.0,) * channels)
        notes = (f"preprocessor_config.json not understood ({short(error)})",) if settings else ()
        return _Input(with_preset(bare, "imagenet"), "imagenet normalisation (assumed)", notes=notes)
    resizes = getattr(processor, "do_resize", True) or getattr(processor, "do_center_crop", False)
    sized = spec if settings and resizes else replace(spec, height=height, width=width)
    if not settings:
        return _Input(sized, "the library's usual normalisation for it (assumed)")
    known = (*NORMALISATION, "order", *(("height", "width") if resizes else ()))
    return _Input(sized, "normalisation as its preprocessor_config.json specifies", known)


def _processor(kind: str, settings: Mapping[str, Any]) -> Any:
    """The library's preprocessing that a folder names, else the usual one for the network."""
    table = image_processing_auto.IMAGE_PROCESSOR_MAPPING_NAMES
    usual = {key: names["pil"] for key, names in table.items() if "pil" in names}
    said = str(settings.get("image_processor_type") or settings.get("feature_extractor_type") or "")
    named = said.replace("FeatureExtractor", "ImageProcessor").removesuffix("Fast").removesuffix("Pil") + "Pil"
    chosen = named if named in usual.values() else usual[kind]  # never a class of another module
    own = {key: value for key, value in settings.items() if key not in STEERING and not key.endswith("_type")}
    return image_processing_auto.get_image_processor_class_from_name(chosen)(**own)


def _measured(processor: Any, channels: int) -> PreprocessSpec:
    """What a preprocessing makes of black, of white and of red pictures."""

    def answer(*colour: int) -> np.ndarray[Any, np.dtype[np.float64]]:
        picture = np.full((PROBE_SIDE, PROBE_SIDE, channels), colour[:channels], np.uint8)
        values = processor(picture, return_tensors="np", input_data_format="channels_last")["pixel_values"]
        if np.shape(values)[:2] != (1, channels) or np.ndim(values) != 4:
            raise ValueError(f"it gives values of shape {np.shape(values)}")
        return np.asarray(values[0], np.float64)

    black = answer(0, 0, 0)
    middle = (slice(None), black.shape[1] // 2, black.shape[2] // 2)
    shift, full = black[middle], answer(255, 255, 255)[middle] - black[middle]
    reversed_order = channels == 3 and abs((answer(255, 0, 0)[middle] - shift)[2]) > 0
    std = tuple(round(float(one), 6) for one in 1 / full)
    mean = tuple(round(float(one), 6) + 0.0 for one in -shift / full)  # never -0.0
    return PreprocessSpec(
        black.shape[1], black.shape[2], channels, mean=mean, std=std, order="BGR" if reversed_order else "RGB"
    )
