# SPDX-License-Identifier: Apache-2.0
"""SQL of the leases on SQLite: who holds claims, until when, and what becomes of claims whose holder is gone."""

from gatepost.delivery.queue.store_sqlite_settle import STATE_NOW
from gatepost.storage.sqlite import Connection

# No index leads from a holder to its recipients: each fresh mail would pay for what happens once a crash.
_VOID = f"UPDATE recipient SET state = {STATE_NOW}, holder = 0 WHERE state = 1 AND holder = ?"  # noqa: S608
_VOID_OTHERS = f"UPDATE recipient SET state = {STATE_NOW}, holder = 0 WHERE state = 1 AND holder <> ?"  # noqa: S608


def enter(connection: Connection, holder: int, expires_at: float, sole: bool) -> None:
    """Enter a new holder; a sole one voids the claims of all others."""
    if sole:
        connection.execute(_VOID_OTHERS, (holder,))
        connection.execute("DELETE FROM holder")
    renew(connection, holder, expires_at)


def shorten(connection: Connection, holder: int, expires_at: float) -> None:
    """Let another holder's lease end at `expires_at`, unless it ends before."""
    connection.execute("UPDATE holder SET expires_at = min(expires_at, ?) WHERE id = ?", (expires_at, holder))


def renew(connection: Connection, holder: int, expires_at: float) -> None:
    """Make the holder's claims hold until `expires_at` (Unix time)."""
    connection.execute("INSERT OR REPLACE INTO holder VALUES (?, ?)", (holder, expires_at))


def void_expired(connection: Connection, own: int, now: float) -> int:
    """Remove the other holders whose lease has run out and give back their claims; gives the number of holders."""
    expired = connection.execute("SELECT id FROM holder WHERE expires_at <= ? AND id <> ?", (now, own)).fetchall()
    for (holder,) in expired:
        leave(connection, holder)
    return len(expired)


def next_expiry(connection: Connection, own: int) -> float | None:
    """Tell when the first lease of another holder ends; None: there is no other."""
    row = connection.execute("SELECT min(expires_at) FROM holder WHERE id <> ?", (own,)).fetchone()
    return row[0] if row else None


def leave(connection: Connection, holder: int) -> None:
    """Remove a holder and give back what it still claims."""
    connection.execute(_VOID, (holder,))
    connection.execute("DELETE FROM holder WHERE id = ?", (holder,))
