# SPDX-License-Identifier: Apache-2.0
"""Lines of a header that are no field: nothing is signed or encrypted below them, nothing there counts as signed, and none is lost."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from cms_people import NOW, authority, person, ring
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.enveloped.addressee import addressee
from gatepost.encryption.cms.enveloped.ciphers import AES256_CBC, AES256_GCM, Cipher
from gatepost.encryption.cms.enveloped.encrypt import encrypt as encrypt_cms
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime.opening import Opened, open_mail
from gatepost.encryption.smime.path_trust import PathTrust
from gatepost.encryption.smime.policy import RELEASE, ReleasePolicy
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.removal import without_signatures
from gatepost.encryption.smime.seven_bit import base64_lines
from gatepost.encryption.smime.verify import Asked, Report, report
from gatepost.encryption.smime.writing import EncryptAs, SignAs, encrypt, seal, sign, wrap
from gatepost.message.decode import decoded
from gatepost.message.parse import parse

FIELDS = b"From: anna@example.org\r\nTo: bob@example.org\r\nSubject: Plan\r\n"
MAIL = FIELDS + b"Content-Type: text/plain\r\n\r\nAll is well.\r\n"
ANNA = person("p256", "anna")
SIGNERS = (Signer(ANNA.private, ANNA.certificate, default_scheme(ANNA.certificate)),)
TO = (addressee(ANNA.certificate),)
TRUST = PathTrust(Validator((Certificate(authority()[1].public_bytes(Encoding.DER)),)))
PROTECTED = EncryptAs(AES256_GCM, header_protection=True, legacy_display=True)
GCM = EncryptAs(AES256_GCM)
WAYS = {
    "signed": lambda raw: sign(raw, SIGNERS, NOW),
    "signed opaque, its header too": lambda raw: sign(raw, SIGNERS, NOW, SignAs("opaque", header_protection=True)),
    "encrypted": lambda raw: encrypt(raw, TO),
    "encrypted, its header too": lambda raw: encrypt(raw, TO, PROTECTED),
    "sealed": lambda raw: seal(raw, SIGNERS, NOW, TO),
    "sealed, its header too": lambda raw: seal(raw, SIGNERS, NOW, TO, encrypt_as=PROTECTED),
    "wrapped": lambda raw: wrap(raw, SIGNERS, NOW, TO),
}
STRAY = {
    "octets before all": (b"0\x82garbage\nW: x\r\n\r\nbody", 1),
    "a body without an empty line": (b"W: x\nbody\r\n", 2),
    "a continuation of nothing": (b" lead\r\n" + MAIL, 1),
    "a line among fields": (b"A: b\r\n c\r\nno field\r\n folded\r\n" + MAIL, 3),
    "a line of blanks before all": (b" \r\n" + MAIL, 1),
    "an mbox line": (b"From anna@example.org Thu Nov 26 10:00:00 2026\r\n" + MAIL, 1),
    "a name with a blank in it": (b"Sub ject: x\r\n" + MAIL, 1),
    "no field at all": (b"Dear Bob,\r\nall is well.\r\n", 1),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", STRAY)
def test_nothing_is_written_below_a_line_that_is_no_field(way, kind):
    """Nobody knows whether it was meant for the header or the body, so the mail is refused, and the line is named."""
    raw, number = STRAY[kind]
    assert WAYS[way](raw) == Fault("malformed", f"line {number} of the mail's header is no header field")


@pytest.mark.parametrize("raw", [b"\r\nbody\r\n", b"A:\r\n\r\n", b"A : b\r\n\r\nbody\r\n", b"A: b\r\n\t\r\n c\r\nB: c", b"A: b\n\nC", MAIL])
def test_what_has_none_is_signed(raw):
    """Blanks before a colon, an empty field, a header that breaks off: all of these are fields."""
    assert isinstance(sign(raw, SIGNERS, NOW), bytes)


def test_a_signed_mail_is_still_left_as_it_is():
    """Nothing of it is put together anew."""
    signed = b"no field\r\n" + sign(MAIL, SIGNERS, NOW)
    assert sign(signed, SIGNERS, NOW) == signed


def judged(raw: bytes) -> Report:
    return report(read(raw, ring(ANNA)), Asked(TRUST, NOW))


def enveloped(content: bytes, cipher: Cipher) -> bytes:
    """Encrypt what no mail of ours would hold."""
    kind = b"authEnveloped-data" if cipher.authenticated else b"enveloped-data"
    head = b"Content-Type: application/pkcs7-mime; smime-type=" + kind + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return FIELDS + head + base64_lines(encrypt_cms(content, TO, cipher))


@pytest.mark.parametrize("form", ["multipart", "opaque"])
@pytest.mark.parametrize("stray", [b"Pay me.\r\n", b" folded\r\n", b" \r\n", b"Sub ject: x\r\n", b"From now on pay me.\r\n"])
@pytest.mark.parametrize("where", ["before all", "before the type"])
def test_a_signature_below_such_a_line_is_broken(form, stray, where):
    """Some readers end the header there and show what follows as text, which nobody signed."""
    if stray[:1] == b" " and where != "before all":
        stray = b"x\r\n" + stray
    signed = sign(MAIL, SIGNERS, NOW, SignAs(form))
    assert judged(signed).verdict == "valid_bound"
    at = signed.index(b"Content-Type: ") if where == "before the type" else 0
    found = judged(signed[:at] + stray + signed[at:])
    assert (found.verdict, found.bound) == ("broken", False)
    assert "stray-line" in found.findings
    assert found.reason == "the mail is not one whole signed content (stray-line)"


def test_a_signature_in_an_encryption_below_such_a_line_is_broken_too():
    """Whoever encrypts may have written the header around another's signature."""
    signed = sign(MAIL, SIGNERS, NOW)
    inside = signed[signed.index(b"Content-Type: ") :]
    assert judged(encrypt(FIELDS + inside, TO, GCM)).verdict == "valid_bound"
    found = judged(enveloped(b"Pay me.\r\n" + inside, AES256_GCM))
    assert (found.verdict, "stray-line" in found.findings) == ("broken", True)


