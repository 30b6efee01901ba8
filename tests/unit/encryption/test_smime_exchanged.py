# SPDX-License-Identifier: Apache-2.0
"""Nobody exchanges what others see: the sender inside an encryption, controls in a header, parts between odd lines, harmless repeats."""

import base64
import re

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from cms_people import NOW, authority, person, ring
from gatepost.encryption.cms import oids
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.enveloped.addressee import addressee
from gatepost.encryption.cms.enveloped.ciphers import AES256_CBC, AES256_GCM
from gatepost.encryption.cms.enveloped.encrypt import encrypt as encrypt_cms
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.limits import Limits
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.cms.signed.write import sign as sign_cms
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime import writing
from gatepost.encryption.smime.opening import open_mail
from gatepost.encryption.smime.path_trust import PathTrust
from gatepost.encryption.smime.policy import ReadPolicy, ReleasePolicy
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.seven_bit import base64_lines
from gatepost.encryption.smime.verify import Asked, Report, report
from gatepost.encryption.smime.writing import EncryptAs, SignAs, encrypt, sign
from gatepost.message.decode import decoded
from gatepost.message.parse import parse

CERTIFIER = Certificate(authority()[1].public_bytes(Encoding.DER))
ANNA, BOB = person("p256", "anna"), person("p256")
SIGNER = Signer(ANNA.private, ANNA.certificate, default_scheme(ANNA.certificate))
TO = (addressee(BOB.certificate),)
REMOVED = ReleasePolicy(signatures="removed")
OUTER = b"From: Evil <evil@bad.example>\r\nTo: bob@example.org\r\nSubject: [...]\r\n"
BOSS = b"From: Boss <boss@corp.example>\r\nSubject: Pay\r\n"
IMG = b'<img src="http://evil.example/x">'


def enveloped(outer: bytes, content: bytes, cipher=AES256_GCM) -> bytes:
    kind = b"authEnveloped-data" if cipher.authenticated else b"enveloped-data"
    head = b"Content-Type: application/pkcs7-mime; smime-type=" + kind + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return outer + head + base64_lines(encrypt_cms(content, TO, cipher, content_type=oids.DATA))


def judged(raw: bytes, keys=None) -> Report:
    return report(read(raw, keys), Asked(PathTrust(Validator((CERTIFIER,))), NOW))


@pytest.mark.parametrize(
    "content",
    [
        b'Content-Type: text/plain; hp="cipher"\r\n' + BOSS + b"\r\nx\r\n",
        b'Content-Type: text/plain; hp="clear"\r\n' + BOSS + b"\r\nx\r\n",
        b'Content-Type: text/plain; protected-headers="v1"\r\n' + BOSS + b"\r\nx\r\n",
        b"Content-Type: message/rfc822; forwarded=no\r\n\r\n" + BOSS + b"\r\nx\r\n",
    ],
)
def test_a_protected_sender_is_never_exchanged_for_the_outer_one(content):
    """GCM to a public key says nothing of who wrote it: the From that others checked stays, and the difference is told."""
    raw = enveloped(OUTER, content)
    found = open_mail(raw, ring(BOB))
    mail = parse(found.mail)
    assert (found.release, found.findings) == ("authenticated", ("from-differs",))
    assert [field.text for field in mail.headers.all("from")] == ["Evil <evil@bad.example>"]
    assert (mail.headers.text("subject"), "x-outer-from" in mail.headers) == ("Pay", False)
    assert "from-differs" in judged(raw, ring(BOB)).findings


@pytest.mark.parametrize("policy", [REMOVED, ReleasePolicy()])
@pytest.mark.parametrize("cipher", [AES256_CBC, AES256_GCM])
def test_a_signature_by_somebody_else_exchanges_no_sender(cipher, policy):
    """An intact signature is anybody's; whether it is the sender's is not known when a mail is opened."""
    inside = sign(BOSS + b"Content-Type: text/plain\r\n\r\nx\r\n", (SIGNER,), NOW, SignAs(header_protection=True))
    content = inside[inside.index(b"Content-Type: multipart/signed") :]
    found = open_mail(enveloped(OUTER, content, cipher), ring(BOB), policy)
    assert "from-differs" in found.findings
    assert parse(found.mail).headers.text("from") == "Evil <evil@bad.example>"


