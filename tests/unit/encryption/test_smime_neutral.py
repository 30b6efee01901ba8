# SPDX-License-Identifier: Apache-2.0
"""Neutralised mails: nothing stays that a reader would show as HTML, whatever it is called, and nothing else is lost."""

import base64

import pytest

from cms_people import person, ring
from gatepost.encryption.cms.enveloped.addressee import addressee
from gatepost.encryption.cms.enveloped.ciphers import AES256_CBC
from gatepost.encryption.cms.enveloped.encrypt import encrypt as encrypt_cms
from gatepost.encryption.smime.neutral import MOST_MARKUP
from gatepost.encryption.smime.opening import open_mail
from gatepost.encryption.smime.seven_bit import base64_lines
from gatepost.encryption.smime.writing import EncryptAs, encrypt
from gatepost.message.decode import decoded
from gatepost.message.parse import parse

BOB = person("p256")
TO = (addressee(BOB.certificate),)
HEADER = b"From: Anna <anna@example.org>\r\nTo: bob@example.org\r\nSubject: Secret plan\r\nDate: Thu, 26 Nov 2026 02:00:00 +0000\r\n"
HTML = b'Content-Type: text/html; charset=utf-8\r\n\r\n<p>Hello</p><img src="http://evil.example/x">\r\n'


def opened(raw: bytes, **how):
    written = encrypt(raw, TO, EncryptAs(AES256_CBC, **how))
    assert isinstance(written, bytes)
    found = open_mail(written, ring(BOB))
    assert (found.release, "neutralised" in found.findings) == ("neutralised", True)
    return parse(found.mail)


def mixed(part: bytes) -> bytes:
    head = b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nSee below.\r\n--b\r\n'
    return HEADER + head + part + b"\r\n--b--\r\n"


@pytest.mark.parametrize("policy", ["baseline", "shy", "none"])
def test_a_neutralised_mail_has_its_subject(policy):
    """The protected subject stands in the header of the very part that is made plain text."""
    mail = opened(HEADER + HTML, header_protection=True, confidentiality=policy)
    assert (mail.root.content_type.full, mail.root.content_type.parameters) == ("text/plain", {"charset": "utf-8"})
    assert mail.headers.text("subject") == "Secret plan"
    assert mail.headers.count("subject") == 1
    assert decoded(mail.root).data.strip() == b"Hello"


def test_a_whole_mail_inside_has_its_subject():
    """As it has when the fields came as those of a message/rfc822."""
    # Ours would say that it is passed on.
    inside = b"Content-Type: message/rfc822; forwarded=no\r\n\r\n" + HEADER.replace(b"Secret plan", b"The real one") + HTML
    head = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    cms = encrypt_cms(inside, (addressee(person("p256").certificate),), AES256_CBC)
    mail = parse(open_mail(HEADER + head + base64_lines(cms), ring(person("p256"))).mail)
    assert (mail.root.content_type.full, mail.headers.text("subject")) == ("text/plain", "The real one")


def test_a_forwarded_mail_keeps_its_header():
    """Who reads it wants to know whose it was; what it says of its own content alone is replaced."""
    forwarded = (
        b"From: carol@x.example\r\nSubject: Forwarded\r\nDate: Thu, 26 Nov 2026 01:00:00 +0000\r\nMIME-Version: 1.0\r\n"
        b"X-Folded: a\r\n b\r\nContent-ID: <c@x.example>\r\nContent-Disposition: inline; filename=a.html\r\n"
    )
    mail = opened(mixed(b"Content-Type: message/rfc822\r\n\r\n" + forwarded + HTML))
    inner = mail.root.children[1].children[0]
    names = [field.name for field in inner.headers]
    assert names == ["From", "Subject", "Date", "MIME-Version", "X-Folded", "Content-Type", "Content-Transfer-Encoding"]
    assert (inner.headers.text("from"), inner.headers.text("x-folded")) == ("carol@x.example", "a b")
    assert b"evil" not in decoded(inner).data
    assert decoded(mail.root.children[0]).data == b"See below."


@pytest.mark.parametrize("header", [b"Subject: Broken off", b"no field\r\nSubject: Odd\r\n", b"X: \r\n", b""])
def test_an_odd_header_is_kept_as_far_as_it_is_one(header):
    """Lines that are no fields go, and a field that breaks off is ended."""
    part = b"Content-Type: message/rfc822\r\n\r\n" + header + (b"\r\n" if header[-1:] not in (b"\n", b"") else b"") + HTML
    mail = opened(mixed(part))
    inner = mail.root.children[1].children[0]
    assert inner.content_type.full == "text/plain"
    assert inner.headers.text("subject") == parse(header + b"\r\n\r\n").headers.text("subject")
    assert b"evil" not in decoded(inner).data


def test_a_body_that_lies_elsewhere_is_named():
    """And the mail that only points to it keeps its header."""
    away = b'From: carol@x.example\r\nContent-Type: message/external-body; access-type=URL; URL="http://evil.example/x"\r\n\r\n'
    mail = opened(mixed(b"Content-Type: message/rfc822\r\n\r\n" + away + b"Content-Type: text/html\r\n\r\n"))
    inner = mail.root.children[1].children[0]
    assert (inner.headers.text("from"), inner.content_type.full) == ("carol@x.example", "text/plain")
    assert b"evil" not in mail.raw


