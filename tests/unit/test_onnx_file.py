"""Hostile ONNX graphs: each ends in one sentence, before anything in it is run."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from raising import raises

from fdcore.errors import SuspectError
from fdcore.suspect.reading import onnx_file
from fdcore.suspect.reading.onnx_file import read_graph
from fdcore.suspect.reading.onnx_suspect import open_graph

FLOAT = TensorProto.FLOAT
PICTURE = [1, 3, 8, 8]


def graph_of(nodes: list[NodeProto], **parts: object) -> GraphProto:
    """A graph from pictures "x" to "y"."""
    ends = [[helper.make_tensor_value_info(name, FLOAT, PICTURE)] for name in "xy"]
    return helper.make_graph(nodes, "g", *ends, **parts)


def model_of(nodes: list[NodeProto], functions: list[onnx.FunctionProto] | None = None, **parts: object) -> ModelProto:
    """A model with functions of its own in the domain "own"."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_model(graph_of(nodes, **parts), opset_imports=opsets, functions=functions or [], ir_version=8)


def function(
    name: str, nodes: list[NodeProto], defaults: list[onnx.AttributeProto] | None = None
) -> onnx.FunctionProto:
    """A function x -> y."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_function("own", name, ["x"], ["y"], nodes, opsets, attribute_protos=defaults or [])


def call(name: str, source: str = "x", target: str = "y") -> NodeProto:
    """A call of a function."""
    return helper.make_node(name, [source], [target], domain="own")


def written(model: ModelProto, tmp_path: Path) -> Path:
    """The graph as a file."""
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def elsewhere() -> TensorProto:
    """A tensor whose values lie in another file."""
    tensor = numpy_helper.from_array(np.ones(3, np.float32), "stolen")
    onnx.external_data_helper.set_external_data(tensor, "../../etc/passwd")
    tensor.ClearField("raw_data")
    return tensor


def hidden_in(place: str) -> ModelProto:
    """A model that hides a tensor of another file in one place."""
    same = [helper.make_node("Identity", ["x"], ["y"])]
    if place == "a function's default":
        default = helper.make_attribute("value", elsewhere())
        return model_of([call("f")], [function("f", same, [default])])
    if place == "a function's node":
        return model_of([call("f")], [function("f", [helper.make_node("Constant", [], ["y"], value=elsewhere())])])
    if place == "a sparse tensor":
        sparse = helper.make_sparse_tensor(elsewhere(), numpy_helper.from_array(np.arange(3), "i"), [9])
        return model_of(same, sparse_initializer=[sparse])
    if place == "a subgraph":
        branch = helper.make_graph([helper.make_node("Identity", ["w"], ["b"])], "b", [], [
            helper.make_tensor_value_info("b", FLOAT, PICTURE)], [elsewhere()])  # fmt: skip
        return model_of([helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)])
    model = model_of(same)
    info = onnx.TrainingInfoProto()
    info.algorithm.CopyFrom(graph_of(same, initializer=[elsewhere()]))
    model.training_info.append(info)
    return model


@pytest.mark.parametrize(
    "place", ["a function's default", "a function's node", "a sparse tensor", "a subgraph", "the training"]
)
def test_weights_in_other_files_are_found_wherever_they_are(tmp_path: Path, place: str) -> None:
    """Every field of the file is looked through."""
    with raises(SuspectError, "weights in other files", "stolen"):
        read_graph(written(hidden_in(place), tmp_path))


@pytest.mark.parametrize("chain", ["a", "ab", "abc"])
def test_functions_that_call_themselves_are_refused(tmp_path: Path, chain: str) -> None:
    """Directly, or through others."""
    functions = [function(name, [call(chain[(i + 1) % len(chain)])]) for i, name in enumerate(chain)]
    with raises(SuspectError, "endless functions", *chain):
        read_graph(written(model_of([call("a")], functions), tmp_path))


def test_functions_that_double_are_counted_as_they_would_be_written_out(tmp_path: Path) -> None:
    """Thirty functions that each call the next one twice are a thousand million nodes."""
    twice = [function(f"f{i}", [call(f"f{i + 1}", "x", "h"), call(f"f{i + 1}", "h", "y")]) for i in range(30)]
    last = function("f30", [helper.make_node("Relu", ["x"], ["y"])])
    with raises(SuspectError, "too many nodes"):
        read_graph(written(model_of([call("f0")], [*twice, last]), tmp_path))
    few = model_of([call("f26")], [*twice[26:], last])
    assert [node.op_type for node in read_graph(written(few, tmp_path)).graph.node] == ["Relu"] * 16


def nested(depth: int) -> NodeProto:
    """A condition within a condition, so many times."""
    node = helper.make_node("Relu", ["x"], ["y"])
    for _ in range(depth):
        branch = helper.make_graph([node], "b", [], [helper.make_tensor_value_info("y", FLOAT, PICTURE)])
        node = helper.make_node("If", ["c"], ["y"], then_branch=branch)
    return node


def test_graphs_nested_too_deeply_are_refused(tmp_path: Path) -> None:
    """Sixteen graphs within each other are allowed, which is more than any network has."""
    with raises(SuspectError, "nested too deep", 16):
        read_graph(written(model_of([nested(17)]), tmp_path))
    assert read_graph(written(model_of([nested(16)]), tmp_path)).graph.node[0].op_type == "If"


def test_too_many_nodes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted wherever they are."""
    monkeypatch.setattr(onnx_file, "MAX_NODES", 20)
    names = ["x", *(f"h{i}" for i in range(20)), "y"]
    long = model_of([helper.make_node("Relu", [a], [b]) for a, b in pairwise(names)])
    with raises(SuspectError, "too many nodes", 20):
        read_graph(written(long, tmp_path))


