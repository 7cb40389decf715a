"""The report: all findings on one self-contained page."""

import base64
import io
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from PIL import Image

from fdcore.case.records import CaseFacts, settings_as_written
from fdcore.method.findings import ClassFinding
from fdcore.method.grades import GRADES_IN_WORDS
from fdcore.method.selection import SelectionSettings
from fdcore.records import from_plain, to_plain
from fdcore.report.audit import details_in_words
from fdcore.report.rerun import rerun_commands
from fdcore.report.sections import ClonesSection, Record, WordsSection
from fdcore.verdict import Verdict

MAX_CLASSES_WITH_PICTURES = 100
PICTURES_PER_CLASS = 12
_THUMBNAIL = 96


def render_report(
    facts: CaseFacts,
    head: Mapping[str, Any],
    classes: Sequence[Mapping[str, Any]],
    findings: Sequence[ClassFinding],
    pixels: npt.NDArray[np.uint8] | None,
    *,
    verdict: Verdict,
    words: WordsSection | None = None,
    clones: ClonesSection | None = None,
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
        words: claims against these findings; None where they were never compared.
        clones: clones side by side; None where none was tested.
        record: the test query and the audit log; None leaves them out.
    """
    suspect = facts.suspect
    settings = from_plain(SelectionSettings, settings_as_written(head["settings"]), what="the settings")
    evidence = facts.evidence or {"name": facts.description, "size": 0, "sha256": ""}
    return _template().render(
        evidence=evidence, suspect=suspect, corpus=facts.corpus, head=head, verdict=verdict, words=words,
        clones=clones, classes=classes, domain=found_domain(classes), record=record,
        commands=rerun_commands(facts, settings), limited=not settings.without_limits,
        held_out=settings.held_out, grades=GRADES_IN_WORDS,
        shown=[] if pixels is None else _with_pictures(classes, findings, pixels),
        n_with_pictures=sum(len(finding.filtered.kept) > 0 for finding in findings),
        preprocessing=details_in_words(to_plain(suspect.preprocessing)) if suspect else "",
        asking=details_in_words(to_plain(facts.asking) if facts.asking else {})
        or "nothing: recorded answers were used",
    )  # fmt: skip


@cache
def _template() -> Template:
    """The compiled page; compiling it takes longer than rendering it."""
    environment = Environment(
        loader=PackageLoader("fdcore.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html")


def found_domain(classes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What was found, each name once: the most classes first, then the highest L.

    Args:
        classes: selection.json's classes.

    Returns:
        Rows of label, ancestor, classes (their numbers), labels (of the selected leaves), functional (mean L).
    """
    rows: dict[str, dict[str, Any]] = {}
    for entry in classes:
        if entry["status"] != "found":
            continue
        key = str(entry["ancestor"] or entry["ancestor_label"])
        empty: dict[str, Any] = {"classes": [], "labels": [], "scores": []}
        row = rows.setdefault(key, {"label": entry["ancestor_label"], "ancestor": entry["ancestor"]} | empty)
        row["classes"].append(entry["target_class"])
        row["labels"] += [label for label in entry["labels"] if label not in row["labels"]]
        row["scores"].append(entry["functional_score"])
    for row in rows.values():
        scores = row.pop("scores")
        row["functional"] = sum(scores) / len(scores)
    return sorted(rows.values(), key=lambda row: (-len(row["classes"]), -row["functional"], row["label"]))


def _with_pictures(
    classes: Sequence[Mapping[str, Any]], findings: Sequence[ClassFinding], pixels: npt.NDArray[np.uint8]
) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = []
    for entry, finding in zip(classes, findings, strict=True):
        kept = finding.filtered.kept[:PICTURES_PER_CLASS]
        if not len(kept) or len(shown) == MAX_CLASSES_WITH_PICTURES:
            continue
        pictures = [
            {"data": _png(pixels[image]), "alt": f"consistency {consistency:.0%}"}
            for image, consistency in zip(kept.tolist(), finding.filtered.consistency.tolist(), strict=False)
        ]
        shown.append({
            "target_class": entry["target_class"], "label": entry["ancestor_label"],
            "words": ", ".join(entry["labels"]), "n_kept": len(finding.filtered.kept), "pictures": pictures,
        })  # fmt: skip
    return shown


def _png(picture: npt.NDArray[np.uint8]) -> str:
    """A thumbnail as base64 PNG."""
    image = Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture)
    image.thumbnail((_THUMBNAIL, _THUMBNAIL))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
