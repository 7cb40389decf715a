"""A finished clone taken away: weights and graph that open as suspects and answer the same, and a model card."""

import json
import re
import struct
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from raising import raises
from torchvision.models import VisionTransformer

from fdcore.cloning.evaluation import Evaluation
from fdcore.cloning.exports import inert, load_weights, model_card, open_command, save_weights, to_onnx
from fdcore.cloning.networks import CloneNetwork, build_clone
from fdcore.cloning.run import ClassTransfer, CloneRun, EpochResult, TransferFacts
from fdcore.cloning.settings import Source, SourceKind, TrainingSettings, TransferSettings
from fdcore.cloning.training import predict
from fdcore.errors import SuspectError
from fdcore.suspect.open import open_suspect
from fdcore.suspect.preprocess import PreprocessSpec

GREY = PreprocessSpec(28, 28, 1, mean=(0.0,), std=(1.0,))
COLOUR = PreprocessSpec(32, 32)
CASES = [
    ("resnet20", COLOUR),
    ("resnet20", GREY),
    pytest.param("googlenet-32", PreprocessSpec(8, 8), marks=pytest.mark.slow),
    pytest.param("torchvision/googlenet", PreprocessSpec(32, 24), marks=pytest.mark.slow),
    ("torchvision/mobilenet_v3_small", PreprocessSpec(32, 32)),
]


@cache
def clone_of(arch: str, spec: PreprocessSpec, n_classes: int = 5) -> CloneNetwork:
    """A network that answers several classes: the pictures' mean is put into its normalisation and its last bias.

    It is the same one each time: to be asked, not to be changed.
    """
    network = build_clone(arch, n_classes, spec, seed=1).to(memory_format=torch.channels_last)
    x = torch.from_numpy(pictures(spec)).permute(0, 3, 1, 2).float() / 255
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # a plain mean over what it sees
    with torch.no_grad():
        network.train()(x)
        heads = [m for m in network.body.modules() if isinstance(m, torch.nn.Linear) and m.out_features == n_classes]
        heads[-1].bias -= network.eval()(x).mean(dim=0)
    return network


def pictures(spec: PreprocessSpec, n: int = 24) -> np.ndarray:
    """Noise around different tints, uint8 (n, H, W, C)."""
    rng = np.random.default_rng(0)
    tints = rng.integers(0, 200, (n, 1, 1, spec.channels))
    return (tints + rng.integers(0, 56, (n, spec.height, spec.width, spec.channels))).astype(np.uint8)


def options_of(command: str) -> dict[str, str]:
    """The options of a command line, as name -> value."""
    words = command.split()
    return {word: words[i + 1] for i, word in enumerate(words) if word.startswith("--")}


@pytest.mark.parametrize(("arch", "spec"), CASES)
def test_exported_weights_open_as_a_suspect_that_answers_the_same(tmp_path, arch, spec):
    """With the architecture, preset and size of the printed command, the suspect's loader gives the clone's labels."""
    network = clone_of(arch, spec)
    path = tmp_path / "clone.safetensors"
    path.write_bytes(save_weights(network, spec))
    said = options_of(open_command(arch, spec, "safetensors"))
    height, width = map(int, said["--input-size"].split("x"))
    suspect = open_suspect(
        path, arch=said["--arch"], preset=said["--preprocess"], spec_overrides={"height": height, "width": width}
    )
    expected = predict(network, pictures(spec), device="cpu")
    assert len(set(expected.tolist())) > 1
    np.testing.assert_array_equal(suspect.labels(pictures(spec)), expected)


def test_the_file_says_its_architecture(tmp_path):
    """Nobody has to remember what the weights belong to."""
    path = tmp_path / "clone.safetensors"
    path.write_bytes(save_weights(clone_of("resnet20", COLOUR), COLOUR))
    assert "architecture as the file specifies" in open_suspect(path, preset="signed").description


@pytest.mark.parametrize(("arch", "spec"), CASES)
def test_the_graph_opens_as_a_suspect_that_answers_the_same(tmp_path, arch, spec):
    """ONNX Runtime, through the suspect's own loader, gives the clone's labels for pictures in 0..1."""
    network = clone_of(arch, spec)
    path = tmp_path / "clone.onnx"
    path.write_bytes(to_onnx(network, spec))
    expected = predict(network, pictures(spec), device="cpu")
    suspect = open_suspect(path, preset="unit")
    assert (suspect.spec.height, suspect.spec.width, suspect.spec.channels) == (spec.height, spec.width, spec.channels)
    np.testing.assert_array_equal(suspect.labels(pictures(spec)), expected)


