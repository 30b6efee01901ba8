# SPDX-License-Identifier: Apache-2.0
"""What a strict receiver reads from the wire is the content, and nothing else."""

import itertools
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatepost.smtp.client.stuffing import BareLineEnd, Stuffer, has_bare_line_end, stuffed


def received(wire: bytes) -> bytes:
    """Read content as a strict receiver does: up to CRLF.CRLF, one leading dot off each line."""
    line_started = b"\r\n" + wire
    end = line_started.index(b"\r\n.\r\n")
    assert end + 5 == len(line_started), "the content ends before its end"
    lines = line_started[2 : end + 2].split(b"\r\n")
    return b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)


def in_pieces(content: bytes, cuts: list[int]) -> bytes:
    """Stuff content piece by piece."""
    stuffer = Stuffer()
    borders = sorted({0, *(cut for cut in cuts if cut < len(content)), len(content)})
    wire = b"".join(stuffer.piece(content[start:end]) for start, end in itertools.pairwise(borders))
    return wire + stuffer.end()


CLEAN = st.lists(st.sampled_from([b"\r\n", b".", b"..", b"a", b"line", b"\r\n.", b".\r\n", b"\x00", b"\xff"]), max_size=30).map(b"".join)
CUTS = st.lists(st.integers(0, 80), max_size=12)


@given(CLEAN)
@example(b"")
@example(b".")
@example(b".\r\n")
@example(b"\r\n.\r\n")
@example(b"a\r\n.\r\n..\r\n.b")
def test_a_strict_receiver_gets_the_content(content):
    """Unstuffed, the wire is the content, with a CRLF at its end."""
    whole = content if content.endswith(b"\r\n") or not content else content + b"\r\n"
    assert received(stuffed(content)) == whole


@given(CLEAN, CUTS)
def test_pieces_make_the_same_wire_as_the_whole(content, cuts):
    """No border between pieces is seen on the wire, not even within CRLF or before a dot."""
    assert in_pieces(content, cuts) == stuffed(content)


def test_one_byte_pieces_make_the_same_wire():
    """The smallest pieces are stuffed as well."""
    content = b".a\r\n.\r\n..b\r\n\r\n.c"
    assert in_pieces(content, list(range(len(content)))) == stuffed(content)


ANY = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a", b"\x85", b"\x0b", b"\x00"]), max_size=12).map(b"".join)


def bare(content: bytes) -> bool:
    """Tell by another way whether a CR or LF stands alone."""
    return re.search(rb"\r(?!\n)|(?<!\r)\n", content) is not None


@given(ANY, CUTS)
@example(b"a\r", [])
@example(b"\r\r\n", [1])
@example(b"a\rb\n", [])
@example(b"\n", [])
def test_a_bare_line_end_never_leaves(content, cuts):
    """A lone CR or LF is refused wherever it stands, and only then."""
    assert has_bare_line_end(content) == bare(content)
    if bare(content):
        with pytest.raises(BareLineEnd):
            stuffed(content)
        with pytest.raises(BareLineEnd):
            in_pieces(content, cuts)
    else:
        assert in_pieces(content, cuts) == stuffed(content)
