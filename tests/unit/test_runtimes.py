"""What computes a network's answers: the trial of runtimes, its record, and a runtime that the analyst names."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from colour_graphs import by_colour
from raising import raises

from fdcore.answers.asking import ask_suspect
from fdcore.answers.ledger import Ledger, LedgerHeader
from fdcore.answers.views import ViewSpec
from fdcore.case.case import Case
from fdcore.errors import SettingsError, SuspectError
from fdcore.suspect.architectures.registry import build
from fdcore.suspect.open import open_suspect
from fdcore.suspect.preprocess import Origins, PreprocessSpec
from fdcore.suspect.reading import torch_suspect
from fdcore.suspect.reading.torch_runtimes import Runtimes, UnavailableError, trial
from fdcore.suspect.reading.torch_suspect import Network
from fdcore.suspect.runtimes import N_PROBED, Runtime, RuntimeTrial
from fdcore.work.investigate import record_runtime, take_suspect

SPEC = PreprocessSpec(8, 8, 3)
ALL = get_args(Runtime)
N_BATCHES = len(ALL) + 2 * -(-N_PROBED // 256)  # for all to be timed and two to be compared


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A small network's state dict."""
    torch.manual_seed(0)
    torch.save(build("lenet", 10).state_dict(), tmp_path / "lenet.pth")
    return tmp_path / "lenet.pth"


def some(n: int, side: int = 8, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, side, side, channels), dtype=np.uint8)


class Pretended:
    """Runtimes that answer with the brightness of a picture, each after a pause, and some of them wrongly."""

    def __init__(self, pauses: dict[Runtime, float], wrong: dict[Runtime, int]) -> None:
        self.pauses, self.wrong = pauses, wrong

    def build(self, name: Runtime) -> Callable[[np.ndarray], np.ndarray]:
        if name not in self.pauses:
            raise UnavailableError(f"no {name} here")

        def run(pictures: np.ndarray) -> np.ndarray:
            time.sleep(self.pauses[name])
            scores = np.eye(2, dtype=np.float32)[(pictures.mean(axis=(1, 2, 3)) > 127).astype(int)]
            scores[: self.wrong.get(name, 0)] = 1 - scores[: self.wrong.get(name, 0)]
            return scores

        return run


def outcome(runtimes: Any) -> tuple[Runtime, RuntimeTrial, int]:
    """What a trial finds, and how many batches it saw."""

    def label(run: Any, pictures: np.ndarray) -> np.ndarray:
        return run(pictures).argmax(axis=1)

    steps, pictures = trial(runtimes, label), some(256)
    labels = label(Pretended({"eager": 0.0}, {}).build("eager"), pictures)
    next(steps)
    for n in range(1, 100):
        try:
            steps.send((pictures, labels))
        except StopIteration as ended:
            chosen, _, tried = ended.value
            return chosen, RuntimeTrial(chosen, tried), n
    raise AssertionError("the trial never ends")


def test_the_fastest_with_the_same_labels_is_taken() -> None:
    """A faster one that differs is passed over, and how many of its labels differ is recorded."""
    pauses: dict[Runtime, float] = {"eager": 0.05, "channels-last": 0.03, "folded": 0.0, "onnxruntime": 0.015}
    chosen, found, n_batches = outcome(Pretended(pauses, {"folded": 3}))
    tried = {one.name: one for one in found.tried}
    assert (chosen, n_batches, tuple(tried)) == ("onnxruntime", len(ALL) + 2 * 8, ALL)
    assert (tried["folded"].n_compared, tried["folded"].n_differing) == (2048, 24)
    assert (tried["onnxruntime"].n_compared, tried["onnxruntime"].n_differing) == (2048, 0)
    assert tried["channels-last"].n_compared == 0
    assert tried["channels-last"].per_s < tried["onnxruntime"].per_s < tried["folded"].per_s
    assert (tried["openvino"].per_s, tried["openvino"].not_tried) == (None, "no openvino here")
    assert "24 of 2,048" in tried["folded"].finding
    assert "ONNX Runtime, " in found.sentence
    assert "2,048 views" in found.sentence


