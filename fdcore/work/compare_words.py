"""Do the words agree? Claims and findings are compared by word vectors, mapped, and written into the case (paper 5.3).

verification/words.json        the comparisons, and the coordinates of the maps
verification/similarity.csv    the paper's Table 4 for this case
verification/label_sets.csv    known label sets: those that agree first, the others by p
verification/word_vectors.npz  the vectors of these words, so that the comparison can be repeated without the file
"""

import hashlib
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args

from fdcore.case import layout
from fdcore.case.case import Case, to_json
from fdcore.case.claims import read_claims
from fdcore.case.conclusions import load_scored, pixels_of, read_choices, selection_settings
from fdcore.errors import SettingsError
from fdcore.method.findings import Findings, weigh
from fdcore.progress import Progress, silent
from fdcore.records import to_plain
from fdcore.tables import to_csv
from fdcore.version import __version__
from fdcore.words.agreement import Agreement
from fdcore.words.claims import Claims
from fdcore.words.comparison import Comparison, compare, describe_vectors
from fdcore.words.label_sets import label_sets
from fdcore.words.maps import Method, WordMap, map_words
from fdcore.words.points import place_words
from fdcore.words.similarity import similarity_to_csv, words_needed
from fdcore.words.vector_files import is_converted
from fdcore.words.vectors import WordVectors, builtin_vectors, from_npz, open_vectors, to_npz
from fdcore.work.conclude import conclude

KEPT = "kept"  # in case.json, the vectors that the case itself holds, so that they follow it when it is copied
VECTORS_FOLDER = "vectors"  # in the cache
SEED = 0
AGREEMENT_COLUMNS = (
    "key", "name", "n_labels", "offset", "agrees", "fits", "mean", "p_value", "n_compared", "any_order", "tied_with",
)  # fmt: skip
METHODS: tuple[Method, ...] = get_args(Method)


def chosen_vectors(case: Case) -> Path | None:
    """The file of word vectors that the analyst chose for a case; None for the built-in ones.

    It may have come with an imported case: a server must check that it lies inside its own folders.
    """
    chosen = case.facts().word_vectors
    if chosen == KEPT:
        return case.path(layout.WORD_VECTORS)
    return Path(chosen) if chosen and "\0" not in chosen else None


def choose_vectors(case: Case, source: Path | None, *, by: str = "") -> None:
    """Choose the word vectors of a case, recorded in the audit log."""
    if source == chosen_vectors(case):
        return
    kept = source == case.path(layout.WORD_VECTORS)
    case.record(word_vectors=KEPT if kept else str(source) if source else "")
    name = "kept in the case" if kept else source.name if source else "built in"
    case.log("word vectors chosen", {"vectors": name} | ({"by": by} if by else {}))


def case_vectors(case: Case, source: Path | None, cache: Path, progress: Progress = silent) -> WordVectors:
    """The word vectors to compare with.

    Args:
        case: the case.
        source: a file, the case's own `layout.WORD_VECTORS`, or None for the built-in vectors.
        cache: where converted files are kept.
        progress: a listener.

    Raises:
        SettingsError: the file cannot be read or holds no word vectors.
        CaseError: the vectors in the case are damaged.
    """
    if source is None:
        return builtin_vectors()
    if source == case.path(layout.WORD_VECTORS):
        try:
            return from_npz(source.read_bytes())
        except FileNotFoundError as error:
            raise SettingsError(
                "This case holds no word vectors yet. Choose a file, or the built-in ones.", key="no word vectors"
            ) from error
    return open_vectors(source, cache / VECTORS_FOLDER, progress)


def opens_at_once(case: Case, source: Path | None, cache: Path) -> bool:
    """Whether `case_vectors` is quick, because no file has to be converted first.

    Raises:
        SettingsError: the file cannot be read.
    """
    return source is None or source == case.path(layout.WORD_VECTORS) or is_converted(source, cache / VECTORS_FOLDER)


