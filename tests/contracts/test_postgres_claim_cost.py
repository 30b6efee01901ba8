# SPDX-License-Identifier: Apache-2.0
"""What a claim and a settlement cost on PostgreSQL, counted in what the server looks at: the backlog's size must not show."""

import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from contracts.queue_engines import START, QueueEngine
from gatepost.delivery.queue import store_postgres_claim as sql
from gatepost.delivery.queue import store_postgres_settle as settle
from gatepost.delivery.queue import store_postgres_track as track
from gatepost.delivery.queue.claim import claim
from gatepost.delivery.queue.statements import FIRST

MAIL = """INSERT INTO mail SELECT i * 10, 0, 't' || i, 'inbound', 0, 0, '', '', '\\x96c000a0c2a0a0', '\\x90', 1, 0, '', '', 0, '', ''
    FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(count)s::bigint - 1) i"""
RECIPIENT = """INSERT INTO recipient SELECT i * 10, i * 10 + 2, 0, i * 10 + 1, 0, 0, 1, 1, 0, %(due_at)s::float8 + i * 1e-5, 0,
    'u' || i, replace(%(domain)s::text, '#', i::text), '', '', '', ''
    FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(count)s::bigint - 1) i"""


class Counting:
    """A connection that runs each statement and adds up the blocks that an equal one looks at."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.blocks = 0

    def execute(self, text: str, values: Sequence[Any] = ()) -> Any:
        if text.startswith(("SELECT", "WITH RECURSIVE")) and "set_config" not in text:
            (plan,) = self._connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {text}", values).fetchone()[0]
            self.blocks += plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
        return self._connection.execute(text, values)


class Backlog:
    """A store with many waiting recipients."""

    def __init__(self, engine: QueueEngine) -> None:
        self.engine = engine

    async def fill(self, first: int, count: int, domain: str, due_at: float) -> None:
        """Insert waiting recipients, `#` in their domains replaced by their number."""
        given = {"first": first, "count": count, "domain": domain, "due_at": due_at}
        for text in (MAIL, RECIPIENT):
            await self.engine.store.perform(lambda connection, _, text=text: [connection.execute(text, given) and None], None)  # type: ignore[misc]

    async def claim(self) -> tuple[int, set[str]]:
        """Claim 20 and give the blocks that the questions cost, and the domains."""

        def handler(connection: Any, arguments: list[Any]) -> list[tuple[int, set[str]]]:
            counting = Counting(connection)
            mails = claim(counting, 20, FIRST, sql, holder=1, now=START).mails
            return [(counting.blocks, {one.recipient.address.domain for mail in mails for one in mail.recipients})]

        cost: tuple[int, set[str]] = await self.engine.store.perform(handler, None)
        return cost


@pytest.fixture
async def backlog(tmp_path: Path) -> AsyncIterator[Backlog]:
    engine = QueueEngine("postgresql", tmp_path)
    yield Backlog(engine)
    await engine.close()


async def test_a_claim_costs_the_same_at_a_hundred_thousand(backlog: Backlog) -> None:
    """From 1,000 to 100,000 waiting recipients a claim looks at a bounded number of blocks, known to the planner or not."""
    await backlog.fill(1, 1_000, "big.example", START - 100)
    small, _ = await backlog.claim()
    await backlog.fill(10_000, 99_000, "big.example", START - 99)
    large, _ = await backlog.claim()
    assert 0 < large <= max(2 * small, 600)
    await backlog.engine.store.perform(lambda connection, _: [connection.execute("ANALYZE recipient") and None], None)
    known, _ = await backlog.claim()
    assert known <= max(2 * small, 600)


async def test_a_claim_among_many_queues_is_bounded(backlog: Backlog) -> None:
    """With 20,000 destination queues a claim steps over a fixed number of them, and gives each of those its turn."""
    await backlog.fill(1, 20_000, "q#.example", START + 1000)
    nothing_due, domains = await backlog.claim()
    assert (nothing_due <= 20, domains) == (True, set())
    await backlog.fill(100_000, 20_000, "d#.example", START - 100)
    some_due, domains = await backlog.claim()
    assert some_due <= 256 * 5
    assert len(domains) == 20


async def test_beside_a_hundred_thousand_nobody_starves(backlog: Backlog) -> None:
    """A queue of 100,000 older recipients leaves each claim room for the small ones."""
    await backlog.fill(1, 100_000, "big.example", START - 100)
    await backlog.fill(200_000, 5, "small#.example", START - 3)
    _, domains = await backlog.claim()
    assert domains == {"big.example"} | {f"small{200_000 + n}.example" for n in range(5)}


async def test_a_settlement_reads_no_table_from_end_to_end(backlog: Backlog) -> None:
    """Whatever the planner believes of a table's size, settlements and heads go by keys: its plans outlive an empty queue."""
    keys = ("{10,20}", "{12,22}", "{1,1}")
    statements = (
        (settle._END_WHOLE, ("{10,20}", *keys, 2, 2)),
        (settle._DELETE_RECIPIENTS, keys),
        (settle._GIVE_BACK, (START, *keys, "{1,0}", [START, START], ["", ""], ["", ""])),
        (settle._DELETE_FINISHED, ("{10,20}", "{10,20}")),
        (track._TRACKS, ("{10,20}",)),
        (track._MARK, ("{10,20}",)),
        (track._TAKE, ("{10,20}", 1, START)),
    )
    for text, values in statements:
        plan = await backlog.engine.store.perform(
            lambda connection, _, text=text, values=values: [connection.execute(f"EXPLAIN {text}", values).fetchall()],  # type: ignore[misc]
            None,
        )
        lines = "\n".join(row[0] for row in plan)
        assert not re.search(r"Seq Scan on (mail|recipient|variant)\b|Hash Join|Merge Join", lines), lines
