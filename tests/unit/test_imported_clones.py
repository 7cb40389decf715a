"""Clones of a case that somebody sent: what its records name is not opened outside the folders of the server."""

from pathlib import Path

import case_factory
import pytest
from lab_world import train
from raising import raises

from fdcore.case.case import Case
from fdcore.case.clones import read_run, run_folder
from fdcore.cloning.settings import CloneRequest, Source, SourceKind, TrainingSettings, TransferSettings
from fdcore.errors import CaseError, SettingsError
from fdcore.jobs.kinds import KINDS
from fdcore.progress import silent
from fdcore.records import to_plain


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    world = case_factory.world()
    monkeypatch.setenv("FDCORE_CORPORA", str(world.corpora))
    monkeypatch.setenv("FDCORE_CACHE", str(world.cache))
    return Case.open(case_factory.finished(tmp_path / "case"))


def test_going_on_opens_no_folder_outside(case: Case, tmp_path: Path) -> None:
    """A record that names a folder of the server's machine is refused with a sentence before it is opened."""
    outside = Source(SourceKind.FOLDER, str(tmp_path / "private"))
    run = case_factory.add_clone(case.folder, outside, run_id="sent", stage="drawn", n_epochs=0)
    params = {"runs": [run.id], "cache": str(case_factory.world().cache)}
    with raises(SettingsError, "path outside"):
        KINDS["clone-go-on"].run(case.folder, params, silent)


def test_a_request_goes_on_with_clones_of_its_own_sources_only(case: Case, tmp_path: Path) -> None:
    """What the case says was begun may name others: the request is begun anew then, and they are not touched."""
    random = Source(SourceKind.RANDOM)
    request = CloneRequest((random,), TransferSettings(total=20), TrainingSettings(epochs=1, batch_size=16))
    outside = Source(SourceKind.FOLDER, str(tmp_path / "private"))
    case_factory.add_clone(case.folder, outside, run_id="sent", stage="drawn", n_epochs=0)
    case.write_json("cloning/begun.json", {"request": to_plain(request), "runs": ["sent"]})
    made = train(case, request)
    assert [run.source for run in made] == [random]
    assert read_run(case, "sent").stage == "drawn"


def test_ids_that_are_no_clones_are_refused(case: Case) -> None:
    """They are part of a path."""
    for name in ("../../evil", "", "a/b", "é"):
        with raises(CaseError, "no such clone", repr(name)):
            run_folder(name)
