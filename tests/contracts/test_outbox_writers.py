# SPDX-License-Identifier: Apache-2.0
"""Several gateways write one outbox on PostgreSQL: whoever commits when, nothing is skipped and nothing shown twice."""

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gatepost.replication.outbox import Outbox, statements
from gatepost.storage.contract import Store
from gatepost.storage.opening import open_store
from postgres_server import postgres_server
from waiting import PATIENCE_S

SQL = statements("postgresql")


@pytest.fixture
def url() -> str:
    """Give an empty database."""
    return postgres_server().create_database()


@pytest.fixture
async def store(url: str, tmp_path: Path) -> Any:
    """Give the store, open for the gateway that is asked."""
    opened = open_store(url, "gateway", tmp_path / "data")
    yield opened
    await opened.close()


@pytest.fixture
def gateways(store: Store, url: str) -> Iterator[list["psycopg.Connection[Any]"]]:
    """Give two other gateways' writing connections."""
    connections = [psycopg.connect(url, autocommit=True) for _ in range(2)]
    yield connections
    for connection in connections:
        connection.close()


def entry(payload: bytes, kind: str = "configuration", at: float = 1_800_000_000.0) -> tuple[str, int, int, float, bytes]:
    return (kind, 1, 0, at, payload)


def payloads(batch: Any) -> list[bytes]:
    return [artefact.payload for artefact in batch.artefacts]


async def test_a_lower_number_that_commits_later_is_not_skipped(store: Store, gateways: list["psycopg.Connection[Any]"]) -> None:
    """While a transaction is open, nothing above its numbers is shown; then both come, the lower first."""
    outbox = Outbox(store)
    early, late = gateways
    early.execute("BEGIN")
    low = SQL.append(early, [entry(b"low")])
    late.execute("BEGIN")
    high = SQL.append(late, [entry(b"high")])
    late.execute("COMMIT")
    assert low < high
    assert payloads(await outbox.fetch()) == []
    early.execute("COMMIT")
    assert payloads(await outbox.fetch()) == [b"low", b"high"]


async def test_a_number_drawn_late_by_a_transaction_that_began_early_is_not_skipped(
    store: Store, gateways: list["psycopg.Connection[Any]"]
) -> None:
    """What counts is when a transaction got its id, not when it wrote its artefact."""
    outbox = Outbox(store)
    early, late = gateways
    early.execute("BEGIN")
    early.execute("SELECT pg_current_xact_id()")
    late.execute("BEGIN")
    SQL.append(late, [entry(b"first written")])
    late.execute("COMMIT")
    batch = await outbox.fetch()
    assert payloads(batch) == []
    SQL.append(early, [entry(b"then written")])
    early.execute("COMMIT")
    assert payloads(await outbox.fetch()) == [b"then written", b"first written"]


async def test_a_transaction_that_only_reads_holds_nothing_back(store: Store, gateways: list["psycopg.Connection[Any]"]) -> None:
    """A backup that runs for an hour does not stop the link."""
    reading, writing = gateways
    reading.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    reading.execute("SELECT count(*) FROM mail")
    SQL.append(writing, [entry(b"a")])
    assert payloads(await Outbox(store).fetch()) == [b"a"]
    reading.execute("COMMIT")


async def test_whoever_rewrites_is_waited_for(store: Store, gateways: list["psycopg.Connection[Any]"]) -> None:
    """A fetch that comes while an artefact is being rewritten shows the new text; a rewrite that comes after it is refused."""
    outbox = Outbox(store)
    (number,) = await outbox.append(entry(b"old", "track"))
    outbox = Outbox(store, clock=lambda: 1_800_000_010.0)
    rewriting, other = gateways
    rewriting.execute("BEGIN")
    assert SQL.rewrite(rewriting, number, b"new", 0.0)
    fetching = asyncio.ensure_future(outbox.fetch())
    await asyncio.to_thread(_until_somebody_waits, other)
    assert not fetching.done()
    rewriting.execute("COMMIT")
    assert payloads(await asyncio.wait_for(fetching, PATIENCE_S)) == [b"new"]
    assert not SQL.rewrite(other, number, b"too late", 0.0)


def _until_somebody_waits(connection: "psycopg.Connection[Any]") -> None:
    end = time.monotonic() + PATIENCE_S
    while not connection.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone():
        assert time.monotonic() < end
        time.sleep(0.005)


async def test_a_hard_working_site_loses_and_repeats_nothing(store: Store, url: str) -> None:
    """Six writers that commit in any order, some of them never; one reader that keeps nothing but how far it has come."""
    outbox = Outbox(store)
    committed: list[set[bytes]] = [set() for _ in range(6)]
    writers = [threading.Thread(target=_write, args=(url, number, committed[number])) for number in range(6)]
    for writer in writers:
        writer.start()
    seen: list[bytes] = []
    mark, end = 0, time.monotonic() + PATIENCE_S
    while any(writer.is_alive() for writer in writers) or len(seen) < sum(map(len, committed)):
        assert time.monotonic() < end, f"only {len(seen)} within {PATIENCE_S} s"
        batch = await outbox.fetch(random.choice((1, 7, 500)))
        fresh = [artefact for artefact in batch.artefacts if artefact.sequence > mark]
        assert [one.sequence for one in fresh] == sorted({one.sequence for one in fresh})
        if fresh:
            mark = fresh[-1].sequence
            seen += [one.payload for one in fresh]
        if random.random() < 0.7:
            await outbox.acknowledge(mark)
    assert [one for one in (await outbox.fetch()).artefacts if one.sequence > mark] == []
    assert len(seen) == len(set(seen))
    assert set(seen) == set().union(*committed)
    assert len(seen) > 500


def _write(url: str, writer: int, committed: set[bytes]) -> None:
    chance = random.Random(writer)
    with psycopg.connect(url, autocommit=True) as connection:
        for turn in range(120):
            connection.execute("BEGIN")
            texts = [b"%d/%d/%d" % (writer, turn, place) for place in range(chance.choice((1, 2, 5)))]
            if chance.random() < 0.3:
                connection.execute("SELECT pg_current_xact_id()")
                time.sleep(chance.random() * 0.02)
            SQL.append(connection, [entry(text) for text in texts])
            time.sleep(chance.random() * 0.005)
            if chance.random() < 0.1:
                connection.execute("ROLLBACK")
            else:
                connection.execute("COMMIT")
                committed.update(texts)


async def test_a_copy_in_another_server_is_renamed_and_renumbered(store: Store) -> None:
    """Numbers that this server's transactions have not reached yet tell of another server; its rows are shown under new ones."""
    outbox = Outbox(store)
    await outbox.append(entry(b"a"), entry(b"b"))
    await store.perform(_each("UPDATE replication_artefact SET sequence = sequence + (1::bigint << 50)"), None)
    identity = await outbox.identity()
    assert payloads(await outbox.fetch()) == []
    batch = await outbox.fetch(acknowledged_to=1 << 51, store=identity)
    assert batch.store != identity
    assert payloads(await outbox.fetch()) == [b"a", b"b"]


def _each(text: str) -> Any:
    def handler(connection: Any, arguments: list[Any]) -> list[Any]:
        connection.execute(text)
        return arguments

    return handler
