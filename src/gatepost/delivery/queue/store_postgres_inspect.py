# SPDX-License-Identifier: Apache-2.0
"""SQL of what people ask and tell the queue on PostgreSQL. `wanted` is a track or a destination domain; '' means all."""

from collections.abc import Sequence
from typing import Any

from gatepost.delivery.queue.people import read_queued
from gatepost.delivery.queue.record import QueuedRecipient, QueueLine
from gatepost.delivery.queue.statements import Key, literal
from gatepost.storage.postgres import Connection

_OF_TENANT = "(%(tenant)s::bigint IS NULL OR r.tenant_id = %(tenant)s::bigint)"
_LINES = f"""SELECT domain, count(*) FILTER (WHERE r.state <> 1), count(*) FILTER (WHERE r.state = 1), min(received_at),
        coalesce(min(due_at) FILTER (WHERE r.state = 0), min(due_at))
    FROM recipient r WHERE {_OF_TENANT} GROUP BY domain ORDER BY domain"""  # noqa: S608
_SHOW = f"""SELECT m.track, m.tenant_id, m.envelope, r.local, r.domain, m.direction, r.state, r.attempts, m.received_at,
        r.due_at, m.expires_at, m.size_bytes, r.last_reply, r.last_host
    FROM recipient r JOIN mail m ON m.id = r.mail_id
    WHERE {_OF_TENANT} AND {{wanted}} ORDER BY r.mail_id, r.id LIMIT %(limit)s"""  # noqa: S608
_UNCLAIMED = f"""SELECT mail_id, id FROM recipient r
    WHERE {_OF_TENANT} AND {{wanted}} AND r.state <> 1 AND (r.mail_id, r.id) > (%(mail)s, %(after)s)
    ORDER BY r.mail_id, r.id LIMIT %(limit)s"""  # noqa: S608

_IS_TRACK = f"SELECT 1 FROM mail r WHERE track = %(wanted)s AND {_OF_TENANT} LIMIT 1"  # noqa: S608
_OF_TRACK = "r.mail_id IN (SELECT id FROM mail WHERE track = %(wanted)s)"
_OF_DOMAIN = "r.domain = %(wanted)s"
_OF_ALL = "%(wanted)s::text = ''"

_GIVEN = "(mail_id, id) IN (SELECT * FROM unnest(%s::bigint[], %s::bigint[]))"
_LOCK = f"SELECT mail_id, id FROM recipient WHERE {_GIVEN} AND state <> 1 ORDER BY mail_id, id FOR UPDATE"  # noqa: S608
_MAKE_DUE = f"UPDATE recipient SET due_at = least(due_at, %s) WHERE {_GIVEN}"  # noqa: S608
_DELETE = f"DELETE FROM recipient WHERE {_GIVEN}"  # noqa: S608
_OF_QUEUE = "SELECT mail_id, id FROM recipient WHERE state = %s AND tenant_id = %s AND domain = %s LIMIT %s"
_MOVE = f"UPDATE recipient SET state = %s WHERE {_GIVEN} AND state = %s"  # noqa: S608
_SET = """INSERT INTO queue_setting VALUES (%s, %s, %s)
    ON CONFLICT (tenant_id, domain) DO UPDATE SET enabled = excluded.enabled"""
_IS_ENABLED = "SELECT enabled FROM queue_setting WHERE tenant_id = %s AND domain = %s"
_REFERENCED = "SELECT DISTINCT blob FROM mail WHERE blob = ANY (%b::text[]) AND blob <> ''"


def lines(connection: Connection, tenant_id: int | None) -> list[QueueLine]:
    """Give one line for each destination domain."""
    return [QueueLine(*row) for row in connection.execute(_LINES, {"tenant": tenant_id})]


def show(connection: Connection, wanted: str, limit: int, tenant_id: int | None) -> list[QueuedRecipient]:
    """Give the wanted recipients, oldest mail first."""
    given = {"tenant": tenant_id, "wanted": wanted, "limit": limit}
    return [read_queued(row) for row in connection.execute(_SHOW.format(wanted=_condition(connection, given)), given)]


def unclaimed(connection: Connection, wanted: str, tenant_id: int | None, limit: int, after: Key) -> tuple[list[Key], Key | None]:
    """Give wanted recipients that nobody has claimed, by key, locked; and where to go on if there may be more."""
    given = {"tenant": tenant_id, "wanted": wanted, "limit": limit, "mail": after[0], "after": after[1]}
    seen = connection.execute(_UNCLAIMED.format(wanted=_condition(connection, given)), given).fetchall()
    # Some may have been claimed before we have them, so where to go on is told by what was seen.
    keys = connection.execute(_LOCK, _columns(seen)).fetchall() if seen else []
    return [(key[0], key[1]) for key in keys], (seen[-1][0], seen[-1][1]) if len(seen) == limit else None


def make_due(connection: Connection, keys: Sequence[Key], now: float) -> None:
    """Make recipients due now, unless they are already."""
    connection.execute(_MAKE_DUE, (now, *_columns(keys)))


def delete_keys(connection: Connection, keys: Sequence[Key]) -> None:
    """Delete recipients."""
    connection.execute(_DELETE, _columns(keys))


def set_enabled(connection: Connection, domain: str, enabled: bool, tenant_id: int) -> None:
    """Record that a queue is enabled or disabled, once every transaction that has read another setting has ended."""
    connection.execute("LOCK TABLE queue_setting IN ACCESS EXCLUSIVE MODE")
    connection.execute(_SET, (tenant_id, domain, enabled))


def apply_enabled(connection: Connection, domain: str, enabled: bool, tenant_id: int, limit: int) -> int:
    """Move unclaimed recipients to the state that their queue's setting asks for; gives the number of those that were looked at."""
    old, new = (2, 0) if enabled else (0, 2)
    keys = connection.execute(_OF_QUEUE, (old, tenant_id, domain, limit)).fetchall()
    if keys:
        connection.execute(_MOVE, (new, *_columns(keys), old))
    return len(keys)


def is_enabled(connection: Connection, domain: str, tenant_id: int) -> bool:
    """Tell whether a queue is enabled; one that was never set is."""
    row = connection.execute(_IS_ENABLED, (tenant_id, domain)).fetchone()
    return row is None or bool(row[0])


def referenced_blobs(connection: Connection, names: Sequence[str]) -> set[str]:
    """Give those of the names that a mail refers to."""
    return {row[0] for row in connection.execute(_REFERENCED, (list(names),))}


def _columns(keys: Sequence[tuple[Any, ...]]) -> tuple[str, str]:
    return literal(key[0] for key in keys), literal(key[1] for key in keys)


def _condition(connection: Connection, given: dict[str, Any]) -> str:
    if not given["wanted"]:
        return _OF_ALL
    return _OF_TRACK if connection.execute(_IS_TRACK, given).fetchone() else _OF_DOMAIN
