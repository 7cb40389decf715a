"""How similar two names are, by word vectors: the paper's nearest-token rule and its Table 4 (section 5.3).

The similarity of two names is that of their nearest tokens: the highest cosine over all tokens of the one and all
tokens of the other, including synonyms. Function words are left out; otherwise "hen of the woods" would equal "bird of
prey" by "of". Tokens that are equal, ignoring case, have cosine 1 and distance 0 whether they are in the vocabulary or
not: "20" equals "20", and a rare name equals itself.

What a cosine means depends on the claim and the vectors. A selection is therefore also compared with random selections
from the same corpus, by the mean similarity of its leaves (`percentile`), and `judge` combines the two.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import comb
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from fdcore.corpus.hierarchy import Hierarchy
from fdcore.errors import SettingsError
from fdcore.method.findings import ClassFinding
from fdcore.method.scores import Scores
from fdcore.tables import to_csv
from fdcore.words.vectors import WordVectors

Matrix = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]
Places = npt.NDArray[np.uint32]
Judgement = Literal["agrees", "unclear", "does not agree", "not ranked"]
ByHand = Literal["chosen by hand"]

BY_HAND: ByHand = "chosen by hand"

CLOSE, UNCLEAR = 0.95, 0.8  # percentiles; at 0.95, one random selection in twenty is as similar
N_DRAWS = 2_000  # random selections for a percentile, where more are possible
MIN_KNOWN = 2  # leaves with a known word that a percentile needs
MAX_NAME = 1_000  # characters of a name that are used
COLUMNS = (
    "target_class", "claim", "nodes", "labels", "functional_score", "cosine", "euclidean", "claim_token",
    "found_token", "percentile", "n_known", "unknown_claim", "unknown_found", "judgement",
)  # fmt: skip

# Letters and digits, with hyphens and apostrophes between them.
_TOKEN = re.compile(r"[^\W_]+(?:[-'\u2019][^\W_]+)*")
_POSSESSIVE = re.compile(r"['\u2019][sS]$")
_INNER = re.compile(r"[-'\u2019]|(?<=[a-z])(?=[A-Z])")
_FUNCTION_WORD_LIST = (
    "a about above across after against all along also am among an and any are around as at be been before behind "
    "being below beneath beside between beyond both but by did do does during each either etc every few for from "
    "had has have having he her hers him his how i if in inside into is it its like many me more most much my near "
    "neither nor not of off on onto or our out outside own per she so some such than that the their them then "
    "there these they this those through to too toward towards under until up upon us very via was we were what when "
    "where which while who whom whose with within without you your la le de del der des du von"
)
_FUNCTION_WORDS = frozenset(_FUNCTION_WORD_LIST.split())
_N_COLUMNS = 1_000  # names compared at once; limits memory
_MAX_CELLS = 20_000_000  # places shuffled at once; limits memory
_TOLERANCE = 1e-9
_NOTHING = np.float32(-np.inf)  # the similarity of two tokens where one has no vector


class NearestTokens(NamedTuple):
    """The two tokens that determine the similarity of two names.

    Attributes:
        cosine: of the angle between their vectors, -1 to 1; 1 for the same token.
        euclidean: the distance between their vectors, at least 0, in the vectors' own scale.
        claim_token: the token of the first name, unchanged.
        found_token: the token of the second name, unchanged.
    """

    cosine: float
    euclidean: float
    claim_token: str
    found_token: str


@dataclass(frozen=True)
class ClassSimilarity:
    """One row of Table 4: what a class is claimed to be, compared with what was found.

    Attributes:
        claim: what the class is claimed to be.
        nodes: ids of the leaves that were found; none for "not found".
        functional_score: L of the selection; None where nothing was found.
        nearest: the nearest tokens; None where a side has no known word.
        percentile: how unusual the similarity is, 0 to 1: see `percentile`; None where it cannot be computed.
        unknown_claim: tokens of the claim without a vector.
        unknown_found: tokens of the found names without a vector.
        n_known: leaves of the corpus that can be compared with the claim; the percentile is relative to these.
        by_hand: whether an analyst chose the answer, possibly because of the claim; if so, it counts neither as
            agreement nor as difference.
    """

    target_class: int
    claim: str
    nodes: tuple[str, ...]
    functional_score: float | None
    nearest: NearestTokens | None
    percentile: float | None
    unknown_claim: tuple[str, ...]
    unknown_found: tuple[str, ...]
    n_known: int = 0
    by_hand: bool = False

    @property
    def compared(self) -> bool:
        """Whether the words of a claim and of an answer that the method found could be compared."""
        return self.nearest is not None and not self.by_hand

    @property
    def judgement(self) -> Judgement | ByHand | None:
        """The result of `judge`; None where there is no similarity."""
        if self.by_hand:
            return BY_HAND
        return judge(self.nearest.cosine, self.percentile) if self.nearest else None


def judge(cosine: float, percentile: float | None) -> Judgement:
    """Judge the similarity of a claim and a finding.

    The same word agrees regardless of the rest of the selection: a finding with the name of the claim needs no
    comparison with chance. Different words are compared with random selections.

    Args:
        cosine: of the nearest tokens; 1 for the same word.
        percentile: see `percentile`; None where the corpus has too few known leaves for one.
    """
    if cosine >= 1 - _TOLERANCE:
        return "agrees"
    if percentile is None:
        return "not ranked"
    if percentile >= CLOSE - _TOLERANCE:
        return "agrees"
    return "unclear" if percentile >= UNCLEAR - _TOLERANCE else "does not agree"


def compare_claims(
    claims: Mapping[int, str],
    findings: Sequence[ClassFinding],
    scores: Scores,
    hierarchy: Hierarchy,
    vectors: WordVectors,
) -> tuple[ClassSimilarity, ...]:
    """Compare what classes are claimed to be with what was found for them (paper Table 4).

    Args:
        claims: the claimed name of each class that has one.
        findings: one per class.
        scores: functional scores; a percentile is relative to their leaves.
        hierarchy: the corpus' hierarchy, which names the leaves.
        vectors: the word vectors.

    Returns:
        A row for each claim, in the order of the classes.

    Raises:
        SettingsError: a claim names a class that the suspect does not have.
    """
    by_class = {finding.selection.target_class: finding for finding in findings}
    for target in claims:
        if target not in by_class:
            known = f"{min(by_class)} to {max(by_class)}" if by_class else "none"
            raise SettingsError(f"A claim names class {target}; the suspect's are {known}.", key="claim class")
    targets = sorted(claims)
    names = [hierarchy.synonyms(node) for node in scores.nodes]
    against = name_similarities([(claims[target],) for target in targets], names, vectors)
    return tuple(
        _compare(target, claims[target], by_class[target], similarities, names, scores, vectors)
        for target, similarities in zip(targets, against, strict=True)
    )


def similarity_to_csv(rows: Sequence[ClassSimilarity], hierarchy: Hierarchy) -> bytes:
    """The rows as a table; nodes, labels and unknown tokens are separated by `;`."""
    return to_csv(COLUMNS, (_csv_row(row, hierarchy) for row in rows))


def content_tokens(name: str) -> tuple[str, ...]:
    """The words of a name, unchanged, each once, without function words, punctuation and symbols.

    "hen of the woods" has hen and woods, "lady's slipper" lady and slipper; a hyphen stays within its word, an
    underscore is a space. A single word is always kept ("off" may be a class). A name of symbols has no token.
    """
    words = [_POSSESSIVE.sub("", word) for word in _TOKEN.findall(name[:MAX_NAME])]
    if len(words) == 1:
        return tuple(words)
    return tuple(dict.fromkeys(word for word in words if word.casefold() not in _FUNCTION_WORDS))


def nearest_tokens(claim: Sequence[str], names: Sequence[str], vectors: WordVectors) -> NearestTokens | None:
    """The nearest tokens of two sides, over all pairs of their names (paper section 5.3); the first pair in a tie.

    None where no token of one side can be compared with one of the other.
    """
    lexicon = _Lexicon(vectors)
    one, other = lexicon.senses_of(claim), lexicon.senses_of(names)
    if not one or not other:
        return None
    cosines = lexicon.cosines(np.array(one), np.array(other))
    place = np.unravel_index(int(np.argmax(cosines)), cosines.shape)
    cosine = float(cosines[place])
    if cosine == _NOTHING:
        return None
    return lexicon.pair(one[int(place[0])], other[int(place[1])], cosine)


def name_similarities(a: Sequence[Sequence[str]], b: Sequence[Sequence[str]], vectors: WordVectors) -> Matrix:
    """The cosine of the nearest tokens of each of `a` and each of `b`, all given by their names.

    Returns:
        float32 (len(a), len(b)), -1 to 1; nan where no token of one can be compared with one of the other.
    """
    lexicon = _Lexicon(vectors)
    senses_a, senses_b = [lexicon.senses_of(names) for names in a], [lexicon.senses_of(names) for names in b]
    result = np.full((len(a), len(b)), np.nan, dtype=np.float32)
    for start in range(0, len(b), _N_COLUMNS):
        block = slice(start, start + _N_COLUMNS)
        result[:, block] = _nearest_cosines(lexicon, senses_a, senses_b[block])
    return result


def percentile(similarities: npt.ArrayLike, chosen: Sequence[int]) -> float | None:
    """How unusual the similarity of a selection is among random selections of the same number of leaves.

    The similarity of a selection is the mean over its leaves. (By its most similar leaf, a large selection could never
    stand out: among a hundred random leaves, one is nearly always similar.) Leaves without a known word are ignored and
    never sampled. The percentile is the share of random selections with a lower mean; a tie counts half.

    Where there are at most `N_DRAWS` selections, or a single leaf is chosen, all are compared and the result is exact;
    for one leaf it is the mid-rank. Otherwise `N_DRAWS` are sampled, without replacement and the same in every run, and
    the selection itself counts as one more tie (standard error at most 0.011, at 0.95 0.005).

    Args:
        similarities: (m,) of the claim to each leaf of the corpus; nan for a leaf without a known word.
        chosen: the selected leaves, as places in `similarities`, each once.

    Returns:
        In 0..1; at 0.99, one random selection in a hundred is as similar. None where no chosen leaf has a similarity,
        or fewer than `MIN_KNOWN` leaves of the corpus have one.
    """
    values = np.asarray(similarities, dtype=np.float64)
    known = ~np.isnan(values)
    picked = values[list(chosen)]
    picked, values = picked[~np.isnan(picked)], values[known]
    if not len(picked) or len(values) < MIN_KNOWN:
        return None
    means = _random_means(values, len(picked))
    observed = float(picked.mean())
    lower, ties = int((means < observed - _TOLERANCE).sum()), int((np.abs(means - observed) <= _TOLERANCE).sum())
    itself = 0 if _is_exact(len(values), len(picked)) else 1
    return (lower + (ties + itself) / 2) / (len(means) + itself)


def unknown_tokens(names: Iterable[str], vectors: WordVectors) -> tuple[str, ...]:
    """The tokens of some names without a vector in any spelling, each once."""
    lexicon = _Lexicon(vectors)
    return tuple(token for token in _tokens(names) if not lexicon.words_of(token))


def words_needed(names: Iterable[str], vectors: WordVectors) -> tuple[str, ...]:
    """The vocabulary's words needed to compare these names, for `WordVectors.restricted`."""
    lexicon = _Lexicon(vectors)
    return tuple(dict.fromkeys(word for token in _tokens(names) for word in lexicon.words_of(token)))


