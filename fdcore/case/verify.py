"""Check a case: does the audit log hold together, who signed it, and is every file what the log says?

    python verify.py CASE [--key PUBLIC_KEY.pem] ...

CASE is the folder of a case, or that of an unpacked disclosure bundle. This file needs nothing of fdcore: Python 3.11,
and `cryptography` where something is signed. It travels in every exported case and bundle, so that anybody can read it
and run it.

Each line of audit.jsonl is an entry: its number, time, event, details, the SHA-256 of every file that was written since
the entry before (null for one that was removed), the hash of the entry before, its own hash, and a signature of that.

A bundle holds a part of a case in case/. Its manifest.json lists every file of the bundle, and every file of the case
that was left out, with their SHA-256; manifest.dsse.json signs it. A file counts as left out only where the log binds
the very content that the manifest names.

A file in timestamps/ is the reply of a time-stamping authority (RFC 3161) about the hash of one entry.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

LOG, WRITING, SCRIPT, GENESIS = "audit.jsonl", ".writing.jsonl", "verify.py", "0" * 64
UNHASHED = ("hash", "key", "signature")  # what an entry's hash does not cover
CASE, KEYS, TIMESTAMPS = "case", "keys", "timestamps"
MANIFEST, ENVELOPE, PAYLOAD_TYPE = "manifest.json", "manifest.dsse.json", "application/vnd.in-toto+json"

_TST_INFO, _MESSAGE_DIGEST, _PSS = (  # object identifiers in DER
    bytes.fromhex(oid) for oid in ("2a864886f70d0109100104", "2a864886f70d010904", "2a864886f70d01010a")
)
_HASHES = {f"sha{bits}": bytes.fromhex(f"60864801650304020{n}") for n, bits in ((1, 256), (2, 384), (3, 512))}

_PUBLIC_KEY = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)

State = Literal["intact", "changed", "missing", "unfinished", "not bound", "left out"]


@dataclass(frozen=True)
class File:
    """One file of a case.

    Attributes:
        name: relative to the case's folder.
        state: "intact" as the log says; "changed" or "missing"; "unfinished" where work was killed between writing a
            file and logging it; "not bound" where no entry speaks of it; "left out" where the manifest of a bundle says
            so.
        entry: the last entry that binds it; None without one.
    """

    name: str
    state: State
    entry: int | None


@dataclass(frozen=True)
class Stamp:
    """The reply of a time-stamping authority.

    Attributes:
        name: of its file.
        entry: the entry whose hash it stamps; None for none of this log.
        time: ISO 8601, UTC; "" where it cannot be read.
        signer: the subject of the certificate that signed it. Whether its root can be trusted is not checked here.
        problem: why it proves nothing; "" where its signature is true and it stamps an entry.
        digest: hex, what it stamps.
    """

    name: str
    entry: int | None
    time: str
    signer: str
    problem: str
    digest: str = ""


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes:
        n_entries: of the log, up to the first that is broken.
        broken: why the log cannot be relied on from there; "" where it holds together.
        files: every file of the case, and those that are missing.
        signers: fingerprints of the keys that signed, each with the number of its entries.
        unsigned: numbers of entries that no given key signed (without a given key: nobody), after the first that was.
            A signature covers all entries before it.
        head: the hash of the last entry.
        set_back: numbers of entries that are dated before the entry before them.
        stamps: the replies of time-stamping authorities.
        manifest: of a bundle, who signed its manifest, in words; "" for a case.
    """

    n_entries: int
    broken: str
    files: tuple[File, ...]
    signers: dict[str, int] = field(default_factory=dict)
    unsigned: tuple[int, ...] = ()
    head: str = GENESIS
    set_back: tuple[int, ...] = ()
    stamps: tuple[Stamp, ...] = ()
    manifest: str = ""

    @property
    def wrong(self) -> tuple[File, ...]:
        """Files that were changed or removed."""
        return tuple(one for one in self.files if one.state in ("changed", "missing"))

    @property
    def intact(self) -> bool:
        """Whether nothing was changed, as far as the log can tell."""
        return not self.broken and not self.wrong and not any(one.problem for one in self.stamps)

    @property
    def short(self) -> str:
        """What was found, in one line."""
        if self.broken:
            return f"Changed: {self.broken}."
        if self.wrong:
            more = f" and {len(self.wrong) - 1} more" if len(self.wrong) > 1 else ""
            return f"Changed: {self.wrong[0].name} is {self.wrong[0].state}{more}."
        if false := next((one for one in self.stamps if one.problem), None):
            return f"Changed: the timestamp {false.name} {false.problem}."
        n_signed = sum(self.signers.values())
        part = f"{n_signed} of them " if 0 < n_signed < self.n_entries else ""
        signed = f"{part}signed by {', '.join(self.signers)}" if self.signers else "not signed"
        if not any(one.entry is not None for one in self.files):
            n_entries = _counted(self.n_entries, "entry", "entries")
            return f"The log is intact: {n_entries}; {signed}. It binds no file, as in earlier versions."
        loose = {
            state: sum(one.state == state for one in self.files) for state in ("unfinished", "not bound", "left out")
        }
        parts = [f"{n} {state}" for state, n in loose.items() if n]
        files = ", ".join([_counted(len(self.files) - sum(loose.values()), "file", "files"), *parts])
        return f"Intact: {files}; {_counted(self.n_entries, 'log entry', 'log entries')}, {signed}."


