# SPDX-License-Identifier: Apache-2.0
"""A leaf's content: what other readers would find, and what is wrong with it."""

import base64
import binascii

import pytest

from gatepost.message import defects
from gatepost.message.decode import decoded, from_base64, from_quoted_printable, text_of
from gatepost.message.parse import parse


@pytest.mark.parametrize(
    ("encoded", "data", "clean"),
    [
        (b"", b"", True),
        (b"aGVsbG8=\r\n", b"hello", True),
        (b"aGVs\r\nbG8=\r\n", b"hello", True),
        (b"aGVsbG8\r\n", b"hello", False),
        (b"aGVs*bG8=\r\n", b"hello", False),
        (b"aGVsbG8h\r\n-- \r\nfooter!\r\n", b"hello!~\x8a(\xb6\xba\xde"[:6], False),
        (b"YQ==\r\nYg==\r\n", b"ab", False),
        (b"YQ==Y", b"a", False),
        (b"====", b"", False),
        (b"A", b"", False),
    ],
)
def test_base64_is_read_to_its_end(encoded: bytes, data: bytes, clean: bool) -> None:
    """Foreign characters are passed over, padding in the middle ends nothing, a cut end gives what is whole."""
    content = from_base64(encoded)
    assert content.data.startswith(data)
    assert content.defects == (() if clean else (defects.MALFORMED_BASE64,))


def test_base64_gives_back_any_bytes() -> None:
    """What a regular encoder wrote comes back, in lines of any length."""
    data = bytes(range(256)) * 5
    assert from_base64(base64.encodebytes(data)).data == data
    assert from_base64(binascii.b2a_base64(data)) == (data, ())


@pytest.mark.parametrize(
    ("encoded", "data", "clean"),
    [
        (b"caf=C3=A9=\r\n!\r\n", b"caf\xc3\xa9!\r\n", True),
        (b"blank  \r\nnext\t\r\n", b"blank\r\nnext\r\n", True),
        (b"a= \r\nb", b"ab", True),
        (b"a=", b"a", True),
        (b"lower=c3=a9", b"lower\xc3\xa9", True),
        (b"1=2 =zz", b"1=2 =zz", False),
    ],
)
def test_quoted_printable_is_read(encoded: bytes, data: bytes, clean: bool) -> None:
    """Escapes and soft line ends are undone, a wrong escape stays and is named."""
    content = from_quoted_printable(encoded)
    assert content.data == data
    assert content.defects == (() if clean else (defects.MALFORMED_QUOTED_PRINTABLE,))


@pytest.mark.parametrize(
    ("header", "body", "text"),
    [
        (b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n", b"=FC\r\n", "ü\n"),
        (b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: BASE64 (x)\r\n", b"w7w=\r\n", "ü"),
        (b"Content-Transfer-Encoding: 8bit;\r\n", "ü\r\n".encode(), "ü\n"),
        (b"", b"\x80\r\n", "€\n"),
    ],
)
def test_text_is_read_in_its_character_set(header: bytes, body: bytes, text: str) -> None:
    """Encoding and character set are undone together; without a name UTF-8 is tried, then Windows-1252."""
    entity = parse(header + b"\r\n" + body).root
    assert text_of(entity).text == text


def test_an_unknown_encoding_leaves_the_bytes() -> None:
    """A body in an encoding that nobody knows is taken as it stands."""
    entity = parse(b"Content-Transfer-Encoding: x-secret\r\n\r\nabc").root
    assert decoded(entity).data == b"abc"
