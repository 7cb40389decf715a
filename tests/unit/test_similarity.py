"""The nearest-token rule against plain NumPy, Table 4's rows, and percentiles against counting."""

import csv
import io
import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from raising import raises
from scipy.stats import kstest

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.corpus.wordnet import load_wordnet
from fdcore.errors import SettingsError
from fdcore.method.filtering import FilteredClass
from fdcore.method.findings import ClassFinding
from fdcore.method.scores import Scores
from fdcore.method.selection import Choice, ClassSelection, Cluster
from fdcore.words import similarity
from fdcore.words.conclusion import PROVES_LITTLE, claims_in_words, why_little
from fdcore.words.label_sets import label_set
from fdcore.words.similarity import (
    compare_claims,
    content_tokens,
    judge,
    name_similarities,
    nearest_tokens,
    percentile,
    similarity_to_csv,
    unknown_tokens,
    words_needed,
)
from fdcore.words.vectors import WordVectors, builtin_vectors, open_vectors
from fdcore.words.vocabulary import ListedVocabulary

WORDS = ("cat", "Cat", "tabby", "persian", "Persian", "automobile", "convertible", "sports", "car", "beach", "wagon",
         "hen", "woods", "bird", "prey", "mouse", "of", "the", "nothing")  # fmt: skip
MATRIX = np.random.default_rng(3).normal(size=(len(WORDS), 6)).astype(np.float32)
MATRIX[WORDS.index("nothing")] = 0
VECTORS = WordVectors("test", "0" * 64, True, 0, MATRIX, ListedVocabulary(WORDS))
HOSTILE = ("", " ", "of the", "🐈", "🐈 🐕", "x" * 80, "a" * 5_000, "20", "=cmd()", "a\0b", "\ud800", "---", "ﬁ", "İ")


def cosine(u: np.ndarray, v: np.ndarray) -> float:
    """Plain NumPy, in double precision."""
    u, v = u.astype(np.float64), v.astype(np.float64)
    length = float(np.linalg.norm(u) * np.linalg.norm(v))
    return float(u @ v) / length if length else 0.0


def by_hand(claim: Sequence[str], names: Sequence[str], vectors: WordVectors) -> tuple[float, float] | None:
    """The rule in loops: the highest cosine over the tokens of both sides, and that pair's distance."""
    best: tuple[float, float] | None = None
    for one, other in itertools.product(claim, names):
        for a, b in itertools.product(content_tokens(one), content_tokens(other)):
            found: list[tuple[float, float]] = [(1.0, 0.0)] if a.casefold() == b.casefold() else []
            for u, v in itertools.product({a, a.lower()}, {b, b.lower()}):
                words = vectors.find(u), vectors.find(v)
                if words[0] is not None and words[1] is not None:
                    x, y = vectors.vectors([words[0], words[1]])
                    same = words[0] == words[1]
                    found.append((1.0, 0.0) if same else (cosine(x, y), float(np.linalg.norm(x - y))))
            for pair in found:
                best = pair if best is None or pair[0] > best[0] else best
    return best


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("hen of the woods", ("hen", "woods")), ("lady's slipper", ("lady", "slipper")),
        ("lady\u2019s slipper", ("lady", "slipper")), ("traffic_light", ("traffic", "light")),
        ("T-shirt/top", ("T-shirt", "top")), ("speed limit (20km/h)", ("speed", "limit", "20km", "h")),
        ("Café, café; Café", ("Café", "café")), ("moving van, van", ("moving", "van")),
        ("down jacket", ("down", "jacket")), ("off", ("off",)), ("of the", ()), ("🐈 --- !?", ()),
    ],
)  # fmt: skip
def test_content_tokens_leave_function_words_out(name: str, tokens: tuple[str, ...]) -> None:
    """Only words that say something stay; a single word says something whatever it is."""
    assert content_tokens(name) == tokens


@pytest.mark.parametrize(
    ("claim", "names"),
    [
        (["automobile"], ["convertible", "sports car", "beach wagon, car"]), (["Persian"], ["wagon"]),
        (["hen", "cat"], ["unknownword", "prey", "sports car"]), (["nothing"], ["car", "bird"]),
    ],
)  # fmt: skip
def test_the_nearest_pair_is_that_of_plain_numpy(claim: list[str], names: list[str]) -> None:
    """Cosine and Euclidean distance are those of the nearest two tokens over all names."""
    expected = by_hand(claim, names, VECTORS)
    nearest = nearest_tokens(claim, names, VECTORS)
    assert nearest[:2] == pytest.approx(expected, abs=1e-5)
    assert by_hand([nearest.claim_token], [nearest.found_token], VECTORS) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("claim", "found"),
    [("Cat", "tabby cat"), ("CATS", "cat"), ("mice", "field mouse"), ("20", "speed limit 20"), ("Quokka", "quokka")],
)
def test_an_identical_token_is_one(claim: str, found: str) -> None:
    """The same token has cosine 1 and distance 0: in other case or number, and also where it has no vector."""
    nearest = nearest_tokens([claim], ["bird", found], VECTORS)
    assert nearest[:2] == (1.0, 0.0)
    assert name_similarities([[claim]], [[found]], VECTORS)[0, 0] == 1


