"""Readings of a suspect's file that were compared: what each would be, and what the suspect answers under it."""

from dataclasses import dataclass, replace
from typing import Any

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.plan import SuspectOptions
from fdcore.case.records import ReadingFacts
from fdcore.method.information import least_lead
from fdcore.records import from_plain, to_plain
from fdcore.suspect.preprocess import Origin, PreprocessSpec

N_SHOWN = 6
MAX_NAMED = 3


@dataclass(frozen=True)
class Reading:
    """One way to read a suspect's file, and what its answers to the same pictures say.

    Attributes:
        name: what distinguishes it, such as "signed, BGR".
        options: how the file is opened in this reading.
        title, spec, fingerprint, n_classes: the suspect as opened.
        bits: mutual information between leaf and answer beyond chance.
        behind: by how many bits it is behind the best reading, and the standard error of that; zeros for the best.
        alike: the share of the pictures that it answers as the best reading does.
        n_used: classes that were answered at all.
        sum_l: the sum of L over the classes found.
        n_found: how many were found.
        label_set: the known label set that agrees best, such as "CIFAR-10: 8 of 10"; empty where none does.
        shown: the answers to the pictures shown.
        n_queries: how many pictures it was sent.
    """

    name: str
    options: SuspectOptions
    title: str
    spec: PreprocessSpec
    fingerprint: str
    n_classes: int
    bits: float
    behind: tuple[float, float]
    alike: float
    n_used: int
    sum_l: float
    n_found: int
    label_set: str
    shown: tuple[int, ...]
    n_queries: int


@dataclass(frozen=True)
class Readings:
    """The readings that were compared, the best first.

    Attributes:
        readings: all of them, those of earlier comparisons included.
        ahead: whether the first is clearly ahead of the second.
        n_leaves, n_images, n_views: what each was sent.
        pictures: names of the pictures shown.
        not_opened: readings that the file does not allow, with the reason.
        taken: the reading that was taken, by name; empty until then.
        in_use: the reading that the file is opened with, by name; empty in cases of earlier versions.
    """

    readings: tuple[Reading, ...]
    ahead: bool
    n_leaves: int
    n_images: int
    n_views: int
    pictures: tuple[str, ...] = ()
    not_opened: tuple[tuple[str, str], ...] = ()
    taken: str = ""
    in_use: str = ""

    @property
    def not_possible(self) -> tuple[str, ...]:
        """The readings that the file does not allow, a line for each reason. Untrusted text."""
        reasons = dict.fromkeys(reason for _, reason in self.not_opened)
        return tuple(
            f"{', '.join(name for name, why in self.not_opened if why == reason)} ({reason})" for reason in reasons
        )


def reading_in_words(found: Readings) -> str:
    """Which reading is right, and which one is in use and why, in one to four sentences."""
    first, *others = found.readings
    if not others:
        return f"The file leaves nothing open: {first.name} is its only reading."
    if found.ahead:
        return f"{first.name} is clearly ahead: its answers say most about what is on the pictures.{_use(found)}"
    close = [one for one in others if _is_close(one, first)] or [others[0]]
    least = min(one.alike for one in close)
    more = f"; and {len(close) - MAX_NAMED} more" if len(close) > MAX_NAMED else ""
    named = "; ".join(one.name for one in close[:MAX_NAMED]) + more
    as_good = "another one is" if len(close) == 1 else f"{len(close)} others are"
    return (
        f"The answers do not show which is right: {first.name} says most, but {as_good} as good within the error "
        f"({named}). These answer at least {least:.0%} of the "
        f"pictures alike.{_use(found)} Add images to the corpus, or compare the verdicts under each of these readings."
    )


def _use(found: Readings) -> str:
    """Which reading is in use and why; empty where that is not recorded."""
    if not found.in_use:
        return ""
    if found.taken == found.in_use:
        return f" {found.taken} was taken."
    best = found.readings[0].name
    if not found.ahead:
        own = next((one for one in found.readings if one.name == found.in_use), found.readings[0])
        behind = "" if _is_close(own, found.readings[0]) else f"; but it is clearly behind {best}, so take another one"
        return f" The reading in use is still {found.in_use}, because none is clearly ahead of all others{behind}."
    until = f" until {best} is taken, on page 1 or by fdcore investigate --identify" if best != found.in_use else ""
    return f" The reading in use is {found.in_use}{until}."


def _is_close(reading: Reading, best: Reading) -> bool:
    """Whether the best reading is not clearly ahead of it."""
    return reading.behind[0] <= least_lead(best.bits, reading.behind[1])


def read_readings(case: Case) -> Readings | None:
    """The case's comparison of readings, or None.

    Raises:
        CaseError: it is damaged.
    """
    if not case.has(layout.READINGS):
        return None
    return from_plain(Readings, case.read_json(layout.READINGS), what=f"{case.path(layout.READINGS)}")


def write_readings(case: Case, found: Readings, *, by: str = "") -> None:
    """Keep a comparison, and log which readings it ranked."""
    case.write_json(layout.READINGS, to_plain(found))
    best = found.readings[0]
    case.record(readings=tuple(
        ReadingFacts(one.name, one.fingerprint, one is best or _is_close(one, best), one.alike, one.label_set)
        for one in found.readings
    ))  # fmt: skip
    ranked: dict[str, Any] = {one.name: round(one.bits, 4) for one in found.readings}
    kept = {"bits": ranked, "ahead": found.ahead, "in_use": found.in_use}
    case.log("readings compared", kept | ({"by": by} if by else {}))


def take_reading(case: Case, name: str, *, by: str = "") -> Readings:
    """Plan to read the suspect as one of the compared readings; its guesses are settled if it is clearly ahead.

    Returns:
        The comparison, with what was taken.

    Raises:
        StopIteration: there is no reading of that name.
        CaseError: the suspect has been queried with the corpus, so that its options are fixed.
    """
    found = read_readings(case)
    assert found is not None  # noqa: S101 - whoever takes one has seen it
    taken = next(one for one in found.readings if one.name == name)
    settled = found.ahead and taken is found.readings[0]
    origins: dict[str, Origin] = {
        name: "bench" if settled and origin == "guess" else origin for name, origin in taken.options.origins.items()
    }
    case.change_plan(suspect=replace(taken.options, origins=origins), by=by)
    found = replace(found, taken=name, in_use=name)
    case.write_json(layout.READINGS, to_plain(found))
    case.log("reading taken", {"reading": name, "ahead": settled} | ({"by": by} if by else {}))
    return found
