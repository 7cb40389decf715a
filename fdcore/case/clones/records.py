"""The record of each clone, and the images of its transfer set."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from fdcore.case.case import Case
from fdcore.case.records import settings_as_written
from fdcore.cloning.run import TRANSFER, CloneRun
from fdcore.cloning.settings import OF_FINDING, CloneRequest, Source, SourceKind
from fdcore.errors import CaseError
from fdcore.method.choices import Choice
from fdcore.method.selection import SelectionSettings
from fdcore.records import from_plain, to_plain

FOLDER = "cloning"
RUNS = f"{FOLDER}/runs"


def run_folder(run_id: str) -> str:
    """The folder of a run within its case.

    Raises:
        CaseError: the id is not valid; it may come from a link.
    """
    if not run_id or not run_id.replace("-", "").replace("_", "").isalnum() or not run_id.isascii():
        raise CaseError(f"There is no clone called {run_id[:80]!r} in this case.", key="no such clone")
    return f"{RUNS}/{run_id}"


def read_run(case: Case, run_id: str) -> CloneRun:
    """One run's record.

    Raises:
        CaseError: there is none, or it is damaged.
    """
    content = case.read_json(f"{run_folder(run_id)}/run.json")
    if isinstance(drawn_by := content.get("transfer"), dict):
        drawn_by.setdefault("any_leaf", False)  # earlier versions took found leaves alone
    return from_plain(CloneRun, content, what="the record of a clone")


def write_run(case: Case, run: CloneRun) -> None:
    """Write a run's record, replacing an earlier one."""
    case.write_json(f"{run_folder(run.id)}/run.json", to_plain(run))


def read_runs(case: Case) -> tuple[CloneRun, ...]:
    """Every clone whose record can be read, the oldest first; `damaged_runs` names the others."""
    return tuple(sorted((run for _, run in _records(case) if isinstance(run, CloneRun)), key=lambda run: run.created))


def damaged_runs(case: Case) -> dict[str, str]:
    """Why a run's record cannot be read, by the run's id."""
    return {run_id: str(error) for run_id, error in _records(case) if isinstance(error, CaseError)}


def _records(case: Case) -> Iterator[tuple[str, CloneRun | CaseError]]:
    for path in sorted(case.path(RUNS).glob("*/run.json")):
        try:
            run = read_run(case, path.parent.name)
            if run.id != path.parent.name:
                raise CaseError(
                    f"{path} is the record of another clone. Restore it from a copy of the case.", key="another clone"
                )
            yield run.id, run
        except CaseError as error:
            yield path.parent.name, error


def last_request(case: Case) -> CloneRequest | None:
    """The last request in this case, as the start of the next; None if there is none or it is damaged.

    It may come from an imported case: a server must check that its folders lie inside its own.
    """
    try:
        return from_plain(CloneRequest, case.facts().cloning, what="the last request for clones")
    except CaseError:
        return None


def trained_on(case: Case, run_id: str) -> npt.NDArray[np.uint64]:
    """The ids of the images in a clone's transfer set.

    Raises:
        CaseError: the table is missing or damaged.
    """
    import pandas as pd

    path = case.path(f"{run_folder(run_id)}/{TRANSFER}")
    try:
        images = pd.read_parquet(path, columns=["image"])["image"]
        return np.array([int(image, 16) for image in images.unique()], dtype=np.uint64)
    except (OSError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise CaseError(
            f"{path} is damaged ({error}). Remove this clone and train it again.", key="transfer set damaged"
        ) from error


def finding_of(
    source: Source, settings: SelectionSettings, choices: Mapping[int, Choice], corpus: str
) -> dict[str, Any]:
    """What identifies the finding that a source draws from, JSON-ready; empty for sources without a finding.

    With one term, alpha is 1 and nothing is locked. `corpus` is the fingerprint of the corpus.
    """
    if source.kind not in OF_FINDING:
        return {}
    finding: dict[str, Any] = to_plain(settings) | {"corpus": corpus[:16]}
    if source.kind is SourceKind.ONE_TERM:
        return finding | {"alpha": 1.0}
    locked = {str(i): asdict(choice) for i, choice in choices.items()}
    return finding | {"locked": json.loads(json.dumps(locked))}


def made_from_another_finding(
    run: CloneRun, settings: SelectionSettings, choices: Mapping[int, Choice], corpus: str
) -> bool:
    """Whether a clone was made from a finding whose settings, locked answers or corpus differ from these."""
    made_from = settings_as_written(run.selection) if run.selection else {}
    return made_from != finding_of(run.source, settings, choices, corpus)
