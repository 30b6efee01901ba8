# SPDX-License-Identifier: Apache-2.0
"""Row numbers of a store are never used twice, on both engines."""

import asyncio
from typing import Any

import pytest

from contracts.store_engines import StoreEngine, engine, make_engine
from gatepost.storage.contract import Store
from gatepost.storage.numbers import BLOCK
from gatepost.storage.store_postgres import PostgresStore

__all__ = ["engine"]


def taking(store: Store, fail: set[int] = frozenset()) -> Any:  # type: ignore[assignment]
    """Give a handler that takes as many numbers as each argument says, and fails where it is told to."""

    def handler(connection: Any, counts: list[int]) -> list[list[int]]:
        store.numbers.check(connection)
        runs = []
        for count in counts:
            first = store.numbers.take(connection, count)
            if count in fail:
                raise ZeroDivisionError
            runs.append(list(range(first, first + count)))
        return runs

    return handler


async def test_numbers_follow_each_other(engine: StoreEngine) -> None:
    """Runs lie side by side, from 1; one that does not fit the block gets a new block."""
    store = engine.open()
    take = taking(store)
    assert [await store.perform(take, count) for count in (3, 1, 2)] == [[1, 2, 3], [4], [5, 6]]
    assert (await store.perform(take, BLOCK))[0] == 1 + BLOCK
    assert await store.perform(take, 1) == [1 + 2 * BLOCK]


async def test_a_new_start_begins_behind_every_number_given(engine: StoreEngine) -> None:
    """No number of before comes again."""
    store = engine.open()
    before = await store.perform(taking(store), 10)
    await store.close()
    store = engine.open()
    assert (await store.perform(taking(store), 1))[0] > before[-1]


async def test_numbers_of_a_rolled_back_group_never_come_twice(engine: StoreEngine) -> None:
    """The transaction that reserved the first block fails; what is given afterwards is given once, here and after a new start."""
    store = engine.open()
    with pytest.raises(ZeroDivisionError):
        await store.perform(taking(store, {7}), 7)
    given = await store.perform(taking(store), 5)
    await store.close()
    store = engine.open()
    given += await store.perform(taking(store), 5)
    assert len(set(given)) == 10


async def test_gateways_that_share_a_store_share_no_number(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """On PostgreSQL, also while their groups fail: a block whose reservation was rolled back belongs to nobody else."""
    engine = make_engine("postgresql", tmp_path)
    stores = [engine.open(folder=str(number)) for number in range(3)]
    assert all(isinstance(store, PostgresStore) for store in stores)
    given: list[int] = []

    async def work(store: Store) -> None:
        failing, take = taking(store, {9}), taking(store)
        for count in (9, 300_000, 400_000, 9, 600_000, 1):
            run = await asyncio.gather(store.perform(failing if count == 9 else take, count), return_exceptions=True)
            if isinstance(run[0], list):
                given.extend(run[0])

    await asyncio.gather(*map(work, stores))
    assert len(given) == 3 * 1_300_001
    assert len(set(given)) == len(given)
    await engine.close()
