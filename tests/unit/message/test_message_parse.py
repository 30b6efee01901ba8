# SPDX-License-Identifier: Apache-2.0
"""A mail becomes a tree of spans; what is wrong with it is named, and never stops it."""

import mmap
import time
from pathlib import Path

import msgspec
import pytest

from gatepost.config.limits import MessageLimits
from gatepost.message import defects
from gatepost.message.parse import parse
from gatepost.message.tree import Entity

FROM = b"From: a@example.org\r\n"
MULTIPART = FROM + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
LIMITS = MessageLimits()


def shape(entity: Entity) -> str:
    """Write a tree as text: type and, in brackets, what is below."""
    below = " ".join(shape(child) for child in entity.children)
    return f"{entity.content_type.full}[{below}]" if below else entity.content_type.full


def test_a_plain_mail_is_header_and_body() -> None:
    """Header and body are spans of the mail, the empty line between them belongs to neither."""
    message = parse(FROM + b"Subject: x\r\n\r\nhello\r\n")
    root = message.root
    assert (root.header_start, root.header_end, root.body_start, root.end) == (0, 33, 35, 42)
    assert (root.body, root.encoding, message.defects, message.exceeded) == (b"hello\r\n", "7bit", (), None)


def test_parts_end_before_the_line_end_of_the_boundary() -> None:
    """Preamble and epilogue are nobody's; the line end before a boundary is the boundary's."""
    message = parse(MULTIPART + b"preamble\r\n--b\r\n\r\none\r\n--b  \r\nContent-Type: text/html\r\n\r\ntwo\r\n\r\n--b--\r\nepilogue\r\n")
    assert shape(message.root) == "multipart/mixed[text/plain text/html]"
    assert [leaf.body for leaf in message.leaves()] == [b"one", b"two\r\n"]
    assert message.defects == ()


def test_enclosed_messages_and_digests_are_looked_into() -> None:
    """A message/rfc822 part, and a digest's part without a type, are parsed as mails."""
    inner = MULTIPART + b"--b\r\n\r\nx\r\n--b--\r\n"
    outer = FROM + b"Content-Type: multipart/digest; boundary=o\r\n\r\n--o\r\n\r\n" + inner
    message = parse(outer + b"--o\r\nContent-Type: message/rfc822\r\n\r\n" + FROM + b"\r\nhi\r\n--o--\r\n")
    assert shape(message.root) == ("multipart/digest[message/rfc822[multipart/mixed[text/plain]] message/rfc822[text/plain]]")


def test_an_outer_boundary_ends_all_inner_parts() -> None:
    """A boundary of an outer multipart cannot be hidden in an inner one that is never closed."""
    inner = b"--b\r\nContent-Type: multipart/alternative; boundary=bb\r\n\r\n--bb\r\n\r\nx\r\n"
    message = parse(MULTIPART + inner + b"--b\r\nContent-Type: text/html\r\n\r\ny\r\n--b--\r\n")
    assert shape(message.root) == "multipart/mixed[multipart/alternative[text/plain] text/html]"
    assert message.defects == (defects.MISSING_FINAL_BOUNDARY,)


def test_a_boundary_that_begins_another_is_not_taken_for_it() -> None:
    """Of `b` and `bb`, each line is that one's which it names in full."""
    message = parse(
        MULTIPART + b"--b\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\n1\r\n--bb--\r\n--b\r\n\r\n2\r\n--b--\r\n"
    )
    assert shape(message.root) == "multipart/mixed[multipart/mixed[text/plain] text/plain]"


def test_line_ends_of_lf_alone_are_understood() -> None:
    """A stored mail with LF line ends has the same tree as its wire form."""
    wire = MULTIPART + b"--b\r\n\r\none\r\n--b--\r\n"
    stored = wire.replace(b"\r\n", b"\n")
    assert shape(parse(stored).root) == shape(parse(wire).root)
    assert [leaf.body for leaf in parse(stored).leaves()] == [b"one"]


def test_a_mapped_file_is_parsed_like_bytes(tmp_path: Path) -> None:
    """A large mail is parsed from a memory map, with the same answer."""
    raw = MULTIPART + b"--b\r\n\r\none\r\n--b--\r\n"
    path = tmp_path / "mail"
    path.write_bytes(raw)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        message = parse(mapped)
        assert shape(message.root) == shape(parse(raw).root)
        assert message.root.headers.text("from") == "a@example.org"


