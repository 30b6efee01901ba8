# SPDX-License-Identifier: Apache-2.0
"""SQL of what people ask and tell the queue on SQLite. `wanted` is a track or a destination domain; '' means all."""

from collections.abc import Sequence

from gatepost.delivery.queue.people import read_queued
from gatepost.delivery.queue.record import QueuedRecipient, QueueLine
from gatepost.delivery.queue.statements import Key
from gatepost.storage.sqlite import Connection

_LINES = """SELECT domain, sum(r.state <> 1), sum(r.state = 1), min(received_at),
        coalesce(min(CASE r.state WHEN 0 THEN due_at END), min(due_at))
    FROM recipient r WHERE ?1 IS NULL OR r.tenant_id = ?1 GROUP BY domain ORDER BY domain"""
_SHOW = """SELECT m.track, m.tenant_id, m.envelope, r.local, r.domain, m.direction, r.state, r.attempts, m.received_at,
        r.due_at, m.expires_at, m.size_bytes, r.last_reply, r.last_host
    FROM recipient r JOIN mail m ON m.id = r.mail_id
    WHERE (?1 IS NULL OR r.tenant_id = ?1) AND {wanted} ORDER BY r.mail_id, r.id LIMIT ?3"""
_UNCLAIMED = """SELECT mail_id, id FROM recipient r
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
    return [read_queued(row) for row in connection.execute(text, (tenant_id, wanted, limit))]


def unclaimed(connection: Connection, wanted: str, tenant_id: int | None, limit: int, after: Key) -> tuple[list[Key], Key | None]:
    """Give wanted recipients that nobody has claimed, by key, and where to go on if there may be more."""
    text = _UNCLAIMED.format(wanted=_condition(connection, wanted, tenant_id))
    keys: list[Key] = connection.execute(text, (tenant_id, wanted, limit, *after)).fetchall()
    return keys, keys[-1] if len(keys) == limit else None


def make_due(connection: Connection, keys: Sequence[Key], now: float) -> None:
    """Make recipients due now, unless they are already."""
    changed = [(now, *key) for key in keys]
    connection.executemany("UPDATE recipient SET due_at = min(due_at, ?) WHERE mail_id = ? AND id = ?", changed)


def delete_keys(connection: Connection, keys: Sequence[Key]) -> None:
    """Delete recipients."""
    connection.executemany("DELETE FROM recipient WHERE mail_id = ? AND id = ?", keys)


def set_enabled(connection: Connection, domain: str, enabled: bool, tenant_id: int) -> None:
    """Record that a queue is enabled or disabled, also where it has no mail yet."""
    connection.execute("INSERT OR REPLACE INTO queue_setting VALUES (?, ?, ?)", (tenant_id, domain, int(enabled)))


def apply_enabled(connection: Connection, domain: str, enabled: bool, tenant_id: int, limit: int) -> int:
    """Move unclaimed recipients to the state that their queue's setting asks for; gives the number of those that were looked at."""
    old, new = (2, 0) if enabled else (0, 2)
    text = f"SELECT mail_id, id FROM recipient WHERE state = {old} AND tenant_id = ? AND domain = ? LIMIT ?"  # noqa: S608
    keys = connection.execute(text, (tenant_id, domain, limit)).fetchall()
    connection.executemany(f"UPDATE recipient SET state = {new} WHERE mail_id = ? AND id = ?", keys)  # noqa: S608
    return len(keys)


def is_enabled(connection: Connection, domain: str, tenant_id: int) -> bool:
    """Tell whether a queue is enabled; one that was never set is."""
    row = connection.execute("SELECT enabled FROM queue_setting WHERE tenant_id = ? AND domain = ?", (tenant_id, domain)).fetchone()
    return row is None or bool(row[0])


def referenced_blobs(connection: Connection, names: Sequence[str]) -> set[str]:
    """Give those of the names that a mail refers to."""
    return {name for name in names if connection.execute("SELECT 1 FROM mail WHERE blob = ? AND blob <> '' LIMIT 1", (name,)).fetchone()}


def _condition(connection: Connection, wanted: str, tenant_id: int | None) -> str:
    if not wanted:
        return _OF_ALL
    is_track = connection.execute(_IS_TRACK, (tenant_id, wanted)).fetchone()
    return _OF_TRACK if is_track else _OF_DOMAIN
