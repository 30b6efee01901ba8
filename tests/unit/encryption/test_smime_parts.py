# SPDX-License-Identifier: Apache-2.0
"""The parts of a clear-signed mail: where readers may differ in where they are, nothing is shown as signed; what stands around is named."""

import re

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from cms_people import NOW, authority, person, ring
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.enveloped.addressee import addressee
from gatepost.encryption.cms.enveloped.ciphers import AES256_CBC
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime.opening import open_mail
from gatepost.encryption.smime.path_trust import PathTrust
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.verify import Asked, Report, report
from gatepost.encryption.smime.writing import EncryptAs, SignAs, encrypt, sign
from gatepost.message.decode import decoded
from gatepost.message.parse import parse

MAIL = b"From: anna@example.org\r\nTo: bob@example.org\r\nSubject: Plan\r\nContent-Type: text/plain\r\n\r\nAll is well.\r\n"
CERTIFIER = Certificate(authority()[1].public_bytes(Encoding.DER))
ANNA, BOB = person("p256", "anna"), person("p256")
SIGNER = Signer(ANNA.private, ANNA.certificate, default_scheme(ANNA.certificate))


def signed(**how) -> tuple[bytes, bytes]:
    """Give a clear-signed mail and its boundary line."""
    written = sign(MAIL, (SIGNER,), NOW, SignAs(**how))
    assert isinstance(written, bytes)
    return written, b"--" + parse(written).root.content_type.boundary


def judged(raw: bytes) -> Report:
    return report(read(raw), Asked(PathTrust(Validator((CERTIFIER,))), NOW))


def retyped(parameters: bytes, *fields: bytes) -> bytes:
    """Give a signed mail whose Content-Type has these parameters, %b for its own boundary, and further fields."""
    written, line = signed()
    head = b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg="sha-256"' + parameters.replace(b"%b", line[2:])
    changed = re.sub(rb"Content-Type: multipart/signed;[^\n]*\n[^\n]*\n", lambda _: b"".join((head, b"\r\n", *fields)), written, count=1)
    assert changed != written
    return changed


@pytest.mark.parametrize(
    "parameters",
    [
        b'; boundary="%b"; boundary="other"',
        b'; boundary="%b"; BOUNDARY="other"',
        b"; boundary=\"%b\"; boundary*=utf-8''other",
        b"; boundary=\"other\"; boundary*=utf-8''%b",
        b'; boundary="other"; boundary*0="%b"',
        b"; boundary*0*=utf-8''%b; boundary*=other",
        b'; boundary="%b" boundary="other"',
        b"; boundary=%b other",
        b'; boundary="%b"other',
        b'; boundary="\\%b"',
        b'; boundary="%b',
        b'; boundary="%b"; protocol="application/pgp-signature"',
        b"; boundary=\"%b\"; protocol*=''application/pgp-signature",
    ],
)
def test_a_boundary_that_is_named_twice_breaks_the_mail(parameters):
    """Or in a way that programs read differently: some of them would show other parts than those that were checked."""
    found = judged(retyped(parameters))
    assert found.verdict in ("broken", "unsigned")
    assert not found.bound
    assert found.verdict == "unsigned" or "ambiguous-type" in found.findings


@pytest.mark.parametrize("word", [b"base64", b"Quoted-Printable", b"x-uuencode", b'"base64" (really)', b"x-unknown"])
def test_encoded_parts_break_the_mail(word):
    """A multipart may not be encoded (RFC 2045 §6.4); programs that decode it show something else."""
    found = judged(retyped(b'; boundary="%b"', b"Content-Transfer-Encoding: " + word + b"\r\n"))
    assert (found.verdict, "ambiguous-type" in found.findings) == ("broken", True)


@pytest.mark.parametrize(
    ("parameters", "fields"),
    [
        (b'; boundary="%b"', ()),
        (b"; boundary=%b;", ()),
        (b'; boundary="%b"', (b"Content-Transfer-Encoding: 7bit\r\n",)),
        (b'; boundary="%b"', (b"Content-Transfer-Encoding: 8BIT (all of it)\r\n",)),
        (b'; boundary="%b"', (b"Content-Disposition: attachment; filename=a; filename*=utf-8''b\r\n",)),
        (b"; boundary*=utf-8''%b", ()),
        (b'; (a comment) boundary="%b" (boundary x)', ()),
        (b'; x="boundary=y"; boundary="%b"; x*0=1', ()),
        (b'; x-boundary=y; boundary="%b"', ()),
    ],
)
def test_a_type_that_is_written_otherwise_is_no_matter(parameters, fields):
    """Nothing is said twice here."""
    found = judged(retyped(parameters, *fields))
    assert (found.verdict, found.findings) == ("valid_bound", ())


@pytest.mark.parametrize("field", [b"Content-Type: text/html", b"content-transfer-encoding : 7bit"])
def test_a_signature_part_of_two_types_breaks_the_mail(field):
    """Its header is signed by nobody, and some readers show the part as what the second one says."""
    place = b"Content-Transfer-Encoding: base64\r\nContent-Disposition"
    written, _ = signed()
    assert written.count(place) == 1
    found = judged(written.replace(place, field + b"\r\n" + place))
    assert (found.verdict, "ambiguous-type" in found.findings) == ("broken", True)


