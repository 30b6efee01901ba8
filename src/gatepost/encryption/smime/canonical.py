# SPDX-License-Identifier: Apache-2.0
"""The canonical form of text: every line ends in CRLF (RFC 8551 §3.1.1).

What arrived signed is never changed. What was encrypted may have been written with bare LF by its sender, and becomes a mail
on the wire once it is decrypted; a clear signature inside was made over the canonical form.
"""

from collections.abc import Iterable

from gatepost.encryption.cms.space import LARGE, SLICE, Space, lines

_CR, _LF = b"\r\n"


def is_paired(content: bytes) -> bool:
    """Say whether CR and LF stand in pairs alone."""
    if len(content) > LARGE:
        return are_paired(lines((content,)))
    # Both replacements run at the speed of memchr; counting pairs takes twice as long.
    return content.replace(b"\r", b"").replace(b"\n", b"\r\n") == content


def are_paired(blocks: Iterable[bytes]) -> bool:
    """Say the same of blocks that are cut between lines."""
    return all(block.replace(b"\r", b"").replace(b"\n", b"\r\n") == block for block in blocks)


def canonical(content: bytes) -> bytes:
    """Give the content with CRLF for each bare LF; the very bytes when there is none."""
    if is_paired(content) or not (missing := bare_line_ends(content)):
        return content
    if len(content) <= LARGE:
        return _paired(content)
    space = Space()
    space.write(content)
    lay_out(space, missing)
    return space.octets()


def bare_line_ends(content: bytes) -> int:
    """Count the LF that have no CR before them."""
    return content.count(b"\n") - content.count(b"\r\n")


def lay_out(space: Space, missing: int) -> None:
    """Put CR before each bare LF, of which there are so many, from the end to the beginning in the same memory."""
    end = len(space)
    space.grow(missing)
    with space.view() as view:
        place = len(view)
        while end < place:
            start = max(end - SLICE, 0)
            if start and view[start] == _LF and view[start - 1] == _CR:
                start -= 1
            block = _paired(bytes(view[start:end]))
            view[place - len(block) : place] = block
            end, place = start, place - len(block)


def _paired(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
