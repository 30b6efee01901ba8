# SPDX-License-Identifier: Apache-2.0
"""A next hop's replies are read whole, in any segmentation, within bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.smtp.client.reading import LINE_BYTES, LINES, ReplyReader
from gatepost.smtp.replies import Reply


def test_a_reply_gives_code_enhanced_code_and_text():
    """One line becomes one reply with its enhanced code apart."""
    assert ReplyReader().feed(b"550 5.1.1 No such user\r\n") == [Reply(550, "5.1.1", "No such user")]


def test_several_replies_in_one_read_are_told_apart():
    """What pipelining brings in one read are as many replies as there are."""
    replies = ReplyReader().feed(b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 Go\r\n")
    assert [reply.code for reply in replies] == [250, 250, 354]


def test_a_multi_line_reply_is_one_reply():
    """Lines with a hyphen belong together; the enhanced code is taken off each (RFC 2034 §4)."""
    replies = ReplyReader().feed(b"550-5.7.1 Refused\r\n550-5.7.1 because\r\n550 5.7.1 of that\r\n")
    assert replies == [Reply(550, "5.7.1", "Refused\nbecause\nof that")]


def test_a_reply_without_text_is_read():
    """The text, and the blank before it, may be missing (RFC 5321 §4.2.1)."""
    assert ReplyReader().feed(b"250\r\n") == [Reply(250, "", "")]


def test_an_enhanced_code_of_another_class_is_only_text():
    """A 4xx reply that says 5.x.x keeps its own class."""
    assert ReplyReader().feed(b"450 5.1.1 Later\r\n") == [Reply(450, "", "5.1.1 Later")]


def test_421_closes():
    """421 says that the next hop closes the connection."""
    assert ReplyReader().feed(b"421 4.3.2 Bye\r\n")[0].closes


def test_a_lone_line_feed_ends_a_reply_line():
    """Old servers that send LF alone are understood."""
    assert [reply.code for reply in ReplyReader().feed(b"250 a\n250 b\n")] == [250, 250]


def test_control_characters_do_not_reach_the_text():
    """What could break a log line or a report becomes a blank."""
    (reply,) = ReplyReader().feed(b"550 a\x00b\x1b[2Jc\xff\xe2\x80\xa8d\r\n")
    assert reply.text == "a b [2Jc\ufffd d"


@pytest.mark.parametrize(
    "untrusted",
    [
        b"hello\r\n",
        b"25 short\r\n",
        b"2500 long\r\n",
        b"150 preliminary\r\n",
        b"650 beyond\r\n",
        b"\r\n",
        b"2\xb20 superscript\r\n",
        b"250-a\r\n251 b\r\n",
        b"250-a\r\n" * (LINES + 1),
        b"250 " + b"x" * LINE_BYTES + b"\r\n",
        b"250 " + b"x" * LINE_BYTES,
    ],
)
def test_what_is_no_reply_is_malformed(untrusted):
    """Nonsense and excess are named, and no reply is made of them."""
    reader = ReplyReader()
    assert reader.feed(untrusted) == []
    assert reader.malformed


def test_an_endless_reply_keeps_no_more_than_its_bound():
    """Lines without end are given up at the bound, fed in one read or in many."""
    reader = ReplyReader()
    fed = 0
    while not reader.malformed:
        reader.feed(b"250-more\r\n")
        fed += 1
    assert fed == LINES + 1


_LINE = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20)


@given(st.lists(st.tuples(st.integers(200, 599), st.lists(_LINE, min_size=1, max_size=4)), max_size=5), st.data())
def test_segmentation_does_not_matter(replies, data):
    """However the wire cuts the bytes, the same replies come out."""
    wire = b"".join(
        f"{code}{' ' if number == len(texts) - 1 else '-'}{text}\r\n".encode()
        for code, texts in replies
        for number, text in enumerate(texts)
    )
    whole = ReplyReader().feed(wire)
    assert [reply.code for reply in whole] == [code for code, _ in replies]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    reader = ReplyReader()
    pieces = [wire[start:end] for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    assert [reply for piece in pieces for reply in reader.feed(piece)] == whole


@given(st.binary(max_size=200))
def test_no_bytes_raise(untrusted):
    """Whatever a next hop sends, reading it gives replies or a named defect."""
    reader = ReplyReader()
    for reply in reader.feed(untrusted):
        assert 200 <= reply.code <= 599
