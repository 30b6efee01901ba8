# SPDX-License-Identifier: Apache-2.0
"""What is done with large mails in slices gives what is done with small ones at once: the same small mails are put through both ways."""

import re

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cms_people import NOW, authority, person, ring
from cms_slices import in_slices
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.enveloped.addressee import addressee
from gatepost.encryption.cms.enveloped.ciphers import AES128_CBC, AES256_CBC, AES256_GCM
from gatepost.encryption.cms.limits import DEFAULT
from gatepost.encryption.cms.signed.signer import Signer, default_scheme
from gatepost.encryption.cms.signed.write import sign as sign_cms
from gatepost.encryption.cms.space import Space, lines, slices, written
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime.canonical import canonical, is_paired
from gatepost.encryption.smime.carried import carried
from gatepost.encryption.smime.enclosed import Enclosed, body_of, cut, encoding_of
from gatepost.encryption.smime.form import form_of_mail, is_protection_below
from gatepost.encryption.smime.frame import content_pieces
from gatepost.encryption.smime.opening import open_mail
from gatepost.encryption.smime.path_trust import PathTrust
from gatepost.encryption.smime.policy import ReadPolicy, ReleasePolicy
from gatepost.encryption.smime.reading import read
from gatepost.encryption.smime.removal import without_signatures
from gatepost.encryption.smime.seven_bit import are_fit, base64_lines, base64_pieces, seven_bit
from gatepost.encryption.smime.verify import Asked, report
from gatepost.encryption.smime.writing import EncryptAs, SignAs, encrypt, seal, sign, wrap
from gatepost.message.decode import decoded, from_base64, from_quoted_printable
from gatepost.message.glance import glance
from gatepost.message.parse import parse

ANNA = person("p256", "anna")
SIGNER = Signer(ANNA.private, ANNA.certificate, default_scheme(ANNA.certificate))
KEYS, TO = ring(ANNA), (addressee(ANNA.certificate),)
ASKED = Asked(PathTrust(Validator((Certificate(authority()[1].public_bytes(Encoding.DER)),))), NOW)
GCM, CBC = EncryptAs(AES256_GCM), EncryptAs(AES256_CBC)
MOST = DEFAULT.size_bytes


PLAIN = b"From: anna@example.org\r\nTo: b@example.org\r\nSubject: Plan\r\nContent-Type: text/plain\r\n\r\n" + b"All is well.\r\n" * 20
PARTS = (
    b'From: anna@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="bb"\r\n\r\n--bb\r\n\r\nSee below.\r\n--bb\r\n'
    b"Content-Type: application/octet-stream; name=x.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64_lines(b"file" * 90)
    + b"--bb--\r\n"
)
EIGHT_BIT = b"From: anna@example.org\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + "Grüße über alles\r\n".encode() * 30
ODD = b"From: anna@example.org\r\nX-Odd : a\r\nContent-Type: text/plain\r\n\r\n" + b"All is well.\r\n" * 20
MAILS = (PLAIN, PARTS, EIGHT_BIT, ODD)


def made() -> list[bytes]:
    """Make mails of every form."""
    found = []
    for raw in MAILS:
        clear, opaque = sign(raw, (SIGNER,), NOW), sign(raw, (SIGNER,), NOW, SignAs("opaque"))
        protected = sign(raw, (SIGNER,), NOW, SignAs(header_protection=True))
        for one in (clear, opaque, protected, encrypt(raw, TO, GCM), encrypt(clear, TO, CBC), encrypt(raw, TO, CBC)):
            found.append(one)
        found.extend((seal(raw, (SIGNER,), NOW, TO), encrypt(opaque, TO, GCM), wrap(raw, (SIGNER,), NOW, TO)))
    assert all(isinstance(one, bytes) for one in found)
    return found + [b"no field\r\n" + one for one in found[-9:]]


SAMPLES = made()


