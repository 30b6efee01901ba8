# SPDX-License-Identifier: Apache-2.0
"""The queue on each engine when its process is killed: what was acknowledged is there, and is told once."""

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from contracts.queue_engines import LEASE_S, PROCESS, settlement
from contracts.store_engines import ENGINES, killed_work_is_over
from gatepost.delivery.queue.former import GRACE_S
from gatepost.delivery.queue.queue import DurableQueue, close_queue, open_queue
from postgres_server import postgres_server


def run_until_killed(folder: Path, url: str, lines: int) -> list[tuple[str, str]]:
    """Start a committing process, kill it after so many lines, and give all it had said."""
    command = [sys.executable, str(PROCESS), str(folder), "8", url, str(LEASE_S)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    return [(words[0].decode(), words[1].decode()) for line in said if len(words := line.split()) == 2]


async def told(queue: DurableQueue) -> tuple[Counter[str], Counter[str]]:
    """Count the heads and the outcomes in the outbox."""
    rows = await queue.store.ask(
        lambda connection: [bytes(row[0]) for row in connection.execute("SELECT payload FROM replication_artefact").fetchall()]
    )
    contents = [msgspec.msgpack.decode(row) for row in rows]
    return Counter(head for head, _ in contents if head), Counter(one for _, outcomes in contents for one in outcomes)


@pytest.mark.parametrize("lines", [1, 40, 90, 333])
@pytest.mark.parametrize("engine", ENGINES)
async def test_what_was_acknowledged_is_there_after_kill_9(tmp_path: Path, engine: str, lines: int) -> None:
    """Every acknowledged mail is found whole; every acknowledged settlement holds; no blob is missing; each is told once."""
    url = "sqlite" if engine == "sqlite" else postgres_server().create_database()
    said = await asyncio.to_thread(run_until_killed, tmp_path, url, lines)
    acknowledged = {track for what, track in said if what == "committed"}
    settling = {track for what, track in said if what == "settling"}
    settled = {track for what, track in said if what == "settled"}
    await killed_work_is_over(url)
    now = time.time()
    queue = await open_queue(tmp_path, store_url=url, clock=lambda: now)
    if engine == "sqlite":  # Whoever owns the file is alone: the killed process' lease does not delay its successor at all.
        claims = await queue.claim(10_000)
    else:
        assert await queue.claim(10_000) == []
        now += GRACE_S
        claims = await queue.claim(10_000)
    claimed = {one.mail.track: one for one in claims}
    assert acknowledged - settling <= set(claimed)
    assert not settled & set(claimed)
    for track, one in claimed.items():
        body, content = one.mail.body, one.mail.body.inline
        if body.blob:
            with queue.blobs.open(body.blob) as reader:
                content = b"".join(reader.pieces())
        assert content == (b"x" * 200 if body.blob else track.encode() * 20)
    stale = await asyncio.gather(*(queue.settle(settlement(one, "delivered", outcome=one.mail.track)) for one in claimed.values()))
    assert set(stale) <= {()}
    assert await queue.lines() == []
    heads, outcomes = await told(queue)
    assert heads == outcomes
    assert set(heads.values()) <= {1}
    assert acknowledged | set(claimed) <= set(heads)
    await close_queue(queue)
