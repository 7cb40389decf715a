"""The Corpus page: folders in and out of the plan, reading them, and what is shown of what they hold."""

import tarfile
from dataclasses import replace
from pathlib import Path

import case_factory
import pandas as pd
import pytest
import tiny_world
from opening import open_page
from PIL import Image
from reading import as_markdown, said
from streamlit.testing.v1 import AppTest

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.casebook import Casebook
from fdcore.case.intake import Surveyed
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.leaf_names import NamedLeaf
from fdcore.corpus.wordnet import load_wordnet
from fdcore.jobs import JobQueue
from fdcore.work.intake import survey_corpora
from fdcore.work.leaf_names import name_leaves
from ui.corpus.naming import editable, named_leaves, offered, own_leaves
from ui.corpus.result import clicked_node, fewer_in_words
from ui.corpus.sources import first_look
from ui.survey_tables import leaf_strips, read_samples, tree_rows
from ui.tree_picker import MAX_CHILDREN, MAX_FOUND

PAGE = "2_Corpus"
SANDAL = "n04133789"
HOSTILE = "<img src=x> **b** ![x](http://evil/x.png) [a](http://evil)"


def surveyed(cases: Path, name: str = "read") -> Case:
    """A case whose planned corpus was read."""
    folder = case_factory.planned(cases / name)
    survey_corpora(folder)
    return Case.open(folder)


def planned(cases: Path, case_id: str) -> tuple[str, ...]:
    return Case.open(cases / case_id).plan().corpora


# Folders


def test_a_server_without_images_says_where_they_go(cases, tmp_path, monkeypatch):
    """Which folder, what it should look like, and the variable that names another."""
    monkeypatch.setenv("FDCORE_CORPORA", str(tmp_path / "nowhere"))
    at = open_page(PAGE, case=Casebook(cases).create("New"))
    assert str(tmp_path / "nowhere") in [one.value for one in at.code]
    assert "FDCORE_CORPORA" in said(at)
    assert at.button(key="add_demo")
    assert not any(button.key == "read" for button in at.button)


def test_a_chosen_folder_is_put_in_the_plan(cases):
    """With an entry in the audit log; the fields are empty again after that."""
    case_id = Casebook(cases).create("New")
    at = open_page(PAGE, case=case_id)
    at.selectbox(key="add_folder").set_value("tiny").run()
    at.button(key="add").click().run()
    assert planned(cases, case_id) == (str(case_factory.world().corpora / "tiny"),)
    assert at.selectbox(key="add_folder").value is None
    assert [entry["event"] for entry in Case.open(cases / case_id).audit()][-1] == "plan changed"
    assert "not read yet" in said(at)


@pytest.mark.parametrize("path", ["../cases", "/etc", "~/x", "nothing", "tiny/../..", "a\0b", "x" * 999])
def test_a_typed_path_outside_is_refused_in_a_sentence(cases, path):
    """Nothing outside the corpora folders is looked at."""
    at = open_page(PAGE, case=Casebook(cases).create("New"))
    at.text_input(key="add_path").set_value(path).run()
    assert len(at.error) == 1
    assert at.button(key="add").disabled


def test_classes_can_be_hung_below_a_node(cases):
    """The node is found by words and written behind the folder."""
    case_id = Casebook(cases).create("New")
    at = open_page(PAGE, case=case_id)
    at.text_input(key="add_path").set_value("tiny").run()
    at.toggle(key="add_below").set_value(True).run()
    assert at.button(key="add").disabled
    at.text_input(key="add_node_words").set_value("wading bird").run()
    at.selectbox(key="add_node_found").set_value("n02000954").run()
    at.button(key="add").click().run()
    assert planned(cases, case_id)[0].endswith("tiny@n02000954")
    assert "n02000954" in said(at)