def _tokens(names: Iterable[str]) -> list[str]:
    """The tokens of some names, each once."""
    return list(dict.fromkeys(token for name in names for token in content_tokens(name)))


class _Lexicon:
    """The tokens of one comparison, each looked up once.

    A token has a sense for each word that may represent it: itself and its lower case ("Cat" in a list of classes is
    also "cat"), or its parts where only these are known ("cat-like"). A sense is a number that indexes all arrays.
    """

    def __init__(self, vectors: WordVectors) -> None:
        self._vectors = vectors
        self._by_token: dict[str, list[int]] = {}
        self._words: dict[str, tuple[str, ...]] = {}
        self._tokens: list[str] = []  # by sense
        self._spelling_ids: dict[str, int] = {}
        self._spelling: list[int] = []  # by sense: which folded token it is
        self._word_ids: dict[str, int] = {}
        self._word: list[int] = []  # by sense: which word of the vocabulary, -1 for none

    def senses_of(self, names: Iterable[str]) -> list[int]:
        """The senses of all tokens of some names, each once, in order."""
        return list(dict.fromkeys(sense for token in _tokens(names) for sense in self._senses(token)))

    def words_of(self, token: str) -> tuple[str, ...]:
        """The words of the vocabulary that represent a token; none where it is out of vocabulary."""
        if token not in self._words:
            whole = self._find((token, token.lower()))
            self._words[token] = whole or self._find(part for part in _INNER.split(token) if _is_content(part))
        return self._words[token]

    def cosines(self, a: Indices, b: Indices) -> Matrix:
        """The cosines of two lists of senses, float32 (len(a), len(b)); -inf where one has no vector."""
        words, spelling = np.array(self._word), np.array(self._spelling)
        unit = self._unit_vectors()
        cosines: Matrix = np.clip(unit[words[a]] @ unit[words[b]].T, -1, 1)
        cosines[words[a] < 0] = _NOTHING
        cosines[:, words[b] < 0] = _NOTHING
        same_word = (words[a][:, None] == words[b][None, :]) & (words[a] >= 0)[:, None]
        cosines[same_word | (spelling[a][:, None] == spelling[b][None, :])] = 1
        return cosines

    def pair(self, one: int, other: int, cosine: float) -> NearestTokens:
        """The result for two senses with a known cosine."""
        tokens = (self._tokens[one], self._tokens[other])
        if self._spelling[one] == self._spelling[other] or self._word[one] == self._word[other]:
            return NearestTokens(1.0, 0.0, *tokens)
        names = list(self._word_ids)
        u, v = self._vectors.vectors([names[self._word[one]], names[self._word[other]]]).astype(np.float64)
        return NearestTokens(cosine, float(np.linalg.norm(u - v)), *tokens)

    def _senses(self, token: str) -> list[int]:
        if token not in self._by_token:
            spelling = self._spelling_ids.setdefault(token.casefold(), len(self._spelling_ids))
            words = [self._word_ids.setdefault(word, len(self._word_ids)) for word in self.words_of(token)] or [-1]
            first = len(self._tokens)
            self._tokens += [token] * len(words)
            self._spelling += [spelling] * len(words)
            self._word += words
            self._by_token[token] = list(range(first, first + len(words)))
        return self._by_token[token]

    def _find(self, spellings: Iterable[str]) -> tuple[str, ...]:
        found = map(self._vectors.find, dict.fromkeys(spellings))
        return tuple(dict.fromkeys(word for word in found if word is not None))

    def _unit_vectors(self) -> Matrix:
        """Unit vectors by word, and a last row of zeros for index -1; a vector of zeros stays zero."""
        raw = self._vectors.vectors(list(self._word_ids)).reshape(-1, self._vectors.n_dims).astype(np.float64)
        length = np.linalg.norm(raw, axis=1, keepdims=True)
        unit = np.divide(raw, length, out=np.zeros_like(raw), where=length > 0)
        return np.vstack([unit, np.zeros((1, raw.shape[1]))]).astype(np.float32)


