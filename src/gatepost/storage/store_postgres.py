# SPDX-License-Identifier: Apache-2.0
"""One PostgreSQL store, open: its schema, this process's writer and a way to ask questions.

Several gateways may have the store open at once, each with one writing connection. One process of a machine opens it for
one data folder: its lock is the same as on SQLite.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from gatepost.errors import StoreError
from gatepost.storage.contract import Engine, Handler, Numbering
from gatepost.storage.files import file_error
from gatepost.storage.numbers import SequenceNumbers
from gatepost.storage.owner import OwnerLock
from gatepost.storage.postgres import Connection, PostgresDriver
from gatepost.storage.postgres_url import PostgresUrl
from gatepost.storage.questions import Questions
from gatepost.storage.schema import judge
from gatepost.storage.schema_postgres import create_schema, read_schema
from gatepost.storage.writer import Operation, Writer

Answer = TypeVar("Answer")


class PostgresStore:
    """A store on a server; keeps `contract.Store`."""

    engine: Engine = "postgresql"

    def __init__(self, url: PostgresUrl, database: str, folder: Path) -> None:
        """Lock the folder and open the store, made where it is empty; must be called inside the event loop that will use it.

        Raises: StoreOwned, StoreFull, StoreAway, or StoreError for a store of another program version.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise file_error(error, str(folder)) from error
        self.where = url.shown
        self._lock = OwnerLock(folder, database)
        driver = PostgresDriver(url)
        try:
            _prepare(driver, database)
            self.writer = Writer(driver)
        except BaseException:
            self._lock.release()
            raise
        self.numbers: Numbering = SequenceNumbers("queue")
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
        """Find nothing to refuse: the disk is the server's, and it says itself when it is full."""

    async def close(self) -> None:
        """Commit what is pending, close both connections and give the folder free."""
        await self._questions.close()
        await self.writer.close()
        self._lock.release()


def _prepare(driver: PostgresDriver, database: str) -> None:
    """Make an empty store; an older one is migrated by whoever knows that all gateways can bear it."""
    connection = driver.connect()
    try:
        state = judge(read_schema(connection, driver.where), database, "postgresql", driver.where)
        if state == "empty":
            create_schema(connection, database, driver.where)
            judge(read_schema(connection, driver.where), database, "postgresql", driver.where)
    finally:
        connection.close()
    if state == "older":
        raise StoreError(f"{driver.where}: the store has an older schema; run `gatepost db migrate --database {database}`")
