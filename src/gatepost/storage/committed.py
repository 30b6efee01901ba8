# SPDX-License-Identifier: Apache-2.0
"""What every open store is made of: the folder's lock, the writer, and a way to ask questions beside it."""

from collections.abc import Callable
from typing import Any, TypeVar

from gatepost.storage.contract import Handler
from gatepost.storage.driver import Driver
from gatepost.storage.owner import OwnerLock
from gatepost.storage.questions import Questions
from gatepost.storage.writer import Operation, Writer

Answer = TypeVar("Answer")


class CommittedStore:
    """The half of `contract.Store` that no engine does otherwise."""

    def __init__(self, driver: Driver, lock: OwnerLock) -> None:
        """Begin to write and to answer; the lock is given free by `close`. Raises: StoreFull, StoreAway."""
        self.where = driver.where
        self._lock = lock
        self.writer = Writer(driver)
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
        """Commit one operation and give its result. Raises: StoreFull, StoreAway."""
        return await self.writer.submit(handler, argument).future

    async def ask(self, question: Callable[[Any], Answer]) -> Answer:
        """Run a reading function on the second connection. Raises: StoreAway."""
        return await self._questions.ask(question)

    async def close(self) -> None:
        """Commit what is pending, close both connections (the writer's last) and give the folder free."""
        await self._questions.close()
        await self.writer.close()
        self._lock.release()
