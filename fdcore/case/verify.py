"""Check a case: does the audit log hold together, who signed it, and is every file what the log says?

    python verify.py CASE [--key PUBLIC_KEY.pem] ...

This file needs nothing of fdcore: Python 3.11, and `cryptography` where a log is signed. It travels in every exported
case, so that anybody can read it and run it.

Each line of audit.jsonl is an entry: its number, time, event, details, the SHA-256 of every file that was written since
the entry before (null for one that was removed), the hash of the entry before, its own hash, and a signature of that.
"""

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

LOG, WRITING, SCRIPT, GENESIS = "audit.jsonl", ".writing.jsonl", "verify.py", "0" * 64
UNHASHED = ("hash", "key", "signature")  # what an entry's hash does not cover

State = Literal["intact", "changed", "missing", "unfinished", "not bound"]


@dataclass(frozen=True)
class File:
    """One file of a case.

    Attributes:
        name: relative to the case's folder.
        state: "intact" as the log says; "changed" or "missing"; "unfinished" where work was killed between writing a
            file and logging it; "not bound" where no entry speaks of it.
        entry: the last entry that binds it; None without one.
    """

    name: str
    state: State
    entry: int | None


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
    """

    n_entries: int
    broken: str
    files: tuple[File, ...]
    signers: dict[str, int] = field(default_factory=dict)
    unsigned: tuple[int, ...] = ()
    head: str = GENESIS
    set_back: tuple[int, ...] = ()

    @property
    def wrong(self) -> tuple[File, ...]:
        """Files that were changed or removed."""
        return tuple(one for one in self.files if one.state in ("changed", "missing"))

    @property
    def intact(self) -> bool:
        """Whether nothing was changed, as far as the log can tell."""
        return not self.broken and not self.wrong

    @property
    def short(self) -> str:
        """What was found, in one line."""
        if self.broken:
            return f"Changed: {self.broken}."
        if self.wrong:
            more = f" and {len(self.wrong) - 1} more" if len(self.wrong) > 1 else ""
            return f"Changed: {self.wrong[0].name} is {self.wrong[0].state}{more}."
        n_signed = sum(self.signers.values())
        part = f"{n_signed} of them " if 0 < n_signed < self.n_entries else ""
        signed = f"{part}signed by {', '.join(self.signers)}" if self.signers else "not signed"
        if not any(one.entry is not None for one in self.files):
            return f"The log is intact: {self.n_entries} entries; {signed}. It binds no file, as in earlier versions."
        loose = {state: sum(one.state == state for one in self.files) for state in ("unfinished", "not bound")}
        parts = [f"{n} {state}" for state, n in loose.items() if n]
        n_intact = len(self.files) - sum(loose.values())
        return f"Intact: {', '.join([f'{n_intact} files', *parts])}; {self.n_entries} log entries, {signed}."


class Broken(ValueError):
    """An entry that does not follow from the one before."""


def check(folder: Path, keys: Sequence[bytes] = (), only: Sequence[str] = ()) -> Checked:
    """Check a case.

    Args:
        folder: the case's folder.
        keys: public keys (PEM); from their first signature on, every entry must be signed by one of them.
        only: files, or folders in the case, to which the check of files is limited; the log is checked whole.
    """
    bound: dict[str, tuple[str | None, int]] = {}
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
    return Checked(n_entries, broken, tuple(_files(folder, bound, only)), signers, tuple(unsigned), head,
                   tuple(set_back))  # fmt: skip


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
    """SHA-256 of an entry without its hash and signature, as JSON with sorted keys and without spaces."""
    body = {key: value for key, value in entry.items() if key not in UNHASHED}
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def signer_of(entry: dict[str, Any]) -> str:
    """The fingerprint of the key that signed an entry; "" where nobody did, or where the signature is false."""
    if "signature" not in entry:
        return ""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        pem, signature = entry["key"].encode(), base64.b64decode(entry["signature"], validate=True)
        key, message = load_pem_public_key(pem), bytes.fromhex(entry["hash"])
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, message)
        elif isinstance(key, EllipticCurvePublicKey):
            key.verify(signature, message, ECDSA(SHA256()))
        else:
            return ""
    except (InvalidSignature, ValueError, TypeError, AttributeError):
        return ""
    return fingerprint(pem)


def fingerprint(pem: bytes) -> str:
    """Sixteen hex digits of the SHA-256 of a public key, by which people compare it."""
    return hashlib.sha256(b"".join(pem.split())).hexdigest()[:16]


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


def _files(folder: Path, bound: dict[str, tuple[str | None, int]], only: Sequence[str]) -> Iterator[File]:
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
            yield File(name, "missing", entry)
        else:
            yield File(name, "changed" if entry is not None else "not bound", entry)


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object without a key that occurs twice, which different programs read differently."""
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key occurs twice")
    return dict(pairs)


def in_words(checked: Checked) -> str:
    """What was found, a line for each thing to know."""
    counts = {state: sum(one.state == state for one in checked.files) for state in State.__args__}  # type: ignore[attr-defined]
    lines = [
        f"Log: {checked.broken}." if checked.broken else f"Log: {checked.n_entries} entries, head {checked.head}.",
        "Files: " + ", ".join(f"{n} {state}" for state, n in counts.items() if n) + ".",
        *(f"  {one.state}: {one.name}, bound by entry {one.entry}" for one in checked.wrong),
        *(f"  unfinished: {one.name}" for one in checked.files if one.state == "unfinished"),
        *(f"Signed by {name}: {n} of {checked.n_entries} entries." for name, n in checked.signers.items()),
    ]
    if checked.set_back:
        lines.append(f"The clock was set back before entry {', '.join(map(str, checked.set_back))}.")
    if not checked.signers:
        lines.append("Not signed: whoever can write to the folder could have rewritten both log and files.")
    return "\n".join(lines)


def main() -> int:
    """Print what was found; the exit code is 0 where nothing was changed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", type=Path)
    parser.add_argument("--key", type=Path, action="append", default=[], help="a public key that must have signed")
    options = parser.parse_args()
    checked = check(options.case, [key.read_bytes() for key in options.key])
    print(in_words(checked))
    return 0 if checked.intact else 1


if __name__ == "__main__":
    sys.exit(main())
