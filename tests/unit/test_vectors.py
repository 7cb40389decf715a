"""Finding words in their spellings, the built-in vectors, and copies for a case."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from raising import raises

from fdcore.corpus.wordnet import load_wordnet
from fdcore.errors import CaseError, SettingsError
from fdcore.words.similarity import content_tokens
from fdcore.words.spelling import spellings
from fdcore.words.vectors import WordVectors, builtin_vectors, from_npz, to_npz
from fdcore.words.vocabulary import ListedVocabulary


def make_vectors(words: Sequence[str], n_dims: int = 5) -> WordVectors:
    """Random vectors for some words."""
    matrix = np.random.default_rng(0).normal(size=(len(words), n_dims)).astype(np.float32)
    return WordVectors("test", "0" * 64, True, 0, matrix, ListedVocabulary(words))


@pytest.mark.parametrize(
    ("token", "word"),
    [
        ("CATS", "cat"), ("persian", "Persian"), ("nasa", "NASA"), ("sea-lion", "sea_lion"), ("sea lions", "sea_lion"),
        ("great dane", "Great_Dane"), ("T-shirt", "tshirt"), ("t_shirts", "tshirt"), ("mice", "mouse"),
        ("goose", "geese"), ("firemen", "fireman"), ("foot", "feet"), ("teeth", "tooth"), ("leaves", "leaf"),
        ("wolf", "wolves"), ("knives", "knife"), ("buses", "bus"), ("berries", "berry"), ("movies", "movie"),
        ("tomatoes", "tomato"), ("shoes", "shoe"), ("walruses", "walrus"), ("church", "churches"), ("houses", "house"),
        ("glass", None), ("", None), ("x" * 100_000, None), ("🐈", None), ("___", None), ("s", None), ("\ud800", None),
    ],
)  # fmt: skip
def test_a_token_is_found_in_other_spellings(token: str, word: str | None) -> None:
    """Case, hyphens and number are tried before a token counts as unknown."""
    known = (
        "cat Persian NASA sea_lion Great_Dane tshirt mouse geese fireman feet tooth leaf wolves knife bus fox berry "
        "movie tomato shoe horse walrus churches house"
    )
    assert make_vectors(known.split()).find(token) == word


def test_the_nearest_spelling_wins() -> None:
    """A token that stands in the vocabulary as it is, is taken so, whatever else stands there."""
    vectors = make_vectors(["Turkey", "turkey", "TURKEY", "turkeys"])
    assert [vectors.find(token) for token in ("Turkey", "turkey", "TURKEY", "turkeys", "Turkeys")] == [
        "Turkey", "turkey", "TURKEY", "turkeys", "turkeys",
    ]  # fmt: skip


@given(st.text(max_size=40))
def test_spellings_begin_with_the_token_and_never_repeat(token: str) -> None:
    """Any text has finitely many spellings, each once, itself first."""
    found = list(spellings(token))
    assert found[0] == token
    assert len(found) == len(set(found)) <= 120


def test_vectors_are_the_rows_of_the_matrix() -> None:
    """The vectors of words come in the order that was asked for; an unknown word is the caller's mistake."""
    vectors = make_vectors(["a", "b", "c"])
    np.testing.assert_array_equal(vectors.vectors(["c", "a", "c"]), vectors.matrix[[2, 0, 2]])
    assert vectors.vectors([]).shape == (0, 5)
    with pytest.raises(KeyError, match="zebra"):
        vectors.vectors(["a", "zebra"])


def test_a_restricted_copy_finds_the_same() -> None:
    """A copy with some words answers as the whole does for each of them, in every spelling, and shares no memory."""
    vectors = make_vectors(["Cat", "cat", "mouse", "sea_lion", "dog"])
    asked = ["CAT", "Cat", "mice", "sea-lions", "unicorn"]
    copy = vectors.restricted(asked)
    assert len(copy) == 4
    assert [copy.find(token) for token in asked] == [vectors.find(token) for token in asked]
    assert copy.find("dog") is None
    np.testing.assert_array_equal(copy.vectors(["mouse"]), vectors.vectors(["mouse"]))
    assert not np.shares_memory(copy.matrix, vectors.matrix)
    assert (copy.name, copy.sha256, copy.independent) == (vectors.name, vectors.sha256, vectors.independent)


