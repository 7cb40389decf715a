"""The Case page: no case, half-finished, finished, damaged and hostile ones; making, copying and putting them away."""

import csv
import functools
import io
import time
from pathlib import Path
from types import SimpleNamespace

import case_factory
import pytest
from opening import open_app
from raising import raises
from reading import as_markdown, said, wall

from fdcore import demo
from fdcore.case.case import Case
from fdcore.case.casebook import Casebook
from fdcore.case.conclusions import judge, load_scored, selection_settings
from fdcore.case.places import Places, folder_choices
from fdcore.case.plan import require_allowed
from fdcore.demo import case as demo_case
from fdcore.errors import CaseError
from fdcore.jobs import JobQueue
from fdcore.jobs.kinds import KINDS
from fdcore.method.findings import weigh
from fdcore.progress import silent
from ui.verdict import verdict_csv

HOSTILE = "<b>x</b> [a](http://evil.example) **md** :material/bolt:"


def test_without_a_case_there_are_three_ways_to_begin(cases):
    """One sentence says what this is; the demo is the primary action; nothing starts by itself when that is off."""
    at = open_app()
    assert "trained to recognise" in at.subheader[0].value
    assert at.button(key="demo").label == "Open the demo case"
    assert not Casebook(cases).ids()


def test_the_first_visit_begins_the_demo_case_once(cases, idle_workers, monkeypatch):
    """The demo case is opened with its work under way; another session finds it and begins none."""
    monkeypatch.delenv("FDCORE_DEMO")
    at = open_app().run()
    assert at.query_params["case"] in ("demo", ["demo"])
    assert "demo case" in said(at).casefold()
    assert JobQueue(cases).latest("demo").kind == "demo"
    open_app()
    assert Casebook(cases).ids() == ["demo"]


def test_the_demo_is_never_begun_again_by_itself(cases, monkeypatch):
    """A server that once had work stays empty when its cases are gone."""
    monkeypatch.delenv("FDCORE_DEMO")
    (cases / ".jobs.sqlite").touch()
    open_app()
    assert not Casebook(cases).ids()


def test_the_demo_button_opens_the_demo_that_is_there(cases, idle_workers):
    """A second click makes no second demo, unless the first was archived."""
    book = Casebook(cases)
    open_app().button(key="demo").click().run()
    assert book.ids() == ["demo"]
    at = open_app()
    at.button(key="demo").click().run()
    assert book.ids() == ["demo"]
    book.archive("demo")
    at.run()
    at.button(key="demo").click().run()
    assert book.ids() == ["demo", "demo-2"]


def test_the_demo_leaves_a_folder_that_the_analyst_named_as_it_is(cases, idle_workers, tmp_path, monkeypatch):
    """Its pictures go to a folder of our own that the server may read; here one drawing each, and nothing is asked."""
    named = tmp_path / "photos"
    named.mkdir()
    monkeypatch.setenv("FDCORE_CORPORA", str(named))
    open_app().button(key="demo").click().run()
    draw_the_demo(cases / "demo", JobQueue(cases).latest("demo").params, monkeypatch)
    assert list(named.iterdir()) == []
    places = Places.from_environment()
    require_allowed(places, Case.open(cases / "demo").plan())
    assert folder_choices(places.corpora)[:2] == ["demo", "demo-stickers"]


