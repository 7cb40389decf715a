"""Validation: reference suspects are run on this machine, and a signed record says what came out."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import case_factory
import numpy as np
import pytest
from raising import raises

from fdcore import demo
from fdcore.case import layout, validation
from fdcore.case.case import Case
from fdcore.case.keys import KEY_VARIABLE, new_key
from fdcore.case.plan import Settings
from fdcore.case.validation import Reference, Validation, facts_of, installation, keep, newest
from fdcore.cli.main import main
from fdcore.demo import case as demo_case
from fdcore.demo import validate as references
from fdcore.errors import CaseError, ValidationError
from fdcore.jobs.kinds import KINDS
from fdcore.progress import silent
from fdcore.verdict import chance
from fdcore.work.conclude import analyse

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PASSED, FAILED = Reference("one", "four", "four", True), Reference("two", "four", "five", False)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of records, and no key."""
    monkeypatch.setenv(validation.VARIABLE, str(tmp_path / "records"))
    monkeypatch.setenv(KEY_VARIABLE, "")
    return tmp_path / "records"


def record(*found: Reference, time: datetime = NOW) -> Validation:
    return Validation(time.isoformat(timespec="milliseconds"), installation(), found or (PASSED,), ())


def test_the_newest_record_is_read_back_as_it_was_written():
    """Of two records the later one, with the hash of its file; before, there is none."""
    assert newest() is None
    keep(record(FAILED))
    later = keep(record(time=NOW + timedelta(seconds=1)))
    assert newest() == later
    assert later.record.failed == ()
    assert later.content == later.path.read_bytes()


def test_a_record_is_signed_where_there_is_a_key(tmp_path, monkeypatch):
    """The signer is the key's fingerprint; without a key it is empty."""
    assert keep(record()).signer == ""
    key = new_key(tmp_path / "key.pem")
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "key.pem"))
    assert keep(record(time=NOW + timedelta(seconds=1))).signer == key.fingerprint


@pytest.mark.parametrize("change", [("five", "four"), ('"signature":"', '"signature":"AA'), ("{", "", 1), ('"n', '"o')])
def test_a_changed_record_is_refused(tmp_path, monkeypatch, change):
    """A result, the signature or the JSON itself was edited: the record is not read."""
    new_key(tmp_path / "key.pem")
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "key.pem"))
    kept = keep(record(FAILED))
    kept.path.write_text(kept.path.read_text().replace(*change))
    with raises(CaseError, "validation changed", kept.path):
        newest()
    assert not validation.current()[0].holds


def test_it_holds_for_the_same_installation_for_a_year():
    """Another fdcore, package, processor or system, a failure, or more than a year: each is said."""
    here, kept = installation(), keep(record())
    assert facts_of(kept, here, NOW + timedelta(days=365)).holds
    packages = here.packages | {"torch": "1.0"}
    for other, words in (
        (replace(here, fdcore="9"), "fdcore was"),
        (replace(here, packages=packages), "torch was"),
        (replace(here, processor="abacus"), "processor was"),
        (replace(here, system="CP/M"), "operating system was"),
    ):
        found = facts_of(kept, other, NOW)
        assert not found.holds
        assert words in found.in_words
    assert "older than a year" in facts_of(kept, here, NOW + timedelta(days=366)).in_words
    assert not facts_of(keep(record(PASSED, FAILED)), here, NOW).holds
    assert not facts_of(None, here, NOW).holds


def test_conclusions_keep_the_record_that_held(tmp_path):
    """The case has a copy, its facts and its log the hash; a later validation changes nothing until the next ones."""
    folder = case_factory.finished(tmp_path / "case")
    case, first = Case.open(folder), keep(record())
    analyse(folder)
    keep(record(FAILED, time=NOW + timedelta(days=1)))
    found = case.facts().validation
    assert found.sha256 == first.sha256
    assert case.path(layout.VALIDATION).read_bytes() == first.content
    last = list(case.audit())[-1]
    assert last["details"]["validation"] == last["files"][layout.VALIDATION] == first.sha256
    analyse(folder)
    assert "1 of 1 references failed" in case.facts().validation.in_words


def test_a_failure_is_recorded_and_ends_the_command(monkeypatch, capsys):
    """What a reference raises is its finding; the exit code is 9, and the record says so afterwards."""
    runs = (("sum", "four", lambda bench: ("five", False)), ("crash", "nothing", lambda bench: 1 / 0))
    monkeypatch.setattr(references, "REFERENCES", runs)
    assert main(["validate", "--by", "M. Okafor"]) == 9
    assert "2 of 2" in capsys.readouterr().err
    assert main(["validate", "--show", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [one["found"] for one in shown["references"]] == ["five", "ZeroDivisionError: division by zero"]
    assert (shown["sha256"], shown["by"]) == (newest().sha256, "M. Okafor")


def test_the_dashboard_runs_it_as_a_job(monkeypatch, tmp_path):
    """The job keeps the record; a failure fails the job, with its record kept as well."""
    run = KINDS["validate"].run
    monkeypatch.setattr(references, "REFERENCES", (("sum", "four", lambda bench: ("four", True)),))
    assert "All 1 references passed" in run(tmp_path, {}, silent)
    monkeypatch.setattr(references, "REFERENCES", (("sum", "four", lambda bench: ("five", False)),))
    with raises(ValidationError, "validation failed", "sum"):
        run(tmp_path, {}, silent)
    assert newest().record.references[0].found == "five"


def test_without_a_record_there_is_nothing_to_show(capsys):
    """The message names the command that makes one."""
    assert main(["validate", "--show"]) == 6
    assert "fdcore validate" in capsys.readouterr().err


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[references.Bench]:
    """The demo suspect's investigation with few pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(validation.VARIABLE, "/nowhere")
        patch.setattr(demo, "build_demo_corpus", partial(demo.build_demo_corpus, images_per_leaf=4))
        patch.setattr(demo_case, "Plan", partial(demo_case.Plan, settings=Settings(n_views=1)))
        patch.setattr(chance, "MAX_PICTURES", 160)
        yield references.Bench(tmp_path_factory.mktemp("bench"))


@pytest.mark.slow
def test_references_fail_where_what_they_look_for_is_wrong(bench, monkeypatch):
    """Each passes as it is; with another truth, or a check that sees nothing, it fails."""
    assert references.absent_class(bench)[1]
    assert references.changes_are_found(bench)[1]
    assert references.shuffled(bench) == ("meaningless", True)
    rotated = (*demo.TRUTH[1:], demo.TRUTH[0])
    monkeypatch.setattr(demo, "TRUTH", rotated)
    found, passed = references.known_classes(bench)
    assert not passed
    assert "wrong: none" not in found
    monkeypatch.setattr(references.verify, "check", lambda folder: type("", (), {"intact": True}))
    monkeypatch.setattr(bench, "folder", bench.folder / "blind")
    assert not references.changes_are_found(bench)[1]


@pytest.mark.slow
def test_a_corpus_without_leaves_has_the_other_leaves_answers(bench):
    """Taking a class's leaves away leaves the scores of all others as they were."""
    gone = bench.region(0)
    rest = bench.without(gone)
    assert rest.scores.nodes == tuple(np.array(bench.scored.scores.nodes)[~gone])
    assert (rest.scores.hits == bench.scored.scores.hits[:, ~gone]).all()


@pytest.mark.nightly
def test_this_installation_is_valid():
    """All references pass here."""
    assert main(["validate"]) == 0
