"""The table of a file's tensors, for weights of a network that is not known."""

import csv
import json
import math
from pathlib import Path

import case_factory
import numpy as np
import onnx
import pytest
import torch
from raising import raises

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.plan import Plan
from fdcore.cli.main import main
from fdcore.errors import RefusedError, SuspectError
from fdcore.suspect.tensors import TensorRow, list_tensors
from fdcore.work.intake import check_suspect

NAME = "=HYPERLINK(1)\x1b[2J\u202e"


@pytest.fixture
def unknown(tmp_path: Path) -> Path:
    """Weights that no known network has, under hostile names."""
    state = {
        NAME: torch.tensor([[0.0, 1.0], [0.0, 3.0]]),
        "loss.weight": torch.tensor([[1.0, math.inf]], dtype=torch.float16),
        "codebook.table.weight": torch.zeros(2, 3, 5, 7, 11),
    } | {f"block.{i}.odd": torch.ones(i % 7 + 1, 3) for i in range(500)}
    torch.save(state, tmp_path / "unknown.pth")
    return tmp_path / "unknown.pth"


def test_each_tensor_has_a_row(unknown: Path) -> None:
    """Shape, type, mean, standard deviation and share of zeros; long tables are cut, and names are inert."""
    table = list_tensors(unknown)
    assert (len(table.rows), table.n_tensors) == (400, 503)
    assert table.rows[0] == TensorRow("=HYPERLINK(1) [2J ", "2 x 2", "float32", 1.0, 1.224745, 0.5)
    assert table.rows[1] == TensorRow("loss.weight", "1 x 2", "float16", None, None, 0.0)
    assert table.rows[2].zeros == 1


def test_the_command_prints_it(unknown: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As text and as JSON."""
    assert main(["tensors", str(unknown)]) == 0
    text = capsys.readouterr().out
    assert "float16  not finite  not finite" in text
    assert "and 103 more tensors" in text
    assert "\x1b" not in text
    assert main(["tensors", str(unknown), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n_tensors"] == 503


def test_a_case_keeps_it_where_nothing_fits(unknown: Path, tmp_path: Path) -> None:
    """The refusal names the command, and the case holds the table, in which no name is a formula."""
    case = Case.create(tmp_path / "case")
    case.record(plan=Plan())
    with raises(SuspectError, "no architecture fits", "fdcore tensors"):
        check_suspect(case.folder, unknown, [("black", np.zeros((32, 32, 3), np.uint8))])
    rows = list(csv.DictReader(case.path(layout.TENSORS).read_text().splitlines()))
    assert rows[0]["name"].startswith("'=HYPERLINK")
    assert "tensors listed" in [entry["event"] for entry in case.audit()]


class _Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("harm",)


def test_what_is_no_file_of_weights_is_named(tmp_path: Path) -> None:
    """A graph has no table; a program is refused before anything is listed."""
    graph = case_factory.world().evidence / "colours.onnx"
    assert onnx.load(graph).graph
    with raises(SuspectError, "no tensors", "ONNX"):
        list_tensors(graph)
    torch.save({"weight": torch.zeros(2, 2), "more": _Harmful()}, tmp_path / "harm.pth")
    with raises(RefusedError, "scan dangerous", "print"):
        list_tensors(tmp_path / "harm.pth")
