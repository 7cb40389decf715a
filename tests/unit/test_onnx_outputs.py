"""Which output of a graph answers, and how a class is read from it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from colour_graphs import FLOAT, INT64, UINT8, Dims, answers, by_colour, node, opened
from onnx import NodeProto, TensorProto
from raising import raises

from fdcore.errors import SettingsError, SuspectError
from fdcore.suspect.open import open_suspect
from fdcore.suspect.reading.class_names import read_class_names

RED_OR_BLUE = {"rb": np.float32([[1], [0], [-1]])}
ONE: tuple[int, Dims] = (FLOAT, ["n", 1])
THREE: tuple[int, Dims] = (FLOAT, ["n", 3])
QUANTISER = {"s": np.float32(1 / 256), "zp": np.uint8(8)}


def squashed(*tail: NodeProto) -> list[NodeProto]:
    """One probability p of red, and what follows."""
    return [node("MatMul", "z rb", "l"), node("Sigmoid", "l", "p"), *tail]


@pytest.mark.parametrize(
    ("tail", "kind"),
    [
        ([node("Cast", "p", "q", to=TensorProto.FLOAT16), node("Cast", "q", "out", to=FLOAT)], FLOAT),
        ([node("Squeeze", "p one", "out")], FLOAT),
        ([node("Identity", "p", "q"), node("Reshape", "q flat", "out")], FLOAT),
        ([node("Round", "p", "out")], FLOAT),
        ([node("QuantizeLinear", "p s zp", "q"), node("DequantizeLinear", "q s zp", "out")], FLOAT),
        ([node("QuantizeLinear", "p s zp", "out")], UINT8),
        ([node("Greater", "p half", "q"), node("Cast", "q", "out", to=INT64)], INT64),
        ([node("Greater", "p half", "out")], TensorProto.BOOL),
    ],
)
def test_a_sigmoid_keeps_its_threshold_behind_what_keeps_the_order(
    tmp_path: Path, tail: list[NodeProto], kind: int
) -> None:
    """Casts, reshapes and quantisers change the form of a probability; class 1 still begins at one half."""
    weights = {**RED_OR_BLUE, **QUANTISER, "one": [1], "flat": [-1, 1], "half": np.float32(0.5)}
    dims: Dims = ["n"] if tail[0].op_type == "Squeeze" else ["n", 1]
    graph = opened(by_colour(squashed(*tail), {"out": (kind, dims)}, weights=weights), tmp_path)
    assert graph.n_classes == 2
    assert answers(graph) == [1, 0, 0]


def test_a_quantised_logit_is_compared_with_its_zero_point(tmp_path: Path) -> None:
    """What stands for 0 divides the classes, as uint8 and through the runtime's own quantised sigmoid."""
    weights = {**RED_OR_BLUE, "s": np.float32(0.1), "zp": np.uint8(100), "ps": np.float32(1 / 256), "pz": np.uint8(4)}
    quantised = [node("MatMul", "z rb", "l"), node("QuantizeLinear", "l s zp", "q")]
    graph = opened(by_colour(quantised, {"q": (UINT8, ["n", 1])}, weights=weights), tmp_path)
    assert (graph.answer.threshold, answers(graph)) == (100.0, [1, 0, 0])
    squashed_too = [*quantised, node("QLinearSigmoid", "q s zp ps pz", "p", domain="com.microsoft")]
    graph = opened(by_colour(squashed_too, {"p": (UINT8, ["n", 1])}, weights=weights), tmp_path)
    assert (graph.answer.threshold, answers(graph)) == (132.0, [1, 0, 0])


FEATURES = {"wf": np.random.default_rng(0).normal(size=(3, 64)).astype(np.float32)}
FEATURES["wl"] = np.linalg.pinv(FEATURES["wf"]).astype(np.float32)
HEADS = [node("MatMul", "z wf", "f"), node("MatMul", "f wl", "l")]


@pytest.mark.parametrize("names", ["f l", "l f"])
def test_of_two_outputs_the_one_computed_from_the_other_answers(tmp_path: Path, names: str) -> None:
    """Features are not scores, whatever the outputs are called and in whatever order they come."""
    outputs: dict[str, tuple[int, Dims]] = {"f": (FLOAT, ["n", 64]), "l": THREE}
    graph = opened(by_colour(HEADS, {name: outputs[name] for name in names.split()}, weights=FEATURES), tmp_path)
    assert (graph.n_classes, answers(graph), graph.origins.output) == (3, [0, 1, 2], "file")
    assert "of its 2 outputs l is read: it is computed from f" in graph.notes


def test_a_class_number_computed_from_features_goes_before_them(tmp_path: Path) -> None:
    """The arg max of hidden scores answers, not the features that are output beside it."""
    tail = [*HEADS, node("ArgMax", "l", "c", axis=1, keepdims=0)]
    graph = opened(by_colour(tail, {"f": (FLOAT, ["n", 64]), "c": (INT64, ["n"])}, weights=FEATURES), tmp_path)
    assert (graph.answer.kind, graph.n_classes, answers(graph)) == ("labels", 3, [0, 1, 2])


