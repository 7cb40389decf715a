"""`fdcore clone` and `fdcore compare`: what they print, what they write, and how they refuse."""

import csv
import json
from pathlib import Path

import case_factory
import numpy as np
import pytest
import tiny_world
from PIL import Image

from fdcore.case.case import Case
from fdcore.case.claims import write_claims
from fdcore.case.clones import read_runs
from fdcore.cli.main import main
from fdcore.cloning.comparison import ALL, CLAIMED_NAMES, MEAN
from fdcore.words.claims import claims_from_list

QUICK = ["--arch", "resnet20", "--epochs", "1", "--batch-size", "32", "--total", "40"]


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures in three of the suspect's classes."""
    folder, rng = tmp_path_factory.mktemp("labelled"), np.random.default_rng(3)
    for name, colour in {"red": (200, 40, 40), "green": (40, 190, 60), "blue": (50, 50, 200)}.items():
        (folder / name).mkdir()
        for number in range(4):
            noise = rng.normal(0, 20, (tiny_world.SIZE, tiny_world.SIZE, 3))
            Image.fromarray(np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)).save(
                folder / name / f"{number}.png"
            )
    return folder


@pytest.fixture(scope="module")
def cloned(tmp_path_factory: pytest.TempPathFactory, labelled: Path) -> Path:
    """A case with two clones, tested on labelled pictures."""
    folder = case_factory.finished(tmp_path_factory.mktemp("cloned") / "case")
    write_claims(folder, claims_from_list(["red", "green", "blue", "grey"], source="a test"))
    cache = str(case_factory.world().cache)
    code = main(["clone", str(folder), *QUICK, "--evaluate", str(labelled), "--cache", cache])
    assert code == 0
    return folder


def test_a_clone_for_each_source_is_trained_and_compared(cloned, capsys) -> None:
    """Found and random by default; a row for each class, all pictures and the mean; whose names; the lead in words."""
    assert [run.source.name for run in read_runs(Case.open(cloned))] == ["two terms", "random"]
    assert main(["compare", str(cloned)]) == 0
    text = capsys.readouterr().out
    assert "Accuracy on 12 pictures of labelled" in text.replace("labelled0", "labelled")
    lines = text.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("class "))
    rows = ["0 red", "1 green", "2 blue", "3 grey", "All pictures", "Mean over classes"]
    assert [line.split("  ")[0] for line in lines[start + 2 : start + 8]] == rows
    assert lines[start + 8] == CLAIMED_NAMES
    assert 'The clone "two terms" is right about ' in lines[-1]
    assert "of all pictures than the one from random images (95 % interval" in lines[-1]


def test_the_report_tells_the_same_of_the_clones(cloned) -> None:
    """Classes with their numbers, all pictures, the mean, whose names they are, and the lead in the table's measure."""
    text = (cloned / "report.html").read_text("utf-8")
    told = text[text.index("Does a clone made from the finding") : text.index("How this was found")]
    for cell in ("0 red", "3 grey", f"<strong>{ALL}</strong>", f"<strong>{MEAN}</strong>"):
        assert f'<td class="words">{cell}</td>' in told
    assert CLAIMED_NAMES in told
    assert "The clone “two terms” is right about" in told


def test_the_comparison_as_json_and_csv(cloned, tmp_path, capsys) -> None:
    """JSON has a rate with its interval for each clone; the CSV has every class and the mean."""
    target = tmp_path / "table5.csv"
    assert main(["compare", str(cloned), "--json", "--measure", "agreement", "--csv", str(target)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["measure"] == "agreement"
    assert {one["source"] for one in found["clones"]} == {"two terms", "random"}
    for one in found["clones"]:
        assert 0 <= one["agreement"]["low"] <= one["agreement"]["value"] <= one["agreement"]["high"] <= 1
        assert one["suspect_accuracy"]["value"] == 1
    rows = list(csv.DictReader(target.open()))
    assert [row["name"] for row in rows] == ["red", "green", "blue", "grey", ALL, MEAN]


def test_the_same_command_trains_nothing_twice(cloned, labelled) -> None:
    """It finds what is finished."""
    before = {run.id: run.created for run in read_runs(Case.open(cloned))}
    cache = str(case_factory.world().cache)
    assert main(["clone", str(cloned), *QUICK, "--evaluate", str(labelled), "--cache", cache]) == 0
    assert {run.id: run.created for run in read_runs(Case.open(cloned))} == before


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--sources", "found,nowhere/at/all"], 2, "nowhere/at/all"),
        (["--sources", ""], 2, "at least one source"),
        (["--total", "many"], 2, "--total"),
        (["--epochs", "0"], 2, "epochs cannot be '0'"),
        (["--arch", "resnet21"], 3, "No architecture is called 'resnet21'"),
        (["--device", "cuda:7"], 2, "no device 'cuda:7'"),
    ],
)
def test_what_cannot_be_done_ends_in_a_sentence(tmp_path, capsys, arguments, code, sentence) -> None:
    """Exit codes and sentences of wrong wishes."""
    folder = case_factory.finished(tmp_path / "case")
    cache = str(case_factory.world().cache)
    assert main(["clone", str(folder), *QUICK, *arguments, "--cache", cache]) == code
    assert sentence in capsys.readouterr().err


def test_a_case_without_clones_says_how_to_make_some(tmp_path, capsys) -> None:
    """`compare` before `clone`, and on a set that there is not."""
    folder = case_factory.finished(tmp_path / "case")
    assert main(["compare", str(folder)]) == 6
    assert "`fdcore clone` trains and tests clones" in capsys.readouterr().err


def test_accuracy_without_labels_is_refused(tmp_path, capsys) -> None:
    """On held-back images of the corpus nothing says what they show to the suspect."""
    folder = case_factory.finished(tmp_path / "case")
    cache = str(case_factory.world().cache)
    assert main(["clone", str(folder), *QUICK, "--sources", "found", "--cache", cache]) == 0
    assert "favours clones from random images" in capsys.readouterr().out
    assert main(["compare", str(folder), "--measure", "accuracy"]) == 2
    assert "accuracy is unknown" in capsys.readouterr().err
    assert main(["compare", str(folder), "--on", "another"]) == 6
