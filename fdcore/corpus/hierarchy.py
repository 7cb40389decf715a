"""The graph of concepts that corpus images belong to: nodes with ids, labels and parents.

A node is identified by its id, never by its label: WordNet has two nodes labelled "crane". A node may have several
parents (WordNet is a DAG), and a hierarchy may have several roots.
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

USUAL_DEPTH = 24  # WordNet's nouns are 19 links deep; the few hierarchies that are deeper take longer to check


class Hierarchy:
    """One or several rooted DAGs of nodes; immutable.

    Build one with `from_rows`, `read_hierarchy` or `fdcore.corpus.wordnet.load_wordnet`.

    Attributes:
        ids: the id of every node, sorted; a node's position here is its `index`.
        orphans: ids of nodes that name an unknown parent, sorted. An orphan without another parent is placed under the
            root, or becomes a root itself if there is not exactly one root.
    """

    def __init__(
        self,
        ids: tuple[str, ...],
        parents: Sequence[tuple[int, ...]],
        synonyms: Sequence[tuple[str, ...]],
        orphans: tuple[str, ...],
    ) -> None:
        """Take checked parts, aligned with `ids`; use `from_rows` from outside."""
        self.ids = ids
        self.orphans = orphans
        self._parents = tuple(parents)
        self._synonyms = tuple(synonyms)
        self._index = {node: i for i, node in enumerate(ids)}
        self._known_ancestors: dict[int, frozenset[int]] = {}  # both are filled on demand
        self._known_descendants: dict[int, frozenset[str]] = {}

    @classmethod
    def from_rows(cls, rows: Iterable[tuple[str, Sequence[str], Sequence[str]]]) -> "Hierarchy":
        """Build a hierarchy from (id, parent ids, synonyms), one row for each node, in any order.

        The first synonym is the node's label, or its id if it has no synonyms. A node without parents is a root.

        Raises:
            CorpusError: no rows, an empty or repeated id, a node that is its own parent, or a cycle.
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
            raise CorpusError(f"No node has the id {node!r}.{self._suggestions(node)}", key="unknown node") from None

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
        """The most specific node at or above all of `nodes`.

        In a DAG, several common ancestors may have no other below them: then the one with the fewest descendants is
        returned; among equals, the one with the smaller id.

        Returns:
            An id, or None if the nodes share no ancestor.

        Raises:
            CorpusError: no nodes are given, or one is unknown.
        """
        if not nodes:
            raise CorpusError("A common ancestor needs at least one node, but none was given.", key="no nodes")
        positions = {self.index(node) for node in nodes}
        common = frozenset.intersection(*(self._above(i) | {i} for i in positions))
        lowest = common.difference(*(self._above(i) for i in common))
        if len(lowest) > 1:
            return self.ids[min(lowest, key=lambda i: (self._n_descendants[i], i))]
        return self.ids[next(iter(lowest))] if lowest else None

    def path_to_root(self, node: str) -> tuple[str, ...]:
        """The ids on a shortest path up to a root, the node first; among equal paths, the one through first parents."""
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
        """Find nodes by id or by words in their synonyms, ignoring case; the best matches come first.

        The order: the id itself, a synonym that equals the words, a synonym that contains them as whole words, at the
        start of a word, anywhere. Equal matches are ordered by more descendants, then by the smaller id.

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
        """The id of the node that a person names by its id or an unambiguous name.

        Raises:
            CorpusError: several nodes have that name, or none; the message lists the candidates with their ids.
        """
        if text.strip() in self:
            return text.strip()
        query = _fold(text)
        exact = [self.ids[i] for i, names in enumerate(self._folded) if query in names]
        if len(exact) == 1:
            return exact[0]
        if not exact:
            raise CorpusError(f"No node is called {text!r}.{self._suggestions(text)}", key="unknown name")
        ranked = (node for node in self.search(text, limit=len(self)) if node in exact)
        raise CorpusError(
            f"{text!r} is the name of {len(exact)} nodes; give the id of one: {self._describe(ranked)}.",
            key="ambiguous name",
        )

    def with_children(self, rows: Iterable[tuple[str, str | None, str]]) -> "Hierarchy":
        """A larger copy with new nodes (id, parent id, label).

        A parent may itself be a new node; None makes the new node a root.

        Raises:
            CorpusError: a parent is unknown, or a new id is empty, repeated or taken.
        """
        new = list(rows)
        new_ids = {node for node, _, _ in new}
        for node, parent, _ in new:
            if node in self:
                raise CorpusError(f"The id of the new node {node!r} is taken by {self.label(node)!r}.", key="id taken")
            if parent is not None and parent not in new_ids:
                self.index(parent)
        if not new:
            return self
        added = Hierarchy.from_rows(
            (node, (parent,) if parent in new_ids else (), (label,)) for node, parent, label in new
        )
        ids = tuple(sorted((*self.ids, *added.ids)))
        place = {node: i for i, node in enumerate(ids)}
        moved = [place[node] for node in self.ids]
        above = {node: tuple(moved[i] for i in old) for node, old in zip(self.ids, self._parents, strict=True)}
        above |= {node: () if parent is None else (place[parent],) for node, parent, _ in new}
        names = dict(zip((*self.ids, *added.ids), (*self._synonyms, *added._synonyms), strict=True))
        return Hierarchy(ids, [above[node] for node in ids], [names[node] for node in ids], self.orphans)

    def edges(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Every link as a pair of indices into `ids`: children (E,) and their parents (E,), both int32."""
        return _edges(self._parents)

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
        """Ids with what distinguishes namesakes, such as "n02012849 (crane, a kind of wading bird)"."""
        kinds = ((node, [self.label(name) for name in (node, *self.parents(node)[:1])]) for node in nodes)
        listed = [f"{node} ({', a kind of '.join(labels)})" for node, labels in kinds]
        return "; ".join(listed[:limit]) + ("; ..." if len(listed) > limit else "")

    def _suggestions(self, text: str) -> str:
        close = self.search(text, limit=5) or difflib.get_close_matches(text, self.ids, n=5)
        return f" Similar: {self._describe(close)}." if close else ""


