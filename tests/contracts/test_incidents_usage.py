# SPDX-License-Identifier: Apache-2.0
"""How full a store is, on SQLite and on PostgreSQL."""

import os
from typing import Any

import pytest

from contracts.store_engines import StoreEngine, engine, run_sql
from gatepost.errors import StoreAway
from gatepost.storage import usage, usage_sqlite
from gatepost.storage.contract import Store
from gatepost.storage.usage import Measured, measure

__all__ = ["engine"]
DISK = os.statvfs_result((4096, 4096, 1_000_000, 600_000, 500_000, 0, 0, 0, 0, 255))
"""Of a million blocks 600,000 are free, and 500,000 of these are for everybody."""


@pytest.fixture
async def store(engine: StoreEngine) -> Store:
    """Give an open intranet store on each engine in turn."""
    return engine.open("intranet")


async def fill(store: Store, engine: StoreEngine, table: str, rows: int, size: int) -> None:
    """Make a table of so many rows."""
    await store.perform(run_sql(f"CREATE TABLE {table} (id BIGINT PRIMARY KEY, content TEXT)"), None)

    def insert(connection: Any, arguments: list[Any]) -> list[None]:
        text = engine.sql(f"INSERT INTO {table} VALUES (?, ?)")
        cursor = connection if engine.name == "sqlite" else connection.cursor()
        cursor.executemany(text, [(number, "x" * size) for number in range(rows)])
        return [None] * len(arguments)

    await store.perform(insert, None)


async def test_the_largest_tables_come_first_and_the_whole_grows(store: Store, engine: StoreEngine) -> None:
    """A table ten times as large is told as about ten times as large; an estimate says that it is one."""
    before = await measure(store)
    await fill(store, engine, "large", 10_000, 400)
    await fill(store, engine, "small", 1_000, 400)
    after = await measure(store)
    assert after.used_bytes - before.used_bytes > 3_000_000
    assert [one.name for one in after.tables[:2]] == ["large", "small"]
    large, small = after.tables[:2]
    assert 3_000_000 < large.bytes < 8_000_000
    assert 7 < large.bytes / small.bytes < 14
    assert large.estimated is (engine.name == "sqlite")
    assert sum(one.bytes for one in after.tables) <= after.used_bytes
    if engine.name == "sqlite":
        assert (large.rows, small.rows) == (10_000, 1_000)


async def test_the_days_of_one_table_are_told_as_one(store: Store, engine: StoreEngine) -> None:
    """Nobody reads seven hundred lines of days."""
    if engine.name == "sqlite":
        for day in ("20261124", "20261125"):
            await fill(store, engine, f"message_track_{day}", 100, 50)
        found = {one.name: one.rows for one in (await measure(store)).tables}
        assert found["message_track"] == 200
    names = [one.name for one in (await measure(store)).tables]
    assert [name for name in names if name.startswith("message_track") and name[-1].isdigit()] == []
    assert "incident" in names


async def test_a_quota_is_a_limit_beside_the_disk(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fuller of the two counts; without one PostgreSQL's limit is unknown, and SQLite's is its disk."""
    monkeypatch.setattr(os, "statvfs", lambda _folder: DISK)
    plain = await measure(store)
    quota_bytes = plain.used_bytes + 1000
    quota = await measure(store, quota_bytes=quota_bytes)
    assert quota.free_bytes == max(0, quota_bytes - quota.used_bytes)  # a server's own upkeep may have changed the size meanwhile
    assert quota.bound == "quota" and quota.percent is not None and quota.percent > 99
    if store.engine == "postgresql":
        assert (plain.percent, plain.free_bytes, plain.bound) == (None, None, "unknown")
    else:
        assert plain.bound == "disk" and plain.percent == pytest.approx(100 * 4 / 9)
        assert plain.free_bytes == pytest.approx(500_000 * 4096, rel=0.05)
        generous = await measure(store, quota_bytes=10**15)
        assert generous.bound == "disk"


async def test_a_measure_is_kept_for_a_minute(store: Store, engine: StoreEngine) -> None:
    """Many pages ask; the store is measured once."""
    measured = Measured(store)
    first = await measured.usage()
    await fill(store, engine, "large", 1000, 1000)
    assert await measured.usage() is first
    always = Measured(store, kept_s=0.0)
    again = await always.usage()
    assert again.used_bytes > first.used_bytes and again.tables != first.tables


@pytest.mark.parametrize(("share", "are_kept"), [(1e-12, True), (1e12, False)])
async def test_tables_are_looked_at_as_often_as_it_is_cheap(
    store: Store, engine: StoreEngine, monkeypatch: pytest.MonkeyPatch, share: float, are_kept: bool
) -> None:
    """Those of a store where it takes long are kept when its size is measured anew; where it takes nothing they are new, too."""
    monkeypatch.setattr(usage, "TABLES_SHARE", share)
    always = Measured(store, kept_s=0.0)
    before = await always.usage()
    await fill(store, engine, "larger", 1000, 2000)
    later = await always.usage()
    assert later.used_bytes > before.used_bytes and (later.tables == before.tables) is are_kept


async def test_a_store_that_does_not_answer_says_why(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as away, not as empty, and asked again the next time."""
    measured = Measured(store)
    real = store.ask

    async def refuse(question: Any) -> Any:
        raise StoreAway("the disk is gone")

    monkeypatch.setattr(store, "ask", refuse)
    away = await measured.usage()
    assert (away.trouble, away.percent, away.used_bytes) == ("the disk is gone", None, 0)
    monkeypatch.setattr(store, "ask", real)
    assert (await measured.usage()).trouble == ""


async def test_rows_beyond_the_bound_are_estimated_by_their_numbers(
    engine: StoreEngine, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table of millions is not counted."""
    if engine.name == "sqlite":
        monkeypatch.setattr(usage_sqlite, "COUNTED", 100)
        await fill(store, engine, "large", 5000, 10)
        found = {one.name: one.rows for one in (await measure(store)).tables}
        assert found["large"] == 5000
