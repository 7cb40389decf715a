"""Word vectors laid out in two dimensions, by t-SNE or UMAP (paper section 5.3, Figure 3).

Both methods use cosine distance. The rows are scaled to length 1 first, where the squared Euclidean distance is
2 - 2 * cosine: the neighbours are the same and in the same order, and the principal axes that both methods start from
belong to the same geometry. A vector of zeros stays at zero, equally far from all others.

A map is an illustration, not a measurement: distances between groups mean little. `similarity` has the numbers.
"""

import warnings
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from fdcore.errors import SettingsError

Vectors = npt.NDArray[np.float32]
Method = Literal["tsne", "umap"]

MAX_WORDS = 5_000
MIN_WORDS = 4  # up to three words fit in a plane exactly, so there is nothing to compress
MAX_PERPLEXITY = 30.0  # of t-SNE; roughly the number of neighbours that influence a word's place
MAX_NEIGHBOURS = 15  # of UMAP
MIN_SPECTRAL = 20  # from this many words on, UMAP starts from the spectrum of its graph; below, from principal axes
_TITLES = {"tsne": "t-SNE", "umap": "UMAP"}


class WordMap(NamedTuple):
    """Where words lie.

    Attributes:
        coordinates: float32 (n, 2), without unit; all zeros for a single word.
        method: "tsne", "umap", or "pca" where the requested method is not applicable.
        note: a sentence on why the requested method was not used; empty where it was.
    """

    coordinates: npt.NDArray[np.float32]
    method: str
    note: str


def map_words(vectors: Vectors, method: Method, *, seed: int = 0) -> WordMap:
    """Lay words out so that similar ones are close together; the same seed gives the same map on the same machine.

    The neighbourhood shrinks with the number of words: t-SNE's perplexity is min(30, (n - 1) / 3), UMAP's n_neighbors
    is min(15, n - 1). Up to three words, and words that all have the same vector, are laid out along their principal
    axes, which is exact: one word at the origin, two on a line, three in their plane.

    Args:
        vectors: float32 (n, n_dims), n up to `MAX_WORDS`.
        method: "tsne" or "umap".
        seed: of the method's random numbers, 0 to 2**32 - 1.

    Raises:
        SettingsError: the method is unknown, the vectors have the wrong shape, are too many or not finite, or the seed
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
    """The neighbours that t-SNE considers for each of n words: 30, or a third of the others where these are few."""
    return min(MAX_PERPLEXITY, (n - 1) / 3)


def n_neighbours(n: int) -> int:
    """The neighbours that UMAP links each of n words to: 15, including the word itself, but at most n - 1."""
    return min(MAX_NEIGHBOURS, n - 1)


def _check(vectors: Vectors, method: str, seed: int) -> None:
    if method not in get_args(Method):
        known = " and ".join(get_args(Method))
        raise SettingsError(f"There is no map method {method!r}; there are {known}.", key="map method")
    if not 0 <= seed < 2**32:
        raise SettingsError(f"The seed of a map must be between 0 and {2**32 - 1}, not {seed}.", key="seed range")
    if vectors.ndim != 2 or vectors.shape[1] == 0:
        wrong = f"not {vectors.shape}"
        raise SettingsError(f"Word vectors must have the shape (words, dimensions), {wrong}.", key="vector shape")
    n = len(vectors)
    if n > MAX_WORDS:
        mend = "Show fewer background words, or choose fewer classes."
        raise SettingsError(f"A map shows at most {MAX_WORDS:,} words, not {n:,}. {mend}", key="map size")
    if len(broken := np.flatnonzero(~np.isfinite(vectors).all(axis=1))):
        where = f"{len(broken):,} of {n:,} word vectors hold values that are not finite, the first in row {broken[0]}"
        raise SettingsError(f"{where}. Read the file of word vectors again.", key="not finite")


def _unit_rows(vectors: Vectors) -> Vectors:
    """Rows scaled to length 1, except zeros; in float64, because the square of a large float32 may overflow."""
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
    along[np.abs(along) < 1e-7] = 0  # the input is float32, so anything smaller is rounding
    sign = np.sign(along[np.abs(along).argmax(axis=0), [0, 1]])
    return np.asarray(along * np.where(sign == 0, 1, sign), dtype=np.float32)


def _tsne(unit: Vectors, seed: int) -> Any:
    """t-SNE on one thread, so that sums are always in the same order; waiting threads would also slow it down a lot."""
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return TSNE(perplexity=perplexity(len(unit)), init="pca", random_state=seed).fit_transform(unit)


def _umap(unit: Vectors, seed: int) -> Any:
    """UMAP on one thread, because its result depends on the order of updates; its warnings are silenced.

    Importing it compiles code for some seconds, and for longer the first time it runs on a machine.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from umap import UMAP

        init = "spectral" if len(unit) >= MIN_SPECTRAL else "pca"
        return UMAP(n_neighbors=n_neighbours(len(unit)), init=init, random_state=seed, n_jobs=1).fit_transform(unit)
