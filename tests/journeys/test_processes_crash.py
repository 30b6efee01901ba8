# SPDX-License-Identifier: Apache-2.0
"""Processes that are killed: they are started again, no mail that got 250 is lost, and none gets 250 that is not safe."""

import asyncio
import os
import signal
import socket
import time
from asyncio import to_thread
from collections import Counter
from pathlib import Path

import pytest

from gatepost.config.limits import DeliveryLimits, ReceiveLimits
from gatepost.testing.gateway import SUPERVISOR, Gateway, relay_all_to
from gatepost.testing.load import Plan, generate
from gatepost.testing.ports import LOOPBACK, answers
from gatepost.testing.processes import alive
from gatepost.testing.sink import Sink
from lone_process import LoneProcess
from waiting import PATIENCE_S, until
from wire_client import WireClient

MAIL = b"From: a@example.org\r\nSubject: x\r\n\r\ntext\r\n"


@pytest.mark.parametrize("name", ["receive", "deliver"])
async def test_a_killed_process_is_started_again_and_nothing_is_lost(tmp_path: Path, name: str) -> None:
    """kill -9 under load: another one serves the port, and each mail that got 250 reaches the next hop, at most those in flight twice."""
    async with Sink() as sink, Gateway(tmp_path, relay_all_to(sink.port)) as gateway:
        stop = asyncio.Event()
        load = asyncio.create_task(generate(Plan(port=gateway.port, sessions=4, size_bytes=2000), stop=stop))
        await sink.wait(50)
        killed = [await to_thread(kill_and_wait_for_the_next, gateway, name)]
        await sink.wait(sink.count + 50)
        killed.append(await to_thread(kill_and_wait_for_the_next, gateway, name))
        await sink.wait(sink.count + 50)
        stop.set()
        result = await load
        accepted = {line.id for line in result.lines if line.accepted}
        await until(lambda: accepted <= {mail.id for mail in sink.mails}, "every accepted mail arrives")
        twice = sum(count - 1 for count in Counter(mail.id for mail in sink.mails).values())
        assert twice <= len(killed) * DeliveryLimits().connections_per_route
        assert len(accepted) > 100
        assert [event["status"] for event in gateway.events("process.ended")] == [-signal.SIGKILL] * 2
        assert gateway.events("process.unexpected") == []


def kill_and_wait_for_the_next(gateway: Gateway, name: str) -> int:
    """Kill a process and wait until its successor is ready and the port answers; gives the killed one's pid."""
    killed = gateway.sigkill(name)
    assert killed
    end = time.monotonic() + PATIENCE_S
    while not gateway.running().get(name) or not answers(gateway.port):
        assert time.monotonic() < end, f"no other {name} is ready"
    return killed


async def test_who_connects_while_receive_is_away_waits_and_is_served(tmp_path: Path) -> None:
    """The supervisor holds the listening socket: a client that comes in the gap is greeted by the next process."""
    async with Sink() as sink, Gateway(tmp_path, relay_all_to(sink.port)) as gateway:
        gateway.sigkill("receive")
        client = await to_thread(WireClient, gateway.port)
        await to_thread(client.say, "EHLO client.example")
        assert (await to_thread(client.send, "a@example.org", ["b@example.com"], MAIL)).startswith("250")
        client.close()
        await sink.wait(1)


