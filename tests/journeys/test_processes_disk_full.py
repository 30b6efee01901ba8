# SPDX-License-Identifier: Apache-2.0
"""A full disk: mail is answered 452 and never 250, and when space comes back the gateway goes on by itself."""

import contextlib
import os
from asyncio import to_thread
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from disks import disk
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.load import Plan, generate
from gatepost.testing.sink import Sink
from waiting import until

SMALL, LARGE = 20_000, 400_000
"""Bytes of a mail that is kept in its row, and of one that goes to a blob."""
DISK_BYTES = 160 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 160 MiB, mounted where the gateway's data will lie."""
    with disk(tmp_path / "data", DISK_BYTES) as folder:
        yield folder


def fill(folder: Path, left_bytes: int) -> Path:
    """Take all the space but this much."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize > left_bytes:
            if file.write(b"\0" * 4096) < 4096:
                break
    return ballast


@pytest.fixture
async def house(small_disk: Path, tmp_path: Path) -> AsyncIterator[tuple[Gateway, Sink]]:
    """A gateway whose store lies on the small disk, and a next hop that puts everything off."""
    async with Sink() as sink:
        sink.fail("rcpt", reply="451 4.2.1 Later")
        async with Gateway(tmp_path, relay_all_to(sink.port)) as gateway:
            yield gateway, sink


def is_empty(gateway: Gateway) -> bool:
    """Tell whether nothing waits any more."""
    return "No mail is waiting." in gateway.command("queue", "list").stdout


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_full_disk_defers_mail_until_there_is_space(house: tuple[Gateway, Sink], small_disk: Path, size: int) -> None:
    """Full to the last page: each answer is 452, or 250 for a mail that arrives later; with space again all is as before."""
    gateway, sink = house
    before = await generate(Plan(port=gateway.port, mails=4, size_bytes=size))
    assert before.accepted == 4
    await until(lambda: len(gateway.events("delivery.done")) >= 4, "each was tried")
    ballast = await to_thread(fill, small_disk, 0)
    full = await generate(Plan(port=gateway.port, mails=40, sessions=2, size_bytes=size))
    assert {reply[:9] for reply in full.replies} <= {"250", "452 4.3.1"}, full.replies
    assert full.refused > 30
    assert gateway.events("process.ended") == []
    ballast.unlink()
    sink.faults.clear()
    after = await generate(Plan(port=gateway.port, mails=4, size_bytes=size))
    assert after.accepted == 4, after.replies
    assert (await to_thread(gateway.command, "queue", "retry", "--all")).returncode == 0
    accepted = {line.id for result in (before, full, after) for line in result.lines if line.accepted}
    await until(lambda: accepted <= {mail.id for mail in sink.mails}, "every accepted mail arrives")
    assert {mail.id for mail in sink.mails} == accepted, "what was answered 452 is not delivered"
    await until(lambda: is_empty(gateway), "the queue is empty")
    assert [str(path) for path in (small_disk / "blobs").rglob("*") if path.is_file()] == []
    assert gateway.events("process.unexpected") == []


async def test_a_disk_that_is_nearly_full_still_empties_its_queue(house: tuple[Gateway, Sink], small_disk: Path) -> None:
    """While new mail is answered 452 for want of space, what waits is delivered and so makes room."""
    gateway, sink = house
    result = await generate(Plan(port=gateway.port, mails=10, size_bytes=LARGE))
    assert result.accepted == 10
    await until(lambda: len(gateway.events("delivery.done")) >= 10, "each was tried")
    await to_thread(fill, small_disk, 16 << 20)
    assert set((await generate(Plan(port=gateway.port, mails=1))).replies) == {"452 4.3.1 Insufficient system storage, try again later"}
    sink.faults.clear()
    assert (await to_thread(gateway.command, "queue", "retry", "--all")).returncode == 0
    await sink.wait(10)
    await until(lambda: is_empty(gateway), "the queue is empty")
    assert [str(path) for path in (small_disk / "blobs").rglob("*") if path.is_file()] == []
