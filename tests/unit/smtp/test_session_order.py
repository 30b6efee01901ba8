# SPDX-License-Identifier: Apache-2.0
"""The order of a conversation: what is answered when, and what each end of a transaction leaves behind (nothing)."""

import pytest

from gatepost.smtp import replies
from gatepost.smtp.session.events import ContentBegins, ContentEnds, MailFrom, RcptTo
from gatepost.smtp.session.verbs import VERBS
from unit.smtp.dialogue import CONVERSATION, Dialogue, codes

CUTS = [0, 1]
ENVELOPE = CONVERSATION[1:]


@pytest.mark.parametrize("cut", CUTS)
def test_a_mail_goes_through_and_the_next_one_too(cut):
    """A session carries any number of mails; each has its own envelope and content."""
    talk = Dialogue(cut=cut)
    assert codes(talk.say(*CONVERSATION)) == ["250", "250 2.1.0", "250 2.1.5"]
    assert codes(talk.say(b"DATA")) == ["354"]
    assert codes(talk.send(b"one\r\n.\r\n")) == ["250 2.0.0"]
    assert codes(talk.say(b"MAIL FROM:<>", b"RCPT TO:<c@example.com>", b"DATA")) == ["250 2.1.0", "250 2.1.5", "354"]
    assert codes(talk.send(b"two\r\n.\r\nQUIT\r\n")) == ["250 2.0.0", "221 2.0.0"]
    assert [mail.content for mail in talk.mails] == [b"one\r\n", b"two\r\n"]
    assert [str(mail.envelope.sender) for mail in talk.mails] == ["a@example.org", "None"]
    assert [len(mail.envelope.recipients) for mail in talk.mails] == [1, 1]
    assert talk.session.ended


@pytest.mark.parametrize("cut", CUTS)
def test_everything_may_be_pipelined(cut):
    """Commands, chunks and the next mail in one segment are answered one by one, in order (RFC 2920 §3.2)."""
    talk = Dialogue(cut=cut)
    wire = b"EHLO c\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.com>\r\nBDAT 5\r\nhelloBDAT 6 LAST\r\nworld!"
    wire += b"MAIL FROM:<c@example.org>\r\nRCPT TO:<d@example.com>\r\nBDAT 0 LAST\r\nNOOP\r\nQUIT\r\n"
    expected = ["250", "250 2.1.0", "250 2.1.5", "250 2.0.0", "250 2.0.0", "250 2.1.0", "250 2.1.5", "250 2.0.0", "250 2.0.0", "221 2.0.0"]
    assert codes(talk.send(wire)) == expected
    assert [mail.content for mail in talk.mails] == [b"helloworld!", b""]


OUT_OF_ORDER = [
    ("MAIL before EHLO", [b"MAIL FROM:<a@example.org>"], ["503 5.5.1"]),
    ("RCPT before MAIL", [b"EHLO c", b"RCPT TO:<b@example.com>"], ["250", "503 5.5.1"]),
    ("DATA before MAIL", [b"EHLO c", b"DATA"], ["250", "503 5.5.1"]),
    ("DATA before RCPT", [b"EHLO c", b"MAIL FROM:<a@example.org>", b"DATA"], ["250", "250 2.1.0", "554 5.5.1"]),
    ("MAIL in a transaction", [*CONVERSATION, b"MAIL FROM:<c@example.org>"], ["250", "250 2.1.0", "250 2.1.5", "503 5.5.1"]),
    ("AUTH where it is not offered", [b"EHLO c", b"AUTH PLAIN"], ["250", "502 5.5.1"]),
    ("STARTTLS where it is not offered", [b"EHLO c", b"STARTTLS"], ["250", "502 5.5.1"]),
    ("a verb of no meaning", [b"XYZZY"], ["500 5.5.2"]),
    ("an empty line", [b""], ["500 5.5.2"]),
    ("a space first", [b" NOOP"], ["500 5.5.2"]),
    ("a tab for a space", [b"EHLO c", b"MAIL\tFROM:<a@example.org>"], ["250", "500 5.5.2"]),
    ("eight bits as a verb", [b"\xff\xfe"], ["500 5.5.2"]),
    ("EXPN", [b"EXPN list"], ["502 5.5.1"]),
    ("HELP", [b"HELP"], ["502 5.5.1"]),
    ("TURN", [b"TURN"], ["502 5.5.1"]),
    ("ETRN", [b"ETRN x"], ["502 5.5.1"]),
    ("VRFY tells nothing", [b"VRFY root"], ["252 2.5.0"]),
    ("VRFY nobody", [b"VRFY"], ["501 5.5.4"]),
    ("QUIT with an argument", [b"QUIT now", b"QUIT"], ["501 5.5.4", "221 2.0.0"]),
    ("RSET with an argument", [b"RSET now"], ["501 5.5.4"]),
    ("NOOP with an argument", [b"NOOP now"], ["250 2.0.0"]),
    ("DATA with an argument", [*CONVERSATION, b"DATA now"], ["250", "250 2.1.0", "250 2.1.5", "501 5.5.4"]),
    ("EHLO without a name", [b"EHLO"], ["501 5.5.4"]),
    ("verbs in small letters", [b"ehlo c", b"mail from:<a@example.org>", b"rcpt to:<b@example.com>"], ["250", "250 2.1.0", "250 2.1.5"]),
    ("spaces behind a verb", [b"NOOP  ", b"RSET   "], ["250 2.0.0", "250 2.0.0"]),
]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(("name", "lines", "expected"), OUT_OF_ORDER, ids=[row[0] for row in OUT_OF_ORDER])
def test_each_command_out_of_order_has_its_answer(name, lines, expected, cut):
    """A wrong command is answered with its own code and leaves the session as it was."""
    talk = Dialogue(cut=cut)
    assert [code for line in lines for code in codes(talk.say(line))] == expected


