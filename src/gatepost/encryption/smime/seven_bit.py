# SPDX-License-Identifier: Apache-2.0
"""Make a content fit for a clear signature: no octet above 127, no line that a relay would break (RFC 8551 §3.1.2, §3.1.3).

Each leaf that needs it is encoded anew, text as quoted-printable and all else as base64; nothing else changes. What cannot be
had that way (8-bit headers, text between parts, a signature inside that would break) gives None: such a content is signed opaque.
"""

import binascii

import pybase64

from gatepost.config.limits import MessageLimits
from gatepost.encryption.smime.canonical import is_paired
from gatepost.message.parse import parse
from gatepost.message.raw import has_long_line
from gatepost.message.splice import Edit, append_headers, replace_body, replace_field, splice
from gatepost.message.tree import Entity


def is_fit(content: bytes) -> bool:
    """Say whether a content survives every relay as it is."""
    return content.isascii() and b"\0" not in content and is_paired(content) and not has_long_line(content)


def seven_bit(content: bytes, limits: MessageLimits) -> bytes | None:
    """Give a content that is fit; None when there is no such form of it."""
    if is_fit(content):
        return content
    message = parse(content, limits)
    if message.exceeded:
        return None
    edits: list[Edit] = []
    for entity in message.walk():
        if entity.content_type.maintype == "multipart" and entity.content_type.subtype in ("signed", "encrypted"):
            if not is_fit(bytes(entity.raw[entity.header_start : entity.end])):
                return None
        elif entity.children:
            if entity.encoding in ("8bit", "binary"):
                edits.append(_encoding(entity, b"7bit"))
        elif not is_fit(entity.body):
            edits.extend(_encoded(entity))
    written = splice(content, edits)
    return written if is_fit(written) else None


def base64_lines(data: bytes) -> bytes:
    """Encode as base64 in lines of 76 characters, the last one's end included."""
    return pybase64.encodebytes(data).replace(b"\n", b"\r\n")


def quoted_printable(data: bytes) -> bytes:
    """Encode text whose lines end in CRLF."""
    return b"\r\n".join(binascii.b2a_qp(line, istext=True).replace(b"=\n", b"=\r\n") for line in data.split(b"\r\n"))


def _encoded(entity: Entity) -> list[Edit]:
    body = entity.body
    if entity.encoding in ("base64", "quoted-printable"):
        return []  # what stands in such a body is against its encoding; nobody knows what was meant
    if entity.content_type.maintype == "text" and is_paired(body) and b"\0" not in body:
        return [_encoding(entity, b"quoted-printable"), replace_body(entity, quoted_printable(body))]
    return [_encoding(entity, b"base64"), replace_body(entity, base64_lines(body))]


def _encoding(entity: Entity, word: bytes) -> Edit:
    field = entity.headers.first("content-transfer-encoding")
    return append_headers(entity, b"Content-Transfer-Encoding: " + word + b"\r\n") if field is None else replace_field(field, word)
