# SPDX-License-Identifier: Apache-2.0
"""What is told of a mail that was not read whole, or not opened: the limit by its name, and that it is encrypted."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from cms_people import NOW, authority, person, ring
from gatepost.config.limits import MessageLimits
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.enveloped.addressee import addressee
from gatepost.encryption.cms.enveloped.ciphers import AES256_CBC, AES256_GCM
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.cms.signed.write import sign as sign_cms
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime.frame import content_of
from gatepost.encryption.smime.opening import open_mail
from gatepost.encryption.smime.path_trust import PathTrust
from gatepost.encryption.smime.policy import ReadPolicy
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.seven_bit import base64_lines
from gatepost.encryption.smime.verify import Asked, Report, report
from gatepost.encryption.smime.writing import EncryptAs, SignAs, encrypt, seal, sign, wrap
from gatepost.message.parse import parse

HEADER = b"From: anna@example.org\r\nTo: bob@example.org\r\nSubject: Plan\r\n"
MAIL = HEADER + b"Content-Type: text/plain\r\n\r\nAll is well.\r\n"
CERTIFIER = Certificate(authority()[1].public_bytes(Encoding.DER))
ANNA, BOB = person("p256", "anna"), person("p256")
SIGNER = Signer(ANNA.private, ANNA.certificate, default_scheme(ANNA.certificate))
TO = (addressee(BOB.certificate),)
CC = b"Cc: " + b",\r\n ".join(b"person%d@example.com" % number for number in range(5_001)) + b"\r\n"
LONG = b"".join(b"X-Long-%d: %s\r\n" % (number, b"x" * 900) for number in range(1_200))


def judged(raw: bytes, keys=None, policy: ReadPolicy | None = None) -> Report:
    return report(read(raw, keys, policy or ReadPolicy()), Asked(PathTrust(Validator((CERTIFIER,))), NOW))


@pytest.mark.parametrize(
    ("more", "limit"),
    [(CC, "addresses"), (b"X: y\r\n" * 10_001, "headers"), (LONG, "header_bytes"), (b"To: " + b"(" * 40 + b"\r\n", "comment_depth")],
)
@pytest.mark.parametrize("form", ["multipart", "opaque"])
def test_a_limit_is_named(form, more, limit):
    """The mail may be signed; nobody looked, and the reason says why."""
    written = sign(MAIL, (SIGNER,), NOW, SignAs(form))
    assert isinstance(written, bytes)
    found = judged(more + written)
    assert (found.verdict, found.findings) == ("unverifiable", ("limit-exceeded",))
    assert found.reason == f"the mail exceeds the limit message.{limit}, so it was not read whole"


@pytest.mark.parametrize(("more", "verdict"), [(CC, "unsigned"), (LONG, "unverifiable")])
def test_a_mail_whose_type_is_known_is_unsigned(more, verdict):
    """Many addresses do not hide that a text is nobody's; a header that was not read whole may."""
    assert judged(more + MAIL).verdict == verdict


def test_a_limit_inside_is_named():
    """A signed content with more structure than is read breaks the mail, with the limit as its reason."""
    few = ReadPolicy(message=MessageLimits(parts=10))
    parts = b"".join(b"--b\r\n\r\nx\r\n" for _ in range(20)) + b"--b--\r\n"
    inner = sign(HEADER + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + parts, (SIGNER,), NOW)
    assert isinstance(inner, bytes)
    found = judged(encrypt(inner, TO, EncryptAs(AES256_GCM)), ring(BOB), few)
    assert (found.verdict, found.findings) == ("unverifiable", ("limit-exceeded",))
    head = b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    opaque = HEADER + head + base64_lines(sign_cms(content_of(parse(inner)), (SIGNER,), NOW))
    assert judged(opaque).verdict == "valid_bound"
    found = judged(opaque, policy=few)
    assert (found.verdict, found.findings) == ("broken", ("limit-exceeded",))
    assert found.reason == "the mail exceeds the limit message.parts, so it was not read whole"


def test_too_many_layers_are_named():
    """With how many there may be."""
    raw = MAIL
    for _ in range(3):
        raw = encrypt(raw, TO, EncryptAs(AES256_GCM))
    found = judged(raw, ring(BOB), ReadPolicy(layers=2))
    assert (found.verdict, found.findings) == ("unverifiable", ("too-many-layers",))
    assert found.reason == "the mail has more than 2 signatures and encryptions inside each other, so it was not read whole"


def test_an_encrypted_mail_beyond_a_limit_stays_closed():
    """It is not called a mail that is not encrypted."""
    opened = open_mail(CC + encrypt(MAIL, TO), ring(BOB))
    assert (opened.release, opened.mail, opened.findings) == ("closed", None, ("limit-exceeded",))
    assert "message.addresses" in opened.reason
    assert open_mail(CC + sign(MAIL, (SIGNER,), NOW), ring(BOB)).release == "plain"
    assert open_mail(CC + MAIL, ring(BOB)).release == "plain"


def test_decrypted_content_beyond_a_limit_is_held_for_that():
    """Nobody vouches for it, and what was not read cannot be made harmless."""
    parts = b"".join(b"--b\r\n\r\nx\r\n" for _ in range(20)) + b"--b--\r\n"
    raw = encrypt(HEADER + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + parts, TO, EncryptAs(AES256_CBC))
    opened = open_mail(raw, ring(BOB), how=ReadPolicy(message=MessageLimits(parts=10)))
    assert (opened.release, opened.findings) == ("held", ("unauthenticated", "limit-exceeded"))
    assert opened.reason == "the decrypted content exceeds the limit message.parts"


def test_an_encrypted_mail_is_told_as_such():
    """Who verifies it without a key learns that it is encrypted, and not that nobody signed it."""
    sealed = seal(MAIL, (SIGNER,), NOW, TO)
    found = judged(sealed)
    assert (found.verdict, found.reason) == (
        "unsigned",
        "the mail is encrypted and stays closed (no key was given), so nobody can say whether it is signed inside",
    )
    assert "encrypted and stays closed" in judged(sealed, ring(ANNA)).reason
    assert judged(sealed, ring(BOB)).verdict == "valid_bound"
    assert judged(encrypt(MAIL, TO), ring(BOB)).reason == "nothing in this mail is signed as a whole"
    assert judged(MAIL).reason == "nothing in this mail is signed as a whole"
    wrapped = wrap(MAIL, (SIGNER,), NOW, TO)
    assert judged(wrapped, ring(BOB)).verdict == "valid_bound"