ENDS = [
    ("RSET", [b"RSET"]),
    ("EHLO", [b"EHLO again"]),
    ("HELO", [b"HELO again"]),
    ("a refused chunk", [b"BDAT 3\r\nabcBDAT 0"]),
    ("an accepted mail", [b"BDAT 3 LAST\r\nabcNOOP"]),
]


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize(("name", "lines"), ENDS, ids=[row[0] for row in ENDS])
def test_whatever_ends_a_transaction_leaves_nothing_of_it(name, lines, chunked):
    """Afterwards a recipient or content without a new MAIL is refused, and the next mail has only its own recipients."""
    refusing = name == "a refused chunk"
    talk = Dialogue(decide=lambda event: replies.STORE_AWAY if refusing and isinstance(event, ContentBegins) else None)
    talk.say(*CONVERSATION)
    talk.say(*lines)
    said = talk.send(b"BDAT 1 LAST\r\nx") if chunked else talk.say(b"RCPT TO:<c@example.com>") + talk.say(b"DATA")
    assert codes(said) == ["503 5.5.1"] * len(said)
    refusing = False
    before = len(talk.mails)
    said = talk.send(b"MAIL FROM:<n@example.org>\r\nRCPT TO:<new@example.com>\r\nBDAT 3 LAST\r\nnew")
    assert codes(said) == ["250 2.1.0", "250 2.1.5", "250 2.0.0"]
    (mail,) = talk.mails[before:]
    assert (str(mail.envelope.sender), [str(one.address) for one in mail.envelope.recipients]) == ("n@example.org", ["new@example.com"])
    assert mail.content == b"new"


def test_data_after_a_failed_chunk_has_no_recipients_left():
    """A BDAT that the house refused ends the transaction: DATA without a new MAIL is out of order."""
    talk = Dialogue(decide=lambda event: replies.STORE_FULL if isinstance(event, ContentBegins) else None)
    talk.say(*CONVERSATION)
    assert codes(talk.send(b"BDAT 5 LAST\r\nhello")) == ["452 4.3.1"]
    assert codes(talk.say(b"DATA")) == ["503 5.5.1"]
    assert codes(talk.say(b"RCPT TO:<c@example.com>")) == ["503 5.5.1"]
    assert not [event for event in talk.events if isinstance(event, ContentEnds)]


@pytest.mark.parametrize("refusal", [replies.MAIL_LOOP, replies.STORE_AWAY])
@pytest.mark.parametrize("chunked", [True, False])
def test_a_refusal_after_the_content_ends_the_transaction(refusal, chunked):
    """The second mail asks for its sender and recipients anew; none skips the house's policy."""
    talk = Dialogue(decide=lambda event: refusal if isinstance(event, ContentEnds) else None)
    for _ in range(2):
        talk.events.clear()
        talk.say(*CONVERSATION)
        said = talk.send(b"BDAT 1 LAST\r\nx") if chunked else talk.say(b"DATA") + talk.send(b"x\r\n.\r\n")
        assert said[-1] == str(refusal)
        assert codes(talk.say(b"RCPT TO:<c@example.com>")) == ["503 5.5.1"]
        assert [type(event) for event in talk.events] == [MailFrom, RcptTo, ContentBegins, ContentEnds]


def test_an_acceptance_is_not_remembered_for_the_next_mail():
    """Each mail's sender, recipients and content are asked for, whatever was answered before."""
    talk = Dialogue()
    for _ in range(3):
        talk.send(b"EHLO c\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.com>\r\nBDAT 1 LAST\r\nx")
    assert [type(event) for event in talk.events] == [MailFrom, RcptTo, ContentBegins, ContentEnds] * 3


