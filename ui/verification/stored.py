"""The last comparison of words in the case. It is read with care: a case is not trusted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.records import settings_as_written
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
    """The maps of a case, and the findings, claims and word vectors that they show.

    Attributes:
        unknown: claims and found labels without a vector.
        coordinates: for each method, (n_points, 2) float64.
        notes: for each method, what fell back and why; empty if nothing did.
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
    """The maps in the case; None before the first comparison. Damaged ones are a `CaseError`."""
    words = cached.word_check(case)
    if words is None:
        return None
    try:
        return _parse(words)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, SettingsError) as error:
        message = f"The word maps in {case.path(layout.WORDS)} are damaged ({error!r}). Compare and draw them again."
        raise CaseError(message, key="word maps damaged") from error


def differences(
    stored: StoredMap, findings: Findings, claims: Claims, vectors: WordVectors, settings: SelectionSettings
) -> list[str]:
    """What the maps show that is out of date, a phrase each; empty if they are up to date."""
    outdated = []
    if stored.settings != settings:
        outdated.append(f"other settings ({settings_in_words(stored.settings)})")
    elif not _same_findings(stored, findings):
        outdated.append("other findings: since then a class was locked, or more was queried")
    if dict(stored.claims.names) != dict(claims.names):
        outdated.append("other claims")
    if stored.vectors_sha256 != vectors.sha256:
        outdated.append(f"other word vectors ({stored.vectors_name})")
    return outdated


def _same_findings(stored: StoredMap, findings: Findings) -> bool:
    """Whether the found words on the map are those found now, except words that could not be drawn."""
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
        settings=SelectionSettings(**settings_as_written(words["settings"])),
        claims=Claims({int(i): str(name) for i, name in claims["names"].items()}, str(claims["source"])),
        vectors_name=str(vectors["name"]),
        vectors_sha256=str(vectors["sha256"]),
    )


def _point(found: Mapping[str, Any]) -> MapPoint:
    text, kind, target, node = found["text"], found["kind"], found["target_class"], found["node"]
    whole = isinstance(text, str) and kind in get_args(Kind) and isinstance(node, str | None)
    if not whole or not (target is None or (isinstance(target, int) and target >= 0)):
        raise ValueError("an invalid word")
    return MapPoint(text, kind, target, node)


def _coordinates(drawn: Mapping[str, Any], n_points: int) -> npt.NDArray[np.float64]:
    at = np.array(_list(drawn["coordinates"]), dtype=np.float64).reshape(-1, 2)
    if len(at) != n_points or not np.isfinite(at).all():
        raise ValueError(f"{len(at):,} places for {n_points:,} words, or an invalid place")
    return at


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > MAX_POINTS:
        raise ValueError(f"not a list of at most {MAX_POINTS:,}")
    return value
