# SPDX-License-Identifier: Apache-2.0
"""The files that a mail brings, as far as its structure tells: names, types and sizes, nothing is decoded (RFC 2183, RFC 2045).

A file is what is marked as an attachment or has a name, and everything that is neither text nor a container. An enclosed
mail is one file: what it brings in turn is not looked at.
"""

from collections.abc import Iterator

from gatepost.message.content_type import NO_DISPOSITION
from gatepost.message.raw import Raw
from gatepost.message.tree import Entity, Message
from gatepost.tracking.bounds import MARK, Bounds, line
from gatepost.tracking.record import AttachmentEntry

_PARTS_LOOKED_AT = 500
_LINE_LOOKED_AT = 1000


def attachments(message: Message, bounds: Bounds) -> tuple[AttachmentEntry, ...]:
    """Give a mail's files in the order of its bytes; a mark stands for those beyond the bound."""
    entries: list[AttachmentEntry] = []
    for part in _files(message.root):
        if part is None or len(entries) == bounds.attachments:
            entries.append(AttachmentEntry(MARK, "", 0))
            break
        kind = line(part.content_type.full, bounds.name)
        entries.append(AttachmentEntry(line(part.filename, bounds.name), kind, decoded_size(part)))
    return tuple(entries)


def decoded_size(part: Entity) -> int:
    """Tell how many bytes a part stands for; of base64 with lines of one length this is exact."""
    size = part.size_bytes
    if part.encoding != "base64":
        return size
    raw, start, end = part.raw, part.body_start, part.end
    first_end = raw.find(b"\n", start, min(end, start + _LINE_LOOKED_AT))
    if first_end >= 0:
        length = first_end + 1 - start
        line_end = 2 if raw[first_end - 1 : first_end] == b"\r" else 1
        whole, rest = divmod(size, length)
        size = whole * (length - line_end) + _without_line_end(raw, end, rest)
    return max(size // 4 * 3 - raw[max(start, end - 4) : end].count(b"="), 0)


def _without_line_end(raw: Raw, end: int, rest: int) -> int:
    return rest - len(raw[end - rest : end]) + len(raw[end - rest : end].rstrip(b"\r\n")) if rest else 0


def _files(root: Entity) -> Iterator[Entity | None]:
    """Give the parts that are files; None at last when there are too many parts to look at."""
    waiting, looked_at = [root], 0
    while waiting:
        part = waiting.pop()
        looked_at += 1
        if looked_at > _PARTS_LOOKED_AT:
            yield None
            return
        maintype = part.content_type.maintype
        if maintype == "multipart":
            waiting.extend(reversed(part.children))
        elif maintype != "text" or _is_marked(part):
            yield part


def _is_marked(part: Entity) -> bool:
    """Whether a text is a file: by its disposition, or by a name."""
    if "name" in part.content_type.parameters:
        return True
    if b"content-disposition" not in part.raw[part.header_start : part.header_end].lower():
        return False
    disposition = part.disposition
    return disposition is not NO_DISPOSITION and (disposition.value not in ("", "inline") or "filename" in disposition.parameters)
