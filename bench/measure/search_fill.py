# SPDX-License-Identifier: Apache-2.0
"""Fill a tracks' store with millions of mails, quicker than links would: the way back from a table to its indexes.

On PostgreSQL a day is two tasks in turn, while the rows of the next are made in another process: COPY in binary into new tables of
the day in the transaction that makes them (wal_level minimal: no WAL), then its indexes, then it is attached as a partition. On
SQLite it is the store's own insertion, without fsync.
"""

import multiprocessing
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from gatepost.config.bootstrap import Bootstrap
from gatepost.storage.opening import find_target
from gatepost.storage.sqlite import connect
from gatepost.tracking.partitions import day_of, first_of, suffix
from gatepost.tracking.store_postgres import ADDRESS_TYPES, DETAILS_TYPES, PARENTS, SUMMARY_TYPES
from gatepost.tracking.store_sqlite import SqliteTracks
from measure.place import tell
from measure.search_mails import DAYS, Mails, Rows

SETTINGS = {"wal_level": "minimal", "max_wal_senders": "0"}
"""What a PostgreSQL needs so that filling it writes no log."""
_HEAD, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_PIECE = 2000
Day = list[tuple[bytes, bytes, bytes]]


def fill(bootstrap: Bootstrap, mails: int) -> None:
    """Fill an intranet's store that a console has made and nobody has open now, with the 30 days before those that it made itself."""
    begin = (int(time.time()) // 86_400 - DAYS - 1) * 86_400.0
    target = find_target(bootstrap.stores.intranet, "stores.intranet")
    if target is None:
        fill_sqlite(Path(bootstrap.data) / "intranet.sqlite", mails, begin)
    else:
        fill_postgres(bootstrap.stores.intranet, mails, begin)


def fill_sqlite(path: Path, mails: int, begin: float) -> Mails:
    """Fill the store's file, which nobody has open."""
    made, tracks = Mails(), SqliteTracks()
    connection = connect(path, owned=True)
    connection.execute("PRAGMA synchronous = OFF")
    for rows in made.batches(mails, begin):
        connection.execute("BEGIN IMMEDIATE")
        tracks.open_at_need(connection, {day_of(one.summary.track) for one in rows})
        tracks.insert(connection, [one.summary for one in rows], [person for one in rows for person in one.addresses])
        tracks.add_details(connection, [one.details for one in rows])
        connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return made


def fill_postgres(url: str, mails: int, begin: float) -> None:
    """Fill the store's database; its schema is there, and no partition of these days."""
    first = int(begin) // 86_400
    with multiprocessing.get_context("fork").Pool(1) as pool, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '512MB'; SET max_parallel_maintenance_workers = 1; SET synchronous_commit = off")
        days = pool.imap(_encoded_day, [(mails // DAYS, first + number) for number in range(DAYS)])
        for number, pieces in enumerate(days):
            began = time.monotonic()
            _load_day(connection, first + number, pieces)
            if number % 5 == 4:
                tell(f"  day {number + 1} of {DAYS}; the last one took {time.monotonic() - began:.1f} s to load")


def _load_day(connection: psycopg.Connection[Any], day: int, pieces: Day) -> None:
    with connection.transaction():
        for place, parent in enumerate(PARENTS):
            name = f"{parent}_{suffix(day)}"
            connection.execute(f"CREATE TABLE {name} (LIKE {parent} INCLUDING DEFAULTS INCLUDING STORAGE)")
            with connection.cursor().copy(f"COPY {name} FROM STDIN (FORMAT BINARY, FREEZE)") as copy:
                copy.write(_HEAD)
                for piece in pieces:
                    copy.write(piece[place])
                copy.write(_END)
    for parent in PARENTS:
        low, high = first_of(day).hex(), first_of(day + 1).hex()
        name = f"{parent}_{suffix(day)}"
        # The attachment makes the indexes.
        connection.execute(f"ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES FROM ('\\x{low}') TO ('\\x{high}')")
        connection.execute(f"ANALYZE {name}")
    connection.execute("INSERT INTO message_track_day (day, has_details) VALUES (%s, 1)", (day,))


def _encoded_day(order: tuple[int, int]) -> Day:
    """Give the rows of one day's mails as COPY takes them, in pieces, for each table."""
    mails, day = order
    made = Mails(day)
    step = 86_400_000 / max(mails, 1)
    pieces = []
    for first in range(0, mails, _PIECE):
        rows = [made.rows(day * 86_400_000 + int(number * step), number) for number in range(first, min(first + _PIECE, mails))]
        pieces.append(
            (
                _encoded(_summaries(rows), SUMMARY_TYPES),
                _encoded(_addresses(rows), ADDRESS_TYPES),
                _encoded(_all_details(rows), DETAILS_TYPES),
            )
        )
    return pieces


def _summaries(rows: list[Rows]) -> Iterator[tuple[Any, ...]]:
    return (one.summary for one in rows)


def _addresses(rows: list[Rows]) -> Iterator[tuple[Any, ...]]:
    return (person for one in rows for person in one.addresses)


def _all_details(rows: list[Rows]) -> Iterator[tuple[Any, ...]]:
    return (one.details for one in rows)


_FIXED = {"int8": struct.Struct("!iq"), "int4": struct.Struct("!ii"), "int2": struct.Struct("!ih"), "float8": struct.Struct("!id")}


def _encoded(rows: Iterator[tuple[Any, ...]], types: tuple[str, ...]) -> bytes:
    """Encode rows in COPY's binary format (PostgreSQL manual, COPY)."""
    count = struct.pack("!h", len(types))
    length = struct.Struct("!i").pack
    kinds = [(_FIXED[kind].pack, _FIXED[kind].size - 4) if kind in _FIXED else (None, kind == "text") for kind in types]
    parts: list[bytes] = []
    add = parts.append
    for row in rows:
        add(count)
        for (pack, size), value in zip(kinds, row, strict=True):
            if pack is not None:
                add(pack(size, value))
            else:
                content = value.encode() if size else value
                add(length(len(content)))
                add(content)
    return b"".join(parts)
