"""How a cluster is called."""

from collections.abc import Sequence

from fdcore.method.findings import Scored
from fdcore.method.naming import name_selection
from fdcore.method.selection import Cluster
from ui.text import listed, shortened


def cluster_name(scored: Scored, members: Sequence[int]) -> str:
    """What some leaves have in common, or their names if nothing. Not inert."""
    if len(members) == 1:
        return scored.label(members[0])
    hierarchy, nodes = scored.hierarchy, scored.scores.nodes
    chosen = [nodes[leaf] for leaf in members]
    ancestor = hierarchy.lowest_common_ancestor(chosen)
    return name_selection(hierarchy, chosen, nodes).label if ancestor is None else hierarchy.label(ancestor)


def cluster_choice(scored: Scored, cluster: Cluster) -> str:
    """One cluster as an option. Not inert."""
    leaves = listed(scored.labels(cluster.members), 6)
    return shortened(f"{cluster_name(scored, cluster.members)}: {leaves}", 110)
