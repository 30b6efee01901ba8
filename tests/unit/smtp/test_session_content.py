# SPDX-License-Identifier: Apache-2.0
"""The reading of content against the simplest thing that can be right: all at once, byte by byte."""

import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.smtp.session.content import Content, has_bare_line_end

BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
LETTERS = st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"\r\n..", b"x", b"\0", b"\xff"])
CONTENT = st.lists(LETTERS, max_size=40).map(b"".join)


def cut(wire: bytes, edges: list[int]) -> list[bytes]:
    places = sorted({0, len(wire), *(edge % (len(wire) + 1) for edge in edges)})
    return [wire[a:b] for a, b in pairwise(places)]


def expected(wire: bytes) -> tuple[bytes | None, bytes | None]:
    """Give the content of DATA (None: refused) and what follows its end; (None, None) when it does not end."""
    end = (b"\r\n" + wire).find(b"\r\n.\r\n")
    if end < 0:
        return None, None
    block, rest = (b"\r\n" + wire)[: end + 2], wire[end + 3 :]
    return (None if BARE.search(block) else b"\r\n".join(line.removeprefix(b".") for line in block.split(b"\r\n"))[2:]), rest


@given(CONTENT)
def test_bare_line_ends_are_found_wherever_they_are(block):
    """The fast check says what the definition says."""
    assert has_bare_line_end(block) == bool(BARE.search(block))


@given(CONTENT, CONTENT, st.lists(st.integers(0, 200), max_size=5))
@settings(max_examples=400)
def test_data_is_the_same_however_it_is_cut(start, more, edges):
    """End, content, refusal and what follows do not depend on segments."""
    wire = start + more + b"\r\n.\r\nNOOP\r\n"
    content, rest = Content(10_000), None
    content.begin_data()
    parts = cut(wire, edges)
    for number, part in enumerate(parts):
        rest = content.read_data(part)
        if rest is not None:
            rest += b"".join(parts[number + 1 :])
            break
    taken, after = expected(wire)
    assert rest == after
    assert content.bare_line_end == (taken is None)
    assert content.take() == (taken or b"")
    if taken is not None:
        assert (content.size, content.eight_bit) == (len(taken), not taken.isascii())


@given(st.lists(CONTENT, max_size=6))
def test_chunks_are_their_sum(chunks):
    """Whatever the borders: the content is all chunks in order, refused when a CR or LF stands alone in the whole."""
    content = Content(10_000)
    for chunk in chunks:
        content.read_chunk(chunk)
    content.end_chunks()
    whole = b"".join(chunks)
    assert content.bare_line_end == bool(BARE.search(whole))
    assert content.take() == (b"" if content.bare_line_end else whole)


@given(st.integers(0, 300), st.booleans())
def test_one_byte_over_the_limit_is_too_big(size, chunked):
    """At the limit it passes, beyond it nothing is kept, and the end is still found."""
    content = Content(200)
    if chunked:
        content.read_chunk(b"x" * size)
        content.end_chunks()
    else:
        content.begin_data()
        assert content.read_data(b"x" * size + b"\r\n.\r\nrest") == b"rest"
        size += 2
    assert content.too_big == (size > 200)
    assert len(content.take()) == (0 if size > 200 else size)


def test_what_is_taken_away_is_not_missed():
    """A driver may take `kept` at any time; the size counts on."""
    content = Content(10_000)
    content.begin_data()
    taken = b""
    for part in (b"one\r\n", b"two\r", b"\n..three\r\n."):
        assert content.read_data(part) is None
        taken += content.take()
    assert content.read_data(b"\r\n") == b""
    assert taken + content.take() == b"one\r\ntwo\r\n.three\r\n"
    assert content.size == len(b"one\r\ntwo\r\n.three\r\n")
