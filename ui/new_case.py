"""A new case about the same suspect, with other options or other folders."""

from dataclasses import replace
from typing import Any

from fdcore.case.casebook import ASSIGNED
from ui import frame
from ui.frame import Desk
from ui.state import RESET


def about_this_suspect(desk: Desk, difference: str, *, page: str, **parts: Any) -> None:
    """Create the case, check its suspect, and open its `page`.

    The permission to open a file that no scanner could judge is not copied: it was given for one case.

    Args:
        difference: appended to the title.
        parts: fields of the plan to copy besides the suspect's options.
    """
    evidence, options = desk.case.evidence(), desk.case.plan().suspect
    facts = desk.case.facts()
    case_id = desk.book.create(
        f"{(facts.title or evidence.name)[:90]} ({difference})", by=desk.by,
        **{name: getattr(facts, name) for name in ASSIGNED},
    )  # fmt: skip
    desk.book.open(case_id).change_plan(suspect=replace(options, allow_unscanned=False), by=desk.by, **parts)
    params = {"source": str(evidence.path), "samples": [], "cache": str(desk.places.cache)}
    desk.jobs.submit("suspect", case_id, params, by=desk.by)
    frame.go_to(page, **RESET, case=case_id)
