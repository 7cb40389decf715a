"""The whole pipeline on the tiny world."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny_world
from raising import raises

from fdcore.case import tables
from fdcore.case.case import Case
from fdcore.case.plan import Plan, Settings, SuspectOptions
from fdcore.case.verify import check
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.errors import CaseError, SettingsError, StorageError, SuspectError
from fdcore.method.findings import Findings
from fdcore.method.selection import SelectionSettings
from fdcore.records import to_plain
from fdcore.report import page
from fdcore.suspect.preprocess import PreprocessSpec
from fdcore.suspect.suspect import CallableSuspect
from fdcore.work.conclude import WRITTEN, agrees_with_files, analyse
from fdcore.work.investigate import investigate
from ui import cached

SPEC = PreprocessSpec(height=tiny_world.SIZE, width=tiny_world.SIZE)
N_IMAGES = len(tiny_world.LEAVES) * tiny_world.PER_LEAF


class World:
    """A corpus, a suspect that counts what it is asked, and cases beside each other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.corpus = tiny_world.build(folder / "corpus")
        self.n_asked = 0

    def answer(self, pictures: np.ndarray) -> np.ndarray:
        self.n_asked += len(pictures)
        return tiny_world.classify(pictures)

    def suspect(self, function=None, n_classes: int = tiny_world.N_CLASSES) -> CallableSuspect:
        return CallableSuspect(
            function or self.answer, n_classes=n_classes, spec=SPEC, fingerprint="d" * 64, batch_size=32
        )

    def investigate(
        self, name: str = "case", suspect=None, corpora=None, hierarchy: Hierarchy | None = None, plan=None, **settings
    ) -> Findings:
        return investigate(
            self.folder / name, suspect or self.suspect(), corpora or [self.corpus], plan=plan,
            hierarchy=hierarchy or tiny_world.hierarchy(), open_suspect=tiny_world.open_nothing,
            cache=self.folder / "cache", settings=Settings(**{"n_views": 3, **settings}),
        )  # fmt: skip

    def read(self, file: str, name: str = "case") -> str:
        return (self.folder / name / file).read_text()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def labels(findings: Findings, target_class: int) -> set[str]:
    winner = findings.classes[target_class].selection.winner
    return {findings.scored.scores.nodes[j] for j in winner.members} if winner else set()


def test_the_planted_truth_is_found(world):
    """Aircraft, cats and cars are found and named, without the false friend; class 3, which nothing is in, is not."""
    findings = world.investigate()
    assert labels(findings, 0) == {"n02690373", "n04552348"}
    assert labels(findings, 1) == {"n02123045", "n02123394"}
    assert labels(findings, 2) == {"n03100240", "n04285008"}
    assert labels(findings, 3) == set()
    names = [c.name.label if c.name else None for c in findings.classes]
    assert names == ["heavier-than-air craft", "domestic cat", "car", None]
    assert "n01494475" in {findings.scored.scores.nodes[j] for j in findings.classes[0].selection.candidates}
    assert findings.scored.complete
    assert world.n_asked == findings.scored.n_sent == N_IMAGES * 3


def test_the_tables_say_the_same_as_the_result(world):
    """scores.csv and selection.csv hold the documented columns and the numbers of the findings."""
    findings = world.investigate()
    scores = list(csv.DictReader(world.read("scores.csv").splitlines()))
    columns = ["target_class", "node", "label", "functional_score", "ci_low", "ci_high", "n_queries", "generated"]
    assert list(scores[0]) == columns
    assert len(scores) == tiny_world.N_CLASSES * len(tiny_world.LEAVES)
    by_cell = {(int(r["target_class"]), r["node"]): float(r["functional_score"]) for r in scores}
    for c in range(tiny_world.N_CLASSES):
        for j, node in enumerate(findings.scored.scores.nodes):
            assert by_cell[c, node] == pytest.approx(float(findings.scored.scores.functional[c, j]), abs=1e-6)
    selection = list(csv.DictReader(world.read("selection.csv").splitlines()))
    assert [r["status"] for r in selection] == ["found", "found", "found", "not_found"]
    assert set(selection[1]["nodes"].split(";")) == labels(findings, 1)
    assert int(selection[1]["n_images"]) == len(findings.classes[1].filtered.kept)
    assert selection[3]["functional_score"] == ""
    as_json = json.loads(world.read("selection.json"))
    assert [c["status"] for c in as_json["classes"]] == [r["status"] for r in selection]
    assert as_json["overall"]["n_found"] == 3
    assert len(json.loads(world.read("scores.json"))["scores"]) == len(scores)
    assert json.loads(world.read("scores.json"))["rows_left_out"] == 0
    report = world.read("report.html")
    assert "leave out" not in report
    assert "such images" not in report


