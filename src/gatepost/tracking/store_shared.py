# SPDX-License-Identifier: Apache-2.0
"""The statements on tables that are the same on both engines: days, outcomes that wait, tracks of an older form."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gatepost.replication.sql import spoken
from gatepost.storage.contract import Engine
from gatepost.tracking.store import Key, Legacy, LegacyCount
from gatepost.tracking.store_rows import DetailsRow


class SharedStatements:
    """One engine's statements; the mark of a parameter is all they differ in."""

    engine: Engine

    def days(self, connection: Any) -> Mapping[int, bool]:
        """Give the days that have tables, and whether their details are still there."""
        return {row[0]: bool(row[1]) for row in connection.execute("SELECT day, has_details FROM message_track_day").fetchall()}

    def put_waiting(self, connection: Any, rows: Sequence[DetailsRow]) -> None:
        """Keep outcomes until their head comes."""
        connection.cursor().executemany(spoken(_PUT_WAITING, self.engine), rows)

    def take_waiting(self, connection: Any, keys: Collection[Key]) -> list[DetailsRow]:
        """Give the outcomes that waited for these tracks, and keep them no longer."""
        if connection.execute("SELECT 1 FROM message_track_waiting LIMIT 1").fetchone() is None:
            return []
        taken: list[DetailsRow] = []
        for key in keys:
            taken += [DetailsRow(*row) for row in connection.execute(spoken(_TAKE_WAITING, self.engine), key).fetchall()]
        return taken

    def drop_waiting(self, connection: Any, before: bytes) -> int:
        """Drop outcomes of tracks before this key; gives their number."""
        return int(connection.execute(spoken("DELETE FROM message_track_waiting WHERE track < ?", self.engine), (before,)).rowcount)

    def put_legacy(self, connection: Any, rows: Sequence[tuple[int, int, bytes]]) -> None:
        """Keep tracks of an older form."""
        connection.cursor().executemany(spoken(_PUT_LEGACY, self.engine), rows)

    def legacy(self, connection: Any, limit: int) -> list[Legacy]:
        """Give the oldest that wait."""
        return [Legacy(*row) for row in connection.execute(spoken(_LEGACY, self.engine), (limit,)).fetchall()]

    def settle_legacy(self, connection: Any, converted: Sequence[int], refused: Mapping[int, str]) -> None:
        """Remove those that were converted; mark those that cannot be."""
        cursor = connection.cursor()
        cursor.executemany(spoken(_REMOVE_LEGACY, self.engine), [(one,) for one in converted])
        cursor.executemany(spoken(_REFUSE_LEGACY, self.engine), [(reason, one) for one, reason in refused.items()])
        connection.execute(spoken(_CONVERTED, self.engine), (len(converted),))

    def legacy_count(self, connection: Any) -> LegacyCount:
        """Tell how many wait, were refused, were converted."""
        return LegacyCount(*map(int, connection.execute(_LEGACY_COUNT).fetchone()))


_PUT_WAITING = "INSERT INTO message_track_waiting (tenant_id, track, part, payload) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_TAKE_WAITING = "DELETE FROM message_track_waiting WHERE tenant_id = ? AND track = ? RETURNING tenant_id, track, part, payload"
_PUT_LEGACY = "INSERT INTO message_tracking_legacy_entry (tenant_id, form, payload) VALUES (?, ?, ?)"
_LEGACY = "SELECT id, tenant_id, form, payload FROM message_tracking_legacy_entry WHERE refused = '' ORDER BY id LIMIT ?"
_REMOVE_LEGACY = "DELETE FROM message_tracking_legacy_entry WHERE id = ?"
_REFUSE_LEGACY = "UPDATE message_tracking_legacy_entry SET refused = ? WHERE id = ?"
_CONVERTED = "UPDATE message_tracking_legacy_progress SET converted = converted + ?"
_LEGACY_COUNT = """SELECT (SELECT count(*) FROM message_tracking_legacy_entry WHERE refused = ''),
    (SELECT count(*) FROM message_tracking_legacy_entry WHERE refused <> ''), (SELECT converted FROM message_tracking_legacy_progress)"""
