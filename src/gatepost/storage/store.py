# SPDX-License-Identifier: Apache-2.0
"""One SQLite store, open: its owner's lock, its schema, its writer and a way to ask questions.

The writer's connection is the only one that writes and checkpoints. Questions that may take long run on a
second connection in a thread of its own, so that they never hold up a commit; it sees the last COMMIT.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from gatepost.storage.contract import Engine, Handler, Numbering
from gatepost.storage.migration import migrate
from gatepost.storage.numbers import Numbers
from gatepost.storage.owner import OwnerLock
from gatepost.storage.questions import Questions
from gatepost.storage.schema import judge
from gatepost.storage.schema_sqlite import create_schema, read_schema
from gatepost.storage.space import FLOOR_BYTES, Floor
from gatepost.storage.sqlite import Connection, SqliteDriver, store_error
from gatepost.storage.writer import Operation, Writer

Answer = TypeVar("Answer")


class SqliteStore:
    """A store that this process owns until `close`; keeps `contract.Store`."""

    engine: Engine = "sqlite"

    def __init__(self, folder: Path, database: str = "gateway", floor_bytes: int = FLOOR_BYTES) -> None:
        """Lock, open and migrate `folder`'s database; must be called inside the event loop that will use it.

        Raises: StoreOwned, StoreFull, StoreAway, or StoreError for a store of another program version.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise store_error(error, str(folder)) from error
        self.path = folder / f"{database}.sqlite"
        self.where = str(self.path)
        self._lock = OwnerLock(folder, database)
        driver = SqliteDriver(self.path)
        try:
            _prepare(driver, database)
            self.writer = Writer(driver)
        except BaseException:
            self._lock.release()
            raise
        self.floor = Floor(folder, floor_bytes)
        self.numbers: Numbering = Numbers("queue")
        self._questions = Questions(driver)

    @property
    def doubts(self) -> int:
        """COMMITs so far of which nobody knows whether they hold."""
        return self.writer.doubts

    def submit(self, handler: Handler, argument: Any) -> Operation:
        """Put an operation into the writer's next group."""
        return self.writer.submit(handler, argument)

    def cancel(self, operation: Operation) -> bool:
        """Withdraw an operation unless its group has begun; tells whether it was withdrawn."""
        return self.writer.cancel(operation)

    async def perform(self, handler: Handler, argument: Any) -> Any:
        """Commit one operation and give its result.

        Raises: StoreFull, StoreAway.
        """
        return await self.writer.submit(handler, argument).future

    async def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """Run a reading function on the second connection.

        Raises: StoreAway.
        """
        return await self._questions.ask(question)

    def check_room(self) -> None:
        """Refuse new mail while less than the floor is free below the folder. Raises: StoreFull, StoreAway."""
        self.floor.check()

    async def close(self) -> None:
        """Commit what is pending, close both connections (the writer's last) and give the store free."""
        await self._questions.close()
        await self.writer.close()
        self._lock.release()


def _prepare(driver: SqliteDriver, database: str) -> None:
    """Make an empty store, or bring an older one to our schema; its owner is alone with it."""
    connection = driver.connect()
    try:
        state = judge(read_schema(connection, driver.where), database, "sqlite", driver.where)
        if state == "empty":
            create_schema(connection, database, driver.where)
    finally:
        connection.close()
    if state == "older":
        migrate(driver.path, database)
