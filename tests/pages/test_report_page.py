"""The Report page: the saved conclusions, everything to take away, the audit log."""

import json
from datetime import UTC, datetime
from pathlib import Path

import case_factory
import tsa
from opening import open_case, open_page
from reading import said, wall
from streamlit.testing.v1 import AppTest

from fdcore.case import validation
from fdcore.case.case import Case
from fdcore.case.conclusions import judge, load_scored, lock_class, pixels_of, selection_settings, weigh_case
from fdcore.case.notes import Note, add_note, read_notes, remove_note
from fdcore.case.spending import spent, spent_in_words
from fdcore.case.timestamps import keep_reply
from fdcore.case.verify import check
from fdcore.method.choices import Choice
from fdcore.method.findings import weigh
from fdcore.method.known_rates import BY_DEFAULT
from fdcore.report.audit import read_trail
from fdcore.report.mitigation import limits, mitigations
from fdcore.report.sections import Record
from fdcore.work.conclude import draw_report

PAGE, LOG = "8_Report", "Audit log"
HOSTILE = "![x](http://evil/x.png)<script>alert(1)</script>"


def show_tab(at: AppTest, name: str) -> AppTest:
    at.session_state["report_tabs"] = name
    return at.run()


def report_of(folder: Path) -> str:
    case = Case.open(folder)
    findings = weigh(load_scored(case), selection_settings(case))
    record = Record("A title", (("cat.png", 1), (HOSTILE, 2)), read_trail(case.audit()))
    return draw_report(case, findings, pixels_of(case, case_factory.world().cache), record)


def test_a_finished_case_shows_its_verdict_and_its_log(finished):
    """Every class has its row; nothing has to be saved."""
    at = open_case(PAGE, finished)
    assert not [b for b in at.button if b.key == "save_conclusions"]
    assert "3 of 4 classes found" in said(at)
    assert spent_in_words(spent(finished)) not in said(at)  # all were for scoring, and the head says how many
    assert [row["name"] for row in wall(at)] == ["heavier-than-air craft", "domestic cat", "car", "not found"]
    assert {"download_pdf", "download_report", "download_bundle"} <= {b.key for b in at.get("download_button")}
    assert show_tab(at, LOG).dataframe[0].value["event"].tolist()[-1] == "case created"
    keys = {b.key for b in show_tab(at, "Files").get("download_button")}
    assert {"download_scores_csv", "download_case_json"} <= keys


def test_queries_of_several_purposes_are_told_apart(finished):
    """As the budget counts them together."""
    finished.log("queries sent again", {"n_asked": 5})
    at = open_case(PAGE, finished)
    assert spent_in_words(spent(finished)) in said(at)


def test_other_settings_in_the_link_can_be_saved(finished):
    """The page says which conclusions it shows, and one button makes the others the case's own."""
    at = open_case(PAGE, finished, eta="1")
    assert "eta 6.5" in at.info[0].value
    assert "eta 1" in at.info[0].value
    at.button(key="save_conclusions").click().run()
    assert selection_settings(finished).eta == 1
    assert not [b for b in at.button if b.key == "save_conclusions"]


def test_a_choice_locked_since_is_told(finished):
    """The files do not hold it yet, and writing them again takes the notice away."""
    lock_class(finished.folder, Choice(0, (), "no aircraft", "A. Nalyst", "2026-01-01T00:00:00+00:00"))
    at = open_case(PAGE, finished)
    assert "choice was locked" in at.warning[0].value
    assert "2 of 4 classes found" in said(at)
    at.button(key="save_conclusions").click().run()
    assert not at.warning
    assert json.loads((finished.folder / "selection.json").read_text())["overall"]["n_found"] == 2


def test_files_that_were_changed_are_told(finished):
    """The page shows what the answers give, whatever stands in the files."""
    found = json.loads((finished.folder / "selection.json").read_text())
    found["classes"][0]["ancestor_label"] = "submarine"
    (finished.folder / "selection.json").write_text(json.dumps(found))
    at = open_case(PAGE, finished)
    assert "were changed" in at.warning[0].value
    assert wall(at)[0]["name"] == "heavier-than-air craft"


def test_an_imported_case_offers_to_write_a_report_of_its_own(finished):
    """The sender's was set aside."""
    finished.remove("report.html")
    finished.log("case imported", {})
    at = open_case(PAGE, finished)
    assert "sender's report was set aside" in at.info[0].value
    at.button(key="save_conclusions").click().run()
    assert finished.has("report.html")
    assert not at.info


def test_a_broken_log_is_told_with_its_entry(finished):
    """What stands before the break is shown."""
    lines = (finished.folder / "audit.jsonl").read_text().splitlines()
    del lines[2]
    (finished.folder / "audit.jsonl").write_text("\n".join(lines) + "\n")
    at = show_tab(open_case(PAGE, finished), LOG)
    assert "Do not rely" in at.error[0].value
    assert any("Broken at entry 2" in error.value for error in at.error)


def test_every_file_is_checked_against_the_log(finished):
    """Unsigned logs say what that means; a changed file is named."""
    at = show_tab(open_case(PAGE, finished), LOG)
    assert "Intact" in at.success[0].value
    assert any("Nobody signed" in caption.value for caption in at.caption)
    file = next((finished.folder / "evidence").iterdir())
    file.chmod(0o644)
    file.write_bytes(b"other")
    at = show_tab(open_case(PAGE, finished), LOG)
    assert "is changed" in at.error[0].value
    assert at.dataframe[0].value["File"].tolist() == [f"evidence/{file.name}"]


