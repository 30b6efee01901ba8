# SPDX-License-Identifier: Apache-2.0
"""Both ends of a link are killed while mail flows: every accepted mail is told of, and nothing is applied twice."""

import asyncio
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

from gatepost.roles.control import ask
from gatepost.storage.sqlite import engine
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.load import Plan, generate
from gatepost.testing.sink import Sink
from gatepost.tracking.codec import decode_change
from waiting import PATIENCE_S, until

PROGRAM = Path(__file__).parent.parent / "following_process.py"


class Intranet:
    """The process that follows a gateway's link; started, killed and started again."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._child: subprocess.Popen[bytes] | None = None
        self.kills = 0

    def start(self) -> None:
        with (self._gateway.folder / "intranet.log").open("ab") as log:
            command = [sys.executable, str(PROGRAM), str(self._gateway.config_file)]
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self) -> None:
        assert self._child is not None and self._child.poll() is None, (self._gateway.folder / "intranet.log").read_text()
        self._child.kill()
        self._child.wait()
        self.kills += 1

    def told(self) -> list[tuple[int, bytes]]:
        """Give the artefacts that were applied; nobody else may have the store open."""
        connection = engine.connect(str(self._gateway.folder / "data" / "intranet.sqlite"))
        rows = connection.execute("SELECT sequence, payload FROM told ORDER BY sequence").fetchall()
        connection.close()
        return rows


def waiting(gateway: Gateway) -> int:
    """Tell how many artefacts wait in the gateway's outbox."""
    return int(ask(gateway.folder / "data" / "run" / "control.sock", "replication.health")["waiting"])


async def drained(gateway: Gateway) -> None:
    """Wait until nothing waits in the gateway's outbox."""
    await until(lambda: not waiting(gateway), "the outbox is empty")


def heads(told: list[tuple[int, bytes]]) -> Counter[str]:
    """Count the heads of each track."""
    return Counter(change.head.track for _, payload in told if (change := decode_change(payload)).head is not None)


async def test_an_intranet_that_is_killed_again_and_again_is_told_each_thing_once(tmp_path: Path) -> None:
    """SIGKILL at any moment of fetch, COMMIT and acknowledgement."""
    chance = random.Random(4)
    async with Sink() as sink, Gateway(tmp_path, relay_all_to(sink.port), role="gateway") as gateway:
        intranet = Intranet(gateway)
        stop = asyncio.Event()
        load = asyncio.create_task(generate(Plan(port=gateway.port, sessions=2, rate_per_s=300.0, size_bytes=500), stop=stop))
        for _ in range(12):
            await asyncio.to_thread(intranet.start)
            await asyncio.sleep(0.6 + chance.random() * 0.6)
            await asyncio.to_thread(intranet.kill)
        stop.set()
        result = await load
        await asyncio.to_thread(intranet.start)
        await drained(gateway)
        await asyncio.to_thread(intranet.kill)
    told = intranet.told()
    assert result.accepted > 1000 and (result.refused, result.lost) == (0, 0)
    assert max(Counter(sequence for sequence, _ in told).values()) == 1
    counted = heads(told)
    assert len(counted) == result.accepted and max(counted.values()) == 1


async def test_a_gateway_that_is_killed_tells_of_every_mail_it_accepted(tmp_path: Path) -> None:
    """Its outbox is as durable as its queue; a mail in doubt may be told of although its client heard 451."""
    async with Sink() as sink, Gateway(tmp_path, relay_all_to(sink.port), role="gateway") as gateway:
        intranet = Intranet(gateway)
        await asyncio.to_thread(intranet.start)
        stop = asyncio.Event()
        load = asyncio.create_task(generate(Plan(port=gateway.port, sessions=2, rate_per_s=200.0, size_bytes=500), stop=stop))
        for turn in range(4):
            await asyncio.sleep(1.0)
            await asyncio.to_thread(gateway.sigkill, "deliver")
            await asyncio.to_thread(gateway.wait_for, "process.started", 4 + turn)
        stop.set()
        result = await load
        await drained(gateway)
        await asyncio.to_thread(intranet.kill)
    told = intranet.told()
    assert max(Counter(sequence for sequence, _ in told).values()) == 1
    counted = heads(told)
    assert len(counted) >= result.accepted > 100 and max(counted.values()) == 1


async def test_an_intranet_that_is_away_for_long_costs_mail_nothing(tmp_path: Path) -> None:
    """The outbox grows, mail goes on, and when the intranet is back it is told all of it."""
    async with Sink() as sink, Gateway(tmp_path, relay_all_to(sink.port), role="gateway") as gateway:
        result = await generate(Plan(port=gateway.port, sessions=8, mails=4000, size_bytes=500))
        await sink.wait(4000, PATIENCE_S)
        assert (result.accepted, result.refused, result.lost) == (4000, 0, 0)
        await until(lambda: waiting(gateway) >= 4000, "every mail is told of")  # and what processes say of themselves
        intranet = Intranet(gateway)
        await asyncio.to_thread(intranet.start)
        await drained(gateway)
        await asyncio.to_thread(intranet.kill)
    assert len(heads(intranet.told())) == 4000


async def test_a_console_that_is_killed_is_started_again_and_has_every_track_once(tmp_path: Path) -> None:
    """Mail goes on meanwhile, as if nothing had happened."""
    async with Sink() as sink, Gateway(tmp_path, relay_all_to(sink.port)) as gateway:
        stop = asyncio.Event()
        load = asyncio.create_task(generate(Plan(port=gateway.port, sessions=2, mails=1000, rate_per_s=60.0, size_bytes=500), stop=stop))
        for turn in range(4):
            await asyncio.to_thread(gateway.wait_for, "process.started", 4 + turn)
            await asyncio.sleep(0.7)
            assert await asyncio.to_thread(gateway.sigkill, "console")
        stop.set()
        result = await load
        await asyncio.to_thread(gateway.wait_for, "process.started", 8)
        await drained(gateway)
        found = await asyncio.to_thread(gateway.answer, "track", "search", "--limit", "1000")
    tracks = [one["track"] for one in found["tracks"]]
    assert 100 < result.accepted <= 1000 and (result.refused, result.lost) == (0, 0)
    assert len(tracks) == len(set(tracks)) == result.accepted
    assert {event["process"] for event in gateway.events("process.ended")} == {"console"}