def _counted(n: int, one: str, several: str) -> str:
    return f"{n} {one if n == 1 else several}"


class Broken(ValueError):
    """An entry that does not follow from the one before."""


def check(
    folder: Path, keys: Sequence[bytes] = (), only: Sequence[str] = (), left_out: Mapping[str, str] | None = None
) -> Checked:
    """Check a case.

    Args:
        folder: the case's folder.
        keys: public keys (PEM); from their first signature on, every entry must be signed by one of them.
        only: files, or folders in the case, to which the check of files is limited; the log is checked whole.
        left_out: files that need not be there, with the SHA-256 that each must have in the log.
    """
    bound: dict[str, tuple[str | None, int]] = {}
    hashes: dict[str, int] = {}
    signers: dict[str, int] = {}
    unsigned: list[int] = []
    set_back: list[int] = []
    n_entries, head, time, broken, begun = 0, GENESIS, "", "", False
    accepted = {fingerprint(key) for key in keys}
    try:
        for entry in entries(folder):
            n_entries, head = entry["n"] + 1, entry["hash"]
            set_back += [entry["n"]] if str(entry.get("time")) < time else []
            time = str(entry.get("time"))
            hashes[head] = entry["n"]
            bound |= {name: (sha256, entry["n"]) for name, sha256 in entry.get("files", {}).items()}
            signer = signer_of(entry)
            if signer:
                signers[signer] = signers.get(signer, 0) + 1
            if signer in accepted if accepted else signer:
                begun = True
            elif begun:
                unsigned.append(entry["n"])
    except Broken as error:
        broken = str(error)
    if accepted and not broken and (unsigned or not begun):
        broken = f"entry {unsigned[0]} is not signed by a given key" if begun else "no entry is signed by a given key"
    files = tuple(_files(folder, bound, only, left_out or {}))
    stamps = () if only else tuple(_stamps(folder, hashes))
    return Checked(n_entries, broken, files, signers, tuple(unsigned), head, tuple(set_back), stamps)


def is_bundle(folder: Path) -> bool:
    """Whether a folder is an unpacked disclosure bundle, and not a case."""
    return (folder / MANIFEST).is_file() and not (folder / LOG).exists()