@pytest.mark.parametrize("line", [b"Pay me.\r\n", b" Pay me.\r\n", b"From x\r\n"])
def test_such_a_line_above_the_signature_itself_breaks_the_mail(line):
    """Readers that end the header there show the part as a text."""
    found = judged(
        sign(MAIL, SIGNERS, NOW).replace(b"Content-Type: application/pkcs7-signature", line + b"Content-Type: application/pkcs7-signature")
    )
    assert (found.verdict, found.findings) == ("broken", ("stray-line",))


def opened(raw: bytes, policy: ReleasePolicy = RELEASE) -> Opened:
    return open_mail(raw, ring(ANNA), policy)


@pytest.mark.parametrize(
    "take_off",
    [
        lambda extra: without_signatures(extra + sign(MAIL, SIGNERS, NOW)).mail,
        lambda extra: without_signatures(extra + sign(MAIL, SIGNERS, NOW, SignAs("opaque", header_protection=True))).mail,
        lambda extra: opened(extra + encrypt(MAIL, TO, GCM)).mail,
        lambda extra: opened(extra + encrypt(MAIL, TO, PROTECTED)).mail,
        lambda extra: opened(extra + encrypt(MAIL, TO, EncryptAs(AES256_CBC, header_protection=True))).mail,
        lambda extra: opened(extra + seal(MAIL, SIGNERS, NOW, TO), ReleasePolicy(signatures="removed")).mail,
    ],
)
def test_who_takes_a_layer_off_keeps_such_lines_as_a_field(take_off):
    """What is written has one header for all readers, and nothing of the old one is lost."""
    written = take_off(b" lead\r\n\xff\0odd\r\n\t\r\nX-Field: stays\r\nno field\r\n")
    mail = parse(written)
    assert not {"header-without-colon", "mbox-from-line"}.intersection(mail.defects)
    assert [field.raw for field in mail.headers.all("x-stray-lines")] == [b" lead\r\n \xff odd\r\n no field\r\n"]
    assert mail.headers.text("x-field") == "stays"
    assert b"All is well." in mail.root.body


HTML = b"Content-Type: text/html\r\n\r\n<p>All is well.</p><img src=https://evil.example/>\r\n"
PARTS = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + HTML + b"--b--\r\n"


@pytest.mark.parametrize("content", [HTML, PARTS], ids=["HTML", "HTML in parts"])
@pytest.mark.parametrize("cipher", [AES256_CBC, AES256_GCM], ids=["CBC", "GCM"])
def test_a_decrypted_content_with_such_a_line_becomes_a_text_as_it_is(content, cipher):
    """It has no header that could stand in a mail: all of it is shown, and nothing of it is active."""
    written = opened(enveloped(b"no field\r\n" + content, cipher)).mail
    assert written == FIELDS + b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nno field\r\n" + content


def test_a_part_with_such_a_line_keeps_it_when_it_becomes_a_text():
    """In the header of the part that is written for it."""
    content = PARTS.replace(HTML, b"no field\r\n" + HTML)
    written = parse(opened(enveloped(content, AES256_CBC)).mail)
    [leaf] = written.leaves()
    assert (leaf.content_type.full, leaf.headers.text("x-stray-lines")) == ("text/plain", "no field")
    assert b"evil" not in decoded(leaf).data and b"All is well." in decoded(leaf).data


LINES = st.sampled_from([b"A: b", b" c", b"\t", b"no field", b"From x", b"\xe4: b", b"Content-Type: text/plain", b": d", b"e :"])


@settings(max_examples=300)
@given(st.lists(LINES, max_size=8), st.sampled_from([b"\r\n", b"\n"]), st.sampled_from([b"", b"\r\n\r\nbody\r\n"]))
def test_no_line_of_a_header_is_ever_lost(lines, end, rest):
    """It is refused, or stands in what is written."""
    raw = end.join(lines) + (rest if lines else b"\r\nbody\r\n")
    written = sign(raw, SIGNERS, NOW)
    if isinstance(written, Fault):
        assert written.reason.endswith("is no header field")
    else:
        assert [line for line in lines if line.strip() and line not in written] == []
    mail = b"X-First: 1\r\n" + b"\r\n".join(line for line in lines if line[:7] != b"Content") + b"\r\n"
    plain = without_signatures(mail.replace(b"\r\n\r\n", b"\r\n") + sign(MAIL, SIGNERS, NOW)).mail
    assert [line for line in lines if line.strip() and line[:7] != b"Content" and line not in plain] == []
