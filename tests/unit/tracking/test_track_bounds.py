# SPDX-License-Identifier: Apache-2.0
"""A stranger's text in a track: one line, bounded in bytes, marked where it was cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.tracking.bounds import MARK, line, lines, message_id

ANY_TEXT = st.text(st.characters(), max_size=400)  # halves of surrogates too


@given(ANY_TEXT, st.integers(4, 300))
def test_every_text_becomes_one_bounded_line(text: str, most: int) -> None:
    """Whatever it holds: no more bytes than allowed, no line break, no control character, and it can be encoded."""
    shown = line(text, most)
    assert len(shown.encode()) <= most
    assert len(shown.splitlines()) <= 1
    assert not any(one < " " or "\x7f" <= one <= "\x9f" or one in "\u2028\u2029\u202e" for one in shown)


@given(st.text(st.characters(categories=("L", "N", "P", "S")), max_size=100))
def test_what_fits_is_not_changed(text: str) -> None:
    """A text of visible characters that fits stays as it is."""
    assert line(text, 400) == text


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("a" * 10, 10, "a" * 10),
        ("a" * 11, 10, "a" * 7 + MARK),
        ("ü" * 6, 10, "üüü" + MARK),
        ("ü" * 5, 10, "ü" * 5),
        ("€" * 4, 10, "€€" + MARK),
        ("one\r\n two\tthree", 40, "one  two three"),
        ("a\x00b\x1b[31m", 40, "a\ufffdb\ufffd[31m"),
        ("invoice\u202efdp.exe", 40, "invoice\ufffdfdp.exe"),
        ("half \ud83d", 40, "half \ufffd"),
        ("non\u00a0breaking, family 👨\u200d👩\u200d👧", 60, "non\u00a0breaking, family 👨\u200d👩\u200d👧"),
    ],
)
def test_a_text_as_it_is_kept(text: str, most: int, shown: str) -> None:
    """Cut by bytes at a whole character, breaks are blanks, what hides or turns is replaced, what people write stays."""
    assert line(text, most) == shown


def test_many_lines_end_with_a_mark() -> None:
    """Of more lines than are kept a mark stands for the others; as many as are kept need none."""
    assert lines(("a", "b"), 10, 2) == ("a", "b")
    assert lines(("a", "b", "c"), 10, 2) == ("a", "b", MARK)


def test_a_long_message_id_is_cut_alike_by_who_stores_and_who_searches() -> None:
    """The kept form of a kept form is itself."""
    kept = message_id(f"<{'x' * 990}@example.org>")
    assert kept.endswith(MARK) and len(kept.encode()) == 250
    assert message_id(kept) == kept