async def test_without_the_stores_process_mail_is_deferred(tmp_path: Path) -> None:
    """While deliver is away MAIL and DATA answer 451, also in an open session; once it is there again mail is taken."""
    async with Sink() as sink:
        gateway = Gateway(tmp_path, relay_all_to(sink.port))
        gateway.write()
        with LoneProcess(gateway, "receive"), LoneProcess(gateway, "deliver") as deliver:
            await until(lambda: answers(gateway.port), "receive answers")
            with await to_thread(WireClient, gateway.port) as client:
                client.say("EHLO client.example")
                await until(lambda: client.say("MAIL FROM:<a@example.org>").startswith("250"), "mail is taken")
                client.say("RCPT TO:<b@example.com>")
                await to_thread(deliver.kill)
                await until(lambda: mail_is_answered(gateway.port, "451 4.3.0"), "MAIL is deferred")
                assert client.say("DATA").startswith("451 4.3.0"), "a transaction that was open gets no further"
                client.say("RSET")
                assert client.say("MAIL FROM:<a@example.org>").startswith("451 4.3.0")
                with LoneProcess(gateway, "deliver"):
                    await until(lambda: client.say("MAIL FROM:<a@example.org>").startswith("250"), "mail is taken again")
                    client.say("RSET")
                    assert (await to_thread(client.send, "a@example.org", ["b@example.com"], MAIL)).startswith("250")
                    await sink.wait(1)


def mail_is_answered(port: int, reply: str) -> bool:
    """Tell whether MAIL in a session of its own is answered so."""
    with WireClient(port) as client:
        client.say("EHLO client.example")
        return client.say("MAIL FROM:<a@example.org>").startswith(reply)


async def test_a_mail_whose_commit_hangs_is_deferred(tmp_path: Path) -> None:
    """When the store's process stands still, the final dot is answered 451 within the time for a verdict, never 250."""
    async with Sink() as sink:
        configuration = relay_all_to(sink.port, receive=ReceiveLimits(verdict_timeout_s=1.0))
        async with Gateway(tmp_path, configuration) as gateway:
            (deliver,) = gateway.running()["deliver"]
            os.kill(deliver, signal.SIGSTOP)
            try:
                with WireClient(gateway.port) as client:
                    await to_thread(client.say, "EHLO client.example")
                    assert (await to_thread(client.send, "a@example.org", ["b@example.com"], MAIL)).startswith("451")
                    os.kill(deliver, signal.SIGCONT)
                    again = "a@example.org", ["c@example.com"], MAIL
                    await until(lambda: client.send(*again).startswith("250"), "mail is taken again")
            finally:
                os.kill(deliver, signal.SIGCONT)
            await until(lambda: any(mail.recipients == ("c@example.com",) for mail in sink.mails), "the next mail arrives")


async def test_without_the_supervisor_the_processes_end_by_themselves(tmp_path: Path) -> None:
    """kill -9 of the supervisor leaves neither a process nor a taken port, and the next start works."""
    async with Sink() as sink:
        gateway = Gateway(tmp_path, relay_all_to(sink.port))
        await to_thread(gateway.start)
        await to_thread(gateway.wait_for_console)
        children = [pid for name, pids in gateway.running().items() if name != SUPERVISOR for pid in pids]
        assert len(children) == 3
        await to_thread(gateway.sigkill, SUPERVISOR)
        await until(lambda: not any(map(alive, children)), "all have ended")
        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind((LOOPBACK, gateway.port))
        async with gateway:
            await generate(Plan(port=gateway.port, mails=1))
            await sink.wait(1)


async def test_what_waited_is_delivered_after_all_was_killed(tmp_path: Path) -> None:
    """kill -9 of every process at once: what was on the queue is there at the next start and is delivered."""
    async with Sink() as sink:
        sink.fail("rcpt", reply="451 4.2.1 Later")
        gateway = Gateway(tmp_path, relay_all_to(sink.port))
        await to_thread(gateway.start)
        result = await generate(Plan(port=gateway.port, mails=20, sessions=4))
        assert result.accepted == 20
        await until(lambda: len(gateway.events("delivery.done")) >= 20, "each was tried once")
        await to_thread(gateway.kill_all)
        sink.clear()
        async with gateway:
            assert (await to_thread(gateway.command, "queue", "retry", "--all")).returncode == 0
            await until(lambda: {line.id for line in result.lines} == {mail.id for mail in sink.mails}, "all arrive")
