# SPDX-License-Identifier: Apache-2.0
"""The tracks' SQL on SQLite: tables of its own for each day.

In one table for all days the indexes outgrow the cache, and each mail then writes a page of each index anew: 33 KB a mail at
300,000 tracks, and rising CPU. With a day's own tables it is 4 KB and the same CPU whatever the store holds; dropping a day is a
DROP. A `message_domain` row for each mail and domain spares searches the sorting out of duplicates.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from typing import Any, Final, TypeVar

from gatepost.errors import StoreError
from gatepost.storage.contract import Engine
from gatepost.tracking.partitions import MOST_DAYS, day_of, suffix
from gatepost.tracking.store import Fate, Key, Known
from gatepost.tracking.store_rows import AddressRow, DetailsRow, Summary
from gatepost.tracking.store_shared import SharedStatements
from gatepost.tracking.traffic_count import Counted

_KEYS_AT_ONCE = 500
_COLUMNS: Final = ", ".join(Summary._fields)
_CREATE: Final = (
    """CREATE TABLE message_track_{day} (
    tenant_id INTEGER NOT NULL,
    track BLOB NOT NULL,
    sent_at REAL NOT NULL,
    direction INTEGER NOT NULL,
    status INTEGER NOT NULL,
    size INTEGER NOT NULL,
    scl REAL NOT NULL,
    mails INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    words TEXT NOT NULL,
    people TEXT NOT NULL,
    client TEXT NOT NULL,
    rule TEXT NOT NULL,
    reply TEXT NOT NULL,
    gateway TEXT NOT NULL,
    fates BLOB NOT NULL,
    PRIMARY KEY (tenant_id, track)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX message_track_{day}_message_id ON message_track_{day} (tenant_id, message_id, track) WHERE message_id <> ''",
    "CREATE INDEX message_track_{day}_status ON message_track_{day} (tenant_id, status, track)",
    """CREATE TABLE message_address_{day} (
    tenant_id INTEGER NOT NULL,
    address TEXT NOT NULL,
    track BLOB NOT NULL,
    roles INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, address, track)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE message_domain_{day} (
    tenant_id INTEGER NOT NULL,
    domain TEXT NOT NULL,
    track BLOB NOT NULL,
    roles INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, domain, track)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE message_track_details_{day} (
    tenant_id INTEGER NOT NULL,
    track BLOB NOT NULL,
    part INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (tenant_id, track, part)
    ) STRICT""",
)
_TABLES: Final = ("message_track_{day}", "message_address_{day}", "message_domain_{day}")
_INSERT: Final = "INSERT INTO message_track_{day} (" + _COLUMNS + ") VALUES (" + ", ".join("?" * len(Summary._fields)) + ")"  # noqa: S608
_INSERT_ADDRESS: Final = "INSERT INTO message_address_{day} (tenant_id, address, track, roles) VALUES (?, ?, ?, ?)"
_INSERT_DOMAIN: Final = "INSERT INTO message_domain_{day} (tenant_id, domain, track, roles) VALUES (?, ?, ?, ?)"
_INSERT_DETAILS: Final = "INSERT OR IGNORE INTO message_track_details_{day} (tenant_id, track, part, content) VALUES (?, ?, ?, ?)"
_KNOWN: Final = (
    "SELECT tenant_id, track, status, fates, sent_at, direction, mails, size FROM message_track_{day}"
    " WHERE tenant_id = ? AND track IN ({marks})"
)
_UPDATE: Final = "UPDATE message_track_{day} SET status = ?, fates = ? WHERE tenant_id = ? AND track = ?"
_SUMMARY: Final = "SELECT " + _COLUMNS + " FROM message_track_{day} WHERE tenant_id = ? AND track = ?"  # noqa: S608
_DETAILS: Final = "SELECT content FROM message_track_details_{day} WHERE tenant_id = ? AND track = ? ORDER BY part"

Row = TypeVar("Row", Summary, AddressRow, DetailsRow, Fate)