def draw_the_demo(folder: Path, params: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the demo's job up to the first question, with few pictures."""

    def stop(*_: object, **__: object) -> None:
        raise CaseError("Enough.", key="enough")

    monkeypatch.setattr(demo, "build_demo_corpus", functools.partial(demo.build_demo_corpus, images_per_leaf=1))
    monkeypatch.setattr(demo, "build_demo_stickers", functools.partial(demo.build_demo_stickers, per_class=1))
    monkeypatch.setattr(demo_case, "check_suspect", stop)
    with raises(CaseError, "enough"):
        KINDS["demo"].run(folder, params, silent)


def test_a_half_finished_case_says_how_far_it_is(cases):
    """Its card and its overview lead to where work goes on."""
    case_factory.half_finished(cases / "half")
    at = open_app(case="half")
    assert "50% of 320" in said(at)
    assert at.button(key="go_on").label.endswith("Leaf scores")


def test_a_finished_case_shows_its_verdict(cases, monkeypatch):
    """Every class has its row with its pictures, "not found" included."""
    monkeypatch.setenv("FDCORE_CACHE", str(case_factory.world().cache))
    case_factory.finished(cases / "one")
    at = open_app(case="one")
    assert [row["name"] for row in wall(at)] == ["heavier-than-air craft", "domestic cat", "car", "not found"]
    assert "3 of 4 classes found" in said(at)
    assert all(row["strip"].startswith("data:image/jpeg") and row["pictures"] for row in wall(at)[:3])


def test_the_overview_filters_and_sorts(cases):
    """By certainty, and by caveats; a filter that the case lacks is not offered."""
    case_factory.finished(cases / "one")
    at = open_app(case="one")
    assert "Not found 1" in at.pills(key="wall_shown").options
    at.pills(key="wall_shown").set_value("not found").run()
    assert [row["number"] for row in wall(at)] == [3]
    at.pills(key="wall_shown").set_value("all").run()
    at.selectbox(key="wall_order").set_value("certainty").run()
    scores = [row["score"] for row in wall(at) if row["certainty"] == wall(at)[0]["certainty"]]
    assert scores == sorted(scores, reverse=True)
    assert wall(at)[-1]["name"] == "not found"


def test_the_method_and_the_weak_points_are_one_click_away(cases):
    """The sentences that the head rests on stand under "Method", the reasons for doubt beside it."""
    case_factory.finished(cases / "one")
    at = open_app(case="one")
    at.session_state["overview_tabs"] = "Method"
    at.run()
    assert "The suspect appears to have been trained to recognise" in said(at)
    assert at.get("plotly_chart")


def test_damaged_cases_are_sentences_beside_the_others(cases):
    """A broken folder costs its own card only."""
    case_factory.finished(cases / "one")
    case_factory.damaged(cases / "cut", "case.json")
    at = open_app(case="cut")
    assert "cannot be read" in at.error[0].value
    assert "damaged" in said(at)
    assert at.button(key="open_one").label == "Open at Selection"
    assert all(menu.key != "menu_cut" for menu in at.menu_button)


def test_a_damaged_corpus_is_a_sentence_above_the_cards(cases):
    """The card still reads; the verdict says what is wrong."""
    case_factory.damaged(cases / "one", "corpus.parquet")
    at = open_app(case="one")
    assert at.error
    assert at.button(key="demo")


def test_hostile_titles_are_shown_as_they_are_written(cases):
    """Nothing in a title is formatted, linked or drawn as an icon."""
    case_id = Casebook(cases).create(HOSTILE)
    at = open_app(case=case_id)
    shown = as_markdown(at)
    assert "<b>" not in shown
    assert "](http" not in shown
    assert ":material/bolt" not in shown


def test_a_new_case_is_made_and_opened(cases):
    """The title becomes the case; an empty one is refused with a sentence."""
    at = open_app()
    at.button(key="new_submit").click().run()
    assert "must not be empty" in at.error[0].value
    at.text_input(key="new_title").input("Drive 7")
    at.button(key="new_submit").click().run()
    assert Casebook(cases).ids() == ["drive-7"]


def test_duplicate_archive_and_bring_back(cases):
    """The menu changes the case that it belongs to, and the audit log says so."""
    case_factory.finished(cases / "one")
    book = Casebook(cases)
    open_app().menu_button(key="menu_one").click("Duplicate").run()
    assert len(book.ids()) == 2
    open_app().menu_button(key="menu_one").click("Archive").run()
    assert book.card("one").archived
    at = open_app()
    assert all(button.key != "open_one" for button in at.button)
    at.toggle(key="cards_archived").set_value(True).run()
    at.menu_button(key="menu_one").click("Restore").run()
    assert not book.card("one").archived
    events = [entry["event"] for entry in book.open("one").audit()]
    assert events[-2:] == ["case archived", "case brought back"]


def test_many_cases_are_searched_and_paged(cases):
    """Thirty cards a page; the search looks at titles too."""
    book = Casebook(cases)
    for number in range(33):
        book.create(f"Drive {number:02d}")
    at = open_app()
    assert sum(str(button.key).startswith("open_") for button in at.button) == 30
    assert at.pagination(key="cards_page")
    at.text_input(key="cards_search").input("drive 07").run()
    assert [button.key for button in at.button if str(button.key).startswith("open_")] == ["open_drive-07"]


def test_an_exported_case_can_be_taken_in_again(cases):
    """What the download makes is what the import takes."""
    from ui.case.menu import archive_file

    case_factory.finished(cases / "one")
    book = Casebook(cases)
    content = archive_file(book, "one")()
    assert book.card(book.import_(io.BytesIO(content))).n_found == 3


def test_two_sessions_at_once_begin_one_demo(cases, idle_workers, monkeypatch):
    """The lock holds between processes and threads alike."""
    from concurrent.futures import ThreadPoolExecutor

    from fdcore.case.places import Places
    from ui.case import making as case_making

    monkeypatch.delenv("FDCORE_DEMO")
    begin = case_making.begin_demo

    def slowly(desk: object) -> str:
        time.sleep(0.3)
        return begin(desk)

    monkeypatch.setattr(case_making, "begin_demo", slowly)
    desk = SimpleNamespace(places=Places.from_environment(), book=Casebook(cases), jobs=JobQueue(cases), by="")
    with ThreadPoolExecutor(2) as pool:
        begun = list(pool.map(lambda _: case_making.first_start(desk), range(2)))
    assert sorted(begun, key=str) == [None, "demo"]


def test_no_cell_of_the_verdict_as_csv_is_a_formula(cases):
    """A leaf may be called anything."""
    folder = case_factory.finished(cases / "one")
    hostile = '=HYPERLINK("x")'
    case_factory.call_everything(folder, hostile)
    case = Case(folder)
    findings = weigh(load_scored(case), selection_settings(case))
    table = list(csv.DictReader(io.StringIO(verdict_csv(findings, judge(findings, case.facts())).decode())))
    assert table[0]["Found"] == f"'{hostile}"
    assert not [cell for row in table for cell in row.values() if cell.startswith("=")]
    assert (table[3]["Found"], table[3]["L"]) == ("not found", "")
