"""The conclusions of a case as its files: tables, verdict and report, without querying the suspect.

`analyse` reads a case, weighs its answers and writes the files `WRITTEN`.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fdcore.case import layout, tables, validation
from fdcore.case.case import Case, to_json
from fdcore.case.conclusions import (
    compared_answers,
    judge,
    kept_chance,
    load_scored,
    overview,
    pixels_of,
    read_choices,
    selection_settings,
)
from fdcore.case.custody import require_unchanged
from fdcore.case.records import KeptChance
from fdcore.errors import CaseError
from fdcore.method.findings import Findings, Pictures, weigh
from fdcore.method.selection import SelectionSettings
from fdcore.progress import Progress, silent
from fdcore.records import to_plain
from fdcore.report.page import render_report
from fdcore.report.sections import Record
from fdcore.storage import sha256_file
from fdcore.verdict import Verdict, ask_untrained, verdict_as_dict
from fdcore.version import __version__
from fdcore.work.sections import clones_for_report, notes_for_report, record_for_report, words_for_report

if TYPE_CHECKING:
    import pandas as pd

WRITTEN = (
    layout.SCORES_CSV, layout.SCORES_JSON, layout.SCORES_PARQUET, layout.SELECTION_CSV, layout.SELECTION,
    layout.IMAGES_CSV, layout.VERDICT, layout.REPORT,
)  # fmt: skip
WITHOUT = "without"  # in selection.json: what would be found without the answer


def analyse(
    folder: Path,
    settings: SelectionSettings | None = None,
    *,
    cache: Path | None = None,
    by: str = "",
    replacing: SelectionSettings | None = None,
    progress: Progress = silent,
) -> Findings:
    """Draw the conclusions from a case's answers again, and write them into the case.

    Args:
        folder: the case's folder.
        settings: alpha, eta, tau, k, k_max; None for those of the last analysis.
        cache: where decoded images are kept, for the pictures in the report.
        by: who requests it, for the audit log.
        replacing: the settings of the conclusions that may be replaced; None for any.
        progress: a listener.

    Raises:
        CaseError: the case is damaged, or has not been scored yet, or holds other conclusions than those to replace.
    """
    case = Case.open(folder)
    with case.exclusively():
        if replacing is not None and selection_settings(case) != replacing:
            raise CaseError(
                "Somebody saved other conclusions in this case meanwhile. Look at them; save again to replace them.",
                key="conclusions changed",
            )
        return conclude(case, settings or selection_settings(case), pixels_of(case, cache), by=by, progress=progress)


def conclude(
    case: Case,
    settings: SelectionSettings,
    pixels: Pictures | None,
    *,
    by: str = "",
    compare: bool = False,
    progress: Progress = silent,
) -> Findings:
    """Weigh a case's answers and write all tables and the report; the caller holds the case's lock.

    With `compare`, untrained networks are queried with the same pictures first, unless they were for these answers.
    """
    if case.facts().evidence:
        case.evidence()  # verifies its hash before every export
    require_unchanged(case, layout.LEDGER, layout.CORPUS, layout.HIERARCHY, layout.CHOICES)
    scored = load_scored(case)
    findings = weigh(scored, settings, read_choices(case))
    if compare and pixels is not None and kept_chance(scored, case.facts()) is None:
        _compare(case, findings, pixels, progress)
    written = _write_findings(case, findings, pixels, progress)
    case.record_versions("analysed")
    validated, kept = validation.current()
    if kept is not None:
        case.write(layout.VALIDATION, kept.content)
    case.record(selection=settings, state="analysed", written=written, validation=validated)
    details = {"settings": asdict(settings), "n_found": findings.overall.n_found,
               "validation": validated.sha256 or "none", "written": written}  # fmt: skip
    case.log("analysed", details | ({"by": by} if by else {}))
    return findings


def _compare(case: Case, findings: Findings, pixels: Pictures, progress: Progress) -> None:
    """Query untrained networks with the same pictures, and keep the comparison; nothing for a small corpus."""
    chance = ask_untrained(findings, pixels, progress)
    if chance is None:
        return
    numbers = {field.name: getattr(chance, field.name) for field in fields(chance)}
    kept = KeptChance(**numbers, of=compared_answers(findings.scored))
    case.record(chance=kept)
    case.log("compared with untrained networks", to_plain(kept))


def draw_report(case: Case, findings: Findings, pixels: Pictures | None, record: Record | None = None) -> str:
    """The report on findings as self-contained HTML; nothing is written."""
    verdict = judge(findings, case.facts())
    return _report(case, findings, verdict, _classes(findings, verdict), pixels, record)


def full_report(folder: Path, *, cache: Path | None = None) -> str:
    """The report on a case's saved conclusions, with its test query and audit log, as self-contained HTML.

    Args:
        folder: the case's folder.
        cache: where decoded images are kept, for the pictures in the report.

    Raises:
        CaseError: the case is damaged, or has not been scored yet.
    """
    case = Case.open(folder)
    findings = weigh(load_scored(case), selection_settings(case), read_choices(case))
    return draw_report(case, findings, pixels_of(case, cache), record_for_report(case, findings))


def agrees_with_files(case: Case, findings: Findings) -> bool:
    """Whether the case's files hold these findings; not where a choice was locked or a file changed since.

    selection.json is compared with the findings, and each file with the hash that was recorded when it was written.
    Cases of earlier versions record no hashes, or none of scores.parquet.
    """
    try:
        kept, written = case.read_json(layout.SELECTION).get("classes"), case.facts().written
        if written is not None:
            names = [name for name in WRITTEN if name != layout.SCORES_PARQUET or name in written]
            if any(written.get(name) != sha256_file(case.path(name)) for name in names):
                return False
    except (CaseError, OSError):  # a file is damaged or missing
        return False
    classes = tables.selection_to_json(findings.classes, findings.scored.scores, findings.scored.hierarchy)
    own = [{name: value for name, value in entry.items() if name != WITHOUT} for entry in kept or ()]
    return bool(own == json.loads(json.dumps(classes)))


def has_later_notes(case: Case) -> bool:
    """Whether tags or comments were changed after the case's report was written, which shows them."""
    shown, now = (case.facts().written or {}).get(layout.NOTES), _digest_of_notes(case).get(layout.NOTES)
    return shown != now