def test_a_confidence_is_no_class(tmp_path: Path) -> None:
    """Beside a class number, or computed from the scores, the largest score or an entropy is left aside."""
    tail = [
        node("Softmax", "z", "p"), node("ArgMax", "z", "c", axis=1, keepdims=0),
        node("ReduceMax", "p", "m", axes=[1], keepdims=1), node("Log", "p", "lp"), node("Mul", "p lp", "plp"),
        node("ReduceSum", "plp one", "h", keepdims=1), node("Neg", "h", "e"),
    ]  # fmt: skip
    label: tuple[int, Dims] = (INT64, ["n"])
    for outputs in ({"c": label, "m": ONE}, {"m": ONE, "c": label}, {"e": ONE, "p": THREE}, {"p": THREE, "m": ONE}):
        graph = opened(by_colour(tail, outputs, weights={"one": [1]}), tmp_path)
        assert (graph.n_classes, answers(graph), graph.origins.output) == (3, [0, 1, 2], "file")


def test_two_heads_are_a_guess_that_the_analyst_can_settle(tmp_path: Path) -> None:
    """Nothing in the graph says which is meant: recorded as a guess, until the number of classes or a name is given."""
    weights = {"w5": np.pad(np.eye(3, dtype=np.float32)[::-1], ((0, 0), (0, 2)))}
    model = by_colour([node("MatMul", "v w5", "b"), node("MatMul", "v eye", "a")],
                      {"b": (FLOAT, ["n", 5]), "a": THREE}, weights=weights)  # fmt: skip
    graph = opened(model, tmp_path)
    assert (graph.n_classes, graph.origins.output, graph.arch) == (5, "guess", "onnx")
    assert "of its 2 outputs b is read: assumed, as a may be meant as well" in graph.notes
    assert graph.origins.guess_decides
    by_number = opened(model, tmp_path, n_classes=3)
    assert (by_number.n_classes, by_number.origins.output) == (3, "file")
    by_name = opened(model, tmp_path, output="a")
    assert (answers(by_name), by_name.origins.output, by_name.arch) == ([0, 1, 2], "options", "onnx:a")
    with raises(SuspectError, "unknown output", "'x'", "b, a"):
        opened(model, tmp_path, output="x")


def test_a_named_output_is_part_of_the_fingerprint(tmp_path: Path) -> None:
    """The answers of another output are another suspect's; a file of weights has no outputs to name."""
    path = tmp_path / "m.onnx"
    outputs: dict[str, tuple[int, Dims]] = {"f": (FLOAT, ["n", 64]), "l": THREE}
    path.write_bytes(by_colour(HEADS, outputs, weights=FEATURES).SerializeToString())
    found, named = open_suspect(path), open_suspect(path, output="f")
    assert (found.n_classes, named.n_classes) == (3, 64)
    assert found.fingerprint != named.fingerprint
    assert named.origins.output == "options"


def test_weights_have_no_output_to_name(tmp_path: Path) -> None:
    """The option belongs to graphs."""
    import safetensors.numpy

    safetensors.numpy.save_file({"w": np.ones((3, 4), np.float32)}, tmp_path / "m")
    with raises(SettingsError, "output of weights", "'f'"):
        open_suspect(tmp_path / "m", output="f")


@pytest.mark.parametrize("kind", [UINT8, INT64, TensorProto.INT8])
def test_whole_numbers_for_each_class_are_scores(tmp_path: Path, kind: int) -> None:
    """Quantised or cast scores have an arg max as well."""
    tail = [node("Softmax", "z", "p"), node("Mul", "p hundred", "q"), node("Cast", "q", "s", to=kind)]
    graph = opened(by_colour(tail, {"s": (kind, ["n", 3])}, weights={"hundred": np.float32(100)}), tmp_path)
    assert (graph.answer.kind, graph.n_classes, answers(graph)) == ("scores", 3, [0, 1, 2])


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("as_float", [False, True])
def test_the_first_index_of_a_top_k_is_the_class(tmp_path: Path, width: int, as_float: bool) -> None:
    """The k values are not k classes; how many classes there are has to be given."""
    tail = [node("Softmax", "z", "p"), node("TopK", "p k", "best i", axis=1), node("Cast", "i", "j", to=FLOAT)]
    index = {"j": (FLOAT, ["n", width])} if as_float else {"i": (INT64, ["n", width])}
    model = by_colour(tail, {"best": (FLOAT, ["n", width]), **index}, weights={"k": [width]})
    with raises(SuspectError, "number of classes needed", "j" if as_float else "i"):
        opened(model, tmp_path)
    graph = opened(model, tmp_path, n_classes=3)
    assert (graph.n_classes, answers(graph), graph.origins.n_classes) == (3, [0, 1, 2], "options")


