"""The Suspect page: from no file to a suspect that answers, refused files, uploads, typed paths, settled options."""

import atexit
import csv
import functools
import os
import shutil
import tempfile
import time
from dataclasses import replace
from io import BytesIO, StringIO
from pathlib import Path

import case_factory
import pytest
from opening import open_page
from raising import raises
from reading import as_markdown, said, table

from fdcore.case.case import Case
from fdcore.case.casebook import Casebook
from fdcore.case.plan import Plan, Settings, SuspectOptions
from fdcore.case.readings import Reading, Readings, write_readings
from fdcore.case.records import SuspectFacts
from fdcore.demo import trial_pictures
from fdcore.errors import RefusedError, SettingsError, SuspectError
from fdcore.jobs import Job, JobQueue, State
from fdcore.jobs.database import writing
from fdcore.suspect.cell.cell import CellReport
from fdcore.suspect.preprocess import Origins, PreprocessSpec
from fdcore.suspect.runtimes import RuntimeTrial, TriedRuntime
from fdcore.suspect.tensors import TensorRow, tensors_csv
from fdcore.work import intake
from fdcore.work.intake import check_suspect, survey_corpora
from ui.suspect import uploads
from ui.suspect.bench import readings_csv
from ui.suspect.options import in_numbers, reading_meaning
from ui.suspect.parts import input_csv
from ui.suspect.result import in_whole_words, preprocessing_rows
from ui.suspect.test_query import answers_csv, with_only_preset
from ui.text import inert

PAGE = "1_Suspect"
HOSTILE = "<b>x<i> [a](evil.x) *.pth"


@pytest.fixture
def cases(cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of cases, and evidence: a good file and one with a hostile name."""
    evidence = tmp_path / "evidence"
    (evidence / "drive").mkdir(parents=True)
    content = (case_factory.world().evidence / "colours.onnx").read_bytes()
    (evidence / "drive" / "colours.onnx").write_bytes(content)
    (evidence / HOSTILE).write_bytes(content)
    (evidence / "link").symlink_to("/etc/passwd")
    monkeypatch.setenv("FDCORE_EVIDENCE", str(evidence))
    return cases


def checked(cases: Path, title: str = "One", **options: object) -> str:
    """A case whose suspect was opened and asked."""
    case_id = Casebook(cases).create(title)
    if options:
        return check(cases / case_id, **options).name
    shutil.copytree(checked_once(), cases / case_id, dirs_exist_ok=True)
    Case.open(cases / case_id).record(title=title)
    return case_id


@functools.cache
def checked_once() -> Path:
    """The same for all tests, to be copied."""
    folder = Path(tempfile.mkdtemp(prefix="fdcore-checked-")) / "case"
    atexit.register(shutil.rmtree, folder.parent)
    return check(Case.create(folder).folder)


def check(folder: Path, **options: object) -> Path:
    """Open the suspect and ask it; the case's folder again."""
    Case(folder).record(plan=Plan(suspect=SuspectOptions(**options)))
    check_suspect(folder, case_factory.world().evidence / "colours.onnx", trial_pictures())
    return folder


def test_a_file_of_the_evidence_folder_is_checked(cases, idle_workers):
    """Choosing a file and one click: the plan is stored, the job gets the file's own path."""
    case_id = Casebook(cases).create("New")
    at = open_page(PAGE, case=case_id)
    assert at.button(key="check").disabled
    assert at.selectbox(key="source_file").options == [HOSTILE, "drive/colours.onnx"]
    at.selectbox(key="source_file").select("drive/colours.onnx").run()
    at.selectbox(key=f"preset_{case_id}").select("signed").run()
    at.button(key="check").click().run()
    job = JobQueue(cases).latest(case_id)
    assert job.params["source"] == str(cases.parent / "evidence" / "drive" / "colours.onnx")
    case = Case.open(cases / case_id)
    assert case.plan().suspect.preset == "signed"
    assert [entry["event"] for entry in case.audit()][-1] == "plan changed"
    assert at.button(key="check").disabled


def test_the_tensors_of_an_unknown_network_are_listed(cases):
    """The table stands below the refusal, its names as they are; a damaged one is left out."""
    case_id = Casebook(cases).create("Unknown")
    case = Case(cases / case_id)
    case.take_evidence(cases.parent / "evidence" / "drive" / "colours.onnx")
    case.write("tensors.csv", tensors_csv([TensorRow("**bold** <b>", "2 x 2", "float32", 0.5, None, 0.0)]))
    assert table(open_page(PAGE, case=case_id), "shape")["name"].tolist() == ["**bold** <b>"]
    case.write("tensors.csv", b"\xff")
    assert not open_page(PAGE, case=case_id).exception


def test_the_same_weights_in_another_case_are_named(cases):
    """The other case and its file stand on the page, as text; without a fingerprint nothing does."""
    ids = [checked(cases, title) for title in ("One", HOSTILE)]
    for weights in ("", "ab" * 32):
        for case_id in ids:
            case = Case.open(cases / case_id)
            case.record(suspect=replace(case.facts().suspect, weights=weights))
        assert ("same weights" in said(open_page(PAGE, case=ids[0]))) is bool(weights)
    at = open_page(PAGE, case=ids[0])
    assert "(file colours.onnx)" in said(at)
    assert inert(HOSTILE) in as_markdown(at)


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "~/x", "link", "nothing.pth", "a\0b"])
def test_typed_paths_stay_inside_the_evidence_folder(cases, path):
    """A sentence, and nothing to check."""
    at = open_page(PAGE, case=Casebook(cases).create("New"))
    at.text_input(key="source_path").input(path).run()
    assert at.error
    assert at.button(key="check").disabled