IMG = b'<img src="http://evil.example/x">'
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://evil.example/x"/></svg>'


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"application/octet-stream", b"<!DOCTYPE html>" + IMG),
        (b"application/octet-stream", b" \r\n\t<!doctype HTML>" + IMG),
        (b"application/octet-stream", IMG),
        (b"application/octet-stream", b"\xef\xbb\xbf" + IMG),
        (b"application/octet-stream", ("\ufeff<!DOCTYPE html>" + IMG.decode()).encode("utf-16-le")),
        (b"application/octet-stream", ("\ufeff" + IMG.decode()).encode("utf-16-be")),
        (b"application/octet-stream", b"text first, then <body onload=x>" + IMG),
        (b"application/octet-stream", b"<!-- x -->" + IMG),
        (b"application/octet-stream", b"<?xml version='1.0'?><?xml-stylesheet href='http://evil.example/x'?><a/>"),
        (b"image/png; name=x.png", SVG),
        (b"image/png", b"\n" + SVG),
        (b"image/jpeg", b"<x:svg xmlns:x='http://www.w3.org/2000/svg'><x:image href='http://evil.example/x'/></x:svg>"),
        (b"application/vnd.example+xml", b"<a href='http://evil.example/x'/>"),
        (b"image/vnd.example+XML", b"a <b href='http://evil.example/x'/>"),
        (b"application/x-html", b"some " + IMG),
        (b"application/x-javascript", b"fetch('http://evil.example/x')"),
        (b"application/msword; name=a.doc", b"{\\rtf1 {\\field http://evil.example/x}}"),
        (b"application/octet-stream; name=a.xht", b"a " + IMG),
        (b'application/octet-stream; name="a.html "', b"a " + IMG),
        (b"application/octet-stream; name=a.html\r\nContent-Disposition: attachment; filename=a.txt", b"a " + IMG),
        (b"application/octet-stream; name=a.txt\r\nContent-Disposition: attachment; filename=a.html", b"a " + IMG),
    ],
)
@pytest.mark.parametrize("encoding", [b"8bit", b"base64"])
def test_what_reads_as_markup_is_neutralised(head, body, encoding):
    """By its type, its suffix, either of its names, or its first octets, with its transfer encoding undone."""
    wire = base64.encodebytes(body).replace(b"\n", b"\r\n") if encoding == b"base64" else body
    mail = opened(mixed(b"Content-Type: " + head + b"\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" + wire))
    part = mail.root.children[1]
    assert (part.content_type.full, part.filename) == ("text/plain", "")
    assert part.headers.count("content-type") == 1


def test_an_encoded_message_is_neutralised():
    """It is none that may be, so nobody looks inside here, and some readers do all the same."""
    wire = base64.encodebytes(b"Subject: x\r\n" + HTML).replace(b"\n", b"\r\n")
    mail = opened(mixed(b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + wire))
    assert mail.root.children[1].content_type.full == "text/plain"
    assert b"<img" not in decoded(mail.root.children[1]).data


@pytest.mark.parametrize("filler", [b" ", b"\r\n", b"\0"])
def test_blanks_before_markup_do_not_hide_it(filler):
    """Readers pass over them."""
    wire = base64.encodebytes(filler * 5_000 + IMG).replace(b"\n", b"\r\n")
    mail = opened(mixed(b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n" + wire))
    assert mail.root.children[1].content_type.full == "text/plain"


@pytest.mark.parametrize(("encoding", "filler"), [(b"base64", b"!" * 70 + b"\r\n"), (b"quoted-printable", b"=\r\n")])
def test_an_encoding_that_is_nearly_empty_hides_nothing(encoding, filler):
    """What lenient readers pass over before the markup is passed over here, or the part is not believed."""
    wire = filler * 50_000 + (base64.encodebytes(IMG) if encoding == b"base64" else IMG)
    head = b"Content-Type: image/png\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n"
    assert opened(mixed(head + wire)).root.children[1].content_type.full == "text/plain"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"application/pdf; name=a.pdf", b"%PDF-1.7\r\n<< /Type /Catalog >>"),
        (b"image/jpeg", b"\xff\xd8\xff\xe1\0\x90Exif\0\0<x:xmpmeta><rdf:RDF><dc:title>x</dc:title></rdf:RDF></x:xmpmeta>"),
        (b"application/octet-stream", b"a < b and c > d; <3"),
        (b"application/octet-stream", b"< 5 of them"),
        (b"application/vnd.openxmlformats-officedocument.wordprocessingml.document; name=a.docx", b"PK\x03\x04[Content_Types].xml"),
        (b"text/plain; name=a.txt", b"<html> is a word here"),
        (b"message/delivery-status", b"Reporting-MTA: dns; x.example\r\n"),
        (b"message/rfc822", b"Subject: x\r\n\r\nHello."),
    ],
)
def test_other_content_stays_as_it_is(head, body):
    """Files that no reader takes for HTML keep every octet, their names and their encoding."""
    part = b"Content-Type: " + head + b"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + body
    mail = opened(mixed(part + b"\r\n--b\r\n" + HTML))
    assert part in mail.raw


def test_a_large_file_is_looked_at_quickly():
    """A file of 20 MB is not decoded to be looked at."""
    wire = base64.encodebytes(b"%PDF-1.7\n" + bytes(range(256)) * 80_000).replace(b"\n", b"\r\n")
    part = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + wire
    assert part in opened(mixed(part + b"\r\n--b\r\n" + HTML)).raw


def test_more_markup_than_can_be_made_harmless_is_held():
    """To make text of it takes time and memory, and whoever forged the ciphertext chose how much there is."""
    html = b"Content-Type: text/html\r\n\r\n" + b"<p>x</p>\r\n" * (MOST_MARKUP // 10 + 1)
    written = encrypt(HEADER + html, TO, EncryptAs(AES256_CBC))
    assert isinstance(written, bytes)
    found = open_mail(written, ring(BOB))
    assert (found.release, found.mail, "limit-exceeded" in found.findings) == ("held", None, True)
    assert found.reason == "nobody vouches for the decrypted content, and more than 8388608 bytes of it would have to be made plain text"
