"""Naming leaves in a case, before or after the suspect was queried."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fdcore.case import layout, tables
from fdcore.case.case import Case
from fdcore.case.plan import open_planned_hierarchy
from fdcore.corpus.corpus import nodes_above
from fdcore.corpus.leaf_names import NamedLeaf, names_to_csv, renamed
from fdcore.records import to_plain


def name_leaves(folder: Path, leaves: Sequence[NamedLeaf], *, by: str = "") -> None:
    """Plan these names and places in place of earlier ones, and use them in what the case holds already.

    The answers stay as they are: they belong to the leaves' ids. Conclusions have to be drawn again.

    Args:
        folder: the case.
        leaves: all leaves that are named.
        by: who names them, for the audit log.

    Raises:
        CorpusError: a parent is unknown, or a leaf is named twice.
        CaseError: the case is in use, or damaged.
    """
    case = Case.open(folder)
    with case.exclusively():
        before = case.plan()
        plan = replace(before, leaves=tuple(leaves))
        base = open_planned_hierarchy(plan)
        above = nodes_above(plan.corpora, base)
        for name in (layout.SURVEY_HIERARCHY, layout.HIERARCHY):
            if case.has(name):
                old = tables.hierarchy_from_parquet(case.path(name).read_bytes())
                case.write(name, tables.hierarchy_to_parquet(renamed(old, base, before.leaves, above)))
        case.record(plan=plan)
        case.log("leaves named", {"leaves": to_plain(plan.leaves)} | ({"by": by} if by else {}))
        keep_names(case, plan.leaves)


def keep_names(case: Case, leaves: Sequence[NamedLeaf]) -> None:
    """Keep the names of leaves as a table, which the command that repeats the run reads; the caller holds the lock."""
    case.write(layout.NAMES, names_to_csv(leaves))
    if asking := case.facts().asking:
        case.record(asking=replace(asking, names=layout.NAMES if leaves else None))
