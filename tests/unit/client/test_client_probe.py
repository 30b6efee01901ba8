# SPDX-License-Identifier: Apache-2.0
"""A question to a next hop, byte for byte, without a network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.message.addresses import Address
from gatepost.smtp.client.machine import ClientMachine
from gatepost.smtp.client.outgoing import Outgoing
from gatepost.smtp.client.terms import Signal, local_failure
from gatepost.smtp.envelope import Envelope, Recipient

ALL = b"250-hop\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250-SMTPUTF8\r\n250 DSN\r\n"
BARE = b"250 hop\r\n"
WHO = Address("r", "example.com")
MAIL = Outgoing(Envelope(None), (Recipient(WHO),), b"T: 1\r\n", 3, b"a\r\n")


def opened(offer=ALL):
    """Bring a machine to the point where a mail or a question can be begun."""
    machine = ClientMachine("mx.example.net")
    machine.receive(b"220 hop\r\n")
    assert machine.receive(offer) == [Signal.READY]
    return machine


def answered(replies, offer=ALL):
    """Ask, feed the replies, and give the outcome."""
    machine = opened(offer)
    machine.ask(WHO)
    machine.receive(replies)
    return machine.outcome


def test_a_pipelined_question_is_one_write_without_data():
    """MAIL from nobody and RCPT go together (RFC 2920 §3.1); nothing else does."""
    machine = opened()
    assert machine.ask(WHO) == [b"MAIL FROM:<>\r\nRCPT TO:<r@example.com>\r\n"]
    assert machine.receive(b"250 ok\r\n250 ok\r\n") == [Signal.SETTLED]
    assert machine.outcome.verdicts[0].status == "accepted"


def test_without_pipelining_each_command_waits():
    """A next hop that does not offer PIPELINING gets one command at a time."""
    machine = opened(BARE)
    assert machine.ask(WHO) == [b"MAIL FROM:<>\r\n"]
    assert machine.receive(b"250 ok\r\n") == [b"RCPT TO:<r@example.com>\r\n"]
    assert machine.receive(b"550 5.1.1 who\r\n") == [Signal.SETTLED]
    assert machine.outcome.verdicts[0].status == "permanent"


@pytest.mark.parametrize("offer", [ALL, BARE])
def test_a_refused_sender_says_nothing_about_the_recipient(offer):
    """A 5xx to MAIL is temporary, and without PIPELINING RCPT is not said any more."""
    outcome = answered(b"550 5.7.1 no null sender\r\n" + (b"503 MAIL first\r\n" if offer is ALL else b""), offer)
    assert (outcome.verdicts[0].status, outcome.verdicts[0].reply.code) == ("temporary", 550)
    assert not outcome.lost


@pytest.mark.parametrize(("code", "status"), [(550, "permanent"), (553, "permanent"), (501, "permanent"), (551, "permanent")])
def test_a_refused_recipient_is_unknown(code, status):
    """What RFC 5321 §4.3.2 has for an address that does not exist is permanent."""
    assert answered(b"250 ok\r\n%d no\r\n" % code).verdicts[0].status == status


@pytest.mark.parametrize("code", [421, 450, 451, 452, 500, 502, 503, 504, 530, 552, 555])
def test_what_does_not_speak_of_the_address_is_temporary(code):
    """Later, full, unauthenticated, not understood: none of it means that nobody has this name."""
    assert answered(b"250 ok\r\n%d no\r\n" % code).verdicts[0].status == "temporary"


def test_what_follows_a_question_begins_with_rset():
    """The open transaction is given up before a mail or the next question, in the same write."""
    machine = opened()
    machine.ask(WHO)
    machine.receive(b"250 ok\r\n550 who\r\n")
    assert machine.ask(WHO) == [b"RSET\r\nMAIL FROM:<>\r\nRCPT TO:<r@example.com>\r\n"]
    machine.receive(b"250 ok\r\n250 ok\r\n250 ok\r\n")
    assert machine.begin(MAIL)[0].startswith(b"RSET\r\nMAIL FROM:<> SIZE=9\r\nRCPT TO:<r@example.com>\r\nDATA\r\n")


def test_a_question_ends_with_quit():
    """Where nothing follows, QUIT ends the transaction with the dialogue."""
    machine = opened()
    machine.ask(WHO)
    machine.receive(b"250 ok\r\n250 ok\r\n")
    assert machine.quit() == [b"QUIT\r\n"]


def test_an_internationalised_address_is_asked_for_only_where_it_can_exist():
    """SMTPUTF8 is said where it is offered; elsewhere nobody can have the address, and nothing is sent."""
    name = Address("jürgen", "example.com")
    assert opened().ask(name) == ["MAIL FROM:<> SMTPUTF8\r\nRCPT TO:<jürgen@example.com>\r\n".encode()]
    machine = opened(BARE)
    assert machine.ask(name) == [Signal.SETTLED]
    assert machine.outcome.verdicts[0].status == "permanent"
    assert machine.ask(WHO) == [b"MAIL FROM:<>\r\n"]


@pytest.mark.parametrize("local", ["a\r\nDATA", "a\n", "\r"])
def test_an_address_with_a_line_end_is_not_sent(local):
    """No command can be smuggled in an address."""
    assert opened().ask(Address(local, "example.com")) == [Signal.SETTLED]


def test_a_lost_connection_is_no_answer():
    """Whether it was begun tells if another host may be asked."""
    machine = opened(BARE)
    machine.ask(WHO)
    assert machine.lost(local_failure("4.4.2", "Connection lost")) == [Signal.SETTLED, Signal.CLOSE]
    assert (machine.outcome.verdicts[0].status, machine.outcome.lost, machine.outcome.begun) == ("temporary", True, False)
    assert answered(b"250 ok\r\n421 bye\r\n")[1:] == (True, True)


@given(
    st.lists(st.sampled_from([b"250 ok\r\n", b"550 no\r\n", b"354 go\r\n", b"421 bye\r\n", b"250-a\r\n250 b\r\n", b"x\r\n"]), max_size=6),
    st.data(),
)
def test_no_answer_makes_a_question_a_mail(replies, data):
    """Whatever a next hop says, in whatever pieces: DATA is never said, and a refusal needs a 5xx to RCPT."""
    machine = opened(data.draw(st.sampled_from([ALL, BARE])))
    actions = list(machine.ask(WHO))
    stream = b"".join(replies)
    cut = data.draw(st.integers(0, len(stream)))
    for piece in (stream[:cut], stream[cut:]):
        if piece and Signal.CLOSE not in actions:
            actions += machine.receive(piece)
    said = b"".join(action for action in actions if isinstance(action, bytes))
    assert b"DATA" not in said
    assert b"BDAT" not in said
    if machine.outcome is not None and machine.outcome.verdicts[0].status == "permanent":
        assert replies[1] == b"550 no\r\n"
        assert replies[0].startswith(b"250")
