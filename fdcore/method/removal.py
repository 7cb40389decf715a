"""An answer must survive its own removal: what would a class be found to be if its answer were not in the corpus?

If nothing is found then, no other leaves of the corpus could have given the answer. If something else is found, the
class answers that as well, so an absent truth could have given this answer too. No query is sent: the recorded answers
are weighed again.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from fdcore.method.closeness import MAX_KNOWN
from fdcore.method.clustering import Indices
from fdcore.method.findings import Findings, Scored
from fdcore.method.naming import Name, name_selection
from fdcore.method.selection import ClassSelection, Cluster, SelectionSettings, limits_of, select

POOL = 400  # of the class's best leaves are looked at again; the others are left out


class Rest(NamedTuple):
    """What a class is found to be once its answer is taken away.

    Attributes:
        n_removed: leaves taken away: the answer, and all leaves closer than eta to one of its leaves.
        winner: the answer that remains; its members are indices of the whole corpus' leaves. None where nothing is
            found.
        name: its name.
    """

    n_removed: int
    winner: Cluster | None
    name: Name | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON: what remains by its label and L, or null; and how many leaves were taken away."""
        label, functional = (self.name.label, self.winner.functional) if self.winner and self.name else (None, None)
        return {"label": label, "functional_score": functional, "n_removed": self.n_removed}

    @property
    def in_words(self) -> str:
        """One sentence without the label of what remains, which is untrusted text."""
        if self.winner is None:
            return "Without these leaves and their relatives, nothing is found."
        return f"Without these leaves and their relatives, another answer has L = {self.winner.functional:.2f}."


def rests_of(findings: Findings) -> dict[int, Rest]:
    """What each found class is found to be without its answer, by class; empty for a very large corpus."""
    scored = findings.scored
    if len(scored.scores.nodes) > MAX_KNOWN:  # each class would compute distances
        return {}
    rests = {found.selection.target_class: look_again(scored, found.selection, findings.settings)
             for found in findings.classes}  # fmt: skip
    return {target: rest for target, rest in rests.items() if rest}


def look_again(scored: Scored, selection: ClassSelection, settings: SelectionSettings) -> Rest | None:
    """Weigh a found class again without its answer; None for a class that was not found."""
    scores, target, winner = scored.scores, selection.target_class, selection.winner
    if winner is None:
        return None
    pool = np.union1d(np.argsort(-scores.functional[target], kind="stable")[:POOL], winner.members).astype(np.intp)
    among = scored.distances(pool)
    own = np.isin(pool, winner.members)
    related = own | (among[own] < settings.eta).any(axis=0)
    left, n_removed = pool[~related], int(related.sum())
    # One row is enough: what an answer needs was learned from all classes and is kept.
    rest_of_class = scores.part(left, [target])
    fixed = replace(settings, evidence=limits_of(scores, settings).evidence)
    (again,) = select(rest_of_class, np.arange(len(left)), among[np.ix_(~related, ~related)], fixed)
    return rest_of(scored, again.winner, left, n_removed)


def rest_of(scored: Scored, winner: Cluster | None, left: Indices, n_removed: int) -> Rest:
    """An answer among the leaves (n,) that are left, in indices of the whole corpus and with its name."""
    if winner is None:
        return Rest(n_removed, None, None)
    members = tuple(left[list(winner.members)].tolist())
    remains = replace(winner, medoid=int(left[winner.medoid]), members=members)
    name = name_selection(scored.hierarchy, [scored.scores.nodes[leaf] for leaf in members], scored.scores.nodes)
    return Rest(n_removed, remains, name)
