# SPDX-License-Identifier: Apache-2.0
"""A mail as a tree of spans over its original bytes.

    header_start            header_end  body_start                         end
    | From: ...CRLF To: ...CRLF | CRLF | body or parts, without the CRLF that belongs to a boundary |

Nothing is copied and nothing is written back: who changes a mail makes splices (`splice.py`), and all
bytes that no splice names leave as they came. Offsets count from the beginning of the mail, also in enclosed messages.
"""

import re
from collections.abc import Iterator
from functools import cached_property

from gatepost.config.limits import MessageLimits
from gatepost.message.content_type import NO_DISPOSITION, ContentType, Disposition, parse_disposition
from gatepost.message.encoded_words import decode_words
from gatepost.message.headers import Headers
from gatepost.message.outline import Outline
from gatepost.message.raw import Raw

_RECEIVED = re.compile(rb"\nreceived[ \t]*+:", re.IGNORECASE)


class Entity:
    """One MIME entity: a mail, an enclosed message, or a part (RFC 2045 §2.4)."""

    __slots__ = ("_headers", "body_start", "children", "content_type", "encoding", "end", "header_end", "header_start", "limits", "raw")

    def __init__(self, raw: Raw, limits: MessageLimits, header_start: int, content_type: ContentType) -> None:
        self.raw, self.limits = raw, limits
        self.header_start = self.header_end = self.body_start = self.end = header_start
        self.content_type = content_type
        self.encoding = "7bit"
        """Content-Transfer-Encoding in lower case; what is unknown stays as written."""
        self.children: list[Entity] = []
        """A multipart's parts, or the one message that a message/rfc822 encloses."""
        self._headers: Headers | None = None

    @property
    def headers(self) -> Headers:
        """The header fields, read when first asked for."""
        if self._headers is None:
            self._headers = Headers(self.raw[self.header_start : self.header_end], self.header_start)
        return self._headers

    @property
    def body(self) -> bytes:
        """The body's bytes, as they stand."""
        return self.raw[self.body_start : self.end]

    @property
    def size_bytes(self) -> int:
        """The body's length."""
        return self.end - self.body_start

    @property
    def is_leaf(self) -> bool:
        """Whether there is no entity below this one."""
        return not self.children

    @property
    def disposition(self) -> Disposition:
        """The Content-Disposition (RFC 2183)."""
        field = self.headers.first("content-disposition")
        return parse_disposition(field.raw, self.limits) if field else NO_DISPOSITION

    @property
    def filename(self) -> str:
        """The suggested file name, '' when there is none: untrusted, with whatever path or blanks it brings."""
        name = self.disposition.parameters.get("filename") or self.content_type.parameters.get("name", "")
        return decode_words(name)

    def walk(self) -> "Iterator[Entity]":
        """Give this entity and all below it, in the order of the bytes."""
        waiting = [self]
        while waiting:
            entity = waiting.pop()
            yield entity
            waiting.extend(reversed(entity.children))


class Message:
    """A parsed mail: its tree, what is wrong with it, and the limit that ended the parsing, if one did."""

    outline: Outline | None = None
    """Its header in two, where the mail was only glanced at (`glance.py`)."""

    def __init__(self, root: Entity, defects: tuple[str, ...], exceeded: str | None) -> None:
        self.root, self.defects, self.exceeded = root, defects, exceeded

    @property
    def content_type(self) -> ContentType:
        """What the mail's content is."""
        return self.root.content_type

    @property
    def raw(self) -> Raw:
        """The mail's bytes."""
        return self.root.raw

    @property
    def headers(self) -> Headers:
        """The mail's own header fields."""
        return self.root.headers

    @cached_property
    def received_count(self) -> int:
        """How many Received fields the mail has, for the loop limit (RFC 5321 §6.3)."""
        root = self.root
        return len(_RECEIVED.findall(b"\n" + root.raw[root.header_start : root.header_end]))

    def walk(self) -> Iterator[Entity]:
        """Give every entity, in the order of the bytes."""
        return self.root.walk()

    def leaves(self) -> Iterator[Entity]:
        """Give every entity that has none below it."""
        return (entity for entity in self.root.walk() if not entity.children)
