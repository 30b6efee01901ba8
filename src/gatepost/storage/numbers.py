# SPDX-License-Identifier: Apache-2.0
"""Row numbers that are never used twice, reserved in blocks so that a commit does not pay for each."""

from gatepost.storage.sqlite import Connection

BLOCK = 1_048_576


class Numbers:
    """The numbers of one store; used on the writer's thread only, inside its transactions."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._next = 0
        self._end = 0

    def check(self, connection: Connection) -> None:
        """Drop the block if the transaction that reserved it was rolled back; to be called once in each transaction."""
        row = connection.execute("SELECT next FROM id_block WHERE name = ?", (self._name,)).fetchone()
        if row[0] < self._end:
            self._next = self._end = 0

    def take(self, connection: Connection, count: int) -> int:
        """Give the first of `count` numbers in a row."""
        if self._next + count > self._end:
            size = max(BLOCK, count)
            row = connection.execute("UPDATE id_block SET next = next + ? WHERE name = ? RETURNING next", (size, self._name)).fetchone()
            self._next, self._end = row[0] - size, row[0]
        first = self._next
        self._next += count
        return first
