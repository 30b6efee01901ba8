# SPDX-License-Identifier: Apache-2.0
"""What is told of a certificate is what the library for X.509 says of it; what cannot be read is unknown, never a surprise."""

import hashlib
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from gatepost.smtp.leaf import Leaf, first_leaf, read_leaf, validity

_KEY = ec.generate_private_key(ec.SECP256R1())
_TIMES = st.datetimes(datetime(1950, 1, 1), datetime(9999, 12, 31)).map(lambda one: one.replace(microsecond=0, tzinfo=UTC))
_SERIALS = st.integers(1, 2**159 - 1)


def certificate(begins: datetime, ends: datetime, serial: int = 7, organisation: str = "x") -> x509.Certificate:
    """Make one; a long organisation makes lengths of several octets."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organisation[:64])] * max(1, len(organisation) // 64))
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(_KEY.public_key()).serial_number(serial)
    return builder.not_valid_before(begins).not_valid_after(ends).sign(_KEY, hashes.SHA256())


_DER = certificate(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)).public_bytes(serialization.Encoding.DER)


@given(_TIMES, _TIMES, _SERIALS, st.integers(1, 2000))
def test_dates_are_those_that_the_library_reads(one: datetime, other: datetime, serial: int, length: int) -> None:
    """In both forms of time, before and after 2050, whatever stands before them."""
    made = certificate(min(one, other), max(one, other), serial, "o" * length)
    expected = made.not_valid_before_utc.timestamp(), made.not_valid_after_utc.timestamp()
    assert validity(made.public_bytes(serialization.Encoding.DER)) == expected


@given(st.binary(max_size=64) | st.integers(0, 250).map(lambda end: _DER[:end]))
def test_what_is_no_certificate_is_unknown(der: bytes) -> None:
    """Whatever the octets, only its fingerprint is told."""
    assert first_leaf(ssl.DER_cert_to_PEM_cert(der))[1:] == (0.0, 0.0)


def test_the_first_certificate_of_a_file_is_meant(tmp_path: Path) -> None:
    """It is the one that is shown; the chain, comments and a key may stand around it."""
    first, second = (certificate(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, month, 1, tzinfo=UTC)) for month in (3, 9))
    path = tmp_path / "chain.pem"
    path.write_bytes(b"# \xe4 leaf\n" + b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (first, second)))
    fingerprint = hashlib.sha256(first.public_bytes(serialization.Encoding.DER)).hexdigest()
    assert read_leaf(path) == Leaf(fingerprint, datetime(2026, 1, 1, tzinfo=UTC).timestamp(), datetime(2026, 3, 1, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    "text", ["", "nothing", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"]
)
def test_a_file_without_one_tells_nothing(tmp_path: Path, text: str) -> None:
    """OpenSSL is who refuses it."""
    (tmp_path / "odd.pem").write_text(text)
    assert read_leaf(tmp_path / "odd.pem") == Leaf()
