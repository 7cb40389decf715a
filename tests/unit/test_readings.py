"""Comparing the readings of a suspect's file: which normalisation its answers speak for."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper
from PIL import Image
from raising import raises
from torch import nn

from fdcore.case.case import Case
from fdcore.case.plan import Plan, Settings, SuspectOptions
from fdcore.case.readings import read_readings, reading_in_words, take_reading
from fdcore.case.spending import n_sent, spent
from fdcore.cli.printing import readings
from fdcore.errors import SettingsError
from fdcore.method.information import information, is_ahead, lead
from fdcore.work.intake import check_suspect
from fdcore.work.readings import compare_readings, cost_of_readings

N_LEAVES, PER_LEAF = 90, 3
LEVELS = tuple(np.linspace(-0.9, 0.9, 13))  # no known label set has 13 classes


def levels_of_red(path: Path, levels: tuple[float, ...] = LEVELS, channel: int = 0) -> Path:
    """A suspect whose class is the level that the mean of one channel is nearest to."""
    nodes = [
        helper.make_node("Constant", [], ["axes"], value=helper.make_tensor("a", TensorProto.INT64, [2], [2, 3])),
        helper.make_node("ReduceMean", ["pictures", "axes"], ["means"], keepdims=0),
        helper.make_node("Constant", [], ["first"], value=helper.make_tensor("f", TensorProto.INT64, [1], [channel])),
        helper.make_node("Gather", ["means", "first"], ["red"], axis=1),
        helper.make_node("Constant", [], ["levels"],
                         value=helper.make_tensor("v", TensorProto.FLOAT, [1, len(levels)], levels)),
        helper.make_node("Sub", ["red", "levels"], ["off"]),
        helper.make_node("Abs", ["off"], ["distance"]),
        helper.make_node("Neg", ["distance"], ["scores"]),
    ]  # fmt: skip
    pictures = helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["n", 3, 8, 8])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", len(levels)])
    graph = helper.make_graph(nodes, "g", [pictures], [scores])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Leaves that differ in their red, from 8 to 247; green and blue say nothing."""
    folder, rng = tmp_path_factory.mktemp("corpus"), np.random.default_rng(0)
    leaves = [f"kind {number:02d}" for number in range(N_LEAVES)]
    for red, leaf in zip(np.linspace(8, 247, N_LEAVES), leaves, strict=True):
        (folder / leaf).mkdir()
        for i in range(PER_LEAF):
            colour = np.array([red, rng.uniform(0, 255), rng.uniform(0, 255)])
            pixels = np.clip(colour + rng.normal(0, 5, (8, 8, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / leaf / f"{i}.png")
    return folder


def case_about(place: Path, corpus: Path, **settings: object) -> Case:
    """A case that plans to use the corpus."""
    case = Case.create(place / "case")
    case.record(plan=Plan(corpora=(f"{corpus}@n00001740",), settings=replace(Settings(), **settings)))  # type: ignore[arg-type]
    return case


@pytest.fixture(scope="module")
def compared_once(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Path:
    """A case whose suspect's readings were compared; its levels between -1 and 1 speak for "signed"."""
    place = tmp_path_factory.mktemp("compared")
    compare_readings(case_about(place, corpus).folder, levels_of_red(place / "m.onnx"), cache=place / "cache")
    return place


@pytest.fixture
def compared(compared_once: Path, tmp_path: Path) -> Case:
    """A copy of it."""
    return Case.open(shutil.copytree(compared_once / "case", tmp_path / "compared"))


def test_the_reading_that_a_network_was_made_for_is_ahead(compared: Case) -> None:
    """Taking it settles the normalisation, and says by what; another one can be taken too, but stays a guess."""
    found = read_readings(compared)
    assert found is not None
    assert found.ahead, reading_in_words(found)
    best = found.readings[0]
    assert (best.name, best.spec.mean, best.n_used) == ("signed", (0.5, 0.5, 0.5), 13)
    assert "signed is clearly ahead" in reading_in_words(found)
    assert len(found.pictures) == len(best.shown) == 6
    assert len(set(best.shown)) == 6
    take_reading(compared, found.readings[1].name)
    assert compared.plan().suspect.origins["mean"] == "guess"
    take_reading(compared, "signed", by="an analyst")
    plan = compared.plan()
    assert (plan.suspect.preset, plan.suspect.origins["mean"]) == ("signed", "bench")
    taken = read_readings(compared)
    assert taken is not None
    assert (found.in_use, taken.taken, taken.in_use) == ("unit", "signed", "signed")
    assert "in use is unit until signed is taken" in reading_in_words(found)
    assert "signed was taken" in reading_in_words(taken)
    logged = [entry["details"] for entry in compared.audit() if entry["event"] == "reading taken"]
    assert logged[-1] == {"reading": "signed", "ahead": True, "by": "an analyst"}


def test_nothing_is_sent_twice_and_everything_counts(compared: Case, tmp_path: Path, corpus: Path) -> None:
    """A second comparison sends nothing; all queries count against the budget, which is kept."""
    suspect = levels_of_red(tmp_path / "m.onnx")
    first = read_readings(compared)
    assert first is not None
    sent = sum(one.n_queries for one in first.readings)
    assert sent == n_sent(compared) == len(first.readings) * N_LEAVES * PER_LEAF * 2
    again = compare_readings(compared.folder, cache=tmp_path / "cache")
    assert [one.n_queries for one in again.readings] == [0] * len(first.readings)
    assert n_sent(compared) == sent
    assert spent(compared) == {"comparing readings": sent}
    (tmp_path / "other").mkdir()
    poor = case_about(tmp_path / "other", corpus, budget=1000)
    with raises(SettingsError, "budget exceeded", 540, 460):
        compare_readings(poor.folder, suspect, cache=tmp_path / "cache")
    assert n_sent(poor) == 540


def test_the_cost_is_known_before_anything_is_sent(compared: Case) -> None:
    """It is that of the comparison that follows; where there are many leaves, close readings cost more."""
    facts, plan, found = compared.facts(), compared.plan(), read_readings(compared)
    assert facts.suspect is not None
    assert found is not None
    cost = cost_of_readings(facts.suspect, plan.suspect, {f"kind {number:02d}": PER_LEAF for number in range(N_LEAVES)})
    assert (cost.n_readings, cost.n_queries) == (len(found.readings), n_sent(compared))
    assert cost.n_most == cost.n_queries
    many = cost_of_readings(facts.suspect, plan.suspect, {str(leaf): 40 for leaf in range(1000)})
    assert (many.n_images, many.n_more) == (1200, 4800)
    assert cost_of_readings(facts.suspect, plan.suspect, {}).n_queries == 0


def test_what_the_analyst_has_settled_is_no_question(tmp_path: Path, corpus: Path) -> None:
    """With the normalisation and the order given, the file has one reading."""
    suspect = levels_of_red(tmp_path / "m.onnx")
    case = case_about(tmp_path, corpus)
    options = SuspectOptions(preset="signed", spec_overrides={"order": "RGB"})
    case.record(plan=replace(case.plan(), suspect=options))
    found = compare_readings(case.folder, suspect, cache=tmp_path / "cache")
    assert [one.name for one in found.readings] == ["as opened"]
    assert found.ahead


def test_information_counts_bits_beyond_chance() -> None:
    """Perfect answers in four classes are nearly two bits; random ones are none, however few there are."""
    leaves = np.repeat(np.arange(40, dtype=np.int32), 6)
    perfect, rng = np.repeat((leaves % 4)[:, None], 2, axis=1).astype(np.int32), np.random.default_rng(1)
    assert 1.5 < information(perfect, leaves, 4).bits < 2.0
    noise = rng.integers(0, 4, (len(leaves), 2), dtype=np.int32)
    assert information(noise, leaves, 4).bits == pytest.approx(0.0, abs=0.1)
    constant = np.zeros((len(leaves), 2), np.int32)
    assert information(constant, leaves, 4).bits == 0.0
    assert is_ahead(information(perfect, leaves, 4), information(noise, leaves, 4))
    assert lead(information(perfect, leaves, 4), information(perfect, leaves, 4)) == (0.0, 0.0)


def test_a_false_lead_is_rare() -> None:
    """Two readings that are equally good in truth: the first is called clearly ahead in at most a tenth of trials."""
    rng, leaves = np.random.default_rng(2), np.repeat(np.arange(60, dtype=np.int32), 8)
    ahead = 0
    for _ in range(50):
        both = []
        for _ in range(2):
            right = rng.random((len(leaves), 1)) < 0.5
            answers = np.where(right, (leaves % 6)[:, None], rng.integers(0, 6, (len(leaves), 2)))
            both.append(information(answers.astype(np.int32), leaves, 6))
        ahead += is_ahead(*both)
    assert ahead <= 5


def test_a_verdict_is_conditional_on_what_was_not_told_apart(compared: Case, tmp_path: Path, corpus: Path) -> None:
    """After a comparison without a winner, the case says which other reading is as good; after a clear one, nothing."""
    suspect = levels_of_red(tmp_path / "m.onnx", (-1e6, 1e6, 2e6))
    case = case_about(tmp_path, corpus)
    found = compare_readings(case.folder, suspect, cache=tmp_path / "cache")  # all its pictures are answered alike
    assert not found.ahead
    assert "do not show which is right" in reading_in_words(found)
    said = case.facts().open_reading
    n_others = sum(one.close and one.name != "unit" for one in case.facts().readings)
    assert said.startswith("If the pictures were scaled to 0 to 1, the following holds; ")
    assert f"{n_others} other readings are better by their answers to the compared pictures: " in said
    assert found.in_use == "unit"
    assert "in use is still unit, because none is clearly ahead of all others; but it is clearly behind" in (
        reading_in_words(found)
    )
    assert case.facts().open_guesses[-1] == "another reading is better"
    close = tuple(replace(one, close=True) for one in case.facts().readings)
    assert "are as good on the compared pictures: " in replace(case.facts(), readings=close).open_reading
    assert [entry["details"]["in_use"] for entry in case.audit() if entry["event"] == "readings compared"] == ["unit"]
    take_reading(compared, "signed")
    check_suspect(compared.folder, None, [("red", np.zeros((8, 8, 3), np.uint8))])
    assert compared.facts().open_reading == ""
    assert not compared.facts().suspect.origins.guess_decides  # type: ignore[union-attr]


def test_a_reading_that_does_not_run_is_named_once_in_plain_words(tmp_path: Path, corpus: Path) -> None:
    """A network that takes 32 and 48 pixels but not 28 and 64: its size stays a guess, and both are said to fail."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.AvgPool2d(32), nn.Flatten(), nn.Linear(8, 3)).eval()
    torch.jit.script(module).save(str(tmp_path / "m.pt"))
    case = case_about(tmp_path, corpus)
    case.record(plan=replace(case.plan(), suspect=SuspectOptions(preset="unit", spec_overrides={"order": "RGB"})))
    found = compare_readings(case.folder, tmp_path / "m.pt", cache=tmp_path / "cache")
    assert {(one.spec.height, one.spec.width) for one in found.readings} == {(32, 32), (48, 48)}
    assert found.not_possible == ("28 x 28, 64 x 64 (the network takes no pictures prepared so)",)
    assert readings(found).count("Not possible") == 1


def test_an_order_that_wins_is_tried_with_every_normalisation(tmp_path: Path, corpus: Path) -> None:
    """A network that reads the last channel, given in BGR: the right pair is found although RGB came first."""
    suspect = levels_of_red(tmp_path / "m.onnx", channel=2)
    case = case_about(tmp_path, corpus)
    found = compare_readings(case.folder, suspect, cache=tmp_path / "cache")
    assert found.readings[0].name == "signed, BGR"
    assert {"imagenet, BGR", "unit, BGR"} <= {one.name for one in found.readings}
