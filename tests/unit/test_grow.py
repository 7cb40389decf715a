"""Growing a case's corpus with generated pictures: narrowing, provenance, marks, budget, resuming."""

import csv
import io
import json
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import case_factory
import generator
import pytest
from raising import raises

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.conclusions import judge, overview, weigh_case
from fdcore.case.custody import check_case
from fdcore.case.generated import generated_to_csv, read_generated
from fdcore.case.plan import Plan
from fdcore.case.spending import n_sent
from fdcore.cli.main import main
from fdcore.disclosure.bundle import write_bundle
from fdcore.errors import CorpusError, GeneratorError, SettingsError
from fdcore.method.weaknesses import GENERATED
from fdcore.verdict import verdict_in_words
from fdcore.work.conclude import full_report
from fdcore.work.grow import Grown, GrowRequest, grow

CAT, TABBY = "n02121808", "n02122878"  # domestic cat, and a tabby that the tiny world has no pictures of
COMMAND = (sys.executable, generator.__file__, "{prompt}", "{folder}", "{count}", "{seed}")
REQUEST = GrowRequest(CAT, COMMAND, count=6, target_class=1)


def case_of(folder: Path, budget: int | None = None) -> Case:
    """The tiny world without its cats."""
    case = Case.open(case_factory.planned(folder, budget=budget))
    plan = case.plan()
    cats = ("n02123045", "n02123394")
    corpus = folder.parent / "corpora" / "no-cats"
    for leaf in (case_factory.world().corpora / "tiny").iterdir():
        if leaf.name not in cats:
            (corpus / leaf.name).mkdir(parents=True)
            for file in leaf.iterdir():
                (corpus / leaf.name / file.name).write_bytes(file.read_bytes())
    case.record(plan=replace(plan, corpora=(str(corpus),)))
    return case


def grown(case: Case, request: GrowRequest = REQUEST) -> Grown:
    return grow(case.folder, request, cache=case_factory.world().cache, by="ann")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Case, Grown]:
    """A case whose cats were found by growing. To be read, not changed."""
    case = case_of(tmp_path_factory.mktemp("grown") / "case")
    return case, grown(case)


def test_the_children_of_the_best_node_are_next_until_the_score_stops(done):
    """From a cat that is hard to tell to the tabby that is not; nothing lies below a tabby."""
    _, found = done
    assert [len(made) for made in found.rounds] == [1, 6]  # of two tabbies, one; the generator draws no mouser
    best = max(found.rounds[1], key=lambda one: one.score)
    assert found.rounds[0][0].node == CAT
    assert found.labels[best.node] == "tabby"
    assert best.score > found.rounds[0][0].score
    assert "nothing lies below tabby" in found.why
    assert found.target_class == 1
    assert found.n_pictures == 42


def test_the_provenance_of_every_picture_is_kept(done):
    """Prompt, node, round, seed and command, in the case's records and in the audit log, which binds the pictures."""
    case, _ = done
    sets = read_generated(case)
    assert [one.round for one in sets] == [1] + [2] * 6
    first = sets[0]
    assert (first.node, first.prompt, first.seed, first.by) == (CAT, "a photo of a domestic cat", 0, "ann")
    assert first.command[1:] == ("generator.py", *COMMAND[2:])
    assert first.printed == "painting a photo of a domestic cat in {folder}"
    entry = next(one for one in case.audit() if one["event"] == "pictures generated")
    assert entry["details"]["prompt"] == first.prompt
    assert entry["details"]["by"] == "ann"
    assert dict(first.pictures).items() <= entry["files"].items()
    assert any(one["event"] == "generator failed" and "mouser" in one["details"]["prompt"] for one in case.audit())
    assert check_case(case).intact
    rows = list(csv.DictReader(io.StringIO(generated_to_csv(sets).decode())))
    assert len(rows) == 42
    assert {row["node"] for row in rows if row["round"] == "1"} == {CAT}


