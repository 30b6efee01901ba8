# SPDX-License-Identifier: Apache-2.0
"""Several gateways on one PostgreSQL: what two queues do at one time, and when one of them is killed or the server is."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psycopg
import pytest

from contracts.queue_engines import LEASE_S, PROCESS, START, QueueEngine, committed, deferred, new_mail, settlement
from contracts.store_engines import killed_work_is_over
from contracts.test_queue_kill import told
from gatepost.delivery.queue.queue import DurableQueue, close_queue, open_queue
from gatepost.delivery.queue.record import ClaimedMail
from gatepost.errors import StoreAway
from gatepost.testing.postgres import PostgresServer
from postgres_server import postgres_server
from waiting import PATIENCE_S


class Site:
    """Two gateways' queues on one database, each with a connection of its own."""

    def __init__(self, folder: Path) -> None:
        self.engines = [QueueEngine("postgresql", folder / "one")]
        self.engines.append(QueueEngine("postgresql", folder / "two", self.engines[0].url))
        self.engines[1].clock = self.engines[0].clock

    async def open(self) -> "Site":
        """Open both."""
        self.one, self.two = [await engine.open(sole=False) for engine in self.engines]
        return self

    async def rows(self, table: str) -> int:
        """Count a table's rows."""
        return (await self.engines[0].rows(f"SELECT count(*) FROM {table}"))[0][0]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    site = await Site(tmp_path).open()
    yield site
    for engine in site.engines:
        await engine.close()


async def claim_all(queue: DurableQueue, limit: int, all_have_some: asyncio.Barrier) -> list[ClaimedMail]:
    """Claim until nothing is due, however often another one is in the way; nobody goes on before each has got some."""
    claimed: list[ClaimedMail] = []
    while not claimed:
        claimed += await queue.claim(limit)
    await all_have_some.wait()
    while await queue.next_due_at() is not None:
        claimed += await queue.claim(limit)
    return claimed


async def test_two_gateways_claim_everything_once(site: Site) -> None:
    """Both claim at one time, by the window and by going round; each recipient is claimed once, and both get some."""
    await deferred(site.one, *(new_mail(f"u{n}@q{n % 9}.example", f"v{n}@q{n % 5}.example") for n in range(300)), due_at=START)
    all_have_some = asyncio.Barrier(4)
    async with asyncio.timeout(PATIENCE_S):
        results = await asyncio.gather(*(claim_all(*one, all_have_some) for one in ((site.one, 7), (site.two, 40)) * 2))
    keys = [one.id for claimed in results for mail in claimed for one in mail.recipients]
    assert len(keys) == len(set(keys)) == 600


async def test_numbers_are_given_once(site: Site) -> None:
    """Mails of both gateways have numbers of their own."""
    results = await asyncio.gather(*(committed(queue, *(new_mail() for _ in range(50))) for queue in (site.one, site.two) * 3))
    numbers = [one.mail_id for claimed in results for one in claimed]
    assert len(numbers) == len(set(numbers)) == 300


async def test_the_last_recipient_takes_the_mail_along(site: Site) -> None:
    """Two gateways that settle the halves of the same mails at one time leave nothing of them, and each is told of once."""
    for limit in (1, 40):
        for _ in range(15):
            mails = [new_mail("a@x.example", "b@y.example", head="head") for _ in range(4)]
            await deferred(site.one, *mails, due_at=START)
            halves = []
            while await site.one.next_due_at() is not None:
                for queue in (site.one, site.two):
                    halves += [(queue, mail) for mail in await queue.claim(min(limit, 4))]
            await asyncio.gather(*(queue.settle(settlement(mail, "delivered", outcome="sent")) for queue, mail in halves))
            assert [await site.rows(table) for table in ("mail", "variant", "recipient")] == [0, 0, 0]
    heads = [content[0] for _, content in await site.engines[0].artefacts() if content[0]]
    assert len(heads) == 2 * 15 * 4


async def test_a_setting_of_one_is_kept_by_both(site: Site) -> None:
    """While both commit and defer, a queue is disabled and enabled: in the end no recipient is in another state than its queue."""
    stop = False

    async def work(queue: DurableQueue) -> None:
        while not stop:
            for claimed in await committed(queue, new_mail("a@x.example"), new_mail("b@x.example")):
                if claimed.recipients:
                    await queue.settle(settlement(claimed, "deferred", due_at=START + 9))

    workers = [asyncio.ensure_future(work(queue)) for queue in (site.one, site.two) * 2]
    for enabled, state in ((False, 2), (True, 0)) * 4:
        await site.two.set_enabled("x.example", enabled, 0)
        unclaimed = await site.engines[0].rows("SELECT DISTINCT state FROM recipient WHERE state <> 1")
        assert {row[0] for row in unclaimed} == {state}
    stop = True
    await asyncio.gather(*workers)


