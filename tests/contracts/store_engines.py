# SPDX-License-Identifier: Apache-2.0
"""The engines that keep the contract of a store, for tests that run on each.

from contracts.store_engines import engine, store
async def test_something(store: Store): ...     # once on SQLite, once on PostgreSQL
"""

import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gatepost.storage.contract import Store
from gatepost.storage.opening import open_store
from gatepost.storage.sqlite import engine as sqlite_engine
from gatepost.storage.store import SqliteStore
from postgres_server import postgres_server
from waiting import PATIENCE_S, until

ENGINES = ("sqlite", "postgresql")


class StoreEngine:
    """One empty database of an engine, which a test may open as often as the engine allows."""

    def __init__(self, name: str, folder: Path, url: str) -> None:
        self.name = name
        self.url = url
        self._folder = folder
        self._opened: list[Store] = []

    def open(self, database: str = "gateway", folder: str = "data") -> Store:
        """Open the store; on PostgreSQL each `folder` is a gateway of its own."""
        store = open_store(self.url, database, self._folder / folder)
        self._opened.append(store)
        return store

    async def close(self) -> None:
        """Close what a test has left open."""
        for store in self._opened:
            await store.close()

    def sql(self, text: str) -> str:
        """Write a statement's ? as this engine does."""
        return text if self.name == "sqlite" else text.replace("?", "%s")


def make_engine(name: str, folder: Path) -> StoreEngine:
    """Give an empty database."""
    return StoreEngine(name, folder, "sqlite" if name == "sqlite" else postgres_server().create_database())


@pytest.fixture(params=ENGINES)
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StoreEngine]:
    """Give each engine in turn, with an empty database."""
    engine = make_engine(request.param, tmp_path)
    yield engine
    await engine.close()


@pytest.fixture
async def store(engine: StoreEngine) -> Store:
    """Give an open gateway store on each engine in turn."""
    return engine.open()


class Notes:
    """A table of numbers and texts, with handlers that a test can watch."""

    def __init__(self, engine: StoreEngine) -> None:
        self.engine = engine
        self.calls: list[list[int]] = []
        self._insert = engine.sql("INSERT INTO note VALUES (?, ?)")

    async def make(self, store: Store) -> "Notes":
        """Create the table."""
        await store.perform(_each(lambda connection, _: connection.execute("CREATE TABLE note (id BIGINT PRIMARY KEY, text TEXT)")), None)
        return self

    def add(self, connection: Any, numbers: list[int]) -> list[int]:
        """Insert a row for each number; gives ten times the number."""
        self.calls.append(list(numbers))
        for number in numbers:
            connection.execute(self._insert, (number, "x" * 100))
        return [number * 10 for number in numbers]

    def add_many(self, connection: Any, numbers: list[int]) -> list[int]:
        """Insert the rows of a group with one statement."""
        rows = ", ".join(["(?, ?)"] * len(numbers))
        connection.execute(
            self.engine.sql(f"INSERT INTO note VALUES {rows}"), [value for number in numbers for value in (number, "x" * 100)]
        )
        return numbers

    async def stored(self, store: Store) -> list[int]:
        """Give the numbers that were committed."""
        return await store.ask(lambda connection: [row[0] for row in connection.execute("SELECT id FROM note ORDER BY id").fetchall()])


def _each(do: Callable[[Any, Any], object]) -> Callable[[Any, list[Any]], list[None]]:
    def handler(connection: Any, arguments: list[Any]) -> list[None]:
        for argument in arguments:
            do(connection, argument)
        return [None] * len(arguments)

    return handler


def run_sql(text: str) -> Callable[[Any, list[Any]], list[None]]:
    """Give a handler that runs one statement for each operation, with the operation's argument as its values."""
    return _each(lambda connection, values: connection.execute(text, values or ()))


class HeldUp:
    """The writer's thread, kept busy until `go_on`."""

    def __init__(self, store: Store) -> None:
        self._begun, self._go_on = threading.Event(), threading.Event()
        self.operation = store.submit(self._wait, None)
        assert self._begun.wait(PATIENCE_S)

    def _wait(self, connection: Any, arguments: list[Any]) -> list[Any]:
        self._begun.set()
        self._go_on.wait(PATIENCE_S)
        return arguments

    def go_on(self) -> None:
        """Let the next group begin."""
        self._go_on.set()


async def killed_work_is_over(url: str, program: str = "gatepost") -> None:
    """Wait until no process of the run's server works for a program that was killed: its last COMMIT may still be on its way there."""
    if url == "sqlite":
        return
    whose = f"datname = '{url.rpartition('/')[2]}' AND application_name = '{program}'"
    working = f"SELECT count(*) FROM pg_stat_activity WHERE {whose}"
    await until(lambda: postgres_server().psql(working) == "0", "the server has nothing more to do for the killed process")


@contextlib.contextmanager
def failing_commit(store: SqliteStore) -> Iterator[None]:
    """Make COMMIT fail as a broken disk would, until left."""
    driver = store.writer._driver
    real = driver.commit

    def fail(connection: Any) -> None:
        error = sqlite_engine.OperationalError("disk I/O error")
        error.sqlite_errorcode = 10
        raise error

    driver.commit = fail  # type: ignore[method-assign]
    try:
        yield
    finally:
        driver.commit = real  # type: ignore[method-assign]
