# SPDX-License-Identifier: Apache-2.0
"""What a store promises of groups, on both engines (storage/contract.py)."""

import asyncio
from typing import Any

import pytest

from contracts.store_engines import HeldUp, Notes, StoreEngine, engine, run_sql, store
from gatepost.errors import StoreAway, StoreError, StoreFull
from gatepost.storage.contract import Store
from waiting import PATIENCE_S

__all__ = ["engine", "store"]


@pytest.fixture
async def notes(engine: StoreEngine, store: Store) -> Notes:
    return await Notes(engine).make(store)


def commits(store: Store) -> int:
    return store.writer.commits  # type: ignore[attr-defined,no-any-return]


async def test_a_store_says_what_it_is(engine: StoreEngine, store: Store) -> None:
    """The engine's name, and the place without a password."""
    assert store.engine == engine.name
    assert "not-a-secret" not in store.where
    assert store.where.endswith("gateway.sqlite") or store.where.startswith("postgresql://gatepost@127.0.0.1:")


async def test_what_came_meanwhile_is_one_transaction(store: Store, notes: Notes) -> None:
    """Operations that wait for a COMMIT are the next group: one transaction, one call of their handler, results in order."""
    before = commits(store)
    held = HeldUp(store)
    operations = [store.submit(notes.add, number) for number in range(50)]
    held.go_on()
    assert [await operation.future for operation in operations] == [number * 10 for number in range(50)]
    assert commits(store) == before + 2
    assert notes.calls == [list(range(50))]
    assert await notes.stored(store) == list(range(50))


async def test_a_failing_operation_is_undone_alone(store: Store, notes: Notes) -> None:
    """A refused row and a handler's own exception reach their callers; the rest of the group is committed in one transaction."""

    def broken(connection: Any, numbers: list[int]) -> list[int]:
        notes.add(connection, [99])
        raise ZeroDivisionError("defect")

    await store.perform(notes.add, 3)
    before = commits(store)
    held = HeldUp(store)
    operations = [store.submit(notes.add, number) for number in (1, 3, 5)] + [store.submit(broken, 0)]
    held.go_on()
    results = await asyncio.gather(*(operation.future for operation in operations), return_exceptions=True)
    assert (results[0], results[2]) == (10, 50)
    assert isinstance(results[1], StoreError) and not isinstance(results[1], StoreAway | StoreFull)
    assert isinstance(results[3], ZeroDivisionError)
    assert await notes.stored(store) == [1, 3, 5]
    assert commits(store) == before + 2


async def test_a_statement_that_is_wrong_is_the_programs_fault(store: Store, notes: Notes) -> None:
    """An unknown table is no failure of the store: nobody is told to come again later."""
    with pytest.raises(StoreError, match="nowhere") as caught:
        await store.perform(run_sql("INSERT INTO nowhere VALUES (1)"), None)
    assert not isinstance(caught.value, StoreAway)
    assert await store.perform(notes.add, 1) == 10


async def test_withdrawn_before_its_group_is_not_done(store: Store, notes: Notes) -> None:
    """A withdrawn operation gives None and leaves nothing; one whose group has begun is done."""
    held = HeldUp(store)
    kept, withdrawn = store.submit(notes.add, 1), store.submit(notes.add, 2)
    assert store.cancel(withdrawn)
    assert not store.cancel(held.operation)
    held.go_on()
    assert await withdrawn.future is None
    assert await kept.future == 10
    assert not store.cancel(kept)
    assert await notes.stored(store) == [1]


async def test_a_question_sees_what_is_committed_and_holds_up_no_commit(store: Store, notes: Notes) -> None:
    """It runs on a connection and a thread of its own: commits go on beside it."""
    loop = asyncio.get_running_loop()

    def count_while_writing(connection: Any) -> tuple[int, int]:
        before = connection.execute("SELECT count(*) FROM note").fetchone()[0]
        asyncio.run_coroutine_threadsafe(store.perform(notes.add, 2), loop).result(PATIENCE_S)
        return before, connection.execute("SELECT count(*) FROM note").fetchone()[0]

    await store.perform(notes.add, 1)
    assert await store.ask(count_while_writing) == (1, 2)


async def test_a_question_cannot_write(store: Store, notes: Notes) -> None:
    """A reading function that tries to write is refused, and the next question is answered."""
    with pytest.raises(StoreError):
        await store.ask(lambda connection: connection.execute("DELETE FROM note"))
    assert await notes.stored(store) == []


async def test_a_wrong_question_is_answered_with_an_error(store: Store, notes: Notes) -> None:
    """It says what was wrong, once, and harms no later question."""
    asked = []

    def wrong(connection: Any) -> None:
        asked.append(1)
        connection.execute("SELECT id FROM nowhere")

    with pytest.raises(StoreError, match="nowhere"):
        await store.ask(wrong)
    assert asked == [1]
    assert await notes.stored(store) == []


async def test_close_commits_what_is_pending(engine: StoreEngine, store: Store, notes: Notes) -> None:
    """Nothing that was handed over is dropped; what comes later is refused as StoreAway."""
    held = HeldUp(store)
    operation = store.submit(notes.add, 7)
    closing = asyncio.create_task(store.close())
    held.go_on()
    await closing
    assert await operation.future == 70
    with pytest.raises(StoreAway):
        await store.perform(notes.add, 8)
    assert await notes.stored(engine.open()) == [7]
