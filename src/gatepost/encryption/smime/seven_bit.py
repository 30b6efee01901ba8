# SPDX-License-Identifier: Apache-2.0
"""Make a content fit for a clear signature: no octet above 127, no line that a relay would break (RFC 8551 §3.1.2, §3.1.3).

Each leaf that needs it is encoded anew, text as quoted-printable and all else as base64; nothing else changes. What cannot be
had that way (8-bit headers, text between parts, a signature inside that would break) gives None: such a content is signed opaque.
"""

import binascii
from collections.abc import Iterable, Iterator
from typing import cast

import pybase64

from gatepost.config.limits import MessageLimits
from gatepost.encryption.cms.space import LARGE, SLICE, AnyBytes, lines, slices, written
from gatepost.encryption.smime.canonical import is_paired
from gatepost.encryption.smime.enclosed import span
from gatepost.encryption.smime.frame import Pieces
from gatepost.message.parse import parse
from gatepost.message.raw import has_long_line
from gatepost.message.splice import Edit, append_headers, replace_body, replace_field, splice
from gatepost.message.tree import Entity, Message

_ENCODING = "content-transfer-encoding"
_IDENTITIES = ("7bit", "8bit", "binary")
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
    *fields, body = content
    if not isinstance(body, memoryview):
        whole = parse(b"".join(content), limits)
        found: Pieces | None = _reencoded(whole, whole.root)
    else:
        # A large body lies at the end of its mail, and its parts are read there; its own header is another one here.
        found = _reencoded(parse(cast(bytes, body.obj), limits), parse(b"".join(fields), limits).root)
    return found if found is not None and are_fit(found) else None


def _reencoded(message: Message, top: Entity) -> Pieces | None:
    """Encode what is not fit of a message's parts; `top` has the header of the whole."""
    if message.exceeded:
        return None
    edits: list[Edit] = []
    of_top: list[Edit] = []
    for entity in message.walk():
        word, body = b"", b""
        if entity.content_type.maintype == "multipart" and entity.content_type.subtype in ("signed", "encrypted"):
            if entity is message.root or not are_fit((span(entity.raw, entity.header_start, entity.end),)):
                return None
        elif entity.children:
            word = b"7bit" if entity.encoding in ("8bit", "binary") else b""
        elif not are_fit((span(entity.raw, entity.body_start, entity.end),)):
            word, body = _encoded(entity)
            edits += [replace_body(entity, body)] if word else []
        if word:
            (of_top if entity is message.root else edits).append(_encoding(top if entity is message.root else entity, word))
    if top is message.root:
        return (splice(top.raw, (*of_top, *edits)),)
    return (splice(top.raw, of_top), *_spliced(message, edits))


def _spliced(message: Message, edits: list[Edit]) -> Iterator[AnyBytes]:
    """Give the body of a large mail with its edits; what stays is seen where it lies."""
    position, view = message.root.body_start, memoryview(message.raw)
    for start, end, replacement in sorted(edits, key=lambda edit: (edit[0], edit[1])):
        yield view[position:start]
        yield replacement
        position = end
    yield view[position:]


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


def _encoded(entity: Entity) -> tuple[bytes, bytes]:
    """Give a leaf's new encoding, and its body in it; b'' where there is none."""
    if entity.encoding not in _IDENTITIES or entity.content_type.maintype == "multipart" or entity.headers.count(_ENCODING) > 1:
        # What stands in such a body is against its encoding, or readers differ in which that is; a multipart may have none.
        return b"", b""
    body = span(entity.raw, entity.body_start, entity.end)
    if entity.content_type.maintype == "text" and all(map(_is_text, lines((body,)))):
        return b"quoted-printable", written(map(quoted_printable, lines((body,))), len(body))
    return b"base64", written(base64_pieces((body,)), len(body) * 78 // 57 + SLICE)


def _is_text(block: bytes) -> bool:
    """Say whether these are lines of text; one that goes on behind so much is none that anybody reads."""
    return is_paired(block) and b"\0" not in block and (block.endswith(b"\n") or len(block) < SLICE)


def _encoding(entity: Entity, word: bytes) -> Edit:
    field = entity.headers.first(_ENCODING)
    return append_headers(entity, b"Content-Transfer-Encoding: " + word + b"\r\n") if field is None else replace_field(field, word)
