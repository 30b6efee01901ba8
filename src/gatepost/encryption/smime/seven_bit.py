# SPDX-License-Identifier: Apache-2.0
"""Make a content fit for a clear signature: no octet above 127, no line that a relay would break (RFC 8551 §3.1.2, §3.1.3).

Each leaf that needs it is encoded anew, text as quoted-printable and all else as base64; nothing else changes. What cannot be
had that way (8-bit headers, text between parts, a signature inside that would break) gives None: such a content is signed opaque.
"""

import binascii
from collections.abc import Iterable, Iterator

import pybase64

from gatepost.config.limits import MessageLimits
from gatepost.encryption.cms.space import LARGE, SLICE, AnyBytes, lines, slices, written
from gatepost.encryption.smime.canonical import is_paired
from gatepost.encryption.smime.enclosed import span
from gatepost.encryption.smime.frame import Pieces
from gatepost.message.parse import parse
from gatepost.message.raw import has_long_line
from gatepost.message.splice import Edit, append_headers, replace_body, replace_field, splice
from gatepost.message.tree import Entity

_LINE = 57
"""Octets that a line of base64 stands for."""


def is_fit(content: bytes) -> bool:
    """Say whether a content survives every relay as it is."""
    return content.isascii() and b"\0" not in content and is_paired(content) and not has_long_line(content)


def are_fit(pieces: Pieces) -> bool:
    """Say the same of a content in pieces."""
    if len(pieces) == 1 and len(pieces[0]) <= LARGE:
        return is_fit(bytes(pieces[0]))
    return all(map(is_fit, lines(pieces)))


def seven_bit(content: Pieces, limits: MessageLimits) -> Pieces | None:
    """Give a content that is fit, the same one where it is; None when there is no such form of it."""
    if are_fit(content):
        return content
    whole = b"".join(content)
    message = parse(whole, limits)
    if message.exceeded:
        return None
    edits: list[Edit] = []
    for entity in message.walk():
        if entity.content_type.maintype == "multipart" and entity.content_type.subtype in ("signed", "encrypted"):
            if not are_fit((span(whole, entity.header_start, entity.end),)):
                return None
        elif entity.children:
            if entity.encoding in ("8bit", "binary"):
                edits.append(_encoding(entity, b"7bit"))
        elif not are_fit((span(whole, entity.body_start, entity.end),)):
            edits.extend(_encoded(entity))
    found = _spliced(whole, edits)
    return found if are_fit(found) else None


def _spliced(whole: bytes, edits: list[Edit]) -> Pieces:
    """Apply edits; a large content is left where it is, and seen from there."""
    if len(whole) <= LARGE:
        return (splice(whole, edits),)
    pieces: list[AnyBytes] = []
    position, view = 0, memoryview(whole)
    for start, end, replacement in sorted(edits, key=lambda edit: (edit[0], edit[1])):
        pieces += (view[position:start], replacement)
        position = end
    return (*pieces, view[position:])


def base64_lines(data: AnyBytes) -> bytes:
    """Encode as base64 in lines of 76 characters, the last one's end included."""
    return pybase64.encodebytes(data).replace(b"\n", b"\r\n")


def base64_pieces(pieces: Iterable[AnyBytes]) -> Iterator[bytes]:
    """Do the same slice by slice."""
    rest = b""
    for piece in slices(pieces):
        block = b"".join((rest, piece))
        whole = len(block) - len(block) % _LINE
        yield base64_lines(memoryview(block)[:whole])
        rest = block[whole:]
    yield base64_lines(rest)


def quoted_printable(data: bytes) -> bytes:
    """Encode text whose lines end in CRLF."""
    return b"\r\n".join(binascii.b2a_qp(line, istext=True).replace(b"=\n", b"=\r\n") for line in data.split(b"\r\n"))


def _encoded(entity: Entity) -> list[Edit]:
    body = span(entity.raw, entity.body_start, entity.end)
    if entity.encoding in ("base64", "quoted-printable"):
        return []  # what stands in such a body is against its encoding; nobody knows what was meant
    if entity.content_type.maintype == "text" and all(map(_is_text, lines((body,)))):
        return [_encoding(entity, b"quoted-printable"), replace_body(entity, written(map(quoted_printable, lines((body,)))))]
    return [_encoding(entity, b"base64"), replace_body(entity, written(base64_pieces((body,))))]


def _is_text(block: bytes) -> bool:
    """Say whether these are lines of text; one that goes on behind so much is none that anybody reads."""
    return is_paired(block) and b"\0" not in block and (block.endswith(b"\n") or len(block) < SLICE)


def _encoding(entity: Entity, word: bytes) -> Edit:
    field = entity.headers.first("content-transfer-encoding")
    return append_headers(entity, b"Content-Transfer-Encoding: " + word + b"\r\n") if field is None else replace_field(field, word)
