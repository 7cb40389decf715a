"""The options that the analyst gives for what a suspect's file does not say."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from fdcore.case.plan import SuspectOptions
from fdcore.errors import SettingsError
from fdcore.suspect.architectures.index import entries
from fdcore.suspect.preprocess import PRESETS
from ui.text import inert

MAX_SIDE = 4096
MAX_CLASSES = 100_000
FROM_FILE = "From the file, or the default"
_MEANINGS = {
    "unit": "0 to 1, nothing subtracted",
    "signed": "-1 to 1",
    "bytes": "0 to 255, unchanged",
    "imagenet": "ImageNet's mean and standard deviation; the most common",
    "cifar10": "CIFAR-10's mean and standard deviation",
    "cifar100": "CIFAR-100's mean and standard deviation",
    "mnist": "MNIST's mean and standard deviation; grey digits",
}


def reading_meaning(name: str) -> str:
    """What a reading's name means, such as that of "signed, BGR"; empty where it says all."""
    known = _MEANINGS | {"as opened": "as the file was opened", "BGR": "blue before green before red"}
    return "; ".join(known[part] for part in name.split(", ") if part in known)


def preset_meaning(name: str | None) -> str:
    """A named normalisation and its meaning."""
    return f"{name}: {_MEANINGS.get(name, '')}" if name else FROM_FILE


def draw(case_id: str, known: SuspectOptions) -> SuspectOptions:
    """Draw the fields, filled with the known options, and return their values.

    Raises:
        SettingsError: a field does not hold the right numbers.
    """
    spec = known.spec_overrides
    with st.expander("What the file does not say", icon=":material/tune:", key="options"):
        st.caption("Leave empty what you do not know: it is read from the file where possible and assumed otherwise.")
        arch = _architecture(case_id, known.arch)
        left, right = st.columns(2)
        with left:
            preset = _choice("Normalisation", case_id, "preset", PRESETS, known.preset, preset_meaning,
                             help="How pixel values are scaled before they enter the network. With the wrong one a "
                             "network answers nonsense, often always the same class.")  # fmt: skip
            height = _number("Input height", case_id, "height", spec.get("height"), MAX_SIDE, "pixels")
            n_classes = _number("Number of classes", case_id, "n_classes", known.n_classes, MAX_CLASSES, "")
            channels = _choice("Channels", case_id, "channels", (1, 3), spec.get("channels"),
                               {None: FROM_FILE, 1: "1, grey", 3: "3, colour"}.__getitem__)  # fmt: skip
        with right:
            order = _choice("Order of the colour channels", case_id, "order", ("RGB", "BGR"), spec.get("order"),
                            lambda name: name or FROM_FILE,
                            help="BGR is common in networks trained with OpenCV.")  # fmt: skip
            width = _number("Input width", case_id, "width", spec.get("width"), MAX_SIDE, "pixels")
            device = _device(case_id, known.device)
            low_high = _numbers("Values of black and white", case_id, "range", spec.get("value_range"), "0 255")
        with left:
            layout = _choice("Order of the axes", case_id, "layout", ("NCHW", "NHWC"), spec.get("layout"),
                             lambda name: name or FROM_FILE,
                             help="Only open for an ONNX graph that takes flat values: NCHW is channel by channel, "
                             "NHWC is pixel by pixel.")  # fmt: skip
            mean = _numbers("Mean (per channel)", case_id, "mean", spec.get("mean"), "0.485 0.456 0.406")
        with right:
            output = st.text_input("Output", known.output or "", key=f"output_{case_id}", placeholder=FROM_FILE,
                                   help="Its name, for an ONNX graph with several.")  # fmt: skip
            std = _numbers(
                "Standard deviation, one number per channel", case_id, "std", spec.get("std"), "0.229 0.224 0.225"
            )
    given = {"height": height, "width": width, "channels": channels, "order": order, "layout": layout}
    overrides = {key: value for key, value in given.items() if value is not None} | _typed(mean, std, low_high)
    return SuspectOptions(arch, preset, overrides, n_classes, device, output=output.strip() or None,
                          runtime=known.runtime)  # fmt: skip


def in_numbers(text: str, name: str, counts: Sequence[int]) -> list[float]:
    """Typed numbers, separated by spaces, commas or semicolons; none for an empty field.

    Raises:
        SettingsError: something else was typed, or the wrong count of numbers.
    """
    words = text.replace(",", " ").replace(";", " ").split()
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        numbers = []
    if words and len(numbers) not in counts:
        raise SettingsError(
            f"{name} must be {' or '.join(map(str, counts))} numbers separated by spaces, with decimal points; got "
            f"{text[:60]!r}.",
            key="wrong numbers",
        )
    return numbers


def _typed(mean: str, std: str, low_high: str) -> dict[str, Any]:
    fields = (("mean", mean, "The mean", (1, 3)), ("std", std, "The standard deviation", (1, 3)),
              ("value_range", low_high, "Black and white", (2,)))  # fmt: skip
    return {name: numbers for name, text, title, counts in fields if (numbers := in_numbers(text, title, counts))}


def _architecture(case_id: str, known: str | None) -> str | None:
    names = list(entries())
    if known and known not in names:
        names.insert(0, known)
    chosen = st.selectbox(
        "Architecture", names, index=names.index(known) if known else None, accept_new_options=True,
        placeholder="Identified from the weights", key=f"arch_{case_id}",
        help="Only needed if the weights fit several networks. Type to search. Other files contain their own.",
    )  # fmt: skip
    return chosen.strip() or None if chosen else None


def _choice(label: str, case_id: str, key: str, options: Any, known: Any, words: Any, help: str | None = None) -> Any:
    every = [None, *options]
    place = every.index(known) if known in every else 0
    return st.selectbox(label, every, index=place, format_func=words, key=f"{key}_{case_id}", help=help and inert(help))


def _number(label: str, case_id: str, key: str, known: Any, most: int, unit: str) -> int | None:
    start = known if isinstance(known, int) and 1 <= known <= most else None
    return st.number_input(f"{label} ({unit})" if unit else label, 1, most, start, key=f"{key}_{case_id}",
                           placeholder=FROM_FILE)  # fmt: skip


def _numbers(label: str, case_id: str, key: str, known: Any, example: str) -> str:
    if isinstance(known, int | float):
        known = [known]
    text = " ".join(f"{value:g}" for value in known) if isinstance(known, list | tuple) else ""
    return st.text_input(label, text, key=f"{key}_{case_id}", placeholder=f"for example {example}", max_chars=80)


def _device(case_id: str, known: str) -> str:
    devices = list(dict.fromkeys((known, "cpu", "cuda")))
    return st.selectbox("Run on", devices, key=f"device_{case_id}", accept_new_options=True,
                        help="cuda is a graphics card; this computer must have one.") or "cpu"  # fmt: skip