def test_eager_pytorch_stays_where_nothing_else_is_right_and_faster() -> None:
    """Others that differ, fail or are slower leave the answers to eager PyTorch."""
    chosen, found, _ = outcome(Pretended({"eager": 0.01, "channels-last": 0.05, "folded": 0.0}, {"folded": 1}))
    assert chosen == "eager"
    assert "PyTorch" in found.sentence


def test_a_runtime_that_fails_is_recorded_with_its_reason() -> None:
    """An error while it computes for the first time counts as not tried."""

    class Failing(Pretended):
        def build(self, name: Runtime) -> Callable[[np.ndarray], np.ndarray]:
            def fail(_pictures: np.ndarray) -> np.ndarray:
                raise RuntimeError("no such kernel\nand more")

            return fail if name == "folded" else super().build(name)

    chosen, found, _ = outcome(Failing({"eager": 0.0}, {}))
    assert chosen == "eager"
    assert {one.name: one.not_tried for one in found.tried}["folded"] == "RuntimeError: no such kernel"


def test_a_trial_runs_in_the_cell_and_changes_no_answer(weights: Path) -> None:
    """Every runtime is built where nothing can be written or reached; before, during and after it the labels are those
    of eager PyTorch, and any runtime may be named.
    """
    pictures = some(256, 32)
    wanted = open_suspect(weights, arch="lenet", runtime="eager").labels(pictures)
    suspect = open_suspect(weights, arch="lenet", runtime="fastest")
    for _ in range(N_BATCHES):
        assert np.array_equal(suspect.labels(pictures), wanted)
        if suspect.trial:
            break
    assert suspect.trial is not None
    assert (suspect.trial.fingerprint, "cores" in suspect.trial.machine) == (suspect.fingerprint, True)
    tried = {one.name: one for one in suspect.trial.tried}
    assert tuple(tried) == ALL
    assert all(tried[name].per_s for name in ("eager", "channels-last", "folded", "onnxruntime"))
    assert "compiler" in tried["compiled"].not_tried
    assert tried[suspect.trial.chosen].n_differing == 0
    assert suspect.trial.chosen == "eager" or tried[suspect.trial.chosen].n_compared >= N_PROBED
    assert np.array_equal(suspect.labels(pictures[:3]), wanted[:3])


def test_no_runtime_is_tried_again_in_a_cell_that_replaces_another(weights: Path) -> None:
    """A cell that dies during a trial, perhaps because of a runtime, is replaced by one in which eager PyTorch answers;
    one that dies long afterwards keeps the choice.
    """
    pictures = some(256, 32)
    suspect = open_suspect(weights, arch="lenet", runtime="fastest")
    wanted = suspect.labels(pictures)
    _kill(suspect)
    for _ in range(N_BATCHES):
        assert np.array_equal(suspect.labels(pictures), wanted)
    assert suspect.trial is None
    other = open_suspect(weights, arch="lenet", runtime="fastest")
    for _ in range(N_BATCHES + 1 + N_PROBED // 256):
        other.labels(pictures)
    found = other.trial
    assert found is not None
    _kill(other)
    assert np.array_equal(other.labels(pictures), wanted)
    assert other.trial == found


def _kill(suspect: Any) -> None:
    """Kill a suspect's cell."""
    suspect._inside.end()


def test_another_runtime_continues_a_ledger(weights: Path, tmp_path: Path) -> None:
    """A ledger that one runtime began and another finished holds the answers of either alone."""
    pixels, ids = some(300, 32), np.arange(300, dtype=np.uint64)
    suspects = {name: open_suspect(weights, arch="lenet", runtime=name) for name in ("eager", "onnxruntime")}
    header = LedgerHeader(suspects["eager"].fingerprint, 10, suspects["eager"].spec, "", 0, ViewSpec(), 300, 2)
    mixed = Ledger.open_or_create(tmp_path / "mixed", header, ids)
    assert not ask_suspect(suspects["onnxruntime"], mixed, pixels, budget=350)
    again = Ledger.open_or_create(tmp_path / "mixed", header, ids)
    assert ask_suspect(suspects["eager"], again, pixels)
    assert again.n_sent == 600
    for name, suspect in suspects.items():
        alone = Ledger.in_memory(header, ids)
        assert ask_suspect(suspect, alone, pixels)
        assert np.array_equal(alone.answers, again.answers), name
    assert len(np.unique(again.answers)) > 1


def test_attention_is_exported() -> None:
    """PyTorch's own attention, which has a short cut that ONNX lacks, gives the same scores in ONNX Runtime."""
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 4, stride=4), torch.nn.Flatten(2),
        torch.nn.TransformerEncoderLayer(4, 2, dim_feedforward=8, batch_first=True),
        torch.nn.Flatten(), torch.nn.Linear(64, 5),
    ).eval()  # fmt: skip
    runtimes = Runtimes(module, SPEC, batch_size=4, device=torch.device("cpu"))
    eager, exported = (runtimes.build(name)(some(7)) for name in ("eager", "onnxruntime"))
    assert np.allclose(eager, exported, atol=1e-5)
    assert np.ptp(eager) > 0.1