def test_a_removed_folder_comes_back_with_undo(cases):
    """Removing touches the plan only."""
    case_factory.planned(cases / "one")
    before = planned(cases, "one")
    at = open_page(PAGE, case="one")
    at.button(key="remove_0").click().run()
    assert planned(cases, "one") == ()
    at.button(key="undo").click().run()
    assert planned(cases, "one") == before
    assert not any(button.key == "undo" for button in at.button)


def test_a_folder_is_planned_once(cases):
    """The second time is a sentence."""
    case_factory.planned(cases / "one")
    at = open_page(PAGE, case="one")
    at.selectbox(key="add_folder").set_value("tiny").run()
    at.button(key="add").click().run()
    assert "already" in at.error[0].value
    assert len(planned(cases, "one")) == 1


def test_a_plan_from_elsewhere_is_not_read_here(cases):
    """An imported case may name any folder; it is shown as text and cannot be read."""
    folder = case_factory.planned(cases / "one")
    case = Case.open(folder)
    case.record(plan=replace(case.plan(), corpora=("/etc", f"/srv/{HOSTILE}")))
    at = open_page(PAGE, case="one")
    assert at.button(key="read").disabled
    assert any(text.value == str(Path(f"/srv/{HOSTILE}")) for text in at.text)
    assert "![x](http" not in as_markdown(at)


# Reading


def test_reading_begins_a_job(cases, idle_workers):
    """The button is replaced by progress that can be cancelled."""
    case_factory.planned(cases / "one")
    at = open_page(PAGE, case="one")
    at.button(key="read").click().run()
    job = JobQueue(cases).latest("one")
    assert job.kind == "corpus"
    assert "draw_demo" not in job.params
    assert not any(button.key == "read" for button in at.button)
    assert at.button(key="job_cancel")
    assert at.button(key="remove_0").disabled


def test_the_demo_corpus_is_drawn_when_it_is_read(cases, idle_workers, tmp_path, monkeypatch):
    """The job is told where, as long as it is not there; never in a folder that the analyst named."""
    monkeypatch.setenv("FDCORE_CORPORA", str(tmp_path / "corpora"))
    case_id = Casebook(cases).create("New")
    at = open_page(PAGE, case=case_id)
    at.button(key="add_demo").click().run()
    at.button(key="read").click().run()
    assert JobQueue(cases).latest(case_id).params["draw_demo"] == str(tmp_path / "cache" / "demo-corpora" / "demo")


def test_other_folders_than_those_read_are_told(cases):
    """The plan has changed since."""
    case = surveyed(cases)
    assert "Read the corpus again" not in said(open_page(PAGE, case="read"))
    for corpora in ([*planned(cases, "read"), "/elsewhere"], []):
        case.record(plan=replace(case.plan(), corpora=tuple(corpora)))
        assert "Read the corpus again" in said(open_page(PAGE, case="read"))


def test_leaving_out_what_was_asked_about_is_told(cases):
    """Answers would be lost, so scoring would refuse; more folders are fine."""
    case = Case.open(case_factory.finished(cases / "done"))
    plan = case.facts().plan
    assert not open_page(PAGE, case="done").warning
    assert f"{len(tiny_world.LEAVES)} leaves" in said(open_page(PAGE, case="done"))  # as scoring listed them
    case.path(layout.SURVEY).unlink()  # as in a case of an earlier version
    assert "queried; not listed here yet" in said(open_page(PAGE, case="done"))
    case.record(plan=replace(plan, corpora=(*plan.corpora, str(cases))))
    assert any("are kept" in one.value for one in open_page(PAGE, case="done").info)
    case.record(plan=replace(plan, corpora=(str(cases),)))
    at = open_page(PAGE, case="done")
    assert any("refuse" in one.value for one in at.warning)
    assert at.button(key="new_with_folders")


# What was found