def test_refused_senders_and_recipients_do_not_count():
    """A refused MAIL opens nothing, and a refused RCPT is no recipient."""
    talk = Dialogue(decide=lambda event: replies.UNABLE_TO_RELAY if isinstance(event, MailFrom) else None)
    assert codes(talk.say(*CONVERSATION)) == ["250", "550 5.7.1", "503 5.5.1"]
    talk = Dialogue(
        decide=lambda event: replies.UNABLE_TO_RELAY if isinstance(event, RcptTo) and event.recipient.address.local == "no" else None
    )
    talk.say(*CONVERSATION, b"RCPT TO:<no@example.com>", b"RCPT TO:<yes@example.com>")
    talk.send(b"BDAT 1 LAST\r\nx")
    assert [one.address.local for one in talk.mails[0].envelope.recipients] == ["b", "yes"]


CHUNK_CASES = [
    ("without MAIL is read past", b"BDAT 6\r\nQUIT\r\nNOOP\r\n", ["503 5.5.1", "250 2.0.0"]),
    ("without MAIL, last", b"BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", ["503 5.5.1", "250 2.0.0"]),
    ("without RCPT is read past", b"MAIL FROM:<a@example.org>\r\nBDAT 6\r\nQUIT\r\nNOOP\r\n", ["250 2.1.0", "554 5.5.1", "250 2.0.0"]),
    ("negative", b"BDAT -1\r\nNOOP\r\n", ["501 5.5.4"]),
    ("no number", b"BDAT\r\nNOOP\r\n", ["501 5.5.4"]),
    ("no number but LAST", b"BDAT LAST\r\nNOOP\r\n", ["501 5.5.4"]),
    ("a number that no mail has", b"BDAT 9999999999999\r\nNOOP\r\n", ["501 5.5.4"]),
    ("hexadecimal", b"BDAT 0x10\r\nNOOP\r\n", ["501 5.5.4"]),
    ("digits of another script", "BDAT \u0663\r\nNOOP\r\n".encode(), ["501 5.5.4"]),
    ("a word for LAST", b"BDAT 1 FIRST\r\nxNOOP\r\n", ["501 5.5.4"]),
    ("three words", b"BDAT 1 LAST LAST\r\nxNOOP\r\n", ["501 5.5.4"]),
]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(("name", "wire", "expected"), CHUNK_CASES, ids=[row[0] for row in CHUNK_CASES])
def test_a_chunk_in_the_wrong_place_is_read_past_or_ends_the_session(name, wire, expected, cut):
    """Its bytes are never taken as commands: they are counted off, or where the count is unknown nothing more is read."""
    talk = Dialogue(cut=cut)
    talk.say(b"EHLO c")
    assert codes(talk.send(wire)) == expected
    assert talk.session.ended == (expected == ["501 5.5.4"])


def test_a_number_of_bytes_that_is_too_big_is_read_past_to_its_end():
    """An oversized chunk is refused after its last byte; nothing of it was kept meanwhile."""
    talk = Dialogue(size_bytes=100)
    talk.say(*CONVERSATION)
    assert talk.send(b"BDAT 1000 LAST\r\n" + b"x" * 999) == []
    assert talk.session.content is not None and talk.session.content.take() == b""
    assert codes(talk.send(b"x")) == ["552 5.3.4"]
    assert codes(talk.say(*ENVELOPE)) == ["250 2.1.0", "250 2.1.5"]


@pytest.mark.parametrize("cut", CUTS)
def test_chunks_and_data_do_not_mix(cut):
    """Within a BDAT series DATA, MAIL and RCPT are out of order; RSET ends the series (RFC 3030 §2)."""
    talk = Dialogue(cut=cut)
    talk.say(*CONVERSATION)
    assert codes(talk.send(b"BDAT 3\r\nabc")) == ["250 2.0.0"]
    assert codes(talk.say(b"DATA")) == ["503 5.5.1"]
    assert codes(talk.say(b"RCPT TO:<c@example.com>")) == ["503 5.5.1"]
    assert codes(talk.say(b"MAIL FROM:<c@example.org>")) == ["503 5.5.1"]
    assert codes(talk.say(b"NOOP", b"RSET", *ENVELOPE, b"DATA")) == ["250 2.0.0", "250 2.0.0", "250 2.1.0", "250 2.1.5", "354"]
    assert codes(talk.send(b"only this\r\n.\r\n")) == ["250 2.0.0"]
    assert [mail.content for mail in talk.mails] == [b"only this\r\n"]


