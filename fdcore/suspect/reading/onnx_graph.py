"""ONNX graphs as data: what computes what, and how to free a batch size that is fixed at 1."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from fdcore.suspect.formats import damaged

Array = npt.NDArray[Any]
FOLDED = frozenset({"Identity", "Cast", "DequantizeLinear"})  # operators whose constant results are constants here


@dataclass(frozen=True)
class Wiring:
    """What computes what in a graph.

    Attributes:
        nodes: in the order in which they run.
        made_by: tensor -> the node that computes it.
        constants: tensor -> its value, or an empty array for a large one.
    """

    nodes: Sequence[NodeProto]
    made_by: dict[str, NodeProto]
    constants: dict[str, Array]

    @staticmethod
    def of(model: ModelProto) -> "Wiring":
        """The wiring of a model's graph; what a subgraph computes counts as computed by the node that holds it."""
        nodes = list(model.graph.node)
        constants = constants_of(model.graph)
        for node in nodes:
            if node.op_type in FOLDED and node.input and {*node.input} <= constants.keys():
                constants |= dict.fromkeys(node.output, _folded(node, [constants[name] for name in node.input]))
        return Wiring(nodes, {name: node for node in nodes for name in node.output if name}, constants)

    def back(self, tensor: str, operators: Collection[str]) -> tuple[list[NodeProto], str]:
        """The nodes of these kinds that a tensor has passed last, latest first, and the tensor before them.

        Each node is followed to its first input.
        """
        passed: list[NodeProto] = []
        while (node := self.made_by.get(tensor)) is not None and node.op_type in operators and node.input:
            if len(passed) > len(self.nodes):  # a graph that runs in a circle; the runtime will refuse it
                break
            passed.append(node)
            tensor = node.input[0]
        return passed, tensor

    def upstream(self, tensor: str) -> set[str]:
        """Every tensor from which this one is computed, itself left out."""
        found: set[str] = set()
        waiting = [tensor]
        while waiting:
            node = self.made_by.get(waiting.pop())
            new = set() if node is None else set(_read_by(node)) - found
            found |= new
            waiting += new
        return found - {tensor}


def attribute(node: NodeProto, name: str, default: Any = None) -> Any:
    """The value of an attribute of a node."""
    return next((helper.get_attribute_value(given) for given in node.attribute if given.name == name), default)


def _read_by(node: NodeProto) -> Iterator[str]:
    """Every tensor that a node reads, including those that its subgraphs read from outside."""
    waiting = [node]
    while waiting:
        inner = waiting.pop()
        yield from inner.input
        for given in inner.attribute:
            if given.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS):
                for graph in (given.g, *given.graphs):
                    waiting += graph.node
                    yield from (output.name for output in graph.output)


def with_outputs(model: ModelProto, tensors: Sequence[str]) -> ModelProto:
    """A copy that also outputs these inner tensors."""
    known = {output.name for output in model.graph.output}
    copy = ModelProto()
    copy.CopyFrom(model)
    copy.graph.output.extend(onnx.ValueInfoProto(name=name) for name in dict.fromkeys(tensors) if name not in known)
    return copy


def with_free_batch(model: ModelProto) -> ModelProto:
    """A copy with a free batch size; whether its answers are unchanged must be checked by querying both."""
    copy = ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    copy.ir_version = max(copy.ir_version, 4)  # below 4, every constant would have to be an input too
    del graph.value_info[:]
    weights = {tensor.name for tensor in graph.initializer}
    for value in [*graph.input, *graph.output]:
        dims = value.type.tensor_type.shape.dim
        if value.name not in weights and len(dims) and dims[0].dim_value == 1:
            dims[0].dim_param = "batch"
    constants = constants_of(graph)
    for number, node in enumerate(graph.node):
        if node.op_type == "Reshape" and node.input[0] not in constants and node.input[1] in constants:
            shape = np.array(constants[node.input[1]], dtype=np.int64)
            if shape.ndim == 1 and len(shape) and shape[0] == 1:
                shape[0] = 0 if -1 in shape else -1  # 0 copies the first axis, -1 takes the rest
                node.input[1] = f"free_batch_shape_{number}"
                graph.initializer.append(numpy_helper.from_array(shape, node.input[1]))
    return copy


def constants_of(graph: GraphProto) -> dict[str, Array]:
    """Name -> value of small constants, or an empty array for large ones."""
    found = {tensor.name: _value(tensor) for tensor in graph.initializer}
    for node in graph.node:
        for given in node.attribute:
            if node.op_type == "Constant" and given.name == "value":
                found[node.output[0]] = _value(given.t)
            elif node.op_type == "Constant" and given.name in (
                "value_float",
                "value_floats",
                "value_int",
                "value_ints",
            ):
                found[node.output[0]] = np.asarray(helper.get_attribute_value(given))
    return found


def _value(tensor: TensorProto) -> Array:
    if np.prod(tensor.dims, dtype=np.float64) > 10_000:
        return np.empty(0)
    try:
        values: Array = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError) as error:
        raise damaged(f"The graph's constant {tensor.name}", error) from error
    return values


def _folded(node: NodeProto, values: list[Array]) -> Array:
    """What a node makes of constants; an empty array for what is large or scaled channel by channel."""
    if node.op_type != "DequantizeLinear":
        return values[0]
    if len(values) < 2 or any(number.size != 1 for number in values[1:]):
        return np.empty(0)
    scale, zero = (float(number.ravel()[0]) for number in (*values[1:], np.zeros(1))[:2])
    folded: Array = (values[0].astype(np.float64) - zero) * scale
    return folded


def with_shapes(model: ModelProto) -> GraphProto:
    """The graph with the shapes of its inner tensors, as far as the file shows them."""
    try:
        return onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError):
        return model.graph  # the runtime will report the fault


def static_shape(model: ModelProto, tensor: str) -> list[int | None]:
    """Sizes of a tensor's axes, None for a free one; [] where the file shows nothing."""
    graph = with_shapes(model)
    values = [*graph.value_info, *graph.output, *graph.input]
    return next((dims_of(value) for value in values if value.name == tensor), [])


def dims_of(value: onnx.ValueInfoProto) -> list[int | None]:
    """Sizes of a tensor's axes, None for a free one."""
    return [dim.dim_value if dim.dim_value > 0 else None for dim in value.type.tensor_type.shape.dim]


def metadata(model: ModelProto) -> dict[str, str]:
    """What the author wrote beside the graph."""
    return {entry.key: entry.value for entry in model.metadata_props}