FAKE = b"X\r\nContent-Type: text/html\r\n\r\n<p>Pay at once.</p>\r\n"


@pytest.mark.parametrize("where", ["preamble", "signature", "behind", "closed", "again"])
def test_a_line_that_begins_as_the_boundary_breaks_the_mail(where):
    """Some programs take it for one, and show a part that nobody signed."""
    written, line = signed()
    close = line + b"--\r\n"
    changed = {
        "preamble": written.replace(line, line + FAKE + line, 1),
        "signature": written.replace(close, line + FAKE + close),
        "behind": written + line + FAKE,
        "closed": written.replace(close, close + line + b"\r\nContent-Type: text/html\r\n\r\n<p>Pay at once.</p>\r\n" + close),
        "again": written + written[written.index(line) :],
    }[where]
    found = judged(changed)
    assert (found.verdict, "outside-signature" in found.findings) == ("broken", True)


USUAL = [
    b"This is an S/MIME signed message",
    b"This is a cryptographically signed message in MIME format.",
    b"This is a multi-part message in MIME format.",
    b"This is a multi-part message in MIME format...",
    b"This is a multipart message in MIME format",
    b"This is a MIME-encapsulated message.",
    b"This is a message in Mime Format.  If you see this, your mail reader does not support this format.",
    b"This message is in MIME format. Since your mail reader does not understand\r\nthis format, "
    b"some or all of this message may not be legible.",
    b"This is a digitally signed message in MIME format.\r\n\r\n",
    b"\r\n",
    b"",
]


@pytest.mark.parametrize("text", USUAL)
def test_what_programs_write_before_the_parts_is_nothing(text):
    """It is meant for readers without MIME, stands on most mails of some programs, and is no finding."""
    written, line = signed()
    found = judged(written.replace(line, text + b"\r\n" + line, 1))
    assert (found.verdict, found.findings) == ("valid_bound", ())


@pytest.mark.parametrize("text", [b"Pay at once.", *(one + b"\r\nPay at once." for one in USUAL), b"This is signed.", b"x" * 2_000_000])
def test_another_text_before_the_parts_is_named(text):
    """The signature holds, for nobody shows it."""
    written, line = signed()
    found = judged(written.replace(line, text + b"\r\n" + line, 1))
    assert (found.verdict, found.findings) == ("valid_bound", ("text-before-parts",))


@pytest.mark.parametrize("text", [b"-- \r\nA list's footer\r\n", b"\r\n\r\nx", b"This is an S/MIME signed message\r\n", b"x" * 2_000_000])
def test_a_text_behind_the_parts_is_named_by_another_word(text):
    """That is where scanners and lists write."""
    written, _ = signed()
    found = judged(written + text)
    assert (found.verdict, found.findings) == ("valid_bound", ("text-after-parts",))


def test_both_texts_are_named():
    """Each by its word, the usual one by none."""
    written, line = signed()
    changed = written.replace(line, b"Hello.\r\n" + line, 1) + b"Bye.\r\n"
    assert judged(changed).findings == ("text-before-parts", "text-after-parts")
    assert judged(written + b"\r\n \t\r\n").findings == ()
    assert judged(written.rstrip()).findings == ()
    assert judged(written.rstrip().removesuffix(line + b"--")).findings == ()


TWO_TYPES = b"Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\n"
IMG = b'<img src="http://evil.example/x">\r\n'
HIDDEN = b"--a\r\nContent-Type: text/plain\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n" + IMG + b"--b--\r\n--a--\r\n"


@pytest.mark.parametrize(
    "content",
    [
        TWO_TYPES + IMG,
        b"Content-Type:\r\n\r\n" + IMG,
        b"Content-Type: html\r\n\r\n" + IMG,
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64\r\n\r\nPGltZyBzcmM9eD4=\r\n",
        b"Content-Type: multipart/mixed; boundary=a; boundary=b\r\n\r\n" + HIDDEN,
        b"Content-Type: multipart/mixed; boundary=a; boundary*=''b\r\n\r\n" + HIDDEN,
        b"Content-Type: multipart/mixed; boundary=c\r\n\r\n" + HIDDEN,
        b"Content-Type: multipart/mixed\r\n\r\n" + HIDDEN,
        b"Content-Type: multipart/mixed; boundary=a\r\nContent-Transfer-Encoding: base64\r\n\r\nPGltZyBzcmM9eD4=\r\n" + HIDDEN,
        b"Content-Type: multipart/mixed; boundary=z\r\n\r\n--z\r\n" + TWO_TYPES + IMG + b"--z--\r\n",
    ],
)
def test_content_that_readers_take_differently_is_neutralised(content):
    """Under CBC the one who changed it chose what which reader sees: it is plain text for all of them."""
    written = encrypt(b"From: anna@example.org\r\n" + content, (addressee(BOB.certificate),), EncryptAs(AES256_CBC))
    opened = open_mail(written, ring(BOB))
    assert opened.release == "neutralised"
    mail = parse(opened.mail)
    leaves = [leaf for leaf in mail.leaves() if leaf.header_start or leaf is mail.root]
    assert [leaf.content_type.full for leaf in leaves] == ["text/plain"]
    assert leaves[0].headers.count("content-type") == leaves[0].headers.count("content-transfer-encoding") == 1
    assert b"<img" not in mail.raw + decoded(leaves[0]).data
