"""From a file to an ONNX graph that may be opened: every part of it is looked at, and nothing in it is run."""

import math
import resource
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import google.protobuf.message  # type: ignore[import-untyped]  # ships no types
import onnx
import onnx.inliner
from onnx import (
    FunctionProto,
    GraphProto,
    ModelProto,
    NodeProto,
    SparseTensorProto,
    TensorProto,
    ValueInfoProto,
    helper,
)

from fdcore.errors import SuspectError
from fdcore.suspect.cell.cell import Limits
from fdcore.suspect.formats import damaged
from fdcore.suspect.reading.onnx_graph import dims_of, with_shapes

KNOWN_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc"})
MAX_BYTES = 2_000_000_000
MAX_ELEMENTS = 2_000_000_000  # of one tensor inside the graph: 8 GB of float32
MAX_NODES = 100_000
MAX_DEPTH = 16  # graphs within graphs

Function = tuple[str, str, str]  # domain, name, overload


def read_graph(path: Path) -> ModelProto:
    """Read and check a graph; the functions that it defines are written out.

    Raises:
        SuspectError: it is damaged, keeps weights in other files, needs unknown operators, has giant tensors or too
            many nodes, or its functions or graphs are nested without end.
    """
    if path.stat().st_size > MAX_BYTES:
        raise SuspectError(f"{path.name} is larger than the {MAX_BYTES:,} bytes that a single ONNX file can have.")
    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except (google.protobuf.message.DecodeError, ValueError) as error:
        raise damaged(path.name, error) from error
    _refuse_many_nodes(model, path.name)
    _refuse_external_data(model, path.name)
    _refuse_unknown_operators(model, path.name)
    _refuse_giants(model, path.name)
    return _without_functions(model)


def _parts(message: Any) -> Iterator[tuple[Any, int]]:
    """Every message within a message, itself included, each with the number of graphs that it lies in."""
    waiting = [(message, 0)]
    while waiting:
        part, depth = waiting.pop()
        yield part, depth
        depth += isinstance(part, GraphProto)
        for field, value in part.ListFields():
            if field.message_type is not None:
                waiting += [(inner, depth) for inner in (value if field.is_repeated else (value,))]


def _nodes(message: Any) -> list[NodeProto]:
    """Every node within a message, including those of subgraphs and functions."""
    return [part for part, _ in _parts(message) if isinstance(part, NodeProto)]


def _refuse_many_nodes(model: ModelProto, name: str) -> None:
    n_nodes = 0
    for part, depth in _parts(model):
        n_nodes += isinstance(part, NodeProto)
        if isinstance(part, GraphProto) and depth > MAX_DEPTH:
            raise SuspectError(
                f"{name} nests graphs more than {MAX_DEPTH} deep, which no export of a network does. It is damaged or "
                "made to exhaust memory.",
                key="nested too deep",
            )
        if n_nodes > MAX_NODES:
            break
    if n_nodes > MAX_NODES or _n_written_out(model, name) > MAX_NODES:
        raise SuspectError(
            f"{name} has more than {MAX_NODES:,} nodes, counting those of each call of a function. It is damaged or "
            "made to exhaust memory.",
            key="too many nodes",
        )


def _n_written_out(model: ModelProto, name: str) -> int:
    """How many nodes the graph has once its functions are written out."""
    calls = {
        (_domain(function), function.name, function.overload): Counter(map(_called, _nodes(function)))
        for function in model.functions
    }
    sizes: dict[Function, int] = {}

    def written_out(called: Counter[Function]) -> int:
        return sum(n * (1 + sizes.get(function, 0)) for function, n in called.items())

    try:
        for function in TopologicalSorter({own: called.keys() & calls for own, called in calls.items()}).static_order():
            sizes[function] = written_out(calls[function])
    except CycleError as error:
        chain = " calls ".join(function for _, function, _ in error.args[1][:5])
        raise SuspectError(
            f"{name} defines functions that call themselves ({chain}), so that it never ends. It is damaged or made to "
            "exhaust memory.",
            key="endless functions",
        ) from error
    return written_out(Counter(map(_called, _nodes(model.graph))))


def _called(node: NodeProto) -> Function:
    return _domain(node), node.op_type, node.overload


def _domain(part: NodeProto | FunctionProto) -> str:
    return "" if part.domain == "ai.onnx" else str(part.domain)


def _without_functions(model: ModelProto) -> ModelProto:
    """The graph with its own functions written out, as ONNX Runtime does it too."""
    try:
        return onnx.inliner.inline_local_functions(model) if model.functions else model
    except (RuntimeError, ValueError):
        return model  # the runtime will report the fault


