# SPDX-License-Identifier: Apache-2.0
"""PKCS#12 files: each key in one is found, with every certificate of it."""

import warnings

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from hypothesis import given, settings
from hypothesis import strategies as st

from cms_people import authority, certify, person
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.pkcs12 import KeyFile, read_key_file
from key_files import PASSWORD, key_file

ANNA, BOB, CAROL = person("p256", "anna"), person("rsa", "bob"), person("x25519", "carol")
ROOT = Certificate(authority()[1].public_bytes(Encoding.DER))


def opened(data: bytes, password: str = PASSWORD) -> KeyFile:
    found = read_key_file(data, password)
    assert isinstance(found, KeyFile), found
    return found


@pytest.mark.parametrize("shrouded", [True, False])
def test_every_key_is_found(shrouded):
    """In the order in which they stand, whatever the order of the certificates."""
    people = (ANNA, BOB, CAROL)
    data = key_file([one.secret for one in people], [one.certificate.encoded for one in reversed(people)], shrouded=shrouded)
    found = opened(data)
    assert [(key.kind, certificate) for key, certificate in found.pairs] == [(one.private.kind, one.certificate) for one in people]
    assert found.others == ()


def test_a_key_has_all_its_certificates():
    """A renewed one and the one before name the same key by other numbers; mail to either is opened."""
    renewed = certify(ANNA.secret.public_key(), "anna", serial=4711)
    found = opened(key_file([ANNA.secret], [ROOT.encoded, ANNA.certificate.encoded, renewed.encoded]))
    assert [certificate for _, certificate in found.pairs] == [ANNA.certificate, renewed]
    assert found.others == (ROOT,)


def test_the_librarys_own_files_are_read():
    """What one key's usual file holds, with and without a chain."""
    for one in (ANNA, BOB):
        leaf = x509.load_der_x509_certificate(one.certificate.encoded)
        data = pkcs12.serialize_key_and_certificates(b"x", one.secret, leaf, [authority()[1]], BestAvailableEncryption(PASSWORD.encode()))
        found = opened(data)
        assert [certificate for _, certificate in found.pairs] == [one.certificate]
        assert found.others == (ROOT,)


def test_a_key_that_is_not_used_for_mail_is_left_out():
    """Where another one is; alone, it is the fault."""
    other = ed448.Ed448PrivateKey.generate()
    found = opened(key_file([other, ANNA.secret], [ANNA.certificate.encoded]))
    assert [certificate for _, certificate in found.pairs] == [ANNA.certificate]
    alone = read_key_file(key_file([other], [ANNA.certificate.encoded]), PASSWORD)
    assert isinstance(alone, Fault)
    assert "no key that is used for mail" in alone.reason


def test_a_curve_that_is_not_used_is_named():
    """Mail under such a key would be read by nobody."""
    secret = ec.generate_private_key(ec.SECP256K1())
    found = read_key_file(key_file([secret], [certify(secret.public_key(), "eve").encoded]), PASSWORD)
    assert isinstance(found, Fault)
    assert "curve secp256k1 is not used" in found.reason


@pytest.mark.parametrize(
    ("data", "password", "words"),
    [
        (key_file([ANNA.secret], [ANNA.certificate.encoded]), "another", "this password"),
        (key_file([ANNA.secret], [ANNA.certificate.encoded]), "", "this password"),
        (key_file([ANNA.secret], [ANNA.certificate.encoded]), "open\0sesame", "this password"),
        (key_file([ANNA.secret], [ANNA.certificate.encoded]), "open \udcff", "this password"),
        (key_file([ANNA.secret], []), PASSWORD, "no certificate of its key"),
        (key_file([ANNA.secret], [BOB.certificate.encoded]), PASSWORD, "no certificate of its key"),
        (key_file([], [BOB.certificate.encoded]), PASSWORD, "no key"),
        (b"", PASSWORD, "this password"),
        (b"\x30\x80\x02\x01\x03", PASSWORD, "this password"),
    ],
)
def test_why_a_file_gives_no_key_is_said(data, password, words):
    """As a value."""
    found = read_key_file(data, password)
    assert isinstance(found, Fault)
    assert words in found.reason


WHOLE = key_file([ANNA.secret, CAROL.secret], [ANNA.certificate.encoded, CAROL.certificate.encoded], shrouded=False)


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
@settings(max_examples=300)
def test_a_damaged_file_is_a_value_too(place, change):
    """Whatever octet is another one, there is no exception and no warning."""
    damaged = bytearray(WHOLE)
    damaged[place] ^= change
    with warnings.catch_warnings(action="error"):
        read_key_file(bytes(damaged), PASSWORD)