def test_the_loader_finds_out_the_graphs_input_by_itself(tmp_path):
    """Opened without a word about its input, the graph is given pictures in 0..1 too."""
    network = clone_of("resnet20", COLOUR)
    (tmp_path / "clone.onnx").write_bytes(to_onnx(network, COLOUR))
    answered = open_suspect(tmp_path / "clone.onnx").labels(pictures(COLOUR))
    np.testing.assert_array_equal(answered, predict(network, pictures(COLOUR), device="cpu"))


def test_the_graph_takes_any_number_of_pictures():
    """One picture or seven at once: the batch is free, and the scores are PyTorch's."""
    network = clone_of("resnet20", COLOUR)
    session = onnxruntime.InferenceSession(to_onnx(network, COLOUR), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).random((7, 3, 32, 32), dtype=np.float32)
    with torch.inference_mode():
        expected = network.eval()(torch.from_numpy(x)).numpy()
    for part in (slice(0, 1), slice(0, 7)):
        (given,) = session.run(["logits"], {"pictures": x[part]})
        np.testing.assert_allclose(given, expected[part], rtol=1e-3, atol=1e-3)


def test_attention_is_written_as_a_graph():
    """PyTorch's fused attention has no counterpart in ONNX: a transformer is written without, and answers the same."""
    spec = PreprocessSpec(32, 32)
    torch.manual_seed(0)
    body = VisionTransformer(32, 8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=16, num_classes=5)
    torch.nn.init.normal_(body.heads.head.weight)
    network = CloneNetwork(body, "torchvision/vit_b_16", 5).eval()
    session = onnxruntime.InferenceSession(to_onnx(network, spec), providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).random((7, 3, 32, 32), dtype=np.float32)
    (given,) = session.run(["logits"], {"pictures": x})
    with torch.inference_mode():
        np.testing.assert_allclose(given, network(torch.from_numpy(x)).numpy(), rtol=1e-3, atol=1e-4)


