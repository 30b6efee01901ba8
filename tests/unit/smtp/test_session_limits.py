# SPDX-License-Identifier: Apache-2.0
"""Each limit of what one session may do: reaching it gives an answer, never an exception, and memory stays bounded."""

import tracemalloc

from gatepost.smtp import replies
from gatepost.smtp.session.events import ContentBegins, RcptTo
from unit.smtp.dialogue import CONVERSATION, Dialogue, codes

LAST = "421 4.7.0"


def until_ended(talk: Dialogue, line: bytes, most: int) -> list[str]:
    """Say the same line until the session ends; gives all codes."""
    said: list[str] = []
    while not talk.session.ended:
        said += codes(talk.say(line))
        assert len(said) <= most
    return said


def test_size_bytes():
    """A mail of exactly the limit passes; one byte more is refused, in DATA, in chunks and as announced."""
    for size, code in ((98, "250 2.0.0"), (99, "552 5.3.4")):
        talk = Dialogue(size_bytes=100)
        talk.say(*CONVERSATION, b"DATA")
        assert codes(talk.send(b"x" * size + b"\r\n.\r\n")) == [code]
        talk.say(*CONVERSATION)
        assert codes(talk.send(b"BDAT %d LAST\r\n" % (size + 2) + b"x" * (size + 2))) == [code]
        assert codes(talk.say(b"MAIL FROM:<a@example.org> SIZE=%d" % (size + 2)))[0][:3] == ("250" if code[:3] == "250" else "552")


def test_recipients():
    """One more than the limit is told to come with another mail (RFC 5321 §4.5.3.1.10); those before are kept."""
    talk = Dialogue(recipients=3)
    talk.say(*CONVERSATION[:2])
    assert codes(talk.say(*[b"RCPT TO:<b@example.com>"] * 5)) == ["250 2.1.5"] * 3 + ["452 4.5.3"] * 2
    talk.send(b"BDAT 1 LAST\r\nx")
    assert len(talk.mails[0].envelope.recipients) == 3


def test_line_bytes():
    """A line of exactly the limit passes; a longer one is answered once, after its end, and nothing of it is kept."""
    for cut in (0, 1, 7):
        talk = Dialogue(line_bytes=600, cut=cut)
        assert codes(talk.say(b"NOOP " + b"x" * 593)) == ["250 2.0.0"]
        assert codes(talk.say(b"NOOP " + b"x" * 594)) == ["500 5.5.6"]
        assert talk.send(b"NOOP " + b"x" * 50_000) == []
        assert talk.session.buffered <= 600
        assert codes(talk.send(b"\r\nNOOP\r\n")) == ["500 5.5.6", "250 2.0.0"]


def test_errors():
    """So many wrong commands have their answers; the next one ends the session."""
    assert until_ended(Dialogue(errors=5), b"WRONG", 10) == ["500 5.5.2"] * 5 + [LAST]
    assert until_ended(Dialogue(errors=5), b"MAIL FROM:<a@example.org>", 10) == ["503 5.5.1"] * 5 + [LAST]


def test_idle_commands():
    """So many commands without a mail; each mail begins the count anew."""
    for line in (b"NOOP", b"RSET", b"VRFY x", b"EHLO c", b"HELO c"):
        said = until_ended(Dialogue(idle_commands=10), line, 20)
        assert (len(said), said[-1]) == (11, LAST)
    talk = Dialogue(idle_commands=10)
    for _ in range(50):
        talk.send(b"RSET\r\nNOOP\r\nEHLO c\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.com>\r\nBDAT 1 LAST\r\nx")
    assert len(talk.mails) == 50


def test_a_refused_data_is_an_idle_command():
    """A client can not ask for ever whether content may come now."""
    talk = Dialogue(idle_commands=10, decide=lambda event: replies.STORE_AWAY if isinstance(event, ContentBegins) else None)
    talk.say(*CONVERSATION)
    said = until_ended(talk, b"DATA", 20)
    assert (set(said[:-1]), said[-1]) == ({"451 4.3.0"}, LAST)