def test_an_unknown_hyphened_token_is_known_by_its_parts() -> None:
    """ "cat-like" and "CatBird" have no vector; their parts have."""
    assert unknown_tokens(["cat-unheard", "CatBird", "sports-car"], VECTORS) == ()
    nearest = nearest_tokens(["cat-unheard"], ["cat"], VECTORS)
    assert nearest[:2] == (1.0, 0.0)
    assert nearest[2:] == ("cat-unheard", "cat")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_says_nothing_compares_to_nothing(hostile: str) -> None:
    """Empty, function words, emoji, endless or unknown: no similarity, no crash, on either side."""
    assert nearest_tokens([hostile], ["cat"], VECTORS) is None
    assert nearest_tokens(["cat"], [hostile], VECTORS) is None
    assert nearest_tokens([], ["cat"], VECTORS) is None
    assert np.isnan(name_similarities([[hostile], []], [["cat"], [hostile, "prey"]], VECTORS)[:, 0]).all()
    assert name_similarities([], [["cat"]], VECTORS).shape == (0, 1)
    assert name_similarities([["cat"]], [], VECTORS).shape == (1, 0)


def test_similarities_are_those_of_each_pair() -> None:
    """The batch gives for each two what the rule in loops gives, nan where it gives nothing; in blocks as well."""
    rng = np.random.default_rng(0)
    pool = (*WORDS, *HOSTILE, "unheard", "Unheard", "cat-like", "TABBY cats", "sports car of the woods")
    sides = [[list(rng.choice(pool, rng.integers(0, 4))) for _ in range(n)] for n in (25, 40)]
    result = name_similarities(sides[0], sides[1], VECTORS)
    assert result.dtype == np.float32
    for i, j in itertools.product(range(25), range(40)):
        parts = [[list_part for name in side for list_part in _expand(name)] for side in (sides[0][i], sides[1][j])]
        expected = by_hand(parts[0], parts[1], VECTORS)
        if expected is None:
            assert np.isnan(result[i, j])
        else:
            assert result[i, j] == pytest.approx(expected[0], abs=1e-5)
    assert np.isnan(result).any()
    assert (result == 1).any()


