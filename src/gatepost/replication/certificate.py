# SPDX-License-Identifier: Apache-2.0
"""A role's own certificate for calls to other roles: made by the role itself, known to others by its SHA-256.

No authority vouches for it: two roles show each other's fingerprint when they are paired, and from then on take exactly
that certificate. P-256, valid for ten years, in a folder of the data folder that only the role's user may read.
"""

import base64
import datetime
import hashlib
import os
import re
import shutil
import ssl
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from gatepost.errors import GatepostError

LIFETIME = datetime.timedelta(days=3653)
PEM_BYTES = 8192
"""A certificate from outside is no longer."""
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*\Z")


class Identity(NamedTuple):
    """A role's own certificate."""

    certificate: Path
    key: Path
    pem: str
    fingerprint: str
    """SHA-256 of the DER, 64 hex digits."""


def fingerprint_of(der: bytes) -> str:
    """Give the SHA-256 of a certificate's DER, in hex."""
    return hashlib.sha256(der).hexdigest()


def readable(fingerprint: str) -> str:
    """Write a fingerprint in groups of four, as people compare it."""
    return " ".join(fingerprint[start : start + 4] for start in range(0, len(fingerprint), 4))


def own_identity(folder: Path, name: str) -> Identity:
    """Give this role's certificate, made now if there is none. Raises: GatepostError when the folder cannot be used."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    try:
        if not certificate.exists():
            _make(folder, name)
        pem = certificate.read_text("ascii")
        return Identity(certificate, key, pem, fingerprint_of(ssl.PEM_cert_to_DER_cert(pem)))
    except (OSError, ValueError) as error:
        raise GatepostError(
            f"{folder}: this role's certificate cannot be used ({error}); remove the folder, start again, and join its roles anew"
        ) from None


def checked_certificate(untrusted_pem: str) -> str:
    """Give the fingerprint of a certificate that another role presents; raises GatepostError unless it is one, and valid today."""
    from cryptography import x509

    try:
        if len(untrusted_pem) > PEM_BYTES or not _PEM.match(untrusted_pem):
            raise ValueError("it is not one certificate in PEM")
        der = ssl.PEM_cert_to_DER_cert(untrusted_pem.strip())
        certificate = x509.load_der_x509_certificate(der)
        now = datetime.datetime.now(datetime.UTC)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise ValueError(f"it is valid from {certificate.not_valid_before_utc} to {certificate.not_valid_after_utc}")
        certificate.verify_directly_issued_by(certificate)
    except Exception as error:  # whatever a parser of hostile bytes raises
        raise GatepostError(f"the role's certificate cannot be taken ({error}); remove its folder `link` and let it make another") from None
    return fingerprint_of(der)


def _make(folder: Path, name: str) -> None:
    """Write key and certificate into a new folder and put it in place at once; another process's comes first."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    fresh = Path(tempfile.mkdtemp(prefix="link.", dir=folder.parent))
    try:
        encoded = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        _write(fresh / "key.pem", encoded)
        _write(fresh / "certificate.pem", _self_signed(key, name))
        with suppress(OSError):  # Not empty: there is one already.
            fresh.rename(folder)
        descriptor = os.open(folder.parent, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _self_signed(key: "object", name: str) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    assert isinstance(key, ec.EllipticCurvePrivateKey)
    number = x509.random_serial_number()
    # The serial number in the name: OpenSSL looks trusted certificates up by name.
    common = f"{name[:40]} {base64.b32encode(number.to_bytes(20, 'big')[-10:]).decode().lower()}"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(number)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
