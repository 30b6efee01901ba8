# SPDX-License-Identifier: Apache-2.0
"""The dialogue with a next hop, byte for byte, without a network."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.message.addresses import Address
from gatepost.smtp.client.machine import ClientMachine
from gatepost.smtp.client.outgoing import Outgoing
from gatepost.smtp.client.terms import Signal, local_failure
from gatepost.smtp.envelope import Envelope, Recipient

ALL = b"250-hop\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 ENHANCEDSTATUSCODES\r\n"
BARE = b"250 hop\r\n"
LOST = local_failure("4.4.2", "Connection lost")


def mail(*recipients, **changes):
    """Make a mail; recipients are addresses or whole Recipients."""
    asked = tuple(one if isinstance(one, Recipient) else Recipient(Address(*one.split("@"))) for one in recipients or ("r@example.com",))
    envelope = changes.pop("envelope", Envelope(Address("s", "example.org")))
    content = {"trace": b"T: 1\r\n", "size": 4, "inline": b"x\r\n.", **changes}
    return Outgoing(envelope, asked, **content)


def opened(offer=ALL, **options):
    """Bring a machine to the point where a mail can be begun."""
    machine = ClientMachine("mx.example.net", **options)
    assert machine.receive(b"220 hop ESMTP\r\n") == [b"EHLO mx.example.net\r\n"]
    assert machine.receive(offer) == [Signal.READY]
    return machine


def statuses(machine):
    """Give the verdicts' status and code."""
    return [(verdict.status, verdict.reply.code) for verdict in machine.outcome.verdicts]


# A mail


def test_a_pipelined_mail_is_two_writes():
    """All commands go in one write, the content with the final dot in another (RFC 2920 §3.1)."""
    machine = opened()
    assert machine.begin(mail("a@example.com", "b@example.com")) == [
        b"MAIL FROM:<s@example.org> SIZE=10\r\nRCPT TO:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n"
    ]
    assert machine.receive(b"250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n") == [b"T: 1\r\nx\r\n..\r\n.\r\n"]
    assert machine.receive(b"250 2.0.0 queued\r\n") == [Signal.SETTLED]
    assert statuses(machine) == [("accepted", 250), ("accepted", 250)]
    assert not machine.outcome.lost


def test_without_pipelining_each_command_waits():
    """A next hop that does not offer PIPELINING gets one command at a time."""
    machine = opened(BARE)
    assert machine.begin(mail()) == [b"MAIL FROM:<s@example.org>\r\n"]
    assert machine.receive(b"250 ok\r\n") == [b"RCPT TO:<r@example.com>\r\n"]
    assert machine.receive(b"250 ok\r\n") == [b"DATA\r\n"]
    assert machine.receive(b"354 go\r\n") == [b"T: 1\r\nx\r\n..\r\n.\r\n"]
    assert machine.receive(b"250 ok\r\n") == [Signal.SETTLED]


def test_the_null_sender_is_an_empty_path():
    """A report goes out from `<>`."""
    assert opened(BARE).begin(mail(envelope=Envelope(None))) == [b"MAIL FROM:<>\r\n"]


def test_each_recipient_has_its_own_verdict():
    """Refused, deferred and accepted recipients of one mail are told apart; 552 means too many (RFC 5321 §4.5.3.1.10)."""
    machine = opened()
    machine.begin(mail("a@example.com", "b@example.com", "c@example.com", "d@example.com"))
    machine.receive(b"250 ok\r\n250 ok\r\n550 5.1.1 who\r\n450 4.2.1 busy\r\n552 too many\r\n354 go\r\n")
    machine.receive(b"250 2.0.0 queued\r\n")
    assert statuses(machine) == [("accepted", 250), ("permanent", 550), ("temporary", 450), ("temporary", 552)]
    assert machine.outcome.verdicts[1].text == "550 5.1.1 who"


