"""The inspector of the workbench: what a link picks, with its pictures, answers, tags and comments."""

from pathlib import Path

import case_factory
import pytest
from opening import open_case
from reading import as_markdown, component, components, said
from streamlit.testing.v1 import AppTest

from fdcore.case.case import Case
from fdcore.case.conclusions import load_scored, selection_settings
from fdcore.case.notes import Note, add_note, read_notes
from fdcore.method.findings import Scored
from ui import cached

SELECTION, SCORES, DISTANCES = "5_Selection", "3_Leaf_scores", "4_Distances"
HOSTILE = "![x](http://evil/x.png) **b** <script>alert(1)</script>"
TABBY, PERSIAN, AIRLINER = "n02123045", "n02123394", "n02690373"


@pytest.fixture
def cases(cases: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of cases, with the decoded pictures of the tiny world in the cache."""
    monkeypatch.setenv("FDCORE_CACHE", str(case_factory.world().cache))
    return cases


@pytest.fixture
def scored(finished: Case) -> Scored:
    """The answers of the finished case."""
    return load_scored(finished)


def code(scored: Scored, image: int) -> str:
    """An image's name in a link."""
    return scored.images.sha256[image][:16]


def an_image_of(scored: Scored, node: str) -> int:
    """The first image of a leaf."""
    return int((scored.images.node_index == scored.scores.nodes.index(node)).argmax())


@pytest.mark.parametrize("page", [SELECTION, SCORES, DISTANCES])
def test_a_picture_in_the_link_is_shown_with_its_views_and_their_answers(finished, scored, page):
    """On each of the three pages: its leaf, its path, and every view that was sent."""
    image = an_image_of(scored, TABBY)
    at = open_case(page, finished, **{"class": "1"}, image=code(scored, image))
    views = component(at, "inspector_view_grid")["items"]
    assert [view["caption"].partition(" ")[0] for view in views] == [str(a) for a in scored.answers[image]]
    assert all(view["src"].startswith("data:image/jpeg;base64,") for view in views)
    assert "4 of 4 views answered **1**" in said(at)
    assert "**tabby**" in said(at)
    assert len(at.get("image")[0].proto.imgs) == 1
    assert at.button(key="back_1").label == "tabby"


def test_one_view_can_be_shown_large(finished, scored):
    """Its link names it, and the picture is another one than the image itself."""
    link = {"class": "1", "image": code(scored, an_image_of(scored, TABBY))}
    shown = {open_case(SELECTION, finished, **link, view=view).get("image")[0].proto.imgs[0].url for view in "02"}
    assert len(shown) == 2


def test_a_leaf_in_the_link_is_shown_with_its_images_and_the_other_classes(finished, scored):
    """Its score in the class, and the classes that take it instead."""
    leaf = scored.scores.nodes.index(TABBY)
    at = open_case(SELECTION, finished, **{"class": "0"}, leaf=TABBY)
    assert component(at, "inspector_leaf_grid")["total"] == (scored.images.node_index == leaf).sum()
    assert "L **0.00** (0.00 to" in said(at)
    assert [row["id"] for row in component(at, "inspector_other_classes")["rows"]] == ["1"]


def test_back_leads_from_the_picture_to_its_leaf_and_to_the_class(finished, scored):
    """The link follows."""
    at = open_case(SELECTION, finished, **{"class": "1"}, image=code(scored, an_image_of(scored, TABBY)))
    at.button(key="back_1").click().run()
    assert at.query_params["leaf"] == TABBY
    assert "image" not in at.query_params
    at.button(key="back_0").click().run()
    assert "leaf" not in at.query_params
    assert "**Class 1: domestic cat**" in said(at)


def test_two_leaves_are_shown_with_their_distance(finished):
    """And with what they have in common."""
    at = open_case(DISTANCES, finished, **{"class": "1"}, leaf=TABBY, other=PERSIAN)
    assert "2 steps apart, both below **domestic cat**" in said(at)
    assert {"inspector_pair_grid_0", "inspector_pair_grid_1"} <= components(at).keys()


def test_a_cluster_is_shown_with_its_leaves(finished):
    """It is named by its medoid; with other settings there may be none."""
    at = open_case(SELECTION, finished, **{"class": "1"}, cluster=TABBY)
    assert {row["id"] for row in component(at, "inspector_members")["rows"]} == {TABBY, PERSIAN}
    at = open_case(SELECTION, finished, **{"class": "1"}, cluster=AIRLINER)
    assert "no cluster is centred on airliner" in said(at)


@pytest.mark.parametrize("name", ["image", "leaf", "other", "cluster", "view"])
def test_a_link_to_what_is_not_here_says_so(finished, name):
    """Nothing in it is formatted."""
    at = open_case(SELECTION, finished, **{name: HOSTILE})
    assert f"The link names the {name}" in said(at)
    assert "![x](http" not in as_markdown(at)


def test_without_pictures_the_answers_are_told(finished, scored, monkeypatch, tmp_path):
    """The cache may be emptied at any time."""
    monkeypatch.setenv("FDCORE_CACHE", str(tmp_path / "empty"))
    at = open_case(SELECTION, finished, **{"class": "1"}, image=code(scored, an_image_of(scored, TABBY)))
    assert "Answers: 1, 1, 1, 1" in said(at)
    assert not at.get("image")


# Tags and comments


def the_field(at: AppTest, kind: str, about: str) -> str:
    """The key of the field for tags or comments of one kind of thing."""
    boxes = at.multiselect if kind == "tags" else at.text_input
    return next(box.key for box in boxes if box.key.startswith(f"{kind}_colours_{about}"))


def test_a_tag_is_kept_in_the_case_shown_in_the_grid_and_taken_away(finished, scored):
    """Another visit shows it; every step is logged."""
    image = an_image_of(scored, TABBY)
    link = {"class": "1", "tab": "Pictures", "image": code(scored, image)}
    at = open_case(SELECTION, finished, **link)
    at.multiselect(key=the_field(at, "tags", "picture")).set_value(["wrong label"]).run()
    assert [(note.about, note.key, note.tag) for note in read_notes(finished)] == [
        ("picture", scored.images.sha256[image], "wrong label")
    ]
    at = open_case(SELECTION, finished, **link)
    marked = [item["id"] for item in component(at, "pictures_kept")["items"] if item["mark"] == "wrong label"]
    assert marked == [code(scored, image)]
    field = the_field(at, "tags", "picture")
    assert at.multiselect(key=field).value == ["wrong label"]
    at.multiselect(key=field).set_value([]).run()
    assert read_notes(finished) == ()
    assert [entry["event"] for entry in finished.audit()][-2:] == ["note added", "note removed"]


def test_pictures_are_filtered_by_their_tag(finished, scored):
    """The filter appears with the first tag."""
    image = an_image_of(scored, TABBY)
    at = open_case(SCORES, finished, **{"class": "1"}, tab="Pictures")
    assert not [box for box in at.selectbox if box.key == "pictures_tag"]
    add_note(finished, Note("picture", scored.images.sha256[image], "a file", tag="unclear"))
    at.run()
    at.selectbox(key="pictures_tag").set_value("unclear").run()
    assert [item["id"] for item in component(at, "all_pictures")["items"]] == [code(scored, image)]


@pytest.mark.parametrize(("about", "link"), [("class", {}), ("leaf", {"leaf": TABBY})])
def test_a_comment_is_shown_as_it_is_and_removed(finished, about, link):
    """On classes and leaves; the field is empty afterwards."""
    at = open_case(SELECTION, finished, **{"class": "1"}, **link)
    field = the_field(at, "comment", about)
    at.text_input(key=field).set_value(HOSTILE).run()
    assert at.text_input(key=field).value == ""
    assert any(text.value.startswith(HOSTILE) for text in at.text)
    assert "![x](http" not in as_markdown(at)
    [note] = read_notes(finished)
    assert (note.about, note.comment) == (about, HOSTILE)
    at.button(key=f"remove_note_{note.number}").click().run()
    assert read_notes(finished) == ()
    assert not any(text.value.startswith(HOSTILE) for text in at.text)


def test_notes_are_in_the_report(finished):
    """As a table, each text escaped."""
    add_note(finished, Note("leaf", TABBY, "tabby", comment=HOSTILE, by="Ann", time="2026-01-02T03:04:05+00:00"))
    report = cached.report(finished, selection_settings(finished), None, pictures=False).decode()
    row = report[report.index("<h2>Notes</h2>") :].partition("</tbody>")[0]
    assert "leaf tabby" in row
    assert "&lt;script&gt;" in row
    assert "2026-01-02 03:04:05" in row
