# SPDX-License-Identifier: Apache-2.0
"""What lies inside a layer, as a mail of its own; a large content of a clear signature stays where it is until somebody needs it apart.

Promises: an `Enclosed` is to its readers what `glance` gives for the same bytes; its header and its body cost no copy. It is made
of mails alone that were read within all limits.
"""

import re
from functools import cached_property

from gatepost.config.limits import MessageLimits
from gatepost.encryption.cms.space import LARGE, AnyBytes
from gatepost.message.content_type import ContentType
from gatepost.message.glance import glance
from gatepost.message.headers import Headers
from gatepost.message.outline import outline
from gatepost.message.parse import parse
from gatepost.message.raw import Raw
from gatepost.message.tree import Entity, Message

_HEADER_END = re.compile(rb"\A\r?\n|\n\r?\n").search


class Enclosed(Message):
    """A content inside a larger mail's bytes; who asks for `root`, `defects` or `raw` has it cut out."""

    def __init__(self, entity: Entity, start: int, end: int) -> None:
        """Take the bytes from `start` to `end` of the mail that `entity` is a part of."""
        self.entity = entity
        """The part as it was read within the mail."""
        self.within, self.start, self.end, limits = entity.raw, start, end, entity.limits
        head = bytes(self.within[start : min(end, start + limits.header_bytes + 4)])
        self.outline = seen = outline(head, limits)
        if seen is not None:
            self._headers, self._type, self.header_defects = Headers(head[: seen.header_end]), seen.content_type, None
            self.encoding, self.body_start, self.exceeded = seen.encoding, start + seen.body_start, None
        else:
            found = _HEADER_END(head)
            brief = parse(head[: found.end()] if found else head, limits)
            self._headers, self._type, self.header_defects = brief.headers, brief.content_type, brief.defects
            self.encoding, self.body_start, self.exceeded = brief.root.encoding, start + brief.root.body_start, brief.exceeded

    def __getattr__(self, name: str) -> object:
        if name in ("root", "defects"):
            return getattr(self._whole, name)
        raise AttributeError(name)

    @cached_property
    def _whole(self) -> Message:
        return glance(self.within[self.start : self.end], self.entity.limits)

    @property
    def raw(self) -> Raw:
        """The content's bytes."""
        return self._whole.raw

    @property
    def content_type(self) -> ContentType:
        """What the content is."""
        return self._type

    @property
    def headers(self) -> Headers:
        """The content's own header fields."""
        return self._headers

    @property
    def size_bytes(self) -> int:
        """The content's length."""
        return self.end - self.start


def inside(raw: Raw, limits: MessageLimits) -> Message:
    """Read a mail, or what lies inside a layer."""
    # A clear signature is one of the parts: a look at the header alone would be for nothing. It matters for speed alone.
    is_clear = raw.find(b"multipart/signed", 0, raw.find(b"\r\n\r\n")) >= 0
    return parse(raw, limits) if is_clear else glance(raw, limits)


def cut(entity: Entity, end: int) -> tuple[AnyBytes, Message]:
    """Give a part's octets from its beginning to `end`, and read them; large ones are seen where they lie."""
    start = entity.header_start
    if end - start > LARGE:
        return memoryview(entity.raw)[start:end], Enclosed(entity, start, end)
    octets = entity.raw[start:end]
    return octets, inside(octets, entity.limits)


def held_bytes(message: Message) -> int:
    """Give how much memory the inside of a layer takes."""
    return 0 if isinstance(message, Enclosed) else len(message.raw)


def body_of(message: Message) -> AnyBytes:
    """Give a body as it stands; a large one is seen where it lies."""
    if isinstance(message, Enclosed):
        return span(message.within, message.body_start, message.end)
    seen, raw = message.outline, message.raw
    if seen is None:
        return span(raw, message.root.body_start, message.root.end)
    return raw[seen.body_start :] if len(raw) <= LARGE else span(raw, seen.body_start, len(raw))


def encoding_of(message: Message) -> str:
    """Give the transfer encoding of a body."""
    if isinstance(message, Enclosed):
        return message.encoding
    return message.root.encoding if message.outline is None else message.outline.encoding


def defects_of(message: Message) -> tuple[str, ...]:
    """Give what is wrong with a mail; of a content that was not cut out, with its header at least."""
    of_header = message.header_defects if isinstance(message, Enclosed) else None
    return message.defects if of_header is None else of_header


def root_of(message: Message) -> Entity:
    """Give the tree; that of a content which was not cut out is a part of its mail's."""
    return message.entity if isinstance(message, Enclosed) else message.root


def span(raw: Raw, start: int, end: int) -> AnyBytes:
    """Give a span of bytes; a large one is seen where it lies."""
    return raw[start:end] if end - start <= LARGE else memoryview(raw)[start:end]
