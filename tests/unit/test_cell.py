"""The cell that a suspect is read and queried in: what it cannot do, and what happens when it hangs or dies."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from raising import raises

from fdcore.errors import RefusedError, SuspectError
from fdcore.suspect.cell import cell as cell_module
from fdcore.suspect.cell import wire
from fdcore.suspect.cell.cell import Cell, CellError, CellReport, Limits, printable
from fdcore.suspect.cell.evidence import Evidence
from fdcore.suspect.open import open_suspect

NURSERY = cell_module.NURSERY  # as users have it
FLOAT, INT, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
SIDE = 8


@pytest.fixture(scope="module", autouse=True)
def _as_users_have_it() -> Iterator[None]:
    """Nurseries with nothing imported beforehand; the other tests' one goes on afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cell_module, "NURSERY", NURSERY)
        patch.setattr(cell_module, "_shared_nursery", None)
        yield


def saved(path: Path, nodes: list[onnx.NodeProto]) -> Path:
    """A classifier of two classes: the nodes make `scores` (N, 2) from `pictures` (N, 3, 8, 8)."""
    pictures = helper.make_tensor_value_info("pictures", FLOAT, ["n", 3, SIDE, SIDE])
    scores = helper.make_tensor_value_info("scores", FLOAT, ["n", 2])
    graph = helper.make_graph(nodes, "g", [pictures], [scores])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def number(name: str, value: float | int | bool, kind: int) -> onnx.NodeProto:
    """A constant."""
    return helper.make_node("Constant", [], [name], value=helper.make_tensor(name, kind, [], [value]))


def two_means(source: str = "pictures") -> list[onnx.NodeProto]:
    """Two scores that depend on how bright a picture is."""
    return [
        helper.make_node("Constant", [], ["axes"], value=helper.make_tensor("axes", INT, [3], [1, 2, 3])),
        helper.make_node("ReduceMean", [source, "axes"], ["mean"], keepdims=0),
        helper.make_node("Constant", [], ["last"], value=helper.make_tensor("last", INT, [1], [1])),
        helper.make_node("Unsqueeze", ["mean", "last"], ["column"]),
        number("half", 0.5, FLOAT),
        helper.make_node("Sub", ["half", "column"], ["dark"]),
        helper.make_node("Concat", ["dark", "column"], ["scores"], axis=1),
    ]


def loop(condition: str, trips: str = "") -> onnx.NodeProto:
    """A loop that hands `pictures` through for as long as `condition` holds, at most `trips` times."""
    inputs = [
        helper.make_tensor_value_info("i", INT, []),
        helper.make_tensor_value_info("on", BOOL, []),
        helper.make_tensor_value_info("x", FLOAT, None),
    ]
    outputs = [helper.make_tensor_value_info("on_out", BOOL, []), helper.make_tensor_value_info("x_out", FLOAT, None)]
    body = [helper.make_node("Identity", ["on"], ["on_out"]), helper.make_node("Neg", ["x"], ["x_out"])]
    graph = helper.make_graph(body, "body", inputs, outputs)
    return helper.make_node("Loop", [trips, condition, "pictures"], ["looped"], body=graph)


def always(path: Path) -> Path:
    """A loop that never ends."""
    return saved(path, [number("yes", True, BOOL), loop("yes"), *two_means("looped")])


def many(path: Path) -> Path:
    """A loop of 2^62 rounds."""
    return saved(path, [number("often", 1 << 62, INT), loop("", "often"), *two_means("looped")])


def huge(path: Path) -> Path:
    """A constant of 64 GB, made while the graph is prepared or when it first runs."""
    shape = helper.make_tensor("shape", INT, [1], [1 << 34])
    return saved(
        path,
        [
            helper.make_node("Constant", [], ["shape"], value=shape),
            helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
            helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0),
            helper.make_node("Add", ["pictures", "sum"], ["looped"]),
            *two_means("looped"),
        ],
    )