class Unwritable(torch.nn.Module):
    """A network with an operation, or a fault, for which ONNX has no place."""

    def __init__(self, fault: Exception | None) -> None:
        super().__init__()
        self.linear, self.fault = torch.nn.Linear(3, 3), fault

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.fault:
            raise self.fault
        return torch.linalg.qr(self.linear(x.mean(dim=(2, 3))))[0]


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("fault", [None, TypeError("odd"), AssertionError("odd")])
def test_a_network_that_cannot_be_written_is_a_sentence_and_nothing_else(capfd, fault, fused):
    """Nothing is printed where a command's result belongs, and PyTorch computes afterwards as it did before."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(fused)
    try:
        with raises(SuspectError, "no onnx", "ResNet-20"):
            to_onnx(CloneNetwork(Unwritable(fault), "resnet20", 3), COLOUR)
        assert torch.backends.mha.get_fastpath_enabled() is fused
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
    assert capfd.readouterr() == ("", "")
    body = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 3))
    graph = to_onnx(CloneNetwork(body, "resnet20", 3), COLOUR)
    onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])


def test_exporting_changes_nothing_of_the_network():
    """A GoogLeNet that was exported still has its auxiliary heads, and stays in training if it was."""
    network = build_clone("torchvision/googlenet", 3, PreprocessSpec(32, 32), seed=0)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    to_onnx(network, PreprocessSpec(32, 32))
    save_weights(network, PreprocessSpec(32, 32))
    assert network.training
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert any("aux" in key for key in network.state_dict())


@pytest.mark.parametrize(("arch", "spec"), CASES[1:3])
def test_weights_come_back(arch, spec):
    """What was saved is loaded again, auxiliary heads left out, and answers the same."""
    network = clone_of(arch, spec)
    again = load_weights(save_weights(network, spec), arch, 5, spec)
    np.testing.assert_array_equal(
        predict(again, pictures(spec), device="cpu"), predict(network, pictures(spec), device="cpu")
    )


@pytest.mark.parametrize("damage", ["cut", "noise", "other classes", "huge header"])
def test_damaged_weights_are_refused(damage):
    """A case may come from anywhere: what is no weights of this network is a sentence."""
    content = save_weights(clone_of("resnet20", COLOUR, n_classes=4 if damage == "other classes" else 5), COLOUR)
    content = {"cut": content[:-9], "noise": b"noise" * 9, "huge header": struct.pack("<Q", 1 << 60) + content[8:]}.get(
        damage, content
    )
    with raises(SuspectError, "weights unusable", "ResNet-20", "5 classes"):
        load_weights(content, "resnet20", 5, COLOUR)


def run_of(source: Source, notes: tuple[str, ...] = (), label: str = "boat") -> CloneRun:
    classes = (ClassTransfer(0, label, 50, 40, 10, 0), ClassTransfer(1, "", 50, 0, 0, 50))
    return CloneRun(
        id="0001", created="2024-01-01T00:00:00+00:00", source=source, transfer=TransferSettings(total=100),
        training=TrainingSettings(epochs=2), selection={"alpha": 0.5, "k": None}, stage="done",
        drawn=TransferFacts(classes, 100, 20, notes), n_sent=20, n_answers=100, best_epoch=2,
        history=tuple(EpochResult(i, 1.0, 0.5, 0.875, 0.1, 3.0, 90) for i in (1, 2)), files={"clone.onnx": "a" * 64},
        circumstances={"device": "cpu", "threads": 2, "begun": {"device": "cuda:0"}},
    )  # fmt: skip


def test_the_card_says_from_what_how_and_how_good():
    """The card names the source, the answers it rests on, the kept epoch, the measured shares, and how to open it."""
    suspect = np.array([0] * 60 + [1] * 40, dtype=np.int32)
    clone = np.array([0] * 50 + [1] * 50, dtype=np.int32)
    evaluations = {"the reserved images": Evaluation(2, suspect, clone, None)}
    card = model_card(run_of(Source(SourceKind.FOUND)), evaluations, {"Suspect": "found-1"}, COLOUR)
    for words in (
        "made from: two terms", "| Suspect | found-1 |", "100, of which 20 were sent for it",
        "the weights are those of epoch 2", "Agreement on held-out images | 87.5%", "### On the reserved images",
        "| Agreement with the suspect | 90.0% (82.6% to 94.5%), 100 images |", "| 0 | boat | 40 | 10 | 0 |",
        "| 1 | not found | 0 | 0 | 50 |", "python -m fdcore investigate clone.onnx --preprocess unit", "a" * 64,
    ):  # fmt: skip
        assert words in card, words
    assert "Accuracy" not in card  # nothing was labelled


def test_the_card_of_a_clone_without_a_graph_says_that_there_is_none():
    """It names no file that is not there, neither in words nor in a command."""
    run = replace(run_of(Source(SourceKind.FOUND)), files={"clone.safetensors": "b" * 64})
    card = model_card(run, {}, {}, COLOUR)
    assert "There is no `clone.onnx`: ResNet-20 (option A) could not be written as ONNX." in card
    assert "investigate clone.safetensors --arch resnet20" in card
    assert card.count("clone.onnx") == 1
    assert "There is no" not in model_card(run_of(Source(SourceKind.FOUND)), {}, {}, COLOUR)


def test_a_clone_that_nobody_tested_says_so():
    """Silence about quality must not read as quality."""
    assert "It has not been tested yet." in model_card(run_of(Source(SourceKind.RANDOM)), {}, {}, COLOUR)


HOSTILE = (
    "<script>alert(1)</script>", "[click](http://evil.example)", "![x](file:///etc/passwd)", "a | b | c", "a\\|b",
    "a\\", "\n# A heading\n", "- item", "`code`", "https://evil.example", "www.evil.example", "me@evil.example", "$x$",
    "\u202etxt.exe", "x" * 5000, "*bold* _it_ ~~no~~", "&lt;b&gt;",
)  # fmt: skip


def unescaped(card: str, sign: str) -> int:
    """How often a sign stands without a backslash that takes its meaning."""
    return re.sub(r"\\.", "", card).count(sign)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_cannot_act_in_a_card(name):
    """Folders, labels and notes come from anywhere: each is plain words on its own line or in its own cell."""
    run = run_of(Source(SourceKind.FOLDER, folder=f"/data/{name}".replace("\x00", "")), (name,), name)
    card = model_card(run, {}, {name: name}, COLOUR)
    calm = model_card(run_of(Source(SourceKind.FOLDER, folder="/data/x"), ("x",), "x"), {}, {"x": "x"}, COLOUR)
    assert [line[:2] for line in card.splitlines()] == [line[:2] for line in calm.splitlines()]
    for sign in "<>[]!*_~&#`|$@":
        assert unescaped(card, sign) == unescaped(calm, sign), sign
    assert not any(text in card for text in ("://", "www.", "\u202e"))
    assert len(card) < len(calm) + 6 * 450


def test_inert_text_reads_as_it_was():
    """A Markdown reader shows what was written: only backslashes before punctuation are added."""
    assert inert("motor vehicle, 4-wheeled (car)").replace("\\", "") == "motor vehicle, 4-wheeled (car)"
    assert json.loads(json.dumps(inert("a\nb"))) == "a b"


def test_a_command_names_registered_architectures_only(tmp_path: Path):
    """A record from elsewhere cannot put words into a command that people copy."""
    with pytest.raises(SuspectError, match="No architecture is called"):
        open_command("resnet20; rm -rf ~", COLOUR, "safetensors")