class SqliteTracks(SharedStatements):
    """SQLite's statements; keeps `store.TrackStatements`."""

    engine: Engine = "sqlite"

    def strays(self, connection: Any) -> Collection[int]:
        """Give none: a day without tables gets them."""
        return ()

    def open_days(self, connection: Any, days: Collection[int]) -> None:
        """Make the tables of these days where there are none."""
        self.open_at_need(connection, days)

    def open_at_need(self, connection: Any, days: Collection[int]) -> None:
        """Make the tables of these days where there are none. Raises: StoreError when there are too many already."""
        there = self.days(connection)
        for day in set(days).difference(there):
            if len(there) >= MOST_DAYS:
                raise StoreError(f"there are tracks of {MOST_DAYS} days already; a gateway's clock may be wrong, drop the days that are")
            for statement in _CREATE:
                connection.execute(statement.format(day=suffix(day)))
            connection.execute("INSERT INTO message_track_day (day, has_details) VALUES (?, 1)", (day,))

    def known(self, connection: Any, keys: Collection[Key]) -> dict[Key, Known]:
        """Give what is known of those of these tracks that have a summary."""
        found: dict[Key, Known] = {}
        there = self.days(connection)
        for (day, tenant_id), group in groupby(sorted(keys, key=_place), _place):
            if day in there:
                tracks = [track for _, track in group]
                for start in range(0, len(tracks), _KEYS_AT_ONCE):
                    asked = _filled(tracks[start : start + _KEYS_AT_ONCE])
                    text = _KNOWN.format(day=suffix(day), marks=", ".join("?" * len(asked)))
                    for row in connection.execute(text, (tenant_id, *asked)).fetchall():
                        found[row[0], row[1]] = Known(row[2], row[3], Counted(*row[4:]))
        return found

    def insert(self, connection: Any, summaries: Sequence[Summary], addresses: Sequence[AddressRow]) -> None:
        """Insert tracks that are not known yet; their days are open."""
        for day, rows in _by_day(summaries):
            connection.executemany(_INSERT.format(day=day), rows)
        for day, people in _by_day(addresses):
            connection.executemany(_INSERT_ADDRESS.format(day=day), [(one[0], one[2], one[1], one[4]) for one in people])
            connection.executemany(_INSERT_DOMAIN.format(day=day), _domains(people))

    def add_details(self, connection: Any, rows: Sequence[DetailsRow]) -> None:
        """Insert details; a part that is there already is left as it is."""
        for day, parts in _by_day(rows):
            connection.executemany(_INSERT_DETAILS.format(day=day), parts)

    def update(self, connection: Any, fates: Sequence[Fate]) -> None:
        """Write new fates."""
        for day, rows in _by_day(fates):
            connection.executemany(_UPDATE.format(day=day), rows)

    def summary(self, connection: Any, tenant_id: int, track: bytes) -> Summary | None:
        """Give one summary."""
        day = day_of(track)
        if day not in self.days(connection):
            return None
        row = connection.execute(_SUMMARY.format(day=suffix(day)), (tenant_id, track)).fetchone()
        return Summary(*row) if row else None

    def details(self, connection: Any, tenant_id: int, track: bytes) -> list[bytes]:
        """Give the details of one track, its head first."""
        day = day_of(track)
        if not self.days(connection).get(day, False):
            return []
        return [row[0] for row in connection.execute(_DETAILS.format(day=suffix(day)), (tenant_id, track)).fetchall()]

    def drop_summaries(self, connection: Any, day: int) -> None:
        """Drop all that is kept of a day."""
        self.drop_details(connection, day)
        for table in _TABLES:
            connection.execute("DROP TABLE IF EXISTS " + table.format(day=suffix(day)))
        connection.execute("DELETE FROM message_track_day WHERE day = ?", (day,))

    def drop_details(self, connection: Any, day: int) -> None:
        """Drop the details of a day."""
        connection.execute(f"DROP TABLE IF EXISTS message_track_details_{suffix(day)}")
        connection.execute("UPDATE message_track_day SET has_details = 0 WHERE day = ?", (day,))


def _place(key: Key) -> tuple[int, int]:
    return day_of(key[1]), key[0]


def _by_day(rows: Sequence[Row]) -> Iterable[tuple[str, list[Row]]]:
    """Give the rows of each day, the day as its tables are named; nearly always there is one."""
    days: dict[int, list[Row]] = {}
    for row in rows:
        days.setdefault(day_of(row.track), []).append(row)
    return [(suffix(day), found) for day, found in days.items()]


def _domains(rows: Iterable[AddressRow]) -> list[tuple[int, str, bytes, int]]:
    roles: dict[tuple[int, str, bytes], int] = {}
    for tenant_id, track, _, domain, role in rows:
        if domain:
            place = (tenant_id, domain, track)
            roles[place] = roles.get(place, 0) | role
    return [(*place, role) for place, role in roles.items()]


def _filled(tracks: list[bytes]) -> list[bytes]:
    """Repeat the last track up to a power of two, so that few texts of the statement are prepared."""
    wanted = min(1 << (len(tracks) - 1).bit_length(), _KEYS_AT_ONCE)
    return tracks + tracks[-1:] * (wanted - len(tracks))
