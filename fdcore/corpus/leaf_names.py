"""What an analyst calls leaves whose folders say too little, such as those that are only numbered, and where they are.

A named leaf keeps its id, so the answers about it stay valid; only its name and its place in the hierarchy change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fdcore.corpus.folder import label_of
from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.hierarchy_file import FIELDS, parse_rows
from fdcore.errors import CorpusError
from fdcore.tables import to_csv

MAX_NAME = 120  # characters


@dataclass(frozen=True)
class NamedLeaf:
    """A leaf that an analyst named.

    Attributes:
        leaf: its id, "<corpus folder>/<class folder>".
        name: what it is called from now on.
        parent: id of the node that it is below; empty for none.
    """

    leaf: str
    name: str
    parent: str = ""


def is_numbered(leaf: str) -> bool:
    """Whether a leaf's folder is called by a number alone."""
    return leaf.rpartition("/")[2].isdecimal()


def with_named(hierarchy: Hierarchy, leaves: Sequence[NamedLeaf]) -> Hierarchy:
    """A larger hierarchy with the named leaves.

    Raises:
        CorpusError: a parent is unknown, or an id is empty, repeated or taken.
    """
    return hierarchy.with_children((one.leaf, one.parent or None, one.name) for one in leaves)


def renamed(old: Hierarchy, base: Hierarchy, were: Sequence[NamedLeaf], above: Mapping[str, str | None]) -> Hierarchy:
    """The hierarchy of a corpus after other leaves were named.

    Args:
        old: as it was.
        base: nodes that folders may name, and the leaves named now.
        were: the leaves named in `old`; those that no longer are get their folder's name back.
        above: for each corpus folder's name, the node below which its classes are.
    """
    reset, rows = {one.leaf for one in were}, []
    for node in old.ids:
        if node in base:
            continue
        source, _, folder = node.partition("/")
        if node in reset:
            rows.append((node, above.get(source), label_of(folder)))
        else:
            rows.append((node, next(iter(old.parents(node)), None), old.label(node)))
    return base.with_children(rows)


def names_to_csv(leaves: Sequence[NamedLeaf]) -> bytes:
    """Named leaves as a table of id, parent and label."""
    return to_csv(FIELDS, ({"id": one.leaf, "parent": one.parent, "label": one.name} for one in leaves))


def read_names(path: Path) -> tuple[NamedLeaf, ...]:
    """Read named leaves from a table (CSV or JSON) of id, parent and label.

    Raises:
        CorpusError: it cannot be read, is not such a table, or a leaf has no name or several parents.
    """
    try:
        rows = list(parse_rows(path.read_bytes()))
    except OSError as error:
        raise CorpusError(f"The names {path} cannot be read: {error.strerror}.", key="names unreadable") from error
    except CorpusError as error:
        raise CorpusError(f"The names {path} are not usable. {error}", key=error.key) from error
    for leaf, parents, names in rows:
        if not names or len(parents) > 1:
            what = "no label" if not names else f"{len(parents)} parents"
            raise CorpusError(f"In {path}, {leaf!r} has {what}; give one label and at most one parent.", key="bad name")
    return tuple(NamedLeaf(leaf, names[0], next(iter(parents), "")) for leaf, parents, names in rows)
