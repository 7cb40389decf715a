"""The graph of concepts that corpus images hang on: nodes with ids, labels and parents.

Identity is always the id, never the label: WordNet has two nodes labelled "crane". A node may have several parents
(WordNet is a DAG), and a hierarchy may have several roots, which then are components of their own.
"""

import difflib
import graphlib
import re
from collections import deque
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fdcore.corpus.hierarchy_file import parse_rows
from fdcore.errors import CorpusError


class Hierarchy:
    """A rooted DAG of nodes, or several; nothing about it changes after construction.

    Build one with `from_rows`, `read_hierarchy` or `fdcore.corpus.wordnet.load_wordnet`.

    Attributes:
        ids: the id of every node, sorted; a node's position here is its `index`.
        orphans: ids of nodes that name a parent which is no node, sorted. Those that have no other parent hang under
            the root (or are roots themselves where there is no single root).
    """

    def __init__(
        self,
        ids: tuple[str, ...],
        parents: Sequence[tuple[int, ...]],
        synonyms: Sequence[tuple[str, ...]],
        orphans: tuple[str, ...],
    ) -> None:
        """Take checked parts, aligned with `ids`; `from_rows` is the way in from the outside."""
        self.ids = ids
        self.orphans = orphans
        self._parents = tuple(parents)
        self._synonyms = tuple(synonyms)
        self._index = {node: i for i, node in enumerate(ids)}
        self._known_ancestors: dict[int, frozenset[int]] = {}  # filled as asked, as is the next
        self._known_descendants: dict[int, frozenset[str]] = {}

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[str, Sequence[str], Sequence[str]]]) -> "Hierarchy":
        """Build a hierarchy from (id, parent ids, synonyms), one row for each node, in any order.

        The first synonym is the node's label; without synonyms the id stands in. A node without parents is a root.

        Raises:
            CorpusError: no rows, an empty or repeated id, a node that is its own parent, or a cycle (one is named).
        """
        table = sorted(rows, key=lambda row: row[0])
        ids = tuple(row[0] for row in table)
        index = {node: i for i, node in enumerate(ids)}
        _check_ids(ids, index)
        parents, orphans = _resolve_parents(table, index)
        _check_acyclic(ids, parents)
        synonyms = [tuple(dict.fromkeys(name for name in row[2] if name.strip())) or (row[0],) for row in table]
        return cls(ids, parents, synonyms, orphans)

    def __contains__(self, node: object) -> bool:
        return node in self._index

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"<Hierarchy of {len(self)} nodes>"

    def index(self, node: str) -> int:
        """The position of a node in `ids`.

        Raises:
            CorpusError: no node has this id; the message offers the closest ones.
        """
        try:
            return self._index[node]
        except KeyError:
            raise CorpusError(f"No node has the id {node!r}.{self._suggestions(node)}") from None

    def label(self, node: str) -> str:
        """The first synonym: a name for people, not an identity."""
        return self._synonyms[self.index(node)][0]

    def synonyms(self, node: str) -> tuple[str, ...]:
        """All names of a node, the label first."""
        return self._synonyms[self.index(node)]

    def parents(self, node: str) -> tuple[str, ...]:
        """Ids one step above, in the order in which they were given."""
        return tuple(self.ids[i] for i in self._parents[self.index(node)])

    def children(self, node: str) -> tuple[str, ...]:
        """Ids one step below, sorted."""
        return tuple(self.ids[i] for i in self._children[self.index(node)])

    def ancestors(self, node: str) -> frozenset[str]:
        """Every id above a node, without the node itself."""
        return frozenset(self.ids[i] for i in self._above(self.index(node)))

    def descendants(self, node: str) -> frozenset[str]:
        """Every id below a node, without the node itself."""
        i = self.index(node)
        if i not in self._known_descendants:
            self._known_descendants[i] = frozenset(self.ids[below] for below in _reach(self._children, i))
        return self._known_descendants[i]

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """Ids of the nodes without parents, sorted."""
        return tuple(node for node, above in zip(self.ids, self._parents, strict=True) if not above)

    def lowest_common_ancestor(self, nodes: Sequence[str]) -> str | None:
        """The most specific node that stands at or above all of `nodes`.

        A node counts as its own ancestor here. Several common ancestors may have no other below them (a DAG): then
        the one with the fewest descendants is taken, then the smaller id.

        Returns:
            An id, or None where the nodes share no ancestor.

        Raises:
            CorpusError: no nodes are given, or one is unknown.
        """
        if not nodes:
            raise CorpusError("A common ancestor needs at least one node, and none was given.")
        positions = {self.index(node) for node in nodes}
        common = frozenset.intersection(*(self._above(i) | {i} for i in positions))
        lowest = common.difference(*(self._above(i) for i in common))
        if len(lowest) > 1:
            return self.ids[min(lowest, key=lambda i: (self._n_descendants[i], i))]
        return self.ids[next(iter(lowest))] if lowest else None

    def path_to_root(self, node: str) -> tuple[str, ...]:
        """The ids on a shortest way up to a root, the node first; of several the one by the first parents."""
        start = self.index(node)
        came_from = {start: start}
        queue = deque([start])
        while self._parents[queue[0]]:
            here = queue.popleft()
            for above in self._parents[here]:
                if above not in came_from:
                    came_from[above] = here
                    queue.append(above)
        path = [queue[0]]
        while path[-1] != start:
            path.append(came_from[path[-1]])
        return tuple(self.ids[i] for i in reversed(path))

    def search(self, words: str, limit: int = 20) -> tuple[str, ...]:
        """Find nodes by id or by words in their synonyms, without regard to case; the best come first.

        The order: the id itself, a synonym that equals the words, a synonym that has them as whole words, as the
        start of a word, anywhere. Among equals the node with more descendants, then the smaller id.

        Returns:
            At most `limit` ids; none for empty words.
        """
        query = _fold(words)
        if not query:
            return ()
        found = ((_rank(query, names), i) for i, names in enumerate(self._folded))
        matches = [(rank, -self._n_descendants[i], i) for rank, i in found if rank is not None]
        ids = (self.ids[i] for _, _, i in sorted(matches))
        same_id = (words.strip(),) if words.strip() in self else ()
        return tuple(dict.fromkeys(chain(same_id, ids)))[: max(0, limit)]

    def resolve(self, text: str) -> str:
        """The id that a person means: an id, or words that are a name of exactly one node.

        Raises:
            CorpusError: several nodes go by that name, or none; the message lists the candidates with their ids.
        """
        if text.strip() in self:
            return text.strip()
        query = _fold(text)
        exact = [self.ids[i] for i, names in enumerate(self._folded) if query in names]
        if len(exact) == 1:
            return exact[0]
        if not exact:
            raise CorpusError(f"No node is called {text!r}.{self._suggestions(text)}")
        ranked = (node for node in self.search(text, limit=len(self)) if node in exact)
        raise CorpusError(f"{text!r} means {len(exact)} nodes; give the id of one: {self._describe(ranked)}.")

    def with_children(self, rows: Iterable[tuple[str, str | None, str]]) -> "Hierarchy":
        """A larger hierarchy with new nodes (id, parent id, label); this one stays as it is.

        A parent may itself be among the new nodes; None makes the new node a component of its own.

        Raises:
            CorpusError: a parent is unknown, or a new id is empty, repeated or taken.
        """
        new = list(rows)
        new_ids = {node for node, _, _ in new}
        for node, parent, _ in new:
            if node in self:
                raise CorpusError(f"The new node {node!r} has an id that is taken by {self.label(node)!r}.")
            if parent is not None and parent not in new_ids:
                self.index(parent)
        kept = ((node, self.parents(node), self.synonyms(node)) for node in self.ids)
        added = ((node, () if parent is None else (parent,), (label,) if label else ()) for node, parent, label in new)
        larger = Hierarchy.from_rows(chain(kept, added))
        return Hierarchy(larger.ids, larger._parents, larger._synonyms, self.orphans)

    def edges(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Every link as a pair of indices into `ids`: children (E,) and their parents (E,), both int32."""
        n_parents = [len(above) for above in self._parents]
        child = np.repeat(np.arange(len(self), dtype=np.int32), n_parents)
        return child, np.fromiter(chain.from_iterable(self._parents), dtype=np.int32, count=len(child))

    @cached_property
    def _children(self) -> tuple[tuple[int, ...], ...]:
        below: list[list[int]] = [[] for _ in self.ids]
        for i, above in enumerate(self._parents):
            for parent in above:
                below[parent].append(i)
        return tuple(map(tuple, below))

    @cached_property
    def _n_descendants(self) -> list[int]:
        counts = [0] * len(self)
        for i in range(len(self)):
            for above in _reach(self._parents, i):
                counts[above] += 1
        return counts

    @cached_property
    def _folded(self) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(map(_fold, names)) for names in self._synonyms)

    def _above(self, i: int) -> frozenset[int]:
        if i not in self._known_ancestors:
            self._known_ancestors[i] = frozenset(_reach(self._parents, i))
        return self._known_ancestors[i]

    def _describe(self, nodes: Iterable[str], limit: int = 8) -> str:
        listed = [f"{node} ({self._say(node)})" for node in nodes]
        return "; ".join(listed[:limit]) + ("; ..." if len(listed) > limit else "")

    def _say(self, node: str) -> str:
        """A label with what tells it from its namesakes, such as "crane, a kind of wading bird"."""
        return ", a kind of ".join(self.label(name) for name in (node, *self.parents(node)[:1]))

    def _suggestions(self, text: str) -> str:
        close = self.search(text, limit=5) or difflib.get_close_matches(text, self.ids, n=5)
        return f" Close to it: {self._describe(close)}." if close else ""


def read_hierarchy(path: Path) -> Hierarchy:
    """Read a hierarchy of one's own from a CSV or JSON file; the content decides which of them it is.

    CSV has a header with the columns id, parent and label, in any order and among others, separated by commas,
    semicolons or tabs. JSON is a list of objects with these keys. Several rows of one id give it several parents; an
    empty parent (null in JSON) makes a root. A parent that is no node makes an orphan (see `Hierarchy.orphans`).

    Raises:
        CorpusError: the file cannot be read, or is no such table; the message names the line (JSON: the entry).
    """
    try:
        return Hierarchy.from_rows(parse_rows(Path(path).read_bytes()))
    except OSError as error:
        raise CorpusError(f"The hierarchy {path} cannot be read: {error.strerror}.") from error
    except CorpusError as error:
        raise CorpusError(f"The hierarchy {path} is not usable. {error}") from error


def _check_ids(ids: Sequence[str], index: dict[str, int]) -> None:
    if not ids:
        raise CorpusError("A hierarchy needs at least one node, and none was given.")
    if "" in index:
        raise CorpusError("A node has an empty id; every node needs one.")
    if len(index) < len(ids):
        repeated = next(node for node, following in pairwise(ids) if node == following)
        raise CorpusError(f"Two nodes have the id {repeated!r}; ids must be unique.")


def _resolve_parents(
    table: Sequence[tuple[str, Sequence[str], Sequence[str]]], index: dict[str, int]
) -> tuple[list[tuple[int, ...]], tuple[str, ...]]:
    """Parents as positions, and the ids that name an unknown parent; those left with none go under a single root."""
    parents = [tuple(dict.fromkeys(index[parent] for parent in row[1] if parent in index)) for row in table]
    orphans = tuple(row[0] for row in table if any(parent not in index for parent in row[1]))
    roots = [i for i, row in enumerate(table) if not row[1]]
    if len(roots) == 1:
        for i in (index[node] for node in orphans):
            parents[i] = parents[i] or (roots[0],)
    return parents, orphans


def _check_acyclic(ids: Sequence[str], parents: Sequence[tuple[int, ...]]) -> None:
    try:
        graphlib.TopologicalSorter(dict(enumerate(parents))).prepare()
    except graphlib.CycleError as error:
        cycle = " -> ".join(repr(ids[i]) for i in error.args[1][:10])
        raise CorpusError(f"These nodes are above one another in a circle: {cycle}; remove one link.") from error


def _reach(neighbours: Sequence[Sequence[int]], start: int) -> set[int]:
    """Every position that can be walked to from `start`, which is not part of it in a graph without cycles."""
    reached: set[int] = set()
    stack = [start]
    while stack:
        new = [i for i in neighbours[stack.pop()] if i not in reached]
        reached.update(new)
        stack.extend(new)
    return reached


def _fold(words: str) -> str:
    """Words as they are compared: no case, underscores as spaces, single spaces."""
    return " ".join(words.casefold().replace("_", " ").split())


def _rank(query: str, names: Sequence[str]) -> int | None:
    """How well the best of some folded names fits: 1 equal, 2 whole words, 3 start of a word, 4 anywhere."""
    hits = [name for name in names if query in name]
    if not hits:
        return None
    if query in hits:
        return 1
    word = re.escape(query)
    for rank, pattern in ((2, rf"(?<!\w){word}(?!\w)"), (3, rf"(?<!\w){word}")):
        if any(re.search(pattern, name) for name in hits):
            return rank
    return 4
