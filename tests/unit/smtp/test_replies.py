# SPDX-License-Identifier: Apache-2.0
"""Every answer that can be given, as it goes onto the wire (RFC 5321 §4.2, RFC 2034, RFC 3463)."""

import re

import pytest

from gatepost.smtp import replies
from gatepost.smtp.replies import Reply

EVERY = {name: value for name, value in vars(replies).items() if isinstance(value, Reply)}
UNCODED = {"SEND_CONTENT", "AUTH_CONTINUE_USER", "AUTH_CONTINUE_PASSWORD", "AUTH_CONTINUE_EMPTY"}
LINE = re.compile(rb"[2345][0-5][0-9][ -][\x20-\x7e]*\r\n")


@pytest.mark.parametrize("name", EVERY)
def test_the_enhanced_code_agrees_with_the_code(name):
    """Class for class (RFC 2034 §4); only 3xx has none."""
    reply = EVERY[name]
    if name in UNCODED:
        assert (reply.code // 100, reply.enhanced) == (3, "")
    else:
        assert re.fullmatch(r"[245]\.\d{1,3}\.\d{1,3}", reply.enhanced)
        assert reply.enhanced[0] == str(reply.code)[0]


@pytest.mark.parametrize("name", EVERY)
def test_a_reply_is_one_line_of_printable_characters(name):
    """Nothing that a reply says can end it early, and it fits the 512 octets of RFC 5321 §4.5.3.1.5."""
    wire = EVERY[name].wire()
    assert LINE.fullmatch(wire)
    assert len(wire) <= 512


@pytest.mark.parametrize("name", EVERY)
def test_what_ends_the_session_says_so(name):
    """421 and 221 always close (RFC 5321 §3.8, §4.2.2)."""
    assert EVERY[name].closes or EVERY[name].code not in (221, 421)


def test_accepting_and_temporary_follow_from_the_code():
    """2xx and 3xx accept, 4xx may be tried again, 5xx is neither."""
    for reply in EVERY.values():
        assert (reply.accepts, reply.temporary) == {2: (True, False), 3: (True, False), 4: (False, True), 5: (False, False)}[
            reply.code // 100
        ]


def test_a_text_of_several_lines_becomes_a_reply_of_several_lines():
    """Each line has the code, all but the last a hyphen (RFC 5321 §4.2.1), and RFC 2034 wants the enhanced code on each."""
    assert Reply(550, "5.7.1", "No\nreally\nno").wire() == b"550-5.7.1 No\r\n550-5.7.1 really\r\n550 5.7.1 no\r\n"


def test_as_text_a_reply_is_what_the_client_reads():
    """Logs show code, enhanced code and text; a track is told in the answer to a mail."""
    assert str(replies.UNABLE_TO_RELAY) == "550 5.7.1 Unable to relay"
    assert str(replies.SEND_CONTENT).startswith("354 End")
    assert replies.queued("abc").wire() == b"250 2.0.0 Ok: queued as abc\r\n"
