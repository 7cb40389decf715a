"""Another case about the suspect of this one: other options, or other folders."""

from dataclasses import replace
from typing import Any

from ui import frame
from ui.frame import Desk
from ui.state import AFRESH


def about_this_suspect(desk: Desk, difference: str, *, page: str, **parts: Any) -> None:
    """Make the case, have its suspect checked, and go there.

    The permission to open a file that no scanner could judge is not taken along: it was given for one case.

    Args:
        desk: the page's.
        difference: what is other, for the title.
        page: where to go.
        parts: fields of the plan to take along beside the suspect's options.
    """
    evidence, options = desk.case.evidence(), desk.case.plan().suspect
    title = desk.card.title if desk.card else evidence.name
    case_id = desk.book.create(f"{title[:90]} ({difference})", by=desk.by)
    desk.book.open(case_id).change_plan(suspect=replace(options, allow_unscanned=False), by=desk.by, **parts)
    params = {"source": str(evidence.path), "samples": [], "cache": str(desk.places.cache)}
    desk.jobs.submit("suspect", case_id, params, by=desk.by)
    frame.go_to(page, **AFRESH, case=case_id)
