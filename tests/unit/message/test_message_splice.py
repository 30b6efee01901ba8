# SPDX-License-Identifier: Apache-2.0
"""Changes cut into the bytes, and only where they say."""

import pytest

from gatepost.message.parse import parse
from gatepost.message.splice import append_headers, prepend_headers, remove_field, replace_body, replace_field, splice

RAW = (
    b"From: a@example.org\r\nX-Old: 1\r\n 2\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\n\r\none \xff\r\n--b\r\nContent-Type: text/html\r\n\r\ntwo\r\n--b--\r\n"
)


def test_no_edit_changes_nothing() -> None:
    """An untouched mail gives back its bytes."""
    assert splice(RAW, []) == RAW


def test_fields_are_added_and_taken_out() -> None:
    """Trace fields go on top, others below, a removed field goes with its folds; all other bytes stay."""
    root = parse(RAW).root
    old = root.headers.first("x-old")
    assert old is not None
    edited = splice(RAW, [append_headers(root, b"X-End: 1\r\n"), remove_field(old), prepend_headers(root, b"Received: x\r\n")])
    assert edited == b"Received: x\r\n" + RAW.replace(b"X-Old: 1\r\n 2\r\n", b"").replace(
        b"boundary=b\r\n", b"boundary=b\r\nX-End: 1\r\n", 1
    )
    assert splice(RAW, [replace_field(old, b"new")]) == RAW.replace(b"X-Old: 1\r\n 2\r\n", b"X-Old: new\r\n")


def test_a_changed_part_changes_only_its_own_bytes() -> None:
    """A part's body is replaced between its header and its boundary."""
    part = parse(RAW).root.children[1]
    assert splice(RAW, [replace_body(part, b"new\r\nlines")]) == RAW.replace(b"\r\n\r\ntwo\r\n", b"\r\n\r\nnew\r\nlines\r\n")


@pytest.mark.parametrize(
    "part",
    [
        b"--b\r\n\r\n--b--\r\n",
        b"--b\r\n--b--\r\n",
        b"--b\r\nX: y\r\n--b--\r\n",
        b"--b\r\nX: y\r\n\r\n--b--\r\n",
        b"--b\r\n\r\n\r\n--b--\r\n",
        b"--b",
    ],
)
def test_a_part_without_a_body_can_be_given_one(part: bytes) -> None:
    """However a part was cut short, the new body is in it and the boundaries stand where they stood."""
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part
    edited = splice(raw, [replace_body(parse(raw).root.children[0], b"new")])
    message = parse(edited)
    assert [leaf.body for leaf in message.leaves()] == [b"new"]
    assert message.root.children[0].headers.text("x") == parse(raw).root.children[0].headers.text("x")


@pytest.mark.parametrize("edits", [[(0, 4, b""), (2, 6, b"")], [(-1, 2, b"")], [(3, 2, b"")], [(0, 10_000, b"")]])
def test_edits_that_contradict_each_other_are_refused(edits: list[tuple[int, int, bytes]]) -> None:
    """Overlapping edits, and those outside the mail, are a defect of ours and say so."""
    with pytest.raises(ValueError, match="overlaps"):
        splice(RAW, edits)


def test_inserts_at_one_place_keep_their_order() -> None:
    """Two fields put on top stand in the order in which they were put there."""
    assert splice(b"abc", [(1, 1, b"1"), (1, 2, b"x"), (1, 1, b"2")]) == b"a12xc"