def test_a_second_run_asks_nothing(world):
    """The same call on a finished case sends no query and writes the same tables; more views ask the new ones only."""
    world.investigate()
    before, asked = world.read("scores.csv"), world.n_asked
    world.investigate()
    assert world.n_asked == asked
    assert world.read("scores.csv") == before
    world.investigate(n_views=5)
    assert world.n_asked == N_IMAGES * 5


def test_other_settings_need_no_model(world):
    """`analyse` moves alpha, eta, tau and k on a finished case; the case remembers them."""
    world.investigate()
    asked = world.n_asked
    general = analyse(world.folder / "case", SelectionSettings(eta=40))
    assert labels(general, 0) >= {"n02690373", "n01494475"}
    assert world.n_asked == asked
    assert json.loads(world.read("selection.json"))["settings"]["eta"] == 40
    assert labels(analyse(world.folder / "case"), 0) == labels(general, 0)


def test_a_finished_ledger_stands_in_for_the_suspect(world):
    """A case's answers are replayed over the same corpus in a new case, with nobody to ask."""
    first = world.investigate("first")
    asked = world.n_asked
    second = world.investigate("second", suspect=world.folder / "first")
    assert world.n_asked == asked
    assert second.scored.complete
    assert world.read("scores.csv", "second") == world.read("scores.csv", "first")
    assert [c.selection for c in second.classes] == [c.selection for c in first.classes]


def test_a_replayed_ledger_leaves_out_what_it_does_not_know(world, tmp_path):
    """Images that the ledger never saw count as not asked, and the result says that it is incomplete."""
    world.investigate("first", images_per_leaf=5)
    second = world.investigate("second", suspect=world.folder / "first", images_per_leaf=10)
    assert not second.scored.complete
    assert second.scored.scores.n_queries.sum() == 8 * 5 * 3


def test_a_budget_ends_early_and_says_so(world):
    """With a budget the case is analysed from what was answered; a larger one goes on without repeating."""
    findings = world.investigate(budget=100)
    assert (world.n_asked, findings.scored.n_sent, findings.scored.complete) == (100, 100, False)
    assert (findings.scored.scores.n_queries >= 12).all()  # every leaf had its share
    assert "Not every planned view" in world.read("report.html")
    assert world.investigate(budget=None).scored.complete
    assert world.n_asked == N_IMAGES * 3


def test_a_budget_below_one_image_per_leaf_is_a_sentence(world):
    """A budget that cannot reach every leaf is refused before anything is sent."""
    with raises(SettingsError, "budget too small", "at least 8"):
        world.investigate(budget=7)
    assert world.n_asked == 0


@pytest.mark.parametrize("answer", [99, -1])
def test_a_class_out_of_range_is_a_sentence_and_the_case_stays_readable(world, answer):
    """A suspect that answers nonsense stops the run; what was recorded and sent stays, but there is no verdict."""
    with pytest.raises(SuspectError, match=f"answered class {answer}"):
        world.investigate(suspect=world.suspect(lambda p: np.full(len(p), answer)))
    case = Case.open(world.folder / "case")
    assert case.facts().suspect.n_classes == tiny_world.N_CLASSES
    events = [(e["event"], e["details"]) for e in case.audit()]
    assert [name for name, _ in events][-2:] == ["asking started", "asking ended"]
    assert events[-1][1] == {"n_sent": 32, "n_answered": 0}
    with raises(CaseError, "no answers yet"):
        analyse(case.folder)


def test_a_case_without_answers_cannot_be_analysed(world):
    """Analysing before asking is a sentence."""
    Case.create(world.folder / "case")
    with raises(CaseError, "no ledger"):
        analyse(world.folder / "case")


