"""Word maps: against scikit-learn and umap-learn called directly, every small number of words, and odd vectors."""

import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest
from conftest import REPOSITORY
from raising import raises
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, trustworthiness
from threadpoolctl import threadpool_limits

from fdcore.errors import SettingsError
from fdcore.words.maps import MAX_WORDS, MIN_WORDS, Method, map_words

Vectors = np.ndarray[Any, np.dtype[np.float32]]
METHODS = ("tsne", pytest.param("umap", marks=pytest.mark.nightly))  # UMAP compiles itself in every process


def words(n: int, *, n_dims: int = 20, n_groups: int = 4, seed: int = 0) -> Vectors:
    """Vectors of several lengths in directions that form groups, the groups in turn."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(n_groups, n_dims))
    vectors = centres[np.arange(n) % n_groups] + 0.2 * random.normal(size=(n, n_dims))
    return (vectors * random.uniform(0.5, 9, (n, 1))).astype(np.float32)


def unit(vectors: Vectors) -> Vectors:
    """The rows at length 1, rounded once: the methods amplify the last bit of what they are given."""
    exact = vectors.astype(np.float64)
    return (exact / np.linalg.norm(exact, axis=1, keepdims=True)).astype(np.float32)


def test_tsne_is_scikit_learns_on_rows_of_length_one() -> None:
    """60 words: the perplexity is a third of the other words, the first places are principal axes."""
    vectors = words(60)
    with threadpool_limits(limits=1):
        expected = TSNE(perplexity=59 / 3, init="pca", random_state=5).fit_transform(unit(vectors))
    result = map_words(vectors, "tsne", seed=5)
    assert np.allclose(result.coordinates, expected, rtol=1e-3, atol=1e-2)
    assert (result.method, result.note) == ("tsne", "")


@pytest.mark.nightly
@pytest.mark.parametrize(("n", "init"), [(12, "pca"), (60, "spectral")])
def test_umap_is_umap_learns_on_rows_of_length_one(n: int, init: str) -> None:
    """Up to 15 neighbours and never more than there are; few words start from principal axes."""
    from umap import UMAP

    vectors = words(n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = UMAP(n_neighbors=min(15, n - 1), init=init, random_state=5, n_jobs=1)
        expected = model.fit_transform(unit(vectors))
    result = map_words(vectors, "umap", seed=5)
    assert np.allclose(result.coordinates, expected, rtol=1e-3, atol=1e-2)
    assert (result.method, result.note) == ("umap", "")


@pytest.mark.parametrize("method", METHODS)
def test_the_seed_decides_and_nothing_else(method: Method) -> None:
    """The same seed gives the same bytes, whatever random numbers were drawn in between."""
    vectors = words(50)
    first = map_words(vectors, method, seed=1).coordinates
    np.random.default_rng().random(10)
    assert map_words(vectors, method, seed=1).coordinates.tobytes() == first.tobytes()
    if method == "umap":  # t-SNE starts from principal axes, so that its seed may change little
        assert not np.allclose(map_words(vectors, method, seed=2).coordinates, first)


@pytest.mark.parametrize("method", METHODS)
def test_neighbours_on_the_map_are_neighbours_by_cosine(method: Method) -> None:
    """Trustworthiness above 0.9 on words in groups, and each word's nearest neighbour is of its own group."""
    vectors = words(160, n_groups=8)
    coordinates = map_words(vectors, method).coordinates
    assert trustworthiness(vectors, coordinates, n_neighbors=5, metric="cosine") > 0.9
    apart = np.linalg.norm(coordinates[:, None] - coordinates[None], axis=2) + np.diag(np.full(160, np.inf))
    assert ((apart.argmin(axis=1) % 8) == (np.arange(160) % 8)).mean() > 0.98


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 12])
def test_every_small_number_of_words_has_a_map(method: Method, n: int) -> None:
    """Finite places of the right shape; what is not made by the method says so, and from 4 words on it is."""
    result = map_words(words(n), method)
    assert result.coordinates.shape == (n, 2)
    assert result.coordinates.dtype == np.float32
    assert np.isfinite(result.coordinates).all()
    assert result.method == (method if n >= MIN_WORDS else "pca")
    assert bool(result.note) == (n < MIN_WORDS)
    if n > 1:
        assert len(np.unique(result.coordinates, axis=0)) == n