def on_dark_pictures(path: Path) -> Path:
    """A loop that never ends where the first picture of a batch is darker than 0.1, but not black."""
    nodes = two_means()
    nodes[-1] = helper.make_node("Concat", ["dark", "column"], ["all"], axis=1)
    nodes += [
        helper.make_node("Constant", [], ["first"], value=helper.make_tensor("first", INT, [], [0])),
        helper.make_node("Gather", ["mean", "first"], ["one"], axis=0),
        number("tenth", 0.1, FLOAT), number("nothing", 0.01, FLOAT),
        helper.make_node("Less", ["one", "tenth"], ["below"]),
        helper.make_node("Greater", ["one", "nothing"], ["above"]),
        helper.make_node("And", ["below", "above"], ["trap"]),
        loop("trap"),
        helper.make_node("Constant", [], ["axis"], value=helper.make_tensor("axis", INT, [3], [1, 2, 3])),
        helper.make_node("ReduceSum", ["looped", "axis"], ["s"], keepdims=0),
        helper.make_node("Unsqueeze", ["s", "last"], ["t"]),
        number("none", 0.0, FLOAT),
        helper.make_node("Mul", ["t", "none"], ["u"]),
        helper.make_node("Add", ["all", "u"], ["scores"]),
    ]  # fmt: skip
    return saved(path, nodes)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A harmless suspect."""
    return saved(tmp_path / "plain.onnx", two_means())


def pictures(value: int) -> np.ndarray:
    """Three pictures of one brightness."""
    return np.full((3, SIDE, SIDE, 3), value, np.uint8)


def test_a_closed_cell_can_do_nothing(plain: Path) -> None:
    """From inside, nothing can be read, written, reached, run or started, and every layer says whether it holds."""
    report = open_suspect(plain).cell
    assert report is not None
    assert report.possible == ()
    assert [name for name, _ in report.layers] == [
        "network namespace", "unprivileged user", "no new privileges", "limits", "Landlock", "seccomp",
    ]  # fmt: skip


@pytest.mark.parametrize("missing", [("_landlock", "_leave_network"), ("_seccomp", "_leave_network")])
def test_one_of_two_layers_is_enough(plain: Path, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, str]) -> None:
    """Without namespaces, either of Landlock and seccomp alone keeps a suspect from TCP and from foreign files or
    programs; without Landlock files can be read, which the probe reports."""
    report = _report_without(plain, monkeypatch, *missing)
    assert "connect to a port" not in report.possible
    assert "run a program" not in report.possible
    assert ("read a file" in report.possible) == ("_landlock" in missing)


def test_without_any_layer_nothing_is_opened(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that cannot keep the suspect from the network refuses it, unless a reason is given."""
    _without(monkeypatch, "_landlock", "_seccomp", "_leave_network")
    with raises(RefusedError, "network not stopped", "plain.onnx", "Landlock: not here"):
        open_suspect(plain)
    assert open_suspect(plain, allow_network="an old kernel, offline").n_classes == 2


