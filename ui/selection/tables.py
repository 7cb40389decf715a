"""The tables and sentences of the Selection page; nothing here draws."""

import numpy as np
import pandas as pd

from fdcore.case.tables import selection_rows, selection_to_csv
from fdcore.method.findings import ClassFinding, Findings, Scored
from fdcore.method.selection import ClassSelection, SelectionSettings
from fdcore.method.stability import FIRM, Flip, StabilityMap, answer_of_method, find_flips, firmness, stability_of
from ui.panels import table_csv
from ui.text import counted, inert
from ui.workbench.clusters import cluster_name

NOT_FOUND, CAVEATS, GRADE = "(not found)", "Caveats", "Grade"


def cluster_rows(scored: Scored, selection: ClassSelection) -> pd.DataFrame:
    """The clusters of one class, in the order of the selection; texts are not inert."""
    winner, nodes = selection.winner, scored.scores.nodes
    return pd.DataFrame(
        [
            {
                "Answer": "● answer" if cluster is winner else "",
                "Name": cluster_name(scored, cluster.members),
                "n": len(cluster.members),
                "L": cluster.functional,
                "Apparent L": cluster.apparent,
                "S": cluster.semantic,
                "Objective": cluster.objective,
                "Medoid": scored.label(cluster.medoid),
                "Leaves": ", ".join(scored.labels(cluster.members)),
                "Node of the medoid": nodes[cluster.medoid],
            }
            for cluster in selection.clusters
        ],
        columns=["Answer", "Name", "n", "L", "Apparent L", "S", "Objective", "Medoid", "Leaves", "Node of the medoid"],
    )


# As files


def classes_csv(findings: Findings, outcome: str) -> bytes:
    """selection.csv as the case would hold it with these settings, given the verdict's outcome."""
    scored = findings.scored
    return selection_to_csv(selection_rows(findings.classes, scored.scores, scored.hierarchy, outcome))


def clusters_csv(scored: Scored, selection: ClassSelection) -> bytes:
    """The clusters of one class."""
    marks = ["yes" if cluster is selection.winner else "" for cluster in selection.clusters]
    return table_csv(cluster_rows(scored, selection).drop(columns="Answer").assign(answer=marks))


def map_csv(scored: Scored, stability: StabilityMap) -> bytes:
    """The stability map: a row for each point."""
    names = [cluster_name(scored, winner.members) for winner in stability.winners]
    leaves = ["; ".join(scored.labels(winner.members)) for winner in stability.winners]
    number = stability.winner.ravel()
    columns = {
        "eta": np.repeat(stability.etas, len(stability.alphas)),
        "alpha": np.tile(stability.alphas, len(stability.etas)),
        "answer": [names[n] if n >= 0 else "not found" for n in number],
        "leaves": [leaves[n] if n >= 0 else "" for n in number],
    }
    return table_csv(pd.DataFrame(columns))


# In words


def eta_decides(scored: Scored, found: ClassFinding) -> bool:
    """Whether any two candidates are related in the hierarchy; otherwise eta and alpha have no effect."""
    candidates = np.array(sorted(found.selection.candidates), dtype=np.intp)
    among = scored.distances(candidates)
    return bool((np.isfinite(among) & (among > 0)).any())


def map_in_words(scored: Scored, found: ClassFinding, stability: StabilityMap, settings: SelectionSettings) -> str:
    """How stable the method's answer is against eta and alpha, and where it changes. Inert."""
    if not stability.winners:
        return "No eta and no alpha finds an answer."
    if not eta_decides(scored, found):
        return (
            "No two candidates are related in the hierarchy, so eta and alpha have no effect here: the leaf with the "
            "highest score is always the answer. This is not evidence of stability."
        )
    members = answer_of_method(found.selection, stability, settings)
    own = cluster_name(scored, members) if members else "not found"
    firm = firmness(found.selection, stability, settings)
    share = f"{stability_of(stability, members):.0%} of the whole map"
    answer = f"the method's own answer ({inert(own)})" if found.selection.choice else "this answer"
    head = (
        f"Stable against eta and alpha: {firm:.0%} of nearby settings give {answer}, and {share}. "
        "This does not test whether other images would give it too."
        if firm >= FIRM
        else f"On the edge: only {firm:.0%} of nearby settings give {answer}, and {share}."
    )
    flips = find_flips(stability, settings, members)
    if not flips:
        return f"{head} Moving eta or alpha alone does not change it."
    return f"{head} {_change(scored, min(flips, key=lambda flip: flip.n_points))}"


def _change(scored: Scored, flip: Flip) -> str:
    if flip.winner is None:
        return f"Nearest change: at {flip.axis} {flip.value:g} nothing is found."
    members = flip.winner.members
    leaves = "" if len(members) == 1 else f" ({counted(len(members), 'leaf', 'leaves')})"
    return f"Nearest change: at {flip.axis} {flip.value:g} it becomes {inert(cluster_name(scored, members))}{leaves}."