@pytest.mark.parametrize("method", METHODS)
def test_up_to_three_words_lie_as_far_apart_as_they_are(method: Method) -> None:
    """One at the origin, two on a line, three in their plane: distances are those of the unit vectors."""
    assert map_words(words(1), method).coordinates.tolist() == [[0, 0]]
    two, three = (map_words(words(n), method).coordinates for n in (2, 3))
    assert np.allclose(two[:, 1], 0)
    for vectors, places in ((words(2), two), (words(3), three)):
        expected = np.linalg.norm(unit(vectors)[:, None] - unit(vectors)[None], axis=2)
        assert np.allclose(np.linalg.norm(places[:, None] - places[None], axis=2), expected, atol=1e-5)
    reference = PCA(n_components=2).fit_transform(unit(words(3)).astype(np.float64))
    assert np.allclose(np.abs(three), np.abs(reference), atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_the_note_says_what_was_done_instead(method: Method) -> None:
    """It is a sentence for people."""
    title = {"tsne": "t-SNE", "umap": "UMAP"}[method]
    assert map_words(words(3), method).note == f"Three words lie in a plane, so {title} was not used."


@pytest.mark.parametrize("method", METHODS)
def test_words_with_the_same_vector_lie_on_one_spot(method: Method) -> None:
    """So do multiples of it, as only the direction counts; the note says why there is nothing to see."""
    result = map_words(np.outer(np.arange(1, 31), np.arange(1, 9)).astype(np.float32), method)
    assert np.allclose(result.coordinates, 0, atol=1e-5)
    assert result.method == "pca"
    assert result.note.startswith("All words have the same vector")


@pytest.mark.parametrize("method", METHODS)
def test_many_copies_of_few_words_have_a_map(method: Method) -> None:
    """Two directions, twenty words each, land in two groups that do not mix."""
    coordinates = map_words(np.repeat(np.eye(5, dtype=np.float32)[:2], 20, axis=0), method).coordinates
    assert np.isfinite(coordinates).all()
    first, second = coordinates[:20], coordinates[20:]
    apart = np.linalg.norm(first.mean(axis=0) - second.mean(axis=0))
    assert apart > max(np.linalg.norm(group - group.mean(axis=0), axis=1).mean() for group in (first, second))


@pytest.mark.parametrize("method", METHODS)
def test_words_without_a_vector_of_their_own_have_a_place(method: Method) -> None:
    """Zeros are a vector like others, not an error and not a division by zero."""
    vectors = words(24)
    vectors[[0, 7]] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(map_words(vectors, method).coordinates).all()


@pytest.mark.parametrize("method", METHODS)
def test_vectors_of_one_dimension_have_a_map(method: Method) -> None:
    """Both methods start from two axes, and there is only one."""
    vectors = np.linspace(-1, 1, 16, dtype=np.float32)[:, None]
    assert np.isfinite(map_words(vectors, method).coordinates).all()


def test_huge_values_do_not_overflow() -> None:
    """A hostile file of word vectors may hold the largest float32."""
    vectors = words(3)
    huge = (vectors / np.abs(vectors).max() * np.finfo(np.float32).max).astype(np.float32)
    assert np.allclose(map_words(huge, "tsne").coordinates, map_words(vectors, "tsne").coordinates, atol=1e-5)


@pytest.mark.parametrize(
    ("vectors", "method", "seed", "fault"),
    [
        (np.array([[1, 2], [np.nan, 0]]), "tsne", 0, ("not finite", "1 of 2", "row 1")),
        (np.array([[np.inf, 2], [1, 0]]), "umap", 0, ("not finite", "row 0")),
        (np.ones(4), "tsne", 0, ("vector shape", "(4,)")),
        (np.ones((4, 0)), "tsne", 0, ("vector shape", "(4, 0)")),
        (np.ones((MAX_WORDS + 1, 1)), "tsne", 0, ("map size", "5,000", "5,001")),
        (np.ones((4, 2)), "mds", 0, ("map method", "'mds'", "tsne and umap")),
        (np.ones((4, 2)), "umap", -1, ("seed range", "-1")),
    ],
)
def test_what_cannot_be_mapped_is_refused(vectors: Any, method: Any, seed: int, fault: tuple[str, ...]) -> None:
    """The error says what was given and what is expected."""
    with raises(SettingsError, *fault):
        map_words(vectors.astype(np.float32), method, seed=seed)


@pytest.mark.nightly
def test_importing_maps_loads_neither_library_and_umap_is_silent() -> None:
    """A page that only names the methods starts fast; in a fresh process, no advice for programmers reaches users."""
    code = (
        "import sys, numpy as np; from fdcore.words.maps import map_words;"
        "print([m for m in ('sklearn', 'umap', 'numba') if m in sys.modules]);"
        "map_words(np.random.default_rng(0).normal(size=(12, 5)).astype('float32'), 'umap')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert done.stdout == "[]\n"
    assert done.stderr == ""
