# SPDX-License-Identifier: Apache-2.0
"""The transport's own duties: nobody waits for ever, and timers cost next to nothing."""

import asyncio

from gatepost.message.addresses import Address
from gatepost.smtp.client.connection import Connection
from gatepost.smtp.client.machine import ClientMachine
from gatepost.smtp.client.outgoing import Outgoing
from gatepost.smtp.envelope import Envelope, Recipient
from waiting import PATIENCE_S

MAIL = Outgoing(Envelope(None), (Recipient(Address("r", "example.com")),), b"T: 1\r\n", 3, b"a\r\n")
TIMEOUTS = {"greeting": 300.0, "command": 300.0, "data_start": 120.0, "data_block": 180.0, "data_end": 600.0, "idle": 60.0, "ending": 5.0}


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self):
        super().__init__()
        self.written, self.ended = [], ""

    def write(self, data):
        self.written.append(data)

    def close(self):
        self.ended = "closed"

    def abort(self):
        self.ended = "aborted"


class CountingLoop:
    """The running loop; counts the timers it is asked for."""

    def __init__(self):
        self._loop = asyncio.get_running_loop()
        self.timers = 0

    def call_later(self, *arguments):
        self.timers += 1
        return self._loop.call_later(*arguments)

    def __getattr__(self, name):
        return getattr(self._loop, name)


def ready(loop, timeouts=TIMEOUTS):
    """Give a connection on which a mail can be begun, and its wire."""
    connection, wire = Connection(ClientMachine("mx.example.net"), timeouts, lambda: None, loop), Wire()
    connection.connection_made(wire)
    connection.data_received(b"220 hop\r\n")
    connection.data_received(b"250-hop\r\n250 PIPELINING\r\n")
    assert connection.usable
    return connection, wire


async def test_a_mail_begun_on_a_lost_connection_has_its_outcome_at_once():
    """A connection that ended after it was taken answers, and says that nothing was begun."""
    connection, _ = ready(asyncio.get_running_loop())
    connection.connection_lost(None)
    outcome = await asyncio.wait_for(connection.transact(MAIL), PATIENCE_S)
    assert (outcome.lost, outcome.begun, outcome.verdicts[0].status) == (True, False, "temporary")


async def test_timers_do_not_grow_with_mails():
    """One timer serves a connection: it is armed for the shortest limit and else left alone."""
    loop = CountingLoop()
    connection, _ = ready(loop)
    armed = loop.timers
    for _ in range(50):
        sending = asyncio.ensure_future(connection.transact(MAIL))
        await asyncio.sleep(0)
        connection.data_received(b"250 ok\r\n250 ok\r\n354 go\r\n")
        connection.data_received(b"250 ok\r\n")
        assert (await sending).verdicts[0].status == "accepted"
    assert loop.timers == armed
    connection.connection_lost(None)


async def test_a_closed_connection_whose_peer_takes_nothing_is_aborted():
    """Closing waits for the peer to take what was written, but not for ever."""
    connection, wire = ready(asyncio.get_running_loop(), {**TIMEOUTS, "ending": 0.02})
    connection.data_received(b"421 4.4.2 idle\r\n")
    assert wire.ended == "closed"
    aborted = asyncio.get_running_loop().create_future()
    wire.abort = lambda: aborted.done() or aborted.set_result(None)
    await asyncio.wait_for(aborted, PATIENCE_S)
    connection.connection_lost(None)