@pytest.mark.parametrize("name", ["corpus.parquet", "hierarchy.parquet"])
def test_damaged_tables_are_a_sentence_and_the_next_run_mends_them(world, name):
    """A broken table stops the analysis with a sentence; the answers are not lost."""
    world.investigate()
    (world.folder / "case" / name).write_bytes(b"PAR1 no longer")
    with raises(CaseError, "file changed", name):
        analyse(world.folder / "case")
    world.investigate()
    assert check(world.folder / "case").intact
    assert world.n_asked == N_IMAGES * 3


def test_one_process_works_on_a_case_at_a_time(world):
    """A case in use is refused with a sentence."""
    world.investigate()
    case = Case.open(world.folder / "case")
    with case.exclusively(), raises(CaseError, "in use", case.folder):
        analyse(world.folder / "case")


def test_a_full_disk_while_writing_results_keeps_the_answers(world, monkeypatch):
    """When the disk fills after asking, the next run asks nothing again."""
    from fdcore.work import conclude

    def full(*_args, **_more):
        raise StorageError("The disk is full")

    monkeypatch.setattr(conclude, "_write_findings", full)
    with pytest.raises(StorageError):
        world.investigate()
    monkeypatch.undo()
    asked = world.n_asked
    assert world.investigate().overall.n_found == 3
    assert world.n_asked == asked == N_IMAGES * 3


def test_a_set_without_hierarchy_is_scored_on_function_alone(world):
    """Plain folders stand alone: S is 0 and nothing merges; below a node they have distances."""
    hierarchy = Hierarchy.from_rows([("root", [], ["root"]), ("paint", ["root"], ["paint"])])
    for leaf in list(world.corpus.iterdir()):
        leaf.rename(world.corpus / f"colour {leaf.name[-3:]}")
    alone = world.investigate("alone", hierarchy=hierarchy)
    assert all(len(c.selection.winner.members) == 1 for c in alone.classes if c.selection.winner)
    assert alone.overall.semantic == 0
    hung = world.investigate("hung", corpora=[f"{world.corpus}@paint"], hierarchy=hierarchy)
    assert [c.name.label for c in hung.classes if c.name] == ["paint"] * 3
    assert hung.classes[0].selection.winner.semantic == pytest.approx(0.5)


def test_hostile_labels_stay_inert(world):
    """Labels with HTML, formulas and separators come out escaped in the report and harmless in the tables."""
    rows = [("root", [], ["root"])]
    evil = "<script>alert(1)</script>"
    rows += [(leaf, ["root"], [evil if leaf == "n02123045" else '=cmd|" /C calc";x']) for leaf in tiny_world.LEAVES]
    world.investigate(hierarchy=Hierarchy.from_rows(rows))
    assert "<script" not in world.read("report.html")
    assert "&lt;script&gt;" in world.read("report.html")
    table = list(csv.DictReader(world.read("scores.csv").splitlines()))
    assert {r["label"][0] for r in table} <= {"'", "<"}
    selection = list(csv.DictReader(world.read("selection.csv").splitlines()))
    assert all(len(r["labels"].split(";")) == len(r["nodes"].split(";")) for r in selection)


def test_a_refused_suspect_does_not_rename_the_answers(world):
    """Another suspect or seed on a scored case is refused, and the case still names the suspect that answered."""
    world.investigate()
    stranger = world.suspect()
    stranger.fingerprint = "e" * 64
    with raises(CaseError, "other queries"):
        world.investigate(suspect=stranger)
    with raises(CaseError, "other queries", "seed"):
        world.investigate(seed=1)
    assert Case.open(world.folder / "case").facts().suspect.fingerprint == "d" * 64


def test_another_ledger_is_not_replayed_into_a_case(world):
    """Answers of another suspect given to a replay case are refused, not ignored."""
    world.investigate("first")
    world.investigate("replay", suspect=world.folder / "first")
    world.investigate("other", seed=7)
    with raises(CaseError, "other answers", world.folder / "other"):
        world.investigate("replay", suspect=world.folder / "other", seed=7)


