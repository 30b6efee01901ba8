# SPDX-License-Identifier: Apache-2.0
"""SQL of what people ask and tell the queue: list, show, retry, drop, enable and disable.

`wanted` is a track or a destination domain; '' means all. Changes go in slices, so that one over a hundred
thousand recipients does not hold up the commits beside it.
"""

from typing import Any

from gatepost.delivery.queue.record import QueuedRecipient, QueueLine
from gatepost.delivery.queue.store_sqlite_insert import read_envelope
from gatepost.delivery.queue.store_sqlite_settle import delete_finished
from gatepost.storage.sqlite import Connection

Key = tuple[int, int]
SLICE = 1000
"""Recipients that one operation changes at most."""

BEFORE_ALL: Key = (0, 0)
_STATES = ("waiting", "sending", "disabled")

_LINES = """SELECT domain, sum(r.state <> 1), sum(r.state = 1), min(received_at),
        coalesce(min(CASE r.state WHEN 0 THEN due_at END), min(due_at))
    FROM recipient r WHERE ?1 IS NULL OR r.tenant_id = ?1 GROUP BY domain ORDER BY domain"""
_SHOW = """SELECT m.track, m.tenant_id, m.envelope, r.local, r.domain, m.direction, r.state, r.attempts, m.received_at,
        r.due_at, m.expires_at, m.size_bytes, r.last_reply, r.last_host
    FROM recipient r JOIN mail m ON m.id = r.mail_id
    WHERE (?1 IS NULL OR r.tenant_id = ?1) AND {wanted} ORDER BY r.mail_id, r.id LIMIT ?3"""
_SLICE = """SELECT mail_id, id FROM recipient r
    WHERE (?1 IS NULL OR r.tenant_id = ?1) AND {wanted} AND r.state <> 1 AND (r.mail_id, r.id) > (?4, ?5)
    ORDER BY r.mail_id, r.id LIMIT ?3"""

_IS_TRACK = "SELECT 1 FROM mail WHERE track = ?2 AND (?1 IS NULL OR tenant_id = ?1) LIMIT 1"
_OF_TRACK = "r.mail_id IN (SELECT id FROM mail WHERE track = ?2)"
_OF_DOMAIN = "r.domain = ?2"
_OF_ALL = "?2 = ''"


def lines(connection: Connection, tenant_id: int | None) -> list[QueueLine]:
    """Give one line for each destination domain."""
    return [QueueLine(*row) for row in connection.execute(_LINES, (tenant_id,))]


def show(connection: Connection, wanted: str, limit: int, tenant_id: int | None) -> list[QueuedRecipient]:
    """Give the wanted recipients, oldest mail first."""
    text = _SHOW.format(wanted=_condition(connection, wanted, tenant_id))
    return [_read(row) for row in connection.execute(text, (tenant_id, wanted, limit))]


def retry_slice(connection: Connection, wanted: str, tenant_id: int | None, now: float, after: Key) -> tuple[int, Key | None]:
    """Make a slice of the wanted recipients due now; gives their number, and where the next slice begins if there is one."""
    keys = _slice(connection, wanted, tenant_id, after)
    changed = [(now, *key) for key in keys]
    connection.executemany("UPDATE recipient SET due_at = min(due_at, ?) WHERE mail_id = ? AND id = ?", changed)
    return len(keys), _last(keys)


def drop_slice(connection: Connection, wanted: str, tenant_id: int | None, after: Key) -> tuple[int, tuple[str, ...], Key | None]:
    """Remove a slice of the wanted recipients; gives their number, the blobs to be unlinked, and where the next slice begins."""
    keys = _slice(connection, wanted, tenant_id, after)
    connection.executemany("DELETE FROM recipient WHERE mail_id = ? AND id = ?", keys)
    return len(keys), delete_finished(connection, sorted({mail_id for mail_id, _ in keys})), _last(keys)


def set_enabled(connection: Connection, domain: str, enabled: bool, tenant_id: int) -> None:
    """Record that a queue is enabled or disabled, also where it has no mail yet."""
    connection.execute("INSERT OR REPLACE INTO queue_setting VALUES (?, ?, ?)", (tenant_id, domain, int(enabled)))


def apply_enabled_slice(connection: Connection, domain: str, enabled: bool, tenant_id: int) -> int:
    """Move a slice of the queue's unclaimed recipients to the state that its setting asks for; gives their number."""
    old, new = (2, 0) if enabled else (0, 2)
    text = f"SELECT mail_id, id FROM recipient WHERE state = {old} AND tenant_id = ? AND domain = ? LIMIT ?"  # noqa: S608
    keys = connection.execute(text, (tenant_id, domain, SLICE)).fetchall()
    connection.executemany(f"UPDATE recipient SET state = {new} WHERE mail_id = ? AND id = ?", keys)  # noqa: S608
    return len(keys)


def is_enabled(connection: Connection, domain: str, tenant_id: int) -> bool:
    """Tell whether a queue is enabled; one that was never set is."""
    row = connection.execute("SELECT enabled FROM queue_setting WHERE tenant_id = ? AND domain = ?", (tenant_id, domain)).fetchone()
    return row is None or bool(row[0])


def referenced_blobs(connection: Connection, names: list[str]) -> set[str]:
    """Give those of the names that a mail refers to."""
    return {name for name in names if connection.execute("SELECT 1 FROM mail WHERE blob = ? AND blob <> '' LIMIT 1", (name,)).fetchone()}


def _slice(connection: Connection, wanted: str, tenant_id: int | None, after: Key) -> list[Key]:
    text = _SLICE.format(wanted=_condition(connection, wanted, tenant_id))
    return connection.execute(text, (tenant_id, wanted, SLICE, *after)).fetchall()


def _last(keys: list[Key]) -> Key | None:
    return keys[-1] if len(keys) == SLICE else None


def _condition(connection: Connection, wanted: str, tenant_id: int | None) -> str:
    if not wanted:
        return _OF_ALL
    is_track = connection.execute(_IS_TRACK, (tenant_id, wanted)).fetchone()
    return _OF_TRACK if is_track else _OF_DOMAIN


def _read(row: tuple[Any, ...]) -> QueuedRecipient:
    sender = read_envelope(row[2], []).sender
    return QueuedRecipient(
        track=row[0],
        tenant_id=row[1],
        sender=str(sender) if sender else "",
        recipient=f"{row[3]}@{row[4]}" if row[4] else row[3],
        direction=row[5],
        state=_STATES[row[6]],
        attempts=row[7],
        received_at=row[8],
        due_at=row[9],
        expires_at=row[10],
        size_bytes=row[11],
        last_reply=row[12],
        last_host=row[13],
    )