def test_a_typed_path_inside_is_taken(cases):
    """The same as choosing it; a folder is no file."""
    at = open_page(PAGE, case=Casebook(cases).create("New"))
    at.text_input(key="source_path").input("drive/colours.onnx").run()
    assert not at.button(key="check").disabled
    at.text_input(key="source_path").input("drive").run()
    assert "folder" in at.warning[0].value
    assert at.button(key="check").disabled


def test_an_upload_lies_beside_the_cases_until_it_is_taken(cases, idle_workers):
    """Its name is only a name; the job is told where it lies."""
    case_id = Casebook(cases).create("New")
    at = open_page(PAGE, case=case_id)
    at.segmented_control(key="source_way").set_value("Upload").run()
    at.file_uploader(key="source_upload").upload("../../x.pth", b"words").run()
    at.button(key="check").click().run()
    source = Path(JobQueue(cases).latest(case_id).params["source"])
    assert source.parent.parent == cases / ".uploads"
    assert (source.name, source.read_bytes()) == ("x.pth", b"words")
    assert Casebook(cases).ids() == [case_id]


def test_a_model_of_the_hub_is_fetched_by_the_job(cases, idle_workers):
    """With or without the prefix; without an id there is nothing to check."""
    case_id = Casebook(cases).create("New")
    at = open_page(PAGE, case=case_id)
    at.segmented_control(key="source_way").set_value("Hugging Face").run()
    assert at.button(key="check").disabled
    at.text_input(key="source_hub").input("me/net@v1").run()
    at.button(key="check").click().run()
    assert JobQueue(cases).latest(case_id).params["source"] == "hf:me/net@v1"


def test_the_demo_suspect_brings_its_options(cases, idle_workers):
    """One click, and what is known of it is in the plan."""
    case_id = Casebook(cases).create("New")
    at = open_page(PAGE, case=case_id)
    at.segmented_control(key="source_way").set_value("Demo suspect").run()
    at.button(key="check").click().run()
    assert Case(cases / case_id).plan().suspect.arch == "resnet20"


def test_wrong_numbers_are_a_sentence(cases):
    """The field's name, what it takes, what came."""
    case_id = Casebook(cases).create("New")
    at = open_page(PAGE, case=case_id)
    at.text_input(key=f"mean_{case_id}").input("a half").run()
    assert "1 or 3 numbers" in at.error[0].value


