# SPDX-License-Identifier: Apache-2.0
"""Shorter ways to the same answer: a glance, one field, one mailbox and clean base64 say what the long way says."""

from base64 import b64encode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatepost.config.limits import MessageLimits
from gatepost.message.decode import _from_odd_base64, from_base64
from gatepost.message.glance import glance
from gatepost.message.headers import Headers
from gatepost.message.mailboxes import _Reading, parse_mailboxes
from gatepost.message.parse import parse
from gatepost.message.tree import Message

LIMITS = MessageLimits()
NARROW = MessageLimits(
    depth=2, message_depth=1, parts=3, headers=3, header_bytes=1000, parameters=2, continuations=2, comment_depth=2, addresses=3
)

lines = st.sampled_from(
    [
        b"From: anna@example.org",
        b"To: (a (b (c))) b@example.org, c@example.org,,,,",
        b"Subject: \xe9",
        b"MIME-Version: 1.0",
        b"mime-version: 1.0",
        b"MIME-Versions: 2",
        b"Content-Type: text/plain; charset=utf-8",
        b"content-type: multipart/mixed; boundary=b",
        b'Content-Type: multipart/signed;\r\n boundary="b"',
        b"Content-Type: message/rfc822",
        b"Content-Type: application/octet-stream;\r\n\tname=a.p7m",
        b"Content-Type: text/plain; a=b; c=d; e=f",
        b"CONTENT-TRANSFER-ENCODING: base64",
        b"Content-Transfer-Encoding: 8bit",
        b"Content-Disposition: attachment; filename=x",
        b"Content-X: y",
        b"Contents: z",
        b"Content-Type : text/html",
        b" folded",
        b"\tfolded\r",
        b" ",
        b"no field",
        b":",
        b"--b",
        b"--b--",
        b"",
        b"",
        b"text",
        b"a" * 999,
    ]
)
ends = st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""])
mails = st.lists(st.tuples(lines, ends).map(b"".join), max_size=14).map(b"".join)


def all_of(mail: Message) -> object:
    """Everything that a mail says of itself."""
    entities = [
        (one.header_start, one.header_end, one.body_start, one.end, one.content_type, one.encoding, one.headers.fields)
        for one in mail.walk()
    ]
    return mail.content_type, mail.exceeded, mail.headers.fields, entities, mail.defects, mail.raw


@given(mails, st.sampled_from([LIMITS, NARROW]), st.booleans())
@example(b"\r\n", LIMITS, True)
@example(b"", LIMITS, True)
@example(b"Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\n", LIMITS, False)
def test_a_glance_says_what_parsing_says(raw: bytes, limits: MessageLimits, defects_first: bool) -> None:
    """Whatever is asked of a mail, and in whichever order, a glance at it gives what parsing it gives."""
    seen = glance(raw, limits)
    if defects_first:
        assert seen.defects == parse(raw, limits).defects
    assert all_of(seen) == all_of(parse(raw, limits))


def test_an_outline_parts_the_header() -> None:
    """The content's fields and the others stand apart, each in their order and as they were; MIME-Version is neither."""
    raw = b"To: a\r\n b\r\nMime-Version: 1.0\r\nContent-Type: text/plain\r\nDate: x\r\ncontent-id: <1>\r\n\r\nbody"
    seen = glance(raw).outline
    assert seen is not None
    assert (seen.other_fields, seen.content_fields) == (b"To: a\r\n b\r\nDate: x\r\n", b"Content-Type: text/plain\r\ncontent-id: <1>\r\n")
    assert raw[seen.body_start :] == b"body"


def test_asking_for_what_a_mail_has_not_is_an_error() -> None:
    """A mail that was glanced at has no more attributes than another one."""
    with pytest.raises(AttributeError):
        _ = glance(b"To: a\r\n\r\n").nothing


@given(mails, st.integers(0, 9))
def test_one_field_is_found_as_among_all(block: bytes, offset: int) -> None:
    """A name that is looked for alone gives the fields that it has among all of them."""
    for name in ("from", "Content-Type", "mime-version", "no field", "content", ""):
        table = Headers(block, offset)
        assert table.fields is not None
        assert Headers(block, offset).all(name) == table.all(name)


words = st.sampled_from(
    [
        "Anna",
        "A.",
        '"Anna, B."',
        '"=?utf-8?q?x?="',
        "=?utf-8?q?J=C3=BC?=",
        "=?utf-8?q?a,b?=",
        "=?x",
        "a=?utf-8?q?x?=",
        "<anna@example.org>",
        "anna@example.org",
        "<a.b+c@example..org>",
        "<=?utf-8?q?x?=y@example.org>",
        "<a@[192.0.2.1]>",
        "<jürgen@münchen.de>",
        '<"a b"@example.org>',
        "(name)",
        ",",
        ";",
        "G:",
        " ",
        "  ",
        "\\",
        "\t",
        "",
    ]
)


@given(st.lists(words, max_size=6), st.sampled_from(["", " "]))
@example(["Anna", "<anna@example.org>"], " ")
@example(["A"] * 25 + ["<anna@example.org>"], " ")
def test_a_usual_mailbox_is_read_as_by_the_tolerant_reader(parts: list[str], between: str) -> None:
    """The short way for one name and address gives what the reader of the whole syntax gives."""
    text = between.join(parts)
    assert parse_mailboxes(text, LIMITS) == _Reading(text, LIMITS).run()


@given(st.text("AQgw=+/ \r\n*-", max_size=24).map(str.encode))
def test_clean_base64_is_read_as_by_the_tolerant_reader(encoded: bytes) -> None:
    """The strict decoder takes only what the tolerant one finds without fault, and gives the same."""
    assert from_base64(encoded) == _from_odd_base64(encoded)


@given(st.binary(max_size=120), st.integers(1, 20), st.sampled_from(["\r\n", "\n"]), st.integers(0, 200), st.sampled_from("A=\r\n *"))
def test_lines_of_base64_are_joined_as_by_the_tolerant_reader(data: bytes, width: int, end: str, place: int, odd: str) -> None:
    """Lines of one length are joined to what was encoded; where one has an octet more they give what the tolerant decoder gives."""
    text = b64encode(data).decode()
    whole = end.join(text[start : start + width] for start in range(0, len(text), width)) + end
    assert from_base64(whole.encode()) == (data, ())
    broken = (whole[:place] + odd + whole[place:]).encode()
    assert from_base64(broken) == _from_odd_base64(broken)
