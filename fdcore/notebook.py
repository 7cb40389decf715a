"""Findings for a notebook: they print themselves, and become tables and figures."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fdcore.case.case import Case
from fdcore.case.conclusions import kept_chance, preprocessing_assumed, weigh_case
from fdcore.errors import SettingsError
from fdcore.method import findings as method
from fdcore.method.selection import SelectionSettings
from fdcore.verdict import Chance, Verdict, judge

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

N_DRAWN = 25  # leaves of one class in a figure
N_PRINTED = 30  # classes in a printed table


class Finding(NamedTuple):
    """The answer for one class.

    Attributes:
        target_class: the class's number.
        name: what the selected leaves have in common; None for a class that was not found.
        leaves: the selected leaves, id to label, best first.
        functional: L, the share of the leaves' views that the suspect put in the class.
        low, high: the 95 % interval of L.
        semantic: S, how close the leaves lie to each other.
        images: the names of the images that represent the class, most consistent first.
        grade: "certain", "likely" or "weak", as often as such answers were right; "" where there is none.
        weaknesses: caveats about the answer.
    """

    target_class: int
    name: str | None
    leaves: dict[str, str]
    functional: float
    low: float
    high: float
    semantic: float
    images: tuple[str, ...]
    grade: str
    weaknesses: tuple[str, ...]

    def __repr__(self) -> str:
        if self.name is None:
            return f"<class {self.target_class}: not found>"
        scores = f"L {self.functional:.2f} ({self.low:.2f} to {self.high:.2f}), S {self.semantic:.2f}"
        return f"<class {self.target_class}: {self.name}; {scores}; {', '.join(self.leaves.values())}>"


@dataclass(frozen=True, repr=False)
class Scored(method.Scored):
    """The answers, and what else the verdict rests on.

    Attributes:
        chance: the comparison with untrained networks; None where it was not made.
        preprocessing_assumed: whether the suspect's preprocessing or architecture was guessed.
    """

    chance: Chance | None = None
    preprocessing_assumed: bool = False

    @classmethod
    def of(cls, scored: method.Scored, chance: Chance | None = None, assumed: bool = False) -> "Scored":
        """The same answers with what the verdict needs."""
        same = {field.name: getattr(scored, field.name) for field in fields(method.Scored)}
        return cls(**same, chance=chance, preprocessing_assumed=assumed)

    def __repr__(self) -> str:
        n_images, n_views = self.answers.shape
        return f"<Scored: {n_images:,} images, {n_views} views, {self.n_sent:,} queries sent>"


@dataclass(frozen=True, repr=False)
class Findings(method.Findings):
    """All findings: `findings[3]` is the answer for class 3; iterating yields every class in order.

    Attributes:
        scored: the answers, to be weighed with other settings (see `fdcore.weigh`).
        settings: how they were weighed.
        classes, overall: the method's own records.
    """

    scored: Scored

    @classmethod
    def weighed(cls, scored: Scored, settings: SelectionSettings) -> "Findings":
        """Answers weighed with these settings."""
        found = method.weigh(scored, settings)
        return cls(scored, settings, found.classes, found.overall)

    @classmethod
    def of(cls, case: Case) -> "Findings":
        """A case's findings, with its own settings and the answers that were locked by hand.

        Raises:
            CaseError: there are no answers yet, or the case is damaged.
        """
        found, facts = weigh_case(case), case.facts()
        scored = Scored.of(found.scored, kept_chance(found.scored, facts), preprocessing_assumed(facts))
        return cls(scored, found.settings, found.classes, found.overall)

    @cached_property
    def verdict(self) -> Verdict:
        """What all classes together mean, if anything."""
        scored = self.scored
        return judge(self, preprocessing_assumed=scored.preprocessing_assumed, chance=scored.chance)

    def __len__(self) -> int:
        return len(self.classes)

    def __getitem__(self, target_class: int) -> Finding:
        if not 0 <= target_class < len(self):
            raise SettingsError(
                f"There is no class {target_class}; the suspect has classes 0 to {len(self) - 1}.",
                key="class out of range",
            )
        found, scored = self.classes[target_class], self.scored
        winner, name = found.selection.winner, found.name
        if winner is None or name is None:
            return Finding(target_class, None, {}, math.nan, math.nan, math.nan, math.nan, (), "", found.weaknesses)
        leaves = {scored.scores.nodes[leaf]: scored.label(leaf) for leaf in winner.members}
        images = tuple(scored.images.names[image] for image in found.filtered.kept)
        return Finding(
            target_class, name.label, leaves, winner.functional, winner.low, winner.high, winner.semantic, images,
            found.grade.word if found.grade else "", found.weaknesses,
        )  # fmt: skip

    def __iter__(self) -> Iterator[Finding]:
        return (self[target_class] for target_class in range(len(self)))

    def to_frame(self) -> "pd.DataFrame":
        """A row for each class, with the labels of its leaves and the number of its images."""
        import pandas as pd

        rows = [f._asdict() | {"leaves": [*f.leaves.values()], "images": len(f.images)} for f in self]
        return pd.DataFrame(rows).set_index("target_class")

    def plot(self, target_class: int | None = None) -> "go.Figure":
        """A figure: the leaves of one class with their scores or, for None, all classes against the selected leaves."""
        from fdcore.report.figures.scores import classes_by_leaves, leaf_ranking

        scores, label = self.scored.scores, self.scored.labels
        if target_class is None:
            winners = [f.selection.winner for f in self.classes]
            leaves = list(dict.fromkeys(leaf for winner in winners if winner for leaf in winner.members))
            return classes_by_leaves(
                scores.functional[:, leaves], class_names=[f"class {i}" for i in range(len(self))],
                leaf_labels=label(leaves), leaf_ids=[scores.nodes[leaf] for leaf in leaves],
            )  # fmt: skip
        best = np.argsort(-scores.functional[target_class], kind="stable")[:N_DRAWN]
        low, high = scores.interval(target_class)
        return leaf_ranking(
            label(best), ids=[scores.nodes[leaf] for leaf in best], functional=scores.functional[target_class, best],
            low=low[best], high=high[best], n_queries=scores.n_queries[best], tau=self.settings.tau,
            selected=self[target_class].leaves,
        )  # fmt: skip

    def __repr__(self) -> str:
        head = f"{self.overall.n_found} of {len(self)} classes found, {self.scored.n_sent:,} queries sent"
        table = self.to_frame()[["name", "grade", "functional", "semantic", "images", "leaves"]]
        return f"{head}\n{table.to_string(max_rows=N_PRINTED, max_colwidth=50, float_format='%.2f', na_rep='')}"