def test_refused_recipients():
    """So many refused ones have their answers, whoever refused them; the next one ends the session."""
    talk = Dialogue(refused_recipients=4, decide=lambda event: replies.UNABLE_TO_RELAY if isinstance(event, RcptTo) else None)
    talk.say(*CONVERSATION[:2])
    assert until_ended(talk, b"RCPT TO:<b@example.com>", 10) == ["550 5.7.1"] * 4 + [LAST]
    talk = Dialogue(refused_recipients=4, recipients=2)
    talk.say(*CONVERSATION[:2])
    assert until_ended(talk, b"RCPT TO:<b@example.com>", 10) == ["250 2.1.5"] * 2 + ["452 4.5.3"] * 4 + [LAST]


def test_a_hundred_thousand_recipients_are_bounded():
    """However many are named, only so many are kept, and the session ends."""
    talk = Dialogue()
    talk.say(*CONVERSATION[:2])
    answered = 0
    for start in range(0, 100_000, 1000):
        answered += len(talk.send(b"".join(b"RCPT TO:<r%d@example.com>\r\n" % number for number in range(start, start + 1000))))
    assert answered == 1000 + 1000 + 1
    assert talk.session.ended


def test_chunks():
    """So many BDAT commands for one mail; one more ends the session."""
    talk = Dialogue(chunks=5)
    talk.say(*CONVERSATION)
    assert codes(talk.send(b"BDAT 1\r\nx" * 6)) == ["250 2.0.0"] * 5 + ["554 5.5.1"]
    assert talk.session.ended
    talk = Dialogue(chunks=5)
    for _ in range(3):
        talk.say(*CONVERSATION)
        assert codes(talk.send(b"BDAT 1\r\nx" * 4 + b"BDAT 0 LAST\r\n")) == ["250 2.0.0"] * 5


def test_very_many_tiny_chunks_cost_no_more_memory_than_their_bytes():
    """50,000 chunks of one byte are 50 KB."""
    talk = Dialogue(chunks=100_000)
    talk.say(*CONVERSATION)
    talk.send(b"BDAT 1\r\nx" * 1000)
    tracemalloc.start()
    for _ in range(50):
        talk.send(b"BDAT 1\r\nx" * 1000)
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert talk.session.content is not None and talk.session.content.size == 51_000
    assert grown < 200_000


def test_auth_failures():
    """The last failed login that is allowed is answered and ends the session; a busy answer is no failure."""
    talk = Dialogue(auth_failures=3, submission=True, is_encrypted=True)
    talk.say(b"EHLO c")
    wrong = b"AUTH PLAIN AHVzZXIAYmFk"  # user, bad
    assert [codes(talk.say(wrong)) for _ in range(3)] == [["535 5.7.8"]] * 3
    assert talk.session.ended
    talk = Dialogue(auth_failures=3, submission=True, is_encrypted=True, decide=lambda event: replies.AUTH_BUSY)
    talk.say(b"EHLO c")
    assert [codes(talk.say(wrong)) for _ in range(9)] == [["454 4.7.0"]] * 9
    assert not talk.session.ended


def test_recipients_that_all_were_refused_make_a_pipelined_data_no_fault():
    """A client that pipelines cannot know; it is answered 554 as often as it comes, and no error is counted."""
    talk = Dialogue(errors=3, decide=lambda event: replies.UNABLE_TO_RELAY if isinstance(event, RcptTo) else None)
    talk.say(b"EHLO c")
    for _ in range(10):
        assert codes(talk.say(*CONVERSATION[1:], b"DATA")) == ["250 2.1.0", "550 5.7.1", "554 5.5.1"]
        talk.say(b"RSET")
    assert not talk.session.offended


def test_answers_that_wait_are_few():
    """However much is pipelined, only so many answers are made before they must be sent; none is lost."""
    talk = Dialogue(idle_commands=10_000)
    session = talk.session
    session.feed(b"NOOP\r\n" * 1000)
    turns = []
    while session.advance() is None and session.out:
        turns.append(len(session.out))
        session.out.clear()
    assert sum(turns) == 1000
    assert max(turns) <= 128


def test_a_tar_pit_lets_a_session_go_on_one_answer_at_a_time():
    """After a wrong command `advance` stops at each answer, so that each can be held; before, it does not."""
    talk = Dialogue(tar_pit="low")
    session = talk.session
    session.feed(b"NOOP\r\nNOOP\r\nWRONG\r\nNOOP\r\nNOOP\r\n")
    answers = []
    while session.advance() is None and session.out:
        answers.append(len(session.out))
        session.out.clear()
    assert answers == [3, 1, 1]
