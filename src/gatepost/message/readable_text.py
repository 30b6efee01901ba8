# SPDX-License-Identifier: Apache-2.0
"""The text of a mail that its reader sees: the subject, and all text and HTML bodies, decoded.

Promises: never raises; reads at most 1 MiB of bodies in at most 500 parts and 16 KiB of subject, so that no
mail costs more; is made once for a mail, however many filters ask. Attachments are not read.
"""

import re
from typing import NamedTuple
from weakref import WeakKeyDictionary

from gatepost.message.charsets import codec_of, to_text
from gatepost.message.decode import from_base64, from_quoted_printable
from gatepost.message.encoded_words import decode_words
from gatepost.message.headers import unfold
from gatepost.message.html_text import html_text
from gatepost.message.tree import Entity, Message

BODY_BYTES = 1_048_576
PARTS = 500
SUBJECT_BYTES = 16_384

_ATTACHMENT = re.compile(rb"(?im)^content-disposition[ \t]*+:\s*+attachment")


class Readable(NamedTuple):
    """What was read of a mail."""

    subject: str
    body: str
    cut: bool = False
    """Whether there was more than is read."""


_read: "WeakKeyDictionary[Message, Readable]" = WeakKeyDictionary()


def readable_text(message: Message) -> Readable:
    """Give a mail's readable text; parts are parted by an empty line."""
    readable = _read.get(message)
    if readable is None:
        readable = _read[message] = _readable(message)
    return readable


def _readable(message: Message) -> Readable:
    field = message.headers.first("subject")
    subject = decode_words(unfold(field.raw[:SUBJECT_BYTES])) if field else ""
    texts: list[str] = []
    left, cut = BODY_BYTES, False
    for entity in message.leaves():
        content_type = entity.content_type
        if content_type.maintype != "text" or content_type.subtype not in ("plain", "html") or _is_attachment(entity):
            continue
        if left <= 0 or len(texts) >= PARTS:
            cut = True
            break
        cut = cut or entity.size_bytes > left
        text = _text(entity, left)
        left -= min(entity.size_bytes, left)
        texts.append(html_text(text) if content_type.subtype == "html" else text)
    return Readable(subject, "\n\n".join(texts), cut)


def _is_attachment(entity: Entity) -> bool:
    return _ATTACHMENT.search(entity.raw[entity.header_start : entity.header_end]) is not None


def _text(entity: Entity, limit: int) -> str:
    """Decode a part's first bytes."""
    start, end = entity.body_start, entity.end
    whole = end - start <= limit
    data = entity.raw[start : end if whole else start + limit]
    if entity.encoding == "base64":
        data = from_base64(data).data
    elif entity.encoding == "quoted-printable":
        data = from_quoted_printable(data).data
    charset = entity.content_type.parameters.get("charset", "")
    if not whole and codec_of(charset) in ("utf_8", None):
        data = _whole_characters(data)
    return to_text(data, charset)[0]


def _whole_characters(data: bytes) -> bytes:
    """Take away a UTF-8 character that was cut at the end."""
    for back in range(1, min(4, len(data)) + 1):
        if data[-back] >= 0xC0:
            return data[:-back]
        if data[-back] < 0x80:
            break
    return data