def _expand(name: str) -> list[str]:
    """A name and, where a hyphened token is unknown, the name with its parts."""
    return [name, "cat like"] if name == "cat-like" else [name]


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparing few names at a time gives the same numbers."""
    tree = load_wordnet()
    names = [tree.synonyms(node) for node in tree.ids[2_000:2_300]]
    whole = name_similarities(names[:50], names, builtin_vectors())
    monkeypatch.setattr("fdcore.words.similarity._N_COLUMNS", 7)
    np.testing.assert_allclose(name_similarities(names[:50], names, builtin_vectors()), whole, atol=1e-6)


def test_a_restricted_copy_compares_the_same() -> None:
    """The words that a comparison needs are enough for it: a case can keep them alone."""
    tree = load_wordnet()
    names = [tree.synonyms(node) for node in tree.ids[5_000:5_100]]
    claims = [["Cats"], ["sea-lion"], ["Great-Dane"], ["unheardof"]]
    flat = [name for side in (*names, *claims) for name in side]
    copy = builtin_vectors().restricted(words_needed(flat, builtin_vectors()))
    assert len(copy) < 500
    np.testing.assert_array_equal(
        name_similarities(claims, names, copy), name_similarities(claims, names, builtin_vectors())
    )
    assert unknown_tokens(flat, copy) == unknown_tokens(flat, builtin_vectors())


# Percentiles


def by_counting(values: np.ndarray, chosen: Sequence[int]) -> float:
    """All selections of as many known leaves, each by the mean of its leaves; a tie counts half."""
    picked = [values[i] for i in chosen if not np.isnan(values[i])]
    known = values[~np.isnan(values)]
    means = np.array(list(itertools.combinations(known, len(picked)))).mean(axis=1)
    ties = np.isclose(means, np.mean(picked), atol=1e-9, rtol=0)
    return float(((means < np.mean(picked)) & ~ties).mean() + 0.5 * ties.mean())


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, np.nan]), min_size=2, max_size=9), st.data())
def test_a_percentile_is_the_share_of_all_selections(values: list[float], data: st.DataObject) -> None:
    """In a small corpus it equals counting every selection of that size, ties, unknown leaves and all."""
    chosen = data.draw(st.lists(st.integers(0, len(values) - 1), min_size=1, unique=True))
    similarities = np.array(values)
    known = ~np.isnan(similarities)
    if known.sum() < 2 or not known[chosen].any():
        assert percentile(similarities, chosen) is None
    else:
        assert percentile(similarities, chosen) == pytest.approx(by_counting(similarities, chosen))


@pytest.mark.parametrize(("n", "k"), [(22, 4), (22, 6), (16, 8)])
def test_a_percentile_of_random_draws_is_near_the_exact_one(n: int, k: int) -> None:
    """Beyond 2,000 selections it is estimated: within four standard errors of counting all of them."""
    values = np.random.default_rng(n).normal(size=n)
    assert math.comb(n, k) > 2_000
    for seed in range(8):
        chosen = np.random.default_rng(seed).choice(n, k, replace=False).tolist()
        expected = by_counting(values, chosen)
        allowed = 4 * math.sqrt(expected * (1 - expected) / 2_000) + 1 / 2_000
        assert percentile(values, chosen) == pytest.approx(expected, abs=allowed)


@pytest.mark.parametrize("k", [1, 2, 7, 40])
def test_random_selections_have_every_percentile_alike(k: int) -> None:
    """Without any agreement the percentiles are uniform: Kolmogorov and Smirnov find no difference in 1,000 of them."""
    rng = np.random.default_rng(k)
    values = rng.random(300)
    found = [percentile(values, rng.choice(300, k, replace=False).tolist()) for _ in range(1_000)]
    assert kstest(np.array(found, dtype=float), "uniform").pvalue > 0.001


def test_a_large_selection_that_is_right_stands_out() -> None:
    """30 exact leaves of 200 are near 1, and so are all of ImageNet's 118 dogs for the claim "dog"."""
    exact = np.where(np.arange(200) < 30, 1.0, np.random.default_rng(0).uniform(0, 0.8, 200))
    assert (percentile(exact, range(30)) or 0) > 0.999
    tree, nodes = load_wordnet(), [node or "" for node in label_set("imagenet1k").nodes]
    similarities = name_similarities([["dog"]], [tree.synonyms(node) for node in nodes], builtin_vectors())[0]
    dogs = [place for place, node in enumerate(nodes) if "n02084071" in tree.ancestors(node)]
    assert len(dogs) == 118
    assert (percentile(similarities, dogs) or 0) > 0.999


def test_a_leaf_without_similarity_does_not_count() -> None:
    """Unknown leaves are neither drawn nor counted; one known leaf of 200 is no evidence, and none is nothing."""
    assert percentile(np.array([np.nan, 0.1, 0.2], dtype=np.float32), []) is None
    assert percentile(np.where(np.arange(200) == 7, 0.9, np.nan), [7]) is None
    half_known = np.where(np.arange(200) % 2, np.nan, np.linspace(0, 1, 200))
    assert percentile(half_known, [100, 101]) == pytest.approx(percentile(half_known[::2], [50]))


def test_a_percentile_does_not_depend_on_what_was_asked_before() -> None:
    """The draws are the same for the same corpus and number of leaves, in blocks of memory or at once."""
    values = np.random.default_rng(1).random(500)
    first = percentile(values, range(0, 500, 50))
    for k in (33, 16, 2):
        percentile(values, range(k))
    assert percentile(values, range(0, 500, 50)) == first
    whole = similarity._random_selections(500, 16)
    similarity._random_selections.cache_clear()
    assert (np.sort(whole, axis=1)[:, 1:] != np.sort(whole, axis=1)[:, :-1]).all(), "no leaf is drawn twice"
    np.testing.assert_array_equal(similarity._random_selections(500, 64)[:, :16], whole)
    similarity._random_selections.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similarity, "_MAX_CELLS", 5_000)
        np.testing.assert_array_equal(similarity._random_selections(500, 16), whole)
    similarity._random_selections.cache_clear()


@pytest.mark.parametrize(
    ("cosine", "share", "judgement"),
    [
        (1.0, 0.1, "agrees"), (0.4, 0.95, "agrees"), (0.9, 0.949, "unclear"), (0.9, 0.8, "unclear"),
        (0.99, 0.79, "does not agree"), (0.9, None, "not ranked"),
    ],
)  # fmt: skip
def test_the_same_word_agrees_and_the_rest_is_held_against_chance(
    cosine: float, share: float | None, judgement: str
) -> None:
    """An identical token agrees whatever the rest is; else the percentile decides, its bounds included."""
    assert judge(cosine, share) == judgement


