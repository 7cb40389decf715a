"""How long a job still takes: its phases are announced before they come, and their speed is measured as they run."""

from collections.abc import Mapping, Sequence
from math import exp
from typing import NamedTuple

REMEMBERED_S = 20.0  # time constant of a rate's moving mean
_MEASURED_S = 0.5  # the shortest time over which a rate is meaningful


class Phase(NamedTuple):
    """One phase of a job, announced before it begins.

    Attributes:
        stage: how the stages that belong to it begin, such as "Querying the suspect".
        units: how much there is to do; its reports say it exactly once it runs.
        unit_s: seconds for each unit, until more is known.
        own: whether `unit_s` was measured on this very suspect, so that other cases know less.
    """

    stage: str
    units: float
    unit_s: float
    own: bool = False


class Part(NamedTuple):
    """A phase as it stands: its share of the whole job's time, and how much of it is done, both from 0 to 1."""

    stage: str
    share: float
    done: float


class Rate:
    """Units per second in one stage, as an exponential moving mean."""

    def __init__(self) -> None:
        self._stage: str | None = None
        self._done = 0
        self._time = self._units = self._seconds = 0.0

    def add(self, stage: str, done: int, now: float) -> None:
        """Record the units done at a time in seconds; another stage, or fewer units, starts a new rate."""
        if stage != self._stage or done < self._done:
            self._stage, self._units, self._seconds = stage, 0.0, 0.0
        else:
            fading = exp((self._time - now) / REMEMBERED_S)
            self._units = self._units * fading + (done - self._done)
            self._seconds = self._seconds * fading + (now - self._time)
        self._done, self._time = done, now

    @property
    def value(self) -> float | None:
        """The rate; None while too little was measured."""
        return self._units / self._seconds if self._seconds >= _MEASURED_S and self._units else None


class Estimate:
    """The time that a job still takes, from its phases and what it reports.

    A phase ends when a later one begins; what an earlier one reports after that is ignored. Where no phases are known,
    only the time left in the present stage is.
    """

    def __init__(
        self, phases: Sequence[Phase], own: Mapping[str, float] | None = None, others: Mapping[str, float] | None = None
    ) -> None:
        """Announce the phases.

        Args:
            phases: in their order.
            own: seconds per unit, by stage, of earlier jobs on the same suspect.
            others: the same of jobs on any suspect.
        """
        own, others = own or {}, others or {}
        self._phases = list(phases)
        self._unit_s = [
            own.get(one.stage) or (one.unit_s if one.own else others.get(one.stage, one.unit_s)) for one in phases
        ]
        self._units = [one.units for one in phases]
        self._at = -1  # the phase that runs; before the first report, none does
        self._rate = Rate()
        self._began = self._last = 0.0
        self._first = self._done = self._total = 0
        self._noted: set[str] = set()  # stages whose speed was measured

    def report(self, stage: str, done: int, total: int, now: float) -> None:
        """Record a report at a time in seconds; a stage that belongs to no phase leaves the present one running."""
        self._rate.add(stage, done, now)
        ahead = range(max(self._at, 0), len(self._phases))
        place = next((i for i in ahead if stage.startswith(self._phases[i].stage)), None)
        if self._phases and place is None:
            return
        if place is not None and place != self._at:
            self._note_speed(now)
            self._at, self._began, self._first = place, now, done
        self._done, self._total, self._last = done, total, now
        if place is not None and total > 0:
            self._units[place] = total

    def end(self, now: float) -> None:
        """Note that the job ended at a time in seconds, after its last phase."""
        self._note_speed(now)

    @property
    def rate(self) -> float | None:
        """Units per second of the present stage; None while unknown."""
        return self._rate.value

    def seconds_left(self, now: float) -> float | None:
        """Seconds left at a time in seconds; None while nothing is known."""
        rate = self._rate.value
        if not self._phases:
            return max(self._total - self._done, 0) / rate if rate else None
        left = sum(
            units * unit_s for units, unit_s in list(zip(self._units, self._unit_s, strict=True))[self._at + 1 :]
        )
        if self._at >= 0:
            unit_s = 1 / rate if rate else self._unit_s[self._at]
            units = self._units[self._at] - (self._done if self._total > 0 else 0)
            left += max(units * unit_s - (now - self._last), 0.0)
        return float(left)

    def parts(self) -> tuple[Part, ...]:
        """Every phase as it stands; empty where none was announced."""
        rate = self._rate.value
        weights = [units * unit_s for units, unit_s in zip(self._units, self._unit_s, strict=True)]
        if self._at >= 0 and rate:
            weights[self._at] = self._units[self._at] / rate
        whole = sum(weights) or 1.0
        return tuple(
            Part(one.stage, weight / whole, self._share_done(place))
            for place, (one, weight) in enumerate(zip(self._phases, weights, strict=True))
        )

    def speeds(self) -> dict[str, float]:
        """Seconds per unit of the phases that ended and took long enough to be measured."""
        return {one.stage: self._unit_s[place] for place, one in enumerate(self._phases) if one.stage in self._noted}

    def _share_done(self, place: int) -> float:
        if place != self._at:
            return float(place < self._at)
        return min(max(self._done / self._total, 0.0), 1.0) if self._total > 0 else 0.0

    def _note_speed(self, now: float) -> None:
        """Measure the phase that ends now, from its beginning in this process."""
        seconds, units = now - self._began, self._done - self._first
        if self._at >= 0 and seconds >= _MEASURED_S:
            self._unit_s[self._at] = seconds / (units or self._units[self._at] or 1)
            self._noted.add(self._phases[self._at].stage)
