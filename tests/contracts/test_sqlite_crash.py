# SPDX-License-Identifier: Apache-2.0
"""The queue on SQLite when things break: the process, the disk, the second start."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from contracts.queue_engines import PROCESS, START, QueueEngine, committed, new_mail, settlement
from gatepost.delivery.queue.queue import DurableQueue, close_queue, open_queue
from gatepost.delivery.queue.record import Body
from gatepost.errors import StoreFull, StoreOwned
from gatepost.storage.blobs import FileBlobStore
from gatepost.storage.store import SqliteStore


async def test_a_second_start_is_refused_while_the_first_runs(tmp_path: Path) -> None:
    """Another process on the same store gets StoreOwned with the owner's pid, and the store is unharmed."""
    queue = await open_queue(tmp_path)
    done = await asyncio.create_subprocess_exec(
        sys.executable, str(PROCESS), str(tmp_path), "1", "sqlite", "60", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, complaint = await done.communicate()
    assert done.returncode != 0
    assert f"StoreOwned: {tmp_path}: process {os.getpid()} owns this store".encode() in complaint
    with pytest.raises(StoreOwned):
        await open_queue(tmp_path)
    await committed(queue, new_mail())
    await close_queue(queue)


async def test_a_full_disk_answers_452_and_heals(tmp_path: Path) -> None:
    """Commits raise StoreFull while settlements go on; what they free serves the next commits."""
    engine = QueueEngine("sqlite", tmp_path)
    queue = await engine.open()

    def limit(connection: Any, arguments: Sequence[int]) -> list[None]:
        connection.execute(f"PRAGMA max_page_count = {arguments[0]}")
        return [None]

    await engine.store.perform(limit, 60)
    kept = []
    with pytest.raises(StoreFull):
        while True:
            kept += await committed(queue, new_mail(body=Body(8000, b"x" * 8000)))
    assert len(kept) > 10
    results = await asyncio.gather(
        *(queue.commit(new_mail(body=Body(8000, b"x" * 8000))).committed() for _ in range(5)),
        *(queue.settle(settlement(one, "delivered")) for one in kept[:10]),
        return_exceptions=True,
    )
    assert {type(result) for result in results[:5]} <= {StoreFull, type(kept[0])}
    assert results[5:] == [()] * 10
    kept = kept[10:] + await committed(queue, new_mail(body=Body(8000, b"x" * 8000)))
    assert len(await queue.show("")) == len(kept) + sum(type(result) is type(kept[0]) for result in results[:5])
    await engine.close()


async def test_the_last_of_the_disk_is_kept_for_settlements(tmp_path: Path) -> None:
    """Below the floor of free space new mail is refused with StoreFull, and all else goes on."""
    engine = QueueEngine("sqlite", tmp_path)
    queue = await engine.open()
    (claimed,) = await committed(queue, new_mail())
    engine.store.floor.floor_bytes = 1 << 62
    refused, settled = await asyncio.gather(
        queue.commit(new_mail()).committed(), queue.settle(settlement(claimed, "deferred", due_at=START)), return_exceptions=True
    )
    assert isinstance(refused, StoreFull)
    assert settled == ()
    assert len(await queue.claim(10)) == 1
    engine.store.floor.floor_bytes = 0
    await committed(queue, new_mail())
    await engine.close()


async def test_the_sweeper_of_the_queue_keeps_what_a_mail_names(tmp_path: Path) -> None:
    """Old blobs that a queued mail names stay, others go."""
    engine = QueueEngine("sqlite", tmp_path)
    queue = await engine.open()
    kept, lost = engine.blob(b"kept"), engine.blob(b"lost")
    await committed(queue, new_mail(body=Body(4, b"", kept)))
    for name in (kept, lost):
        os.utime(tmp_path / "blobs" / name, (0, 0))
    assert await queue.sweep_blobs() == 1
    assert engine.blobs() == {kept}
    await engine.close()


async def test_an_idle_holder_renews_its_lease(tmp_path: Path) -> None:
    """Without any work, the holder's one row moves on within a third of the lease."""
    store = SqliteStore(tmp_path)
    queue = await DurableQueue.open(store, FileBlobStore(tmp_path / "blobs"), lease_s=0.05)

    def expiry(connection: Any) -> list[float]:
        return [row[0] for row in connection.execute("SELECT expires_at FROM holder")]

    loop, renewed, renew = asyncio.get_running_loop(), asyncio.Event(), queue._renew

    def watched(connection: Any, arguments: Sequence[None]) -> Sequence[None]:
        loop.call_soon_threadsafe(renewed.set)
        return renew(connection, arguments)

    (first,) = await store.ask(expiry)
    queue._renew = watched  # type: ignore[method-assign]
    async with asyncio.timeout(10):
        await renewed.wait()
    await store.perform(lambda _, arguments: arguments, None)  # Behind the renewal: its COMMIT is done.
    (second,) = await store.ask(expiry)
    assert second > first
    await close_queue(queue)