def _nearest_cosines(lexicon: _Lexicon, a: Sequence[list[int]], b: Sequence[list[int]]) -> Matrix:
    """The highest cosine over the senses of each of `a` and each of `b`; nan where there is none."""
    result = np.full((len(a), len(b)), np.nan, dtype=np.float32)
    rows, columns = [i for i, senses in enumerate(a) if senses], [j for j, senses in enumerate(b) if senses]
    if not rows or not columns:
        return result
    senses_a, place_a, start_a = _flatten([a[i] for i in rows])
    senses_b, place_b, start_b = _flatten([b[j] for j in columns])
    cosines = lexicon.cosines(senses_a, senses_b)
    by_row = np.maximum.reduceat(cosines[place_a], start_a, axis=0)
    nearest = np.maximum.reduceat(by_row[:, place_b], start_b, axis=1)
    nearest[nearest == _NOTHING] = np.nan
    result[np.ix_(rows, columns)] = nearest
    return result


def _flatten(groups: Sequence[list[int]]) -> tuple[Indices, Indices, Indices]:
    """The distinct members of some groups, each member's place among these, and where each group starts."""
    flat = np.concatenate([np.array(group, dtype=np.intp) for group in groups])
    senses, places = np.unique(flat, return_inverse=True)
    return senses, places, np.concatenate([[0], np.cumsum([len(group) for group in groups])[:-1]]).astype(np.intp)


