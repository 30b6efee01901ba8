# SPDX-License-Identifier: Apache-2.0
"""What is said of a mail to a next hop that offers an extension, and to one that does not."""

import pytest

from gatepost.message.addresses import Address
from gatepost.smtp.client.machine import ClientMachine
from gatepost.smtp.client.outgoing import Outgoing
from gatepost.smtp.client.terms import Signal
from gatepost.smtp.envelope import Envelope, Recipient

ALL = b"250-hop\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 ENHANCEDSTATUSCODES\r\n"


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


def test_dsn_parameters_travel_verbatim_where_dsn_is_offered():
    """RET, ENVID, NOTIFY and ORCPT keep their case and their xtext (RFC 3461 §4)."""
    envelope = Envelope(Address("s", "example.org"), ret="HDRS", envid="QQ+2B314")
    recipient = Recipient(Address("r", "example.com"), "SUCCESS,DELAY", "rfc822;R+2Bx@Example.com")
    sent = opened().begin(mail(recipient, envelope=envelope))[0]
    assert b"SIZE=10 RET=HDRS ENVID=QQ+2B314\r\n" in sent
    assert b"RCPT TO:<r@example.com> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;R+2Bx@Example.com\r\n" in sent


def test_dsn_parameters_are_left_out_where_it_is_not():
    """A next hop without DSN sees none of its parameters."""
    envelope = Envelope(Address("s", "example.org"), ret="HDRS", envid="QQ314")
    machine = opened(b"250-hop\r\n250 PIPELINING\r\n")
    assert machine.begin(mail(Recipient(Address("r", "example.com"), "NEVER", "rfc822;r@e"), envelope=envelope)) == [
        b"MAIL FROM:<s@example.org>\r\nRCPT TO:<r@example.com>\r\nDATA\r\n"
    ]


@pytest.mark.parametrize(("offer", "said"), [(ALL, True), (b"250-hop\r\n250 PIPELINING\r\n", False)])
def test_eight_bit_content_is_declared_where_it_can_be(offer, said):
    """BODY=8BITMIME is said when offered; else the content goes as it is."""
    machine = opened(offer)
    assert (b" BODY=8BITMIME" in machine.begin(mail(inline=b"\xe4\r\n", eight_bit=True))[0]) is said
    assert machine.receive(b"250 ok\r\n250 ok\r\n354 go\r\n") == [b"T: 1\r\n\xe4\r\n.\r\n"]


def test_smtputf8_is_said_for_an_internationalised_mail():
    """Flag or address, either asks for SMTPUTF8 (RFC 6531 §3.4)."""
    assert b" SMTPUTF8\r\n" in opened().begin(mail(envelope=Envelope(Address("s", "example.org"), smtputf8=True)))[0]
    assert "RCPT TO:<jürgen@example.com>".encode() in opened().begin(mail("jürgen@example.com"))[0]
    assert b" SMTPUTF8\r\n" in opened().begin(mail("jürgen@example.com"))[0]
    assert b" SMTPUTF8" not in opened().begin(mail())[0]


def test_without_smtputf8_only_ascii_addresses_are_sent():
    """An address that cannot travel is refused for good, the others get the mail."""
    machine = opened(b"250-hop\r\n250 PIPELINING\r\n")
    (wire,) = machine.begin(mail("jürgen@example.com", "r@example.com", envelope=Envelope(Address("s", "example.org"), smtputf8=True)))
    assert wire == b"MAIL FROM:<s@example.org>\r\nRCPT TO:<r@example.com>\r\nDATA\r\n"
    machine.receive(b"250 ok\r\n250 ok\r\n354 go\r\n")
    machine.receive(b"250 ok\r\n")
    assert [(verdict.status, verdict.reply.enhanced) for verdict in machine.outcome.verdicts] == [("permanent", "5.6.7"), ("accepted", "")]


def test_a_sender_that_needs_smtputf8_fails_without_it():
    """Nothing is said at all when the reverse-path cannot travel; the connection stays of use."""
    machine = opened(b"250-hop\r\n250 PIPELINING\r\n")
    assert machine.begin(mail(envelope=Envelope(Address("jürgen", "example.org")))) == [Signal.SETTLED]
    assert [(verdict.status, verdict.reply.enhanced) for verdict in machine.outcome.verdicts] == [("permanent", "5.6.7")]
    assert machine.begin(mail())[0].startswith(b"MAIL")


@pytest.mark.parametrize("local", ["a\r\nRCPT TO:<x", "a\nb", "a\rb"])
def test_command_injection_never_leaves(local):
    """An address with a line end in it is refused before anything is written."""
    machine = opened()
    assert machine.begin(mail(Recipient(Address(local, "example.com")))) == [Signal.SETTLED]
    assert statuses(machine)[0][0] == "permanent"


@pytest.mark.parametrize("body", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\n.\r\r\n", b"\n.\r\n", b"a\r\n\r"])
def test_smuggling_content_never_leaves(body):
    """Content with a bare CR or LF is refused before anything is written (RFC 5321 §2.3.8)."""
    machine = opened()
    assert machine.begin(mail(inline=body, size=len(body))) == [Signal.SETTLED]
    assert machine.outcome.verdicts[0].reply.enhanced == "5.6.11"