@pytest.mark.parametrize(("n_expected", "is_tried"), [(torch_suspect.TRIAL_QUERIES - 1, False), (10**9, True)])
def test_a_trial_waits_until_it_pays(n_expected: int, is_tried: bool) -> None:
    """Without a choice of the analyst's, few queries are answered as they come; a long run is worth a trial."""
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 2))
    suspect = Network(module, "", "", 2, SPEC, "", (), Origins()).suspect(
        SPEC, fingerprint="", description="", device="cpu"
    )
    for _ in range(N_BATCHES):
        suspect.expect(n_expected)
        suspect.labels(some(256))
    assert (suspect.trial is not None) == is_tried


def test_a_case_keeps_its_runtime(weights: Path, tmp_path: Path) -> None:
    """The trial is recorded once, and a suspect that is opened again on the same machine need not repeat it; another
    machine's trial is ignored.
    """
    case = Case.open_or_create(tmp_path / "case")
    with case.exclusively():
        suspect, _ = take_suspect(case, weights, lambda path: open_suspect(path, arch="lenet", runtime="fastest"))
        for _ in range(N_BATCHES):
            suspect.labels(some(256, 32))
        record_runtime(case, suspect)
        record_runtime(case, suspect)
        kept = case.facts().runtime
        assert kept == suspect.trial
        assert kept is not None
        assert [entry["event"] for entry in case.audit()].count("runtime chosen") == 1
        again, _ = take_suspect(case, weights, lambda path: open_suspect(path, arch="lenet"))
        assert again.trial == kept
        again.expect(10**6)
        assert np.array_equal(again.labels(some(9, 32)), suspect.labels(some(9, 32)))
        other = open_suspect(weights, arch="lenet")
        other.recall(RuntimeTrial(kept.chosen, kept.tried, kept.fingerprint, "another machine"))
        assert other.trial is None


def test_a_runtime_that_cannot_be_used_is_refused(weights: Path, tmp_path: Path) -> None:
    """An unknown name, a runtime that a cell cannot offer, and one for a file that brings its own computation."""
    with raises(SettingsError, "unknown runtime", "tensorflow", "onnxruntime"):
        open_suspect(weights, arch="lenet", runtime="tensorflow")  # type: ignore[arg-type]
    with raises(SuspectError, "runtime not available", "compiled"):
        open_suspect(weights, arch="lenet", runtime="compiled")
    (tmp_path / "graph.onnx").write_bytes(by_colour().SerializeToString())
    with raises(SettingsError, "runtime given", "eager"):
        open_suspect(tmp_path / "graph.onnx", runtime="eager")
    named = open_suspect(weights, arch="lenet", runtime="folded").trial
    assert named is not None
    assert (named.chosen, named.tried) == ("folded", ())