def test_an_opened_suspect_is_shown_with_its_answers(cases):
    """Metrics, hash, what was assumed, pictures with classes."""
    case_id = checked(cases)
    at = open_page(PAGE, case=case_id)
    for sentence in ("##### ONNX graph", "4 classes, input 12 x 12 colour", "An ONNX graph.", "normalisation guessed"):
        assert sentence in said(at)
    assert any(len(code.value) == 64 for code in at.code)
    assert "Guessed, as neither the file nor the options say it" in said(at)
    assert "26 pictures" in said(at)
    assert "→ **0**" in said(at)
    assert at.get("plotly_chart")


def test_one_class_for_everything_offers_other_normalisations(cases, idle_workers):
    """Each preset is one click, and replaces typed numbers."""
    case_id = checked(cases, spec_overrides={"mean": [0.0, -9.0, 0.0]})
    at = open_page(PAGE, case=case_id)
    assert "All pictures were put in class 1" in said(at)
    at.button(key="try_imagenet").click().run()
    options = Case(cases / case_id).plan().suspect
    assert (options.preset, options.spec_overrides) == ("imagenet", {})
    assert JobQueue(cases).latest(case_id).params["source"] is None


def test_other_pictures_can_be_asked_about(cases, idle_workers):
    """Uploaded pictures are handed to the job; the evidence is the case's own."""
    case_id = checked(cases)
    at = open_page(PAGE, case=case_id)
    picture = (cases / case_id / "test_query" / "000.png").read_bytes()
    uploader = at.file_uploader(key="sample_files")
    uploader.upload("a.png", picture, "image/png").upload("a.png", picture, "image/png").run()
    at.button(key="ask_files").click().run()
    params = JobQueue(cases).latest(case_id).params
    assert params["source"] is None
    assert [Path(sample).read_bytes() for sample in params["samples"]] == [picture, picture]


@pytest.mark.parametrize("verdict", ["dangerous", "inconclusive"])
def test_a_refused_file_is_a_clear_state(cases, idle_workers, monkeypatch, verdict):
    """What the scanners said; only what is inconclusive may be opened by decision, which is confirmed and logged."""
    import fdcore.suspect.open as opening
    from fdcore.suspect.scan import Finding, ScanReport

    report = ScanReport(verdict, (Finding("fickling", verdict, "fickling: **bad** [a](b)"),), "It was refused.")
    monkeypatch.setattr(opening, "scan", lambda evidence, kind, limits: report)
    with pytest.raises(RefusedError):
        check(cases / Casebook(cases).create("One"))
    at = open_page(PAGE, case="one")
    assert "nothing in it was executed" in said(at).lower()
    assert "fickling: **bad** [a](b)" in [text.value for text in at.text]
    if verdict == "dangerous":
        assert all(button.key not in ("override", "check") for button in at.button)
        return
    assert at.button(key="override").disabled
    at.checkbox(key="override_sure").check().run()
    at.button(key="override").click().run()
    case = Case.open(cases / "one")
    assert case.plan().suspect.allow_unscanned
    assert "scan overridden" in [entry["event"] for entry in case.audit()]


def test_a_check_overrides_no_scan_by_itself(cases, idle_workers):
    """The permission is never part of an ordinary check of a new file."""
    case_id = Casebook(cases).create("New")
    Case(cases / case_id).record(plan=Plan(suspect=SuspectOptions(allow_unscanned=True)))
    at = open_page(PAGE, case=case_id)
    at.selectbox(key="source_file").select(HOSTILE).run()
    at.button(key="check").click().run()
    assert not Case(cases / case_id).plan().suspect.allow_unscanned


def test_why_a_file_could_not_be_opened_is_said(cases, idle_workers):
    """The file is kept, the options stay open, and the last failure is shown when its notice is gone."""
    with pytest.raises(SuspectError):
        checked(cases, n_classes=7)
    queue = JobQueue(cases)
    queue.submit("suspect", "one", {"source": None})
    with writing(cases) as connection:
        connection.execute("UPDATE jobs SET state = 'failed', message = 'It has 4 *classes*.', seen = 1")
    at = open_page(PAGE, case="one")
    assert at.error[0].value == r"It has 4 \*classes\*\."
    assert not at.button(key="check").disabled
    assert not [box for box in at.selectbox if box.key == "source_file"]


