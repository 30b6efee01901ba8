# SPDX-License-Identifier: Apache-2.0
"""Time on real sockets: what a client owes, what we owe, clients that drip, hang up or do not read, and the end of a process."""

import asyncio

import pytest

from gatepost.smtp.server import connection
from gatepost.testing.tls import self_signed
from security.receiving_server import Client, House, Running, on_both_loops, receiving
from waiting import PATIENCE_S, until

SLACK_S = 20.0
"""What a busy machine may add to a time; a bound that is not kept lasts longer."""
ENVELOPE = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.com>\r\n"


def now() -> float:
    return asyncio.get_running_loop().time()


def later(server: Running, seconds: float) -> None:
    """Let it be so much later for the server, and let it look at what is owed: how long the machine took does not count."""
    before = server.reception.now
    server.reception.now = lambda: before() + seconds
    for one in list(server.reception.connections):
        one.check_deadline(server.reception.now())


async def gone(server: Running) -> None:
    """Wait until the server has no connection left."""
    await until(lambda: not server.reception.connections, "no connection is left")


async def drip(client: Client, wire: bytes, every_s: float) -> list[str]:
    """Send a byte at a time until the server hangs up; gives what it said."""
    rest = asyncio.ensure_future(client.rest())
    for at in range(len(wire)):
        if rest.done():
            break
        await client.send(wire[at : at + 1])
        await asyncio.wait([rest], timeout=every_s)
    return [reply[:9] for reply in await rest]


@on_both_loops
async def test_command_timeout_s():
    """A client that says nothing is told so and hung up on."""
    async with receiving(command_timeout_s=0.2) as server:
        began = now()
        client = await Client.connect(server.address)
        assert [reply[:9] for reply in await client.rest()] == ["421 4.4.2"]
        assert 0.15 <= now() - began < SLACK_S
        await gone(server)


@on_both_loops
async def test_a_command_that_drips_gets_no_more_time():
    """Single bytes do not begin the time anew; a whole command that was answered does."""
    async with receiving(command_timeout_s=100.0) as server:
        client = await Client.connect(server.address)
        for _ in range(3):
            later(server, 60.0)
            assert (await client.say(b"NOOP"))[:3] == "250"
        (taken,) = server.reception.connections
        for count in (1, 2, 3):
            assert not taken.session.ended
            await client.send(b"x")
            await until(lambda count=count: taken.session.buffered == count, "the byte has come")
            later(server, 40.0)
        assert [reply[:9] for reply in await client.rest()] == ["421 4.4.2"]


@on_both_loops
async def test_data_timeout_s():
    """Content may pause so long and no longer, in DATA and between chunks."""
    async with receiving(data_timeout_s=0.2) as server:
        for opening in (b"DATA\r\nabc", b"BDAT 100\r\nabc", b"BDAT 3\r\nabc"):
            client = await Client.connect(server.address)
            await client.envelope()
            began = now()
            await client.send(opening)
            assert [reply[:9] for reply in await client.rest()][-1] == "421 4.4.2"
            assert 0.15 <= now() - began < SLACK_S
        await gone(server)
    assert server.house.mails == []


@on_both_loops
async def test_data_total_s():
    """Content that drips within the pauses allowed has its bound all the same."""
    async with receiving(data_timeout_s=5.0, data_total_s=0.4) as server:
        client = await Client.connect(server.address)
        await client.envelope()
        began = now()
        assert (await client.say(b"DATA"))[:3] == "354"
        assert await drip(client, (b"x" * 70 + b"\r\n") * 70, 0.02) == ["421 4.4.2"]
        assert 0.35 <= now() - began < SLACK_S
    assert server.house.mails == []


@on_both_loops
async def test_each_mail_of_a_session_has_its_own_time():
    """Also when the client pipelines the next envelope behind each mail's end."""
    async with receiving(data_total_s=100.0) as server:
        client = await Client.connect(server.address)
        await client.send(b"EHLO c\r\n" + ENVELOPE + b"DATA\r\n")
        for _ in range(8):
            while (reply := await client.reply())[:3] != "354":
                assert reply[:3] == "250"
            later(server, 30.0)
            await client.send(b"x\r\n.\r\n" + ENVELOPE + b"DATA\r\n")
        while (reply := await client.reply())[:3] != "354":
            assert reply[:3] == "250"
    assert len(server.house.mails) == 8


@on_both_loops
async def test_what_we_owe_is_not_counted_against_the_client():
    """While the house decides no time of the client's runs."""
    house = House(hold=asyncio.Event())
    async with receiving(house, command_timeout_s=100.0, data_timeout_s=100.0, data_total_s=100.0) as server:
        client = await Client.connect(server.address)
        await client.envelope()
        await client.send(b"BDAT 1 LAST\r\nx")
        await asyncio.wait_for(house.asked.wait(), PATIENCE_S)
        later(server, 150.0)
        house.hold.set()
        assert (await client.reply())[:3] == "250"


@pytest.mark.parametrize("how", ["abort", "close", "TLS"])
@on_both_loops
async def test_a_client_that_hangs_up_has_handed_over_nothing(how, tmp_path):
    """The house's work on its mail is cancelled: it may withdraw the mail."""
    house = House(hold=asyncio.Event())
    tls = self_signed(tmp_path).server_context() if how == "TLS" else None
    async with receiving(house, tls=tls, implicit=tls is not None) as server:
        client = await Client.connect(server.address, tls=tls is not None)
        await client.envelope()
        await client.send(b"BDAT 1 LAST\r\nx")
        await asyncio.wait_for(house.asked.wait(), PATIENCE_S)
        if how == "abort":
            client.abort()
        else:
            await client.close()
        await asyncio.wait_for(house.withdrawn.wait(), PATIENCE_S)
        await gone(server)
        assert server.gate.enter("127.0.0.1") is None
    assert house.mails == []


