"""The words on a map and their positions among the word vectors (paper Figure 3)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.method.findings import ClassFinding
from fdcore.method.scores import Scores
from fdcore.words.similarity import content_tokens
from fdcore.words.vectors import WordVectors

Kind = Literal["claim", "found", "background"]
Vectors = npt.NDArray[np.float32]

MAX_POINTS = 5_000
N_BACKGROUND = 300  # other leaves of the corpus, to show what is near and what is far


class MapPoint(NamedTuple):
    """One word on a map.

    Attributes:
        kind: "claim", "found", or "background" for any other word.
        target_class: the class it is claimed or found for; None in the background.
        node: id of the node it names, or None.
    """

    text: str
    kind: Kind
    target_class: int | None
    node: str | None


class Placed(NamedTuple):
    """Words with a vector, and words without.

    Attributes:
        points: claims first, then what was found, then the background.
        vectors: (n, n_dims) float32 of the points.
        unknown: claims and found labels without a vector.
    """

    points: tuple[MapPoint, ...]
    vectors: Vectors
    unknown: tuple[str, ...]


def place_words(
    claims: Mapping[int, str],
    findings: Sequence[ClassFinding],
    scores: Scores,
    hierarchy: Hierarchy,
    vectors: WordVectors,
    *,
    seed: int = 0,
) -> Placed:
    """Gather the words of a map, at most `MAX_POINTS`.

    A name of several words is placed at the mean of their directions. Of a node's names, the first one whose words all
    have a vector is used; where there is none, the first one with any word that has.

    Args:
        claims: the claimed name of each class that has one.
        findings: one per class.
        scores: functional scores; their leaves form the background.
        hierarchy: the corpus' hierarchy.
        vectors: the word vectors.
        seed: for sampling the background.
    """
    wanted: list[tuple[MapPoint, tuple[str, ...]]] = [
        (MapPoint(claim, "claim", target, None), (claim,)) for target, claim in sorted(claims.items())
    ]
    selected: set[str] = set()
    for finding in findings:
        for leaf in finding.selection.winner.members if finding.selection.winner else ():
            node = scores.nodes[leaf]
            selected.add(node)
            point = MapPoint(hierarchy.label(node), "found", finding.selection.target_class, node)
            wanted.append((point, hierarchy.synonyms(node)))
    others = [node for node in scores.nodes if node not in selected]
    drawn = np.random.default_rng(seed).permutation(len(others))[:N_BACKGROUND]
    background = [(MapPoint(hierarchy.label(node), "background", None, node), hierarchy.synonyms(node))
                  for node in (others[i] for i in sorted(drawn.tolist()))]  # fmt: skip
    placed, unknown = [], []
    for point, names in [*wanted, *background][:MAX_POINTS]:
        at = name_vector(names, vectors)
        if at is not None:
            placed.append((point, at))
        elif point.kind != "background":
            unknown.append(point.text)
    matrix = np.array([at for _, at in placed], np.float32).reshape(len(placed), vectors.n_dims)
    return Placed(tuple(point for point, _ in placed), matrix, tuple(dict.fromkeys(unknown)))


def name_vector(names: Iterable[str], vectors: WordVectors) -> Vectors | None:
    """The position of a thing with these names: float32 (n_dims,), of length 1; None without a known word."""
    partial: list[str] | None = None
    for name in names:
        tokens = content_tokens(name)
        known = [word for word in map(vectors.find, tokens) if word is not None]
        if known and len(known) == len(tokens):
            return _direction(vectors.vectors(known))
        partial = partial or known
    return _direction(vectors.vectors(partial)) if partial else None


def _direction(rows: Vectors) -> Vectors | None:
    """The mean direction of some vectors; None where they cancel out or have no direction."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    mean = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0).mean(axis=0)
    length = float(np.linalg.norm(mean))
    return (mean / length).astype(np.float32) if length > 1e-6 else None