@pytest.mark.parametrize(("reply", "status"), [(b"554 5.7.1 spam\r\n", "permanent"), (b"451 4.3.0 later\r\n", "temporary")])
def test_the_reply_to_the_final_dot_decides_for_those_accepted(reply, status):
    """A refusal of the content does not change what a refused recipient was told."""
    machine = opened()
    machine.begin(mail("a@example.com", "b@example.com"))
    machine.receive(b"250 ok\r\n250 ok\r\n550 5.1.1 who\r\n354 go\r\n")
    machine.receive(reply)
    assert statuses(machine) == [(status, int(reply[:3])), ("permanent", 550)]


def test_data_taken_without_recipients_gets_a_lone_dot():
    """A next hop that says 354 although it refused everybody gets no content (RFC 2920 §3.1)."""
    machine = opened()
    machine.begin(mail())
    assert machine.receive(b"250 ok\r\n550 5.1.1 who\r\n354 go\r\n") == [b".\r\n"]
    assert machine.receive(b"250 queued nothing\r\n") == [Signal.SETTLED]
    assert statuses(machine) == [("permanent", 550)]


def test_a_refused_sender_refuses_all_recipients():
    """MAIL's reply is the reason, not the 503 that follow from it."""
    machine = opened()
    machine.begin(mail("a@example.com", "b@example.com"))
    assert machine.receive(b"550 5.7.1 not you\r\n503 first\r\n503 first\r\n503 first\r\n") == [Signal.SETTLED]
    assert [verdict.text for verdict in machine.outcome.verdicts] == ["550 5.7.1 not you"] * 2


def test_a_next_mail_begins_with_rset_after_an_unfinished_one():
    """What a refused mail left at the next hop does not reach the next mail."""
    machine = opened()
    machine.begin(mail())
    machine.receive(b"250 ok\r\n450 busy\r\n503 none\r\n")
    (wire,) = machine.begin(mail("n@example.com"))
    assert wire.startswith(b"RSET\r\nMAIL FROM:")
    machine.receive(b"250 reset\r\n250 ok\r\n250 ok\r\n354 go\r\n")
    machine.receive(b"250 ok\r\n")
    assert statuses(machine) == [("accepted", 250)]
    assert machine.begin(mail())[0].startswith(b"MAIL FROM:")


def test_step_by_step_asks_for_no_content_when_nobody_is_accepted():
    """Without PIPELINING, DATA is not said for nobody, and RSET comes before the next mail."""
    machine = opened(BARE)
    machine.begin(mail())
    machine.receive(b"250 ok\r\n")
    assert machine.receive(b"550 who\r\n") == [Signal.SETTLED]
    assert machine.begin(mail()) == [b"RSET\r\n"]
    assert machine.receive(b"250 ok\r\n") == [b"MAIL FROM:<s@example.org>\r\n"]


@pytest.mark.parametrize(("reply", "status"), [(b"554 5.5.1 no\r\n", "permanent"), (b"250 odd\r\n", "temporary")])
def test_data_answered_otherwise_than_354_hands_nothing_over(reply, status):
    """Not even a 250 to DATA counts as taking the mail."""
    machine = opened()
    machine.begin(mail())
    assert machine.receive(b"250 ok\r\n250 ok\r\n" + reply) == [Signal.SETTLED]
    assert statuses(machine)[0][0] == status


@pytest.mark.parametrize("after", [0, 1])
def test_354_where_no_content_was_announced_ends_the_connection(after):
    """A next hop that is out of step is not talked to any longer."""
    machine = opened()
    machine.begin(mail())
    for _ in range(after):
        machine.receive(b"250 ok\r\n")
    assert machine.receive(b"354 go\r\n") == [Signal.SETTLED, Signal.CLOSE]
    assert statuses(machine)[0][0] == "temporary"