DEFECTIVE = [
    (defects.NUL_BYTE, FROM + b"\r\na\0b\r\n"),
    (defects.LONG_LINE, FROM + b"\r\n" + b"x" * 999 + b"\r\n"),
    (defects.LONG_LINE, FROM + b"\r\n" + b"x" * 999 + b"\r\n" + b"y\r\n" * 900),
    (defects.NO_FINAL_LINE_END, FROM + b"\r\nx"),
    (defects.NO_HEADER, b"\r\nbody\r\n"),
    (defects.EIGHT_BIT_HEADER, FROM + b"Subject: \xfc\r\n\r\nx\r\n"),
    (defects.HEADER_WITHOUT_COLON, FROM + b"no field\r\n\r\nx\r\n"),
    (defects.HEADER_WITHOUT_COLON, FROM + b"bad name: x\r\n\r\nx\r\n"),
    (defects.MBOX_FROM_LINE, b"From a@example.org Mon Jan  1 00:00:00 2026\r\n" + FROM + b"\r\nx\r\n"),
    (defects.DUPLICATE_FIELD, FROM + b"FROM: b@example.org\r\n\r\nx\r\n"),
    (defects.DUPLICATE_FIELD, FROM + b"Subject: 1\r\nSubject : 2\r\n\r\nx\r\n"),
    (defects.DUPLICATE_CONTENT_TYPE, FROM + b"Content-Type: text/plain\r\ncontent-type: text/html\r\n\r\nx\r\n"),
    (defects.DUPLICATE_TRANSFER_ENCODING, FROM + b"Content-Transfer-Encoding: 7bit\r\n" * 2 + b"\r\nx\r\n"),
    (defects.UNKNOWN_TRANSFER_ENCODING, FROM + b"Content-Transfer-Encoding: rot13\r\n\r\nx\r\n"),
    (defects.ENCODED_MULTIPART, b"Content-Transfer-Encoding: base64\r\n" + MULTIPART + b"--b\r\n\r\nx\r\n--b--\r\n"),
    (defects.ENCODED_MESSAGE, b"Content-Transfer-Encoding: base64\r\nContent-Type: message/rfc822\r\n\r\nQQ==\r\n"),
    (defects.MALFORMED_CONTENT_TYPE, FROM + b"Content-Type: text\r\n\r\nx\r\n"),
    (defects.MISSING_BOUNDARY, FROM + b"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx\r\n"),
    (defects.LONG_BOUNDARY, FROM + b"Content-Type: multipart/mixed; boundary=%b\r\n\r\nx\r\n" % (b"b" * 71)),
    (defects.REPEATED_BOUNDARY, MULTIPART + b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\n--b--\r\n"),
    (defects.NO_PARTS, MULTIPART + b"text\r\n"),
    (defects.NO_PARTS, MULTIPART + b"--b--\r\n"),
    (defects.MISSING_FINAL_BOUNDARY, MULTIPART + b"--b\r\n\r\nx\r\n"),
    (defects.DOUBTFUL_BOUNDARY, MULTIPART + b"--b\r\n\r\nx\r\n--b and more\r\n\r\nhidden\r\n--b--\r\n"),
    (defects.PART_WITHOUT_BLANK_LINE, MULTIPART + b"--b\r\nContent-Type: text/html\r\n--b--\r\n"),
    (defects.MALFORMED_PARAMETER, FROM + b"Content-Type: text/plain; charset\r\n\r\nx\r\n"),
    (defects.DUPLICATE_PARAMETER, FROM + b"Content-Type: text/plain; a=1; a=2\r\n\r\nx\r\n"),
    (defects.UNCLOSED_QUOTE, FROM + b'Content-Type: text/plain; charset="utf-8\r\n\r\nx\r\n'),
    (defects.UNCLOSED_COMMENT, FROM + b"Content-Type: text/plain (plain\r\n\r\nx\r\n"),
]


@pytest.mark.parametrize(("defect", "raw"), DEFECTIVE, ids=[f"{n}-{defect}" for n, (defect, _) in enumerate(DEFECTIVE)])
def test_a_defect_is_named(defect: str, raw: bytes) -> None:
    """Each structural defect is found and is in the catalogue."""
    message = parse(raw)
    assert defect in message.defects
    assert set(message.defects) <= set(defects.SENTENCES)
    assert message.exceeded is None


def test_a_line_of_998_bytes_is_no_defect() -> None:
    """The longest line that RFC 5322 allows passes, wherever it stands."""
    line = b"x" * 998 + b"\r\n"
    assert parse(FROM + b"\r\n" + line * 3).defects == ()
    assert parse(FROM + b"\r\n" + line * 3 + b"short\r\n" + line).defects == ()


def test_the_catalogue_has_a_sentence_for_each_defect() -> None:
    """Every name in the catalogue has its sentence, and none is used twice."""
    names = [value for name, value in vars(defects).items() if name.isupper() and isinstance(value, str)]
    assert sorted(names) == sorted(defects.SENTENCES)


def nested(levels: int) -> bytes:
    return b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(levels))


