"""ONNX graphs: reading their input, freeing their batch size, refusing what must not be opened."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from raising import raises

from fdcore.errors import SuspectError
from fdcore.suspect.open import open_suspect
from fdcore.suspect.reading.onnx_file import read_graph
from fdcore.suspect.reading.onnx_graph import Wiring, with_free_batch
from fdcore.suspect.reading.onnx_input import head_of, picture_input
from fdcore.suspect.reading.onnx_suspect import OnnxSuspect, OpenGraph, open_graph, start

FLOAT = TensorProto.FLOAT
Dims = list[int | str | None]


def model_of(
    nodes: list[NodeProto], weights: dict[str, Any], *, source: Dims, outputs: dict[str, tuple[int, Dims]],
    kind: int = FLOAT, domains: dict[str, int] | None = None,
) -> ModelProto:  # fmt: skip
    """A graph from its parts."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", kind, source)],
        [helper.make_tensor_value_info(name, elem, dims) for name, (elem, dims) in outputs.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in {"": 17, **(domains or {})}.items()]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def classifier(
    *, batch: int | str = 1, nhwc: bool = False, channels: int = 3, size: int = 16, head: list[NodeProto] | None = None
) -> ModelProto:
    """A convolution, pooling, a Reshape to a fixed batch and a linear layer; 5 classes."""
    generator = np.random.default_rng(0)
    linear = generator.normal(size=(4 * (size // 2) ** 2, 5)).astype(np.float32)
    weights = {
        "w": generator.normal(size=(4, channels, 3, 3)).astype(np.float32),
        "shape": np.array([batch if isinstance(batch, int) else -1, 4 * (size // 2) ** 2]),
        "m": linear - linear.mean(axis=0),  # else one class wins for all pictures
        "c": np.float32(127.5),
        "k": np.float32(1 / 255),
        "half": np.float32(0.5),
    }
    first = "x" if not head else "h"
    nodes = list(head or [])
    if nhwc:
        nodes.append(helper.make_node("Transpose", [first], ["t"], perm=[0, 3, 1, 2]))
        first = "t"
    nodes += [
        helper.make_node("Conv", [first, "w"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("MaxPool", ["b"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Reshape", ["p", "shape"], ["r"]),
        helper.make_node("MatMul", ["r", "m"], ["y"]),
    ]
    dims: Dims = [batch, size, size, channels] if nhwc else [batch, channels, size, size]
    return model_of(nodes, weights, source=dims, outputs={"y": (FLOAT, [batch, 5])})


def written(model: ModelProto, tmp_path: Path) -> Path:
    """The graph as a file."""
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def opened(path: Path, **said: Any) -> OnnxSuspect:
    """The graph as a suspect, with the input that the file says."""
    return asked_by(open_graph(path, **said))


def asked_by(graph: OpenGraph) -> OnnxSuspect:
    """An open graph with the input that its file says."""
    return OnnxSuspect(graph, graph.spec, fingerprint="f", description="d")


def pictures(n: int, *, size: int = 16, channels: int = 3) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """(n, size, size, channels): fields of many colours with noise."""
    generator = np.random.default_rng(2)
    fields = generator.uniform(0, 255, (n, 1, 1, channels)) + generator.normal(0, 60, (n, size, size, channels))
    return fields.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("nhwc", [False, True])
def test_layout_and_channels_are_read_from_the_shape(tmp_path: Path, nhwc: bool, channels: int) -> None:
    """Colour or grey, channels first or last, is recognised by the axis of size 1 or 3."""
    suspect = opened(written(classifier(nhwc=nhwc, channels=channels), tmp_path))
    spec = suspect.spec
    assert (spec.layout, spec.channels, spec.height, spec.width) == ("NHWC" if nhwc else "NCHW", channels, 16, 16)
    assert suspect.n_classes == 5
    assert suspect.labels(pictures(3, channels=channels)).shape == (3,)


@pytest.mark.parametrize("nhwc", [False, True])
def test_a_batch_size_fixed_at_one_is_freed_with_the_same_answers(tmp_path: Path, nhwc: bool) -> None:
    """The rewritten graph answers a whole batch as the original answers one by one."""
    model = classifier(nhwc=nhwc)
    suspect = opened(written(model, tmp_path))
    assert suspect.batch_size == 256
    single = opened(written(model, tmp_path))
    single._session, single.batch_size = start(model), 1
    asked = pictures(50)
    expected = single.labels(asked)
    assert len(set(expected.tolist())) > 1
    assert (suspect.labels(asked) == expected).all()


def test_freeing_leaves_the_original_and_reshapes_of_weights_alone() -> None:
    """Only a copy is changed, and a Reshape of constants that starts with 1 keeps its shape."""
    model = classifier()
    model.graph.node.insert(0, helper.make_node("Reshape", ["m", "flat"], ["m2"]))
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, -1]), "flat"))
    before = model.SerializeToString()
    freed = with_free_batch(model)
    assert model.SerializeToString() == before
    reshapes = {node.output[0]: node.input[1] for node in freed.graph.node if node.op_type == "Reshape"}
    assert reshapes["m2"] == "flat"
    assert reshapes["r"] != "shape"
    assert freed.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"


def test_a_graph_that_mixes_its_batch_is_asked_one_by_one(tmp_path: Path) -> None:
    """Where a free batch would change answers (here a mean over the batch), every picture is sent alone."""
    model = classifier()
    nodes = [*list(model.graph.node)[:-1], helper.make_node("ReduceMean", ["b"], ["mean"], axes=[0, 2, 3], keepdims=0)]
    del model.graph.node[:]
    nodes += [
        helper.make_node("MatMul", ["r", "m"], ["s"]),
        helper.make_node("ReduceSum", ["mean"], ["total"], keepdims=0),
        helper.make_node("Mul", ["s", "total"], ["y"]),
    ]
    model.graph.node.extend(nodes)
    graph = open_graph(written(model, tmp_path))
    suspect = asked_by(graph)
    assert suspect.batch_size == 1
    assert any("one picture at a time" in note for note in graph.notes)


def test_another_fixed_batch_is_filled(tmp_path: Path) -> None:
    """A graph with a batch size fixed at 4 is queried in blocks of 4, the last one filled up."""
    suspect = opened(written(classifier(batch=4), tmp_path))
    assert suspect.batch_size == 4
    free = opened(written(classifier(batch="n"), tmp_path))
    assert (suspect.labels(pictures(7)) == free.labels(pictures(7))).all()


def test_open_sizes_take_the_analysts_or_the_usual(tmp_path: Path) -> None:
    """A graph without a fixed size takes the size that is given, and else the first usual one that works."""
    model = classifier(batch="n")
    for axis, name in ((2, "h"), (3, "w")):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_param = name
    path = written(model, tmp_path)
    assert opened(path, height=16, width=16).spec.height == 16
    with raises(SuspectError, "size needed"):
        open_graph(path)
    chain = (("Conv", ["x", "w"], ["a"]), ("GlobalAveragePool", ["a"], ["p"]), ("Flatten", ["p"], ["y"]))
    weights = {"w": np.ones((6, 3, 3, 3), dtype=np.float32)}
    pooled = model_of(
        [helper.make_node(*node) for node in chain], weights, source=["n", 3, "h", "w"],
        outputs={"y": (FLOAT, ["n", 6])},
    )  # fmt: skip
    graph = open_graph(written(pooled, tmp_path))
    assert (graph.spec.height, graph.origins.height) == (224, "guess")
    assert "size 224x224 assumed" in open_suspect(written(pooled, tmp_path)).description


def test_a_fixed_size_cannot_be_overridden(tmp_path: Path) -> None:
    """Another size than the file fixes is refused."""
    with raises(SuspectError, "size fixed by graph", "16 x 16", "32 x 32"):
        open_graph(written(classifier(), tmp_path), height=32, width=32)


@pytest.mark.parametrize(
    ("dims", "axes", "size"),
    [
        ([1, 3, 8, 9], "NCHW", (8, 9)), ([1, 8, 9, 3], "NHWC", (8, 9)), (["n", 1, 28, 28], "NCHW", (28, 28)),
        (["n", 28, 28], "NHW", (28, 28)), (["n", 784], "flat", (28, 28)), (["n", 3072], "flat", (32, 32)),
    ],
)  # fmt: skip
def test_every_usual_shape_is_read(dims: Dims, axes: str, size: tuple[int, int]) -> None:
    """Batches of planes, of rows, of grey pictures without channels and of flat values are read as pictures."""
    model = model_of([helper.make_node("Identity", ["x"], ["y"])], {}, source=dims, outputs={"y": (FLOAT, dims)})
    source = picture_input(model, None, None)
    assert (source.axes, (source.height, source.width)) == (axes, size)
    assert source.arranged(np.zeros((2, *size, source.channels))).shape == (2, *dims[1:])


@pytest.mark.parametrize("dims", [[1, 7, 8, 8], [1, 101], [10], [1, 3, 8, 8, 8], [2, 3, 32]])
def test_inputs_that_are_no_pictures_are_refused(dims: Dims) -> None:
    """An input that is not a batch of pictures is refused with its shape."""
    model = model_of([helper.make_node("Identity", ["x"], ["y"])], {}, source=dims, outputs={"y": (FLOAT, dims)})
    with raises(SuspectError, "not pictures", " x ".join(map(str, dims))):
        picture_input(model, None, None)


def test_other_kinds_of_input_are_refused() -> None:
    """Token numbers, and several inputs, are not pictures."""
    node, outputs = [helper.make_node("Identity", ["x"], ["y"])], {"y": (TensorProto.INT64, [1, 3, 8, 8])}
    with raises(SuspectError, "wrong input type", "int64"):
        picture_input(model_of(node, {}, source=[1, 3, 8, 8], outputs=outputs, kind=TensorProto.INT64), None, None)
    two = classifier()
    two.graph.input.append(helper.make_tensor_value_info("training", TensorProto.BOOL, []))
    with raises(SuspectError, "not one input", 2, "x, training"):
        picture_input(two, None, None)


def test_uint8_graphs_take_pixels_as_they_are(tmp_path: Path) -> None:
    """A graph with a uint8 input is given bytes, and its normalisation is its own."""
    cast = [helper.make_node("Cast", ["x"], ["h"], to=FLOAT)]
    model = classifier(head=cast)
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    graph = open_graph(written(model, tmp_path))
    assert graph.spec.value_range == (0.0, 255.0)
    assert graph.normalisation == "bytes normalisation (its input is uint8)"
    suspect = asked_by(graph)
    assert suspect._prepared(pictures(2)).dtype == np.uint8
    assert suspect.labels(pictures(9)).shape == (9,)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ([("Sub", "c")], "bytes"), ([("Div", "c")], "bytes"), ([("Mul", "k")], "bytes"), ([], None),
        ([("Sub", "half"), ("Div", "half")], "unit"),
    ],
)  # fmt: skip
def test_arithmetic_at_the_input_tells_the_range(head: list[tuple[str, str]], expected: str | None) -> None:
    """A graph that scales its own input says which values it takes."""
    names = ["x", *(f"h{i}" for i in range(1, len(head))), "h"] if head else ["x"]
    nodes = [helper.make_node(op, [names[i], other], [names[i + 1]]) for i, (op, other) in enumerate(head)]
    assert head_of(Wiring.of(classifier(head=nodes)), "x").value_range == expected


def test_the_files_own_word_on_range_and_order_is_taken(tmp_path: Path) -> None:
    """Metadata that name the pixel range and the channel order are used."""
    model = classifier()
    helper.set_model_props(model, {"Image.NominalPixelRange": "NominalRange_0_255", "Image.BitmapPixelFormat": "Bgr8"})
    graph = open_graph(written(model, tmp_path))
    assert (graph.spec.value_range, graph.spec.order) == ((0.0, 255.0), "BGR")


def outputs_model(nodes: list[NodeProto], outputs: dict[str, tuple[int, Dims]]) -> ModelProto:
    """The classifier with other outputs."""
    model = classifier(batch="n")
    model.graph.node.extend(nodes)
    del model.graph.output[:]
    model.graph.output.extend(helper.make_tensor_value_info(name, kind, dims) for name, (kind, dims) in outputs.items())
    return model


def test_scores_are_preferred_to_labels(tmp_path: Path) -> None:
    """A graph that gives class numbers and scores is read by its scores."""
    nodes = [
        helper.make_node("ArgMax", ["y"], ["label"], axis=1, keepdims=0),
        helper.make_node("Softmax", ["y"], ["q"]),
    ]
    model = outputs_model(nodes, {"label": (TensorProto.INT64, ["n"]), "q": (FLOAT, ["n", 5])})
    suspect = opened(written(model, tmp_path))
    plain = opened(written(classifier(batch="n"), tmp_path))
    assert suspect._output.name == "q"
    assert (suspect.labels(pictures(20)) == plain.labels(pictures(20))).all()


def test_labels_alone_need_the_number_of_classes(tmp_path: Path) -> None:
    """Where the file does not show what an arg max chooses from, the number of classes has to be given."""
    nodes = [
        helper.make_node("Shape", ["y"], ["s"]),
        helper.make_node("Abs", ["s"], ["t"]),
        helper.make_node("Reshape", ["y", "t"], ["z"]),
        helper.make_node("ArgMax", ["z"], ["label"], axis=1, keepdims=0),
    ]
    path = written(outputs_model(nodes, {"label": (TensorProto.INT64, ["n"])}), tmp_path)
    with raises(SuspectError, "number of classes needed", "label"):
        open_graph(path)
    graph = open_graph(path, n_classes=5)
    assert graph.origins.n_classes == "options"
    labels = asked_by(graph).labels(pictures(20))
    assert (labels == opened(written(classifier(batch="n"), tmp_path)).labels(pictures(20))).all()


@pytest.mark.parametrize("squashed", [False, True])
def test_a_single_number_means_two_classes(tmp_path: Path, squashed: bool) -> None:
    """One logit is class 1 above 0, one probability is class 1 above 0.5."""
    nodes = [helper.make_node("ReduceSum", ["y", "axes"], ["z"], keepdims=1)]
    nodes += [helper.make_node("Sigmoid", ["z"], ["out"])] if squashed else []
    model = outputs_model(nodes, {"out" if squashed else "z": (FLOAT, ["n", 1])})
    model.graph.initializer.append(numpy_helper.from_array(np.array([1]), "axes"))
    suspect = opened(written(model, tmp_path))
    assert suspect.n_classes == 2
    sums = opened(written(classifier(batch="n"), tmp_path)).outputs(pictures(30)).sum(axis=1)
    assert (suspect.labels(pictures(30)) == (sums > 0)).all()


def test_maps_of_scores_are_no_classifier(tmp_path: Path) -> None:
    """A graph that answers a picture (as a segmentation does) is refused with its outputs."""
    with raises(SuspectError, "not a classifier", "b "):
        open_graph(written(outputs_model([], {"b": (FLOAT, ["n", 4, 16, 16])}), tmp_path))


def test_not_a_number_is_an_error_and_no_label(tmp_path: Path) -> None:
    """Damaged weights are found when the suspect is queried."""
    model = classifier()
    broken = numpy_helper.to_array(model.graph.initializer[2]).copy()
    broken[0, 0] = np.nan
    model.graph.initializer[2].CopyFrom(numpy_helper.from_array(broken, "m"))
    with raises(SuspectError, "not finite"):
        opened(written(model, tmp_path)).labels(pictures(3))


def test_weights_in_other_files_are_refused(tmp_path: Path) -> None:
    """A path named inside the file is never followed."""
    model = classifier()
    onnx.external_data_helper.set_external_data(model.graph.initializer[0], "../../etc/passwd")
    model.graph.initializer[0].ClearField("raw_data")
    with raises(SuspectError, "weights in other files", "(w)"):
        read_graph(written(model, tmp_path))


def test_operators_with_code_of_their_own_are_refused(tmp_path: Path) -> None:
    """Operators of an unknown domain would need a library of the author's; they are named."""
    node = helper.make_node("Payload", ["x"], ["y"], domain="evil.ops")
    dims: Dims = [1, 3, 8, 8]
    model = model_of([node], {}, source=dims, outputs={"y": (FLOAT, dims)}, domains={"evil.ops": 1})
    with raises(SuspectError, "unknown operators", "evil.ops.Payload"):
        read_graph(written(model, tmp_path))


def test_tensors_that_exhaust_memory_are_refused(tmp_path: Path) -> None:
    """A small file that computes a giant tensor is refused before it is run."""
    model = classifier()
    model.graph.node.append(helper.make_node("ConstantOfShape", ["giant"], ["g"]))
    model.graph.initializer.append(numpy_helper.from_array(np.array([100_000, 100_000]), "giant"))
    with raises(SuspectError, "tensor too large", "100000 x 100000"):
        read_graph(written(model, tmp_path))
    declared = classifier()
    declared.graph.initializer[0].dims[0] = 1 << 40
    with raises(SuspectError, "tensor too large", 1 << 40):
        read_graph(written(declared, tmp_path))


def test_damaged_graphs_are_refused(tmp_path: Path) -> None:
    """Cut and inconsistent graphs are refused by name and not by a stack of library errors."""
    path = written(classifier(), tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(SuspectError):
        open_graph(path)
    wrong = classifier()
    wrong.graph.node[0].input[1] = "absent"
    with raises(SuspectError, "runtime refuses graph"):
        open_graph(written(wrong, tmp_path))
    shape = classifier()
    shape.graph.initializer[1].CopyFrom(numpy_helper.from_array(np.array([1, 999]), "shape"))
    with pytest.raises(SuspectError) as caught:
        open_graph(written(shape, tmp_path))
    assert caught.value.key in ("runtime refuses graph", "graph fails")


def test_answers_do_not_depend_on_the_company(tmp_path: Path) -> None:
    """A picture's outputs have the same bits alone, among others and in another order."""
    suspect, asked = opened(written(classifier(), tmp_path)), pictures(20)
    together = suspect.outputs(asked)
    order = np.random.default_rng(1).permutation(20)
    assert (suspect.outputs(asked[order]) == together[order]).all()
    assert (suspect.outputs(asked[3:4]) == together[3:4]).all()


@pytest.mark.real
def test_the_real_graphs(real_data: Path) -> None:
    """The four real graphs open with the right input, and the three fixed at 1 are queried in batches."""
    expected = {
        "seized-02.onnx": (43, 32, 3, "NCHW", 256), "seized-03.onnx": (10, 28, 1, "NCHW", 256),
        "seized-04.bin": (100, 128, 3, "NHWC", 64), "seized-06.onnx": (1000, 224, 3, "NCHW", 16),
    }  # fmt: skip
    for name, wanted in expected.items():
        graph = open_graph(real_data / "suspects" / name)
        suspect = asked_by(graph)
        spec = suspect.spec
        assert (suspect.n_classes, spec.height, spec.channels, spec.layout, suspect.batch_size) == wanted


def test_a_session_keeps_to_the_cores_that_its_process_is_given(monkeypatch):
    """A worker of a cluster has one, and many of them share a machine."""
    monkeypatch.setattr("fdcore.suspect.reading.onnx_suspect.N_THREADS", 1)
    assert start(with_free_batch(classifier())).get_session_options().intra_op_num_threads == 1
