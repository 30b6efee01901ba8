# SPDX-License-Identifier: Apache-2.0
"""Whatever a next hop or the network does, each recipient has a verdict, and no mail is lost or sent twice."""

import asyncio

import pytest

from gatepost.errors import StoreAway
from waiting import PATIENCE_S

STATES = ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "CONTENT"]


@pytest.mark.parametrize("offers", [("PIPELINING",), ()])
@pytest.mark.parametrize("state", STATES)
async def test_a_connection_dropped_at_any_point_is_temporary(bench, state, offers):
    """A next hop that hangs up, wherever it does, leaves the mail to be tried again."""
    hop = await bench.hop(offers=offers, answers={state: bench.DROP})
    result = await bench.sender().send(bench.claim(), bench.route(hop))
    (one,) = result.recipients
    assert (one.status, one.code, one.enhanced, result.host_failed) == ("temporary", 0, "4.4.2", True)
    assert one.reply.startswith("4.4.2 Connection lost")


@pytest.mark.parametrize("state", STATES)
async def test_a_silent_next_hop_times_out(bench, state):
    """Each phase has its time limit, and its name is in the reason."""
    limits = {
        "GREETING": ("greeting_timeout_s", "the greeting"),
        "DATA": ("data_start_timeout_s", "the reply to DATA"),
        "CONTENT": ("data_end_timeout_s", "the reply to the final dot"),
    }
    limit, waited_for = limits.get(state, ("command_timeout_s", "the reply to a command"))
    hop = await bench.hop(answers={state: bench.SILENT})
    async with asyncio.timeout(PATIENCE_S):  # the other phases have minutes
        result = await bench.sender(**{limit: 0.05}).send(bench.claim(), bench.route(hop))
    (one,) = result.recipients
    assert one.reply == f"4.4.2 Timed out while waiting for {waited_for}"
    assert (one.status, result.host_failed) == ("temporary", True)
    await hop.sessions[0].ended


async def drip(session):
    """Send line after line of one reply, slowly."""
    while not session.ended.done():
        session.transport.write(b"250-more\r\n")
        await asyncio.sleep(0.01)


async def test_a_reply_that_never_ends_times_out(bench):
    """Bytes that make no whole reply do not extend the limit."""
    hop = await bench.hop(answers={"EHLO": b"250-a\r\n"})
    sending = asyncio.ensure_future(bench.sender(command_timeout_s=0.1).send(bench.claim(), bench.route(hop)))
    await hop.reached.wait()
    dripping = asyncio.ensure_future(drip(hop.sessions[0]))
    result = await sending
    dripping.cancel()
    assert result.recipients[0].reply == "4.4.2 Timed out while waiting for the reply to a command"


async def test_content_that_is_not_taken_times_out(bench):
    """A next hop that stops reading is given up, and the blob is read no further than the buffers reach."""
    hop = await bench.hop()
    bench.blobs["big"] = [b"x" * 65534 + b"\r\n"] * 512
    sender = bench.sender(data_block_timeout_s=0.2)
    sending = asyncio.ensure_future(sender.send(bench.claim(blob="big", size=2**25), bench.route(hop)))
    (await hop.at_data()).transport.pause_reading()
    result = await sending
    assert result.recipients[0].reply == "4.4.2 Timed out while waiting for the content to be taken"
    assert bench.pulled["big"] < 8 * 2**20
    assert hop.mails == []


@pytest.mark.parametrize("state", STATES)
async def test_421_at_any_point_is_temporary(bench, state):
    """421 keeps its text, closes the connection and defers the mail."""
    hop = await bench.hop(answers={state: b"421 4.3.2 closing\r\n"})
    result = await bench.sender().send(bench.claim(), bench.route(hop))
    (one,) = result.recipients
    assert (one.status, one.reply, one.code, result.host_failed) == ("temporary", "421 4.3.2 closing", 421, True)


async def test_421_in_the_middle_keeps_earlier_refusals(bench):
    """Who was refused before stays refused; the others are tried again."""
    hop = await bench.hop(answers={"RCPT": [b"550 5.1.1 who\r\n", b"421 4.3.2 closing\r\n"]})
    result = await bench.sender().send(bench.claim("a@example.com", "b@example.com", "c@example.com"), bench.route(hop))
    assert [one.status for one in result.recipients] == ["permanent", "temporary", "temporary"]