def test_generated_pictures_are_marked_wherever_their_leaves_are_shown(done):
    """In every table, on the wall, in the verdict and in the report; leaves of real pictures are not."""
    case, _ = done
    tables = {name: list(csv.DictReader(io.StringIO(case.path(name).read_text())))
              for name in (layout.SCORES_CSV, layout.SELECTION_CSV, layout.IMAGES_CSV)}  # fmt: skip
    for name in (layout.SCORES_CSV, layout.IMAGES_CSV):
        marked = [row for row in tables[name] if row["generated"] == "True"]
        assert 0 < len(marked) < len(tables[name])
        assert all(row["node"].startswith("generated-pictures/") for row in marked)
        assert all(row["label"].endswith("(generated)") for row in marked)
        assert not any("(generated)" in row["label"] for row in tables[name] if row not in marked)
    found = tables[layout.SELECTION_CSV][1]
    assert int(found["n_generated_leaves"]) == len(found["nodes"].split(";")) > 0
    assert [row["n_generated_leaves"] for row in tables[layout.SELECTION_CSV]][0::2] == ["0", "0"]
    findings = weigh_case(case)
    verdict = judge(findings, case.facts())
    rows = overview(findings, verdict, case.facts()).rows
    assert [GENERATED in row.caveats for row in rows] == [False, True, False, False]
    sentence = "1 of the 3 found leaves holds generated pictures."  # class 0 takes most of everything and is set aside
    assert found["n_generated_leaves"] == "1"
    assert sentence in verdict_in_words(verdict)
    assert "1 of the selected holds generated pictures" in verdict_in_words(verdict)
    assert "generated pictures" in overview(findings, verdict, case.facts()).head.open[-1]
    report = full_report(case.folder, cache=case_factory.world().cache)
    assert sentence in report
    assert ">generated</span>" in report


def test_the_same_call_again_generates_and_sends_nothing(done):
    """It finds the same."""
    case, found = done
    before = n_sent(case), len(read_generated(case))
    assert grown(case) == found
    assert (n_sent(case), len(read_generated(case))) == before


def test_a_stopped_growth_continues_where_it_was(tmp_path, done):
    """What was generated before the stop is kept."""
    case, calls = case_of(tmp_path / "case"), []

    def stop(stage: str, done: int, total: int) -> None:
        calls.append(stage)
        if "tabby" in stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grow(case.folder, REQUEST, cache=case_factory.world().cache, progress=stop)
    kept = read_generated(case)
    assert 1 < len(kept) < 7
    assert grown(case) == done[1]
    assert read_generated(case)[: len(kept)] == kept


def test_without_a_class_the_one_that_takes_the_first_pictures_leads(tmp_path):
    """A mixed cat is mostly put in class 0."""
    found = grown(case_of(tmp_path / "case"), replace(REQUEST, target_class=None, max_rounds=1))
    assert found.target_class == 0
    assert "1 round was allowed" in found.why


def test_a_round_that_the_budget_does_not_cover_is_not_begun(tmp_path):
    """Nothing is generated that could not be sent, and the budget holds."""
    case = case_of(tmp_path / "case", budget=6 * 10 * 4 + 6 * 4 + 100)
    found = grown(case)
    assert len(found.rounds) == 1
    assert "the next round needs 168 queries and the budget leaves 100" in found.why
    assert len(read_generated(case)) == 1
    assert n_sent(case) == 264


def test_a_failed_generator_leaves_the_case_as_it_was_and_is_logged(tmp_path):
    """With what it printed."""
    case = case_of(tmp_path / "case")
    plan = case.plan()
    with raises(GeneratorError, "generator failed"):
        grown(case, replace(REQUEST, command=(*COMMAND, "fails")))
    assert case.plan() == plan
    assert not case.has("grown")
    *_, entry = case.audit()
    assert entry["event"] == "generator failed"
    assert "out of memory" in entry["details"]["printed"]


@pytest.mark.parametrize(("changed", "key"), [
    ({"command": ()}, "no generator"), ({"watch": "/x"}, "no generator"), ({"count": 0}, "setting out of range"),
    ({"max_rounds": 0}, "setting out of range"), ({"timeout_s": 0}, "setting out of range"),
    ({"template": "x"}, "prompt template"),
])  # fmt: skip
def test_a_request_that_makes_no_sense_is_refused(changed, key):
    """Before anything is run."""
    with raises(SettingsError, key):
        replace(REQUEST, **changed)


