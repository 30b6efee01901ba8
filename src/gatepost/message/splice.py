# SPDX-License-Identifier: Apache-2.0
"""Change a mail by cutting into its bytes; all that no edit names leaves as it came.

Promises: no edits, no change; an edit changes the bytes of its span and no others, so a signature over the
rest still holds. Edits are made by the functions below from a parsed mail, collected, and applied once.
"""

from collections.abc import Iterable

from gatepost.message.headers import Field
from gatepost.message.raw import Raw
from gatepost.message.tree import Entity

_LF = 10

Edit = tuple[int, int, bytes]
"""Start and end of the bytes that go, and what comes in their place."""


def splice(raw: Raw, edits: Iterable[Edit]) -> bytes:
    """Apply edits to the original bytes; inserts at one place keep their order.

    Raises ValueError when edits overlap or lie outside the mail: that is a defect of the caller.
    """
    pieces: list[bytes] = []
    position = 0
    # Sorted by place alone: two inserts at one place stay in order, and an insert goes before a cut that starts there.
    for start, end, replacement in sorted(edits, key=lambda edit: (edit[0], edit[1])):
        if not position <= start <= end <= len(raw):
            raise ValueError(f"edit {start}:{end} overlaps another or lies outside the mail")
        pieces += (raw[position:start], replacement)
        position = end
    pieces.append(raw[position:])
    return b"".join(pieces)


def prepend_headers(entity: Entity, block: bytes) -> Edit:
    """Put whole fields, each ended by CRLF, above an entity's own."""
    return (entity.header_start, entity.header_start, _line_end_before(entity, entity.header_start) + block)


def append_headers(entity: Entity, block: bytes) -> Edit:
    """Put whole fields, each ended by CRLF, below an entity's own."""
    return (entity.header_end, entity.header_end, _line_end_before(entity, entity.header_end) + block)


def remove_field(field: Field) -> Edit:
    """Take a field out, with its folds and its line end."""
    return (field.start, field.end, b"")


def replace_field(field: Field, value: bytes) -> Edit:
    """Give a field another value; `value` is on the wire as given, without its final line end."""
    return (field.value_start, field.end, b" " + value + b"\r\n")


def replace_body(entity: Entity, body: bytes) -> Edit:
    """Give an entity another body; it must be encoded as the entity's header says.

    Where an empty body had no bytes of its own, the line end that the next boundary needs is added,
    and the blank line that ends the header where that was missing.
    """
    lead = b"" if entity.body_start > entity.header_end else _line_end_before(entity, entity.header_end) + b"\r\n"
    cut_short = entity.end == entity.body_start and entity.raw[entity.end : entity.end + 2] == b"--"
    return (entity.body_start, entity.end, lead + body + (b"\r\n" if cut_short else b""))


def _line_end_before(entity: Entity, place: int) -> bytes:
    """Give the line end that is missing where a mail breaks off in a header or behind a boundary."""
    return b"" if place == 0 or entity.raw[place - 1] == _LF else b"\r\n"