def _refuse_external_data(model: ModelProto, name: str) -> None:
    tensors = [part for part, _ in _parts(model) if isinstance(part, TensorProto)]
    outside = [t.name for t in tensors if t.data_location == TensorProto.EXTERNAL or t.external_data]
    if outside:
        raise SuspectError(
            f"{name} keeps {len(outside)} of its weights in other files ({', '.join(outside[:3])}), and paths that a "
            "suspect names are never followed. Join them first: onnx.save(onnx.load('MODEL'), 'joined.onnx').",
            key="weights in other files",
        )


def _refuse_unknown_operators(model: ModelProto, name: str) -> None:
    own = {(function.domain, function.name) for function in model.functions}
    strange = {
        f"{node.domain}.{node.op_type}"
        for node in _nodes(model)
        if node.domain not in KNOWN_DOMAINS and (node.domain, node.op_type) not in own
    }
    if strange:
        raise SuspectError(
            f"{name} needs operators that are not part of ONNX Runtime ({', '.join(sorted(strange)[:5])}); their code "
            "is not loaded. Ask for an export with standard operators only.",
            key="unknown operators",
        )


def _refuse_giants(model: ModelProto, name: str) -> None:
    """Refuse stored or computed tensors whose shapes would exhaust memory, each alone or all together."""
    stored = [
        (part.name if isinstance(part, TensorProto) else part.values.name, list(part.dims))
        for part, _ in _parts(model)
        if isinstance(part, TensorProto | SparseTensorProto)
    ]
    _refuse_giant(stored, name)
    _refuse_giant(_declared(model.graph), name)  # before shapes are inferred, which may take long for giants
    inferred = with_shapes(model)
    _refuse_giant(_declared(inferred), name)
    needed, allowed = _most_bytes(inferred), _memory()
    if needed > allowed:
        raise SuspectError(
            f"{name} needs {needed / 1e9:,.1f} GB for the tensors of a single picture, more than the "
            f"{allowed / 1e9:,.1f} GB that it may use. It is made to exhaust memory, or needs a larger machine.",
            key="tensors too large",
        )


def _refuse_giant(shapes: Iterable[tuple[str, Sequence[int | None]]], name: str) -> None:
    for tensor, dims in shapes:
        if _n_elements(dims) > MAX_ELEMENTS:
            shape = " x ".join(str(dim or 1) for dim in dims)
            raise SuspectError(
                f"{name} holds or computes the tensor {tensor} of shape {shape}, more than the {MAX_ELEMENTS:,} "
                "numbers that can be opened. It is damaged or made to exhaust memory.",
                key="tensor too large",
            )


def _values(graph: GraphProto) -> list[ValueInfoProto]:
    return [*graph.value_info, *graph.output, *graph.input]


def _declared(graph: GraphProto) -> list[tuple[str, Sequence[int | None]]]:
    return [(value.name, dims_of(value)) for value in _values(graph)]


def _most_bytes(graph: GraphProto) -> int:
    """Bytes of the tensors that exist at the same time, where there are most; free axes count as 1."""
    sizes = {v.name: _n_elements(dims_of(v)) * _item_size(v.type.tensor_type.elem_type) for v in _values(graph)}
    last_use = {name: i for i, node in enumerate(graph.node) for name in node.input}
    last_use |= {output.name: len(graph.node) for output in graph.output}
    held = most = sum(_n_elements(tensor.dims) * _item_size(tensor.data_type) for tensor in graph.initializer)
    alive: set[str] = set()
    for i, node in enumerate(graph.node):
        held += sum(sizes.get(name, 0) for name in node.output)
        most = max(most, held)
        alive.update(node.output)
        ended = {name for name in (*node.input, *node.output) if name in alive and last_use.get(name, i) == i}
        held -= sum(sizes.get(name, 0) for name in ended)
        alive -= ended
    return int(most)


def _item_size(kind: int) -> int:
    """Bytes of one number; 0 for text and for types that are not known."""
    known = kind in helper.get_all_tensor_dtypes() and kind != TensorProto.STRING
    return int(helper.tensor_dtype_to_np_dtype(kind).itemsize) if known else 0


def _n_elements(dims: Iterable[int | None]) -> float:
    """Numbers in a tensor of these sizes; a free axis counts as 1."""
    return math.prod((1.0 if dim is None else float(max(dim, 0)) for dim in dims), start=1.0)


def _memory() -> int:
    """Bytes that this process may use, which in a cell is a limit of its own."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return Limits().bytes if limit == resource.RLIM_INFINITY else limit
