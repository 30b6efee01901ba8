# SPDX-License-Identifier: Apache-2.0
"""Bring header fields and bodies into the form that is hashed, simple or relaxed (RFC 6376 §3.4).

Promises: lines end in CRLF, and a CR or LF alone is a byte like any other; a body is handled in blocks, so that
a large mail costs a block's memory; what has no white space to reduce is passed on as it is. Most mails are
base64 or plain words, and looking for a run of blanks is far cheaper than rewriting every line.
"""

from collections.abc import Iterator

from gatepost.message.raw import Raw

BLOCK_BYTES = 8192
_EMPTY_LINES = b"\r\n" * (BLOCK_BYTES // 2)


def relaxed(text: bytes) -> bytes:
    """Reduce each run of white space to one space, and take it away at the end of lines."""
    if b"\t" in text:
        text = text.replace(b"\t", b" ")
    elif b" " not in text:
        return text
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text.replace(b" \r\n", b"\r\n") if b" \r\n" in text else text


def relaxed_field(name: bytes, value: bytes) -> bytes:
    """Give a header field in relaxed form, CRLF included; `name` is in lower case, `value` all behind the colon."""
    value = value.replace(b"\r\n", b"")
    if b"\t" in value:
        value = value.replace(b"\t", b" ")
    while b"  " in value:
        value = value.replace(b"  ", b" ")
    return b"%b:%b\r\n" % (name, value.strip(b" "))


def simple_field(field: bytes) -> bytes:
    """Give a header field in simple form: as it stands, CRLF included."""
    return field if field.endswith(b"\r\n") else field + b"\r\n"


def simple_body(raw: Raw, start: int, end: int) -> Iterator[bytes]:
    """Give a body in simple form, block by block: as it stands, with exactly one line end at its end."""
    end = _end_of_text(raw, start, end)
    for position in range(start, end, BLOCK_BYTES):
        yield raw[position : min(position + BLOCK_BYTES, end)]
    yield b"\r\n"


def relaxed_body(raw: Raw, start: int, end: int) -> Iterator[bytes]:
    """Give a body in relaxed form, block by block; a body without text is nothing at all."""
    waiting = 0
    """Line ends that are part of the body only if text follows."""
    seen = False
    while start < end:
        cut = _cut(raw, start, end)
        block = raw[start:cut]
        start = cut
        if start == end and not block.endswith(b"\r\n"):
            block += b"\r\n"
        block = relaxed(block)
        text_bytes = len(block) - 2 * _line_ends(block)
        if text_bytes == 0:
            waiting += len(block) // 2
            continue
        yield from _empty_lines(waiting)
        seen = True
        waiting = (len(block) - text_bytes) // 2
        yield block[:text_bytes]
    if seen:
        yield b"\r\n"


def _cut(raw: Raw, start: int, end: int) -> int:
    """Find where a block may end: behind a line, else behind a byte that is neither white space nor CR."""
    size = BLOCK_BYTES
    while start + size < end:
        line_end = raw.rfind(b"\n", start, start + size) + 1
        if line_end:
            return line_end
        text = len(raw[start : start + size].rstrip(b" \t\r"))
        if text:
            return start + text
        size *= 2
    return end


def _empty_lines(count: int) -> Iterator[bytes]:
    most = len(_EMPTY_LINES) // 2
    while count > 0:
        yield _EMPTY_LINES[: 2 * min(count, most)]
        count -= most


def _line_ends(block: bytes) -> int:
    """Count the line ends, CRLF each, at the end of a block."""
    tail = block[len(block.rstrip(b"\r\n")) :]
    if not tail.endswith(b"\n"):
        return 0
    # What is left when all doubled characters are behind us alternates between CR and LF.
    start = max(tail.rfind(b"\r\r"), tail.rfind(b"\n\n")) + 1
    return (len(tail) - start) // 2


def _end_of_text(raw: Raw, start: int, end: int) -> int:
    """Find where a body ends without its last line ends."""
    while end > start:
        block = raw[max(start, end - BLOCK_BYTES) : end]
        cut = 2 * _line_ends(block)
        end -= cut
        if cut < len(block):
            break
    return end
