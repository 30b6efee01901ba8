# SPDX-License-Identifier: Apache-2.0
"""The tracks' SQL on PostgreSQL: native range partitions by day, rows written by COPY.

Partitions are made days ahead by `service`; mail never waits for it. What finds no partition goes to the default one; `open_days`
moves it into its own. A statement that names keys or a range of them is planned each time, because only so the planner leaves
out the other days' partitions before it looks at them.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

from gatepost.storage.contract import Engine
from gatepost.tracking.partitions import first_of, suffix
from gatepost.tracking.store import Fate, Key, Known
from gatepost.tracking.store_rows import AddressRow, DetailsRow, Summary
from gatepost.tracking.store_shared import SharedStatements
from gatepost.tracking.traffic_count import Counted

SUMMARY_TYPES: Final = ("int8", "bytea", "float8", "int2", "int2", "int8", "float8", "int4", *["text"] * 8, "bytea")
ADDRESS_TYPES: Final = ("int8", "bytea", "text", "text", "int2")
DETAILS_TYPES: Final = ("int8", "bytea", "int8", "bytea")
PARENTS: Final = ("message_track", "message_address", "message_track_details")
_DETAILS: Final = "message_track_details"

_COLUMNS: Final = ", ".join(Summary._fields)
COPY_SUMMARIES: Final = f"COPY message_track ({_COLUMNS}) FROM STDIN (FORMAT BINARY)"
COPY_ADDRESSES: Final = f"COPY message_address ({', '.join(AddressRow._fields)}) FROM STDIN (FORMAT BINARY)"
COPY_DETAILS: Final = f"COPY message_track_details ({', '.join(DetailsRow._fields)}) FROM STDIN (FORMAT BINARY)"
_INSERT_DETAILS: Final = (
    "INSERT INTO message_track_details (tenant_id, track, part, content) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
)
_KNOWN: Final = "SELECT track, status, fates, sent_at, direction, mails, size FROM message_track WHERE tenant_id = %s AND track = ANY(%s)"
_UPDATE: Final = """UPDATE message_track SET status = fate.status, fates = fate.fates
    FROM unnest(%s::int2[], %s::bytea[], %s::bytea[]) AS fate (status, fates, track)
    WHERE message_track.tenant_id = %s AND message_track.track = ANY(%s) AND message_track.track = fate.track"""
_SUMMARY: Final = f"SELECT {_COLUMNS} FROM message_track WHERE tenant_id = %s AND track = %s"  # noqa: S608
_READ_DETAILS: Final = "SELECT content FROM message_track_details WHERE tenant_id = %s AND track = %s ORDER BY part"
_STRAY_DAYS: Final = """SELECT DISTINCT ('x' || encode(substring(track FROM 1 FOR 6), 'hex'))::bit(48)::bigint / 86400000
    FROM {parent}_default"""
_OPENED: Final = "INSERT INTO message_track_day (day, has_details) VALUES (%s, 1) ON CONFLICT DO NOTHING"


class PostgresTracks(SharedStatements):
    """PostgreSQL's statements; keeps `store.TrackStatements`."""

    engine: Engine = "postgresql"

    def strays(self, connection: Any) -> Collection[int]:
        """Give the days whose tracks lie in the default partition."""
        return {row[0] for parent in PARENTS for row in connection.execute(_STRAY_DAYS.format(parent=parent)).fetchall()}

    def open_days(self, connection: Any, days: Collection[int]) -> None:
        """Make the partitions of these days where there are none; strays move in."""
        for day in sorted(set(days).difference(self.days(connection))):
            for parent in PARENTS:
                self._open(connection, parent, day)
            connection.execute(_OPENED, (day,))

    def open_at_need(self, connection: Any, days: Collection[int]) -> None:
        """Do nothing: what finds no partition goes to the default one, which raises an alarm."""

    def known(self, connection: Any, keys: Collection[Key]) -> dict[Key, Known]:
        """Give what is known of those of these tracks that have a summary."""
        found: dict[Key, Known] = {}
        for tenant_id in {key[0] for key in keys}:
            tracks = [key[1] for key in keys if key[0] == tenant_id]
            for row in connection.execute(_KNOWN, (tenant_id, tracks), prepare=False).fetchall():
                found[tenant_id, row[0]] = Known(row[1], row[2], Counted(*row[3:]))
        return found

    def insert(self, connection: Any, summaries: Sequence[Summary], addresses: Sequence[AddressRow]) -> None:
        """Insert tracks that are not known yet."""
        _copy(connection, COPY_SUMMARIES, SUMMARY_TYPES, summaries)
        _copy(connection, COPY_ADDRESSES, ADDRESS_TYPES, addresses)

    def add_details(self, connection: Any, rows: Sequence[DetailsRow]) -> None:
        """Insert details; a part that is there already is left as it is."""
        later = [row for row in rows if row.part]
        _copy(connection, COPY_DETAILS, DETAILS_TYPES, [row for row in rows if not row.part])
        if later:
            connection.cursor().executemany(_INSERT_DETAILS, later)

    def update(self, connection: Any, fates: Sequence[Fate]) -> None:
        """Write new fates."""
        for tenant_id in {fate.tenant_id for fate in fates}:
            own = [fate for fate in fates if fate.tenant_id == tenant_id]
            tracks = [fate.track for fate in own]
            values = ([fate.status for fate in own], [fate.fates for fate in own], tracks, tenant_id, tracks)
            connection.execute(_UPDATE, values, prepare=False)

    def summary(self, connection: Any, tenant_id: int, track: bytes) -> Summary | None:
        """Give one summary."""
        row = connection.execute(_SUMMARY, (tenant_id, track), prepare=False).fetchone()
        return Summary(*row) if row else None

    def details(self, connection: Any, tenant_id: int, track: bytes) -> list[bytes]:
        """Give the details of one track, its head first."""
        return [row[0] for row in connection.execute(_READ_DETAILS, (tenant_id, track), prepare=False).fetchall()]

    def drop_summaries(self, connection: Any, day: int) -> None:
        """Drop all that is kept of a day."""
        for parent in PARENTS:
            self._drop(connection, parent, day)
        connection.execute("DELETE FROM message_track_day WHERE day = %s", (day,))

    def drop_details(self, connection: Any, day: int) -> None:
        """Drop the details of a day."""
        self._drop(connection, _DETAILS, day)
        connection.execute("UPDATE message_track_day SET has_details = 0 WHERE day = %s", (day,))

    def _open(self, connection: Any, parent: str, day: int) -> None:
        # Names and bounds are made of a number of ours: there is nothing to be quoted.
        name, low, high = f"{parent}_{suffix(day)}", first_of(day).hex(), first_of(day + 1).hex()
        bounds = f"FOR VALUES FROM ('\\x{low}') TO ('\\x{high}')"
        stray = f"track >= '\\x{low}' AND track < '\\x{high}'"
        if connection.execute(f"SELECT 1 FROM {parent}_default WHERE {stray} LIMIT 1").fetchone() is None:  # noqa: S608
            connection.execute(f"CREATE TABLE {name} PARTITION OF {parent} {bounds}")
            return
        connection.execute(f"CREATE TABLE {name} (LIKE {parent} INCLUDING STORAGE INCLUDING INDEXES)")
        connection.execute(
            f"WITH moved AS (DELETE FROM {parent}_default WHERE {stray} RETURNING *) INSERT INTO {name} SELECT * FROM moved"  # noqa: S608
        )
        connection.execute(f"ALTER TABLE {parent} ATTACH PARTITION {name} {bounds}")

    def _drop(self, connection: Any, parent: str, day: int) -> None:
        connection.execute(f"DROP TABLE IF EXISTS {parent}_{suffix(day)}")
        low, high = first_of(day), first_of(day + 1)
        connection.execute(f"DELETE FROM {parent}_default WHERE track >= %s AND track < %s", (low, high))  # noqa: S608


def _copy(connection: Any, statement: str, types: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    with connection.cursor().copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)
