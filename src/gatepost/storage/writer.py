# SPDX-License-Identifier: Apache-2.0
"""The one thread that writes a store, with group commit, on either engine.

Promises:

* What is pending when a COMMIT ends is the next group: one transaction, one fsync, one wake-up of the event loop.
* Operations of a group that have the same handler are handed to it together, so that it can write many rows with one statement.
* An operation's outcome is known only after its COMMIT. A failing one is undone alone; the others of its group are committed.
* A group that another process' group was in the way of is done again, up to `COLLISIONS` times: nothing of it is in doubt.
* When COMMIT itself fails, all its operations raise StoreFull or StoreAway: they are in doubt, and are not repeated.
* After StoreFull or StoreAway the next group tries anew, with a new connection where the old one may be broken.

A handler gets the connection and the arguments of its operations, gives one result for each, and does
nothing that a ROLLBACK does not undo.
"""

import asyncio
import contextlib
import threading
from typing import Any

from gatepost.errors import StoreAway, StoreError, StoreFull
from gatepost.storage.contract import Handler
from gatepost.storage.driver import Driver

GROUP_LIMIT = 512
COLLISIONS = 5
"""How often a group is done again that another process' group was in the way of: whoever is undone may be the first again."""


class OneByOne(Exception):
    """A handler's wish to get its operations each alone; never leaves the writer."""


class Operation:
    """One piece of work on its way to a COMMIT. `future` gets its result, or None when it was cancelled."""

    __slots__ = ("argument", "begun", "committed", "error", "future", "handler", "result")

    def __init__(self, handler: Handler, argument: Any, future: "asyncio.Future[Any]") -> None:
        self.handler = handler
        self.argument = argument
        self.future = future
        self.begun = False
        self.committed = False
        self.result: Any = None
        self.error: Exception | None = None


