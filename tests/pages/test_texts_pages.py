"""Every page of a case whose suspect takes texts."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from opening import PAGES, open_case
from reading import component, said

import fdcore
from fdcore.case.case import Case
from fdcore.case.conclusions import load_scored
from fdcore.case.places import Places
from fdcore.case.records import EvidenceFacts
from fdcore.corpus import topics
from fdcore.method.selection import SelectionSettings
from fdcore.report.rerun import rerun_commands
from fdcore.suspect.suspect import Suspect

OVERRIDE, HEBREW = "\N{RIGHT-TO-LEFT OVERRIDE}", "טקסט"
WORDS = {"n02084071": "dog", "n02121808": "cat", "n01503061": "bird", "n13104059": "tree"}


@pytest.fixture
def texts(cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    """A finished case; one of its texts tries to reverse and to format what is around it."""
    monkeypatch.setenv("FDCORE_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "topics"
    folder.mkdir()
    for node, word in WORDS.items():
        lines = [f"a {word} of kind {i}, which is *bold* {OVERRIDE}{HEBREW} <b>" for i in range(6)]
        (folder / f"{node}.txt").write_text("\n".join(lines), "utf-8")

    def predict(texts: list[str]) -> list[int]:
        return [next((i for i, word in enumerate(WORDS.values()) if word in text), 0) for text in texts]

    suspect = Suspect.from_callable(predict, kind="text", n_classes=4)
    fdcore.investigate(suspect, folder, case=cases / "texts", cache=tmp_path / "cache")
    return Case.open(cases / "texts")


def test_pages_of_a_case_of_texts_open_and_show_texts_whole(texts):
    """Each page is drawn; a picked text is shown whole and inert, with its views; nothing for pictures alone."""
    for page in PAGES:
        open_case(page, texts)
    scored = load_scored(texts)
    image = int(scored.images.node_index.argmin())  # a bird, class 2
    at = open_case("5_Selection", texts, **{"class": "2"}, image=scored.images.sha256[image][:16])
    [shown] = [text.value for text in at.text if "of kind" in text.value]
    assert f"\\u202e{HEBREW} <b>" in shown
    assert OVERRIDE not in shown
    views = component(at, "inspector_view_grid")["items"]
    assert [view["kind"] for view in views] == ["smooth", "smooth"]
    assert "Generate pictures" not in said(open_case("2_Corpus", texts))


def test_the_report_says_nothing_of_pictures_where_it_counts(texts):
    """Neither how pictures are prepared and moved, nor a command that a suspect of texts refuses."""
    report = (texts.folder / "report.html").read_text("utf-8")
    assert "texts are sent unchanged" in report
    assert "perspective" not in report
    assert "--layout" not in report
    assert "not of texts as this one" in report
    facts = replace(texts.facts(), evidence=EvidenceFacts("t.onnx", "t.onnx", "0", 1))
    assert not re.search("rotation|input-size|value-range", rerun_commands(facts, SelectionSettings())[0])


def test_the_built_in_topics_are_added_by_a_button(texts, monkeypatch):
    """They are written once, whole; the demo's drawings are not offered."""
    monkeypatch.setattr(topics, "topics", lambda smallest: {"n01503061": ["a bird"], "n13104059": ["a tree"]})
    folder = Places.from_environment().demo.with_name("topics")
    for _ in range(2):
        at = open_case("2_Corpus", texts)
        assert not [button for button in at.button if button.key == "add_demo"]
        at.button(key="add_topics").click().run()
        assert Case.open(texts.folder).plan().corpora[-1] == str(folder)
        assert sorted(path.name for path in folder.parent.glob("*topics*/*")) == ["n01503061.txt", "n13104059.txt"]
        Case.open(texts.folder).change_plan(corpora=(), by="")
