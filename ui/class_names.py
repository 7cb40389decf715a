"""How a class is called on every page."""

from fdcore.method.findings import Findings
from ui.text import shortened


def found_names(findings: Findings) -> list[str | None]:
    """The name of what was found for each class; None where nothing was."""
    return [finding.name.label if finding.name else None for finding in findings.classes]


def class_name(number: int, found: str | None, length: int = 60) -> str:
    """A class's number and what was found for it. Not inert."""
    return f"Class {number}: {shortened(found, length) if found is not None else 'not found'}"
