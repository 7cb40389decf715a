"""The record of a validation: what this installation gave for suspects whose truth is known, and when.

`fdcore.demo.validate` makes it. Records lie outside every case, in the folder that FDCORE_VALIDATION names (default:
the user's data). A case copies the newest when conclusions are drawn, and its report cites it.
"""

import base64
import json
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from fdcore.case.keys import load_key
from fdcore.case.records import ValidationFacts
from fdcore.case.verify import UNHASHED, entry_hash, once, signer_of
from fdcore.errors import CaseError, ValidationError
from fdcore.records import from_plain, to_plain
from fdcore.storage import write_atomically
from fdcore.suspect.runtimes import processor, version_of
from fdcore.version import __version__

VARIABLE = "FDCORE_VALIDATION"
PACKAGES = (
    "numpy", "torch", "torchvision", "timm", "scipy", "scikit-learn", "pillow", "pandas", "pyarrow", "onnx",
    "onnxruntime", "openvino", "keras", "ai-edge-litert", "transformers", "safetensors", "cryptography", "reportlab",
)  # fmt: skip
"""What can change an answer, a figure or a file."""
VALID_FOR = timedelta(days=365)


@dataclass(frozen=True)
class Installation:
    """Where fdcore runs; `packages` has the version of each of `PACKAGES` that is installed."""

    fdcore: str
    python: str
    system: str
    processor: str
    packages: dict[str, str]

    def differences(self, other: "Installation") -> Iterator[str]:
        """What differs in another one, each in a few words."""
        own, its = ({"fdcore": one.fdcore, "Python": one.python, "operating system": one.system,
                     "processor": one.processor, **one.packages} for one in (self, other))  # fmt: skip
        for name in dict.fromkeys([*own, *its]):
            if own.get(name) != its.get(name):
                yield f"{name} was {own.get(name, 'not installed')}, is {its.get(name, 'not installed')}"


@dataclass(frozen=True)
class Reference:
    """One reference and what came out.

    Attributes:
        name: what was run.
        expected: what is known of it.
        found: what came out; where it failed, by how much.
    """

    name: str
    expected: str
    found: str
    passed: bool


@dataclass(frozen=True)
class Rate:
    """How often something happened with the reference suspects: `count` of `n`."""

    what: str
    count: int
    n: int


@dataclass(frozen=True)
class Validation:
    """What one validation found.

    Attributes:
        time: ISO 8601, UTC, of its end.
        by: who ran it; empty where that was not given.
    """

    time: str
    installation: Installation
    references: tuple[Reference, ...]
    rates: tuple[Rate, ...]
    by: str = ""
    format: int = 1

    @property
    def failed(self) -> tuple[Reference, ...]:
        """The references that did not give what is known of them."""
        return tuple(one for one in self.references if not one.passed)


@dataclass(frozen=True)
class Kept:
    """A record as it lies on the disk: `sha256` is of the file, `signer` the fingerprint of its key or ""."""

    path: Path
    content: bytes
    record: Validation
    signer: str

    @property
    def sha256(self) -> str:
        """Hex, of the file."""
        return sha256(self.content).hexdigest()

    def require_passed(self) -> None:
        """Refuse to go on where a reference failed.

        Raises:
            ValidationError: one did.
        """
        if failed := self.record.failed:
            names = ", ".join(one.name for one in failed)
            raise ValidationError(
                f"{len(failed)} of {len(self.record.references)} references failed: {names}. Do not rely on findings "
                f"of this installation until the cause is known; the record is {self.path}.",
                key="validation failed",
            )


def records_folder() -> Path:
    """Where the records lie or will lie."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else user_data_path("fdcore") / "validation"


def installation() -> Installation:
    """This one."""
    return replace(_installation(), fdcore=__version__)


@lru_cache(maxsize=1)
def _installation() -> Installation:
    packages = {name: found for name in PACKAGES if (found := version_of(name))}
    return Installation("", platform.python_version(), platform.platform(), processor(), packages)


def keep(record: Validation) -> Kept:
    """Write a record as canonical JSON (sorted keys, no spaces), signed where there is a key.

    Raises:
        CaseError: the key cannot be read.
        StorageError: the folder cannot be written.
    """
    body: dict[str, Any] = to_plain(record)
    body["hash"] = entry_hash(body)
    if key := load_key():
        body |= {"key": key.public_pem, "signature": base64.b64encode(key.sign(bytes.fromhex(body["hash"]))).decode()}
    name = record.time.replace(":", "").replace("+0000", "Z")
    path = records_folder() / f"validation-{name}.json"
    write_atomically(path, json.dumps(body, sort_keys=True, separators=(",", ":")).encode() + b"\n")
    return _read(path)


def newest() -> Kept | None:
    """The newest record of this user; None where there is none.

    Raises:
        CaseError: it is damaged or was changed.
    """
    paths = sorted(records_folder().glob("validation-*.json"))
    return _read(paths[-1]) if paths else None


def _read(path: Path) -> Kept:
    try:
        content = path.read_bytes()
        body = json.loads(content, object_pairs_hook=once)
        signed, signer = "signature" in body, signer_of(body)
        if entry_hash(body) != body["hash"] or (signed and not signer):
            raise ValueError("its hash or its signature is false")
        stated = {name: value for name, value in body.items() if name not in UNHASHED}
        return Kept(path, content, from_plain(Validation, stated, what=f"the validation {path}"), signer)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CaseError(
            f"The record of the validation {path} is damaged or was changed ({error}). Run `fdcore validate` again.",
            key="validation changed",
        ) from error


def facts_of(kept: Kept | None, here: Installation, now: datetime) -> ValidationFacts:
    """What a case cites of a record, and why it may not hold for work done here and now."""
    if kept is None:
        return ValidationFacts()
    record = kept.record
    doubts = [*record.installation.differences(here)]
    if now - datetime.fromisoformat(record.time) > VALID_FOR:
        doubts.append("older than a year")
    n = len(record.references)
    return ValidationFacts(kept.sha256, record.time, n - len(record.failed), n, kept.signer, tuple(doubts))


def current() -> tuple[ValidationFacts, Kept | None]:
    """What is to be cited of this installation's newest record, and the record.

    A record that was changed or damaged counts as none, with the reason as a doubt.
    """
    try:
        kept = newest()
    except CaseError as error:
        return ValidationFacts(doubts=(str(error),)), None
    return facts_of(kept, installation(), datetime.now(UTC)), kept


def in_words(kept: Kept) -> str:
    """A record as plain text: what it was run on, each reference, the error rates, who signed."""
    record = kept.record
    here = record.installation
    packages = ", ".join(f"{name} {version}" for name, version in here.packages.items())
    failed = f"{len(record.failed)} of {len(record.references)} references FAILED" if record.failed else "passed"
    who = f" by {record.by}" if record.by else ""
    lines = [
        f"Validation of {record.time[:19].replace('T', ' ')} UTC{who}: {failed}",
        f"fdcore {here.fdcore}, Python {here.python}, {here.system}, {here.processor}",
        packages,
        "",
    ]
    for one in record.references:
        lines += [f"{'passed' if one.passed else 'FAILED'}  {one.name}", f"        expected: {one.expected}",
                  f"        found: {one.found}"]  # fmt: skip
    lines += ["", "Error rates of the reference suspect:"] if record.rates else []
    lines += [f"  {one.what}: {one.count} of {one.n}" for one in record.rates]
    signed = f"signed by {kept.signer}" if kept.signer else "not signed (`fdcore key new` makes a key)"
    return "\n".join([*lines, "", f"{kept.path}, {signed}", f"SHA-256 {kept.sha256}"])
