# SPDX-License-Identifier: Apache-2.0
"""SQL of the leases: who holds claims, until when, and what becomes of claims whose holder is gone."""

from gatepost.delivery.queue.store_sqlite_settle import STATE_NOW
from gatepost.storage.numbers import Numbers
from gatepost.storage.sqlite import Connection

# No index leads from a holder to its recipients: each fresh mail would pay for what happens once a crash.
_VOID = f"UPDATE recipient SET state = {STATE_NOW}, holder = 0 WHERE state = 1 AND holder = ?"  # noqa: S608
_VOID_OTHERS = f"UPDATE recipient SET state = {STATE_NOW}, holder = 0 WHERE state = 1 AND holder <> ?"  # noqa: S608


def enter(connection: Connection, numbers: Numbers, expires_at: float, sole: bool) -> int:
    """Give a new holder its number; a sole holder voids the claims of all others."""
    numbers.check(connection)
    holder = numbers.take(connection, 1)
    if sole:
        connection.execute(_VOID_OTHERS, (holder,))
        connection.execute("DELETE FROM holder")
    renew(connection, holder, expires_at)
    return holder


def renew(connection: Connection, holder: int, expires_at: float) -> None:
    """Make the holder's claims hold until `expires_at` (Unix time)."""
    connection.execute("INSERT OR REPLACE INTO holder VALUES (?, ?)", (holder, expires_at))


def void_expired(connection: Connection, own: int, now: float) -> int:
    """Give back the claims of other holders whose lease has run out; gives their number."""
    expired = connection.execute("SELECT id FROM holder WHERE expires_at <= ? AND id <> ?", (now, own)).fetchall()
    return sum(leave(connection, holder) for (holder,) in expired)


def leave(connection: Connection, holder: int) -> int:
    """Remove a holder and give back what it still claims; gives the number of recipients."""
    given_back: int = connection.execute(_VOID, (holder,)).rowcount
    connection.execute("DELETE FROM holder WHERE id = ?", (holder,))
    return given_back