def told(raw: bytes) -> tuple[object, ...]:
    """Do all that is done with a mail that came, and tell what came of it."""
    reading = read(raw, KEYS)
    layers = [(type(one), one.findings, one.fault, one.overhead_bytes) for one in reading.layers]
    opened = [open_mail(raw, KEYS, ReleasePolicy(signatures=kept)) for kept in ("kept", "removed")]
    removed = without_signatures(raw)
    return (
        report(reading, ASKED),
        layers,
        reading.findings,
        [bytes(one.raw) for one in reading.contents],
        [(one.release, one.mail, one.findings, one.reason) for one in opened],
        (removed.mail, removed.removed),
    )


@pytest.mark.parametrize("number", range(len(SAMPLES)))
def test_a_mail_that_came_is_told_alike(number):
    """Its verdict, its layers, what was opened of it and what is left without its signatures."""
    whole = told(SAMPLES[number])
    for large, slice_ in ((40, 24), (1, 1), (200, 57)):
        with in_slices(large, slice_):
            assert told(SAMPLES[number]) == whole


@settings(max_examples=200)
@given(st.data())
def test_a_damaged_mail_is_told_alike(data):
    """Octets changed, cut out, doubled: in slices nothing more is valid, and nothing else is given out."""
    raw = bytearray(data.draw(st.sampled_from(SAMPLES)))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        kind = data.draw(st.integers(0, 2))
        if kind == 0:
            raw[place] = data.draw(st.sampled_from([*b"=\r\n -AB9\0\xff;:"]))
        elif kind == 1:
            del raw[place : place + data.draw(st.integers(1, 60))]
        else:
            raw[place:place] = raw[place : place + data.draw(st.integers(1, 60))]
        raw = raw or bytearray(b"x")
    whole = told(bytes(raw))
    with in_slices(data.draw(st.sampled_from([1, 40, 300]))):
        assert told(bytes(raw)) == whole


@pytest.mark.parametrize("raw", MAILS)
@pytest.mark.parametrize("slice_", [1, 24, 57, 1000])
def test_what_is_written_in_slices_is_read_at_once(raw, slice_):
    """Signed in both forms, encrypted under both ciphers, both and thrice, with fields inside and without."""
    expected = [told(one)[0].verdict for one in (sign(raw, (SIGNER,), NOW), encrypt(raw, TO, GCM))]
    with in_slices(1, slice_):
        signed = [sign(raw, (SIGNER,), NOW, how) for how in (SignAs(), SignAs("opaque"), SignAs(header_protection=True))]
        sealed = [encrypt(raw, TO, how) for how in (GCM, CBC, EncryptAs(AES128_CBC, header_protection=True))]
        both = [seal(raw, (SIGNER,), NOW, TO), seal(raw, (SIGNER,), NOW, TO, sign_as=SignAs("opaque"), encrypt_as=GCM)]
        both.append(wrap(raw, (SIGNER,), NOW, TO))
    for one in (*signed, *both):
        assert report(read(one, KEYS), ASKED).verdict == expected[0]
    contents = {read(one, KEYS).content for one in signed[:2]}
    assert len(contents) == (2 if raw is EIGHT_BIT else 1)
    plain = open_mail(encrypt(raw, TO, GCM), KEYS).mail
    assert [open_mail(one, KEYS).mail for one in sealed[:1]] == [plain]
    assert [open_mail(one, KEYS).release for one in sealed] == ["authenticated", "neutralised", "neutralised"]
    assert all(re.fullmatch(rb"(?:[A-Za-z0-9+/]{76}\r\n)*[A-Za-z0-9+/=]{1,76}\r\n", one.partition(b"\r\n\r\n")[2]) for one in sealed)


chunks = st.sampled_from([b"QUJD", b"QQ==", b"QUI=", b"=", b"==", b"\r\n", b" ", b"\t", b"A", b"AB", b"!", b"\xff", b"QUJD" * 9])
bodies = st.lists(chunks, max_size=40).map(b"".join)


