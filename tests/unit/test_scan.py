"""Scanning files that hold pickles, ordinary and hostile ones."""

import io
import os
import pickle
import struct
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from raising import raises

from fdcore.errors import RefusedError
from fdcore.suspect import scan as scan_module
from fdcore.suspect.cell.cell import Limits
from fdcore.suspect.cell.evidence import Evidence
from fdcore.suspect.reading import scanners
from fdcore.suspect.reading.scanners import named_globals
from fdcore.suspect.scan import Finding, ScanReport, identify, require_safe

WEIGHTS = OrderedDict({"conv.weight": torch.ones(2, 3, 3, 3), "fc.weight": torch.ones(2, 4), "fc.bias": torch.ones(2)})


def scan(path: Path) -> ScanReport:
    """What the scanners report about a file."""
    evidence = Evidence.take(path)
    return scan_module.scan(evidence, identify(evidence))


class Calls:
    """An object that, once unpickled, would call a function."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.call


def save(path: Path, content: object, *, zipped: bool = True) -> Path:
    """A PyTorch file."""
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


def ordinary_checkpoints() -> dict[str, object]:
    """What people save beside weights."""
    parameters = [torch.nn.Parameter(torch.ones(3, 3)) for _ in range(3)]
    optimiser = torch.optim.Adam(parameters)
    torch.stack([p.sum() for p in parameters]).sum().backward()
    optimiser.step()
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, [2, 4])
    return {
        "state dict": WEIGHTS,
        "parameters": {"fc.weight": parameters[0], "shared.weight": parameters[0]},
        "half precision": {key: value.half() for key, value in WEIGHTS.items()},
        "bfloat16": {key: value.bfloat16() for key, value in WEIGHTS.items()},
        "training": {"epoch": 3, "model": WEIGHTS, "optimizer": optimiser.state_dict(), "lr": schedule.state_dict()},
        "numbers": {"net": WEIGHTS, "best": np.float64(0.9), "n": np.int64(3), "mean": np.array([0.5, 0.5, 0.5])},
        "data": {"net": WEIGHTS, "classes": ["a", "b"], "size": torch.Size([3, 32, 32]), "t": (1, None, True, 2.5)},
    }


@pytest.mark.parametrize("name", ordinary_checkpoints())
def test_ordinary_checkpoints_are_clean(tmp_path: Path, name: str) -> None:
    """All scanners agree that an ordinary checkpoint holds weights and plain data only."""
    report = scan(save(tmp_path / "m.pth", ordinary_checkpoints()[name]))
    assert report.verdict == "clean", report.findings
    assert [finding.scanner for finding in report.findings] == ["opcodes", "picklescan", "fickling"]


def test_old_format_is_clean_too(tmp_path: Path) -> None:
    """The format of several pickles in a row is scanned pickle by pickle."""
    assert scan(save(tmp_path / "m.th", ordinary_checkpoints()["training"], zipped=False)).verdict == "clean"


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("how", ["system", "eval", "nested"])
def test_hostile_checkpoints_are_dangerous_and_not_executed(tmp_path: Path, how: str, zipped: bool) -> None:
    """A call hidden among weights is found by its name, in either format, and nothing happens."""
    marker = tmp_path / "marker"
    shell = Calls(os.system, f"touch {marker}")
    hostile = {
        "system": shell,
        "eval": Calls(eval, f"open({str(marker)!r}, 'w')"),
        "nested": Calls(pickle.loads, pickle.dumps(shell)),
    }[how]
    report = scan(save(tmp_path / "m.pth", {**WEIGHTS, "extra": hostile}, zipped=zipped))
    assert report.verdict == "dangerous"
    assert {"system": "posix.system", "eval": "__builtin__.eval", "nested": "pickle.loads"}[how] in report.sentence
    assert "state dict" in report.sentence
    assert not marker.exists()
    with raises(RefusedError, "scan dangerous"):
        require_safe(report, allow_unscanned=True)


@pytest.mark.parametrize("protocol", range(6))
def test_bare_pickles_of_every_protocol_are_read(tmp_path: Path, protocol: int) -> None:
    """The call is found in every protocol of pickle."""
    (tmp_path / "m").write_bytes(pickle.dumps(Calls(os.system, "true"), protocol=protocol))
    assert scan(tmp_path / "m").verdict == "dangerous"


def test_whole_pickled_modules_are_refused_by_name(tmp_path: Path) -> None:
    """A module that was pickled whole needs its classes, which is a program: refused, with what to ask for."""
    report = scan(save(tmp_path / "m.pth", torch.nn.Sequential(torch.nn.Linear(2, 2))))
    assert report.verdict == "dangerous"
    assert "torch.nn.modules.container.Sequential" in report.sentence


def test_files_without_pickles_need_no_scan(tmp_path: Path) -> None:
    """Safetensors have nothing to scan; what is never opened is not called clean."""
    (tmp_path / "m.pth").write_bytes(safetensors.torch.save({"fc.weight": torch.ones(2, 3)}))
    (tmp_path / "words").write_bytes(b"words")
    report = scan(tmp_path / "m.pth")
    assert (report.verdict, report.findings) == ("clean", ())
    assert scan(tmp_path / "words").verdict == "inconclusive"


def test_a_scanner_that_takes_too_long_is_inconclusive_and_blocks(tmp_path: Path) -> None:
    """Scanners that run out of time leave the answer open: blocked, unless the analyst overrides."""
    evidence = Evidence.take(save(tmp_path / "m.pth", WEIGHTS))
    report = scan_module.scan(evidence, identify(evidence), limits=Limits(scan_s=0.001))
    assert report.verdict == "inconclusive"
    assert "did not finish within 0.001 s" in report.sentence
    with raises(RefusedError, "scan inconclusive", "override"):
        require_safe(report)
    require_safe(report, allow_unscanned=True)


def test_a_scanner_that_crashes_is_inconclusive(tmp_path: Path) -> None:
    """A scanner whose process ends without an answer leaves the answer open."""
    evidence = Evidence.take(save(tmp_path / "m.pth", WEIGHTS))
    report = scan_module.scan(evidence, identify(evidence), limits=Limits(memory=1))
    assert {finding.verdict for finding in report.findings} == {"inconclusive"}
    assert "ended its process" in report.sentence


def test_a_missing_scanner_is_inconclusive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scanner that is not installed leaves the answer open."""
    path = save(tmp_path / "m.pth", WEIGHTS)
    monkeypatch.setitem(sys.modules, "fickling.analysis", None)
    assert scanners.run("fickling", "TORCH_ZIP", path).verdict == "inconclusive"