@on_both_loops
async def test_a_mail_and_a_farewell_in_one_segment_are_a_hang_up():
    """Who ends the connection before the answer cannot know it: nothing is taken, and no coroutine is left unrun."""
    house = House()
    async with receiving(house) as server:
        client = await Client.connect(server.address)
        await client.envelope()
        (taken,) = server.reception.connections
        wire = b"BDAT 1 LAST\r\nx"
        taken.get_buffer(0)[: len(wire)] = wire
        taken.buffer_updated(len(wire))
        taken.connection_lost(None)
        await asyncio.sleep(0.05)
    assert house.mails == []


@on_both_loops
async def test_a_client_that_does_not_read_its_replies(monkeypatch):
    """It is not obeyed further than its answers reach, costs little memory, is timed out, and at last cut off."""
    monkeypatch.setattr(connection, "_LINGER_S", 0.3)
    async with receiving(idle_commands=10**9) as server:
        client = await Client.connect(server.address)
        client.stop_reading()
        (taken,) = server.reception.connections
        transport = taken._wire._transport
        sent = 0
        while taken._writable and sent < 20_000_000:
            await client.send(b"EHLO client.example\r\n" * 1000)
            sent += 21_000
        assert not taken._writable
        for _ in range(200):
            await client.send(b"EHLO client.example\r\n" * 1000)
            assert taken.session.buffered <= 2 * 65_536
            assert transport.get_write_buffer_size() <= 100_000
        later(server, server.reception.limits.command_timeout_s + SLACK_S)
        assert taken.session.ended
        await gone(server)


@pytest.mark.parametrize("first", [b"", b"WRONG\r\n"])
@on_both_loops
async def test_all_that_is_pipelined_is_answered(first):
    """Whether the client erred before or not, and however much it sends at once."""
    async with receiving(idle_commands=10**9) as server:
        client = await Client.connect(server.address)
        await client.send(first + b"NOOP\r\n" * 5000 + b"QUIT\r\n")
        said = [reply[:3] for reply in await client.rest()]
        assert said == ["500"] * bool(first) + ["250"] * 5000 + ["221"]


@on_both_loops
async def test_a_client_that_reads_again_is_obeyed_again():
    """What it had sent meanwhile is answered in order."""
    async with receiving(idle_commands=10**9) as server:
        client = await Client.connect(server.address)
        client.stop_reading()
        (taken,) = server.reception.connections
        rounds = 0
        while taken._writable:
            await client.send(b"EHLO client.example\r\n" * 1000)
            rounds += 1
        client._writer.transport.resume_reading()
        await client.send(b"QUIT\r\n")
        said = await client.rest()
        assert [reply[:3] for reply in said] == ["250"] * (1000 * rounds) + ["221"]


@on_both_loops
async def test_drain_ends_idle_sessions_and_lets_a_mail_finish():
    """421 for who waits, the answer and then 421 for who is in a mail, and no new connection."""
    house = House(hold=asyncio.Event())
    async with receiving(house, drain_s=PATIENCE_S) as server:
        idle, in_mail, in_content = [await Client.connect(server.address) for _ in range(3)]
        await in_mail.envelope()
        await in_mail.send(b"BDAT 1 LAST\r\nx")
        await asyncio.wait_for(house.asked.wait(), PATIENCE_S)
        await in_content.envelope()
        assert (await in_content.say(b"DATA"))[:3] == "354"
        draining = asyncio.ensure_future(server.reception.drain())
        assert [reply[:9] for reply in await idle.rest()] == ["421 4.3.2"]
        with pytest.raises(OSError):
            await Client.connect(server.address)
        house.hold.set()
        assert [reply[:3] for reply in await in_mail.rest()] == ["250", "421"]
        await in_content.send(b"more\r\n.\r\n")
        assert [reply[:3] for reply in await in_content.rest()] == ["250", "421"]
        began = now()
        await draining
        assert now() - began < SLACK_S
    assert len(house.mails) == 2


@on_both_loops
async def test_drain_s():
    """Who has not finished its mail by then is hung up on, and nothing of it is taken."""
    async with receiving(drain_s=0.2) as server:
        client = await Client.connect(server.address)
        await client.envelope()
        await client.say(b"DATA")
        began = now()
        await server.reception.drain()
        assert 0.15 <= now() - began < SLACK_S
        assert await client.rest() == []
        await gone(server)
    assert server.house.mails == []


@on_both_loops
async def test_drain_waits_for_no_client_that_does_not_read(monkeypatch, tmp_path):
    """A session that has ended and still owes bytes is left to its time; drain goes on (under TLS too)."""
    tls = self_signed(tmp_path).server_context()
    async with receiving(tls=tls, implicit=True, drain_s=0.3, idle_commands=10**9) as server:
        client = await Client.connect(server.address, tls=True)
        client.stop_reading()
        (taken,) = server.reception.connections
        while taken._writable:
            await client.send(b"EHLO client.example\r\n" * 1000)
        later(server, server.reception.limits.command_timeout_s + SLACK_S)
        assert taken.session.ended
        await server.reception.drain()
        await gone(server)