def test_a_case_with_a_symbolic_link_is_not_opened(world, tmp_path):
    """A case that somebody sent cannot lead to files outside it."""
    world.investigate()
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis").write_text("mine")
    (world.folder / "case" / "ledger").rename(tmp_path / "moved")
    (world.folder / "case" / "ledger").symlink_to(precious)
    with raises(CaseError, "symbolic link"):
        world.investigate()
    assert (precious / "thesis").read_text() == "mine"


def test_a_file_name_that_is_no_text_is_kept(world, tmp_path):
    """Names on seized drives need not be UTF-8."""
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/m\xff.pth"))
    odd.write_bytes(b"weights")
    evidence = Case.create(tmp_path / "odd case").take_evidence(odd)
    assert evidence.name == "m\\xff.pth"
    assert evidence.path.read_bytes() == b"weights"


def test_files_that_were_changed_or_lost_are_not_the_saved_conclusions(world):
    """Each written file is compared with the hash taken when it was written, which the audit log holds as well."""
    findings = world.investigate()
    case = Case.open(world.folder / "case")
    assert agrees_with_files(case, findings)
    assert cached.saved_as_found(case, findings.settings)
    assert [e["details"]["written"] for e in case.audit() if e["event"] == "analysed"] == [case.facts().written]
    for name in WRITTEN:
        path = case.path(name)
        content = path.read_bytes()
        for spoiled in (None, content + b" "):
            path.unlink() if spoiled is None else path.write_bytes(spoiled)
            assert not agrees_with_files(case, findings), name
            assert not cached.saved_as_found(case, findings.settings), name
            case.write(name, content)
    assert agrees_with_files(case, findings)


def test_a_case_of_a_version_that_wrote_no_parquet_still_agrees_with_its_files(world):
    """What that version did not write is not missing."""
    findings = world.investigate()
    case = Case.open(world.folder / "case")
    written = dict(case.facts().written or {})
    del written["scores.parquet"]
    case.path("scores.parquet").unlink()
    assert not agrees_with_files(case, findings)
    case.record(written=written)
    assert agrees_with_files(case, findings)


def test_whatever_a_table_or_the_report_leaves_out_it_says(world, monkeypatch):
    """Rows of scores, and classes with pictures: each with how many there are."""
    monkeypatch.setattr(tables, "MAX_ROWS", 10)
    monkeypatch.setattr(page, "MAX_CLASSES_WITH_PICTURES", 1)
    findings = world.investigate()
    scores = findings.scored.scores
    n_missing = int((scores.hits == 0).sum())
    as_json, report = json.loads(world.read("scores.json")), world.read("report.html")
    assert as_json["rows_left_out"] == n_missing > 0
    assert len([row for row in as_json["scores"] if row["node"]]) == scores.hits.size - n_missing
    assert f"leave out {n_missing} rows of leaves without a hit; scores.parquet has every row" in report
    assert len(pd.read_parquet(world.folder / "case" / "scores.parquet")) == scores.hits.size
    assert "Images are shown for the first 1 classes that have some; images.csv lists those of all." in report
    assert report.count("data:image/jpeg") == 1


def test_a_case_of_an_earlier_version_has_no_hashes(world):
    """Its selection alone is compared with the findings."""
    findings = world.investigate()
    case = Case.open(world.folder / "case")
    case.record(written=None)
    case.path("report.html").unlink()
    assert agrees_with_files(case, findings)
    case.path("selection.json").unlink()
    assert not agrees_with_files(case, findings)


def test_how_the_suspect_was_asked_is_kept(world):
    """Folders and options of the run, by name, whatever the plan becomes afterwards."""
    plan = Plan(suspect=SuspectOptions(arch="lenet", n_classes=4), hierarchy="/some/where/tree.csv")
    world.investigate(plan=plan, n_views=2)
    case = Case.open(world.folder / "case")
    asked = {"corpora": ["corpus"], "hierarchy": "tree.csv", "arch": "lenet", "n_classes": 4, "n_views": 2}
    assert asked.items() <= json.loads(json.dumps(to_plain(case.facts().asking))).items()
    started = next(entry["details"] for entry in case.audit() if entry["event"] == "asking started")
    assert asked.items() <= started.items()