def test_what_was_found_is_shown(cases):
    """Numbers, map, pictures, leaves."""
    surveyed(cases)
    at = open_page(PAGE, case="read")
    metrics = {metric.label: metric.value for metric in at.metric}
    assert metrics["Leaves"] == str(len(tiny_world.LEAVES))
    assert int(metrics["Usable"]) == len(tiny_world.LEAVES) * tiny_world.PER_LEAF
    assert len(at.get("plotly_chart")) == 1
    assert len(at.image) == 1
    assert len(at.dataframe[0].value) == len(tiny_world.LEAVES)


@pytest.mark.parametrize(
    ("available", "words"),
    [
        ([200, 300], ""),
        ([20, 200, 300], "1 of 3 leaves have fewer than the 200 images per leaf"),
        (
            [20, 50, 90],
            "Every leaf has fewer than the 200 images per leaf in the plan: the smallest 20, the median 50.",
        ),
    ],
)
def test_leaves_with_few_images_are_counted(available, words):
    """A number where some have few, and how few where all have."""
    said_of = fewer_in_words(pd.Series(available, dtype="Int64"), 200)
    assert said_of.startswith(words)
    assert bool(said_of) == bool(words)


def test_leaves_that_are_only_numbered_are_said_and_named(cases, tmp_path, monkeypatch):
    """What it means is said, with pictures beside the fields; what is named is no longer counted."""
    corpora = tmp_path / "own"
    for number in range(12):
        (corpora / "shoes" / str(number)).mkdir(parents=True)
        Image.new("RGB", (8, 8), (number, 0, 0)).save(corpora / "shoes" / str(number) / "a.png")
    monkeypatch.setenv("FDCORE_CORPORA", str(corpora))
    case = Case.open(cases / Casebook(cases).create("Shoes"))
    case.change_plan(corpora=(str(corpora / "shoes"),))
    read = survey_corpora(case.folder)
    at = open_page(PAGE, case="shoes")
    assert any("12 leaves have only a number for a name" in one.value for one in at.warning)
    assert at.button(key="save_names").disabled
    own = own_leaves(read)
    assert own == [f"shoes/{number}" for number in range(12)]
    table = editable(case.plan(), read, own, leaf_strips(read, (corpora,), own))
    assert all(strip.startswith("data:image/jpeg") for strip in table["Pictures"])
    assert leaf_strips(read, (tmp_path / "cases",), own) == {}
    table.loc[1, "Name"], table.loc[2, "Node"], table.loc[3, "Node"] = " flat  sandal ", SANDAL, "no node"
    leaves = named_leaves(table, load_wordnet())
    assert leaves == (NamedLeaf("shoes/1", "flat sandal"), NamedLeaf("shoes/2", "sandal", SANDAL))
    name_leaves(case.folder, leaves)
    at = open_page(PAGE, case="shoes")
    assert any("10 leaves have only a number" in one.value for one in at.warning)


def test_words_offer_nodes():
    """Of the whole name, or of its words where nothing is called so; and those that were chosen before."""
    hierarchy = load_wordnet()
    assert SANDAL in offered(hierarchy, ["sandal"], [])
    assert SANDAL in offered(hierarchy, ["purple-sandal/clog"], [])
    assert offered(hierarchy, [], [SANDAL, "gone"]) == [SANDAL]


def test_a_node_narrows_pictures_and_leaves(cases):
    """The URL carries it; clearing takes it out."""
    case = surveyed(cases)
    leaf = sorted(tiny_world.LEAVES)[0]
    at = open_page(PAGE, case="read", node=leaf)
    assert list(at.dataframe[0].value["node"]) == [leaf]
    at.button(key="corpus_node_clear").click().run()
    assert "node" not in at.query_params
    assert len(at.dataframe[0].value) == len(tiny_world.LEAVES)
    assert case.has("survey/survey.json")


def test_a_link_to_no_node_shows_everything(cases):
    """And says so, with the text inert."""
    surveyed(cases)
    at = open_page(PAGE, case="read", node=HOSTILE)
    assert "does not have" in said(at)
    assert not any("![x](http" in one.value for one in at.caption)