def test_tensors_that_are_too_large_together_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What exists at the same time counts; what has been used up does not."""
    shape = numpy_helper.from_array(np.array([1_000, 1_000]), "shape")
    giants = [helper.make_node("ConstantOfShape", ["shape"], [f"g{i}"]) for i in range(3)]  # 4 MB each
    together = [*giants, helper.make_node("Sum", ["g0", "g1", "g2"], ["s"])]
    one_by_one = [helper.make_node("Relu", [f"g{i}"], [f"g{i + 1}"]) for i in range(3)]
    monkeypatch.setattr(onnx_file, "_memory", lambda: 10_000_000)
    with raises(SuspectError, "tensors too large", "GB"):
        read_graph(written(model_of(together, initializer=[shape]), tmp_path))
    assert read_graph(written(model_of([giants[0], *one_by_one], initializer=[shape]), tmp_path))


def test_a_sparse_tensor_counts_as_it_is_unpacked(tmp_path: Path) -> None:
    """Three numbers can stand for a tensor that fills the memory."""
    values = numpy_helper.from_array(np.ones(3, np.float32), "few")
    sparse = helper.make_sparse_tensor(values, numpy_helper.from_array(np.arange(3), "i"), [1 << 40])
    same = [helper.make_node("Identity", ["x"], ["y"])]
    with raises(SuspectError, "tensor too large", "few", 1 << 40):
        read_graph(written(model_of(same, sparse_initializer=[sparse]), tmp_path))


def test_a_giant_input_is_refused_before_shapes_are_inferred(tmp_path: Path) -> None:
    """Inferring the shapes of a vector of a million million numbers does not end."""
    model = model_of([helper.make_node("ReduceMean", ["x"], ["v"], axes=[0, 1, 2], keepdims=0),
                      helper.make_node("Unsqueeze", ["v", "a"], ["y"])],
                     initializer=[numpy_helper.from_array(np.array([0]), "a")])  # fmt: skip
    model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = 1 << 40
    with raises(SuspectError, "tensor too large", 1 << 40):
        read_graph(written(model, tmp_path))


def test_a_graph_that_runs_in_a_circle_is_refused(tmp_path: Path) -> None:
    """A tensor that is computed from itself ends in the runtime's own words."""
    nodes = [helper.make_node("Identity", [a], [b]) for a, b in (("p", "q"), ("q", "p"), ("q", "y"))]
    with raises(SuspectError, "runtime refuses graph"):
        open_graph(written(model_of(nodes), tmp_path))
