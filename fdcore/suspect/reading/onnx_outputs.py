"""Which output of an ONNX graph answers, and how a class is read from it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from onnx import ModelProto, NodeProto

from fdcore.errors import SuspectError
from fdcore.suspect.preprocess import Origin
from fdcore.suspect.reading.onnx_graph import Array, Wiring, attribute, static_shape
from fdcore.suspect.suspect import Labels, hard_labels

QUANTISING = frozenset({"QuantizeLinear", "DequantizeLinear"})
KEEPING = QUANTISING | {
    "Identity", "Cast", "CastLike", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "Dropout", "Clip",
    "Round",
}  # fmt: skip
"""Operators that keep the order of the values, and the values themselves but for their type."""
SQUASHING = frozenset({"Sigmoid", "HardSigmoid", "QLinearSigmoid"})
RANKING = KEEPING | SQUASHING | {"Softmax", "LogSoftmax", "QLinearSoftmax", "Hardmax", "ArgMax", "TopK"}
"""Operators behind which the answer is the same, and only its form another."""
COMPARING = frozenset({"Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "And", "Or", "Xor"})
TABLES = frozenset({"Gather", "ArrayFeatureExtractor"})  # of the classes' labels, looked up by class number
CLASSIFIERS = frozenset({"LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier"})  # outputs: label, scores
SCORE_NAMES = ("logit", "prob", "score", "softmax", "output", "class", "pred")
KINDS = ("scores", "labels", "logit")  # preferred in this order

Kind = Literal["scores", "labels", "logit"]


@dataclass(frozen=True)
class GraphOutput:
    """How an answer is read from a tensor of a graph.

    Attributes:
        name: of the tensor, which may lie within the graph.
        n_classes: None for class numbers that do not show how many classes there are.
        kind: "scores" (N, n_classes), "logit" (one number, class 1 above `threshold`) or "labels" (class numbers, the
            first of each picture).
        counted: whether the file shows the number of classes.
    """

    name: str
    n_classes: int | None
    kind: Kind
    threshold: float = 0.0
    counted: bool = True

    def labels(self, values: Array) -> Labels:
        """(N,) class numbers from the values for N pictures."""
        values = values.reshape(len(values), -1)
        if self.kind == "labels":
            return values[:, 0].astype(np.int64)
        if self.kind == "logit":
            number = values.astype(np.float64) - self.threshold
            return hard_labels(np.concatenate([np.zeros_like(number), number], axis=1))
        return hard_labels(values)


@dataclass(frozen=True)
class Choice:
    """The output that answers.

    Attributes:
        output: its name.
        reading: how a class is read from it.
        origin: "guess" if nothing in the graph distinguishes it from another output.
        notes: why it was taken, for people; empty where there is no other.
    """

    output: str
    reading: GraphOutput
    origin: Origin = "file"
    notes: tuple[str, ...] = ()


def tensor_to_read(wiring: Wiring, output: str) -> str:
    """The tensor in which the places of the values, or the value itself, are the class numbers of an output.

    Behind a map from labels to scores these are the scores, behind a table of labels the number that is looked up, and
    for a classifier's label its scores.
    """
    tensor = output
    for _ in range(len(wiring.nodes)):
        _, inner = wiring.back(tensor, KEEPING)
        node = wiring.made_by.get(inner)
        if node is None:
            break
        if node.op_type in ("ZipMap", "LabelEncoder") and node.input:
            tensor = node.input[0]
        elif node.op_type in TABLES and len(node.input) > 1 and _is_list(wiring.constants.get(node.input[0])):
            tensor = node.input[1]
        elif node.op_type in CLASSIFIERS and inner == node.output[0] and any(node.output[1:]):
            tensor = node.output[1]
        else:
            break
    return tensor


def _is_list(constant: Array | None) -> bool:
    return constant is not None and max(constant.shape, default=0) == constant.size


def choose_output(
    model: ModelProto, wiring: Wiring, values: Mapping[str, tuple[str, Array]], n_classes: int | None
) -> Choice:
    """The output to read, chosen by what is computed from what.

    Args:
        values: output -> the tensor that is read for it, and its values for a first batch, (N, ...).
        n_classes: given by the analyst; None if it is not known.

    Raises:
        SuspectError: no output is a classifier's, or the number of classes is not known.
    """
    readings = {
        output: reading
        for output, (tensor, of_batch) in values.items()
        if (reading := _reading(model, wiring, tensor, of_batch, n_classes)) is not None
    }
    if not readings:
        shapes = [f"{output} {list(of_batch.shape)}" for output, (_, of_batch) in values.items()][:5]
        shown = ", ".join(shapes) or "no tensor for each picture"
        raise SuspectError(
            f"None of the graph's outputs ({shown}) is one score for each class; a classifier was "
            "expected. Name another output, or wrap it as a Python callable that reduces its outputs to class numbers.",
            key="not a classifier",
        )
    choice = _chosen(wiring, values, readings, n_classes)
    if choice.reading.n_classes is None:
        raise SuspectError(
            f"The graph's output {choice.output} is class numbers, which do not show how many classes there are. Give "
            "the number of classes.",
            key="number of classes needed",
        )
    return choice


def _chosen(
    wiring: Wiring, outputs: Collection[str], readings: Mapping[str, GraphOutput], n_classes: int | None
) -> Choice:
    """Of several answers the one that is computed last; of the same answer in several forms its scores."""
    roots = {output: wiring.back(reading.name, RANKING)[1] for output, reading in readings.items()}
    fitting = [output for output in readings if n_classes in (None, readings[output].n_classes)] or list(readings)
    left = [output for output in fitting if not _is_weak(wiring, readings[output])] or fitting
    upstream = {output: wiring.upstream(roots[output]) for output in left}
    last = [output for output in left if not any(roots[output] in upstream[other] for other in left)]
    output = min(last, key=lambda output: _preference(output, readings[output]))
    reading, unlike = readings[output], [other for other in last if roots[other] != roots[output]]
    notes = []
    if len(outputs) > 1:
        before = [other for other in roots if roots[other] in upstream[output]]
        same = [other for other in roots if other != output and roots[other] == roots[output]]
        notes.append(f"of its {len(outputs)} outputs {output} is read: {_reason(unlike, before, same)}")
    if reading.kind == "logit":
        notes.append(f"its one number means class 1 above {reading.threshold:g}")
    if reading.kind == "labels":
        counted = f", one of the {reading.n_classes} that the graph chooses from" if reading.counted else ""
        notes.append(f"it answers with a class number{counted}")
    return Choice(output, reading, "guess" if unlike else "file", tuple(notes))


def _preference(output: str, reading: GraphOutput) -> tuple[int, bool]:
    named = "label" not in output.lower() and any(name in output.lower() for name in SCORE_NAMES)
    return KINDS.index(reading.kind), not named


def _reason(unlike: Sequence[str], before: Sequence[str], same: Sequence[str]) -> str:
    if unlike:
        return f"assumed, as {', '.join(unlike[:3])} may be meant as well"
    if before:
        return f"it is computed from {', '.join(before[:3])}"
    return f"{', '.join(same[:3])} gives the same answer in another form" if same else "no other fits"


def _reading(
    model: ModelProto, wiring: Wiring, tensor: str, values: Array, n_classes: int | None
) -> GraphOutput | None:
    """How a class is read from a tensor (N, ...); None if it does not look like a classifier's answer."""
    batch, *rest = values.shape or (0,)
    if batch == 0 or values.dtype.kind not in "fiub" or sum(side > 1 for side in rest) > 1:
        return None
    passed, inner = wiring.back(tensor, KEEPING)
    made = wiring.made_by.get(inner)
    operator, alone = made.op_type if made else "", np.prod(rest) == 1
    if made is not None and operator == "TopK":
        is_index = inner in made.output[1:] and attribute(made, "largest", 1) and attribute(made, "sorted", 1)
        return GraphOutput(tensor, n_classes, "labels", counted=False) if is_index else None
    if made is not None and operator == "SVMClassifier" and not attribute(made, "prob_a") and np.prod(rest) > 2:
        return None  # it compares the classes two by two
    if not alone:
        return GraphOutput(tensor, int(np.prod(rest)), "scores")
    if operator in COMPARING or values.dtype == bool:
        return GraphOutput(tensor, 2, "labels")
    if made is not None and operator == "ArgMax":
        width = _width(model, made)
        return GraphOutput(tensor, width or n_classes, "labels", counted=width is not None)
    if values.dtype.kind == "f" or operator in SQUASHING or any(node.op_type in QUANTISING for node in passed):
        return GraphOutput(tensor, 2, "logit", _threshold(wiring, passed, made))
    return GraphOutput(tensor, n_classes, "labels", counted=False)