def test_leaves_are_searched_by_words(cases):
    """A search for nothing that is there says what to do."""
    surveyed(cases)
    at = open_page(PAGE, case="read")
    leaf = sorted(tiny_world.LEAVES)[1]
    at.text_input(key="leaf_words").set_value(leaf).run()
    assert list(at.dataframe[0].value["node"]) == [leaf]
    at.text_input(key="leaf_words").set_value("zzzz").run()
    assert "No leaf matches" in said(at)


def test_a_damaged_survey_is_a_sentence_and_can_be_read_again(cases):
    """The folders and the button stay."""
    case = surveyed(cases)
    case.write("survey/nodes.parquet", b"nonsense")
    at = open_page(PAGE, case="read")
    assert "damaged" in at.error[0].value
    assert not at.button(key="read").disabled


def test_problems_are_counted_and_filtered(cases, tmp_path, monkeypatch):
    """By reason, with what was used all the same."""
    corpus = tmp_path / "corpora" / "flat"
    tiny_world.build(corpus)
    (next(corpus.iterdir()) / "broken.png").write_bytes(b"no picture")
    monkeypatch.setenv("FDCORE_CORPORA", str(corpus.parent))
    folder = case_factory.planned(cases / "odd")
    case = Case.open(folder)
    case.record(plan=replace(case.plan(), corpora=(str(corpus),)))
    survey_corpora(folder)
    at = open_page(PAGE, case="odd")
    reasons = at.dataframe[1].value
    assert list(reasons["files"]) == [1]
    at.selectbox(key="problem_reason_odd").set_value(reasons["reason"][0]).run()
    assert len(at.dataframe[2].value) == 1


# Parts


def tower() -> Hierarchy:
    """A small graph in which `both` has two parents, with hostile labels."""
    rows = [("top", (), ("top",)), ("left", ("top",), (HOSTILE,)), ("right", ("top",), ("right",)),
            ("both", ("left", "right"), ("both",)), ("alone", (), ("alone",))]  # fmt: skip
    return Hierarchy.from_rows(rows)


def test_samples_are_opened_inside_the_corpora_folders_only(tmp_path):
    """Their paths come with the case: absolute, climbing and linked ones are not opened."""
    root = tmp_path / "corpora"
    tiny_world.build(root / "tiny")
    good = next(root.glob("tiny/*/*.png"))
    outside = tmp_path / "outside.png"
    outside.write_bytes(good.read_bytes())
    (root / "link.png").symlink_to(outside)
    paths = (str(outside), f"{root}/../outside.png", str(root / "link.png"), "\0", "", str(root), str(good))
    known = Surveyed((), (), {"both": 7}, None, {"both": paths}, tower())
    samples = read_samples(known, (root,), None)
    assert [sample.pixels is not None for sample in samples] == [False] * 6 + [True]


def test_samples_of_an_archive_are_shown(tmp_path):
    """A picture in a tar archive is read by its path; an archive outside is not opened."""
    root = tmp_path / "corpora"
    tiny_world.build(tmp_path / "tiny")
    picture = next(tmp_path.glob("tiny/*/*.png"))
    for path in (root / "set.tar", tmp_path / "outside.tar"):
        path.parent.mkdir(exist_ok=True)
        with tarfile.open(path, "w") as archive:
            archive.add(picture, "cat/1.png")
    names = (
        "set.tar/cat/1.png",
        "set.tar/cat/2.png",
        "set.tar/../../outside.tar/cat/1.png",
        "../outside.tar/cat/1.png",
    )
    known = Surveyed((), (), {"both": 4}, None, {"both": tuple(f"{root}/{name}" for name in names)}, tower())
    assert [one.pixels is not None for one in read_samples(known, (root,), None)] == [True, False, False, False]