def check_bundle(folder: Path, keys: Sequence[bytes] = ()) -> Checked:
    """Check an unpacked disclosure bundle: the part of a case in it, and every other file by the manifest.

    Args:
        folder: where it was unpacked.
        keys: as of `check`; one of them must have signed the manifest too.
    """
    try:
        content = (folder / MANIFEST).read_bytes()
        manifest = json.loads(content, object_pairs_hook=once)
        listed = {str(one["name"]): str(one["digest"]["sha256"]) for one in manifest["subject"]}
        predicate = manifest["predicate"]
        left_out = {str(one["name"]): str(one["sha256"]) for one in predicate["leftOut"]}
        head = str(predicate["log"]["head"])
    except (ValueError, KeyError, TypeError, RecursionError, OSError):
        return Checked(0, "the manifest cannot be read", ())
    checked = check(folder / CASE, keys, left_out=left_out)
    signer, false = _signer_of_manifest(folder, content, keys)
    broken = checked.broken or false
    if not broken and head != checked.head:
        broken = "the manifest is about another state of the log"
    if not broken and keys and signer not in {fingerprint(key) for key in keys}:
        broken = "the manifest is not signed by a given key"
    told = f"signed by {signer}" if signer else "not signed: whoever can write to the bundle could have rewritten it"
    known = {one.name for one in checked.files}
    loose = (File(name, "left out", None) for name in left_out if name not in known)  # of earlier versions
    files = tuple(_bundled(folder, listed, (*checked.files, *loose)))
    return replace(checked, broken=broken, files=files, manifest=told)


def _bundled(folder: Path, listed: Mapping[str, str], own: Sequence[File]) -> Iterator[File]:
    """Every file of a bundle; those of the case must be what both the log and the manifest say."""
    there = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    wrong = {name for name, sha256 in listed.items() if name not in there or sha256_of(there[name]) != sha256}
    for one in own:
        name = f"{CASE}/{one.name}"
        state: State = "changed" if name in wrong and one.state not in ("missing", "left out") else one.state
        yield File(name, "not bound" if name in there and name not in listed else state, one.entry)
    done = {f"{CASE}/{one.name}" for one in own} | {MANIFEST, ENVELOPE}
    for name in sorted({*listed, *there} - done):
        if name not in listed:
            yield File(name, "not bound", None)
        else:
            yield File(name, "intact" if name not in wrong else "changed" if name in there else "missing", None)