# Table 4

TREE = Hierarchy.from_rows(
    [
        ("n0", [], ["entity"]), ("n1", ["n0"], ["tabby", "tabby cat"]), ("n2", ["n0"], ["Persian cat"]),
        ("n3", ["n0"], ["convertible"]), ("n4", ["n0"], ["beach wagon", "station wagon", "=estate;car"]),
        ("n5", ["n0"], ["bird of prey"]), ("n6", ["n0"], ["zyzzyva"]),
    ]
)  # fmt: skip
NODES = ("n1", "n2", "n3", "n4", "n5", "n6")
SCORES = Scores(NODES, np.zeros((4, 6), np.int32), np.full(6, 10), np.full(6, 10), 1.0)


def finding(target: int, *members: int) -> ClassFinding:
    """A class's answer with some leaves."""
    clusters = (Cluster(members[0], members, 0.75, 0.7, 0.8, 0.75, 0.2, 0.6),) if members else ()
    none = np.empty(0, np.int64)
    filtered = FilteredClass.__new__(FilteredClass)
    object.__setattr__(filtered, "kept", none)
    return ClassFinding(ClassSelection(target, members, clusters), filtered, None, ())


FINDINGS = (finding(0, 0, 1), finding(1, 2, 3), finding(2), finding(3, 5))


def test_a_row_compares_the_claim_with_all_that_was_found() -> None:
    """Each claim gets a row with the nearest tokens over all synonyms of all its leaves, L, percentile and unknowns."""
    rows = compare_claims({1: "automobile, zork", 0: "cat"}, FINDINGS, SCORES, TREE, VECTORS)
    assert [row.target_class for row in rows] == [0, 1]
    cat, car = rows
    assert (cat.nodes, cat.functional_score) == (("n1", "n2"), 0.75)
    assert cat.nearest[:3] == (1.0, 0.0, "cat")
    all_similarities = name_similarities([["cat"]], [TREE.synonyms(node) for node in NODES], VECTORS)[0]
    assert cat.percentile == pytest.approx(by_counting(all_similarities, [0, 1]))
    assert (cat.n_known, cat.judgement) == (5, "agrees")
    found = ["convertible", "beach wagon", "station wagon", "=estate;car"]
    expected = by_hand(["automobile"], found, VECTORS)
    assert car.nearest[:2] == pytest.approx(expected, abs=1e-5)
    assert (car.unknown_claim, car.unknown_found) == (("zork",), ("station", "estate"))


def test_an_answer_chosen_by_hand_neither_agrees_nor_differs() -> None:
    """The choice may follow the claim: it has a state of its own, in the table too, and does not count."""
    chosen = Choice(0, ("n1", "n2"), "as claimed", "", "2026-01-01T00:00:00+00:00")
    locked = replace(FINDINGS[0], selection=replace(FINDINGS[0].selection, choice=chosen))
    claims = {0: "cat", 1: "automobile", 2: "cat"}
    rows = compare_claims(claims, (locked, *FINDINGS[1:]), SCORES, TREE, VECTORS)
    assert [row.compared for row in rows] == [False, True, False]
    assert rows[0].judgement == "chosen by hand"
    table = list(csv.DictReader(io.StringIO(similarity_to_csv(rows, TREE).decode())))
    assert [row["judgement"] for row in table] == ["chosen by hand", rows[1].judgement, ""]
    n_agree = int(rows[1].judgement == "agrees")
    said = claims_in_words(rows)
    assert said.startswith(f"{n_agree} of 1 claim agrees with what was found")
    assert said.endswith("; 1 class is left out because its answer was chosen by hand.")
    assert claims_in_words(rows[:1]).startswith("None of the claims could be compared")
    assert claims_in_words((rows[0],) * 2).endswith("2 classes are left out because their answers were chosen by hand.")


def test_what_weakens_the_claims_that_agree_is_told_only_where_some_were_compared() -> None:
    """Vectors made from the hierarchy, and a whole that means nothing; with neither there is nothing to say."""
    rows = compare_claims({1: "automobile"}, FINDINGS, SCORES, TREE, VECTORS)
    assert why_little(rows, independent=True, outcome="meaningful") == []
    assert why_little(rows, independent=False, outcome="meaningful") == [f"{PROVES_LITTLE}: load others."]
    assert "undecided" in why_little(rows, independent=True, outcome="undecided")[0]
    assert "nothing here is meaningful" in why_little(rows, independent=False, outcome="meaningless")[1]
    missing = compare_claims({2: "cat"}, FINDINGS, SCORES, TREE, VECTORS)
    assert why_little(missing, independent=False, outcome="meaningless") == []


