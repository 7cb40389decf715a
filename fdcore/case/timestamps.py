"""Timestamps (RFC 3161): a time-stamping authority confirms that the log's entries up to one existed at a time.

What is stamped is the hash of an entry, which covers all entries before it. The reply is a file of the case in
`timestamps/`, bound by the next entry; `fdcore.case.verify` verifies its signature. Its root is verified here.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import requests
from cryptography.x509 import Certificate, load_pem_x509_certificates
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, VerificationError, VerifierBuilder
from rfc3161_client import decode_timestamp_response as decode

from fdcore.case import layout
from fdcore.case.case import Case
from fdcore.case.custody import check_case, require_unchanged
from fdcore.case.verify import Part, Stamp, body_of, parts, read_stamp
from fdcore.errors import CaseError, SettingsError

TIMEOUT_S = 30
MAX_REPLY_BYTES = 1 << 20


@dataclass(frozen=True)
class Rooted:
    """Whether a timestamp's certificate leads to one of the given roots; `problem` says why not, "" if it does."""

    stamp: Stamp
    problem: str


def request_for_head(case: Case) -> bytes:
    """A request (DER) to stamp the last entry of a case's log.

    Raises:
        CaseError: the log was changed.
    """
    *_, last = case.audit()
    request = TimestampRequestBuilder().data(body_of(last)).hash_algorithm(HashAlgorithm.SHA256).build()
    return request.as_bytes()


def ask_server(url: str, request: bytes) -> bytes:
    """Send a request to an authority's server, and return its reply.

    Raises:
        SettingsError: the server cannot be reached, or refuses.
    """
    kind = {"Content-Type": "application/timestamp-query"}
    try:
        with requests.post(url, data=request, headers=kind, timeout=TIMEOUT_S, stream=True) as reply:
            reply.raise_for_status()
            return reply.raw.read(MAX_REPLY_BYTES, decode_content=True) or b""
    except (requests.RequestException, OSError) as error:
        raise SettingsError(
            f"The time-stamping server {url} did not answer ({error}). Check the address, or write the request to a "
            "file and send it by another way.",
            key="timestamp server",
        ) from error


def keep_reply(case: Case, reply: bytes, *, by: str = "") -> Stamp:
    """Keep an authority's reply in the case, and log it; the same reply again changes nothing.

    Raises:
        CaseError: it is not a granted reply about an entry of this case's log, or its signature is false; or the case
            was changed.
    """
    with case.exclusively():
        require_unchanged(case)
        entries = {entry["hash"]: entry["n"] for entry in case.audit()}
        try:
            stamp = read_stamp(reply)
        except (ValueError, IndexError) as error:
            raise CaseError(
                f"This is not the reply of a time-stamping authority ({error}). Give the whole reply to the request "
                "(RFC 3161, TimeStampResp in DER).",
                key="not a timestamp",
            ) from error
        if stamp.problem or stamp.digest not in entries:
            why = stamp.problem or f"is about {stamp.digest[:12]}…, which this case's log does not have"
            raise CaseError(f"The timestamp {why}. Ask the authority again.", key="timestamp false")
        number = entries[stamp.digest]
        name = f"{layout.TIMESTAMPS}/{number:06d}-{hashlib.sha256(reply).hexdigest()[:8]}.tsr"
        if not case.has(name):
            case.write(name, reply)
            case.log("timestamp kept", {"entry": number, "time": stamp.time, "authority": stamp.signer, "by": by})
        return next(one for one in check_case(case).stamps if one.name == name)


def check_roots(case: Case, stamps: Sequence[Stamp], roots_pem: bytes) -> tuple[Rooted, ...]:
    """Whether each timestamp's certificate leads to one of the roots, at the time that it states.

    Raises:
        CaseError: the roots cannot be read.
    """
    try:
        roots = load_pem_x509_certificates(roots_pem)
    except ValueError as error:
        raise CaseError(f"The roots are not certificates in PEM ({error}).", key="roots unreadable") from error
    return tuple(Rooted(one, one.problem or _root_problem(case.path(one.name).read_bytes(), one, roots))
                 for one in stamps)  # fmt: skip


def _root_problem(reply: bytes, stamp: Stamp, roots: Sequence[Certificate]) -> str:
    builder = VerifierBuilder(roots=list(roots))
    try:
        builder.build().verify(decode(with_sorted_certificates(reply)), bytes.fromhex(stamp.digest))
    except (VerificationError, ValueError) as error:
        return f"does not lead to a given root ({error})"
    return ""


def with_sorted_certificates(reply: bytes) -> bytes:
    """A reply whose certificates are in the order of DER, which rfc3161-client demands and OpenSSL does not keep.

    No signature covers that order.
    """
    outer = parts(reply)[0]
    status, token = parts(outer.content)[:2]
    kind, wrapped = parts(token.content)
    signed = parts(wrapped.content)[0]
    content = b"".join(_sorted(one) if one.tag == 0xA0 else one.whole for one in parts(signed.content))
    made = _der(token.tag, kind.whole + _der(wrapped.tag, _der(signed.tag, content)))
    return _der(outer.tag, status.whole + made)


def _sorted(certificates: Part) -> bytes:
    return _der(certificates.tag, b"".join(sorted(one.whole for one in parts(certificates.content))))


def _der(tag: int, content: bytes) -> bytes:
    n = len(content)
    size = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag, n] if n < 128 else [tag, 128 + len(size), *size]) + content
