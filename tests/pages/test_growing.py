"""Generating pictures from the Corpus page, and their marks on the pages that show them."""

import sys
from pathlib import Path

import case_factory
import generator
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
    """The command is the server's own; what the browser sends is what to draw. The job does it, and goes on."""
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


def test_a_list_of_pictures_is_put_below_a_node(cases, tmp_path, monkeypatch):
    """It is typed as a path; reading it shows its pictures."""
    monkeypatch.setenv("FDCORE_CORPORA", str(tmp_path / "corpora"))
    for name in ("a", "b"):
        _made(tmp_path / "corpora" / name)
        Image.new("RGB", (9, 9), (len(name), ord(name), 0)).save(tmp_path / "corpora" / name / "1.png")
    (tmp_path / "corpora" / "kittens.txt").write_text("a/1.png\nb/1.png\n")
    case = Case.open(case_factory.planned(cases / "colours"))
    case.change_plan(corpora=())
    at = open_case(PAGE, case)
    at.text_input(key="add_path").set_value("kittens.txt").run()
    assert "A list of pictures" in said(at)
    at.toggle(key="add_below").set_value(True).run()
    at.text_input(key="add_node_words").set_value("domestic cat").run()
    at.selectbox(key="add_node_found").set_value(CAT).run()
    at.button(key="add").click().run()
    assert case.plan().corpora == (f"{tmp_path / 'corpora' / 'kittens.txt'}@{CAT}",)
    assert survey_corpora(case.folder).n_usable == {"kittens.txt/kittens": 2}
    assert "2 files" in said(open_case(PAGE, case))
