"""What the last comparison of words left in the case, read with care: a case may come from anywhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.errors import CaseError, SettingsError
from fdcore.method.findings import Findings
from fdcore.method.selection import SelectionSettings
from fdcore.words.claims import Claims
from fdcore.words.maps import Method
from fdcore.words.points import MAX_POINTS, Kind, MapPoint
from fdcore.words.vectors import WordVectors
from ui import cached
from ui.state import settings_in_words

METHODS: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True)
class StoredMap:
    """The maps of a case, and what they are about.

    Attributes:
        points: the words.
        unknown: claims and found labels without a vector.
        coordinates: for each method, (n_points, 2) float64.
        notes: for each method, what fell back and why; empty where nothing did.
        settings: alpha, eta, tau, k of the findings.
        claims: what was claimed.
        vectors_name: of the word vectors, for people.
        vectors_sha256: their identity.
    """

    points: tuple[MapPoint, ...]
    unknown: tuple[str, ...]
    coordinates: Mapping[Method, npt.NDArray[np.float64]]
    notes: Mapping[Method, str]
    settings: SelectionSettings
    claims: Claims
    vectors_name: str
    vectors_sha256: str


def read_stored(case: Case) -> StoredMap | None:
    """The maps that the case keeps; None before the first comparison.

    Raises:
        CaseError: they are damaged.
    """
    words = cached.word_check(case)
    if words is None:
        return None
    try:
        return _parse(words)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, SettingsError) as error:
        raise CaseError(
            f"The word maps in {case.path(layout.WORDS)} are damaged ({error!r}). Compare and draw them again."
        ) from error


def differences(
    stored: StoredMap, findings: Findings, claims: Claims, vectors: WordVectors, settings: SelectionSettings
) -> list[str]:
    """What the maps are about that is no longer looked at, a phrase each; none where they are up to date."""
    told = []
    if stored.settings != settings:
        told.append(f"other settings ({settings_in_words(stored.settings)})")
    elif not _same_findings(stored, findings):
        told.append("other findings: a class was locked, or more was asked, since")
    if dict(stored.claims.names) != dict(claims.names):
        told.append("other claims")
    if stored.vectors_sha256 != vectors.sha256:
        told.append(f"other word vectors ({stored.vectors_name})")
    return told


def _same_findings(stored: StoredMap, findings: Findings) -> bool:
    """Whether every found word of the map is still found; and the other way round, where it could have been drawn."""
    scored, unknown = findings.scored, set(stored.unknown)
    now = {
        (found.selection.target_class, scored.scores.nodes[leaf])
        for found in findings.classes
        if found.selection.winner
        for leaf in found.selection.winner.members
    }
    drawn = {(point.target_class, point.node) for point in stored.points if point.kind == "found"}
    missing = {node for _, node in now - drawn if scored.hierarchy.label(node) not in unknown}
    return drawn <= now and (not missing or len(stored.points) >= MAX_POINTS)


def _parse(words: Mapping[str, Any]) -> StoredMap:
    drawn, claims, vectors = words["map"], words["claims"], words["vectors"]
    points = tuple(map(_point, _list(drawn["points"])))
    return StoredMap(
        points=points,
        unknown=tuple(str(word) for word in _list(drawn["unknown"])),
        coordinates={method: _coordinates(drawn["maps"][method], len(points)) for method in METHODS},
        notes={method: str(drawn["maps"][method]["note"]) for method in METHODS},
        settings=SelectionSettings(**words["settings"]),
        claims=Claims({int(i): str(name) for i, name in claims["names"].items()}, str(claims["source"])),
        vectors_name=str(vectors["name"]),
        vectors_sha256=str(vectors["sha256"]),
    )


def _point(found: Mapping[str, Any]) -> MapPoint:
    text, kind, target, node = found["text"], found["kind"], found["target_class"], found["node"]
    whole = isinstance(text, str) and kind in get_args(Kind) and isinstance(node, str | None)
    if not whole or not (target is None or (isinstance(target, int) and target >= 0)):
        raise ValueError("a word of the map is none")
    return MapPoint(text, kind, target, node)


def _coordinates(drawn: Mapping[str, Any], n_points: int) -> npt.NDArray[np.float64]:
    at = np.array(_list(drawn["coordinates"]), dtype=np.float64).reshape(-1, 2)
    if len(at) != n_points or not np.isfinite(at).all():
        raise ValueError(f"{len(at):,} places for {n_points:,} words, or one that is no place")
    return at


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > MAX_POINTS:
        raise ValueError(f"no list of at most {MAX_POINTS:,}")
    return value
