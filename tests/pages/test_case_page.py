"""Overview and Cases: no case, half-finished, finished, damaged and hostile ones; making, copying, putting away."""

import base64
import csv
import functools
import io
import time
from pathlib import Path
from types import SimpleNamespace

import case_factory
import numpy as np
import pandas as pd
import pytest
from opening import open_app, open_page
from PIL import Image
from raising import raises
from reading import as_markdown, said, table, wall
from streamlit.testing.v1 import AppTest

from fdcore import demo
from fdcore.case.case import Case
from fdcore.case.casebook import Casebook
from fdcore.case.conclusions import judge, load_scored, selection_settings
from fdcore.case.places import Places, folder_choices
from fdcore.case.plan import require_allowed
from fdcore.case.spending import n_sent
from fdcore.demo import case as demo_case
from fdcore.errors import CaseError
from fdcore.jobs import JobQueue
from fdcore.jobs.kinds import KINDS
from fdcore.method.findings import weigh
from fdcore.progress import silent
from fdcore.suspect.scan import ScanReport
from fdcore.work.intake import check_suspect
from ui.strip import N_PICTURES, draw_strip
from ui.verdict import verdict_csv

HOSTILE = "<b>x</b> [a](http://evil.example) **md** :material/bolt:"


def picked(case_id: str, **parameters: str) -> AppTest:
    """The Cases page with that case's row selected."""
    at = open_page("Cases", **parameters)
    at.session_state["case_picked"] = case_id
    return at.run()


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
    open_app().button(key="demo").click().run()
    assert book.ids() == ["demo"]
    book.archive("demo")
    open_page("Cases").button(key="demo").click().run()
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
    require_allowed(places, Case.open(cases / "demo").plan(), cases / "demo")
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
    """Its row says so, and its overview leads to the step where work continues."""
    case_factory.half_finished(cases / "half")
    assert table(open_page("Cases"), "State")["State"].tolist() == ["50% queried"]
    at = open_app(case="half")
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
    assert "The suspect's answers are consistent with training data from" in said(at)
    assert at.get("plotly_chart")


def test_damaged_cases_are_sentences_beside_the_others(cases):
    """A broken folder costs its own row only; nothing can be done with it but read why."""
    case_factory.finished(cases / "one")
    case_factory.damaged(cases / "cut", "case.json")
    assert "cannot be read" in open_app(case="cut").error[0].value
    at = picked("cut")
    assert "damaged" in said(at)
    assert [button.key for button in at.button] == ["demo", "new_submit", "import_submit"]
    rows = table(at, "State").set_index("Case")["State"]
    assert rows.to_dict() == {"cut": "Damaged", "Colours": "Concluded"}


def test_a_damaged_corpus_is_a_sentence_in_the_overview(cases):
    """The verdict says what is wrong; the row still reads, without pictures."""
    case_factory.damaged(cases / "one", "corpus.parquet")
    assert open_app(case="one").error
    assert len(table(open_page("Cases"), "Case")) == 1


def test_a_refused_suspect_is_never_no_suspect(cases):
    """Its row says that the file was refused and not opened, and names the file."""
    folder = case_factory.planned(cases / "trap")
    report = ScanReport("dangerous", (), "It would run code.")
    Case.open(folder).record(refused=report)
    row = table(open_page("Cases"), "State").iloc[0]
    assert (row["State"], row["Suspect"]) == ("Refused: not opened", "colours.onnx")
    assert "No suspect yet" not in said(open_page("Cases"))


def test_a_row_shows_the_case_in_short(cases):
    """Pictures, what was found, state, file, exhibit, examiner, answers and the last change."""
    case_factory.finished(cases / "one")
    book = Casebook(cases)
    book.assign("one", examiner="M. Okafor", exhibit="EX-2031/4", by="M. Okafor")
    at = open_page("Cases")
    row = table(at, "Case").iloc[0]
    assert any(name in row["What was found"] for name in book.card("one").domain)
    assert "The suspect" not in row["What was found"]
    assert row[["Suspect", "Exhibit", "Examiner"]].tolist() == ["colours.onnx", "EX-2031/4", "M. Okafor"]
    assert row["Queries sent"] == book.card("one").n_sent == n_sent(Case.open(cases / "one"))
    assert abs(row["Changed"] - pd.Timestamp.now(tz="UTC")) < pd.Timedelta("1 h")
    assert [entry["event"] for entry in book.open("one").audit()][-1] == "case assigned"


def test_queries_sent_are_the_same_number_on_every_page(cases):
    """A test query after scoring counts in the list of cases, on the overview and on the Leaf scores page."""
    case = Case.open(case_factory.finished(cases / "one"))
    before = n_sent(case)
    check_suspect(case.folder, None, [("grey", np.full((8, 8, 3), 99, np.uint8))])
    assert n_sent(case) == before + 1
    sent = f"{n_sent(case):,} queries sent"
    assert table(open_page("Cases"), "Case").iloc[0]["Queries sent"] == n_sent(case)
    assert sent in said(open_app(case="one"))
    assert sent in said(open_page("3_Leaf_scores", case="one"))