class Writer:
    """Commits groups of operations; to be used from one event loop."""

    def __init__(self, driver: Driver) -> None:
        """Connect at once, and again after a failure.

        Raises: what `connect` raises.
        """
        self.commits = 0
        """COMMITs that succeeded."""
        self.doubts = 0
        """COMMITs of which nobody knows whether they succeeded."""
        self._driver = driver
        self._where = driver.where
        self._loop = asyncio.get_running_loop()
        self._connection: Any = driver.connect()
        self._pending: list[Operation] = []
        self._guard = threading.Lock()
        self._wake = threading.Semaphore(0)
        self._sleeping = False
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, handler: Handler, argument: Any) -> Operation:
        """Put an operation into the next group."""
        operation = Operation(handler, argument, self._loop.create_future())
        if self._closing:
            operation.future.set_exception(StoreAway(f"{self._where}: the store is being closed"))
            return operation
        with self._guard:
            self._pending.append(operation)
            wake, self._sleeping = self._sleeping, False
        if wake:
            self._wake.release()
        return operation

    def cancel(self, operation: Operation) -> bool:
        """Withdraw an operation unless its group has begun; tells whether it was withdrawn."""
        with self._guard:
            if operation.begun:
                return False
            with contextlib.suppress(ValueError):
                self._pending.remove(operation)
        if not operation.future.done():
            operation.future.set_result(None)
        return True

    async def close(self) -> None:
        """Commit what is pending, end the thread and close the connection."""
        if not self._closing:
            self._closing = True
            with self._guard:
                self._sleeping = False
            self._wake.release()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while True:
            group = self._take()
            if group:
                self._perform(group)
                with contextlib.suppress(RuntimeError):  # The loop may have been closed without us; nobody waits then.
                    self._loop.call_soon_threadsafe(_resolve, group)
            elif self._closing:
                break
            else:
                self._wake.acquire()
        self._drop_connection()

    def _take(self) -> list[Operation]:
        with self._guard:
            group, self._pending = self._pending[:GROUP_LIMIT], self._pending[GROUP_LIMIT:]
            for operation in group:
                operation.begun = True
            self._sleeping = not group and not self._closing
            return group

    def _perform(self, group: list[Operation]) -> None:
        try:
            connection = self._begin()
            try:
                _handle(connection, group)
            except Exception as error:
                self._rollback()
                if isinstance(self._named(error), StoreFull | StoreAway):
                    self._by_handler(group)
                else:
                    self._alone(group)
                return
        except Exception as error:
            self._fail(group, error)
            return
        self._commit(group)

    def _alone(self, group: list[Operation]) -> None:
        """Redo a group so that a defective operation harms only itself."""
        try:
            connection = self._begin()
            for operation in group:
                connection.execute("SAVEPOINT operation")
                try:
                    _handle(connection, [operation])
                except Exception as error:
                    operation.error = self._named(error)
                    if not self._driver.in_transaction(connection):
                        raise
                    connection.execute("ROLLBACK TO operation")
                connection.execute("RELEASE operation")
        except Exception as error:
            self._fail(group, error)
            return
        self._commit(group)

    def _by_handler(self, group: list[Operation]) -> None:
        """Redo a group kind by kind: on a full disk, settlements may still succeed where new mail does not."""
        for part in _kinds(group).values():
            turns = 1
            while (error := self._done(part)) is not None and self._driver.is_collision(error) and turns < COLLISIONS:
                turns += 1
            if error is None:
                self._commit(part)
            elif isinstance(self._named(error), StoreFull | StoreAway):
                self._fail(part, error)
            else:
                self._alone(part)

    def _done(self, part: list[Operation]) -> Exception | None:
        """Do operations up to their COMMIT; what kept them from it was undone."""
        try:
            _handle(self._begin(), part)
        except Exception as error:
            self._rollback()
            return error
        return None

    def _begin(self) -> Any:
        if self._connection is not None and self._driver.is_broken(self._connection):
            self._drop_connection()
        if self._connection is not None:
            try:
                self._driver.begin(self._connection)
            except self._driver.error:
                # A connection that broke while it was idle: nothing has been done on it yet, so another one may.
                if not self._driver.is_broken(self._connection):
                    raise
                self._drop_connection()
            else:
                return self._connection
        self._connection = self._driver.connect()
        self._driver.begin(self._connection)
        return self._connection

    def _commit(self, group: list[Operation]) -> None:
        try:
            self._driver.commit(self._connection)
        except Exception as error:
            self._fail(group, error, doubt=True)
            return
        self.commits += 1
        for operation in group:
            operation.committed = True

    def _fail(self, group: list[Operation], error: Exception, doubt: bool = False) -> None:
        self._rollback()
        named = self._named(error)
        if doubt and not isinstance(named, StoreFull):
            self.doubts += 1
            said = str(named).removeprefix(f"{self._where}: ")
            named = StoreAway(f"{self._where}: COMMIT failed, what it was to keep is in doubt: {said}")
        if isinstance(named, StoreAway):
            self._drop_connection()
        for operation in group:
            operation.error = named

    def _rollback(self) -> None:
        if self._connection is not None and self._driver.in_transaction(self._connection):
            try:
                self._driver.rollback(self._connection)
            except self._driver.error:
                self._drop_connection()

    def _drop_connection(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(self._driver.error):
                self._connection.close()
            self._connection = None

    def _named(self, error: Exception) -> Exception:
        return self._driver.named(error) if isinstance(error, StoreError | OSError | self._driver.error) else error


def _kinds(group: list[Operation]) -> dict[Handler, list[Operation]]:
    kinds: dict[Handler, list[Operation]] = {}
    for operation in group:  # Bound methods of one object are equal, though not identical.
        kinds.setdefault(operation.handler, []).append(operation)
    return kinds


def _handle(connection: Any, group: list[Operation]) -> None:
    for handler, operations in _kinds(group).items():
        results = handler(connection, [operation.argument for operation in operations])
        for operation, result in zip(operations, results, strict=True):
            operation.result = result


def _resolve(group: list[Operation]) -> None:
    for operation in group:
        future = operation.future
        if future.done():  # Its waiter was cancelled; the work is done all the same.
            continue
        if operation.error is not None:
            future.set_exception(operation.error)
        elif operation.committed:
            future.set_result(operation.result)
        else:  # Cannot be; but a mail that is not known to be durable must never be answered with 250.
            future.set_exception(StoreAway("an operation was left without an outcome"))
