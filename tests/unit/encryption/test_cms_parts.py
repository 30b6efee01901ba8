# SPDX-License-Identifier: Apache-2.0
"""The small parts: times, capabilities, names, schemes."""

import datetime
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.algorithm import algorithm, read_algorithm
from gatepost.encryption.cms.ber import cursor_on
from gatepost.encryption.cms.capabilities import OURS, Capability, read_capabilities, write_capabilities
from gatepost.encryption.cms.content import OtherContent, read
from gatepost.encryption.cms.enveloped.agreement import read_agreement, wrapping_key
from gatepost.encryption.cms.enveloped.transport import read_transport, write_transport
from gatepost.encryption.cms.fault import Fault, Refusal
from gatepost.encryption.cms.keys import Transport
from gatepost.encryption.cms.limits import DEFAULT
from gatepost.encryption.cms.names import normalised
from gatepost.encryption.cms.scheme import Scheme, read_scheme, write_scheme
from gatepost.encryption.cms.times import read_time, write_time


@given(st.datetimes(datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31)))
def test_a_time_comes_back(when: datetime.datetime):
    """UTCTime from 1950 to 2049, GeneralizedTime else."""
    moment = when.replace(microsecond=0, tzinfo=datetime.UTC)
    encoded = write_time(moment)
    assert read_time(encoded) == moment
    assert encoded[0] == (0x17 if 1950 <= moment.year < 2050 else 0x18)


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (b"\x17\x0b2611251200Z", datetime.datetime(2026, 11, 25, 12, 0, tzinfo=datetime.UTC)),
        (b"\x17\x0d991231235959Z", datetime.datetime(1999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)),
        (b"\x18\x1220500101000000.50Z", datetime.datetime(2050, 1, 1, tzinfo=datetime.UTC)),
        (b"\x17\x0d261399000000Z", None),
        (b"\x17\x0d26112512000", None),
        (b"\x17\x0c261125120000", None),
        (b"\x17\x11261125120000+0100", None),
        (b"\x04\x0d261125120000Z", None),
        (b"", None),
    ],
)
def test_times_are_read_or_are_none(encoded: bytes, expected: datetime.datetime | None):
    """Seconds may lack, parts of a second are dropped; other zones than Z are no DER."""
    assert read_time(encoded) == expected


@given(st.binary(max_size=40))
def test_no_bytes_break_the_reading_of_times(encoded: bytes):
    """Nor do those with a time's tag."""
    for tag in (0x17, 0x18):
        read_time(bytes((tag,)) + encoded)
        read_time(der.element(tag, encoded))


def test_our_capabilities_name_nothing_that_is_broken():
    """AES alone; and the list comes back."""
    assert read_capabilities(write_capabilities(OURS)) == OURS
    assert {one.oid for one in OURS} <= {oids.AES128_CBC, oids.AES256_CBC, oids.AES128_GCM, oids.AES256_GCM}
    with_parameters = (Capability(oids.encoded("1.2.840.113549.3.2"), der.integer(128)),)
    assert read_capabilities(write_capabilities(with_parameters)) == with_parameters


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reading_of_capabilities(value: bytes):
    """They give a list or a fault."""
    for data in (value, der.sequence(value), der.sequence(der.sequence(value))):
        assert isinstance(read_capabilities(data), tuple)


def test_too_many_capabilities_are_a_fault():
    """A list has an end."""
    found = read_capabilities(write_capabilities((Capability(oids.DATA),) * 101))
    assert isinstance(found, Fault)
    assert found.kind == "too-large"


SCHEMES = [
    Scheme(kind, name, salt)
    for name in ("sha256", "sha384", "sha512")
    for kind, salt in (("rsa-pkcs1", 0), ("rsa-pss", 0), ("rsa-pss", 64), ("ecdsa", 0), ("ed25519", 0))
]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_scheme_comes_back(scheme: Scheme):
    """With its digest from the content's."""
    encoded = write_scheme(scheme)
    assert read_scheme(read_algorithm(cursor_on(encoded, DEFAULT)), scheme.digest) == scheme