def test_the_same_address_takes_the_name_from_inside():
    """A policy that hides names outside loses nobody's name."""
    outer = OUTER.replace(b"Evil <evil@bad.example>", b"boss@CORP.example")
    found = open_mail(enveloped(outer, b"Content-Type: text/plain; hp=cipher\r\n" + BOSS + b"\r\nx"), ring(BOB))
    assert (found.findings, parse(found.mail).headers.text("from")) == ((), "Boss <boss@corp.example>")


def test_half_an_address_inside_is_not_shown():
    """What is not read here as an address may be one for others."""
    content = b"Content-Type: text/plain; hp=cipher\r\nFrom: evil@bad.example, Boss <boss@corp\r\n\r\nx"
    found = open_mail(enveloped(OUTER, content), ring(BOB))
    assert (found.findings, parse(found.mail).headers.text("from")) == (("from-differs",), "Evil <evil@bad.example>")


@pytest.mark.parametrize(
    ("outer", "inner", "shown", "finding"),
    [
        (b"", b"mallory@bad.example", "", True),
        (b"Reply-To: desk@corp.example\r\n", b"mallory@bad.example", "desk@corp.example", True),
        (b"Reply-To: desk@corp.example\r\n", b"Desk <desk@corp.example>", "Desk <desk@corp.example>", False),
        (b"", b"boss@corp.example, Mallory <mallory", "", True),
        (b"", b"Me <boss@corp.example>", "Me <boss@corp.example>", False),
    ],
)
def test_answers_are_led_nowhere_else_by_an_unsigned_field(outer, inner, shown, finding):
    """Reply-To inside counts where nobody signed it only as far as it leads where the outer header does."""
    content = b"Content-Type: text/plain; hp=cipher\r\n" + BOSS + b"Reply-To: " + inner + b"\r\n\r\nx"
    found = open_mail(enveloped(b"From: boss@corp.example\r\n" + outer, content), ring(BOB))
    assert (parse(found.mail).headers.text("reply-to"), "answers-elsewhere" in found.findings) == (shown, finding)


@pytest.mark.parametrize("field", [b"Subject: a\rFrom: x@y.example", b"Subject: a\0b"])
@pytest.mark.parametrize("place", ["protected", "content"])
def test_controls_do_not_leave_in_a_header(field, place):
    """A CR alone or a NUL inside would be another header for some readers: blanks stand in their place, and it is told."""
    kind = b"Content-Type: text/plain; hp=cipher\r\n" if place == "protected" else b"Content-Type: text/plain\r\nContent-"
    found = open_mail(enveloped(b"From: a@b.example\r\n", kind + field + b"\r\n\r\nx"), ring(BOB))
    head = found.mail[: found.mail.index(b"\r\n\r\n")]
    assert re.search(rb"\r(?!\n)|(?<!\r)\n|\0", head) is None
    assert (found.findings, head.count(b"Subject: a ")) == (("garbled-header",), 1)


def part(kind: bytes, body: bytes, encoding: bytes = b"8bit") -> bytes:
    inner = b"Content-Type: " + kind + b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" + body
    return b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nText.\r\n--b\r\n' + inner + b"\r\n--b--\r\n"


@pytest.mark.parametrize(
    "content",
    [
        'Content-Type: text/plain\r\nContent-Disposition: attachment; filename="Grüße.txt"\r\n\r\nx'.encode(),
        part('application/pdf; name="Grüße.pdf"'.encode(), b"%PDF"),
        part('application/pdf; name="Grüße.pdf"'.encode("latin-1"), b"%PDF"),
        part(b"message/rfc822", "Subject: Grüße\r\n\r\nx".encode()),
    ],
)
def test_names_in_other_letters_are_not_held(content):
    """UTF-8 stands raw in headers (RFC 6532 §3.2), and a file's name in latin1 below the root harms nobody."""
    found = open_mail(enveloped(b"From: a@b.example\r\n", content, AES256_CBC), ring(BOB))
    assert (found.release, "garbled-header" in found.findings) == ("neutralised", False)
    assert content in found.mail


def test_our_own_mail_in_other_letters_is_opened():
    """What is written with protected fields under CBC is read again."""
    written = encrypt("From: Änna <a@b.example>\r\nSubject: Grüße\r\n\r\nx\r\n".encode(), TO, EncryptAs(AES256_CBC, True))
    found = open_mail(written, ring(BOB))
    assert (found.release, parse(found.mail).headers.decoded("subject")) == ("neutralised", "Grüße")


