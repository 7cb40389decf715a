"""Views: settings that an analyst saved in a case under a name; and the history of its conclusions."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.records import settings_as_written
from fdcore.errors import CaseError
from fdcore.method.selection import SelectionSettings
from fdcore.records import from_plain, to_plain
from fdcore.storage import only_one

MAX_NAME, MAX_VIEWS = 60, 100


@dataclass(frozen=True)
class SavedView:
    """Settings under a name.

    Attributes:
        name: unique in its case.
        by: who saved it; may be empty.
        saved: ISO 8601, UTC.
    """

    name: str
    settings: SelectionSettings
    by: str
    saved: str


@dataclass(frozen=True)
class _Views:
    """The content of views.json."""

    views: tuple[SavedView, ...] = ()


@dataclass(frozen=True)
class Concluded:
    """One time that conclusions were written into a case.

    Attributes:
        n: the number of the audit log's entry.
        time: ISO 8601, UTC.
        by: may be empty.
        settings: None where an earlier version recorded settings that this one does not know.
        n_found: how many classes were found.
    """

    n: int
    time: str
    by: str
    settings: SelectionSettings | None
    n_found: int


def read_views(case: Case) -> tuple[SavedView, ...]:
    """The case's views in the order of their names.

    Raises:
        CaseError: they are damaged.
    """
    if not case.has(layout.VIEWS):
        return ()
    return from_plain(_Views, case.read_json(layout.VIEWS), what=f"{case.path(layout.VIEWS)}").views


def save_view(case: Case, name: str, settings: SelectionSettings, *, by: str = "") -> None:
    """Save settings under a name; a view of that name is replaced.

    Raises:
        CaseError: the name is empty, there are too many views, or they are damaged.
    """
    name = " ".join("".join(c if c.isprintable() else " " for c in name).split())[:MAX_NAME]
    if not name:
        raise CaseError("The view needs a name, such as “general” or “as reported first”.", key="view without name")
    view = SavedView(name, settings, by, datetime.now(UTC).isoformat(timespec="seconds"))
    _change(case, lambda views: views | {name: view})
    case.log("view saved", {"name": name, "settings": to_plain(settings), "by": by})


def remove_view(case: Case, name: str, *, by: str = "") -> None:
    """Remove a view; one that is not there changes nothing.

    Raises:
        CaseError: the views are damaged.
    """
    if name in {view.name for view in read_views(case)}:
        _change(case, lambda views: {key: view for key, view in views.items() if key != name})
        case.log("view removed", {"name": name, "by": by})


def read_history(case: Case) -> tuple[Concluded, ...]:
    """Every time that conclusions were written, the latest first, from the audit log.

    Raises:
        CaseError: the log was changed.
    """
    return tuple(_concluded(entry) for entry in case.audit() if entry["event"] == "analysed")[::-1]


def _change(case: Case, change: Callable[[dict[str, SavedView]], dict[str, SavedView]]) -> None:
    with only_one(case.folder / ".views.lock"):
        views = change({view.name: view for view in read_views(case)})
        if len(views) > MAX_VIEWS:
            raise CaseError(
                f"This case has {MAX_VIEWS} views already. Remove one that nobody needs.", key="too many views"
            )
        case.write_json(layout.VIEWS, to_plain(_Views(tuple(views[name] for name in sorted(views)))))


def _concluded(entry: dict[str, Any]) -> Concluded:
    details = entry["details"]
    try:
        written = settings_as_written(details["settings"])
        settings = from_plain(SelectionSettings, written, what="the settings in the audit log")
    except (CaseError, KeyError):
        settings = None
    found = details.get("n_found")
    return Concluded(entry["n"], entry["time"], str(details.get("by") or ""), settings, int(found or 0))