@pytest.mark.parametrize("root", [None, "top", "left", "right", "both"])
def test_each_node_is_drawn_under_one_parent_that_is_drawn(root):
    """Whichever of a node's parents is looked at, the node is there with its files."""
    rows = tree_rows(Surveyed((), (), {"both": 3, "right": 2}, None, {}, tower()), root)
    assert set(filter(None, rows.parents)) <= set(rows.ids)
    assert rows.values[rows.ids.index("both")] == 3
    if root is not None:
        assert rows.parents[rows.ids.index(root)] is None


def test_a_click_on_the_map_means_a_node_or_nothing():
    """What was folded means the node that it was folded in; anything else means the whole."""

    def click(node: object) -> dict[str, object]:
        return {"selection": {"points": [{"id": node}]}}

    assert clicked_node(tower(), click("left")) == "left"
    assert clicked_node(tower(), click("left\0other")) == "left"
    for nothing in (click("all"), click(None), {"selection": {"points": []}}, {}, None):
        assert clicked_node(tower(), nothing) is None


def picker_app(value: str | None = None, n_nodes: int = 0) -> None:
    """A page with nothing but the picker, for AppTest."""
    import streamlit as st
    import test_corpus_page

    from fdcore.corpus.hierarchy import Hierarchy
    from ui.tree_picker import tree_picker

    rows = [("root", (), ("root",))] + [(f"n{i}", ("root",), (f"thing {i}",)) for i in range(n_nodes)]
    hierarchy = Hierarchy.from_rows(rows) if n_nodes else test_corpus_page.tower()
    st.text(f"chosen {tree_picker('Node', hierarchy, key='p', value=value)}")


@pytest.fixture
def picker(monkeypatch):
    """Opens that page."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return lambda **given: AppTest.from_function(picker_app, kwargs=given).run()


def test_the_picker_goes_down_and_up(picker):
    """By the list of children and by the buttons of the way."""
    at = picker(value="top")
    at.selectbox(key="p_below").set_value("left").run()
    assert at.text[-1].value == "chosen left"
    assert not any("![x](http" in button.label for button in at.button)
    at.selectbox(key="p_below").set_value("both").run()
    assert at.text[-1].value == "chosen both"
    assert not any(box.key == "p_below" for box in at.selectbox)
    at.button(key="p_up_0").click().run()
    assert at.text[-1].value == "chosen top"
    at.button(key="p_clear").click().run()
    assert at.text[-1].value == "chosen None"


def test_the_picker_takes_no_value_that_is_no_node(picker):
    """Such as one from a link."""
    assert picker(value="nobody").text[-1].value == "chosen None"


def test_the_picker_sends_a_part_of_a_large_hierarchy(picker):
    """At most so many children and finds, with the number that there are."""
    at = picker(value="root", n_nodes=3_000)
    assert len(at.selectbox(key="p_below").options) == MAX_CHILDREN
    assert "3,000" in at.selectbox(key="p_below").label
    at.text_input(key="p_words").set_value("thing").run()
    assert len(at.selectbox(key="p_found").options) == MAX_FOUND
    at.text_input(key="p_words").set_value("thing 2999").run()
    at.selectbox(key="p_found").set_value("n2999").run()
    assert at.text[-1].value == "chosen n2999"
    assert at.text_input(key="p_words").value == ""


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "empty"), (["n01503061", "n02000954"], "2 folders named by WordNet ids"), (["train", "val"], "in parts"),
        (["seg_train", "seg_test"], "in parts"), (["n02085620-Chihuahua"], "1 folder named by WordNet ids"),
        (["cat", "dog", "a b"], "3 folders named by words (a b, cat, dog)"),
        (["0", "1", "12", "7"], "4 folders named by numbers (0, 1, 12, …)"),
    ],
)  # fmt: skip
def test_a_folder_is_told_at_first_sight(tmp_path, names, words):
    """From the names in it."""
    for name in names:
        (tmp_path / name).mkdir()
    assert words in first_look(tmp_path)