def _width(model: ModelProto, node: NodeProto) -> int | None:
    """How many values an arg max chooses from; None if the file does not show it."""
    shape, axis = static_shape(model, node.input[0]), attribute(node, "axis", 0)
    return shape[axis] if -len(shape) <= axis < len(shape) else None


def _threshold(wiring: Wiring, passed: Sequence[NodeProto], made: NodeProto | None) -> float:
    """The value above which one number means class 1: 0 of a logit, 0.5 of a probability, or what stands for them.

    Args:
        passed: the nodes between the number and the output, latest first.
        made: the node that computes the number.
    """
    threshold = 0.5 if made is not None and made.op_type in SQUASHING else 0.0
    scales = [(True, made.input[3:5])] if made is not None and made.op_type == "QLinearSigmoid" else []
    scales += [(n.op_type == "QuantizeLinear", n.input[1:3]) for n in reversed(passed) if n.op_type in QUANTISING]
    for quantises, names in scales:
        constants = [wiring.constants[name] for name in names if name in wiring.constants]
        if not constants or any(constant.size != 1 for constant in constants):
            continue
        scale, zero = float(constants[0].ravel()[0]), float(constants[1].ravel()[0]) if len(constants) > 1 else 0.0
        threshold = threshold / scale + zero if quantises else (threshold - zero) * scale
    return threshold


def _is_weak(wiring: Wiring, reading: GraphOutput) -> bool:
    """Whether a single number sums up other values, or is a whole number of unknown making; scores go before it."""
    made = wiring.made_by.get(wiring.back(reading.name, {"Neg", *KEEPING})[1])
    operator = made.op_type if made else ""
    if reading.kind == "labels":
        return operator not in COMPARING | {"ArgMax", "TopK"}
    return reading.kind == "logit" and (operator.startswith("Reduce") or operator in ("Max", "Min"))