@pytest.mark.parametrize(
    "content",
    [
        b"Content-Type: text/plain; name=\xff\xfe.txt\r\n\r\nx",
        b"Content-Type: text/plain\r\nX-A: \x01\r\n\r\nx",
        b"Content-Type: text/plain\r\nX-A: \r\r\n\r\nx",
        part(b"text/plain; name=\x02", b"x"),
    ],
)
def test_a_header_that_was_tampered_with_is_held(content):
    """Random octets are hardly ever well-formed, and mostly hold a control."""
    found = open_mail(enveloped(b"From: a@b.example\r\n", content, AES256_CBC), ring(BOB))
    assert (found.release, "garbled-header" in found.findings) == ("held", True)


@pytest.mark.parametrize(
    "content",
    [
        part(b"message/partial; id=x; number=1; total=1", b"Content-Type: text/html\r\n\r\n" + IMG),
        part(b"message/x-foo", b"Content-Type: text/html\r\n\r\n" + IMG),
        part(b"message/feedback-report", IMG),
        part(b"message/delivery-status", IMG),
        part(b"text/plain, text/html", IMG),
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nText.\r--b\rContent-Type: text/html\r\r' + IMG + b"\r--b--\r\n",
    ],
)
def test_nothing_that_some_reader_shows_is_left(content):
    """Messages that nobody looks into, a type of two, and parts behind a CR alone become plain text."""
    found = open_mail(enveloped(b"From: a@b.example\r\n", content, AES256_CBC), ring(BOB))
    assert (found.release, "neutralised" in found.findings) == ("neutralised", True)
    assert IMG not in found.mail


CALENDAR = (
    b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Plan\r\n%sDTSTART:20261126T020000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        b"X-ALT-DESC;FMTTYPE=text/html:" + IMG + b"\r\n",
        b"x-alt-desc;fmttype=text/html:<p>\r\n " + IMG + b"\r\n\t</p>\r\n",
        b"X-A\r\n LT-DESC;FMTTYPE=text/html:" + IMG + b"\r\n",
        b'DESCRIPTION;FMTTYPE="text/html":' + IMG + b"\r\n",
        b"X-ALT-DESC:" + IMG + b"\n",
    ],
)
@pytest.mark.parametrize("encoding", [b"8bit", b"base64"])
def test_a_calendar_loses_its_markup_alone(line, encoding):
    """The property is taken out, all others and the part's fields stay."""
    body = CALENDAR % line
    wire = base64.encodebytes(body).replace(b"\n", b"\r\n") if encoding == b"base64" else body
    found = open_mail(enveloped(b"From: a@b.example\r\n", part(b"text/calendar; method=REQUEST", wire, encoding), AES256_CBC), ring(BOB))
    entity = parse(found.mail).root.children[1]
    assert (entity.content_type.full, entity.content_type.parameters) == ("text/calendar", {"method": "REQUEST"})
    assert decoded(entity).data.strip() == (CALENDAR % b"").strip()
    assert "neutralised" in found.findings


def signed() -> tuple[bytes, bytes]:
    raw = sign(b"From: anna@example.org\r\nContent-Type: text/plain\r\n\r\nAll is well.\r\n", (SIGNER,), NOW)
    assert isinstance(raw, bytes)
    return raw, b"--" + parse(raw).root.content_type.boundary


@pytest.mark.parametrize("place", ["before", "beside", "behind"])
def test_a_boundary_behind_a_bare_cr_breaks_the_mail(place):
    """Some readers end a line with a CR alone, and see a part there."""
    raw, line = signed()
    hidden = b"x\r" + line + b"\r\nContent-Type: text/html\r\n\r\n" + IMG + b"\r\n"
    if place == "before":
        raw = raw.replace(b"\r\n\r\n" + line, b"\r\n\r\n" + hidden + line, 1)
    elif place == "beside":
        raw = raw.replace(b"\r\n" + line + b"--", b"\r\n" + hidden + line + b"--")
    else:
        raw += hidden
    found = judged(raw)
    assert (found.verdict, "outside-signature" in found.findings) == ("broken", True)


def retyped(parameters: bytes, *fields: bytes) -> bytes:
    raw, line = signed()
    head = b"Content-Type: multipart/signed" + parameters.replace(b"%b", line[2:]) + b"\r\n" + b"".join(fields)
    return re.sub(rb"Content-Type: multipart/signed;[^\n]*\n[^\n]*\n", lambda _: head, raw, count=1)


PROTOCOL = b'; protocol="application/pkcs7-signature"'


