# SPDX-License-Identifier: Apache-2.0
"""Canonical forms of headers and bodies, and hashing in blocks."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.message.parse import parse
from gatepost.protection.mailauth.dkim import canonical
from gatepost.protection.mailauth.dkim.body import BodyForm, hash_body
from gatepost.protection.mailauth.dkim.canonical import relaxed_body, relaxed_field, simple_body, simple_field

SOUP = st.lists(
    st.sampled_from([b"a", b"bc", b" ", b"\t", b"  \t ", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b" \r\n", b"\xff"]), max_size=40
).map(b"".join)


def plainly_relaxed(body: bytes) -> bytes:
    """Say RFC 6376 §3.4.4 line by line."""
    lines = [re.sub(rb"[ \t]+", b" ", line).removesuffix(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def plainly_simple(body: bytes) -> bytes:
    """Say RFC 6376 §3.4.3 step by step."""
    while body.endswith(b"\r\n"):
        body = body[:-2]
    return body + b"\r\n"


@given(body=SOUP, block=st.sampled_from([2, 4, 6, 8, 16, 8192]), before=st.binary(max_size=3), after=st.binary(max_size=3))
def test_blocks_make_no_difference(body: bytes, block: int, before: bytes, after: bytes):
    """Wherever blocks end, a body's canonical forms are those of the standard, and nothing around it gets in."""
    raw = before + body + after
    start, end = len(before), len(before) + len(body)
    kept, canonical.BLOCK_BYTES = canonical.BLOCK_BYTES, block
    try:
        assert b"".join(relaxed_body(raw, start, end)) == plainly_relaxed(body)
        assert b"".join(simple_body(raw, start, end)) == plainly_simple(body)
    finally:
        canonical.BLOCK_BYTES = kept


def test_the_examples_of_the_standard():
    """RFC 6376 §3.4.5, all four forms."""
    head, body = (b"A: X\r\n", b"B : Y\t\r\n\tZ  \r\n"), b" C \r\nD \t E\r\n\r\n\r\n"
    assert relaxed_field(b"a", b" X\r\n") + relaxed_field(b"b", b" Y\t\r\n\tZ  \r\n") == b"a:X\r\nb:Y Z\r\n"
    assert b"".join(map(simple_field, head)) == b"".join(head)
    assert b"".join(relaxed_body(body, 0, len(body))) == b" C\r\nD E\r\n"
    assert b"".join(simple_body(body, 0, len(body))) == b" C \r\nD \t E\r\n"


def test_an_empty_body_is_a_line_end_or_nothing():
    """Simple gives one line end, relaxed nothing (RFC 6376 §3.4.3, §3.4.4)."""
    assert (b"".join(simple_body(b"", 0, 0)), b"".join(relaxed_body(b"", 0, 0))) == (b"\r\n", b"")


@pytest.mark.parametrize(
    "body", [b"x" * 100_000, b" " * 100_000, b"x" + b" \t" * 60_000 + b"y", b"\r\n" * 60_000 + b"z", b"z" + b"\r\n" * 60_000]
)
def test_lines_and_gaps_longer_than_a_block(body: bytes):
    """A line without end, a run of blanks and a run of empty lines are canonical like any other."""
    assert b"".join(relaxed_body(body, 0, len(body))) == plainly_relaxed(body)
    assert b"".join(simple_body(body, 0, len(body))) == plainly_simple(body)


async def test_each_form_is_hashed_and_its_length_counted():
    """Lengths cut the canonical body, not the raw one; the size is the canonical body's."""
    message = parse(b"From: a\r\n\r\nab  cd \r\n\r\n")
    forms = [BodyForm(True, "sha256"), BodyForm(True, "sha256", 3), BodyForm(False, "sha1"), BodyForm(False, "sha256", 0)]
    digests = await hash_body(message, forms)
    assert [digests[form].digest for form in forms] == [
        hashlib.sha256(b"ab cd\r\n").digest(),
        hashlib.sha256(b"ab ").digest(),
        hashlib.sha1(b"ab  cd \r\n").digest(),
        hashlib.sha256(b"").digest(),
    ]
    assert [digests[form].size for form in forms] == [7, 7, 9, 9]


async def test_a_body_is_read_once_for_each_canonicalization(monkeypatch: pytest.MonkeyPatch):
    """Eight signatures over one body cost two readings of it at most."""
    from gatepost.protection.mailauth.dkim import body

    readings = []
    monkeypatch.setattr(body, "relaxed_body", lambda *place: readings.append("relaxed") or iter([b"x"]))
    monkeypatch.setattr(body, "simple_body", lambda *place: readings.append("simple") or iter([b"x"]))
    forms = [BodyForm(relaxed, "sha256", length) for relaxed in (True, False) for length in (None, 1, 2, 3)]
    await hash_body(parse(b"\r\nx"), forms)
    assert sorted(readings) == ["relaxed", "simple"]
