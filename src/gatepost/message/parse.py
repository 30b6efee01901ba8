# SPDX-License-Identifier: Apache-2.0
"""Parse a mail into a tree of spans: one pass, no recursion, no exception.

Promises: `parse` takes any bytes and gives a `Message`; its time grows with the mail's length alone, also
for a mail made to be slow; a limit of MessageLimits that is hit is named in `exceeded` and ends the parsing there.
An outer boundary ends all inner parts; so a message in a message cannot hide what follows it.
"""

from gatepost.config.limits import MessageLimits
from gatepost.message import defects
from gatepost.message.boundaries import Boundaries, Delimiter
from gatepost.message.content_type import MESSAGE_RFC822, TEXT_PLAIN, ContentType
from gatepost.message.inspect_header import ENCODINGS_THAT_HIDE, inspect_header
from gatepost.message.raw import BlankLines, Raw, has_long_line
from gatepost.message.tree import Entity, Message

_FALSE_BOUNDARIES = 100
"""Lines that look like a boundary and are none, for each entity that the limit `parts` allows."""

_CR = 13
_LF = 10

_DEFAULTS = MessageLimits()


def parse(raw: Raw, limits: MessageLimits = _DEFAULTS) -> Message:
    """Parse a mail's wire bytes (line ends CRLF; LF alone is understood too)."""
    run = _Run(raw, limits)
    root = run.tree()
    found = run.found
    if raw.find(b"\0") >= 0:
        found[defects.NUL_BYTE] = None
    if has_long_line(raw):
        found[defects.LONG_LINE] = None
    if len(raw) and raw[-1] != _LF:
        found[defects.NO_FINAL_LINE_END] = None
    return Message(root, tuple(found), run.exceeded)