def test_a_generator_that_draws_nothing_further_ends_the_growth(tmp_path):
    """What was found before stays; a node that must be drawn is an error."""
    case = case_of(tmp_path / "case")
    script = tmp_path / "only_cats.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(Path(generator.__file__).parent)!r}); import generator, pathlib\n"
        "if sys.argv[1] == 'domestic cat': generator.paint('cat', pathlib.Path(sys.argv[2]), 6, 0)\n"
    )
    command = (sys.executable, str(script), "{prompt}", "{folder}")
    found = grown(case, replace(REQUEST, command=command, template="{name}"))
    assert len(found.rounds) == 1
    assert "drew nothing" in found.why
    with raises(GeneratorError, "no generated picture"):
        grown(case, replace(REQUEST, command=command, template="{name}", below=TABBY))


def test_an_unknown_node_or_class_is_refused(tmp_path):
    """The node before anything is generated."""
    case = case_of(tmp_path / "case")
    with raises(CorpusError, "unknown name"):
        grown(case, replace(REQUEST, below="no such thing at all"))
    assert not read_generated(case)
    for _ in range(2):  # before the suspect was opened, and after
        with raises(SettingsError, "unknown class", "no class 9"):
            grown(case, replace(REQUEST, target_class=9, max_rounds=1))


def test_the_bundle_for_the_other_side_says_what_was_generated(done):
    """The record is in it; the pictures come with those that were queried."""
    case, _ = done
    packed = io.BytesIO()
    write_bundle(case.folder, packed, pictures=True)
    with zipfile.ZipFile(packed) as archive:
        names = archive.namelist()
    assert any(name.endswith("case/generated.json") for name in names)
    assert sum("pictures/generated-pictures/of " in name for name in names) == 42
    assert not any("grown/" in name for name in names)


def test_the_command_line_grows_a_case_and_shows_each_round(tmp_path, capsys, monkeypatch):
    """The command may come from the environment; a folder may be watched instead."""
    case = case_of(tmp_path / "case")
    cache = ["--cache", str(case_factory.world().cache)]
    words = ["grow", str(case.folder), "--below", CAT, "--count", "6", "--class", "1", "--rounds", "1", *cache]
    assert main(words) == 2
    assert "FDCORE_GENERATOR" in capsys.readouterr().err
    assert main([*words, "--command", " ".join(COMMAND)]) == 0
    said = capsys.readouterr().out
    assert "domestic cat" in said
    assert "The case holds 6 generated pictures." in said
    watched = tmp_path / "watched"
    generator.paint("tabby", _folder(watched / f"of domestic cat {CAT} made"), 6, 3)
    assert main([*words, "--watch", str(watched), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n_pictures"] == 12


def _folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def test_a_killed_growth_leaves_no_picture_without_a_record(tmp_path, monkeypatch):
    """What was written before the record is gone after the next run."""
    case = case_of(tmp_path / "case")
    monkeypatch.setattr("fdcore.work.grow.write_generated", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        grown(case, replace(REQUEST, max_rounds=1, count=9))
    assert len(list(case.path("grown").rglob("*.png"))) == 9
    monkeypatch.undo()
    grown(case, replace(REQUEST, max_rounds=1))
    written = {path.relative_to(case.folder).as_posix() for path in case.path("grown").rglob("*.png")}
    assert written == {name for one in read_generated(case) for name, _ in one.pictures}
    assert check_case(case).intact


def test_pictures_that_were_taken_out_of_the_plan_come_back(tmp_path):
    """They are not generated again."""
    case = case_of(tmp_path / "case")
    grown(case, replace(REQUEST, max_rounds=1))
    case.change_plan(corpora=case.plan().corpora[1:], leaves=())
    assert len(grown(case, replace(REQUEST, max_rounds=1)).rounds) == 1
    assert case.plan().corpora[0] == str(case.path(layout.GENERATED_PICTURES))


def test_a_case_that_was_moved_grows_at_its_new_place(tmp_path):
    """The plan then names the pictures there, and no longer where they were."""
    case = case_of(tmp_path / "case")
    grown(case, replace(REQUEST, max_rounds=1))
    moved = case.folder.rename(tmp_path / "elsewhere")
    grown(Case.open(moved), replace(REQUEST, max_rounds=1, seed=1))
    plan: Plan = Case.open(moved).plan()
    assert [Path(text).name for text in plan.corpora] == ["generated-pictures", "no-cats"]
    assert plan.corpora[0] == str(moved / layout.GENERATED_PICTURES)
    assert len(read_generated(Case.open(moved))) == 2