@pytest.mark.parametrize("after", range(5))
def test_421_at_any_time_is_temporary_and_closes(after):
    """421 defers those who were not refused before it, wherever in the dialogue it comes."""
    replies = [b"250 ok\r\n", b"550 5.1.1 who\r\n", b"250 ok\r\n", b"354 go\r\n"]
    machine = opened()
    machine.begin(mail("a@example.com", "b@example.com"))
    for reply in replies[:after]:
        machine.receive(reply)
    assert machine.receive(b"421 4.3.2 going down\r\n") == [Signal.SETTLED, Signal.CLOSE]
    expected_first = ("permanent", 550) if after >= 2 else ("temporary", 421)
    assert statuses(machine) == [expected_first, ("temporary", 421)]
    assert (machine.outcome.lost, machine.outcome.begun) == (True, after >= 1)


@pytest.mark.parametrize("after", range(5))
def test_a_lost_connection_is_temporary_at_each_point(after):
    """Whoever was not refused is tried again, even when the final dot was sent."""
    replies = [b"250 ok\r\n", b"550 5.1.1 who\r\n", b"250 ok\r\n", b"354 go\r\n"]
    machine = opened()
    machine.begin(mail("a@example.com", "b@example.com"))
    for reply in replies[:after]:
        machine.receive(reply)
    assert machine.lost(LOST) == [Signal.SETTLED, Signal.CLOSE]
    assert [verdict.status for verdict in machine.outcome.verdicts] == ["permanent" if after >= 2 else "temporary", "temporary"]
    assert machine.outcome.verdicts[1].local


def test_content_is_not_taken_for_answered_before_it_was_sent():
    """A 250 that comes together with 354 cannot be the final dot's, so the mail is not delivered."""
    machine = opened()
    machine.begin(mail())
    assert machine.receive(b"250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n") == [Signal.SETTLED, Signal.CLOSE]
    assert statuses(machine)[0][0] == "temporary"


def test_a_reply_begun_before_the_content_was_sent_does_not_count_either():
    """The first bytes of an answer to content that the next hop cannot have seen end the connection."""
    machine = opened()
    machine.begin(mail())
    assert machine.receive(b"250 ok\r\n250 ok\r\n354 go\r\n25") == [Signal.SETTLED, Signal.CLOSE]


def test_421_right_behind_354_sends_no_content():
    """A server that closes in the same breath must not get a mail that it could take."""
    machine = opened()
    machine.begin(mail())
    assert machine.receive(b"250 ok\r\n250 ok\r\n354 go\r\n421 bye\r\n") == [Signal.SETTLED, Signal.CLOSE]


def test_a_delivered_mail_stays_delivered_when_421_follows():
    """What comes after the final reply closes the connection and changes nothing."""
    machine = opened()
    machine.begin(mail())
    machine.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
    assert machine.receive(b"250 queued\r\n421 idle\r\n")[-1] is Signal.CLOSE
    assert statuses(machine) == [("accepted", 250)]


def test_nonsense_ends_the_connection():
    """What is no SMTP is temporary for the mail and the end of the connection."""
    machine = opened()
    machine.begin(mail())
    assert machine.receive(b"HTTP/1.1 400 Bad Request\r\n") == [Signal.SETTLED, Signal.CLOSE]
    assert machine.outcome.verdicts[0].text.startswith("4.5.0 ")


def test_an_idle_connection_that_speaks_is_closed():
    """No reply is awaited between mails, so whatever comes ends the connection."""
    assert opened().receive(b"421 4.4.2 idle for too long\r\n") == [Signal.CLOSE]


def test_quit_ends_with_its_reply():
    """The connection is closed once 221 is there."""
    machine = opened()
    assert machine.quit() == [b"QUIT\r\n"]
    assert machine.receive(b"221 bye\r\n") == [Signal.CLOSE]


# Streamed content


def streaming():
    """Bring a machine to the point where streamed content is wanted."""
    machine = opened()
    machine.begin(mail(inline=b"", size=100, streamed=True))
    assert machine.receive(b"250 ok\r\n250 ok\r\n354 go\r\n") == [b"T: 1\r\n", Signal.CONTENT]
    assert machine.phase == "data_block"
    return machine


