"""The report: all findings on one self-contained page."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from fdcore.case.records import CaseFacts, SuspectFacts, settings_as_written
from fdcore.method.findings import Findings
from fdcore.method.grades import SCALE, SCALE_NOTE, measured
from fdcore.method.known_rates import known_rates
from fdcore.method.selection import SelectionSettings
from fdcore.method.sets import compare_sets
from fdcore.records import from_plain, to_plain
from fdcore.report.audit import details_in_words
from fdcore.report.mitigation import limits, mitigations
from fdcore.report.rerun import rerun_commands
from fdcore.report.sections import ClonesSection, NoteRow, Record, WordsSection
from fdcore.report.strips import strip_of
from fdcore.verdict import Overview, Verdict, reason_for
from fdcore.verdict.overview import found_in_words, pictures_of
from fdcore.verdict.reach import counted

MAX_CLASSES_WITH_PICTURES = 100
NOT_RECORDED = "This case does not record whether the installation was validated."


def render_report(
    facts: CaseFacts,
    head: Mapping[str, Any],
    classes: Sequence[Mapping[str, Any]],
    findings: Findings,
    pixels: npt.NDArray[np.uint8] | None,
    *,
    verdict: Verdict,
    overview: Overview,
    words: WordsSection | None = None,
    clones: ClonesSection | None = None,
    notes: Sequence[NoteRow] = (),
    record: Record | None = None,
) -> str:
    """Render a case's findings as self-contained HTML; every text is escaped, and no script can run.

    Args:
        facts: the content of case.json.
        head: settings and counts of the analysis.
        classes: selection.json's classes.
        findings: the same classes with their images.
        pixels: (n_images, H, W, C) the corpus' images; None where they are not available.
        verdict: what all classes together say.
        overview: the same in one picture.
        words: claims against these findings; None where they were never compared.
        clones: clones side by side; None where none was tested.
        notes: the analysts' tags and comments, the oldest first.
        record: the test query and the audit log; None leaves them out.
    """
    suspect, asking = facts.suspect, facts.asking
    if asking and facts.kind == "text":
        asking = replace(asking, views=None)  # the strengths of the views are those of pictures
    settings = from_plain(SelectionSettings, settings_as_written(head["settings"]), what="the settings")
    rates, rates_note = known_rates(settings, facts.kind)
    evidence = facts.evidence or {"name": facts.description, "size": 0, "sha256": ""}
    return _template().render(
        evidence=evidence, suspect=suspect, corpus=facts.corpus, head=head, verdict=verdict, words=words,
        clones=clones, classes=classes, notes=notes, record=record, overview=overview,
        found=found_in_words(overview, head["n_sent"]), reason_for=reason_for,
        strips={} if pixels is None else _strips(findings, overview, pixels),
        commands=rerun_commands(facts, settings), limited=not settings.without_limits,
        held_out=settings.held_out, scale=_scale(verdict), scale_note=SCALE_NOTE,
        mitigations=mitigations(facts, verdict),
        sets=compare_sets(findings.scored), 
        beyond={one.name: one.in_words for one in verdict.chance.sets} if verdict.chance else {},
        label_of=findings.scored.label,
        limits=limits(facts), rates=rates, rates_note=rates_note,
        assigned=(("Title", facts.title), ("Case number", facts.number), ("Agency", facts.agency),
                  ("Examiner", facts.examiner), ("Exhibit", facts.exhibit)),
        examiner=facts.examiner,
        validated=facts.validation.in_words if facts.validation else NOT_RECORDED,
        validation_sha256=facts.validation.sha256 if facts.validation else "",
        preprocessing=_preprocessing(suspect) if suspect else "",
        asking=details_in_words(to_plain(asking) if asking else {})
        or "nothing: recorded answers were used",
    )  # fmt: skip


def _preprocessing(suspect: SuspectFacts) -> str:
    spec = suspect.preprocessing
    if spec.kind == "text":
        return f"none; texts are sent unchanged, at most {spec.width:,} bytes of UTF-8"
    return details_in_words(to_plain(spec))


def _scale(verdict: Verdict) -> list[dict[str, Any]]:
    """The verbal scale, with what was measured and how many classes here have which support."""
    return [
        {"words": words, "grade": word, "n_here": verdict.answers.grades.get(word, 0) if verdict.meaningful else 0,
         **dict(zip(("n_right", "n", "low", "high"), measured(word), strict=True))}
        for word, words in SCALE.items()
    ]  # fmt: skip


@cache
def _template() -> Template:
    """The compiled page; compiling it takes longer than rendering it."""
    environment = Environment(
        loader=PackageLoader("fdcore.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.globals["counted"] = counted
    return environment.get_template("report.html")


def _strips(findings: Findings, overview: Overview, pixels: npt.NDArray[np.uint8]) -> dict[int, str]:
    """The pictures of the first classes that have some, side by side."""
    strips: dict[int, str] = {}
    for row in overview.rows:
        named = row.name and len(strips) < MAX_CLASSES_WITH_PICTURES
        if named and (images := pictures_of(findings.scored, findings.classes[row.target_class])):
            strips[row.target_class] = strip_of([pixels[image] for image in images])
    return strips
