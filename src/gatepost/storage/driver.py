# SPDX-License-Identifier: Apache-2.0
"""What the writer and the questions need of an engine's driver: connections, the ends of a transaction, names of failures."""

from typing import Any, Protocol

from gatepost.errors import StoreError


class Driver(Protocol):
    """An engine, pointed at one store. Connections are used in one thread at a time."""

    where: str
    """The store as people know it, without a password."""
    error: type[Exception]
    """The root of what the engine raises."""

    def connect(self) -> Any:
        """Open a writing connection. Raises: StoreAway, StoreFull, StoreError."""

    def connect_reader(self) -> Any:
        """Open a connection that only reads. Raises: StoreAway."""

    def begin(self, connection: Any) -> None:
        """Begin a transaction."""

    def commit(self, connection: Any) -> None:
        """Commit; returns only when the transaction is durable."""

    def rollback(self, connection: Any) -> None:
        """Undo the transaction."""

    def in_transaction(self, connection: Any) -> bool:
        """Tell whether a transaction is open, a failed one included."""

    def is_broken(self, connection: Any) -> bool:
        """Tell whether the connection is known to be of no more use."""

    def is_collision(self, error: Exception) -> bool:
        """Tell whether the transaction was undone because another process' was in its way: done again it succeeds."""

    def named(self, error: Exception) -> StoreError:
        """Name a failure of the engine or of the file system as the tree of errors knows it."""