@pytest.mark.parametrize(
    "parameters",
    [
        b" (; boundary=evil;)" + PROTOCOL + b'; boundary="%b"',
        PROTOCOL + b' (a (b) ; x) ; boundary="%b"',
        PROTOCOL + b'; boundary="%b" (boundary=x)',
        PROTOCOL + b'; boundary="%b"; x=(")=(") y',
    ],
)
def test_a_comment_that_reads_as_a_parameter_breaks_the_mail(parameters):
    """Many programs know no comments there."""
    found = judged(retyped(parameters))
    assert (found.verdict, "ambiguous-type" in found.findings) == ("broken", True)


@pytest.mark.parametrize(
    ("parameters", "fields"),
    [
        (b"; micalg=sha-256; micalg=sha-256", ()),
        (b"; micalg=sha-256; micalg=sha256", ()),
        (PROTOCOL, ()),
        (b'; protocol=application/pkcs7-signature; micalg="sha-256"', ()),
        (b"; micalg=2.16.840.1.101.3.4.2.1", ()),
        (b"", ()),
        (b"", (b"Content-Transfer-Encoding: 7bit\r\n", b"Content-Transfer-Encoding:  7BIT\r\n")),
        (b"", (b"Content-Transfer-Encoding: 7-bit\r\n",)),
    ],
)
def test_harmless_repeats_break_nothing(parameters, fields):
    """What is said twice and alike is not in doubt; micalg decides nothing, and Outlook writes a number there."""
    parameters = parameters if b"protocol=" in parameters and parameters != PROTOCOL else PROTOCOL + parameters
    found = judged(retyped(parameters + b'; boundary="%b"', *fields))
    assert (found.verdict, found.findings) == ("valid_bound", ())


@pytest.mark.parametrize(
    "fields",
    [
        (b"Content-Transfer-Encoding: 7bit\r\n", b"Content-Transfer-Encoding: base64\r\n"),
        (b"Content-Type: text/html\r\n",),
    ],
)
def test_what_differs_is_still_in_doubt(fields):
    """Two values are two ways to read the mail."""
    assert judged(retyped(PROTOCOL + b'; boundary="%b"', *fields)).verdict == "broken"


@pytest.mark.parametrize(
    "head",
    [
        b'Content-Type: text/plain; hp="x"; hp="clear"\r\n',
        b'Content-Type: text/plain; hp="clear"; hp="cipher"\r\n',
        b'Content-Type: text/plain\r\nContent-Type: text/plain; hp="clear"\r\n',
    ],
)
def test_a_mark_of_protected_fields_in_doubt_breaks_the_mail(head):
    """Some readers would show the From inside, some the one outside."""
    around = b"From: anna@example.org\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    found = judged(around + base64_lines(sign_cms(head + b"From: boss@example.org\r\n\r\nx\r\n", (SIGNER,), NOW)))
    assert (found.verdict, "ambiguous-type" in found.findings) == ("broken", True)


def test_an_object_beyond_the_limit_is_told_as_that():
    """It is not broken: nobody looked; and the limit is named."""
    limits = ReadPolicy(cms=Limits(size_bytes=1_000))
    raw = sign(b"From: anna@example.org\r\n\r\n" + b"x" * 2_000, (SIGNER,), NOW, SignAs("opaque"))
    found = report(read(raw, None, limits), Asked(PathTrust(Validator((CERTIFIER,))), NOW))
    assert (found.verdict, "limit-exceeded" in found.findings) == ("unverifiable", True)
    assert "more than the 1000 that are read" in found.reason
    closed = open_mail(enveloped(OUTER, b"\r\n" + b"x" * 2_000), ring(BOB), how=limits)
    assert (closed.release, "limit-exceeded" in closed.findings) == ("closed", True)
    assert "more than the 1000 that are read" in closed.reason


def test_nothing_is_written_that_could_not_be_read(monkeypatch):
    """A content whose object would be beyond the limit is refused, in one sentence."""
    monkeypatch.setattr(writing, "MOST_BYTES", 1_000_000)
    raw = b"From: anna@example.org\r\n\r\n" + b"All is well, as ever.\r\n" * 50_000
    for written in (sign(raw, (SIGNER,), NOW, SignAs("opaque")), encrypt(raw, TO), writing.seal(raw, (SIGNER,), NOW, TO)):
        assert isinstance(written, Fault)
        assert (written.kind, "1000000" in written.reason) == ("too-large", True)
    assert isinstance(sign(raw, (SIGNER,), NOW), bytes)