def _digest_of_notes(case: Case) -> dict[str, str]:
    """Their file's SHA-256 in hex by its name; empty where there are none."""
    return {layout.NOTES: sha256_file(case.path(layout.NOTES))} if case.has(layout.NOTES) else {}


def _classes(findings: Findings, verdict: Verdict) -> list[dict[str, Any]]:
    """selection.json's classes, each with what would be found without its answer, where it was looked at."""
    classes = tables.selection_to_json(findings.classes, findings.scored.scores, findings.scored.hierarchy)
    for target, rest in verdict.rests.items():
        classes[target][WITHOUT] = rest.as_dict()
    return classes


def _report(
    case: Case,
    findings: Findings,
    verdict: Verdict,
    classes: list[dict[str, Any]],
    pixels: Pictures | None,
    record: Record | None = None,
) -> str:
    return render_report(
        case.facts(), _head(findings, rows_left_out=True), classes, findings, pixels,
        verdict=verdict, overview=overview(findings, verdict, case.facts()), words=words_for_report(case, findings),
        clones=clones_for_report(case, findings.settings, read_choices(case)), notes=notes_for_report(case),
        record=record,
    )  # fmt: skip


def _head(findings: Findings, *, rows_left_out: bool = False) -> dict[str, Any]:
    scored = findings.scored
    head = {"fdcore": __version__, "n_sent": scored.n_sent, "complete": scored.complete,
            "design_effect": scored.scores.design_effect, "settings": asdict(findings.settings)}  # fmt: skip
    return head | ({"rows_left_out": tables.n_left_out(scored.scores)} if rows_left_out else {})


def contents(case: Case, findings: Findings, pixels: Pictures | None) -> dict[str, Callable[[], bytes]]:
    """A function for each of `WRITTEN` that gives its content; nothing is written."""
    scored, total, head = findings.scored, asdict(findings.overall), _head(findings)
    verdict = judge(findings, case.facts())
    scores, hierarchy = scored.scores, scored.hierarchy
    rows = tables.score_rows(scores, hierarchy)
    selected = tables.selection_rows(findings.classes, scores, hierarchy, verdict.outcome)
    classes = _classes(findings, verdict)
    return {
        layout.SCORES_CSV: lambda: rows.to_csv(index=False, lineterminator="\n").encode(),
        layout.SCORES_JSON: lambda: _table_json(_head(findings, rows_left_out=True), rows),
        layout.SCORES_PARQUET: lambda: tables.scores_to_parquet(scores, hierarchy),
        layout.SELECTION_CSV: lambda: tables.selection_to_csv(selected),
        layout.SELECTION: lambda: to_json(head | {"overall": total, "classes": classes}),
        layout.IMAGES_CSV: lambda: tables.image_rows_to_csv(findings.classes, scored.images, hierarchy),
        layout.VERDICT: lambda: to_json(head | {"head": _in_short(case, findings, verdict)} | verdict_as_dict(verdict)),
        layout.REPORT: lambda: _report(case, findings, verdict, classes, pixels).encode(),
    }


def _write_findings(case: Case, findings: Findings, pixels: Pictures | None, progress: Progress) -> dict[str, str]:
    """Write all of `WRITTEN` and return the hex SHA-256 of each."""
    made = contents(case, findings, pixels)
    written = _digest_of_notes(case)  # the notes that the report shows
    for done, name in enumerate(WRITTEN, start=1):
        content = made[name]()
        case.write(name, content)
        written[name] = hashlib.sha256(content).hexdigest()
        progress("Writing results", done, len(WRITTEN))
    return written


def _in_short(case: Case, findings: Findings, verdict: Verdict) -> dict[str, Any]:
    return asdict(overview(findings, verdict, case.facts()).head)


def _table_json(head: dict[str, Any], rows: "pd.DataFrame") -> bytes:
    body = rows.to_json(orient="records", force_ascii=False)
    return f'{json.dumps(head, ensure_ascii=False)[:-1]}, "scores": {body}}}\n'.encode()