class _Run:
    """One parsing run: the path of open entities from the root down, and the boundaries that may come next."""

    __slots__ = ("blank_lines", "boundaries", "end", "exceeded", "found", "limits", "messages", "parts", "path", "raw")

    def __init__(self, raw: Raw, limits: MessageLimits) -> None:
        self.raw, self.limits, self.end = raw, limits, len(raw)
        self.found: dict[str, None] = {}
        self.exceeded: str | None = None
        self.path: list[Entity] = []
        self.messages = self.parts = 0
        self.boundaries = Boundaries(raw, _FALSE_BOUNDARIES * limits.parts)
        self.blank_lines = BlankLines(raw)

    def tree(self) -> Entity:
        """Build the tree and give its root."""
        position = self._open_entity(0, TEXT_PLAIN, whole=True)
        root, boundaries = self.path[0], self.boundaries
        while boundaries.levels and self.exceeded is None:
            delimiter = boundaries.find(position, self.end)
            if delimiter is None:
                break
            position = self._pass(delimiter)
        if boundaries.worn_out and self.exceeded is None:
            self.exceeded = "parts"
        if boundaries.doubtful:
            self.found[defects.DOUBTFUL_BOUNDARY] = None
        self._close(0, self.end)
        return root

    def _pass(self, delimiter: Delimiter) -> int:
        """End and begin parts at a boundary line; give where to look for the next one."""
        at, line_end, level, closing = delimiter
        # The line end before a boundary belongs to the boundary (RFC 2046 §5.1.1).
        self._close(level + 1, at - 1 if self.raw[at - 1] == _CR else at)
        multipart = self.path[-1]
        if closing:
            self._end_of_parts(multipart)
            return line_end
        default = MESSAGE_RFC822 if multipart.content_type.subtype == "digest" else TEXT_PLAIN
        return self._open_entity(min(line_end + 1, self.end), default)

    def _open_entity(self, start: int, default: ContentType, whole: bool = False) -> int:
        """Open an entity, and what it encloses while that is a message; give where to look for the next boundary."""
        path, limits = self.path, self.limits
        while True:
            self.parts += 1
            if self.parts > limits.parts or len(path) >= limits.depth:
                self.exceeded = "parts" if self.parts > limits.parts else "depth"
                return start
            entity = Entity(self.raw, limits, start, default)
            if path:
                path[-1].children.append(entity)
            path.append(entity)
            cut = self._find_header(entity)
            if self.exceeded is None:
                self._look_over(entity, whole)
            if self.exceeded is not None or cut is not None:
                return start if cut is None else cut
            maintype = entity.content_type.maintype
            if maintype == "multipart":
                self._begin_of_parts(entity)
            elif maintype == "message" and entity.content_type.subtype in {"rfc822", "global"} and self._encloses(entity):
                start, default, whole = entity.body_start, TEXT_PLAIN, True
                continue
            # An empty line before the body ends in LF, and the first boundary may follow at once.
            return max(entity.body_start - 1, 0)

    def _find_header(self, entity: Entity) -> int | None:
        """Set where the header ends and the body starts; give the place of a boundary that cuts the header off."""
        start = entity.header_start
        lead = self.raw[start : start + 2]
        if lead[:1] == b"\n" or lead == b"\r\n":
            entity.body_start = start + (1 if lead[:1] == b"\n" else 2)
            return None
        blank = self.blank_lines.after(start)
        if self.boundaries.levels:
            delimiter = self.boundaries.find(start - 1, blank)
            if delimiter is not None:
                cut = delimiter[0]
                entity.header_end = entity.body_start = max(cut + 1, start)
                if cut >= start:
                    self.found[defects.PART_WITHOUT_BLANK_LINE] = None
                return cut
        if blank - start > self.limits.header_bytes:
            self.exceeded = "header_bytes"
            last_line_end = self.raw.rfind(b"\n", start, start + self.limits.header_bytes)
            entity.header_end = entity.body_start = last_line_end + 1 if last_line_end >= 0 else start
        elif blank >= self.end:
            entity.header_end = entity.body_start = self.end
        else:
            entity.header_end = blank + 1
            entity.body_start = blank + (3 if self.raw[blank + 1] == _CR else 2)
        return None

    def _look_over(self, entity: Entity, whole: bool) -> None:
        """Take from the header what decides how its body is read."""
        header = self.raw[entity.header_start : entity.header_end]
        content_type, encoding, found, exceeded = inspect_header(header, self.limits, whole)
        if content_type is not None:
            entity.content_type = content_type
        if encoding is not None:
            entity.encoding = encoding
        for defect in found:
            self.found[defect] = None
        self.exceeded = exceeded

    def _encloses(self, entity: Entity) -> bool:
        """Whether a message/rfc822 entity's body is to be read as a mail."""
        if entity.encoding in ENCODINGS_THAT_HIDE:
            self.found[defects.ENCODED_MESSAGE] = None
            return False
        if entity.body_start >= self.end:
            return False
        if self.messages >= self.limits.message_depth:
            self.exceeded = "message_depth"
            return False
        self.messages += 1
        return True

    def _begin_of_parts(self, entity: Entity) -> None:
        if entity.encoding in ENCODINGS_THAT_HIDE:
            self.found[defects.ENCODED_MULTIPART] = None
        boundary = entity.content_type.boundary
        if not boundary:
            self.found[defects.MISSING_BOUNDARY] = None
            return
        if len(boundary) > 70:
            self.found[defects.LONG_BOUNDARY] = None
        if not self.boundaries.open(boundary, len(self.path) - 1):
            self.found[defects.REPEATED_BOUNDARY] = None

    def _end_of_parts(self, entity: Entity) -> None:
        if not entity.children:
            self.found[defects.NO_PARTS] = None
        self.boundaries.forget()

    def _close(self, level: int, at: int) -> None:
        """End every open entity from this level down."""
        path, boundaries = self.path, self.boundaries
        while len(path) > level:
            entity = path.pop()
            if boundaries.levels and boundaries.levels[-1] == len(path):
                if self.exceeded is None:
                    self.found[defects.MISSING_FINAL_BOUNDARY] = None
                self._end_of_parts(entity)
            if entity.children and entity.content_type.maintype == "message":
                self.messages -= 1
            # A part that is cut off ends where it began, so an outer one can end no earlier.
            at = entity.end = max(at, entity.body_start)
