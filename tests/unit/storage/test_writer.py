# SPDX-License-Identifier: Apache-2.0
"""The group-committing writer, alone."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gatepost.errors import StoreAway, StoreError, StoreFull
from gatepost.storage.sqlite import SqliteDriver, connect, engine
from gatepost.storage.writer import OneByOne, Writer


class Faulty:
    """A connection whose statements fail when a test says so."""

    def __init__(self, path: Path, faults: dict[str, Exception]) -> None:
        self._real = connect(path, owned=True)
        self._faults = faults

    def execute(self, text: str, *values: Any) -> Any:
        if fault := self._faults.pop(text, None):
            raise fault
        return self._real.execute(text, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def engine_error(code: int) -> Exception:
    error: Exception = engine.OperationalError("injected")
    error.sqlite_errorcode = code  # type: ignore[attr-defined]
    return error


class Bench:
    """A writer on a table of numbers, which a test can hold up and watch."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "numbers.sqlite"
        self.faults: dict[str, Exception] = {}
        self.batches: list[list[Any]] = []
        self.opened = 0
        connection = connect(self.path, owned=True)
        connection.execute("CREATE TABLE number (n INTEGER PRIMARY KEY, filler BLOB)")
        connection.close()
        driver = SqliteDriver(self.path)
        driver.connect = self._connect  # type: ignore[method-assign]
        self.writer = Writer(driver)

    def _connect(self) -> Any:
        self.opened += 1
        return Faulty(self.path, self.faults)

    def insert(self, connection: Any, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        connection.executemany("INSERT INTO number VALUES (?, zeroblob(4000))", [(number,) for number in numbers])
        return [number * 10 for number in numbers]

    def remove(self, connection: Any, numbers: Sequence[int]) -> list[None]:
        connection.executemany("DELETE FROM number WHERE n = ?", [(number,) for number in numbers])
        return [None] * len(numbers)

    def stored(self) -> list[int]:
        connection = connect(self.path, owned=True)
        try:
            return [row[0] for row in connection.execute("SELECT n FROM number ORDER BY n")]
        finally:
            connection.close()

    async def held_up(self) -> Callable[[], None]:
        """Occupy the writer's thread until the given function is called."""
        begun, go_on = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def wait(connection: Any, arguments: Sequence[None]) -> Sequence[None]:
            loop.call_soon_threadsafe(begun.set)
            go_on.wait(10)
            return arguments

        self.writer.submit(wait, None)
        await begun.wait()
        return go_on.set


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    await bench.writer.close()


async def test_what_is_pending_when_a_commit_ends_is_one_group(bench: Bench) -> None:
    """Fifty operations that came meanwhile get one transaction and one call of their handler."""
    go_on = await bench.held_up()
    operations = [bench.writer.submit(bench.insert, number) for number in range(50)]
    go_on()
    assert [await operation.future for operation in operations] == [number * 10 for number in range(50)]
    assert bench.writer.commits == 2
    assert bench.batches == [list(range(50))]
    assert bench.stored() == list(range(50))


async def test_one_wake_up_of_the_loop_serves_a_group(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop is called once for a group of any size."""
    go_on = await bench.held_up()
    operations = [bench.writer.submit(bench.insert, number) for number in range(20)]
    loop, calls = asyncio.get_running_loop(), []
    real = loop.call_soon_threadsafe
    monkeypatch.setattr(loop, "call_soon_threadsafe", lambda *arguments: (calls.append(1), real(*arguments))[1])
    go_on()
    await asyncio.gather(*(operation.future for operation in operations))
    assert len(calls) == 2  # One for the group that held up the thread, one for the twenty.


async def test_cancelled_before_the_group_is_not_done(bench: Bench) -> None:
    """A withdrawn operation gives None and leaves nothing; one whose group has begun cannot be withdrawn."""
    go_on = await bench.held_up()
    kept, withdrawn = bench.writer.submit(bench.insert, 1), bench.writer.submit(bench.insert, 2)
    assert bench.writer.cancel(withdrawn)
    assert await withdrawn.future is None
    go_on()
    assert await kept.future == 10
    assert not bench.writer.cancel(kept)
    assert bench.stored() == [1]


async def test_a_waiter_that_is_cancelled_harms_nobody(bench: Bench) -> None:
    """A cancelled future is not answered; its work and its group are done."""
    go_on = await bench.held_up()
    left, waited = bench.writer.submit(bench.insert, 1), bench.writer.submit(bench.insert, 2)
    left.future.cancel()
    go_on()
    assert await waited.future == 20
    assert bench.stored() == [1, 2]


async def test_a_failing_operation_is_undone_alone(bench: Bench) -> None:
    """A refused row and a handler's own exception reach their callers only; the rest of the group is committed."""

    def broken(connection: Any, numbers: Sequence[int]) -> list[int]:
        connection.execute("INSERT INTO number VALUES (99, NULL)")
        raise ZeroDivisionError("defect")

    await bench.writer.submit(bench.insert, 3).future
    go_on = await bench.held_up()
    operations = [bench.writer.submit(bench.insert, number) for number in (1, 3, 5)] + [bench.writer.submit(broken, 0)]
    go_on()
    results = await asyncio.gather(*(operation.future for operation in operations), return_exceptions=True)
    assert results[0] == 10 and results[2] == 50
    assert isinstance(results[1], StoreError) and not isinstance(results[1], StoreAway)
    assert isinstance(results[3], ZeroDivisionError)
    assert bench.stored() == [1, 3, 5]
    assert bench.writer.commits == 3  # The first, the one that held up, and the group: redone in one transaction.


async def test_a_handler_may_ask_for_its_operations_one_by_one(bench: Bench) -> None:
    """OneByOne undoes what was done together and is not seen outside."""

    def alone(connection: Any, numbers: Sequence[int]) -> list[int]:
        results = bench.insert(connection, numbers)
        if len(numbers) > 1:
            raise OneByOne
        return results

    go_on = await bench.held_up()
    operations = [bench.writer.submit(alone, number) for number in (1, 2)]
    go_on()
    assert [await operation.future for operation in operations] == [10, 20]
    assert bench.batches == [[1, 2], [1], [2]]


@pytest.mark.parametrize(
    ("code", "expected"), [(10, StoreAway), (5, StoreAway), (8, StoreAway), (11, StoreAway), (13, StoreFull), (1034, StoreAway)]
)
async def test_a_failed_commit_is_in_doubt_and_not_repeated(bench: Bench, code: int, expected: type[StoreError]) -> None:
    """All operations of the group raise, none is done a second time, and the next group succeeds."""
    go_on = await bench.held_up()
    operations = [bench.writer.submit(bench.insert, number) for number in (1, 2)]
    loop = asyncio.get_running_loop()
    # The fault is laid when the first group, which holds up the thread, has committed.
    real_take = bench.writer._take

    def take() -> Any:
        group = real_take()
        if len(group) == 2:
            bench.faults["COMMIT"] = engine_error(code)
        return group

    bench.writer._take = take  # type: ignore[method-assign]
    go_on()
    results = await asyncio.gather(*(operation.future for operation in operations), return_exceptions=True)
    assert [type(result) for result in results] == [expected, expected]
    assert bench.batches == [[1, 2]]
    assert await bench.writer.submit(bench.insert, 3).future == 30
    assert bench.stored() == [3]
    assert loop.is_running()


async def test_a_broken_connection_is_replaced(bench: Bench) -> None:
    """After StoreAway the next group gets a new connection."""
    bench.faults["BEGIN IMMEDIATE"] = engine_error(10)
    with pytest.raises(StoreAway):
        await bench.writer.submit(bench.insert, 1).future
    assert await bench.writer.submit(bench.insert, 2).future == 20
    assert bench.opened == 2
    assert bench.stored() == [2]


async def test_a_full_store_refuses_new_rows_but_lets_old_ones_go(bench: Bench) -> None:
    """StoreFull for the inserts of a group, success for its deletes, and recovery by themselves for the next."""

    def limit(connection: Any, pages: Sequence[int]) -> list[None]:
        connection.execute(f"PRAGMA max_page_count = {pages[0]}")
        return [None]

    for number in range(20):
        await bench.writer.submit(bench.insert, number).future
    await bench.writer.submit(limit, 1).future  # Never below what is used already.
    go_on = await bench.held_up()
    full = [bench.writer.submit(bench.insert, number) for number in range(100, 150)]
    removed = [bench.writer.submit(bench.remove, number) for number in range(10)]
    go_on()
    results = await asyncio.gather(*(operation.future for operation in full), return_exceptions=True)
    assert {type(result) for result in results} == {StoreFull}
    assert await asyncio.gather(*(operation.future for operation in removed)) == [None] * 10
    assert bench.stored() == list(range(10, 20))
    assert await bench.writer.submit(bench.insert, 200).future == 2000


async def test_close_commits_what_is_pending(bench: Bench) -> None:
    """Nothing that was handed over is dropped; what comes later is refused as StoreAway."""
    go_on = await bench.held_up()
    operation = bench.writer.submit(bench.insert, 7)
    closing = asyncio.create_task(bench.writer.close())
    go_on()
    await closing
    assert await operation.future == 70
    assert bench.stored() == [7]
    with pytest.raises(StoreAway):
        await bench.writer.submit(bench.insert, 8).future