def read_hierarchy(path: Path) -> Hierarchy:
    """Read a hierarchy from a CSV or JSON file, recognised by its content.

    CSV has a header with the columns id, parent and label, in any order and among others, separated by commas,
    semicolons or tabs. JSON is a list of objects with these keys. Several rows of one id give it several parents; an
    empty parent (null in JSON) makes a root. An unknown parent makes an orphan (see `Hierarchy.orphans`).

    Raises:
        CorpusError: the file cannot be read, or is not such a table; the message names the line (JSON: the entry).
    """
    try:
        return Hierarchy.from_rows(parse_rows(Path(path).read_bytes()))
    except OSError as error:
        raise CorpusError(
            f"The hierarchy {path} cannot be read: {error.strerror}.", key="hierarchy unreadable"
        ) from error
    except CorpusError as error:
        raise CorpusError(f"The hierarchy {path} is not usable. {error}", key=error.key) from error


def _check_ids(ids: Sequence[str], index: dict[str, int]) -> None:
    if not ids:
        raise CorpusError("A hierarchy needs at least one node, but none was given.", key="no nodes")
    if "" in index:
        raise CorpusError("A node has an empty id; every node needs one.", key="empty id")
    if len(index) < len(ids):
        repeated = next(node for node, following in pairwise(ids) if node == following)
        raise CorpusError(f"Two nodes have the id {repeated!r}; ids must be unique.", key="repeated id")


def _resolve_parents(
    table: Sequence[tuple[str, Sequence[str], Sequence[str]]], index: dict[str, int]
) -> tuple[list[tuple[int, ...]], tuple[str, ...]]:
    """Parents as positions, and the orphans; an orphan without another parent is placed under a single root."""
    parents = [tuple(dict.fromkeys(index[parent] for parent in row[1] if parent in index)) for row in table]
    orphans = tuple(row[0] for row in table if any(parent not in index for parent in row[1]))
    roots = [i for i, row in enumerate(table) if not row[1]]
    if len(roots) == 1:
        for i in (index[node] for node in orphans):
            parents[i] = parents[i] or (roots[0],)
    return parents, orphans


def _edges(parents: Sequence[tuple[int, ...]]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    child = np.repeat(np.arange(len(parents), dtype=np.int32), [len(above) for above in parents])
    return child, np.fromiter(chain.from_iterable(parents), dtype=np.int32, count=len(child))


def _check_acyclic(ids: Sequence[str], parents: Sequence[tuple[int, ...]]) -> None:
    child, parent = _edges(parents)
    for _ in range(USUAL_DEPTH):  # links to roots go, then those to what is a root without them, ...
        below = np.zeros(len(ids), dtype=bool)
        below[child] = True
        child, parent = child[below[parent]], parent[below[parent]]
    if not len(child):
        return
    try:
        graphlib.TopologicalSorter(dict(enumerate(parents))).prepare()
    except graphlib.CycleError as error:
        cycle = " -> ".join(repr(ids[i]) for i in error.args[1][:10])
        raise CorpusError(f"These nodes form a cycle: {cycle}; remove one link.", key="cycle") from error


def _reach(neighbours: Sequence[Sequence[int]], start: int) -> set[int]:
    """Every position that can be reached from `start`, without `start` itself (the graph has no cycles)."""
    reached: set[int] = set()
    stack = [start]
    while stack:
        new = [i for i in neighbours[stack.pop()] if i not in reached]
        reached.update(new)
        stack.extend(new)
    return reached


def _fold(words: str) -> str:
    """Words in the form that is compared: case folded, underscores as spaces, single spaces."""
    return " ".join(words.casefold().replace("_", " ").split())


def _rank(query: str, names: Sequence[str]) -> int | None:
    """How well the best of the folded names matches: 1 equal, 2 whole words, 3 start of a word, 4 anywhere."""
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
