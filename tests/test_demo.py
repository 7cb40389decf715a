"""The demo tells the paper's story: the planted is found, the absent is not, the false friend is rejected."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch

from fdcore import demo
from fdcore.case.case import Case
from fdcore.case.claims import read_claims
from fdcore.case.conclusions import load_scored, selection_settings
from fdcore.case.plan import Plan, Settings
from fdcore.cli.main import main
from fdcore.corpus.wordnet import load_wordnet
from fdcore.demo import case
from fdcore.method.findings import weigh
from fdcore.suspect.architectures.registry import build
from fdcore.verdict import chance
from fdcore.words.comparison import compare
from fdcore.words.vectors import builtin_vectors


def demo_command(folder: Path) -> list[str]:
    return [
        "demo", "--json", "--out", str(folder / "case"), "--corpus", str(folder / "corpus"),
        "--cache", str(folder / "cache"),
    ]  # fmt: skip


@pytest.mark.slow
def test_a_few_of_its_pictures_run_from_the_drawing_to_the_report(tmp_path, monkeypatch, capsys):
    """`fdcore demo` with 8 pictures of each leaf in one view finds most of the planted; a second run asks nothing."""
    monkeypatch.setattr(demo, "build_demo_corpus", partial(demo.build_demo_corpus, images_per_leaf=8))
    monkeypatch.setattr(demo, "build_demo_stickers", partial(demo.build_demo_stickers, per_class=2))
    monkeypatch.setattr(case, "Plan", partial(Plan, settings=Settings(n_views=1)))
    monkeypatch.setattr(chance, "MAX_PICTURES", 160)
    assert main(demo_command(tmp_path)) == 0
    first = json.loads(capsys.readouterr().out)
    right = [is_right(a["nodes"], truth.concept) for a, truth in zip(answers(tmp_path), demo.TRUTH, strict=True)]
    assert sum(right) >= 6
    assert [a["status"] for a, truth in zip(answers(tmp_path), demo.TRUTH, strict=True) if truth.concept is None] == [
        "not_found"
    ]
    assert first["n_sent"] == 8 * len(demo.LEAVES) + len(demo.trial_pictures())
    assert json.loads((tmp_path / "case" / "verdict.json").read_text())["meaningful"]
    assert main(demo_command(tmp_path)) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["n_sent"], again["classes"]) == (first["n_sent"], first["classes"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make demo` leaves behind."""
    out = tmp_path_factory.mktemp("demo")
    assert main(demo_command(out)) == 0
    return out


def answers(folder: Path) -> list[dict]:
    return json.loads((folder / "case" / "selection.json").read_text())["classes"]


def is_right(nodes: list[str], concept: str | None) -> bool:
    hierarchy = load_wordnet()
    return bool(nodes) and all(concept == node or concept in hierarchy.ancestors(node) for node in nodes)


@pytest.mark.nightly
def test_at_least_eight_classes_are_found_right(folder):
    """With the defaults, eight or more selections lie wholly under what the class was trained on."""
    right = [is_right(a["nodes"], truth.concept) for a, truth in zip(answers(folder), demo.TRUTH, strict=True)]
    assert sum(right) >= 8


@pytest.mark.nightly
def test_the_class_without_a_counterpart_is_not_found(folder):
    """Nothing in the corpus looks like a handwritten number to the suspect."""
    absent = [answers(folder)[i]["status"] for i, truth in enumerate(demo.TRUTH) if truth.concept is None]
    assert absent == ["not_found"]


@pytest.mark.nightly
def test_the_semantic_term_rejects_the_false_friend(folder, capsys):
    """The hammerhead is a candidate for the airplane; it loses with the semantic term and wins without it."""
    number, friend = demo.FALSE_FRIEND
    both = answers(folder)[number]
    assert friend not in both["nodes"]
    assert is_right(both["nodes"], demo.TRUTH[number].concept)
    assert main(["select", str(folder / "case"), "--alpha", "1", "--json"]) == 0
    functional = json.loads(capsys.readouterr().out)["classes"][number]
    assert functional["nodes"] == [friend]
    assert main(["select", str(folder / "case"), "--alpha", "0.7", "--json"]) == 0


@pytest.mark.nightly
def test_the_note_that_comes_with_it_agrees_with_what_was_found(folder):
    """Claims are held against the findings: nearly all agree, and the number has nothing to be compared with."""
    case = Case.open(folder / "case")
    findings = weigh(load_scored(case), selection_settings(case))
    rows = compare(findings, read_claims(case), builtin_vectors()).rows
    near = [row.percentile for row in rows if row.percentile is not None]
    assert len(rows) == len(demo.TRUTH)
    assert sum(share > 0.9 for share in near) >= 8
    assert [row.claim for row in rows if not row.nodes] == ["number"]


@pytest.mark.nightly
def test_all_classes_together_mean_something(folder):
    """The verdict is about animals and vehicles, and holds that they mean something."""
    found = json.loads((folder / "case" / "verdict.json").read_text())
    assert found["meaningful"]
    assert found["n_found"] == 10


@pytest.mark.nightly
def test_an_untrained_network_means_nothing(folder):
    """The same network with random weights, asked about the same pictures, gives no meaningful distribution."""
    torch.manual_seed(7)
    weights = folder / "untrained.pth"
    torch.save(build(demo.SUSPECT_ARCH, len(demo.TRUTH)).state_dict(), weights)
    command = [
        "investigate", str(weights), "--corpus", str(folder / "corpus"), "--out", str(folder / "untrained"),
        "--cache", str(folder / "cache"), "--arch", demo.SUSPECT_ARCH, "--preprocess", demo.SUSPECT_PRESET,
        "--views", "2", "--images-per-leaf", "12",
    ]  # fmt: skip
    assert main(command) == 0
    found = json.loads((folder / "untrained" / "verdict.json").read_text())
    assert not found["meaningful"]
    assert found["headline"].startswith("No meaningful distribution")
