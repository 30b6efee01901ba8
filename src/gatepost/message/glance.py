# SPDX-License-Identifier: Apache-2.0
"""A mail whose header is read now, and whose parts when somebody asks for them.

Promises: `glance` gives what `parse` gives for the same bytes, whatever is asked of it; it costs a few microseconds until a part, a
defect or, for a multipart, a limit is asked for.
"""

from gatepost.config.limits import MessageLimits
from gatepost.message.content_type import ContentType
from gatepost.message.headers import Headers
from gatepost.message.outline import Outline, outline
from gatepost.message.parse import parse
from gatepost.message.raw import Raw
from gatepost.message.tree import Entity, Message

_DEFAULTS = MessageLimits()


class _Glanced(Message):
    """A mail with an outline; `root`, `defects` and `exceeded` come into being when they are first asked for."""

    __slots__ = ("content_type", "raw")

    _headers: Headers | None = None
    content_type: ContentType
    """What the mail's content is."""
    raw: Raw
    """The mail's bytes."""

    def __init__(self, raw: Raw, limits: MessageLimits, seen: Outline) -> None:
        self.raw, self._limits, self.outline, self.content_type = raw, limits, seen, seen.content_type
        if seen.is_leaf:
            self.exceeded = None  # a header within its limits, and nothing below it

    def __getattr__(self, name: str) -> object:
        seen: Outline = self.__dict__["outline"]
        if name == "root" and seen.is_leaf:
            self.root = _leaf(self.raw, self._limits, seen)
            return self.root
        if name in ("root", "defects", "exceeded"):
            whole = parse(self.raw, self._limits)
            self.root, self.defects, self.exceeded = whole.root, whole.defects, whole.exceeded
            return self.__dict__[name]
        raise AttributeError(name)

    @property
    def headers(self) -> Headers:
        """The mail's own header fields."""
        if self._headers is None:
            self._headers = Headers(self.raw[: self.outline.header_end])  # type: ignore[union-attr]
        return self._headers


def glance(raw: Raw, limits: MessageLimits = _DEFAULTS) -> Message:
    """Read a mail's header; all else is read when it is asked for."""
    seen = outline(raw, limits)
    return parse(raw, limits) if seen is None else _Glanced(raw, limits, seen)


def _leaf(raw: Raw, limits: MessageLimits, seen: Outline) -> Entity:
    entity = Entity(raw, limits, 0, seen.content_type)
    entity.header_end, entity.body_start, entity.end = seen.header_end, seen.body_start, len(raw)
    entity.encoding = seen.encoding
    return entity