def test_a_timestamp_says_who_confirmed_which_entry_and_when(finished):
    """Without one, the page says so; who signed it can write no Markdown."""
    assert any("No authority confirmed" in one.value for one in show_tab(open_case(PAGE, finished), LOG).caption)
    number, clock = len(list(finished.audit())) - 1, tsa.Authority.new(name="![x](http://evil/x.png)")
    keep_reply(finished, clock.reply(bytes.fromhex(check(finished.folder).head)))
    at = show_tab(open_case(PAGE, finished), LOG)
    [caption] = [one.value for one in at.caption if one.value.startswith("Timestamp")]
    assert f"entry {number} and all before it existed at 2026-01-01 12:00:00 UTC" in caption
    assert "![x](http" not in caption


def test_a_case_is_replayed_on_demand(finished):
    """The same bytes, or the files that differ."""
    at = show_tab(open_case(PAGE, finished), LOG)
    at.button(key="replay").click().run()
    assert any("byte for byte" in s.value for s in at.success)
    finished.path("scores.csv").write_text("forged")
    at = show_tab(open_case(PAGE, finished), LOG)
    at.button(key="replay").click().run()
    assert any("Different" in error.value and "scores" in error.value for error in at.error)


def test_an_entry_of_the_log_is_read_whole(finished):
    """The table cuts long details; the selected entry is shown as it is in the file."""
    entry = list(finished.audit())[-2]
    at = open_case(PAGE, finished)
    at.session_state["audit_table"] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    show_tab(at, LOG)
    assert json.loads(at.json[0].value) == entry["details"]
    assert entry["hash"] in [code.value for code in at.code]


def test_notes_are_in_the_cases_own_report(finished):
    """Whoever writes one after the report was written is told, and one button puts it in."""
    add_note(finished, Note("class", "1", "1: cat", comment=f"looks like a {HOSTILE}", by="Ana", time="2026-01-02"))
    at = open_case(PAGE, finished)
    assert "Tags or comments were changed" in at.info[0].value
    assert HOSTILE not in finished.path("report.html").read_text()
    at.button(key="save_conclusions").click().run()
    own = finished.path("report.html").read_text()
    assert "<h2>Notes</h2>" in own
    assert "looks like a ![x](http://evil/x.png)&lt;script&gt;" in own
    assert not [b for b in at.button if b.key == "save_conclusions"]
    remove_note(finished, read_notes(finished)[0].number)
    assert "Tags or comments were changed" in open_case(PAGE, finished).info[0].value


def test_half_finished_offers_to_draw_the_conclusions(cases):
    """Answers are there, conclusions are not: one button."""
    folder = case_factory.half_finished(cases / "half")
    at = open_page(PAGE, case="half")
    assert at.button(key="save_conclusions").label == "Draw the conclusions"
    at.button(key="save_conclusions").click().run()
    assert (folder / "report.html").is_file()
    assert "classes found" in said(at)


def test_the_report_can_run_nothing_and_load_nothing(finished):
    """Every text is escaped, a policy forbids the rest, and there is no script and no address in it."""
    page = report_of(finished.folder)
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert 'src="http' not in page
    for part in (
        "What all classes together say",
        "Test query",
        "audit log",
        "How to reproduce it",
        "fdcore investigate",
        "<svg",
    ):
        assert part in page


def test_the_same_case_gives_the_same_report(cases):
    """Byte for byte, wherever the case lies; no time but the log's enters it."""
    case_factory.finished(cases / "one")
    case_factory.finished(cases / "two")
    assert report_of(cases / "one") == report_of(cases / "one") == report_of(cases / "two")
    assert len(report_of(cases / "one")) < 500_000


def test_the_validation_that_the_case_cites_is_told(finished, tmp_path, monkeypatch):
    """Without one, a button runs it; once there is one, another cites it, and then its hash is shown."""
    monkeypatch.setenv(validation.VARIABLE, str(tmp_path / "records"))
    at = open_case(PAGE, finished)
    assert any("no valid record" in caption.value for caption in at.caption)
    assert at.button(key="validate").label == "Validate this installation"
    passed = validation.Reference("demo suspect", "right", "right", True)
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    kept = validation.keep(validation.Validation(now, validation.installation(), (passed,), ()))
    open_case(PAGE, finished).button(key="cite_validation").click().run()
    assert finished.facts().validation.sha256 == kept.sha256
    assert any(kept.sha256[:16] in caption.value for caption in open_case(PAGE, finished).caption)


def test_errors_and_limits_are_those_of_the_report(finished):
    """The same sources of error, rates and limits."""
    at = show_tab(open_case(PAGE, finished), "Errors and limits")
    rows = mitigations(finished.facts(), judge(weigh_case(finished), finished.facts()))
    assert len(at.table[0].value) == len(rows)
    assert rows[0].error in at.table[0].value["Source of error"].iloc[0]
    assert at.dataframe[0].value["Classes held"].tolist() == [one.n_held for one in BY_DEFAULT]
    assert limits(finished.facts())[0] in said(at)