def _signer_of_manifest(folder: Path, content: bytes, keys: Sequence[bytes]) -> tuple[str, str]:
    """The fingerprint of the key that signed the manifest, "" for nobody; and why its signature is false."""
    path = folder / ENVELOPE
    if not path.is_file():
        return "", ""
    try:
        envelope = json.loads(path.read_bytes(), object_pairs_hook=once)
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = [base64.b64decode(one["sig"], validate=True) for one in envelope["signatures"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", f"{ENVELOPE} cannot be read"
    if payload != content or envelope["payloadType"] != PAYLOAD_TYPE:
        return "", f"{ENVELOPE} signs another manifest"
    for pem in (*keys, *(one.read_bytes() for one in sorted((folder / KEYS).glob("*.pem")))):
        if any(is_signed(pem, one, pre_authentication(content)) for one in signatures):
            return fingerprint(pem), ""
    return "", "the signature of the manifest is false"


def pre_authentication(payload: bytes) -> bytes:
    """What a DSSE envelope's signature covers (DSSE 1.0, PAE)."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def entries(folder: Path) -> Iterator[dict[str, Any]]:
    """The log's entries, each verified.

    Raises:
        Broken: an entry was changed, removed or reordered, or its signature is false; or there is no log.
    """
    path, previous, number = folder / LOG, GENESIS, 0
    content = path.read_bytes() if path.is_file() else b""
    if not content:
        raise Broken("the log is missing or empty")
    for number, line in enumerate(content.splitlines()):
        try:
            entry = json.loads(line, object_pairs_hook=once)
            follows = entry["previous"] == previous and entry["n"] == number and entry_hash(entry) == entry["hash"]
            files = entry.get("files", {})
            follows = follows and isinstance(files, dict) and all(isinstance(one, str | None) for one in files.values())
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            follows = False
        if not follows:
            raise Broken(f"entry {number} does not follow from the one before")
        if "signature" in entry and not signer_of(entry):
            raise Broken(f"the signature of entry {number} is false")
        previous = entry["hash"]
        yield entry


def entry_hash(entry: dict[str, Any]) -> str:
    """SHA-256 of what an entry's hash covers."""
    return hashlib.sha256(body_of(entry)).hexdigest()


def body_of(entry: dict[str, Any]) -> bytes:
    """An entry without its hash and signature, as JSON with sorted keys and without spaces."""
    body = {key: value for key, value in entry.items() if key not in UNHASHED}
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def signer_of(entry: dict[str, Any]) -> str:
    """The fingerprint of the key that signed an entry; "" where nobody did, or where the signature is false."""
    try:
        pem, signature = entry["key"].encode(), base64.b64decode(entry["signature"], validate=True)
        return fingerprint(pem) if is_signed(pem, signature, bytes.fromhex(entry["hash"])) else ""
    except (KeyError, ValueError, TypeError, AttributeError):
        return ""


def is_signed(pem: bytes, signature: bytes, message: bytes) -> bool:
    """Whether a signature is that of a public key: Ed25519, or ECDSA with SHA-256."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem)
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, message)
        elif isinstance(key, EllipticCurvePublicKey):
            key.verify(signature, message, ECDSA(SHA256()))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def fingerprint(pem: bytes) -> str:
    """Sixteen hex digits of the SHA-256 of a public key, by which people compare it.

    The whole text counts: what verifies a signature and what is compared must not be two keys in one text.
    """
    return hashlib.sha256(b"".join(pem.split())).hexdigest()[:16]


def public_key(path: Path) -> bytes:
    """The public key in a file, without text around it, such as `fdcore key show` prints.

    Raises:
        ValueError: it holds none, or several; a private key does not count.
    """
    found = _PUBLIC_KEY.findall(path.read_bytes())
    if len(found) != 1:
        raise ValueError(
            f"{path} holds {len(found) or 'no'} public key{'s' * (len(found) > 1)} where one is expected. "
            "`fdcore key show` prints yours; never give a private key away"
        )
    key: bytes = found[0]
    return key


def sha256_of(path: Path) -> str:
    """The hex SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def names(folder: Path) -> Iterator[str]:
    """The files of a case that an entry may bind: all but the log, this script and hidden ones."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if (
            path.is_file()
            and name.as_posix() not in (LOG, SCRIPT)
            and not any(part.startswith(".") for part in name.parts)
        ):
            yield name.as_posix()


def journal(folder: Path) -> list[tuple[str, str, str]]:
    """What was written, or begun, and is not logged yet: a file with its hash, or a folder ending in "/"; and who."""
    path = folder / WRITING
    found: list[tuple[str, str, str]] = []
    for line in path.read_bytes().splitlines() if path.is_file() else ():
        try:
            name, sha256, who = json.loads(line)
            found.append((str(name), str(sha256), str(who)))
        except (ValueError, TypeError):  # a power cut in the middle of a line
            continue
    return found


def _files(
    folder: Path, bound: dict[str, tuple[str | None, int]], only: Sequence[str], left_out: Mapping[str, str]
) -> Iterator[File]:
    lines = journal(folder)
    begun = tuple(name for name, sha256, _ in lines if not sha256)
    writing = {(name, sha256) for name, sha256, _ in lines}
    wanted_names = {*names(folder), *(name for name, (sha256, _) in bound.items() if sha256)}
    if only:
        wanted_names = {name for name in wanted_names if any(name == one or name.startswith(f"{one}/") for one in only)}
    there = {name: sha256_of(folder / name) for name in wanted_names if (folder / name).is_file()}
    for name in sorted(wanted_names):
        wanted, entry = bound.get(name, (None, None))
        found = there.get(name)
        if wanted == found:
            yield File(name, "intact", entry)
        elif name.startswith(begun) or (name, found) in writing:
            yield File(name, "unfinished", entry)
        elif found is None:
            yield File(name, "left out" if left_out.get(name) == wanted else "missing", entry)
        else:
            yield File(name, "changed" if entry is not None else "not bound", entry)


# Timestamps


def _stamps(folder: Path, hashes: Mapping[str, int]) -> Iterator[Stamp]:
    for path in sorted((folder / TIMESTAMPS).glob("*.tsr")):
        name = path.relative_to(folder).as_posix()
        try:
            stamp = read_stamp(path.read_bytes(), name)
        except (ValueError, IndexError) as error:
            yield Stamp(name, None, "", "", f"cannot be read ({error})")
            continue
        entry = hashes.get(stamp.digest)
        problem = stamp.problem or ("" if entry is not None else "is about no entry of this log")
        yield replace(stamp, entry=entry, problem=problem)


def read_stamp(reply: bytes, name: str = "") -> Stamp:
    """Read an authority's reply and verify its signature with the certificate in it; its root is not checked.

    Raises:
        ValueError, IndexError: it is not a reply, or refuses, or is signed in a way that is not known here.
    """
    status, token = parts(parts(reply)[0].content)[:2]
    if parts(status.content)[0].content not in (b"\0", b"\1"):
        raise ValueError("the authority refused")
    signed = parts(parts(parts(token.content)[1].content)[0].content)
    kind, wrapped = parts(signed[2].content)
    info = parts(wrapped.content)[0].content
    _, _, imprint, _, when = parts(parts(info)[0].content)[:5]
    algorithm, digest = parts(imprint.content)
    if kind.content != _TST_INFO or parts(algorithm.content)[0].content != _HASHES["sha256"]:
        raise ValueError("it does not stamp a SHA-256")
    time = datetime.strptime(when.content.decode()[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    inside = next((one.content for one in signed[3:-1] if one.tag == 0xA0), b"")
    signer, problem = _signature(parts(signed[-1].content)[0], info, [one.whole for one in parts(inside)], time)
    return Stamp(name, None, time.isoformat(), signer, problem, digest.content.hex())


def _signature(signer: "Part", info: bytes, certificates: Sequence[bytes], time: datetime) -> tuple[str, str]:
    """Who signed a reply, and why that signature proves nothing, if so (CMS, RFC 5652; ESS, RFC 5035)."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID

    _, who, hashed, attributes, method, signature = parts(signer.content)[:6]
    of_info = [parts(value.content)[0].content for kind, value in (parts(one.content)[:2] for one in
               parts(attributes.content)) if kind.content == _MESSAGE_DIGEST]  # fmt: skip
    name = next((one for one, oid in _HASHES.items() if oid == parts(hashed.content)[0].content), "")
    if not name or parts(method.content)[0].content == _PSS:
        raise ValueError("it is signed in a way that is not known here")
    named = [one for one in certificates if any(hashlib.new(how, one).digest() in attributes.content
                                                for how in ("sha1", *_HASHES))]  # fmt: skip
    try:
        own = next(one for one in map(x509.load_der_x509_certificate, named)
                   if who.content.startswith(one.issuer.public_bytes()))  # fmt: skip
        subject = "".join(one if one.isprintable() else "?" for one in own.subject.rfc4514_string())
        key, algorithm = own.public_key(), getattr(hashes, name.upper())()
        covered = b"\x31" + attributes.whole[1:]
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature.content, covered, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature.content, covered, ec.ECDSA(algorithm))
        else:
            raise ValueError("its key is neither RSA nor ECDSA")
        usage = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except StopIteration as error:
        raise ValueError("the certificate that signed it is not in it") from error
    except InvalidSignature:
        return subject, "has a false signature"
    except (x509.InvalidVersion, x509.DuplicateExtension, x509.ExtensionNotFound, UnsupportedAlgorithm) as error:
        raise ValueError("its certificate is not one that may stamp") from error
    if of_info != [hashlib.new(name, info).digest()]:
        return subject, "has a false signature"
    may = usage.critical and ExtendedKeyUsageOID.TIME_STAMPING in usage.value
    if not may or not own.not_valid_before_utc <= time <= own.not_valid_after_utc:
        return subject, "is signed with a certificate that may not stamp, or not at that time"
    return subject, ""


class Part(NamedTuple):
    """An element in DER: its tag, its content, and all of it."""

    tag: int
    content: bytes
    whole: bytes


def parts(der: bytes) -> list[Part]:
    """The elements that follow each other in DER.

    Raises:
        ValueError, IndexError: it is not DER.
    """
    found, at = [], 0
    while at < len(der):
        length, start = der[at + 1], at + 2
        if length & 0x80:
            n = length & 0x7F
            length, start = int.from_bytes(der[start : start + n], "big"), start + n
            if not 1 <= n <= 4:
                raise ValueError("not DER")
        if start + length > len(der):
            raise ValueError("cut off")
        found.append(Part(der[at], der[start : start + length], der[at : start + length]))
        at = start + length
    return found


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object without a key that occurs twice, which different programs read differently."""
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key occurs twice")
    return dict(pairs)


def in_words(checked: Checked) -> str:
    """What was found, a line for each thing to know."""
    counts = {state: sum(one.state == state for one in checked.files) for state in State.__args__}  # type: ignore[attr-defined]
    n_entries = _counted(checked.n_entries, "entry", "entries")
    lines = [
        f"Log: {checked.broken}." if checked.broken else f"Log: {n_entries}, head {checked.head}.",
        "Files: " + ", ".join(f"{n} {state}" for state, n in counts.items() if n) + ".",
        *(f"  {one.state}: {one.name}" + (f", bound by entry {one.entry}" if one.entry is not None else "")
          for one in checked.wrong),
        *(f"  {one.state}: {one.name}" + ("" if one.entry is not None else ", which the log does not bind")
          for one in checked.files if one.state in ("unfinished", "left out")),
        *(f"Signed by {name}: {n} of {n_entries}." for name, n in checked.signers.items()),
    ]  # fmt: skip
    if checked.set_back:
        lines.append(f"The clock was set back before entry {', '.join(map(str, checked.set_back))}.")
    if not checked.signers:
        lines.append("Not signed: whoever can write to the folder could have rewritten both log and files.")
    if checked.manifest:
        lines.append(f"The manifest, which says what was left out, is {checked.manifest}.")
    return "\n".join([*lines, *map(stamp_in_words, checked.stamps)])


def stamp_in_words(stamp: Stamp) -> str:
    """What a timestamp proves, or why it proves nothing."""
    if stamp.problem:
        return f"Timestamp {stamp.name}: {stamp.problem}."
    return (
        f"Timestamp {stamp.name}: entry {stamp.entry} and all before it existed at {stamp.time}, says {stamp.signer}. "
        f"Verify its root with: openssl ts -verify -digest {stamp.digest} -in {stamp.name} -CAfile ROOTS.pem"
    )


def main() -> int:
    """Print what was found; the exit code is 0 where nothing was changed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", type=Path, help="the folder of a case or of a bundle")
    parser.add_argument("--key", type=Path, action="append", default=[], help="a public key that must have signed")
    options = parser.parse_args()
    try:
        keys = [public_key(path) for path in options.key]
    except (OSError, ValueError) as error:
        parser.error(str(error))
    checked = check_bundle(options.case, keys) if is_bundle(options.case) else check(options.case, keys)
    print(in_words(checked))
    return 0 if checked.intact else 1


if __name__ == "__main__":
    sys.exit(main())
