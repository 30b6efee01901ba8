# SPDX-License-Identifier: Apache-2.0
"""A mail that was only glanced at is framed, recognised and written as one that was parsed."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cms_people import NOW, person, ring
from gatepost.config.limits import MessageLimits
from gatepost.encryption.cms.enveloped.addressee import addressee
from gatepost.encryption.cms.enveloped.ciphers import AES256_GCM
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.smime.canonical import canonical, is_paired
from gatepost.encryption.smime.form import form_of_mail, is_protection_below
from gatepost.encryption.smime.frame import content_of, framed, mail_fields
from gatepost.encryption.smime.opening import open_mail
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.writing import EncryptAs, SignAs, encrypt, sign
from gatepost.message.glance import glance
from gatepost.message.parse import parse
from shared_corpora import wire_mails

ANNA = person("p256", "anna")
SIGNER = Signer(ANNA.private, ANNA.certificate, default_scheme(ANNA.certificate))
TO = (addressee(ANNA.certificate),)
LIMITS = MessageLimits()

lines = st.sampled_from(
    [
        b"From: anna@example.org",
        b"To: b@example.org",
        b"MIME-Version: 1.0",
        b"Content-Type: text/plain",
        b"content-type: MULTIPART/mixed; boundary=b",
        b"Content-Type: Application/PKCS7-mime; smime-type=signed-data",
        b"Content-Type: application / Pkcs7-Signature",
        b"Content-Type: multipart/signed; boundary=b",
        b'Content-Type: multipart/SIGNED; boundary=b;\r\n protocol="application/pkcs7-signature"',
        b"Content-Type: application/Octet-Stream; name*0=a.p; name*1=7m",
        b"Content-Type: message/rfc822",
        b"Content-Type: multipart/digest; boundary=b",
        b"Content-Transfer-Encoding: base64",
        b"Content-X: y",
        b" folded",
        b"no field",
        b"--b",
        b"--b",
        b"--b--",
        b"",
        b"",
        b"text",
    ]
)
ends = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b""])
mails = st.lists(st.tuples(lines, ends).map(b"".join), max_size=14).map(b"".join)


def alike(raw: bytes, other: bytes = b"From: x@example.org\r\nContent-Type: text/plain\r\n\r\nHello.\r\n") -> None:
    """Compare all that is made of a mail in the short way and in the long one."""
    seen, read_whole = glance(raw), parse(raw)
    assert form_of_mail(seen) == form_of_mail(read_whole)
    assert is_protection_below(seen) == is_protection_below(read_whole)
    assert mail_fields(seen) == mail_fields(read_whole)
    assert mail_fields(seen, without=("to",)) == mail_fields(read_whole, without=("to",))
    for extra, mark in ((b"", b""), (b"X: y\r\n", b""), (b"X: y\r\n", b"; hp=clear")):
        assert content_of(seen, extra, mark) == content_of(read_whole, extra, mark)
    assert framed(glance(other), seen) == framed(parse(other), read_whole)
    assert framed(seen, glance(other)) == framed(read_whole, parse(other))


@given(mails)
@example(b"\r\nno header")
@example(b"")
def test_a_glance_is_enough(raw: bytes) -> None:
    """Made-up mails are recognised, taken apart and put together alike."""
    alike(raw)


@pytest.mark.parametrize("topic", ["smime", "mime"])
def test_a_glance_is_enough_for_real_mails(topic: str) -> None:
    """So are those of the collections."""
    for _, wire in wire_mails(topic):
        alike(wire)


@given(st.text("\r\n a", max_size=12).map(str.encode))
def test_pairs_are_seen(content: bytes) -> None:
    """A content is in pairs when no CR and no LF stands alone, and canonical when no LF does."""
    assert is_paired(content) == (re.sub(b"\r\n", b"", content).count(b"\r") == re.sub(b"\r\n", b"", content).count(b"\n") == 0)
    assert canonical(content) == re.sub(rb"(?<!\r)\n", b"\r\n", content)


def test_deep_parts_matter_only_to_who_looks_at_them() -> None:
    """A mail with more structure than is read is signed and encrypted as it is, and not where fields go into its content."""
    depth = LIMITS.depth + 1
    head = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth))
    raw = b"From: anna@example.org\r\n" + head + b"\r\ntext\r\n"
    assert parse(raw).exceeded == "depth"
    opened = open_mail(encrypt(raw, TO, EncryptAs(AES256_GCM)), ring(ANNA))
    assert opened.mail is not None and opened.mail.endswith(raw[raw.index(b"Content-Type") :])
    assert isinstance(sign(raw, (SIGNER,), NOW, SignAs("opaque")), bytes)
    assert isinstance(sign(raw, (SIGNER,), NOW, SignAs(header_protection=True)), Fault)
    assert isinstance(encrypt(raw, TO, EncryptAs(header_protection=True)), Fault)
    assert "limit-exceeded" in read(sign(raw, (SIGNER,), NOW)).findings
