"""Suspects that take texts: ONNX graphs with one input of strings, and scikit-learn's pipelines as skops saves them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, TensorProto, ValueInfoProto, helper

from fdcore.errors import SuspectError
from fdcore.suspect.formats import damaged
from fdcore.suspect.preprocess import Origins, PreprocessSpec, text_spec
from fdcore.suspect.reading.onnx_graph import Wiring, dims_of, with_outputs
from fdcore.suspect.reading.onnx_outputs import choose_output, tensor_to_read
from fdcore.suspect.reading.onnx_suspect import RUNTIME_ERRORS, named_outputs, short, start
from fdcore.suspect.suspect import CallableSuspect, Labels, Suspect, of_texts

TRIED = ["a small bird that sings", "It rained.", "3", "\N{CJK UNIFIED IDEOGRAPH-9CE5}"]  # first texts
N_SHOWN = 5
KNOWN = Origins().known("file", *Origins().guessed)  # a text is not prepared in any way


@dataclass(frozen=True)
class TextClassifier:
    """A file that has answered first texts.

    Attributes:
        predict: class numbers (N,) of N texts; SuspectError where it fails.
        arch, title: the format as a part of the suspect's identity, and for people.
        batch_size: how many texts to send at once.
        class_names: as the file names them; empty where they are read as of any file of its kind.
        notes, weights: as of `Suspect`.
    """

    predict: Callable[[list[str]], Labels]
    n_classes: int
    arch: str
    title: str
    batch_size: int = 256
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    weights: str = ""
    normalisation: str = ""
    spec: PreprocessSpec = field(default_factory=text_spec)
    origins: Origins = KNOWN

    def suspect(self, spec: PreprocessSpec, *, fingerprint: str, description: str, device: str) -> Suspect:
        """The classifier as a suspect; it runs on the CPU whatever the device."""
        return CallableSuspect(
            of_texts(self.predict), n_classes=self.n_classes, spec=spec, fingerprint=fingerprint,
            batch_size=self.batch_size, description=description,
        )  # fmt: skip


def text_input(model: ModelProto) -> ValueInfoProto | None:
    """The input of a graph that takes nothing but strings."""
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    is_text = len(inputs) == 1 and inputs[0].type.tensor_type.elem_type == TensorProto.STRING
    return inputs[0] if is_text else None


def open_text_graph(
    model: ModelProto, source: ValueInfoProto, *, n_classes: int | None, output: str | None
) -> TextClassifier:
    """A checked graph with one input of strings, (N,) or (N, 1).

    Raises:
        SuspectError: it fails on texts, or is not a classifier.
    """
    dims, wiring = dims_of(source), Wiring.of(model)
    if len(dims) not in (1, 2) or dims[1:] not in ([], [1], [None]):
        raise SuspectError(f"The graph takes strings of shape {dims}; one text a row was expected.", key="not one text")
    tensors = {name: tensor_to_read(wiring, name) for name in named_outputs(model, output)}
    _use_common_locale(model)
    session = start(with_outputs(model, list(tensors.values())))
    kinds = {one.name: one.type for one in session.get_outputs()}
    readable = {name: tensor for name, tensor in tensors.items() if kinds[tensor].startswith("tensor(")}

    def run(texts: list[str], names: list[str]) -> list[npt.NDArray[Any]]:
        given = np.array(texts, dtype=object).reshape((-1, 1)[: len(dims)])
        try:
            return [np.asarray(values) for values in session.run(names, {source.name: given})]
        except RUNTIME_ERRORS as error:
            raise SuspectError(f"The graph fails on {len(texts)} texts: {short(error)}.", key="graph fails") from error

    tried = TRIED[: dims[0] or len(TRIED)]
    values = dict(zip(readable, zip(readable.values(), run(tried, [*readable.values()]), strict=True), strict=True))
    choice = choose_output(model, wiring, values, n_classes)
    reading = choice.reading
    return TextClassifier(
        lambda texts: reading.labels(run(texts, [reading.name])[0]), reading.n_classes or 0,
        f"onnx:{output}" if output else "onnx", "ONNX graph", dims[0] or TextClassifier.batch_size, notes=choice.notes,
    )  # fmt: skip


def _use_common_locale(model: ModelProto) -> None:
    """Have strings lower-cased in C.UTF-8, which every machine has; exports name none or en_US, which many lack."""
    for node in model.graph.node:
        if node.op_type == "StringNormalizer":
            kept = [attribute for attribute in node.attribute if attribute.name != "locale"]
            del node.attribute[:]
            node.attribute.extend([*kept, helper.make_attribute("locale", "C.UTF-8")])


def _spare_proc() -> None:
    """Keep scikit-learn from looking for its libraries in /proc, which a cell cannot read."""
    from threadpoolctl import ThreadpoolController

    ThreadpoolController._load_libraries = lambda self: None


def open_skops(path: Path) -> TextClassifier:
    """A scikit-learn classifier of texts in a file of skops; only types that skops trusts are built.

    Raises:
        SuspectError: it names other types, cannot be read, or is not a classifier of texts.
    """
    _spare_proc()
    import skops.io

    content = path.read_bytes()
    try:
        strange = skops.io.get_untrusted_types(data=content)
        if strange:
            raise SuspectError(
                f"{path.name} names types that skops does not trust ({', '.join(strange[:N_SHOWN])}), so that nothing "
                "in it was built. Ask for an export to ONNX.",
                key="untrusted types",
            )
        model = skops.io.loads(content, trusted=[])
    except SuspectError:
        raise
    except Exception as error:  # a hostile file can raise anything
        raise damaged(path.name, error) from error
    names = [str(name) for name in getattr(model, "classes_", ())]
    if len(names) < 2 or not hasattr(model, "predict"):
        raise SuspectError(
            f"{path.name} holds {type(model).__name__}, which is not a classifier that was trained.",
            key="not a classifier",
        )
    numbers = {name: number for number, name in enumerate(names)}

    def predict(texts: list[str]) -> Labels:
        try:
            return np.array([numbers[str(label)] for label in model.predict(texts)], np.int64)
        except Exception as error:
            raise SuspectError(
                f"{path.name} fails on texts ({type(error).__name__}: {error}). It may take numbers or tables, which "
                "cannot be investigated.",
                key="takes no texts",
            ) from error

    predict(TRIED)
    steps = [type(step).__name__ for _, step in getattr(model, "steps", [("", model)])]
    named = () if all(name.isdecimal() for name in names) else tuple(names)
    return TextClassifier(predict, len(names), "skops", f"scikit-learn, {' + '.join(steps)}", class_names=named)