def test_a_row_says_what_was_found_with_the_verdicts_own_head(cases):
    """The short answer that the verdict begins with, and not one made up for the table."""
    case = Case.open(case_factory.finished(cases / "one"))
    head = {"seal": "identified", "title": "CIFAR-10, class for class"}
    case.write_json("verdict.json", case.read_json("verdict.json") | {"head": head})
    assert table(open_page("Cases"), "Case")["What was found"].tolist() == ["CIFAR-10, class for class"]


def test_a_strip_shows_kept_pictures_and_grey_where_there_are_none(cases):
    """Three pictures of different found classes; a case without conclusions and one without its pictures are grey."""
    case_factory.finished(cases / "one")
    Casebook(cases).create("New")
    kept, new = Case.open(cases / "one"), Case.open(cases / "new")
    colours = strip_colours(draw_strip(kept, case_factory.world().cache))
    assert len({colour[:3] for colour in colours}) == N_PICTURES
    grey = strip_colours(draw_strip(new, None))
    assert strip_colours(draw_strip(kept, None)) == grey
    assert len(set(grey)) == 1
    assert all(colour[3] == 255 for colour in colours)


def strip_colours(url: str) -> list[tuple[int, ...]]:
    """The colour in the middle of each picture of a strip."""
    head, _, content = url.partition(",")
    assert head == "data:image/webp;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as strip:
        step = strip.width // N_PICTURES
        return [strip.convert("RGBA").getpixel((step * place + step // 2, strip.height // 2))
                for place in range(N_PICTURES)]  # fmt: skip


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
    at.text_input(key="new_exhibit").input("EX 7")
    at.text_input(key="new_agency").input("Lab 4")
    at.button(key="new_submit").click().run()
    card = Casebook(cases).card("drive-7")
    assert (card.title, card.examiner, card.exhibit) == ("Drive 7", "", "EX 7")
    assert Casebook(cases).open("drive-7").facts().agency == "Lab 4"


def test_duplicate_archive_and_bring_back(cases):
    """The actions change the case whose row is selected, and the audit log says so."""
    case_factory.finished(cases / "one")
    book = Casebook(cases)
    picked("one").button(key="duplicate").click().run()
    assert len(book.ids()) == 2
    picked("one").button(key="archive").click().run()
    assert book.card("one").archived
    at = open_page("Cases")
    assert len(table(at, "Case")) == 1
    at.toggle(key="cases_archived").set_value(True)
    at.session_state["case_picked"] = "one"
    at.run()
    assert "Archived: concluded" in table(at, "Case")["State"].tolist()
    at.button(key="archive").click().run()
    assert not book.card("one").archived
    events = [entry["event"] for entry in book.open("one").audit()]
    assert events[-2:] == ["case archived", "case brought back"]


def test_a_case_is_opened_from_its_row(cases):
    """Open leads to its overview, and the other button to the next step; the settings of the last case are dropped."""
    for name in ("one", "two"):
        case_factory.finished(cases / name)
    at = picked("two", case="one", eta="3")
    at.button(key="open").click().run()
    assert {name: at.query_params[name] for name in at.query_params} == {"case": "two"}
    assert "3 of 4 classes found" in said(at)
    at = picked("two")
    assert at.button(key="continue").label == "Continue at Verification"


def test_a_case_at_work_is_only_opened_and_named(cases, idle_workers):
    """What would meet its lock is not offered."""
    case_factory.finished(cases / "one")
    JobQueue(cases).submit("analyse", "one", {})
    at = picked("one")
    assert {"open", "edit"} <= {button.key for button in at.button}
    assert not {"duplicate", "archive", "export_case"} & {button.key for button in at.button}
    assert table(at, "State")["State"].tolist() == ["Drawing the conclusions: waiting"]


def test_many_cases_are_searched_ordered_and_paged(cases):
    """Fifty rows a page, in an order of all cases; the search looks at every text of a case."""
    book = Casebook(cases)
    for number in range(53):
        book.create(f"Drive {number:02d}", exhibit="Box 9" if number == 7 else "")
    at = open_page("Cases")
    assert len(table(at, "Case")) == 50
    assert at.pagination(key="cases_page")
    at.selectbox(key="cases_order").select("Title").run()
    assert table(at, "Case")["Case"].tolist() == [f"Drive {number:02d}" for number in range(50)]
    at.text_input(key="cases_search").input("drive box").run()
    assert table(at, "Case")["Case"].tolist() == ["Drive 07"]


def test_cases_of_one_name_are_told_apart(cases):
    """The id is added where titles are alike."""
    book = Casebook(cases)
    ids = {book.create("Twin") for _ in range(2)}
    assert set(table(open_page("Cases"), "Case")["Case"]) == {f"Twin ({case_id})" for case_id in ids}


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