def test_a_file_that_cannot_be_opened_offers_another_one_and_no_resume(cases, idle_workers):
    """The check would end in the same way; what beginning again does to the case is said before the click."""
    with pytest.raises(SuspectError):
        checked(cases, n_classes=7)
    job = JobQueue(cases).submit("suspect", "one", {"source": None})
    for state, resumes in (("interrupted", True), ("failed", False)):
        with writing(cases) as connection:
            connection.execute("UPDATE jobs SET state = ?, message = 'It has 4 classes.'", (state,))
        at = open_page(PAGE, case="one")
        assert at.button(key=f"dismiss_{job.id}")
        assert any(button.key == f"resume_{job.id}" for button in at.button) is resumes
    assert "archives this one with its file" in said(at)
    at.button(key="another_file").click().run()
    assert Casebook(cases).card("one").archived
    assert at.query_params["case"] not in ("one", ["one"])


def test_what_a_scanner_says_is_cut_behind_a_word():
    """However long it is; a text without gaps is cut all the same."""
    sentence = "imports a module that is not a part of the standard library | " * 40
    assert in_whole_words("short", 20) == "short"
    for length in range(590, 610):
        cut = in_whole_words(sentence, length)
        assert len(cut) <= length
        assert sentence.startswith(f"{cut.removesuffix('…')} ")
    assert len(in_whole_words("a " + "x" * 5000, 600)) == 600


def test_why_the_command_line_could_not_open_a_file_is_shown(cases):
    """As the log has it; the case is about this file all the same."""
    case_id = Casebook(cases).create("New")
    (cases / "notes.onnx").write_text("<html>not here</html>")
    with pytest.raises(SuspectError) as refused:
        check_suspect(cases / case_id, cases / "notes.onnx", trial_pictures())
    at = open_page(PAGE, case=case_id)
    assert str(refused.value)[:40] in said(at)
    assert at.button(key="another_file")


def test_options_of_a_scored_case_are_settled(cases, idle_workers):
    """No form; a new case with the same file instead."""
    case_factory.finished(cases / "done")
    at = open_page(PAGE, case="done")
    assert all(button.key != "check" for button in at.button)
    at.button(key="new_with_suspect").click().run()
    new = next(case_id for case_id in Casebook(cases).ids() if case_id != "done")
    assert JobQueue(cases).latest(new).params["source"].endswith("done/evidence/colours.onnx")


def test_half_finished_and_damaged_cases_hold(cases):
    """A scored half is settled too; a broken test query is a sentence."""
    case_factory.half_finished(cases / "half")
    open_page(PAGE, case="half")
    case_id = checked(cases)
    (cases / case_id / "test_query" / "000.png").write_bytes(b"no picture")
    at = open_page(PAGE, case=case_id)
    assert "Missing or not a picture" in said(at)


def test_hostile_names_are_inert(cases):
    """A file's name is never formatted."""
    case_id = Casebook(cases).create("New")
    check_suspect(cases / case_id, cases.parent / "evidence" / HOSTILE, trial_pictures())
    at = open_page(PAGE, case=case_id)
    for shown in (as_markdown(at), *(str(one.value) for one in at.metric)):
        assert "<b>" not in shown
        assert "](evil" not in shown


def test_no_name_of_a_picture_is_a_formula_in_the_csv():
    """A spreadsheet computes nothing of what was uploaded."""
    names = ('=HYPERLINK("x").png', "+1.png", "cat.png")
    query = intake.TestQuery(names=names, labels=(0, 1, 2), n_sent=3, pictures_per_s=1)
    rows = list(csv.reader(StringIO(answers_csv(query).decode())))
    assert rows == [["picture", "class"], ['\'=HYPERLINK("x").png', "0"], ["'+1.png", "1"], ["cat.png", "2"]]


def test_no_setting_of_the_input_is_a_formula_in_the_csv():
    """What a file says of its own input is as hostile as its name."""
    rows = list(csv.DictReader(StringIO(input_csv([{"Setting": "Order", "Value": "=1+1"}]).decode())))
    assert rows == [{"Setting": "Order", "Value": "'=1+1"}]


# Parts