@pytest.mark.parametrize("make", [always, many])
def test_a_suspect_that_never_opens_is_ended(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    """Endless work while a file is opened ends as one sentence after the time limit."""
    path = make(tmp_path / "endless.onnx")
    begun = time.monotonic()
    with raises(CellError, "suspect hangs", "endless.onnx"):
        open_suspect(path, limits=Limits(opening_s=3))
    assert time.monotonic() - begun < 20


def test_a_suspect_that_takes_all_memory_is_ended(tmp_path: Path) -> None:
    """A file that allocates without bound meets its cell's limit, not the machine's."""
    with pytest.raises(SuspectError, match=r"memory|alloc"):
        open_suspect(huge(tmp_path / "huge.onnx"), limits=Limits(memory=1 << 30, opening_s=30))


def test_a_suspect_that_hangs_at_some_pictures_keeps_its_other_answers(tmp_path: Path) -> None:
    """A batch that hangs fails twice and ends; light pictures are answered before and after it."""
    suspect = open_suspect(on_dark_pictures(tmp_path / "trap.onnx"), limits=Limits(batch_s=1), preset="unit")
    assert suspect.labels(pictures(200)).tolist() == [1, 1, 1]
    with raises(SuspectError, "suspect hangs", "failed twice at the same 3 pictures"):
        suspect.labels(pictures(20))
    assert suspect.labels(pictures(200)).tolist() == [1, 1, 1]


def test_a_cell_that_dies_is_replaced(plain: Path) -> None:
    """A cell killed between two batches costs nothing; one that is killed again and again ends the suspect."""
    suspect = open_suspect(plain)
    before = suspect.labels(pictures(200)).tolist()
    for pid in _cells():
        os.kill(pid, signal.SIGKILL)
    assert suspect.labels(pictures(200)).tolist() == before


def test_a_nursery_that_dies_is_replaced(plain: Path) -> None:
    """The process that cells are forked from takes them with it; the next batch starts another."""
    suspect = open_suspect(plain)
    before = suspect.labels(pictures(200)).tolist()
    nursery = cell_module._shared_nursery
    assert nursery is not None
    nursery._process.kill()
    nursery._process.wait()
    assert suspect.labels(pictures(200)).tolist() == before


def test_a_nursery_that_does_not_answer_is_replaced(plain: Path) -> None:
    """Nothing of a broken conversation is read later: the nursery is ended, and the next call starts another."""
    open_suspect(plain).close()
    nursery = cell_module._shared_nursery
    assert nursery is not None
    nursery._control.shutdown(socket.SHUT_RDWR)
    with raises(CellError, "no nursery"):
        open_suspect(plain)
    assert open_suspect(plain).labels(pictures(200)).tolist() == [1, 1, 1]


def test_cells_end_with_their_suspect(plain: Path) -> None:
    """A suspect that is closed, or that nobody refers to any more, leaves no process."""
    suspect = open_suspect(plain)
    assert len(_cells()) == 1
    suspect.close()
    assert _cells() == []
    suspect = open_suspect(plain)
    del suspect
    deadline = time.monotonic() + 5
    while _cells() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert _cells() == []


def test_only_regular_files_are_evidence(tmp_path: Path, plain: Path) -> None:
    """Pipes, devices, folders and links are named as what they are, at once."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(plain)
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with raises(SuspectError, "suspect unreadable", path.name):
            open_suspect(path)
    with raises(SuspectError, "suspect is a link", str(plain)):
        open_suspect(tmp_path / "link")


def test_copies_of_evidence_cannot_be_changed(plain: Path) -> None:
    """The bytes that were hashed are sealed."""
    evidence = Evidence.take(plain)
    with pytest.raises(PermissionError):
        os.write(evidence.files["plain.onnx"], b"x")


def test_what_a_cell_says_is_only_text() -> None:
    """Control characters and endless texts do not get through."""
    assert printable("a\x1b[31mb\nc") == "a [31mb c"
    assert len(printable("x" * 1_000_000)) == cell_module.MAX_TEXT


@pytest.mark.parametrize("said", [b"\xff\xff\xff\x7f", b"\x02\0\0\0{}extra"[:5], b""])
def test_a_cell_that_floods_or_falls_silent_is_noticed(said: bytes) -> None:
    """A message that is too long, cut off or never comes is no message."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(said)
        if said:
            theirs.shutdown(socket.SHUT_WR)
        with pytest.raises((wire.GoneError, wire.SilentError)):
            wire.receive(ours.fileno(), time.monotonic() + 0.1)


def test_a_cell_that_answers_something_else_is_ended(plain: Path) -> None:
    """An answer of another shape than the task's is a broken protocol, not a crash of this process."""
    cell = Cell(Evidence.take(plain), limits=Limits())
    with raises(CellError, "suspect breaks protocol", "plain.onnx"):
        cell.ask("identify", int, timeout_s=30)
    with raises(CellError, "suspect ended"):
        cell.ask("identify", str, timeout_s=30)


def _cells() -> list[int]:
    """The processes that this process's nursery has forked and that have not ended."""
    nursery = cell_module._shared_nursery
    if nursery is None or not nursery.serves:
        return []
    children = Path(f"/proc/{nursery._process.pid}/task/{nursery._process.pid}/children").read_text().split()
    return [int(pid) for pid in children if Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"]


def _without(monkeypatch: pytest.MonkeyPatch, *layers: str) -> None:
    """Start cells from a nursery in which some layers cannot be applied."""
    program = (
        "import sys; from fdcore.suspect.cell import nursery, walls\n"
        "def missing(*_, **__): raise OSError(38, 'not here')\n"
        f"for name in {layers!r}: setattr(walls, name, missing)\n"
        "nursery.main(sys.argv[1:])"
    )
    monkeypatch.setattr(cell_module, "_shared_nursery", None)
    monkeypatch.setattr(cell_module, "NURSERY", ("-c", program))


def _report_without(path: Path, monkeypatch: pytest.MonkeyPatch, *layers: str) -> CellReport:
    _without(monkeypatch, *layers)
    report = open_suspect(path, allow_network="a test").cell
    assert report is not None
    return report