def test_what_was_not_found_or_says_nothing_is_a_row_without_numbers() -> None:
    """A class without an answer, a claim of symbols, and unknown words on one side have no similarity, and say so."""
    claims = {0: "🐈", 2: "cat", 3: "cat"}
    silent, missing, unknown = compare_claims(claims, FINDINGS, SCORES, TREE, VECTORS)
    assert (silent.nearest, silent.percentile, silent.unknown_claim) == (None, None, ())
    assert (silent.n_known, silent.judgement) == (0, None)
    assert (missing.nodes, missing.functional_score, missing.nearest, missing.percentile) == ((), None, None, None)
    assert (unknown.nearest, unknown.percentile, unknown.unknown_found) == (None, None, ("zyzzyva",))
    assert compare_claims({}, FINDINGS, SCORES, TREE, VECTORS) == ()


def test_a_claim_about_no_class_is_refused() -> None:
    """A class number that the suspect does not have is told, with those that it has."""
    with raises(SettingsError, "claim class", "class 4", "0 to 3"):
        compare_claims({4: "cat"}, FINDINGS, SCORES, TREE, VECTORS)


def test_the_table_is_inert() -> None:
    """The CSV has a line for each row, keeps its separators apart and holds no formula."""
    rows = compare_claims({0: "cat", 1: '=HYPERLINK("x")', 2: "cat"}, FINDINGS, SCORES, TREE, VECTORS)
    table = list(csv.DictReader(io.StringIO(similarity_to_csv(rows, TREE).decode())))
    assert [row["target_class"] for row in table] == ["0", "1", "2"]
    assert (table[0]["cosine"], table[0]["euclidean"], table[0]["labels"]) == ("1.0", "0.0", "tabby;Persian cat")
    assert table[1]["claim"].startswith("'=")
    assert table[1]["unknown_claim"] == "HYPERLINK;x"
    assert [row["n_known"] for row in table] == ["5", "0", "5"]
    assert table[2]["cosine"] == table[2]["percentile"] == table[2]["nodes"] == ""
    assert similarity_to_csv((), TREE).decode().startswith("target_class,claim,")


# The paper's own words

TABLE_4 = {
    "airplane": ["airliner", "wing", "warplane", "military plane"],
    "automobile": ["convertible", "sports car", "minivan", "beach wagon", "station wagon", "wagon", "estate car"],
    "bird": ["little blue heron", "jay", "jacamar", "magpie", "junco", "ostrich"],
    "cat": ["tabby cat", "Persian cat", "Siamese cat", "Egyptian cat", "tiger cat"],
    "deer": ["hartebeest", "impala", "gazelle"],
}


def test_the_builtin_vectors_give_each_claim_of_table_4_its_own_words() -> None:
    """Of the paper's five found unions, each claim is nearest to its own, or as near as to any other but 0.02."""
    matrix = name_similarities([[claim] for claim in TABLE_4], list(TABLE_4.values()), builtin_vectors())
    assert (np.diag(matrix) > matrix.max(axis=1) - 0.02).all()
    assert matrix.argmax(axis=1).tolist()[:4] == [0, 1, 2, 3]
    assert matrix[3, 3] == 1


@pytest.mark.real
@pytest.mark.nightly
@pytest.mark.parametrize("name", ["word2vec_googlenews_8000x300.txt.gz", "glove_9910x300.txt.gz"])
def test_published_vectors_agree_with_table_4(tmp_path: Path, real_data: Path, name: str) -> None:
    """As in the paper, cat is 1.0 by its breeds; automobile and airplane are far above 0 by their nearest tokens."""
    path = real_data / "vectors" / name
    if not path.is_file():
        pytest.skip(f"no real data: {path} is missing")
    vectors = open_vectors(path, tmp_path / "cache")
    nearest = {claim: nearest_tokens([claim], found, vectors) for claim, found in TABLE_4.items()}
    cat, automobile, airplane = nearest["cat"], nearest["automobile"], nearest["airplane"]
    assert cat[:2] == (1.0, 0.0)
    assert 0.3 < automobile.cosine < 0.8
    assert automobile.found_token == "car"  # noqa: S105  # a word, no password
    assert 0.5 < airplane.cosine < 0.9
    assert "hartebeest" in unknown_tokens(TABLE_4["deer"], vectors)
