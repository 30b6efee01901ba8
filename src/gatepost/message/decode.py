# SPDX-License-Identifier: Apache-2.0
"""A leaf's content: its transfer encoding undone, its text read (RFC 2045 §6).

Promises: never raises; gives all that other readers would find in the body, and a defect wherever it is
not what the encoding allows. Call it for leaves: a multipart's body is its parts.
"""

import binascii
import re
from typing import NamedTuple

import pybase64

from gatepost.message import defects
from gatepost.message.charsets import to_text
from gatepost.message.tree import Entity

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(byte for byte in range(256) if byte not in _BASE64 + b"=")
_WRONG_ESCAPE = re.compile(rb"=(?![0-9A-Fa-f]{2}|\r?\n|\Z)")


class Content(NamedTuple):
    """Decoded bytes."""

    data: bytes
    defects: tuple[str, ...] = ()


class Text(NamedTuple):
    """Decoded text."""

    text: str
    defects: tuple[str, ...] = ()


def decoded(entity: Entity) -> Content:
    """Give the bytes that a leaf stands for."""
    return without_encoding(entity.encoding, entity.body)


def without_encoding(encoding: str, body: bytes) -> Content:
    """Give the bytes that a body in this transfer encoding stands for."""
    if encoding == "base64":
        return from_base64(body)
    if encoding == "quoted-printable":
        return from_quoted_printable(body)
    return Content(body)


def text_of(entity: Entity) -> Text:
    """Give a leaf's text, line ends as LF."""
    data, trouble = decoded(entity)
    text, more = to_text(data, entity.content_type.parameters.get("charset", ""))
    return Text(text.replace("\r\n", "\n"), trouble + more)


def from_base64(encoded: bytes) -> Content:
    """Decode base64; other characters are passed over, and what follows a padding is read too (RFC 2045 §6.8)."""
    try:
        # Nearly all bodies are without fault, and of those a strict decoder is sure at once.
        return Content(pybase64.b64decode(_unwrapped(encoded), validate=True))
    except binascii.Error:
        return _from_odd_base64(encoded)


def _unwrapped(encoded: bytes) -> bytes | bytearray:
    """Leave out line ends and blanks; where all lines are of one length, as programs write them, the ends are cut out in two strokes."""
    line = encoded.find(b"\n") + 1
    if line < 3 or encoded[line - 1 :: line].strip(b"\n") or encoded[line - 2 :: line].strip(b"\r"):
        return encoded.translate(None, b" \t\r\n")
    characters = bytearray(encoded)
    del characters[line - 1 :: line]
    del characters[line - 2 :: line - 1]
    return characters.rstrip(b"\r\n")


def _from_odd_base64(encoded: bytes) -> Content:
    alphabet = encoded.translate(None, _NOT_BASE64)
    clean = len(encoded.translate(None, _BASE64 + b"= \t\r\n")) == 0
    body = alphabet.rstrip(b"=")
    if b"=" not in body and len(alphabet) % 4 == 0 and len(alphabet) - len(body) <= 2:
        return Content(binascii.a2b_base64(alphabet), () if clean else (defects.MALFORMED_BASE64,))
    # Padding in the middle: each piece is whole in itself. Readers that stop at the first one see less.
    data = b"".join(_base64_piece(piece) for piece in body.split(b"="))
    return Content(data, (defects.MALFORMED_BASE64,))


def _base64_piece(piece: bytes) -> bytes:
    whole = piece[: len(piece) - 1] if len(piece) % 4 == 1 else piece
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def from_quoted_printable(encoded: bytes) -> Content:
    """Decode quoted-printable; a wrong escape stays as it is written, blanks at a line's end go (RFC 2045 §6.7)."""
    if b" \r\n" in encoded or b"\t\r\n" in encoded:
        encoded = b"\r\n".join(line.rstrip(b" \t") for line in encoded.split(b"\r\n"))
    wrong = _WRONG_ESCAPE.search(encoded) is not None
    return Content(binascii.a2b_qp(encoded), (defects.MALFORMED_QUOTED_PRINTABLE,) if wrong else ())