@settings(max_examples=300)
@given(bodies, st.integers(1, 30))
@example(b"QUJD" * 30 + b"QQ==", 7)
@example(b"QUJD" * 30 + b"QQ===", 7)
@example(b"QQ==" * 30, 3)
def test_base64_in_slices_is_base64(body, slice_):
    """The same octets of the same characters, and the same word on whether they are malformed."""
    with in_slices(0, slice_):
        octets, malformed = carried("base64", body, MOST) if body else (Space(), False)
    assert isinstance(octets, Space)
    found = from_base64(body)
    assert (octets.octets(), malformed) == (found.data, bool(found.defects))


@settings(max_examples=200)
@given(st.lists(st.sampled_from([b"=41", b"=\r\n", b"=4", b"x", b" ", b"\t", b"\r\n", b"\n", b"=", b"\xff"]), max_size=40).map(b"".join))
def test_quoted_printable_in_slices_is_quoted_printable(body):
    """Where no line is longer than a slice."""
    with in_slices(0, 200):
        octets, malformed = carried("quoted-printable", body, MOST) if body else (Space(), False)
    assert isinstance(octets, Space)
    found = from_quoted_printable(body)
    assert (octets.octets(), malformed) == (found.data, bool(found.defects))


texts = st.lists(st.sampled_from([b"\r\n", b"\n", b"\r", b"text", b"\n\n", b"\r\n\r\n", b"\xff", b"\0"]), max_size=60).map(b"".join)


@settings(max_examples=300)
@given(texts, st.integers(1, 20))
def test_line_ends_in_slices_are_line_ends(text, slice_):
    """Whether they are paired, and each bare LF with its CR."""
    with in_slices(0, slice_):
        assert b"".join(lines((text,))) == b"".join(slices((text,))) == written(slices((text[:9], text[9:]))) == text
        assert is_paired(text) == (re.sub(b"\r\n", b"", text).strip(b"x").count(b"\r") == re.sub(b"\r\n", b"", text).count(b"\n") == 0)
        assert canonical(text) == re.sub(rb"(?<!\r)\n", b"\r\n", text)
        fit = are_fit((text[:7], text[7:]))
    assert fit == are_fit((text,))


@given(st.lists(st.binary(max_size=130), max_size=6), st.integers(1, 80))
def test_base64_lines_in_slices_are_lines(pieces, slice_):
    """However the octets are cut."""
    with in_slices(0, slice_):
        assert b"".join(base64_pieces(pieces)) == base64_lines(b"".join(pieces))


MIXED = PARTS.replace(b"\r\nSee below.", b"\r\n" + "Grüße\r\n".encode() * 9)
NOT_SEVEN_BIT = [
    EIGHT_BIT,
    EIGHT_BIT.replace(b"charset", b"Charset").replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n", 1),
    MIXED,
    MIXED.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n", 1),
    MIXED.replace(b"base64", b"binary").replace(b"ZmlsZ", b"\xff\0\r\n"),
    MIXED.replace(b"multipart/mixed", b"multipart/encrypted"),
    MIXED.replace(b"Content-Type: application/octet-stream; name=x.p7m", b"Content-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n\xff"),
    MIXED.replace(b"application/octet-stream; name=x.p7m", b"message/rfc822\r\n\r\nSubject: \xff\r\nContent-Type: text/plain"),
]


@pytest.mark.parametrize("raw", NOT_SEVEN_BIT)
@pytest.mark.parametrize("mark", [b"", b'; hp="clear"'])
def test_what_is_not_in_seven_bit_is_encoded_alike(raw, mark):
    """Each part in its own way, and nothing where a signature inside would break or a header is not in 7 bit."""
    limits = parse(raw).root.limits
    whole = seven_bit(content_pieces(glance(raw), b"Subject: x\r\n", mark), limits)
    for large, slice_ in ((90, 30), (200, 1), (90, 1000)):
        with in_slices(large, slice_):
            content = content_pieces(glance(raw), b"Subject: x\r\n", mark)
            assert len(content) > 1
            found = seven_bit(content, limits)
        assert (found is None) == (whole is None)
        if found is not None and whole is not None:
            contents = [[(leaf.content_type, decoded(leaf)) for leaf in parse(b"".join(pieces)).leaves()] for pieces in (whole, found)]
            assert contents[0] == contents[1]
            assert b"".join(found).startswith(b"Subject: x\r\nContent-Type: ")
            assert slice_ < 1000 or b"".join(found) == b"".join(whole)


