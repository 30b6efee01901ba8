# SPDX-License-Identifier: Apache-2.0
"""The text of a mail that its reader sees: the subject, and all text and HTML bodies, decoded.

Promises: never raises; reads at most 768 KiB of bodies in at most 500 parts and 16 KiB of subject, so that no
mail costs more; is made once for a mail, however many filters ask. Attachments are not read.
"""

import re
from functools import cached_property
from weakref import WeakKeyDictionary

from gatepost.message.charsets import codec_of, to_text
from gatepost.message.decode import from_base64, from_quoted_printable
from gatepost.message.encoded_words import decode_words
from gatepost.message.headers import unfold
from gatepost.message.html_text import html_text
from gatepost.message.tree import Entity, Message

BODY_BYTES = 786_432
PARTS = 500
SUBJECT_BYTES = 16_384

_ATTACHMENT = re.compile(rb"(?im)^content-disposition[ \t]*+:\s*+attachment")


class Readable:
    """What was read of a mail."""

    def __init__(self, subject: str, plain: list[str], html: list[str], *, cut: bool) -> None:
        self.subject = subject
        self._plain, self._html = plain, html
        self.cut = cut
        """Whether there was more than is read."""

    @cached_property
    def body(self) -> str:
        """The bodies' text, plain ones first, parted by an empty line."""
        return "\n\n".join((*self._plain, *map(html_text, self._html)))

    @cached_property
    def is_ascii(self) -> bool:
        """Whether all of it is ASCII; told without reading HTML, which costs most (its named characters count as ASCII)."""
        return (
            self.subject.isascii()
            and all(map(str.isascii, self._plain))
            and all(text.isascii() and "&#" not in text for text in self._html)
        )


_read: "WeakKeyDictionary[Message, Readable]" = WeakKeyDictionary()


def readable_text(message: Message) -> Readable:
    """Give a mail's readable text."""
    readable = _read.get(message)
    if readable is None:
        readable = _read[message] = _readable(message)
    return readable


def _readable(message: Message) -> Readable:
    field = message.headers.first("subject")
    subject = decode_words(unfold(field.raw[:SUBJECT_BYTES])) if field else ""
    texts: dict[str, list[str]] = {"plain": [], "html": []}
    left, parts = BODY_BYTES, PARTS
    for entity in message.leaves():
        content_type = entity.content_type
        if content_type.maintype != "text" or content_type.subtype not in texts or _is_attachment(entity):
            continue
        if left <= 0 or parts <= 0:
            return Readable(subject, texts["plain"], texts["html"], cut=True)
        texts[content_type.subtype].append(_text(entity, left))
        left -= entity.size_bytes
        parts -= 1
    return Readable(subject, texts["plain"], texts["html"], cut=left < 0)


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