ADDRESSES = b"To: " + b"a@example.org, " * 10 + b"a@example.org\r\n"
EXCEEDING = [
    ("depth", {"depth": 4}, nested(4) + b"\r\n", nested(3) + b"\r\n"),
    (
        "message_depth",
        {"message_depth": 3},
        b"Content-Type: message/rfc822\r\n\r\n" * 4 + FROM,
        b"Content-Type: message/rfc822\r\n\r\n" * 3 + FROM,
    ),
    ("parts", {"parts": 4}, MULTIPART + b"--b\r\n\r\n" * 4, MULTIPART + b"--b\r\n\r\n" * 3),
    ("headers", {"headers": 5}, b"A: b\r\n" * 6 + b"\r\n", b"A: b\r\n" * 5 + b"\r\n"),
    ("header_bytes", {"header_bytes": 1000}, b"A: " + b"b\r\n " * 300, b"A: " + b"b\r\n " * 200),
    (
        "parameters",
        {"parameters": 5},
        b"Content-Type: a/b" + b"; a=1" * 6 + b"\r\n\r\n",
        b"Content-Type: a/b; a=1; b=1; c=1; d=1; e=1\r\n\r\n",
    ),
    ("parameters", {"parameters": 5}, b"Content-Disposition: a" + b"; a=1" * 6 + b"\r\n\r\n", b"Content-Disposition: a; b=1\r\n\r\n"),
    ("continuations", {"continuations": 2}, b"Content-Type: a/b; c*0=1; c*1=2; c*2=3\r\n\r\n", b"Content-Type: a/b; c*0=1; c*1=2\r\n\r\n"),
    ("comment_depth", {"comment_depth": 3}, b"To: ((((x)))) a@b\r\n\r\n", b"To: (((x))) a@b (x) (y)\r\n\r\n"),
    ("comment_depth", {"comment_depth": 3}, b"Content-Type: ((((x)))) a/b\r\n\r\n", b"Content-Type: (((x))) a/b (x)\r\n\r\n"),
    ("addresses", {"addresses": 10}, ADDRESSES + b"\r\n", b'To: "' + b"a," * 30 + b'" <a@example.org>\r\n\r\n'),
]


@pytest.mark.parametrize(("name", "low", "over", "within"), EXCEEDING, ids=[f"{n}-{case[0]}" for n, case in enumerate(EXCEEDING)])
def test_a_limit_ends_the_parsing_by_name(name: str, low: dict[str, int], over: bytes, within: bytes) -> None:
    """One more than a limit allows is named; as much as it allows is not."""
    limits = msgspec.structs.replace(LIMITS, **low)
    assert parse(over, limits).exceeded == name
    assert parse(within, limits).exceeded is None


def test_the_defaults_bound_every_hostile_structure() -> None:
    """With the limits as shipped, a mail of nothing but structure ends at a limit."""
    assert parse(nested(100)).exceeded == "depth"
    assert parse(b"Content-Type: message/rfc822\r\n\r\n" * 100).exceeded == "message_depth"
    assert parse(MULTIPART + b"--b\r\n" * 20_000).exceeded == "parts"
    assert parse(b"A: b\r\n" * 20_000).exceeded == "headers"
    assert parse(b"A: " + b"x" * 2_000_000).exceeded == "header_bytes"
    assert parse(b"To: " + b"a@b," * 6_000).exceeded == "addresses"


MEGABYTES = 4_000_000
HOSTILE = {
    "lines that only look like a boundary": MULTIPART + b"--bx\n" * (MEGABYTES // 5),
    "two boundaries with nothing in common": MULTIPART
    + b"--b\r\nContent-Type: multipart/a; boundary=z\r\n\r\n"
    + b"--x\n" * (MEGABYTES // 4),
    "parts without an empty line": MULTIPART + b"--b\r\n" * 9_000 + b"x\r\n" * (MEGABYTES // 3),
    "empty lines of the other kind far away": MULTIPART + b"--b\n\n" * 9_000 + b"x" * MEGABYTES + b"\r\n\r\n",
    "deep multiparts, each boundary the head of the next": b"".join(
        b"Content-Type: multipart/a; boundary=%b\r\n\r\n--%b\r\n" % (b"a" * n, b"a" * n) for n in range(1, 60)
    )
    + b"\r\n"
    + b"--aaaaax\n" * (MEGABYTES // 9),
    "a boundary of 900 kB": MULTIPART.replace(b'"b"', b"a" * 900_000) + (b"--" + b"a" * 900_000 + b"\r\n\r\n") * 4,
    "one line": FROM + b"\r\n" + b"-" * MEGABYTES,
    "comments in a type": b"Content-Type: " + b"((a))" * 200_000 + b"a/b\r\n\r\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_time_grows_with_the_length_alone(name: str) -> None:
    """A mail made to be slow takes less than a microsecond for a byte (on a slow machine; a tenth is usual)."""
    began = time.process_time()
    parse(HOSTILE[name])
    assert time.process_time() - began < len(HOSTILE[name]) / 1e6


def test_received_fields_are_counted_for_the_loop_limit() -> None:
    """Only the mail's own Received fields count, in any spelling."""
    raw = b"Received: a\r\nRECEIVED : b\r\n\tby c\r\nX-Received: d\r\nreceived:e\r\n\r\nReceived: f\r\n"
    assert parse(raw).received_count == 3
