# SPDX-License-Identifier: Apache-2.0
"""Row numbers that are never used twice, reserved in blocks so that a commit does not pay for each."""

from typing import Any

BLOCK = 1_048_576


class Numbers:
    """The numbers of one SQLite store; used on the writer's thread only, inside its transactions."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._next = 0
        self._end = 0

    def check(self, connection: Any) -> None:
        """Drop the block if the transaction that reserved it was rolled back; to be called once in each transaction."""
        row = connection.execute("SELECT next FROM id_block WHERE name = ?", (self._name,)).fetchone()
        if row[0] < self._end:
            self._next = self._end = 0

    def take(self, connection: Any, count: int) -> int:
        """Give the first of `count` numbers in a row."""
        if self._next + count > self._end:
            size = max(BLOCK, count)
            row = connection.execute("UPDATE id_block SET next = next + ? WHERE name = ? RETURNING next", (size, self._name)).fetchone()
            self._next, self._end = row[0] - size, row[0]
        first = self._next
        self._next += count
        return first


class SequenceNumbers:
    """The numbers of one process in a PostgreSQL store that others may use too.

    A sequence is never rolled back: no other process can be given a block whose reservation was undone.
    """

    def __init__(self, name: str) -> None:
        self._next_block = f"SELECT nextval('{name}_number')"
        self._next = 0
        self._end = 0

    def check(self, connection: Any) -> None:
        """Find nothing to drop."""

    def take(self, connection: Any, count: int) -> int:
        """Give the first of up to 1,048,576 numbers in a row."""
        if count > BLOCK:
            raise ValueError(f"{count} numbers in a row are more than a block")
        if self._next + count > self._end:
            self._next = connection.execute(self._next_block).fetchone()[0]
            self._end = self._next + BLOCK
        first = self._next
        self._next += count
        return first
