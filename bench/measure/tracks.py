# SPDX-License-Identifier: Apache-2.0
"""Read the intranet's store as SQL tells it, past the console: what is looked at here was written by what is measured.

SQLite has tables for each day, PostgreSQL partitions; a read sees one moment of either.
"""

import base64
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from gatepost.config.bootstrap import Bootstrap
from gatepost.config.secret_marks import reference_fault
from gatepost.config.secrets import resolve
from gatepost.storage.sqlite import engine as sqlite
from gatepost.tracking.codec import decode_change
from gatepost.tracking.record import Attempt
from gatepost.tracking.store_details import unpack

_is_summary = re.compile(r"message_track_\d{8}").fullmatch
_Row = tuple[Any, ...]


class Track(NamedTuple):
    """One track, as far as the books need it."""

    track: str
    status: int
    attempts: tuple[Attempt, ...]


class Reader:
    """A reader of one intranet's store; each question has a connection of its own."""

    def __init__(self, bootstrap: Bootstrap) -> None:
        self._file = Path(bootstrap.data) / "intranet.sqlite"
        url = bootstrap.stores.intranet
        self._url = url if reference_fault(url) else resolve(url, "stores.intranet")

    def count(self, since: float = 0.0) -> int:
        """Count all tracks, or those of mails that came since a moment (Unix time), for which older days are not looked at."""
        low = int(since * 1000).to_bytes(6, "big")
        if self._url != "sqlite":
            return int(self._ask_postgres(f"SELECT count(*) FROM message_track WHERE track >= '\\x{low.hex()}'::bytea")[0][0])
        if not self._file.exists():
            return 0
        with closing(self._open_sqlite()) as connection:
            connection.execute("BEGIN")
            names = [name for name, _ in _tables(connection) if name[-8:] >= time.strftime("%Y%m%d", time.gmtime(since))]
            return sum(connection.execute(f"SELECT count(*) FROM {name} WHERE track >= ?", (low,)).fetchone()[0] for name in names)

    def tracks(self) -> Iterator[Track]:
        """Give all tracks, in the order of their keys."""
        for key, rows in groupby(self._rows(), lambda row: row[:2]):
            found = list(rows)
            outcomes = [one for row in found if row[3] for one in decode_change(unpack(bytes(row[3]))).outcomes]
            yield Track(_named(bytes(key[1])), found[0][2], tuple(attempt for one in outcomes for attempt in one.attempts))

    def _rows(self) -> Iterator[_Row]:
        """Give tenant, key, status and one piece of the details: a row for each piece."""
        if self._url != "sqlite":
            yield from self._ask_postgres(_rows_of("message_track", "message_track_details"))
            return
        with closing(self._open_sqlite()) as connection:
            connection.execute("BEGIN")
            for summaries, details in _tables(connection):
                yield from connection.execute(_rows_of(summaries, details))

    def _open_sqlite(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = sqlite.connect(f"file:{self._file}?mode=ro", uri=True, isolation_level=None)
        return connection

    def _ask_postgres(self, text: str) -> list[_Row]:
        import psycopg

        with psycopg.connect(self._url) as connection:
            return connection.execute(text.encode()).fetchall()


def _named(key: bytes) -> str:
    """Give a track's name: its key in base32hex (RFC 4648 §7)."""
    return base64.b32hexencode(key).decode("ascii")


def _tables(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Give the tables of each day: the summaries and the details."""
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return [(name, name.replace("message_track", "message_track_details")) for name in names if _is_summary(name)]


def _rows_of(summaries: str, details: str) -> str:
    return (
        f"SELECT s.tenant_id, s.track, s.status, d.content FROM {summaries} s LEFT JOIN {details} d"
        " ON d.tenant_id = s.tenant_id AND d.track = s.track ORDER BY s.tenant_id, s.track, d.part"
    )