def test_scanners_that_disagree_are_inconclusive() -> None:
    """One warning against two clean answers blocks; both public scanners together are enough to refuse."""
    clean = Finding("opcodes", "clean", "")
    doubt = (clean, Finding("picklescan", "clean", ""), Finding("fickling", "dangerous", ""))
    agreed = (clean, Finding("picklescan", "dangerous", ""), Finding("fickling", "dangerous", ""))
    assert scan_module._judge(doubt) == "inconclusive"
    assert scan_module._judge(agreed) == "dangerous"


def test_zip_bombs_are_dangerous(tmp_path: Path) -> None:
    """An archive that unpacks to far more than it holds is refused without being unpacked."""
    with zipfile.ZipFile(tmp_path / "m.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}))
        archive.writestr("archive/data/0", bytes(20_000_000))
    report = scan(tmp_path / "m.pth")
    assert report.verdict == "dangerous"
    assert "unpack to 20,000,005 bytes" in report.sentence


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives_with_two_members_of_one_name_are_dangerous(tmp_path: Path) -> None:
    """Two readers could see two contents of such an archive."""
    with zipfile.ZipFile(tmp_path / "m.pth", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}))
        archive.writestr("archive/data.pkl", pickle.dumps({"a": 1}))
    assert scan(tmp_path / "m.pth").verdict == "dangerous"


