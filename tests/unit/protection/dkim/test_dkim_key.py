# SPDX-License-Identifier: Apache-2.0
"""Key records, and fetching them."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gatepost.protection.mailauth.dkim.key import fetch_key, parse_key
from signing_keys import KeyZone, ed25519_key, record_of, rsa_key

RSA, ED = record_of(rsa_key()), record_of(ed25519_key())


def test_keys_of_both_kinds_are_read():
    """Type, size and flags come from the record."""
    assert (parse_key(RSA.encode()).bits, parse_key(ED.encode()).bits) == (1024, 256)
    key = parse_key(record_of(rsa_key(), " h=sha1 : SHA256; t=y:s; s=other:email; n=a note;").encode())
    assert (key.fault, key.hashes, key.testing, key.no_subdomains) == ("", ("sha1", "sha256"), True, True)


def test_the_version_and_type_may_be_left_out():
    """k= is rsa unless given (RFC 6376 §3.6.1)."""
    assert parse_key(RSA.replace("v=DKIM1; k=rsa; ", "").encode()).fault == ""


def test_a_bare_rsa_key_is_read_too():
    """RFC 6376 §3.6.1 speaks of RSAPublicKey where all publish SubjectPublicKeyInfo."""
    der = rsa_key().public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    assert parse_key(b"p=" + base64.b64encode(der)).bits == 1024


@pytest.mark.parametrize(
    ("record", "fault"),
    [
        ("hello", "the key record is no well-formed list of tags"),
        ("v=DKIM2; " + RSA[9:], "the key record is of another version"),
        ("k=dsa; p=AAAA", "the key is of a type that is not known"),
        ("v=DKIM1", "the key record has no key"),
        ("v=DKIM1; p=", "the key is revoked"),
        ("p=AAAA", "the key cannot be read"),
        ("p=A", "the key cannot be read"),
        ("k=ed25519; p=AAAA", "the key cannot be read"),
        (RSA.replace("k=rsa", "s=tlsrpt"), "the key is not for mail"),
    ],
)
def test_each_fault_of_a_record_is_named(record: str, fault: str):
    """A record that cannot be used says why."""
    assert parse_key(record.encode()).fault == fault


@pytest.mark.parametrize(
    ("modulus_bits", "exponent", "fault"),
    [(8200, 65537, "the key has 8200 bits"), (2048, (1 << 70) + 1, "the key has an outsize exponent")],
)
def test_keys_that_cost_too_much_are_not_used(modulus_bits: int, exponent: int, fault: str):
    """Nobody makes us work by publishing an outsize key."""
    public = RSAPublicNumbers(exponent, (1 << modulus_bits) - 1).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert parse_key(b"p=" + base64.b64encode(der)).fault == fault


async def test_of_several_records_the_first_usable_one_counts():
    """Other texts at the name do no harm."""
    zone = KeyZone({"s._domainkey.example.org": ["some verification", ED, RSA]})
    assert (await fetch_key(zone, "example.org", "s")).type == "ed25519"


async def test_a_failed_lookup_may_pass_and_a_missing_key_will_not():
    """Only the first is a temporary fault."""
    zone = KeyZone({"away._domainkey.example.org": None, "long._domainkey.example.org": "p=" + "A" * 9000})
    away, none = await fetch_key(zone, "example.org", "away"), await fetch_key(zone, "example.org", "none")
    assert (away.temporary, none.temporary, none.fault) == (True, False, "there is no key")
    assert (await fetch_key(zone, "example.org", "long")).fault == "the key record is too long"


async def test_a_name_that_the_dns_cannot_hold_is_not_asked_for():
    """A selector and a domain that are too long together are a fault of the signature."""
    zone = KeyZone({})
    long = ".".join(["a" * 60] * 3)
    assert (await fetch_key(zone, long, long)).fault == "the key's name is too long"
    assert zone.asked == []