def check_words(
    folder: Path, source: Path | None = None, *, cache: Path, by: str = "", progress: Progress = silent
) -> Comparison:
    """Compare a case's claims with its findings, draw the maps, and write everything and the report into the case.

    Args:
        folder: the case's folder.
        source: see `case_vectors`.
        cache: where converted vectors and decoded images are kept.
        by: who requests it, for the audit log.
        progress: a listener.

    Raises:
        FdError: something that the user has to fix; the case stays readable and the same call tries again.
    """
    case = Case.open(folder)
    vectors = case_vectors(case, source, cache, progress)
    with case.exclusively():
        settings, claims = selection_settings(case), read_claims(case)
        findings = weigh(load_scored(case), settings, read_choices(case))
        progress("Comparing words", 0, 1)
        found = compare(findings, claims, vectors)
        progress("Comparing words", 1, 1)
        kept = vectors.restricted(words_needed(_names_concerned(findings, claims), vectors))
        files = {
            layout.SIMILARITY_CSV: similarity_to_csv(found.rows, findings.scored.hierarchy),
            layout.LABEL_SETS_CSV: agreements_to_csv(found.agreements),
            layout.WORD_VECTORS: to_npz(kept),
            layout.WORDS: to_json(
                {
                    "fdcore": __version__,
                    "settings": asdict(settings),
                    "vectors": describe_vectors(vectors),
                    "claims": to_plain(claims),
                    "similarity": [
                        asdict(row) | {"nearest": row.nearest and row.nearest._asdict(), "judgement": row.judgement}
                        for row in found.rows
                    ],
                    "label_sets": [_agreement(one) for one in found.agreements],
                    "map": _draw_maps(findings, claims, vectors, progress),
                }
            ),
        }
        for name, content in files.items():
            case.write(name, content)
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        details = {"vectors": describe_vectors(vectors), "n_claims": len(claims.names), "written": hashes}
        case.log("words compared", details | ({"by": by} if by else {}))
        conclude(case, settings, pixels_of(case, cache), by=by, progress=progress)
    return found


def _names_concerned(findings: Findings, claims: Claims) -> Iterable[str]:
    """Every name that may be compared: of the corpus' leaves, the claims and the known label sets."""
    hierarchy, scores = findings.scored.hierarchy, findings.scored.scores
    yield from claims.names.values()
    for node in scores.nodes:
        yield from hierarchy.synonyms(node)
    for one in label_sets():
        if scores.n_classes - len(one) in (0, 1):
            for names in one.names:
                yield from names


def _draw_maps(findings: Findings, claims: Claims, vectors: WordVectors, progress: Progress) -> dict[str, Any]:
    scored = findings.scored
    placed = place_words(claims.names, findings.classes, scored.scores, scored.hierarchy, vectors, seed=SEED)
    maps = {}
    for done, method in enumerate(METHODS):
        progress("Drawing the maps", done, len(METHODS))
        drawn = map_words(placed.vectors, method, seed=SEED) if placed.points else WordMap(placed.vectors, method, "")
        coordinates = [[round(float(x), 4), round(float(y), 4)] for x, y in drawn.coordinates]
        maps[method] = {"coordinates": coordinates, "method": drawn.method, "note": drawn.note}
    progress("Drawing the maps", len(METHODS), len(METHODS))
    return {
        "points": [point._asdict() for point in placed.points],
        "unknown": list(placed.unknown),
        "maps": maps,
        "seed": SEED,
        "made_with": {name: version(name) for name in ("scikit-learn", "umap-learn")},
    }


def agreements_to_csv(agreements: Iterable[Agreement]) -> bytes:
    """Known label sets as a table, in the order of `rank_label_sets`."""
    return to_csv(AGREEMENT_COLUMNS, (_agreement(one) | {"tied_with": ";".join(one.tied_with)} for one in agreements))


def _agreement(one: Agreement) -> dict[str, Any]:
    return {
        "key": one.label_set.key,
        "name": one.label_set.name,
        "n_labels": len(one.label_set),
        **{column: getattr(one, column) for column in AGREEMENT_COLUMNS[3:-1]},
        "tied_with": list(one.tied_with),
    }
