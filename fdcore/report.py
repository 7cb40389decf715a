"""The report: everything found, on one page that needs nothing else."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from fdcore.artefacts import ClassFinding

MAX_CLASSES_WITH_PICTURES = 100
PICTURES_PER_CLASS = 12
_THUMBNAIL = 96


def render_report(
    facts: Mapping[str, Any],
    head: Mapping[str, Any],
    classes: Sequence[Mapping[str, Any]],
    overall: Mapping[str, Any],
    findings: Sequence[ClassFinding],
    pixels: npt.NDArray[np.uint8] | None,
) -> str:
    """Render a case's findings as self-contained HTML; every text in it is escaped.

    Args:
        facts: the content of case.json.
        head: settings and counts of the analysis.
        classes: selection.json's classes.
        overall: the whole model's L and S.
        findings: the same classes with their images.
        pixels: (n_images, H, W, C) the corpus' images, or None where they are not at hand.
    """
    environment = Environment(
        loader=PackageLoader("fdcore"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    suspect = facts["suspect"]
    evidence = facts.get("evidence") or {"name": suspect["description"], "size": 0, "sha256": ""}
    return environment.get_template("report.html").render(
        evidence=evidence,
        suspect=suspect,
        corpus=facts["corpus"],
        head=head,
        overall=overall,
        classes=classes,
        shown=[] if pixels is None else _with_pictures(classes, findings, pixels),
        preprocessing=_pairs(suspect["preprocessing"]),
        asking=_pairs(facts.get("asking") or {}) or "nothing: recorded answers were used",
    )


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
        words = ", ".join(entry["labels"])
        shown.append(
            {
                "target_class": entry["target_class"],
                "label": entry["ancestor_label"],
                "words": words,
                "pictures": pictures,
            }
        )
    return shown


def _png(picture: npt.NDArray[np.uint8]) -> str:
    """A thumbnail as base64 PNG."""
    image = Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture)
    image.thumbnail((_THUMBNAIL, _THUMBNAIL))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in values.items())