def test_a_free_size_does_not_hide_the_question_for_the_classes(tmp_path: Path) -> None:
    """No other size would answer it."""
    tail = [node("TopK", "z k", "best i", axis=1)]
    outputs: dict[str, tuple[int, Dims]] = {"i": (INT64, ["n", 1])}
    with raises(SuspectError, "number of classes needed", "i"):
        opened(by_colour(tail, outputs, weights={"k": [1]}, source=["n", 3, "h", "w"]), tmp_path)


@pytest.mark.parametrize("kind", [FLOAT, INT64, TensorProto.INT32])
def test_an_arg_max_shows_how_many_classes_it_chooses_from(tmp_path: Path, kind: int) -> None:
    """As a float, too, it is a class number and not one logit."""
    tail = [node("ArgMax", "z", "c", axis=-1, keepdims=1), node("Cast", "c", "out", to=kind)]
    graph = opened(by_colour(tail, {"out": (kind, ["n", 1])}), tmp_path)
    assert (graph.answer.kind, graph.n_classes, answers(graph)) == ("labels", 3, [0, 1, 2])
    assert graph.origins.n_classes == "file"


def classifier_of(labels: list[Any], *, mapped: bool = True, kinds: str = "label scores") -> Any:
    """What scikit-learn's converter writes: a classifier of the three means, with labels, and a map of its scores."""
    words = isinstance(labels[0], str)
    tail = [
        node("LinearClassifier", "z", "label raw", domain="ai.onnx.ml", coefficients=np.eye(3).ravel().tolist(),
             intercepts=[0.0] * 3, post_transform="SOFTMAX",
             **{"classlabels_strings" if words else "classlabels_ints": labels}),
        node("ZipMap", "raw", "scores", domain="ai.onnx.ml",
             **{"classlabels_strings" if words else "classlabels_int64s": labels}),
    ]  # fmt: skip
    every: dict[str, Any] = {"label": (TensorProto.STRING if words else INT64, ["n"]), "raw": THREE}
    model = by_colour(tail if mapped else tail[:1], {name: every[name] for name in kinds.split() if name in every})
    if mapped and "scores" in kinds:
        value = model.graph.output.add(name="scores")
        keyed = value.type.sequence_type.elem_type.map_type
        keyed.key_type = TensorProto.STRING if words else INT64
        keyed.value_type.tensor_type.elem_type = FLOAT
    return model


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([0, 1, 2], ()), ([1, 2, 3], ("1", "2", "3")), ([7, 3, 5], ("7", "3", "5")),
        (["cat", "dog", "frog"], ("cat", "dog", "frog")), (["1", "2", "3"], ("1", "2", "3")), (["0", "1", "2"], ()),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kinds", ["label scores", "scores", "label raw", "label"])
def test_labels_name_the_classes_and_places_number_them(
    tmp_path: Path, labels: list[Any], names: tuple[str, ...], kinds: str
) -> None:
    """A class is the place of its score, also behind a map and where only the label is output."""
    graph = opened(classifier_of(labels, mapped="scores" in kinds, kinds=kinds), tmp_path)
    assert (graph.n_classes, answers(graph), graph.origins.n_classes) == (3, [0, 1, 2], "file")
    assert read_class_names(tmp_path / "m.onnx", 3) == names


@pytest.mark.parametrize("operator", ["Gather", "ArrayFeatureExtractor"])
def test_a_label_looked_up_in_a_table_is_its_place_there(tmp_path: Path, operator: str) -> None:
    """The class is what the arg max chose, and not the number that the author gave it."""
    domain = "" if operator == "Gather" else "ai.onnx.ml"
    tail = [node("ArgMax", "z", "c", axis=1, keepdims=0), node(operator, "table c", "label", domain=domain)]
    tail += [node("Reshape", "label flat", "out")]
    model = by_colour(tail, {"out": (INT64, ["n"])}, weights={"table": [30, 10, 20], "flat": [-1]})
    graph = opened(model, tmp_path)
    assert (graph.n_classes, answers(graph)) == (3, [0, 1, 2])


def test_an_answer_within_a_function_of_the_file_is_found(tmp_path: Path) -> None:
    """Functions are written out first, so that a sigmoid in one is seen."""
    from onnx import helper

    model = by_colour([node("MatMul", "z rb", "l"), node("squash", "l", "p", domain="own")], {"p": ONE},
                      weights=RED_OR_BLUE)  # fmt: skip
    model.functions.append(helper.make_function("own", "squash", ["a"], ["b"], [node("Sigmoid", "a", "b")],
                                                [helper.make_opsetid("", 13)]))  # fmt: skip
    model.opset_import.append(helper.make_opsetid("own", 1))
    graph = opened(model, tmp_path)
    assert (graph.answer.threshold, answers(graph)) == (0.5, [1, 0, 0])
