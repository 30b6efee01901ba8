# SPDX-License-Identifier: Apache-2.0
"""What every engine promises to the rooms that keep something: one writer with group commit, and questions beside it.

Promises, on SQLite and on PostgreSQL:

* A handler gets the engine's connection and the arguments of its operations, gives one result for each, and does nothing
  that a ROLLBACK does not undo. Its SQL is the engine's own: `?` on SQLite, `%s` on PostgreSQL; rows are tuples.
* An operation's result is known only after its COMMIT, and the COMMIT is durable (fsync) when it returns.
* What is pending when a COMMIT ends is the next group: one transaction. A failing operation is undone alone.
* A COMMIT whose answer did not come is in doubt: its operations raise StoreAway and are not repeated.
* After StoreAway the next group connects anew. Nothing has to be restarted when the server comes back.
"""

from asyncio import Future
from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, TypeVar

Answer = TypeVar("Answer")
Engine = Literal["sqlite", "postgresql"]
Handler = Callable[[Any, list[Any]], Sequence[Any]]
"""connection, arguments of the operations -> one result for each."""


class Pending(Protocol):
    """An operation on its way to its COMMIT."""

    future: "Future[Any]"


class Numbering(Protocol):
    """Row numbers that are never used twice; used inside a handler only."""

    def check(self, connection: Any) -> None:
        """Begin with it in each transaction."""

    def take(self, connection: Any, count: int) -> int:
        """Give the first of `count` numbers in a row."""


class Store(Protocol):
    """One logical database (`gateway`, `intranet`), open."""

    engine: Engine
    where: str
    """The store as people know it, without a password: a path, or a URL."""
    numbers: Numbering

    @property
    def doubts(self) -> int:
        """COMMITs so far of which nobody knows whether they hold."""

    def submit(self, handler: Handler, argument: Any) -> Pending:
        """Put an operation into the next group."""

    def cancel(self, operation: Any) -> bool:
        """Withdraw an operation unless its group has begun; tells whether it was withdrawn."""

    async def perform(self, handler: Handler, argument: Any) -> Any:
        """Commit one operation and give its result. Raises: StoreFull, StoreAway."""

    async def ask(self, question: Callable[[Any], Answer]) -> Answer:
        """Run a reading function on a second connection, in a thread of its own. Raises: StoreAway."""

    def check_room(self) -> None:
        """Refuse new mail while the disk below is nearly full. Raises: StoreFull."""

    async def close(self) -> None:
        """Commit what is pending and close."""
