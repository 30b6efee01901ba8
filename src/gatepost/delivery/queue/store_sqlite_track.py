# SPDX-License-Identifier: Apache-2.0
"""SQL of the heads on SQLite: which have left, which have not."""

from collections.abc import Sequence

import msgspec

from gatepost.delivery.queue.statements import Track
from gatepost.storage.sqlite import Connection

_json = msgspec.json.Encoder().encode

_TRACKS = """SELECT id, tenant_id, track, length(head) > 0, CASE head_shipped WHEN 0 THEN head ELSE x'' END
    FROM mail WHERE id IN (SELECT value FROM json_each(?))"""
_MARK = "UPDATE mail SET head_shipped = 1 WHERE id IN (SELECT value FROM json_each(?)) AND head_shipped = 0"
_TAKE = """UPDATE mail SET head_shipped = 1
    WHERE id IN (SELECT value FROM json_each(?)) AND head_shipped = 0 AND length(head) > 0
    AND NOT EXISTS (SELECT 1 FROM recipient r JOIN holder h ON h.id = r.holder
        WHERE r.mail_id = mail.id AND r.state = 1 AND h.id <> ? AND h.expires_at > ?)
    RETURNING id, tenant_id, track, 1, head"""
_LOOK = "SELECT id, head_shipped = 0 AND length(head) > 0 FROM mail WHERE id < ? ORDER BY id DESC LIMIT ?"


def tracks_of(connection: Connection, mail_ids: Sequence[int]) -> list[Track]:
    """Read tracks."""
    return [_track(row) for row in connection.execute(_TRACKS, (_json(mail_ids).decode(),))]


def mark_shipped(connection: Connection, mail_ids: Sequence[int]) -> None:
    """Note that heads have left."""
    connection.execute(_MARK, (_json(mail_ids).decode(),))


def take_heads(connection: Connection, mail_ids: Sequence[int], own: int, now: float) -> list[Track]:
    """Give the heads that have not left and note that they have; not of mails that another living holder has in hand."""
    return [_track(row) for row in connection.execute(_TAKE, (_json(mail_ids).decode(), own, now)).fetchall()]


def look_through(connection: Connection, below: int, limit: int) -> list[tuple[int, bool]]:
    """Answer for mails with a number below `below`, the latest first, whether they have a head that has not left."""
    return [(row[0], bool(row[1])) for row in connection.execute(_LOOK, (below, limit))]


def _track(row: tuple[int, int, str, int, bytes]) -> Track:
    return Track(row[0], row[1], row[2], bool(row[3]), row[4])
