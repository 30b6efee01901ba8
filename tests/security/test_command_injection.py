# SPDX-License-Identifier: Apache-2.0
"""No byte inside a command can become a command, an address or a header of its own."""

import pytest

from gatepost.smtp.session.events import MailFrom, RcptTo, StartTls
from unit.smtp.dialogue import CONVERSATION, Dialogue, codes

EVIL = b"MAIL FROM:<evil@example.net>"
BREAKS = {"CR": b"\r", "LF": b"\n", "NUL": b"\0", "LFCR": b"\n\r", "CRCRLF": b"\r\r\n", "CR-NUL-LF": b"\r\0\n", "NUL-CRLF": b"\0\r\n"}
PLACES = {
    "EHLO": (CONVERSATION[:0], b"EHLO client%s.example"),
    "HELO": (CONVERSATION[:0], b"HELO client%s"),
    "MAIL's keyword": (CONVERSATION[:1], b"MAIL FR%sOM:<a@example.org>"),
    "MAIL's local part": (CONVERSATION[:1], b"MAIL FROM:<a%sb@example.org>"),
    "MAIL's quoted local part": (CONVERSATION[:1], b'MAIL FROM:<"a%sb"@example.org>'),
    "MAIL's domain": (CONVERSATION[:1], b"MAIL FROM:<a@example%s.org>"),
    "MAIL's path": (CONVERSATION[:1], b"MAIL FROM:<%s>"),
    "MAIL's parameter": (CONVERSATION[:1], b"MAIL FROM:<a@example.org> ENVID=a%sb"),
    "MAIL's end": (CONVERSATION[:1], b"MAIL FROM:<a@example.org>%s"),
    "RCPT's local part": (CONVERSATION[:2], b"RCPT TO:<a%sb@example.com>"),
    "RCPT's domain": (CONVERSATION[:2], b"RCPT TO:<a@example%s.com>"),
    "RCPT's parameter": (CONVERSATION[:2], b"RCPT TO:<a@example.com> ORCPT=rfc822;a%sb"),
    "DATA": (CONVERSATION, b"DATA%s"),
    "BDAT's number": (CONVERSATION, b"BDAT 1%s LAST"),
    "NOOP's argument": (CONVERSATION[:0], b"NOOP %s"),
    "VRFY's argument": (CONVERSATION[:0], b"VRFY a%sb"),
    "a verb": (CONVERSATION[:0], b"NO%sOP"),
}


@pytest.mark.parametrize("cut", [0, 1])
@pytest.mark.parametrize("end", BREAKS)
@pytest.mark.parametrize("place", PLACES)
def test_a_break_inside_a_command_ends_the_session(place, end, cut):
    """A CR, LF or NUL that is not a line's end is answered 500 and nothing behind it is obeyed."""
    before, command = PLACES[place]
    talk = Dialogue(cut=cut)
    talk.say(*before)
    talk.events.clear()
    said = codes(talk.send(command % BREAKS[end] + b"\r\n" + EVIL + b"\r\nQUIT\r\n"))
    assert said == ["500 5.5.2"]
    assert talk.session.ended
    assert talk.events == []


@pytest.mark.parametrize("cut", [0, 1])
def test_commands_end_with_crlf_only(cut):
    """A lone LF ends no command, whoever sends it (CVE-2023-51764)."""
    talk = Dialogue(cut=cut)
    assert codes(talk.send(b"EHLO c\nMAIL FROM:<a@example.org>\n")) == ["500 5.5.2"]
    assert talk.events == []
    for wire in (b"\n", b"\r\r\n"):
        talk = Dialogue(cut=cut)
        assert codes(talk.send(wire + b"NOOP\r\n")) == ["500 5.5.2"]


@pytest.mark.parametrize("behind", [b"NOOP\r\n", EVIL + b"\r\n", b"\x16\x03\x01", b"\r\n", b"x"])
def test_what_is_pipelined_behind_starttls_is_refused(behind):
    """It came in plain and would be taken as said under TLS (CVE-2011-0411): the session ends and TLS does not begin."""
    talk = Dialogue(starttls=True)
    assert codes(talk.send(b"EHLO c\r\nSTARTTLS\r\n" + behind)) == ["250", "554 5.7.0"]
    assert talk.session.ended
    assert not [event for event in talk.events if isinstance(event, StartTls | MailFrom)]


def test_a_login_dialogue_hides_no_commands():
    """While AUTH waits for its answer, a line is that answer and nothing else."""
    talk = Dialogue(submission=True, is_encrypted=True)
    talk.say(b"EHLO c")
    assert codes(talk.say(b"AUTH LOGIN", EVIL, b"NOOP")) == ["334", "501 5.5.2", "250 2.0.0"]
    assert talk.events == []


def test_chunks_hide_no_commands_and_commands_hide_no_chunks():
    """What BDAT counts is content; what follows is a command, from its first byte on."""
    talk = Dialogue()
    talk.say(*CONVERSATION)
    talk.events.clear()
    assert codes(talk.send(b"BDAT %d LAST\r\n%s\r\nRSET\r\n" % (len(EVIL) + 2, EVIL))) == ["250 2.0.0", "250 2.0.0"]
    assert not [event for event in talk.events if isinstance(event, MailFrom | RcptTo)]
    assert talk.mails[0].content == EVIL + b"\r\n"


@pytest.mark.parametrize("line", [
    b"RCPT TO:<evil@example.net> <b@example.com>",
    b"RCPT TO:<b@example.com>,<evil@example.net>",
    b"RCPT TO:<b@example.com evil@example.net>",
    b"RCPT TO:b@example.com",
    b"RCPT TO:<b@example.com>SIZE=1",
    b"RCPT TO:<evil@example.net@example.com>",
    b"RCPT TO:<>",
    b"RCPT FROM:<b@example.com>",
    b"RCPT TO <b@example.com>",
    b"RCPT",
])  # fmt: skip
def test_one_rcpt_names_one_recipient_or_none(line):
    """What could be read in two ways is not read at all."""
    talk = Dialogue()
    talk.say(*CONVERSATION[:2])
    said = codes(talk.say(line))
    assert said in (["501 5.5.4"], ["553 5.1.3"])
    assert talk.session.envelope is not None and talk.session.envelope.recipients == []