@pytest.mark.parametrize("words", [[], ["only"], ["größe", "猫", "cat"]])
def test_a_copy_comes_back_from_its_file(words: list[str]) -> None:
    """What is kept in a case is read back equal, and the same vectors give the same bytes."""
    vectors = make_vectors(words)
    back = from_npz(to_npz(vectors))
    assert to_npz(back) == to_npz(vectors)
    assert list(back.vocabulary) == words
    np.testing.assert_array_equal(back.matrix, vectors.matrix)
    assert (back.name, back.sha256, back.independent, back.left_out) == ("test", "0" * 64, True, 0)


def changed(**arrays: np.ndarray) -> bytes:
    """A kept copy with some arrays replaced."""
    with np.load(io.BytesIO(to_npz(make_vectors(["a", "b"]))), allow_pickle=False) as whole:
        content = dict(whole) | arrays
    file = io.BytesIO()
    np.savez_compressed(file, **content)
    return file.getvalue()


def bomb() -> bytes:
    """A small file that would unpack to 32 MB."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("matrix.npy", "w") as member:
        member.write(bytes(2**25))
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        to_npz(make_vectors(["a"]))[:-40],
        changed(matrix=np.zeros((3, 5), np.float32)),
        changed(words=np.frombuffer(b"\n" * 200_000, np.uint8)),
        changed(matrix=np.full((2, 5), np.nan, np.float32)),
        changed(words=np.frombuffer(b"\xff\n\xfe", np.uint8)),
        changed(about=np.frombuffer(json.dumps({"name": "x"}).encode(), np.uint8)),
        changed(matrix=np.array([{"an": "object"}], dtype=object)),
    ],
)
def test_a_damaged_copy_is_refused(content: bytes) -> None:
    """A case that somebody sent may hold anything; no pickle in it is read."""
    with raises(CaseError, "kept vectors damaged"):
        from_npz(content)


def test_a_copy_that_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The size is looked at before anything is unpacked."""
    content = bomb()
    assert len(content) < 100_000
    monkeypatch.setattr("fdcore.words.vectors._MAX_UNPACKED", 2**24)
    monkeypatch.setattr(np, "load", lambda *_, **__: pytest.fail("unpacked"))
    with raises(CaseError, "kept vectors damaged", "32 MB"):
        from_npz(content)


def test_the_builtin_vectors_know_every_name_of_the_hierarchy() -> None:
    """Each content token of each name has a vector, so that any corpus on WordNet can be compared."""
    vectors, tree = builtin_vectors(), load_wordnet()
    tokens = {token for node in tree.ids for name in tree.synonyms(node) for token in content_tokens(name)}
    assert len(tokens) > 20_000
    assert {token for token in tokens if vectors.find(token) is None} == set()


def test_the_builtin_vectors_say_what_they_are() -> None:
    """They are marked as not independent of the hierarchy, are read only, and no vector is empty."""
    vectors = builtin_vectors()
    assert (vectors.name, vectors.independent) == ("built in", False)
    assert not vectors.matrix.flags.writeable
    assert len(vectors) == len(vectors.matrix)
    assert np.isfinite(vectors.matrix).all()
    assert (np.linalg.norm(vectors.matrix, axis=1) > 0).all()


@pytest.mark.parametrize(
    ("word", "near", "far"),
    [("airplane", "airliner", "dog"), ("truck", "pickup", "frog"), ("cat", "tabby", "truck"), ("oak", "tree", "car")],
)
def test_the_builtin_vectors_put_kinds_together(word: str, near: str, far: str) -> None:
    """A kind of a thing is nearer to it than something else is."""
    u, v, w = builtin_vectors().vectors([word, near, far])
    cosine = [float(u @ other / np.linalg.norm(u) / np.linalg.norm(other)) for other in (v, w)]
    assert cosine[0] > cosine[1] + 0.1


def test_the_builtin_vectors_open_without_gensim() -> None:
    """A page may use them: neither gensim nor torch is imported."""
    program = (
        "import sys; from fdcore.words import vectors; vectors.builtin_vectors();"
        "print('gensim' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_copy_that_would_not_be_read_again_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many bytes are refused when they are kept, in a sentence, and not when the case is opened."""
    monkeypatch.setattr("fdcore.words.vectors._MAX_UNPACKED", 2**16 + 20)
    assert len(from_npz(to_npz(make_vectors([])))) == 0
    with raises(SettingsError, "vectors too large"):
        to_npz(make_vectors(["cat", "dog", "ship"]))


def test_too_many_words_are_refused_before_they_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of what is kept holds for reading as well."""
    content = to_npz(make_vectors(["cat", "dog", "ship"]))
    monkeypatch.setattr("fdcore.words.vectors.MAX_KEPT", 2)
    with raises(CaseError, "kept vectors damaged", "2 words"):
        from_npz(content)
