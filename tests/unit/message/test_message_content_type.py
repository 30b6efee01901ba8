# SPDX-License-Identifier: Apache-2.0
"""Content-Type and Content-Disposition, regular and as strangers write them."""

import pytest

from gatepost.config.limits import MessageLimits
from gatepost.message import defects
from gatepost.message.charsets import codec_of, to_text
from gatepost.message.content_type import parse_content_type, parse_disposition
from gatepost.message.parse import parse

LIMITS = MessageLimits()


@pytest.mark.parametrize(
    ("written", "full", "parameters"),
    [
        (b"text/plain", "text/plain", {}),
        (b" Text/HTML; Charset=UTF-8\r\n", "text/html", {"charset": "UTF-8"}),
        (b'text/plain;\r\n\tcharset="utf-8";\r\n format=flowed;\r\n', "text/plain", {"charset": "utf-8", "format": "flowed"}),
        (b"(c) text (a(b)) / (d) plain (x); (y) charset (z) = utf-8", "text/plain", {"charset": "utf-8"}),
        (b'text/plain; name="a\\"b;c.txt"', "text/plain", {"name": 'a"b;c.txt'}),
        (b"text/plain; name=a b.txt", "text/plain", {"name": "a b.txt"}),
        (b'text/plain; name="=?utf-8?q?=C3=BC.txt?="', "text/plain", {"name": "ü.txt"}),
        (b"text/plain; name*=utf-8''%C3%BC.txt", "text/plain", {"name": "ü.txt"}),
        (b"text/plain; name*=iso-8859-1'de'%FC.txt", "text/plain", {"name": "ü.txt"}),
        (b"text/plain; name*0*=utf-8''%C3; name*1*=%BC; name*2=\".txt\"", "text/plain", {"name": "ü.txt"}),
        (b"text/plain; name*1=b; name*0=a; name=plain", "text/plain", {"name": "ab"}),
        (b'text/plain; name="\xc3\xbc"', "text/plain", {"name": "ü"}),
        (b"application/x-foo; a==b", "application/x-foo", {"a": "=b"}),
        (b"multipart", "multipart/mixed", {}),
        (b"text", "text/plain", {}),
        (b"", "text/plain", {}),
        (b"; charset=utf-8", "text/plain", {"charset": "utf-8"}),
        (b'text/plain; charset="utf-8', "text/plain", {"charset": "utf-8"}),
    ],
)
def test_a_content_type_is_read(written: bytes, full: str, parameters: dict[str, str]) -> None:
    """Type and parameters come out as any careful reader has them."""
    content_type = parse_content_type(written, LIMITS)
    assert (content_type.full, content_type.parameters) == (full, parameters)


@pytest.mark.parametrize(
    ("written", "boundary"),
    [
        (b"multipart/mixed; boundary=abc", b"abc"),
        (b'multipart/mixed; boundary="a b"', b"a b"),
        (b'multipart/mixed; boundary="ab "', b"ab"),
        (b'multipart/mixed; BOUNDARY="a\\"b"', b'a"b'),
        (b'multipart/mixed; boundary="\xfc"', b"\xfc"),
        (b"multipart/mixed; boundary=''ab'' ; x=y", b"''ab''"),
        (b"multipart/mixed; boundary*=us-ascii''abc", b"abc"),
        (b"multipart/mixed; boundary*0=a; boundary*1=bc", b"abc"),
        (b"multipart/mixed; boundary=a; boundary=b", b"a"),
        (b'multipart/mixed; boundary=""', b""),
    ],
)
def test_a_boundary_keeps_its_bytes(written: bytes, boundary: bytes) -> None:
    """A boundary is compared as bytes, so it comes out as bytes."""
    assert parse_content_type(written, LIMITS).boundary == boundary


def test_a_disposition_is_read_with_its_file_name() -> None:
    """The disposition's file name goes before the type's name; without a disposition there is none."""
    raw = b"Content-Type: a/b; name=x.txt\r\nContent-Disposition: ATTACHMENT;\r\n filename*=utf-8''%E2%82%AC.txt; filename=old.txt\r\n\r\n"
    entity = parse(raw).root
    assert (entity.disposition.value, entity.filename) == ("attachment", "€.txt")
    plain = parse(b"Content-Type: a/b; name=x.txt\r\n\r\n").root
    assert (plain.disposition.value, plain.filename) == ("", "x.txt")


def test_a_disposition_without_a_word_is_an_attachment() -> None:
    """What cannot be read is treated as RFC 2183 §2.8 asks, and named."""
    disposition = parse_disposition(b'"x"; filename=a', LIMITS)
    assert (disposition.value, disposition.defects) == ("attachment", (defects.MALFORMED_PARAMETER,))


@pytest.mark.parametrize(
    ("charset", "codec"),
    [("UTF-8", "utf_8"), ("'us-ascii'", "utf_8"), ("iso-8859-1", "cp1252"), ("ks_c_5601-1987", "cp949"), ("ISO-8859-15", "iso8859_15")]
    + [(name, None) for name in ("", "punycode", "unicode_escape", "idna", "base64", "zip", "rot13", "os", "../x", "undefined")],
)
def test_only_character_sets_are_looked_up(charset: str, codec: str | None) -> None:
    """A name from a mail reaches no codec that is not a character set."""
    assert codec_of(charset) == codec


def test_text_in_a_wrong_charset_is_named_and_shown() -> None:
    """Bytes that do not fit their character set still give text, with the defect."""
    assert to_text(b"\xfc", "utf-8") == ("ü", (defects.WRONG_CHARSET,))
    assert to_text(b"a\x81", "shift_jis")[1] == (defects.WRONG_CHARSET,)
    assert to_text(b"\xfc", "no-such") == ("ü", (defects.UNKNOWN_CHARSET,))
