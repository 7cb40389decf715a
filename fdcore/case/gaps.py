"""A case's comparisons of training and test splits."""

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.records import from_plain, to_plain
from fdcore.verdict.gap import Gap


def read_gaps(case: Case) -> tuple[Gap, ...]:
    """Every comparison, the oldest first.

    Raises:
        CaseError: their record is damaged.
    """
    if not case.has(layout.GAPS):
        return ()
    return from_plain(tuple[Gap, ...], case.read_json(layout.GAPS).get("gaps"), what=f"the record {layout.GAPS}")


def add_gap(case: Case, gap: Gap) -> None:
    """Add a comparison to the record; the caller logs it and excludes others."""
    case.write_json(layout.GAPS, {"gaps": to_plain((*read_gaps(case), gap))})
