"""The claims that a case holds about its classes (`fdcore.words.claims`).

A claim is not evidence; the findings are compared with it (`fdcore.work.compare_words`).
"""

import hashlib
from dataclasses import replace
from pathlib import Path

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.errors import CaseError, SettingsError
from fdcore.records import from_plain, to_plain
from fdcore.words.claims import Claims, cleaned


def read_claims(case: Case) -> Claims:
    """The claims that a case holds.

    Raises:
        CaseError: they are damaged.
    """
    if not case.has(layout.CLAIMS):
        return Claims()
    kept = from_plain(Claims, case.read_json(layout.CLAIMS), what=f"{case.path(layout.CLAIMS)}")
    return Claims({i: cleaned(name) for i, name in sorted(kept.names.items())}, cleaned(kept.source))


def names_beside(case: Case) -> Claims:
    """What a file beside the suspect's calls the classes; empty where there was none, or where it is damaged."""
    if not case.has(layout.BESIDE):
        return Claims()
    try:
        kept = from_plain(Claims, case.read_json(layout.BESIDE), what=f"{case.path(layout.BESIDE)}")
    except CaseError:
        return Claims()
    return Claims({i: cleaned(name) for i, name in sorted(kept.names.items())}, cleaned(kept.source))


def write_claims(folder: Path, claims: Claims, *, by: str = "", expected: Claims | None = None) -> None:
    """Replace a case's claims, and record the change in the audit log.

    Args:
        folder: the case's folder.
        claims: the new claims.
        by: who changes them.
        expected: the claims that were edited; None replaces any.

    Raises:
        CaseError: the case is in use, or holds claims other than expected.
        SettingsError: a claim is about a class that the suspect does not have.
    """
    case = Case.open(folder)
    n_classes = case.facts().n_classes
    if wrong := [target for target in claims.names if not 0 <= target < n_classes]:
        raise SettingsError(
            f"A claim is about class {wrong[0]}; the suspect has classes 0 to {n_classes - 1}.",
            key="class out of range",
        )
    with case.exclusively():
        kept = _readable_claims(case, n_classes)
        if claims == kept:
            return
        if expected is not None and kept not in (None, expected):
            raise CaseError(
                "Somebody else has changed the claims in the meantime. Review their changes, then make yours again.",
                key="claims changed",
            )
        case.write_json(layout.CLAIMS, to_plain(replace(claims, names=dict(sorted(claims.names.items())))))
        sha256 = hashlib.sha256(case.path(layout.CLAIMS).read_bytes()).hexdigest()
        details = {"n_claims": len(claims.names), "source": claims.source, "sha256": sha256}
        case.log("claims changed", details | ({"by": by} if by else {}))


def _readable_claims(case: Case, n_classes: int) -> Claims | None:
    """The claims that a case holds; None where they are damaged or about other classes, and may be replaced."""
    try:
        kept = read_claims(case)
    except CaseError:
        return None
    return kept if all(target < n_classes for target in kept.names) else None
