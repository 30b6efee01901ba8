# SPDX-License-Identifier: Apache-2.0
"""SQL of the leases on PostgreSQL: who holds claims, until when, and what becomes of claims whose holder is gone.

Leases are compared by the gateways' own clocks, which must agree to a small part of a lease.
"""

from gatepost.delivery.queue.store_postgres_settle import STATE_NOW
from gatepost.storage.postgres import Connection

# No index leads from a holder to its recipients: each fresh mail would pay for what happens once a crash. What the lost holder
# is just settling after all is passed over, and given back by a later call: the holder stays known until nothing is left.
_VOID = f"""UPDATE recipient SET state = {STATE_NOW}, holder = 0 WHERE (mail_id, id) IN
    (SELECT mail_id, id FROM recipient WHERE state = 1 AND holder = %s FOR UPDATE SKIP LOCKED)"""  # noqa: S608
_FORGET = """DELETE FROM holder WHERE id = %s AND expires_at <= %s
    AND NOT EXISTS (SELECT 1 FROM recipient r WHERE r.state = 1 AND r.holder = holder.id)"""
_VOID_OTHERS = f"UPDATE recipient SET state = {STATE_NOW}, holder = 0 WHERE state = 1 AND holder <> %s"  # noqa: S608
# A holder whose COMMIT took longer than its lease may have left claims under a number that nobody knows any more.
_VOID_UNKNOWN = f"""UPDATE recipient SET state = {STATE_NOW}, holder = 0 WHERE (mail_id, id) IN
    (SELECT mail_id, id FROM recipient r WHERE state = 1 AND NOT EXISTS (SELECT 1 FROM holder h WHERE h.id = r.holder)
    FOR UPDATE SKIP LOCKED)"""  # noqa: S608
_RENEW = "INSERT INTO holder VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at"


def enter(connection: Connection, holder: int, expires_at: float, sole: bool) -> None:
    """Enter a new holder; a sole one voids the claims of all others."""
    if sole:
        connection.execute(_VOID_OTHERS, (holder,))
        connection.execute("DELETE FROM holder")
    else:
        connection.execute(_VOID_UNKNOWN)
    renew(connection, holder, expires_at)


def shorten(connection: Connection, holder: int, expires_at: float) -> None:
    """Let another holder's lease end at `expires_at`, unless it ends before."""
    connection.execute("UPDATE holder SET expires_at = least(expires_at, %s) WHERE id = %s", (expires_at, holder))


def renew(connection: Connection, holder: int, expires_at: float) -> None:
    """Make the holder's claims hold until `expires_at` (Unix time)."""
    connection.execute(_RENEW, (holder, expires_at))


def void_expired(connection: Connection, own: int, now: float) -> int:
    """Give back the claims of other holders whose lease has run out and remove them; gives the number of holders."""
    expired = connection.execute("SELECT id FROM holder WHERE expires_at <= %s AND id <> %s", (now, own)).fetchall()
    for (holder,) in expired:
        connection.execute(_VOID, (holder,))
        connection.execute(_FORGET, (holder, now))
    return len(expired)


def next_expiry(connection: Connection, own: int) -> float | None:
    """Tell when the first lease of another holder ends; None: there is no other."""
    row = connection.execute("SELECT min(expires_at) FROM holder WHERE id <> %s", (own,)).fetchone()
    return row[0] if row else None


def leave(connection: Connection, holder: int) -> None:
    """Remove a holder and give back what it still claims."""
    connection.execute(_VOID, (holder,))
    connection.execute("DELETE FROM holder WHERE id = %s", (holder,))