def _random_means(values: npt.NDArray[np.float64], k: int) -> npt.NDArray[np.float64]:
    """The mean of every selection of k values where there are few, otherwise of `N_DRAWS` random ones."""
    if k == 1:
        return values
    if _is_exact(len(values), k):
        selections = _all_selections(len(values), k)
    else:  # a power of two serves many k: drawing more places does not change the first ones
        n_drawn = min(1 << (k - 1).bit_length(), len(values))
        selections = _random_selections(len(values), n_drawn)[:, :k]
    means: npt.NDArray[np.float64] = values[selections].mean(axis=1)
    return means


def _is_exact(n: int, k: int) -> bool:
    return k == 1 or comb(n, k) <= N_DRAWS


@lru_cache(maxsize=16)
def _all_selections(n: int, k: int) -> Places:
    """Every selection of k of n places, (C(n, k), k)."""
    return np.array(list(combinations(range(n), k)), dtype=np.uint32)


@lru_cache(maxsize=16)
def _random_selections(n: int, k: int) -> Places:
    """Selections of k of n places in random order, (`N_DRAWS`, k); for a given n, a smaller k gives the first columns.

    The first k steps of a Fisher-Yates shuffle of each row: place j is exchanged with itself or a later one.
    """
    rng = np.random.default_rng(n)
    partners = np.stack([rng.integers(j, n, N_DRAWS) for j in range(k)], axis=1)
    block = max(1, _MAX_CELLS // n)
    parts = [_shuffled(n, partners[start : start + block]) for start in range(0, N_DRAWS, block)]
    return np.concatenate(parts)


def _shuffled(n: int, partners: npt.NDArray[np.int64]) -> Places:
    """Rows of 0 to n - 1 with place j exchanged with the one in `partners`; the first k of each."""
    rows = np.arange(len(partners))
    order = np.tile(np.arange(n, dtype=np.uint32), (len(partners), 1))
    for j in range(partners.shape[1]):
        other = partners[:, j]
        order[rows, j], order[rows, other] = order[rows, other], order[rows, j]
    return order[:, : partners.shape[1]].copy()


def _compare(
    target: int,
    claim: str,
    finding: ClassFinding,
    similarities: Matrix,
    names: Sequence[Sequence[str]],
    scores: Scores,
    vectors: WordVectors,
) -> ClassSimilarity:
    winner = finding.selection.winner
    members = winner.members if winner else ()
    found = [name for leaf in members for name in names[leaf]]
    nearest = nearest_tokens((claim,), found, vectors)
    return ClassSimilarity(
        target_class=target,
        claim=claim,
        nodes=tuple(scores.nodes[leaf] for leaf in members),
        functional_score=winner.functional if winner else None,
        nearest=nearest,
        percentile=percentile(similarities, members) if nearest else None,
        unknown_claim=unknown_tokens((claim,), vectors),
        unknown_found=unknown_tokens(found, vectors),
        n_known=int((~np.isnan(similarities)).sum()),
        by_hand=finding.selection.choice is not None,
    )


def _csv_row(row: ClassSimilarity, hierarchy: Hierarchy) -> dict[str, Any]:
    nearest = row.nearest
    return {
        "target_class": row.target_class,
        "claim": row.claim,
        "nodes": _join(row.nodes),
        "labels": _join(hierarchy.label(node) for node in row.nodes),
        "functional_score": _round(row.functional_score),
        "cosine": _round(nearest and nearest.cosine),
        "euclidean": _round(nearest and nearest.euclidean),
        "claim_token": nearest.claim_token if nearest else "",
        "found_token": nearest.found_token if nearest else "",
        "percentile": _round(row.percentile),
        "n_known": row.n_known,
        "unknown_claim": _join(row.unknown_claim),
        "unknown_found": _join(row.unknown_found),
        "judgement": row.judgement or "",
    }


def _join(texts: Iterable[str]) -> str:
    return ";".join(text.replace(";", ",") for text in texts)


def _round(value: float | None) -> float | str:
    return "" if value is None else round(value, 6)


def _is_content(part: str) -> bool:
    return bool(part) and part.casefold() not in _FUNCTION_WORDS
