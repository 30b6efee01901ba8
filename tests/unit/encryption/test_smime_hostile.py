# SPDX-License-Identifier: Apache-2.0
"""Mails made to be slow, deep, odd or plain wrong: each gets an answer in time, and none is called valid."""

import time

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from cms_people import NOW, authority, person, ring
from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.enveloped.addressee import addressee
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.cms.signed.write import sign as sign_cms
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime.opening import open_mail
from gatepost.encryption.smime.path_trust import PathTrust
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.removal import without_signatures
from gatepost.encryption.smime.seven_bit import base64_lines
from gatepost.encryption.smime.verify import GOOD, Asked, report
from gatepost.encryption.smime.writing import CLEAR, SignAs, encrypt, seal, sign
from gatepost.message.parse import parse

MAIL = b"From: anna@example.org\r\nSubject: Plan\r\nContent-Type: text/plain\r\n\r\nAll is well.\r\n"
ANNA = person("p256", "anna")
SIGNER = Signer(ANNA.private, ANNA.certificate, default_scheme(ANNA.certificate))
TRUST = PathTrust(Validator((Certificate(authority()[1].public_bytes(Encoding.DER)),)))
KEYS = ring(ANNA)
TO = (addressee(ANNA.certificate),)


def everything(raw: bytes):
    """Do all that can be done with a mail."""
    found = report(read(raw, KEYS), Asked(TRUST, NOW))
    open_mail(raw, KEYS)
    without_signatures(raw)
    sign(raw, (SIGNER,), NOW)
    encrypt(raw, TO)
    return found


SAMPLES = [
    sign(MAIL, (SIGNER,), NOW),
    sign(MAIL, (SIGNER,), NOW, SignAs("opaque")),
    seal(MAIL, (SIGNER,), NOW, TO, sign_as=CLEAR),
    encrypt(MAIL, TO),
]


@settings(max_examples=150)
@given(st.data())
def test_any_damage_gets_an_answer(data):
    """Octets changed, cut out, doubled: never an exception, and never a valid signature over another content."""
    raw = bytearray(data.draw(st.sampled_from(SAMPLES)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        kind = data.draw(st.integers(0, 2))
        if kind == 0:
            raw[place] = data.draw(st.integers(0, 255))
        elif kind == 1:
            del raw[place : place + data.draw(st.integers(1, 60))]
        else:
            raw[place:place] = raw[place : place + data.draw(st.integers(1, 60))]
        raw = raw or bytearray(b"x")
    found = everything(bytes(raw))
    if found.verdict in GOOD:
        assert read(bytes(raw), KEYS).content == read(bytes(SAMPLES[0]), KEYS).content


@settings(max_examples=100)
@given(st.binary(max_size=300))
def test_any_octets_get_an_answer(raw):
    """Also those that are no mail at all."""
    assert everything(raw).verdict == "unsigned"


def _deep(kind: bytes, levels: int) -> bytes:
    head = b"".join(
        b'Content-Type: multipart/%s; protocol="application/pkcs7-signature"; boundary="b%d"\r\n\r\n--b%d\r\n' % (kind, n, n)
        for n in range(levels)
    )
    return b"From: anna@example.org\r\n" + head + b"\r\nx\r\n"


HOSTILE = {
    "nested clear signatures": _deep(b"signed", 5000),
    "nested parts": _deep(b"mixed", 5000),
    "many parts": b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary="b"\r\n\r\n'
    + b"--b\r\n\r\nx\r\n" * 200_000,
    "many addresses": b"From: " + b"a@b.example," * 100_000 + b"\r\nContent-Type: multipart/signed\r\n\r\n",
    "one long line": b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"MIAG" * 2_000_000,
    "eight-bit parts": b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\n\xff\r\n" * 5000,
    "a name of signs": b"From: " + b"@ " * 200_000 + b"<anna@example.org>\r\n\r\nx",
    "marks": b"Content-Type: text/plain" + b'; hp="clear"' * 20 + b"\r\n\r\nx",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_mail_is_slow(name):
    """Each hostile mail is answered by every operation; together they take seconds at the most."""
    begun = time.process_time()
    assert everything(HOSTILE[name]).verdict not in GOOD
    assert time.process_time() - begun < 4.0


def test_layers_of_layers_stay_in_proportion():
    """A mail of many opaque signatures costs a few readings of itself, not one for each layer that somebody wrote."""
    raw = MAIL
    for _ in range(12):
        raw = b"From: anna@example.org\r\n" + _wrapped(raw)
    begun = time.process_time()
    assert everything(raw).verdict == "broken"
    assert time.process_time() - begun < 2.0


def _wrapped(raw: bytes) -> bytes:
    head = b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head + base64_lines(sign_cms(raw, (SIGNER,), NOW))


def test_a_boundary_is_never_guessed():
    """Two signatures over one mail have different boundaries, of which nobody knows any before."""
    boundaries = {parse(sign(MAIL, (SIGNER,), NOW)).root.content_type.boundary for _ in range(20)}
    assert len(boundaries) == 20


def test_content_in_pieces_of_another_kind_is_a_broken_mail():
    """A signed object without signers whose content is made of something else than octets is refused, and raises nothing."""
    pieces = der.element(0x24, der.integer(1))
    inside = der.sequence(der.integer(1), der.set_of(()), der.sequence(der.oid(oids.DATA), der.explicit(0, pieces)), der.set_of(()))
    cms = der.sequence(der.oid(oids.SIGNED_DATA), der.explicit(0, inside))
    head = b"From: anna@example.org\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    assert everything(head + base64_lines(cms)).verdict == "broken"