@pytest.mark.parametrize(
    "reply", [b"garbage\r\n", b"250-a\r\n251 b\r\n", b"250 " + b"x" * 5000 + b"\r\n", b"250-x\r\n" * 200, b"99 low\r\n"]
)
@pytest.mark.parametrize("state", ["GREETING", "EHLO", "MAIL", "CONTENT"])
async def test_malformed_replies_drop_the_connection(bench, state, reply):
    """A peer that does not speak SMTP is hung up on, and the mail is tried again later."""
    hop = await bench.hop(answers={state: reply})
    result = await bench.sender().send(bench.claim(), bench.route(hop))
    (one,) = result.recipients
    assert (one.status, one.enhanced, one.code, result.host_failed) == ("temporary", "4.5.0", 0, True)
    await hop.sessions[0].ended


async def test_a_refusal_of_the_mail_is_no_failure_of_the_host(bench):
    """A 5xx to the content is a verdict; host and connection stay in use."""
    hop, sender = await bench.hop(answers={"CONTENT": [b"554 5.7.1 spam\r\n"]}), bench.sender()
    result = await sender.send(bench.claim(), bench.route(hop))
    assert (result.recipients[0].status, result.recipients[0].reply, result.host_failed) == ("permanent", "554 5.7.1 spam", False)
    assert (await sender.send(bench.claim(), bench.route(hop))).recipients[0].status == "accepted"
    assert len(hop.sessions) == 1


async def test_a_mail_refused_half_way_does_not_mix_with_the_next(bench):
    """After a transaction that was not ended, RSET comes before the next one on the same connection."""
    hop, sender = await bench.hop(answers={"RCPT": [b"450 4.2.1 busy\r\n"], "DATA": [b"503 5.5.1 no recipients\r\n"]}), bench.sender()
    first = await sender.send(bench.claim("a@example.com"), bench.route(hop))
    assert first.recipients[0].reply == "450 4.2.1 busy"
    await sender.send(bench.claim("b@example.com"), bench.route(hop))
    assert [command[:4] for command in hop.sessions[0].commands] == [b"EHLO", b"MAIL", b"RCPT", b"DATA", b"RSET", b"MAIL", b"RCPT", b"DATA"]


async def test_354_with_nobody_accepted_gets_a_lone_dot(bench):
    """A next hop that asks for content for nobody gets none."""
    hop = await bench.hop(answers={"RCPT": [b"550 5.1.1 who\r\n"]})
    result = await bench.sender().send(bench.claim(), bench.route(hop))
    assert (result.recipients[0].status, hop.mails) == ("permanent", [b".\r\n"])


async def test_a_long_reason_is_cut(bench):
    """A next hop cannot fill the queue's rows with its reason."""
    hop = await bench.hop(answers={"CONTENT": b"550-" + b"x" * 4000 + b"\r\n550 y\r\n"})
    result = await bench.sender().send(bench.claim(), bench.route(hop))
    assert len(result.recipients[0].reply) == len("550 ") + 1000


# The hosts of a route


@pytest.mark.parametrize("answers", [{"GREETING": b"421 busy\r\n"}, {"GREETING": b"554 no\r\n"}, {"EHLO": "drop"}, {"MAIL": "drop"}])
async def test_the_next_host_is_tried_when_one_fails(bench, answers):
    """Hosts are tried in order until one deals with the mail (RFC 5321 §5.1)."""
    bad, good = await bench.hop(answers=answers), await bench.hop()
    result = await bench.sender().send(bench.claim(), bench.route(bad.at("bad.example.com"), good.at("good.example.com")))
    assert (result.recipients[0].status, result.host, result.host_failed) == ("accepted", "good.example.com", False)
    assert len(bad.sessions) == 1


async def test_the_next_host_is_tried_when_nobody_listens(bench):
    """A refused TCP connection is a failed host like any other."""
    good = await bench.hop()
    result = await bench.sender().send(bench.claim(), bench.route(await bench.nobody(), good))
    assert result.recipients[0].status == "accepted"


async def test_a_route_without_a_living_host_is_temporary(bench):
    """When no host can be reached, the last one's reason is told, and the route has failed."""
    result = await bench.sender().send(bench.claim("a@example.com", "b@example.com"), bench.route(await bench.nobody()))
    assert [one.status for one in result.recipients] == ["temporary"] * 2
    assert result.recipients[0].reply.startswith("4.4.1 Connecting to 127.0.0.1 port ")
    assert (result.recipients[0].host, result.host_failed) == ("nobody.example.com", True)


