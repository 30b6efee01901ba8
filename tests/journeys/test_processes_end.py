# SPDX-License-Identifier: Apache-2.0
"""The end in order: what has begun is finished, nothing new begins, nothing stays behind."""

import asyncio
import os
import signal
import time
from asyncio import to_thread
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gatepost.config.limits import ReceiveLimits
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.load import Plan, generate
from gatepost.testing.ports import accepts_connections
from gatepost.testing.processes import alive
from gatepost.testing.sink import Sink
from waiting import PATIENCE_S, until
from wire_client import WireClient

DRAIN_S = 20.0
"""Enough to finish a mail on a machine that is busy."""
SHORT_S = 3.0


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[tuple[Gateway, Sink]]:
    """A gateway that gives open mails `DRAIN_S` at its end, and its next hop."""
    async with Sink() as sink:
        gateway = Gateway(tmp_path, relay_all_to(sink.port, receive=ReceiveLimits(drain_s=DRAIN_S)))
        await to_thread(gateway.start)
        yield gateway, sink
        await to_thread(gateway.kill_all)


def is_draining(gateway: Gateway) -> bool:
    """Tell whether `receive` itself has said so."""
    return any(event["process"] == "receive" for event in gateway.events("process.draining"))


def begin_mail(gateway: Gateway) -> WireClient:
    """Open a session and send half a mail."""
    client = WireClient(gateway.port)
    client.say("EHLO client.example")
    client.say("MAIL FROM:<a@example.org>")
    client.say("RCPT TO:<b@example.com>")
    assert client.say("DATA").startswith("354")
    client.raw(b"Subject: half\r\n\r\nfirst half\r\n")
    return client


async def test_a_mail_that_has_begun_may_be_finished(house: tuple[Gateway, Sink]) -> None:
    """In the middle of DATA at SIGTERM: its end gets 250, it is delivered, no process stays, the exit code is 0."""
    gateway, sink = house
    pids = gateway.pids()
    client = await to_thread(begin_mail, gateway)
    ending = asyncio.create_task(to_thread(gateway.terminate, PATIENCE_S))
    await until(lambda: is_draining(gateway), "receive drains")
    client.raw(b"second half\r\n.\r\n")
    assert (await to_thread(client.reply)).startswith("250")
    assert (await to_thread(client.reply)).startswith("421")
    client.close()
    assert await ending == 0
    assert [pid for pid in pids if alive(pid)] == []
    if not sink.count:  # It was queued, not delivered: the next start does that.
        await to_thread(gateway.start)
    (mail,) = await sink.wait(1)
    assert mail.content.endswith(b"first half\r\nsecond half\r\n")


async def test_while_it_ends_nobody_new_is_let_in(house: tuple[Gateway, Sink]) -> None:
    """An idle session is told 421, and new connections are refused, so that senders turn to another host at once."""
    gateway, _ = house
    idle = await to_thread(WireClient, gateway.port)
    busy = await to_thread(begin_mail, gateway)
    ending = asyncio.create_task(to_thread(gateway.terminate, PATIENCE_S))
    assert (await to_thread(idle.reply)).startswith("421 4.3.2")
    await until(lambda: not accepts_connections(gateway.port), "new connections are refused")
    assert not ending.done()
    busy.raw(b".\r\n")
    assert (await to_thread(busy.reply)).startswith("250")
    assert await ending == 0
    idle.close()
    busy.close()


async def test_who_does_not_finish_is_not_waited_for(tmp_path: Path) -> None:
    """A client that stops in the middle of its mail holds up the end for no longer than `drain_s`, and has handed over nothing."""
    async with Sink() as sink, Gateway(tmp_path, relay_all_to(sink.port, receive=ReceiveLimits(drain_s=SHORT_S))) as gateway:
        client = await to_thread(begin_mail, gateway)
        began = time.monotonic()
        assert await to_thread(gateway.terminate) == 0
        assert time.monotonic() - began < SHORT_S + DRAIN_S
        assert "250" not in await to_thread(client.reply)
        client.close()
        assert sink.count == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_under_load_the_end_loses_nothing(house: tuple[Gateway, Sink], number: signal.Signals) -> None:
    """Each mail that got 250 before the end was delivered, or is on the queue and delivered by the next start."""
    gateway, sink = house
    stop = asyncio.Event()
    load = asyncio.create_task(generate(Plan(port=gateway.port, sessions=8, size_bytes=2000), stop=stop))
    await sink.wait(100)
    (supervisor,) = gateway.running()["supervisor"]
    os.kill(supervisor, number)
    assert await to_thread(gateway.terminate, PATIENCE_S) == 0
    stop.set()
    result = await load
    assert [name for name in ("control.sock",) if (gateway.folder / "data" / "run" / name).exists()] == []
    accepted = {line.id for line in result.lines if line.accepted}
    await to_thread(gateway.start)
    await until(lambda: accepted <= {mail.id for mail in sink.mails}, "every accepted mail arrives")
    assert len(sink.mails) == len({mail.id for mail in sink.mails}), "an end in order delivers nothing twice"
