# SPDX-License-Identifier: Apache-2.0
"""One SQLite store, open: its owner's lock, its schema, its writer and a way to ask questions.

The writer's connection is the only one that writes and checkpoints. Questions that may take long run on a
second connection in a thread of its own, so that they never hold up a commit; it sees the last COMMIT.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from gatepost.storage.numbers import Numbers
from gatepost.storage.owner import OwnerLock
from gatepost.storage.schema import migrate
from gatepost.storage.space import FLOOR_BYTES, Floor
from gatepost.storage.sqlite import Connection, EngineError, connect, connect_reader, store_error
from gatepost.storage.writer import Handler, Operation, Writer

Answer = TypeVar("Answer")


class SqliteStore:
    """A store that this process owns until `close`."""

    def __init__(self, folder: Path, database: str = "gateway", floor_bytes: int = FLOOR_BYTES) -> None:
        """Lock, open and migrate `folder`'s database; must be called inside the event loop that will use it.

        Raises: StoreOwned, StoreFull, StoreAway, or StoreError for a store of another program version.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise store_error(error, str(folder)) from error
        self.path = folder / f"{database}.sqlite"
        self._lock = OwnerLock(folder)
        try:
            connection = connect(self.path, owned=True)
            try:
                migrate(connection, database, str(self.path))
            finally:
                connection.close()
            self.writer = Writer(lambda: connect(self.path, owned=True), str(self.path))
        except BaseException:
            self._lock.release()
            raise
        self.floor = Floor(folder, floor_bytes)
        self.numbers = Numbers("queue")
        self._questions = ThreadPoolExecutor(1, thread_name_prefix="store-reader")
        self._reader: Connection | None = None

    def submit(self, handler: Handler, argument: Any) -> Operation:
        """Put an operation into the writer's next group."""
        return self.writer.submit(handler, argument)

    async def perform(self, handler: Handler, argument: Any) -> Any:
        """Commit one operation and give its result.

        Raises: StoreFull, StoreAway.
        """
        return await self.writer.submit(handler, argument).future

    async def ask(self, question: Callable[[Connection], Answer]) -> Answer:
        """Run a reading function on the second connection.

        Raises: StoreAway.
        """
        return await asyncio.get_running_loop().run_in_executor(self._questions, self._ask, question)

    def _ask(self, question: Callable[[Connection], Answer]) -> Answer:
        try:
            if self._reader is None:
                self._reader = connect_reader(self.path)
            return question(self._reader)
        except EngineError as error:
            raise store_error(error, str(self.path)) from error

    async def close(self) -> None:
        """Commit what is pending, close both connections (the writer's last) and give the folder free."""
        await asyncio.get_running_loop().run_in_executor(self._questions, self._close_reader)
        self._questions.shutdown(wait=False)
        await self.writer.close()
        self._lock.release()

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