async def test_no_other_host_is_tried_once_one_deals_with_the_mail(bench):
    """After MAIL was answered a loss is temporary: the mail could have been taken, and must not be sent twice."""
    first, second = await bench.hop(answers={"CONTENT": bench.DROP}), await bench.hop()
    result = await bench.sender().send(bench.claim(), bench.route(first, second))
    assert (result.recipients[0].status, second.sessions) == ("temporary", [])


# Connections that were kept


@pytest.mark.parametrize("told", ["drop", b"421 4.4.2 idle\r\n"])
async def test_a_kept_connection_that_is_dead_is_replaced(bench, told):
    """A mail that finds its connection dead goes over a fresh one at once, whole and once."""
    hop, sender = await bench.hop(answers={"MAIL": [b"250 ok\r\n", told]}), bench.sender()
    await sender.send(bench.claim(inline=b"1\r\n"), bench.route(hop))
    result = await sender.send(bench.claim(inline=b"2\r\n"), bench.route(hop))
    assert (result.recipients[0].status, result.host_failed) == ("accepted", False)
    assert [session.mails for session in hop.sessions] == [[b"T: 1\r\n1\r\n.\r\n"], [b"T: 1\r\n2\r\n.\r\n"]]


async def test_a_connection_closed_while_idle_is_not_used(bench):
    """A next hop that closes between mails costs no attempt."""
    hop, sender = await bench.hop(), bench.sender()
    await sender.send(bench.claim(), bench.route(hop))
    hop.sessions[0].transport.write(b"421 4.4.2 idle\r\n")
    hop.sessions[0].transport.close()
    await hop.sessions[0].ended
    result = await sender.send(bench.claim(), bench.route(hop))
    assert (result.recipients[0].status, len(hop.sessions)) == ("accepted", 2)


async def test_a_kept_connection_lost_after_the_dot_is_not_tried_again(bench):
    """Once the end of the content was sent the next hop may have the mail, so it is not sent at once again."""
    hop, sender = await bench.hop(answers={"CONTENT": [b"250 ok\r\n", "drop"]}), bench.sender()
    await sender.send(bench.claim(), bench.route(hop))
    result = await sender.send(bench.claim(), bench.route(hop))
    assert (result.recipients[0].status, result.host_failed, len(hop.mails)) == ("temporary", True, 2)


async def test_a_cancelled_send_leaves_no_connection_in_a_mail(bench):
    """When a send is cancelled, its connection is closed and the next mail begins anew."""
    hop, sender = await bench.hop(answers={"DATA": [bench.SILENT]}), bench.sender()
    sending = asyncio.ensure_future(sender.send(bench.claim(), bench.route(hop)))
    await hop.at_data()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await hop.sessions[0].ended
    assert (await sender.send(bench.claim(), bench.route(hop))).recipients[0].status == "accepted"


# Content that cannot be sent


async def test_a_blob_that_cannot_be_read_is_temporary(bench):
    """The next hop gets no final dot for a mail that could not be read to its end."""

    async def broken(name):
        yield b"begin\r\n"
        raise StoreAway("the disk is gone")

    hop, sender = await bench.hop(), bench.sender()
    sender._open_blob = broken
    result = await sender.send(bench.claim(blob="b", size=100), bench.route(hop))
    assert (result.recipients[0].status, result.recipients[0].enhanced, result.host_failed) == ("temporary", "4.3.0", False)
    await hop.sessions[0].ended
    assert hop.mails == []


async def test_content_with_a_bare_line_end_is_never_sent(bench):
    """Inline or streamed, such a mail is refused, and the next hop never sees its end."""
    hop, sender = await bench.hop(), bench.sender()
    inline = await sender.send(bench.claim(inline=b"a\r\n\n.\r\n"), bench.route(hop))
    bench.blobs["b"] = [b"a\r\n\r", b"x.\r\n"]
    streamed = await sender.send(bench.claim(blob="b", size=8), bench.route(hop))
    assert [result.recipients[0].enhanced for result in (inline, streamed)] == ["5.6.11"] * 2
    await hop.sessions[0].ended
    assert hop.mails == []