@pytest.mark.parametrize(
    "parameters",
    [
        der.explicit(1, der.sequence(der.oid(oids.DATA))),
        der.explicit(0, der.sequence(der.oid(oids.SHA256))),  # its mask would be SHA-1
        der.explicit(3, der.integer(2)),
        der.explicit(2, der.integer(-1)),
        der.explicit(2, der.integer(10_000)),
        der.explicit(4, der.integer(1)),
        der.integer(1),
    ],
)
def test_pss_parameters_that_nobody_uses_are_refused(parameters: bytes):
    """Another mask, another trailer, a salt of no length."""
    with pytest.raises(Refusal):
        read_scheme(algorithm(oids.RSA_PSS, der.sequence(parameters)), "sha1")


def test_pss_without_parameters_is_sha1():
    """The defaults are those of the standard, and policy speaks of them later."""
    assert read_scheme(algorithm(oids.RSA_PSS, der.sequence()), "sha1") == Scheme("rsa-pss", "sha1", 20)


@pytest.mark.parametrize("transport", [Transport("pkcs1"), Transport("oaep"), Transport("oaep", "sha1", "sha512", b"label")])
def test_a_way_of_transport_comes_back(transport: Transport):
    """With its hashes and label."""
    assert read_transport(read_algorithm(cursor_on(write_transport(transport), DEFAULT))) == transport


@pytest.mark.parametrize("material", [None, b"", b"material"])
def test_the_wrapping_key_is_derived_as_the_standards_say(material: bytes | None):
    """ANSI X9.63 (RFC 5753 §7.2) and HKDF (RFC 8418 §2.2), computed again from their definitions."""
    secret = bytes(range(32))
    entity = b"" if material is None else der.explicit(0, der.octet_string(material))
    shared = der.sequence(algorithm(oids.AES256_WRAP).encoded, entity, der.explicit(2, der.octet_string(bytes.fromhex("00000100"))))
    x963 = read_agreement(algorithm(oids.STD_DH_SHA256_KDF, algorithm(oids.AES256_WRAP).encoded))
    assert wrapping_key(secret, x963, material) == hashlib.sha256(secret + bytes.fromhex("00000001") + shared).digest()
    hkdf = read_agreement(algorithm(oids.STD_DH_HKDF_SHA256, algorithm(oids.AES256_WRAP).encoded))
    extracted = hmac.digest(material or bytes(32), secret, "sha256")
    assert wrapping_key(secret, hkdf, material) == hmac.digest(extracted, shared + b"\x01", "sha256")


def name(*parts: bytes) -> bytes:
    return der.sequence(*(der.set_of([der.sequence(der.oid(oids.encoded("2.5.4.3")), part)]) for part in parts))


def test_names_are_compared_as_people_read_them():
    """String types, case and runs of blanks make no difference; order and other values do."""
    utf8, printable = name(b"\x0c\x07Ex  amp"), name(b"\x13\x08 eX amp ")
    bmp = name(der.element(0x1E, "Ex amp".encode("utf-16-be")))
    assert normalised(utf8) == normalised(printable) == normalised(bmp)
    assert normalised(name(b"\x0c\x01a", b"\x0c\x01b")) != normalised(name(b"\x0c\x01b", b"\x0c\x01a"))
    assert normalised(name(b"\x03\x02\x00A")) == name(b"\x03\x02\x00A")


@given(st.binary(max_size=80))
def test_a_name_that_is_none_is_itself(value: bytes):
    """And never an exception."""
    for data in (value, der.sequence(value), name(value)):
        assert normalised(normalised(data)) == normalised(data)


@pytest.mark.parametrize("kind", [oids.DATA, oids.COMPRESSED_DATA, oids.encoded("1.2.840.113549.1.7.5")])
def test_other_kinds_of_cms_are_named_and_left(kind: bytes):
    """Plain, compressed and digested data."""
    assert read(der.sequence(der.oid(kind), der.explicit(0, der.octet_string(b"x")))) == OtherContent(kind)


@pytest.mark.parametrize("junk", [b"", b"\x30", b"junk", b"\x30\x00", der.sequence(der.oid(oids.SIGNED_DATA))])
def test_what_is_no_cms_is_malformed(junk: bytes):
    """A fault, not an exception."""
    found = read(junk)
    assert isinstance(found, Fault)
    assert found.kind == "malformed"