def repacked(content: bytes, *, comment: bytes = b"", extra: str = "") -> bytes:
    """A checkpoint's archive written by Python, with a comment or a further member."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
        if extra:
            target.writestr(extra, pickle.dumps({}))
        target.comment = comment
    return buffer.getvalue()


@pytest.mark.parametrize(
    "change",
    [
        lambda whole: whole + whole,
        lambda whole: whole + whole[-22:],  # a second end record
        lambda whole: b"PK\x03\x04" + bytes(26) + whole,
        lambda whole: whole + b"more",
        lambda whole: repacked(whole, comment=b"a comment"),
        lambda whole: repacked(whole, extra="archive/DATA.PKL"),
        lambda whole: repacked(whole, extra="archive\\data.pkl"),
        lambda whole: whole[:-6] + struct.pack("<L", struct.unpack("<L", whole[-6:-2])[0] + 1) + whole[-2:],
    ],
)
def test_archives_that_two_readers_may_read_differently_are_dangerous(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    """Bytes before or behind an archive, comments, further end records and names like others' are refused."""
    whole = save(tmp_path / "archive.pth", WEIGHTS).read_bytes()
    (tmp_path / "m.pth").write_bytes(change(whole))
    assert scanners.run("opcodes", "TORCH_ZIP", tmp_path / "m.pth").verdict == "dangerous"


def test_archives_written_by_others_are_clean(tmp_path: Path) -> None:
    """An ordinary archive without PyTorch's large end record holds the same weights."""
    (tmp_path / "m.pth").write_bytes(repacked(save(tmp_path / "archive.pth", WEIGHTS).read_bytes()))
    assert scanners.run("opcodes", "TORCH_ZIP", tmp_path / "m.pth").verdict == "clean"


def test_truncated_old_files_are_inconclusive(tmp_path: Path) -> None:
    """A pickle that ends too early cannot be judged."""
    whole = save(tmp_path / "m.pth", WEIGHTS, zipped=False).read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[:200])
    report = scan(tmp_path / "cut.pth")
    assert report.verdict == "inconclusive"
    assert "truncated" in report.sentence


def test_a_huge_declared_length_does_not_take_the_memory(tmp_path: Path) -> None:
    """A string that claims to be four exabytes long is damage, not an allocation."""
    (tmp_path / "m.pkl").write_bytes(b"\x80\x04\x8d" + struct.pack("<Q", 1 << 62) + b"abc.")
    assert scanners.run("opcodes", "PICKLE", tmp_path / "m.pkl").verdict == "inconclusive"


@pytest.mark.parametrize(
    ("pickled", "expected"),
    [
        (b"cos\nsystem\n.", {("os", "system")}),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", {("os", "system")}),
        (b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93.", {("os", "system")}),  # through the memo
        (b"\x80\x04\x8c\x02os\x8c\x06system\x8c\x01x0\x93.", {("?", "?")}),  # a step between
        (b"\x80\x04N\x8c\x06system\x93.", {("?", "?")}),
        (b"\x80\x02\x82\x01.", {("?", "?")}),  # a number for a class
        (b"(ios\nsystem\n.", {("os", "system")}),
        (b"\x80\x02}q\x00.", set()),
    ],
)
def test_globals_are_read_from_opcodes(pickled: bytes, expected: set[tuple[str, str]]) -> None:
    """Every way to name a global is read; a name that is computed counts as unknown."""
    assert named_globals(io.BytesIO(pickled)) == expected


def test_ordinary_warnings_are_only_about_ordinary_names() -> None:
    """The allowance for fickling's warnings covers weights and nothing else."""
    for good in ("from torch import FloatStorage", "_rebuild_tensor_v2(...)", "_var7.update(...)", "_var3: Size((3,))"):
        assert scanners._is_ordinary_warning(good)
    for harmful in ("from os import system", "system(...)", "_var3: system('id')", "eval(...)", "", "GET count: 20"):
        assert not scanners._is_ordinary_warning(harmful)


@pytest.mark.real
def test_the_real_checkpoints(real_data: Path) -> None:
    """Of the real checkpoints, the pickled generator is refused and the weights are clean."""
    suspects = real_data / "suspects"
    assert {scan(suspects / name).verdict for name in ("seized-01.th", "seized-05.pt", "seized-08.pth")} == {"clean"}
    report = scan(suspects / "seized-07.pth")
    assert report.verdict == "dangerous"
    assert "__main__.Generator" in report.sentence