def test_streamed_content_is_stuffed_across_pieces():
    """A dot after a piece that ends a line is doubled, and the last line is ended."""
    machine = streaming()
    pieces = [machine.content(piece)[0] for piece in (b".a\r", b"\n", b".b\r\n", b".", b"c")]
    assert b"".join(pieces) == b"..a\r\n..b\r\n..c"
    assert machine.content_end() == [b"\r\n.\r\n"]
    assert machine.phase == "data_end"
    assert machine.receive(b"250 ok\r\n") == [Signal.SETTLED]


def test_a_refusal_in_the_middle_of_content_counts():
    """A next hop that has seen enough may refuse early; the connection ends without the final dot."""
    machine = streaming()
    machine.content(b"a\r\n")
    assert machine.receive(b"552 5.3.4 too big\r\n") == [Signal.SETTLED, Signal.CLOSE]
    assert statuses(machine) == [("permanent", 552)]


def test_an_acceptance_in_the_middle_of_content_does_not_count():
    """Nobody can have taken a mail that was not sent whole."""
    machine = streaming()
    assert machine.receive(b"250 ok\r\n") == [Signal.SETTLED, Signal.CLOSE]
    assert statuses(machine)[0][0] == "temporary"


def test_a_bare_line_end_in_streamed_content_breaks_off():
    """The mail is refused and never ended, so the next hop cannot take it."""
    machine = streaming()
    assert machine.content(b"a\nb") == [Signal.SETTLED, Signal.CLOSE]
    assert machine.outcome.verdicts[0].reply.enhanced == "5.6.11"


# Any segmentation, any bytes

DIALOGUE = [b"220 hop\r\n", ALL, b"250 2.1.0 ok\r\n550-5.1.1 no\r\n550 5.1.1 such\r\n250 ok\r\n354 go\r\n", b"250 2.0.0 done\r\n"]


@given(st.lists(st.integers(0, 400), max_size=20) | st.just(list(range(400))))
def test_the_dialogue_does_not_depend_on_segmentation(cuts):
    """Byte by byte or all at once, the same is said and the same comes out."""
    machine = ClientMachine("mx.example.net")
    said = []
    for turn in DIALOGUE:
        borders = sorted({0, *(cut for cut in cuts if cut < len(turn)), len(turn)})
        for start, end in itertools.pairwise(borders):
            for action in machine.receive(turn[start:end]):
                said.append(action)
                if action is Signal.READY:
                    said.extend(machine.begin(mail("a@example.com", "b@example.com")))
    assert b"".join(action for action in said if isinstance(action, bytes)) == (
        b"EHLO mx.example.net\r\n"
        b"MAIL FROM:<s@example.org> SIZE=10\r\nRCPT TO:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n"
        b"T: 1\r\nx\r\n..\r\n.\r\n"
    )
    assert statuses(machine) == [("permanent", 550), ("accepted", 250)]


LINES = st.sampled_from(
    [
        b"220 hi\r\n",
        b"250 ok\r\n",
        b"250-a\r\n",
        b"354 go\r\n",
        b"421 bye\r\n",
        b"550 no\r\n",
        b"450 wait\r\n",
        b"junk\r\n",
        b"334 x\r\n",
        b"2",
    ]
)


@given(st.lists(LINES, max_size=14), st.booleans())
def test_a_mail_is_accepted_only_by_a_reply_to_its_final_dot(lines, pipelining):
    """Whatever a next hop answers in whatever order, `accepted` follows a 2xx to content that was written."""
    machine = opened(ALL if pipelining else BARE)
    wrote = machine.begin(mail())
    for line in lines:
        if machine.outcome is not None:
            break
        dotted = any(isinstance(action, bytes) and action.endswith(b"\r\n.\r\n") for action in wrote)
        actions = machine.receive(line)
        if machine.outcome is not None and machine.outcome.verdicts[0].status == "accepted":
            assert dotted and line.startswith(b"2")
        wrote.extend(actions)
    if machine.outcome is None:
        machine.lost(LOST)
        assert machine.outcome is not None and machine.outcome.verdicts[0].status != "accepted"
