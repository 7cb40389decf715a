"""A time-stamping authority (RFC 3161): a root, a certificate that may stamp, and replies written out in DER."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SHA256_OID = bytes.fromhex("608648016503040201")
TST_INFO = bytes.fromhex("2a864886f70d0109100104")
SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
ECDSA_SHA256, RSA, PSS = (
    bytes.fromhex(one) for one in ("2a8648ce3d040302", "2a864886f70d010101", "2a864886f70d01010a")
)
CONTENT_TYPE, MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010903"), bytes.fromhex("2a864886f70d010904")
SIGNING_CERTIFICATE_V2 = bytes.fromhex("2a864886f70d010910022f")
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, len(content)] if len(content) < 128 else [tag, 128 + len(size), *size]) + content


def sequence(*parts: bytes) -> bytes:
    return der(0x30, *parts)


def set_of(*parts: bytes) -> bytes:
    return der(0x31, *sorted(parts))


def number(value: int) -> bytes:
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def identifier(oid: bytes) -> bytes:
    return der(0x06, oid)


@dataclass
class Authority:
    """An authority; `reply` stamps a digest."""

    root: x509.Certificate
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    method: bytes = ECDSA_SHA256

    @classmethod
    def new(cls, *, name: str = "Clock", may_stamp: bool = True, method: bytes = ECDSA_SHA256) -> "Authority":
        root_key = ec.generate_private_key(ec.SECP256R1())
        key = (
            ec.generate_private_key(ec.SECP256R1()) if method == ECDSA_SHA256 else rsa.generate_private_key(65537, 2048)
        )
        root_name, own_name = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in ("Root", name))
        root = _builder(root_name, root_name, root_key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        usage = ExtendedKeyUsageOID.TIME_STAMPING if may_stamp else ExtendedKeyUsageOID.CODE_SIGNING
        own = _builder(own_name, root_name, key.public_key()).add_extension(
            x509.ExtendedKeyUsage([usage]), critical=True
        )
        return cls(root.sign(root_key, SHA256()), own.sign(root_key, SHA256()), key, method)

    @property
    def roots_pem(self) -> bytes:
        return self.root.public_bytes(Encoding.PEM)

    def reply(self, digest: bytes, *, time: datetime = NOW, status: int = 0, certificates: bool = True) -> bytes:
        """A whole reply (TimeStampResp); its certificates are in no particular order, as OpenSSL's."""
        algorithm = sequence(identifier(SHA256_OID))
        stamped = der(0x18, time.strftime("%Y%m%d%H%M%SZ").encode())
        info = sequence(number(1), identifier(b"\x2a\x03\x04\x01"), sequence(algorithm, der(0x04, digest)), number(77),
                        stamped)  # fmt: skip
        own, root = (one.public_bytes(Encoding.DER) for one in (self.certificate, self.root))
        named = sequence(sequence(sequence(der(0x04, hashlib.sha256(own).digest()))))
        attributes = set_of(
            sequence(identifier(CONTENT_TYPE), set_of(identifier(TST_INFO))),
            sequence(identifier(MESSAGE_DIGEST), set_of(der(0x04, hashlib.sha256(info).digest()))),
            sequence(identifier(SIGNING_CERTIFICATE_V2), set_of(named)),
        )
        who = sequence(self.certificate.issuer.public_bytes(), number(self.certificate.serial_number))
        signature = der(0x04, self._sign(attributes))
        signer = sequence(number(1), who, algorithm, b"\xa0" + attributes[1:], sequence(identifier(self.method)),
                          signature)  # fmt: skip
        chain = der(0xA0, *sorted((own, root), reverse=True)) if certificates else b""
        signed = sequence(number(3), set_of(algorithm), sequence(identifier(TST_INFO), der(0xA0, der(0x04, info))),
                          chain, set_of(signer))  # fmt: skip
        return sequence(sequence(number(status)), sequence(identifier(SIGNED_DATA), der(0xA0, signed)))

    def _sign(self, message: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(message, PKCS1v15(), SHA256())
        return self.key.sign(message, ec.ECDSA(SHA256()))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey
) -> x509.CertificateBuilder:
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    return (
        made.serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
    )