def test_uploads_go_when_taken_or_old(cases):
    """Those of a job that is done at once, others after a day."""
    first, second = (uploads.spool(cases, "a.pth", BytesIO(b"x")) for _ in range(2))
    job = _job(cases)
    uploads.remove_taken(cases, replace(job, params={"source": str(first), "samples": [str(second)]}))
    assert first.exists()
    uploads.remove_taken(cases, replace(job, state=State.DONE, params={"source": str(first), "samples": []}))
    assert not first.exists()
    uploads.sweep(cases)
    assert second.exists()
    uploads.sweep(cases, now=time.time() + uploads.KEPT_S + 60)
    assert not second.exists()


def test_only_uploads_are_ever_removed(cases):
    """A job that was told of a file elsewhere leaves it where it is."""
    path = cases.parent / "evidence" / "drive" / "colours.onnx"
    uploads.remove_taken(cases, replace(_job(cases), state=State.DONE, params={"source": str(path), "samples": []}))
    assert path.exists()


def _job(cases: Path) -> Job:
    return Job(1, "one", "suspect", {}, "", State.FAILED, "", 0, 0, None, "", 0.0, None, None, 0.0)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"), ("C:\\evidence\\m.pt", "m.pt"), (".hidden", "hidden"), ("a\nb\0c", "a_b_c"),
        ("..", "upload"),
    ],
)  # fmt: skip
def test_names_of_uploads_are_only_names(name, safe):
    """No folders, no control characters, not hidden."""
    assert uploads.safe_name(name) == safe
    assert len(os.fsencode(uploads.safe_name("ü" * 400 + ".pth"))) <= uploads.MAX_NAME


def test_numbers_are_read_as_people_type_them():
    """Spaces, commas, semicolons; the wrong count is a sentence."""
    assert in_numbers("0.5, 0.4; 0.3", "The mean", (1, 3)) == [0.5, 0.4, 0.3]
    assert in_numbers("", "The mean", (1, 3)) == []
    with raises(SettingsError, "wrong numbers", "The mean", "1 or 3", "1 2"):
        in_numbers("1 2", "The mean", (1, 3))


def test_what_was_guessed_is_marked():
    """By its recorded origin; a case that does not record any says so."""
    suspect = SuspectFacts("Net (assumed)", "f" * 64, 2, PreprocessSpec(), Origins().known("options", "mean", "std"))

    def known_from(suspect):
        return {row["Setting"]: row["Origin"] for row in preprocessing_rows(suspect)}

    assert known_from(suspect)["Mean"] == "options"
    assert known_from(suspect)["Black to white"] == known_from(suspect)["Order of the channels"] == "guessed"
    assert set(known_from(replace(suspect, origins=None)).values()) == {"not recorded"}


def test_a_preset_replaces_typed_numbers_only():
    """What else was set stays."""
    options = SuspectOptions(spec_overrides={"mean": [0.1], "height": 64})
    assert with_only_preset(options, "unit").spec_overrides == {"height": 64}


def test_readings_are_compared_and_one_is_taken(cases, idle_workers):
    """The comparison is shown with bars and answers, says what it could not open, and taking one checks it again."""
    case_id = checked(cases)
    case = Case.open(cases / case_id)
    spec = case.facts().suspect.preprocessing
    tried = SuspectOptions(preset="signed", origins={"mean": "guess"})
    one = Reading("signed", tried, "a network", spec, "a" * 64, 4, 1.2, (0.0, 0.0), 1.0, 4, 3.1, 4, "", (0, 1), 100)
    other = replace(one, name="unit", options=SuspectOptions(preset="unit"), bits=0.4, behind=(0.8, 0.1), alike=0.5)
    not_opened = (("28 x 28", "too small"), ("32 x 32", "too small"))
    write_readings(case, Readings((one, other), True, 5, 60, 2, ("a.png", "b.png"), not_opened, in_use="unit"))
    at = open_page(PAGE, case=case_id)
    shown = said(at)
    for sentence in (
        "signed is clearly ahead", "in use is unit until signed is taken",
        "Not possible: 28 x 28, 32 x 32 (too small)", "200 queries",
    ):  # fmt: skip
        assert sentence in shown
    assert [one.value.endswith("in use]") for one in at.markdown if one.value.startswith(("**signed**", "unit"))] == [
        False, True,
    ]  # fmt: skip
    assert readings_csv(Readings((one, other), True, 5, 60, 2)).decode().splitlines()[1].startswith("signed,1.2,0.0")
    at.button(key="take_0").click().run()
    plan = Case.open(cases / case_id).plan()
    assert (plan.suspect.preset, plan.suspect.origins["mean"]) == ("signed", "bench")
    assert JobQueue(cases).latest(case_id).kind == "suspect"