heads = st.sampled_from(
    [
        b"",
        b"Content-Type: text/plain\r\n",
        b"Content-Type: multipart/mixed; boundary=c\r\n",
        b"Content-Type: multipart/signed; boundary=c\r\n",
        b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n",
        b"Content-Type: application/octet-stream; name=x.p7m\r\n",
        b"Content-Type: message/rfc822\r\n",
        b"Subject: x\n",
        b"no field\r\n",
        b"X : y\r\n",
        b" folded\r\n",
    ]
)
lines_of_parts = st.sampled_from(
    [b"text\r\n", b"--c\r\n", b"--c--\r\n", b"\r\n", b"Content-Type: application/pkcs7-mime\r\n\r\n", b"\n", b"x"]
)
bodies_of_parts = st.lists(lines_of_parts, max_size=12).map(b"".join)


@settings(max_examples=300)
@given(st.lists(heads, max_size=4).map(b"".join), st.sampled_from([b"\r\n", b"\n", b""]), bodies_of_parts)
def test_a_content_that_stays_in_its_mail_is_as_one_cut_out(head, blank, body):
    """To everybody who asks it for its header, its form and its body, and to who asks for the tree as well."""
    raw = (
        b'From: anna@example.org\r\nContent-Type: multipart/signed; boundary="bb"\r\n\r\n--bb\r\n'
        + head
        + blank
        + body
        + b"\r\n--bb\r\nContent-Type: application/pkcs7-signature\r\n\r\nx\r\n--bb--\r\n"
    )
    outer = parse(raw)
    part, second = outer.root.children[0], outer.root.children[1]
    end = raw.rfind(b"\r\n", 0, second.header_start - 2)
    with in_slices(0):
        octets, inside = cut(part, max(end, part.header_start))
        whole = glance(bytes(octets))
        if isinstance(inside, Enclosed):
            assert inside.content_type == whole.content_type
            assert [(one.name, one.raw) for one in inside.headers] == [(one.name, one.raw) for one in whole.headers]
            assert (inside.outline, inside.exceeded) == (whole.outline, whole.exceeded)
            assert encoding_of(inside) == encoding_of(whole)
            assert bytes(body_of(inside)) == bytes(body_of(whole))
            assert form_of_mail(inside) == form_of_mail(whole)
            assert is_protection_below(inside) == is_protection_below(whole)
            assert (inside.raw, inside.defects) == (octets, whole.defects)


def test_what_is_kept_of_all_layers_together_is_limited():
    """Opaque signatures within each other: the one that would be too much is not read, and the mail is not called signed."""
    raw = PLAIN
    for _ in range(3):
        raw = sign_opaque(raw)
    policy = ReadPolicy(inside_bytes=2 * len(raw) // 3)
    assert [one.fault for one in read(raw).layers] == [None] * 3
    reading = read(raw, None, policy)
    assert reading.layers[-1].fault is not None
    assert reading.layers[-1].fault.kind == "too-large"
    assert report(reading, ASKED).verdict in ("broken", "unverifiable")


def sign_opaque(raw: bytes) -> bytes:
    head = b"From: anna@example.org\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head + base64_lines(sign_cms(raw, (SIGNER,), NOW))


def test_the_pieces_of_a_mail_are_the_mail():
    """What is opened, and what is left without its signatures, may be written piece by piece."""
    for raw in SAMPLES:
        with in_slices():
            opened, removed = open_mail(raw, KEYS), without_signatures(raw)
            assert opened.pieces is None or b"".join(opened.pieces) == opened.mail
            assert b"".join(removed.pieces) == removed.mail
