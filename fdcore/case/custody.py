"""What a case's own check says, for the engine and the pages; `fdcore.case.verify` does the checking."""

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.verify import Checked, check
from fdcore.errors import CaseError


def check_case(case: Case, keys: tuple[bytes, ...] = ()) -> Checked:
    """Check the whole case: its log, its signatures, every file.

    Args:
        keys: public keys (PEM); from their first signature on, every entry must be signed by one of them.
    """
    return check(case.folder, keys)


def require_unchanged(case: Case, *places: str, finished: bool = False) -> Checked:
    """Refuse to work with files that are not what the audit log says.

    Args:
        places: files of the case, or folders in it; none for all.
        finished: whether unfinished work is refused too, and not only what was changed.

    Raises:
        CaseError: one was changed or is missing, or the log is broken, or (where all is checked) a timestamp is false.
    """
    checked = check(case.folder, only=places)
    if checked.broken:
        raise CaseError(
            f"The audit log {case.path(layout.AUDIT)} was changed: {checked.broken}. Restore it from a copy.",
            key="audit log changed",
        )
    if checked.wrong:
        one = checked.wrong[0]
        what = "is missing" if one.state == "missing" else f"was changed since entry {one.entry} of the audit log"
        raise CaseError(
            f"{case.path(one.name)} {what}. Restore it from a copy of the case; `fdcore check` lists everything.",
            key="file changed",
        )
    if finished and (left := [one.name for one in checked.files if one.state == "unfinished"]):
        raise CaseError(
            f"Work on {case.path(left[0])} was killed before it was logged. Run that step again first.",
            key="work unfinished",
        )
    if false := next((one for one in checked.stamps if one.problem), None):
        raise CaseError(
            f"The timestamp {case.path(false.name)} {false.problem}. Restore it from a copy of the case.",
            key="timestamp false",
        )
    return checked