def test_readings_need_a_corpus(cases, idle_workers):
    """Without one there is nothing to compare on; with one, a click starts the work."""
    case_id = checked(cases)
    at = open_page(PAGE, case=case_id)
    assert at.button(key="readings_corpus")
    Case.open(cases / case_id).change_plan(corpora=(str(case_factory.world().corpora / "colours"),))
    at = open_page(PAGE, case=case_id)
    at.button(key="compare_readings").click().run()
    assert JobQueue(cases).latest(case_id).kind == "readings"


def test_the_cost_of_a_comparison_is_shown_before_it_starts(cases, idle_workers):
    """Readings x images x views, against the budget; while it runs, its progress takes the button's place."""
    case_id = checked(cases)
    case = Case.open(cases / case_id)
    case.change_plan(corpora=(str(case_factory.world().corpora / "tiny"),), settings=Settings(budget=100))
    assert "once the corpus has been read" in said(open_page(PAGE, case=case_id))
    survey_corpora(case.folder)
    at = open_page(PAGE, case=case_id)
    assert "x 80 images x 2 views = " in said(at)
    assert "the budget leaves 74" in said(at)
    assert "may end before the comparison" in said(at)
    at.button(key="compare_readings").click().run()
    assert not [button for button in at.button if button.key == "compare_readings"]
    assert "The file is hashed, copied" in said(at)  # below, where no other work is shown


def test_an_undecided_comparison_is_not_reported_in_green(cases, idle_workers):
    """The notice of the ended work is neutral, and the names of readings are explained."""
    case_id = checked(cases)
    JobQueue(cases).submit("readings", case_id, {"cache": "here"})
    with writing(cases) as connection:
        connection.execute(
            "UPDATE jobs SET state = 'done', message = 'The answers do not show which is right.', ended = ?",
            (time.time(),),
        )
    at = open_page(PAGE, case=case_id)
    assert any("do not show which is right" in info.value for info in at.info)
    assert not at.success
    assert reading_meaning("signed, BGR") == "-1 to 1; blue before green before red"
    assert reading_meaning("28 x 28") == ""


def test_the_runtime_that_answers_is_stated(cases):
    """Which runtime was taken, its speed and how it was checked, once the case has a trial."""
    case_id = checked(cases)
    assert "Answers computed by" not in said(open_page(PAGE, case=case_id))
    tried = (TriedRuntime("eager", 100.0), TriedRuntime("onnxruntime", 150.0, n_compared=2_048))
    Case.open(cases / case_id).record(runtime=RuntimeTrial("onnxruntime", tried))
    shown = said(open_page(PAGE, case=case_id))
    assert "Answers computed by ONNX Runtime, 1.5 times as fast as PyTorch, the same labels for 2,048 views." in shown


def test_the_cell_shows_what_it_keeps_out(cases):
    """What was possible from inside is named; a case of an earlier version says that nothing is recorded."""
    case_id = checked(cases)
    case = Case.open(cases / case_id)
    suspect = case.facts().suspect
    assert "no files" in said(open_page(PAGE, case=case_id))
    report = CellReport((("Landlock", "not here"), ("seccomp", "")), ("read a file",))
    case.record(suspect=replace(suspect, cell=report))
    shown = said(open_page(PAGE, case=case_id))
    for sentence in ("it can read a file", "no network", "Not applied: Landlock: not here."):
        assert sentence in shown
    case.record(suspect=replace(suspect, cell=None))
    assert "does not record how the suspect was isolated" in said(open_page(PAGE, case=case_id))
