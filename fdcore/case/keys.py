"""The key that signs audit logs: one for each analyst or server, outside every case.

FDCORE_KEY names its file; without it, the one that `fdcore key new` made is used, and without that nothing is signed.
"""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from platformdirs import user_config_path

from fdcore.case.verify import fingerprint
from fdcore.errors import CaseError
from fdcore.storage import disk_errors

Algorithm = Literal["ed25519", "p256"]
KEY_VARIABLE, PASSPHRASE_VARIABLE = "FDCORE_KEY", "FDCORE_KEY_PASSPHRASE"


@dataclass(frozen=True)
class SigningKey:
    """A private key, ready to sign."""

    private: Ed25519PrivateKey | EllipticCurvePrivateKey

    def sign(self, message: bytes) -> bytes:
        """A signature: Ed25519, or ECDSA with SHA-256. The same message gets the same one."""
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.sign(message)
        return self.private.sign(message, ECDSA(SHA256(), deterministic_signing=True))

    @property
    def public_pem(self) -> str:
        """The public key, which verifies what this one signed."""
        public = self.private.public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        return pem.decode("ascii")

    @property
    def fingerprint(self) -> str:
        """By which people compare the public key."""
        return fingerprint(self.public_pem.encode())


def key_path() -> Path:
    """Where the key lies or will lie."""
    named = os.environ.get(KEY_VARIABLE)
    return Path(named) if named else user_config_path("fdcore") / "key.pem"


def load_key() -> SigningKey | None:
    """The key of this analyst or server; None where there is none, or where FDCORE_KEY is set to nothing.

    Raises:
        CaseError: the key cannot be read, or its passphrase is missing or wrong.
    """
    path = key_path()
    if os.environ.get(KEY_VARIABLE) == "" or (KEY_VARIABLE not in os.environ and not path.is_file()):
        return None
    try:
        status = path.stat()
    except OSError as error:
        raise CaseError(f"The key {path} cannot be read: {error.strerror}. {_MEND}", key="key unreadable") from error
    return _read(path, status.st_mtime_ns, os.environ.get(PASSPHRASE_VARIABLE, ""))


_MEND = f"Correct {KEY_VARIABLE}, or set it to nothing to work without signatures."


@lru_cache(maxsize=4)
def _read(path: Path, _changed_ns: int, passphrase: str) -> SigningKey:
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), passphrase.encode() or None)
    except (OSError, ValueError, TypeError) as error:
        raise CaseError(
            f"The key {path} cannot be read ({error}). A passphrase is given in {PASSPHRASE_VARIABLE}. {_MEND}",
            key="key unreadable",
        ) from error
    if not isinstance(private, Ed25519PrivateKey | EllipticCurvePrivateKey):
        raise CaseError(f"The key {path} is neither Ed25519 nor ECDSA. Make one with `fdcore key new`.",
                        key="key of another kind")  # fmt: skip
    return SigningKey(private)


def new_key(path: Path, *, algorithm: Algorithm = "ed25519", passphrase: str = "") -> SigningKey:
    """Make a key in a new file that only its owner may read.

    Raises:
        CaseError: the file exists.
        StorageError: it cannot be written.
    """
    made = SigningKey(Ed25519PrivateKey.generate() if algorithm == "ed25519" else generate_private_key(SECP256R1()))
    secret = passphrase.encode()
    locked = serialization.BestAvailableEncryption(secret) if secret else serialization.NoEncryption()
    pem = made.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise CaseError(f"There is a key in {path} already. Keep it, or give another --out.",
                            key="key exists") from error  # fmt: skip
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
    return made
