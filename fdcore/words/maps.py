"""Word vectors laid out in two dimensions, by t-SNE or UMAP (paper section 5.3, Figure 3).

Both methods look at cosine distance. The rows are brought to length 1 first, where the squared Euclidean distance is
2 - 2 * cosine: neighbours are the same and in the same order, and the principal axes that both methods start from
belong to the same geometry. A word without a vector of its own (all zeros) stays at zero, as far from all others.

A map is a picture, not a measurement: distances between groups mean little. `similarity` has the numbers.
"""

import warnings
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from fdcore.errors import SettingsError

Vectors = npt.NDArray[np.float32]
Method = Literal["tsne", "umap"]

MAX_WORDS = 5_000
MIN_WORDS = 4  # up to three words fit into a plane as they are, so there is nothing to compress
MAX_PERPLEXITY = 30.0  # of t-SNE; about as many neighbours weigh on a word's place
MAX_NEIGHBOURS = 15  # of UMAP
MIN_SPECTRAL = 20  # words from which UMAP starts from the spectrum of its graph; below, from principal axes
_TITLES = {"tsne": "t-SNE", "umap": "UMAP"}


class WordMap(NamedTuple):
    """Where words lie.

    Attributes:
        coordinates: float32 (n, 2), without unit; all zeros for a single word.
        method: what made them: "tsne", "umap", or "pca" where the method asked for cannot do it.
        note: in a sentence, what was done instead and why; empty where nothing was.
    """

    coordinates: npt.NDArray[np.float32]
    method: str
    note: str


def map_words(vectors: Vectors, method: Method, *, seed: int = 0) -> WordMap:
    """Lay words out so that similar ones lie side by side; the same seed gives the same map on the same machine.

    The neighbourhood shrinks with the number of words: t-SNE's perplexity is min(30, (n - 1) / 3), UMAP's n_neighbors
    is min(15, n - 1). Up to three words, and words that all have the same vector, are laid out by their principal
    axes, which is exact: one word at the origin, two on a line, three in their plane.

    Args:
        vectors: float32 (n, n_dims), n up to `MAX_WORDS`.
        method: "tsne" or "umap".
        seed: of the method's random numbers, 0 to 2**32 - 1.

    Raises:
        SettingsError: the method is unknown, the vectors have another shape, are too many or not finite, or the seed
            is out of range.
    """
    _check(vectors, method, seed)
    unit = _unit_rows(vectors)
    reason = _why_principal_axes(unit)
    if reason:
        return WordMap(_principal_axes(unit), "pca", f"{reason}, so {_TITLES[method]} was not used.")
    coordinates = _tsne(unit, seed) if method == "tsne" else _umap(unit, seed)
    return WordMap(np.ascontiguousarray(coordinates, dtype=np.float32), method, "")


def perplexity(n: int) -> float:
    """How many neighbours t-SNE weighs for each of n words: 30, and a third of the others where they are few."""
    return min(MAX_PERPLEXITY, (n - 1) / 3)


def n_neighbours(n: int) -> int:
    """How many neighbours UMAP links each of n words to: 15, the word itself counted, and all others at most."""
    return min(MAX_NEIGHBOURS, n - 1)


def _check(vectors: Vectors, method: str, seed: int) -> None:
    if method not in get_args(Method):
        raise SettingsError(f"There is no map called {method!r}; there are {' and '.join(get_args(Method))}.")
    if not 0 <= seed < 2**32:
        raise SettingsError(f"The seed of a map is {seed}; it must lie between 0 and {2**32 - 1}.")
    if vectors.ndim != 2 or vectors.shape[1] == 0:
        raise SettingsError(f"Word vectors have the shape (words, dimensions), not {vectors.shape}.")
    if len(vectors) > MAX_WORDS:
        raise SettingsError(
            f"A map shows at most {MAX_WORDS:,} words, and these are {len(vectors):,}. Leave out words of the "
            "background, or choose fewer classes."
        )
    broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(broken):
        raise SettingsError(
            f"{len(broken):,} of {len(vectors):,} word vectors hold values that are not finite, the first in row "
            f"{broken[0]}. Read the file of word vectors again."
        )


def _unit_rows(vectors: Vectors) -> Vectors:
    """Rows of length 1; rows of zeros stay. In float64 between, as a square of a large float32 may overflow."""
    exact = vectors.astype(np.float64)
    length = np.linalg.norm(exact, axis=1, keepdims=True)
    unit = np.divide(exact, length, out=np.zeros_like(exact), where=length > 0).astype(np.float32)
    return unit if unit.shape[1] > 1 else np.pad(unit, ((0, 0), (0, 1)))  # both methods start from two axes


def _why_principal_axes(unit: Vectors) -> str:
    n = len(unit)
    if n < MIN_WORDS:
        how = ("There are no words", "There is a single word", "Two words lie on a line", "Three words lie in a plane")
        return how[n]
    return "All words have the same vector" if np.allclose(unit, unit[0], atol=1e-6) else ""


def _principal_axes(unit: Vectors) -> Vectors:
    """Coordinates along the two directions in which the words differ most, (n, 2); each largest one is positive."""
    if not len(unit):
        return np.zeros((0, 2), dtype=np.float32)
    exact = unit.astype(np.float64)
    left, size, _ = np.linalg.svd(exact - exact.mean(axis=0), full_matrices=False)
    along = np.zeros((len(unit), 2))
    along[:, : len(size[:2])] = left[:, :2] * size[:2]
    along[np.abs(along) < 1e-7] = 0  # float32 in, so anything smaller is rounding
    sign = np.sign(along[np.abs(along).argmax(axis=0), [0, 1]])
    return np.asarray(along * np.where(sign == 0, 1, sign), dtype=np.float32)


def _tsne(unit: Vectors, seed: int) -> Any:
    """t-SNE on one thread: sums come out in the same order every time, and threads that wait slow it down a lot."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

    with threadpool_limits(limits=1):
        return TSNE(perplexity=perplexity(len(unit)), init="pca", random_state=seed).fit_transform(unit)


def _umap(unit: Vectors, seed: int) -> Any:
    """UMAP on one thread, as its result depends on the order of updates otherwise; its advice to programmers is mute.

    Importing it compiles code for some seconds, the first time it runs on a machine for longer.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from umap import UMAP

        init = "spectral" if len(unit) >= MIN_SPECTRAL else "pca"
        return UMAP(n_neighbors=n_neighbours(len(unit)), init=init, random_state=seed, n_jobs=1).fit_transform(unit)
