# SPDX-License-Identifier: Apache-2.0
"""What each process thinks worth an administrator's look reaches the event log of the console."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gatepost.roles.control import ask, console_path
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.ports import free_port
from gatepost.testing.sink import Sink
from waiting import PATIENCE_S
from wire_client import WireClient

MAILS_UNTIL_DOWN = 5


def _send(port: int, mails: int) -> None:
    with WireClient(port) as client:
        client.say("EHLO outside.example")
        for number in range(mails):
            content = b"From: a@outside.example\r\nMessage-ID: <%d@outside.example>\r\n\r\ntext\r\n" % number
            assert client.send("a@outside.example", ["user@example.com"], content).startswith("250")


async def found(gateway: Gateway, enough: Callable[[list[dict[str, Any]]], object] = bool, **asked: Any) -> list[dict[str, Any]]:
    """Ask the console's control socket until the events are enough."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            page = await asyncio.to_thread(ask, console_path(gateway.bootstrap), "event.search", **asked)
            if enough(page["events"]):
                return page["events"]
            await asyncio.sleep(0.1)


async def delivered(gateway: Gateway, enough: int) -> int:
    """Ask for the last hours' traffic until so many mails were delivered."""
    now = time.time()
    async with asyncio.timeout(PATIENCE_S):
        while True:
            asked = {"after": now - 3600, "before": now + 3600}
            series = await asyncio.to_thread(ask, console_path(gateway.bootstrap), "traffic.series", **asked)
            count: int = sum(step["inbound"]["delivered"] for step in series["steps"])
            if count >= enough:
                return count
            await asyncio.sleep(0.1)


async def test_a_next_hop_that_stops_is_found_in_the_event_log(tmp_path: Path) -> None:
    """`deliver` warns once, with the failure, however many mails wait; the console's control socket finds it."""
    port = free_port()
    async with Gateway(tmp_path, relay_all_to(port)) as gateway:
        await asyncio.to_thread(gateway.wait_for_console)
        async with Sink(port=port) as sink:
            await asyncio.to_thread(_send, gateway.port, 1)
            await sink.wait(1)
        await asyncio.to_thread(_send, gateway.port, MAILS_UNTIL_DOWN + 3)
        (down,) = await found(gateway, name="delivery.route_down")
        assert (down["gateway"], down["process"], down["level"]) == ("gateway.example", "deliver", "warning")
        assert str(port) in down["fields"]["route"] and down["fields"]["reason"]
        assert down["sentence"].startswith("Several mails in a row did not get through")
        warnings = await found(gateway, level="warning", text=str(port))
        assert [one["id"] for one in warnings] == [down["id"]], warnings


async def test_every_process_tells_that_it_has_started_and_no_mail_is_told(tmp_path: Path) -> None:
    """`receive` over the hand-over socket, `deliver` by its outbox, the console by itself, the supervisor by one of them.

    Mails have their tracks instead.
    """
    async with Sink() as sink, Gateway(tmp_path, relay_all_to(sink.port), receive=2) as gateway:
        await asyncio.to_thread(gateway.wait_for_console)
        await asyncio.to_thread(_send, gateway.port, 3)
        await sink.wait(3)

        def all_started(events: list[dict[str, Any]]) -> bool:
            return sorted(one["process"] for one in events) == ["console", "deliver", "receive", "receive", "supervisor"]

        started = await found(gateway, all_started, name="process.started")
        pids = {one["fields"]["pid"] for one in started}
        assert pids == {pid for found_pids in gateway.running().values() for pid in found_pids}
        await asyncio.to_thread(gateway.wait_for, "delivery.done", 3)
        told = {event["event"] for event in gateway.events()}
        assert {"mail.received", "delivery.done"} <= told
        everything = await found(gateway, limit=500)
        assert not {one["name"] for one in everything} & {"mail.received", "delivery.done", "session.ended"}
        assert await delivered(gateway, 3) == 3


async def test_what_a_gateway_had_to_tell_survives_its_end(tmp_path: Path) -> None:
    """That it was told to end is read after its next start."""
    gateway = Gateway(tmp_path, relay_all_to(free_port()))
    async with gateway:
        await asyncio.to_thread(gateway.wait_for_console)
        await found(gateway, lambda events: len(events) == 4, name="process.started")
    async with gateway:
        await asyncio.to_thread(gateway.wait_for_console)
        ended = await found(gateway, lambda events: len(events) == 4, name="process.draining")
        assert {one["process"] for one in ended} == {"console", "deliver", "receive", "supervisor"}
