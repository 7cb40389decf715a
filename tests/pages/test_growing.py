"""Generating pictures from the Corpus page, and their marks on the pages that show them."""

import sys
import tarfile
from pathlib import Path

import case_factory
import generator
import pandas as pd
import pytest
from opening import open_app, open_case, open_page
from PIL import Image
from raising import raises
from reading import said, table

from fdcore.case.case import Case
from fdcore.case.conclusions import weigh_case
from fdcore.case.generated import read_generated
from fdcore.errors import SettingsError
from fdcore.jobs import JobQueue
from fdcore.jobs.kinds import KINDS
from fdcore.progress import silent
from fdcore.work.intake import survey_corpora

PAGE = "2_Corpus"
CAT = "n02121808"
COMMAND = f"{sys.executable} {generator.__file__} {{prompt}} {{folder}} {{count}} {{seed}}"


@pytest.fixture
def planned(cases: Path) -> Case:
    return Case.open(case_factory.planned(cases / "colours"))


def test_a_request_starts_a_job_without_the_command(planned, idle_workers, monkeypatch):
    """The command is the server's own; what the browser sends is what to draw, and a job draws it."""
    monkeypatch.setenv("FDCORE_GENERATOR", COMMAND)
    at = open_case(PAGE, planned)
    assert COMMAND in [one.value for one in at.code]
    assert at.button(key="grow").disabled
    at.text_input(key="grow_node_words").set_value("domestic cat").run()
    at.selectbox(key="grow_node_found").set_value(CAT).run()
    assert "First prompt: a photo of a domestic cat" in said(at)
    assert "80 queries for each node" in said(at)
    at.number_input(key="grow_count").set_value(5).run()
    at.number_input(key="grow_class").set_value(1).run()
    at.number_input(key="grow_rounds").set_value(1).run()
    at.button(key="grow").click().run()
    job = JobQueue(planned.folder.parent).latest("colours")
    assert job.kind == "grow"
    assert job.params["request"] == {"below": CAT, "template": "a photo of a {name}", "count": 5, "max_rounds": 1,
                                     "seed": 0, "target_class": 1}  # fmt: skip
    assert generator.__file__ not in str(job.params)
    message = KINDS["grow"].run(planned.folder, job.params, silent)
    assert message.startswith("Best in class 1, round by round: domestic cat 0.")
    assert len(read_generated(planned)[0].pictures) == 5
    survey_corpora(planned.folder)


def test_without_a_command_a_folder_is_watched(planned, tmp_path, monkeypatch):
    """A folder of this server, which is named with the variable that would name a command; a bad one is a sentence."""
    at = open_case(PAGE, planned)
    folder = tmp_path / "cache" / "demo-corpora" / "generating" / "colours"
    assert str(folder) in [one.value for one in at.code]
    assert "FDCORE_GENERATOR" in said(at)
    generator.paint("tabby", _made(folder / f"of domestic cat {CAT} made"), 4, 0)
    params = {"cache": str(tmp_path / "cache"), "watch": True,
              "request": {"below": CAT, "count": 4, "max_rounds": 1, "target_class": 1}}  # fmt: skip
    assert "domestic cat 1.00" in KINDS["grow"].run(planned.folder, params, silent)
    with raises(SettingsError, "generator command"):
        KINDS["grow"].run(planned.folder, params | {"watch": False}, silent)
    monkeypatch.setenv("FDCORE_GENERATOR", "draw something")
    assert "lacks {prompt} and {folder}" in said(open_case(PAGE, planned))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def test_a_template_that_cannot_be_filled_in_is_a_sentence(planned):
    """Where it is typed."""
    at = open_case(PAGE, planned)
    at.text_input(key="grow_prompt").set_value("a photo").run()
    assert len(at.error) == 1
    assert not any(button.key == "grow" for button in at.button)


def test_generated_leaves_are_marked_on_the_pages(planned, tmp_path, monkeypatch):
    """On the Case page, in the inspector and on the Corpus page, where their names cannot be changed."""
    monkeypatch.setenv("FDCORE_GENERATOR", COMMAND)
    params = {"cache": str(tmp_path / "cache"), "request": {"below": "n02122878", "count": 10, "target_class": 1}}
    KINDS["grow"].run(planned.folder, params, silent)
    survey_corpora(planned.folder)
    assert "generated pictures" in said(open_app(case="colours"))
    [leaf] = [one for one in weigh_case(planned).scored.scores.nodes if one.startswith("generated-pictures/")]
    at = open_page("5_Selection", **{"case": "colours", "class": "1", "leaf": leaf})
    assert "generated" in said(at)
    assert "tabby (generated)" in said(at)
    at = open_case(PAGE, planned)
    assert "a photo of a tabby" in table(at, "prompt")["prompt"].tolist()
    assert "not on this machine" not in said(at)
    assert not any("Save names" in button.label for button in at.button)


@pytest.mark.parametrize(("typed", "impression", "leaf"), [
    ("kittens.txt", "A list of pictures", "kittens.txt/kittens"), ("flat", "2 files", "flat/flat"),
    ("set", "1 folder named by words", "set/kittens"), ("kittens.tar", "A tar archive", "kittens.tar/kittens"),
    ("kittens.parquet", "parquet file", "kittens.parquet/kittens"),
])  # fmt: skip
def test_every_kind_of_corpus_is_put_below_a_node(cases, tmp_path, monkeypatch, typed, impression, leaf):
    """Its path is typed and the node searched; reading it finds its pictures below that node."""
    corpora = tmp_path / "corpora"
    monkeypatch.setenv("FDCORE_CORPORA", str(corpora))
    for number, place in enumerate((_made(corpora / "set" / "kittens"), _made(corpora / "flat"))):
        for name in ("a", "b"):
            Image.new("RGB", (9, 9), (number, ord(name), 0)).save(place / f"{name}.png")
    (corpora / "kittens.txt").write_text("flat/a.png\nflat/b.png\n")
    with tarfile.open(corpora / "kittens.tar", "w") as archive:
        archive.add(corpora / "set" / "kittens", "kittens")
    images = [{"bytes": (corpora / "flat" / name).read_bytes()} for name in ("a.png", "b.png")]
    pd.DataFrame({"image": images, "label": ["kittens"] * 2}).to_parquet(corpora / "kittens.parquet")
    case = Case.open(case_factory.planned(cases / "colours"))
    case.change_plan(corpora=())
    at = open_case(PAGE, case)
    at.text_input(key="add_path").set_value(typed).run()
    assert impression in said(at)
    at.toggle(key="add_below").set_value(True).run()
    at.text_input(key="add_node_words").set_value("domestic cat").run()
    at.selectbox(key="add_node_found").set_value(CAT).run()
    at.button(key="add").click().run()
    assert case.plan().corpora == (f"{corpora / typed}@{CAT}",)
    found = survey_corpora(case.folder)
    assert found.n_usable == {leaf: 2}
    assert found.hierarchy.parents(leaf) == (CAT,)
    assert "2 files" in said(open_case(PAGE, case))