def test_a_refused_data_with_more_behind_it_ends_the_session():
    """What an unauthorised pipeline brings behind DATA may be content: it is never taken as commands."""
    for lines in ([b"EHLO c", b"DATA", b"MAIL FROM:<evil@example.net>"], [*CONVERSATION[:2], b"DATA", b"NOOP"]):
        talk = Dialogue()
        assert codes(talk.say(*lines))[-1] in ("503 5.5.1", "554 5.5.1")
        assert talk.session.ended
    talk = Dialogue(decide=lambda event: replies.STORE_AWAY if isinstance(event, ContentBegins) else None)
    assert codes(talk.say(*CONVERSATION, b"DATA", b"MAIL FROM:<evil@example.net>"))[-1] == "451 4.3.0"
    assert talk.session.ended
    assert len([event for event in talk.events if isinstance(event, MailFrom)]) == 1


def test_a_refused_data_alone_leaves_the_session_open():
    """A client that waits as it should may go on, or try DATA again."""
    talk = Dialogue(decide=lambda event: replies.STORE_AWAY if isinstance(event, ContentBegins) else None)
    assert codes(talk.say(*CONVERSATION, b"DATA"))[-1] == "451 4.3.0"
    assert codes(talk.say(b"DATA")) == ["451 4.3.0"]
    assert codes(talk.say(b"RSET")) == ["250 2.0.0"]


def test_a_second_ehlo_begins_anew():
    """It forgets the transaction, and the name and kind of greeting are the last ones."""
    talk = Dialogue()
    talk.say(*CONVERSATION)
    talk.say(b"HELO other.example")
    assert (talk.session.helo, talk.session.extended, talk.session.envelope) == ("other.example", False, None)
    talk.say(b"EHLO third.example")
    assert (talk.session.helo, talk.session.extended) == ("third.example", True)


def test_ehlo_offers_what_is_served():
    """The list is the terms'; HELO offers nothing."""
    said = Dialogue(size_bytes=1234, starttls=True, submission=True).say(b"EHLO c")[0].split("\n")
    offered = [line[4:] for line in said]
    assert offered == [
        "gate.example", "PIPELINING", "SIZE 1234", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES", "CHUNKING", "STARTTLS",
    ]  # fmt: skip
    encrypted = Dialogue(starttls=True, submission=True, is_encrypted=True).say(b"EHLO c")[0]
    assert "AUTH PLAIN LOGIN" in encrypted and "STARTTLS" not in encrypted
    assert Dialogue().say(b"HELO c") == ["250 gate.example"]


@pytest.mark.parametrize("verb", [b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PRI"])
def test_another_protocol_is_hung_up_on(verb):
    """A browser that is made to talk to a mail port gets one answer; its headers and body are not commands."""
    talk = Dialogue()
    assert codes(talk.say(verb + b" / HTTP/1.1", b"Host: x", b"", b"MAIL FROM:<a@example.org>")) == ["554 5.5.1"]
    assert talk.session.ended


def test_each_verb_has_a_handler_that_answers():
    """No verb raises or is silent, in whichever state it comes."""
    for verb in VERBS:
        for before in ([], [b"EHLO c"], [*CONVERSATION]):
            for argument in (b"", b" x", b" FROM:<>", b" TO:<b@example.com>", b" 0"):
                talk = Dialogue(starttls=True, submission=True)
                talk.say(*before)
                assert len(talk.say(verb + argument)) == 1, (verb, before, argument)


def test_starttls_forgets_all_that_was_said_in_plain():
    """Greeting, transaction and login must come again (RFC 3207 §4.2)."""
    talk = Dialogue(starttls=True)
    talk.say(*CONVERSATION)
    assert codes(talk.say(b"STARTTLS")) == ["220 2.0.0"]
    assert codes(talk.say(b"RCPT TO:<c@example.com>", b"MAIL FROM:<a@example.org>")) == ["503 5.5.1", "503 5.5.1"]
    assert "STARTTLS" not in talk.say(b"EHLO c")[0]
    assert codes(talk.say(b"STARTTLS")) == ["503 5.5.1"]


def test_a_listener_that_requires_tls_takes_no_mail_without():
    """Only the greeting, STARTTLS and what harms nobody go through before (RFC 3207 §4)."""
    talk = Dialogue(starttls=True, tls_required=True)
    assert codes(talk.say(b"EHLO c", b"MAIL FROM:<a@example.org>", b"NOOP")) == ["250", "530 5.7.0", "250 2.0.0"]
    assert codes(talk.say(b"STARTTLS") + talk.say(*CONVERSATION)) == ["220 2.0.0", "250", "250 2.1.0", "250 2.1.5"]


def test_vrfy_between_utf8_mails_is_harmless():
    """VRFY, a UTF-8 argument and RSET in any order leave a working session."""
    talk = Dialogue()
    talk.say(b"EHLO c", "MAIL FROM:<ü@example.org> SMTPUTF8".encode())
    assert codes(talk.say("VRFY ü@example.com".encode(), b"RSET", b"VRFY x", *ENVELOPE)) == [
        "252 2.5.0", "250 2.0.0", "252 2.5.0", "250 2.1.0", "250 2.1.5",
    ]  # fmt: skip
