"""A case written by the version before the modules moved into folders opens, and gives the same tables.

tests/data/old-case.zip is that version's own export: the tiny world asked, surveyed and test-queried, two answers
locked, claims compared, a comparison with untrained networks, and one clone without its 2 MB of weights.
"""

import io
import json
from pathlib import Path

import pandas as pd
import pytest
from opening import PAGES, open_case

from fdcore.case.case import Case
from fdcore.case.casebook import Casebook
from fdcore.case.claims import read_claims
from fdcore.case.clones.records import read_runs
from fdcore.case.clones.tested import read_comparison
from fdcore.case.conclusions import load_scored, read_choices
from fdcore.case.verify import check
from fdcore.cloning.settings import TransferSettings
from fdcore.work.conclude import WRITTEN, agrees_with_files, analyse

OLD = Path(__file__).parent / "data" / "old-case.zip"


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.setenv("FDCORE_CASES", str(tmp_path / "cases"))
    monkeypatch.setenv("FDCORE_CACHE", str(tmp_path / "cache"))
    book = Casebook(tmp_path / "cases")
    with OLD.open("rb") as file:
        return book.open(book.import_(file))


def test_the_same_tables_and_the_same_verdict(old):
    """All columns that it had are the same, locked answers included; so is the verdict with its reasons."""
    before = {name: old.path(name).read_bytes() for name in WRITTEN if old.has(name)}
    assert set(WRITTEN) - set(before) == {"scores.parquet", "report.html"}
    assert agrees_with_files(old, analyse(old.folder))
    for name in ("selection.csv", "scores.csv", "images.csv"):
        written = pd.read_csv(io.BytesIO(before[name]), dtype=str)
        pd.testing.assert_frame_equal(pd.read_csv(old.path(name), dtype=str)[list(written)], written)
    assert old.read_json("verdict.json")["outcome"] == json.loads(before["verdict.json"])["outcome"]


def test_its_log_is_intact_and_binds_little(old):
    """Only what was written since it arrived; what an analysis writes again is bound then."""
    assert {file.state for file in check(old.folder).files} == {"intact", "not bound"}
    analyse(old.folder)
    states = {file.name: file.state for file in check(old.folder).files}
    assert {states[name] for name in WRITTEN} == {"intact"}


def test_every_record_is_read(old):
    """Plan, answers, locked choices, claims, and a clone with its test."""
    plan = old.plan()
    assert (plan.settings.budget, plan.settings.n_views, plan.corpora) == (2000, 4, ("/srv/fdcore/corpora/tiny",))
    assert plan.suspect.spec_overrides == {"height": 12, "width": 12}
    assert load_scored(old).n_sent == 320
    choices = read_choices(old)
    assert [(i, choice.nodes, choice.by) for i, choice in choices.items()] == [
        (0, ("n02690373",), "A. Nalyst"), (3, (), ""),
    ]  # fmt: skip
    assert read_claims(old).names == {0: "airplane", 1: "cat", 3: "gribbleflop"}
    (run,) = read_runs(old)
    assert (run.stage, run.transfer, len(run.history)) == (
        "done",
        TransferSettings(total=60, reserved=0.2, any_leaf=False),
        2,
    )
    assert [column.run.id for column in read_comparison(old, "corpus-0.2").columns] == [run.id]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_it(old, page):
    """Without an error message."""
    assert not open_case(page, old).error
