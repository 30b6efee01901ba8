# SPDX-License-Identifier: Apache-2.0
"""People with keys and certificates for tests of CMS, made once in a run, and what they have on disk for other programs."""

import datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.key_index import KeyIndex
from gatepost.encryption.cms.local_key import LocalKey

NOW = datetime.datetime(2026, 11, 25, 12, 0, tzinfo=datetime.UTC)
KINDS = ("rsa", "p256", "p384", "p521", "ed25519", "x25519")
_CURVES = {"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1}


class Person(NamedTuple):
    """One with a key."""

    name: str
    private: LocalKey
    secret: object
    certificate: Certificate

    def files(self, folder: Path) -> tuple[Path, Path]:
        """Write certificate and key as PEM."""
        certificate, key = folder / f"{self.name}.crt", folder / f"{self.name}.key"
        certificate.write_bytes(x509.load_der_x509_certificate(self.certificate.encoded).public_bytes(Encoding.PEM))
        key.write_bytes(self.secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return certificate, key


def _make_key(kind: str):
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:] or 2048))
    if kind in _CURVES:
        return ec.generate_private_key(_CURVES[kind]())
    return ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else x25519.X25519PrivateKey.generate()


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example  Org"), x509.NameAttribute(NameOID.COMMON_NAME, common)])


@cache
def authority() -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """Make the one who certifies all."""
    key, name = rsa.generate_private_key(65537, 2048), _name("Example CA")
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW - datetime.timedelta(900), NOW + datetime.timedelta(9000))
    builder = builder.add_extension(x509.BasicConstraints(True, None), True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    return key, builder.add_extension(usage, True).sign(key, hashes.SHA256())


def certify(public: object, common: str, *, key_identifier: bool = True, serial: int = 0) -> Certificate:
    """Certify a key."""
    key, root = authority()
    builder = x509.CertificateBuilder(root.subject, _name(common), public, serial or x509.random_serial_number())
    builder = builder.not_valid_before(NOW - datetime.timedelta(800)).not_valid_after(NOW + datetime.timedelta(8000))
    if key_identifier:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
    authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    builder = builder.add_extension(authority_key, False)
    agrees = not isinstance(public, rsa.RSAPublicKey)  # gpgsm wants key encipherment of a curve's key too
    usage = x509.KeyUsage(True, True, True, False, agrees, False, False, False, False)
    builder = builder.add_extension(usage, True)
    address = x509.SubjectAlternativeName([x509.RFC822Name(f"{common}@example.org")])
    builder = builder.add_extension(address, False).add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
    return Certificate(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))


@cache
def person(kind: str, name: str = "") -> Person:
    """Make one with a key of this kind; another name is another person."""
    secret = _make_key(kind)
    common = name or f"{kind}-person"
    return Person(common, LocalKey(secret), secret, certify(secret.public_key(), common))


def ring(*people: Person) -> KeyIndex:
    """Put people's decryption keys together."""
    keys = KeyIndex()
    for one in people:
        keys.add(one.certificate, one.private)
    return keys


def authority_file(folder: Path) -> Path:
    """Write the certifier's certificate as PEM."""
    path = folder / "ca.crt"
    path.write_bytes(authority()[1].public_bytes(Encoding.PEM))
    return path
