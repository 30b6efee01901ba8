# SPDX-License-Identifier: Apache-2.0
"""SQL of the heads on PostgreSQL: which have left, which have not."""

from collections.abc import Sequence

from gatepost.delivery.queue.statements import Row, Track, literal
from gatepost.storage.postgres import Connection

_TRACKS = """SELECT id, tenant_id, track, head <> '', CASE head_shipped WHEN 0 THEN head ELSE '' END
    FROM mail WHERE id = ANY (%s::bigint[]) ORDER BY id FOR UPDATE"""
_MARK = "UPDATE mail SET head_shipped = 1 WHERE id = ANY (%s::bigint[]) AND head_shipped = 0"
_TAKE = """WITH chosen AS (SELECT id FROM mail
        WHERE id = ANY (%s::bigint[]) AND head_shipped = 0 AND head <> ''
        AND NOT EXISTS (SELECT 1 FROM recipient r JOIN holder h ON h.id = r.holder
            WHERE r.mail_id = mail.id AND r.state = 1 AND h.id <> %s AND h.expires_at > %s)
        ORDER BY id FOR UPDATE)
    UPDATE mail SET head_shipped = 1 FROM chosen WHERE mail.id = chosen.id
    RETURNING mail.id, mail.tenant_id, mail.track, true, mail.head"""
_LOOK = "SELECT id, head_shipped = 0 AND head <> '' FROM mail WHERE id < %s ORDER BY id DESC LIMIT %s"


def tracks_of(connection: Connection, mail_ids: Sequence[int]) -> list[Track]:
    """Read tracks, and keep these mails from being settled by others until the transaction ends."""
    return [_track(row) for row in connection.execute(_TRACKS, (literal(mail_ids),))]


def mark_shipped(connection: Connection, mail_ids: Sequence[int]) -> None:
    """Note that heads have left."""
    connection.execute(_MARK, (literal(mail_ids),))


def take_heads(connection: Connection, mail_ids: Sequence[int], own: int, now: float) -> list[Track]:
    """Give the heads that have not left and note that they have; not of mails that another living holder has in hand."""
    return [_track(row) for row in connection.execute(_TAKE, (literal(mail_ids), own, now)).fetchall()]


def look_through(connection: Connection, below: int, limit: int) -> list[tuple[int, bool]]:
    """Answer for mails with a number below `below`, the latest first, whether they have a head that has not left."""
    return [(row[0], row[1]) for row in connection.execute(_LOOK, (below, limit))]


def _track(row: Row) -> Track:
    return Track(row[0], row[1], row[2], row[3], row[4])