async def test_drop_and_retry_beside_claims(site: Site) -> None:
    """A recipient is dropped or claimed, never both; what was claimed can be settled, and nothing is left over."""
    for _ in range(10):
        await deferred(site.one, *(new_mail("a@x.example", "b@y.example") for _ in range(20)), due_at=START)
        claimed, other, dropped, _ = await asyncio.gather(site.one.claim(15), site.two.claim(15), site.two.drop(""), site.one.retry(""))
        assert sum(len(mail.recipients) for mail in claimed + other) + dropped == 40
        for queue, mails in ((site.one, claimed), (site.two, other)):
            results = await asyncio.gather(*(queue.settle(settlement(mail, "delivered")) for mail in mails))
            assert set(results) <= {()}
        assert [await site.rows(table) for table in ("mail", "variant", "recipient")] == [0, 0, 0]


async def test_what_a_lost_gateway_had_locked_comes_back_too(site: Site) -> None:
    """A claim that cannot be voided now, because its lost holder is at it, is voided later, though the lease ran out before."""
    await committed(site.one, new_mail(track="late"))
    site.engines[0].clock.now += LEASE_S
    with psycopg.connect(site.engines[0].url) as lost:
        lost.execute("SELECT 1 FROM recipient FOR UPDATE")
        assert await site.two.claim(10) == []
        lost.rollback()
    assert [mail.mail.track for mail in await site.two.claim(10)] == ["late"]


async def test_the_claims_of_a_killed_gateway_come_back_after_its_lease(tmp_path: Path) -> None:
    """Nothing that it had acknowledged is lost, and nothing of it is claimable while its lease runs."""
    url, late_s = postgres_server().create_database(), 0.0
    queue = await open_queue(tmp_path / "two", store_url=url, clock=lambda: time.time() + late_s)
    command = [sys.executable, str(PROCESS), str(tmp_path / "one"), "4", url, str(LEASE_S)]
    environment = {**os.environ, "PGAPPNAME": "killed"}
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)
    assert process.stdout is not None
    said = [await process.stdout.readline() for _ in range(50)]
    before = await queue.claim(1000)
    process.send_signal(signal.SIGKILL)
    said += (await process.stdout.read()).splitlines()
    await process.wait()
    await killed_work_is_over(url, "killed")
    words = [line.decode().split() for line in said]
    acknowledged = {word[1] for word in words if len(word) == 2 and word[0] == "committed"}
    settling = {word[1] for word in words if len(word) == 2 and word[0] == "settling"}
    assert before == []
    late_s = LEASE_S / 2
    assert await queue.claim(1000) == []
    late_s = LEASE_S
    claimed: list[ClaimedMail] = []
    while some := await queue.claim(1000):
        claimed += some
    assert acknowledged - settling <= {mail.mail.track for mail in claimed}
    await asyncio.gather(*(queue.settle(settlement(mail, "delivered", outcome=mail.mail.track)) for mail in claimed))
    heads, outcomes = await told(queue)
    assert heads == outcomes
    assert set(heads.values()) <= {1}
    assert acknowledged <= set(heads)
    await close_queue(queue)


async def test_what_was_acknowledged_survives_the_servers_kill(tmp_path: Path) -> None:
    """The server is killed amid commits, twice: the gateway goes on by itself, and has lost nothing that it had acknowledged."""
    with PostgresServer(settings={"autovacuum": "off"}) as server:  # its workers hold back what an outbox shows
        queue = await open_queue(tmp_path, store_url=server.create_database())
        acknowledged: set[str] = set()
        doubtful: set[str] = set()
        stop = False

        async def work(name: str) -> None:
            number = 0
            while not stop:
                number += 1
                mail = new_mail(track=f"{name}-{number}", head=f"{name}-{number}")
                try:
                    await queue.commit(mail).committed()
                    acknowledged.add(mail.track)
                except StoreAway:
                    doubtful.add(mail.track)
                    await asyncio.sleep(0.05)

        workers = [asyncio.ensure_future(work(f"s{number}")) for number in range(8)]
        for _ in range(2):
            count = len(acknowledged)
            await _until(lambda count=count: len(acknowledged) > count + 100)
            await asyncio.to_thread(server.kill)
            count = len(doubtful)
            await _until(lambda count=count: len(doubtful) > count)
            await asyncio.to_thread(server.start)
        count = len(acknowledged)
        await _until(lambda: len(acknowledged) > count + 100)
        stop = True
        await asyncio.gather(*workers)
        await queue.close()
        stored = {one.track for one in await queue.show("", limit=100_000)}
        assert acknowledged <= stored <= acknowledged | doubtful
        heads, _ = await told(queue)
        assert set(heads) == stored
        assert set(heads.values()) == {1}
        await queue.store.close()


async def _until(truth: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not truth():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)
