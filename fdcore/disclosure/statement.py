"""The manifest of a bundle: an in-toto statement about every file in it, signed in a DSSE envelope.

It lies in the bundle, so that no second file can be lost, and therefore names each file and not the ZIP file.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.keys import SigningKey
from fdcore.case.verify import PAYLOAD_TYPE, Checked, pre_authentication
from fdcore.method.findings import Findings
from fdcore.records import to_plain
from fdcore.version import __version__

STATEMENT_TYPE, PREDICATE_TYPE = "https://in-toto.io/Statement/v1", "urn:fdcore:disclosure:v1"


@dataclass(frozen=True)
class LeftOut:
    """A file of the case that is not in the bundle.

    Attributes:
        name: relative to the case's folder.
        sha256: hex, as the log binds it.
        size: in bytes.
        reason: why it was left out.
    """

    name: str
    sha256: str
    size: int
    reason: str


def statement(
    case: Case, checked: Checked, findings: Findings, hashes: Mapping[str, str], left_out: Sequence[LeftOut]
) -> dict[str, Any]:
    """The statement: which files, of which case and state of its log, with which settings and finding.

    Args:
        case: the case.
        checked: what its check found.
        findings: its conclusions.
        hashes: hex SHA-256 of each file of the bundle, by name.
        left_out: what the bundle does not hold.
    """
    facts, verdict = case.facts(), case.read_json(layout.VERDICT)
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": sha256}} for name, sha256 in sorted(hashes.items())],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "fdcore": __version__,
            "case": {"title": facts.title, "examiner": facts.examiner, "exhibit": facts.exhibit,
                     "created": facts.created},
            "log": {"entries": checked.n_entries, "head": checked.head, "signers": checked.signers},
            "suspect": to_plain(facts.evidence) if facts.evidence else {"description": facts.description},
            "corpus": facts.corpus_fingerprint,
            "settings": to_plain(findings.settings),
            "finding": {"headline": verdict["headline"], "outcome": verdict["outcome"],
                        "classes": {str(one.selection.target_class): one.name.label if one.name else None
                                    for one in findings.classes}},
            "leftOut": to_plain(left_out),
        },
    }  # fmt: skip


def sign(payload: bytes, key: SigningKey) -> bytes:
    """A statement in a DSSE envelope."""
    signature = key.sign(pre_authentication(payload))
    envelope = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": key.fingerprint, "sig": base64.b64encode(signature).decode()}],
    }
    return json.dumps(envelope, indent=2).encode() + b"\n"
