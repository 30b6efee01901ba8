# SPDX-License-Identifier: Apache-2.0
"""SQL of the outbox on SQLite; each function is called with the connection of the transaction that the change is in.

AUTOINCREMENT keeps a number from being given twice after its row was deleted. One connection writes, so numbers rise
in the order of commits, and what one statement inserts gets numbers in a row.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

ROWS_AT_ONCE = 32

Entry = tuple[str, int, int, float, bytes]
"""kind, version, tenant_id, created_at, payload."""


class Waiting(NamedTuple):
    """What decides whether an artefact is shown: a row without its payload."""

    sequence: int
    kind: str
    created_at: float
    size: int


def append(connection: Any, entries: Sequence[Entry], peer: str = "") -> list[int]:
    """Put artefacts into the outbox in this order; give their numbers. `peer` is for whom, where a store serves several."""
    count, offset, last = len(entries), 0, 0
    while offset < count:
        # Powers of two keep the number of distinct statements small, so that all stay prepared.
        size = min(ROWS_AT_ONCE, 1 << ((count - offset).bit_length() - 1))
        rows = tuple(chain.from_iterable((peer, *entry) for entry in entries[offset : offset + size]))
        last = connection.execute(_insert_text(size), rows).lastrowid
        offset += size
    return list(range(last - count + 1, last + 1))


def rewrite(connection: Any, sequence: int, payload: bytes, not_before: float) -> bool:
    """Give an artefact that was made at `not_before` (Unix time) or later another payload, unless somebody was shown it."""
    return bool(connection.execute(_REWRITE, (payload, sequence, not_before)).rowcount == 1)


def identity(connection: Any) -> str:
    """Tell the store's own identity."""
    return str(connection.execute("SELECT id FROM replication_store").fetchone()[0])


def waiting(connection: Any, peer: str, limit: int) -> list[Waiting]:
    """Give the first artefacts for a peer."""
    return [Waiting(*row) for row in connection.execute(_WAITING, (peer, peer, limit)).fetchall()]


def mark_shown(connection: Any, peer: str, up_to: int) -> None:
    """Record that a peer is going to be shown all up to this number: from now on they stay as they are."""
    connection.execute(_MARK_SHOWN, (peer, up_to))


def shown(connection: Any, peer: str, limit: int) -> list[tuple[Any, ...]]:
    """Give what a peer may be shown: sequence, kind, version, tenant_id, created_at, payload."""
    return list(connection.execute(_SHOWN, (peer, peer, peer, limit)).fetchall())


def acknowledge(connection: Any, peer: str, up_to: int) -> int:
    """Delete what a peer has applied; gives the number of artefacts."""
    count = int(connection.execute("DELETE FROM replication_artefact WHERE peer = ? AND sequence <= ?", (peer, up_to)).rowcount)
    if count:
        connection.execute(_MARK_ACKNOWLEDGED, (peer, up_to, up_to))
    return count


def measure(connection: Any, peer: str) -> tuple[int, float]:
    """Tell how many artefacts wait, and when the oldest was made (Unix time; 0 when none waits)."""
    # One statement each: between two, what waits may be acknowledged. The only reader's rows stand in a row: their number needs no
    # look at each.
    row = connection.execute(_MEASURE_PEER, (peer, peer)).fetchone() if peer else connection.execute(_MEASURE).fetchone()
    return row[0] or 0, row[1] or 0.0


def may_be_ours(connection: Any, sequence: int) -> bool:
    """Tell whether this store can have given such a number; not so where an older copy of it was put back."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'replication_artefact'").fetchone()
    return sequence <= (row[0] if row else 0)


def rename(connection: Any) -> None:
    """Give the store a new identity: whoever has seen numbers of the old one begins anew."""
    connection.execute("UPDATE replication_store SET id = lower(hex(randomblob(16)))")
    connection.execute("UPDATE replication_reader SET shown_to = 0, acknowledged_to = 0")


_REWRITE = """UPDATE replication_artefact SET payload = ? WHERE sequence = ? AND created_at >= ?
    AND sequence > coalesce((SELECT shown_to FROM replication_reader r WHERE r.peer = replication_artefact.peer), 0)"""
_WAITING = """SELECT sequence, kind, created_at, length(payload) FROM replication_artefact
    WHERE peer = ? AND sequence > coalesce((SELECT acknowledged_to FROM replication_reader WHERE peer = ?), 0) ORDER BY sequence LIMIT ?"""
_SHOWN = """SELECT sequence, kind, version, tenant_id, created_at, payload FROM replication_artefact
    WHERE peer = ? AND sequence > coalesce((SELECT acknowledged_to FROM replication_reader WHERE peer = ?), 0)
    AND sequence <= coalesce((SELECT shown_to FROM replication_reader WHERE peer = ?), 0) ORDER BY sequence LIMIT ?"""
_MARK_SHOWN = """INSERT INTO replication_reader (peer, shown_to, acknowledged_to) VALUES (?, ?, 0)
    ON CONFLICT (peer) DO UPDATE SET shown_to = max(shown_to, excluded.shown_to)"""
_MARK_ACKNOWLEDGED = """INSERT INTO replication_reader (peer, shown_to, acknowledged_to) VALUES (?, ?, ?)
    ON CONFLICT (peer) DO UPDATE SET acknowledged_to = max(acknowledged_to, excluded.acknowledged_to)"""
_MEASURE = """SELECT 1 + (SELECT max(sequence) FROM replication_artefact) - (SELECT min(sequence) FROM replication_artefact),
    (SELECT created_at FROM replication_artefact ORDER BY sequence LIMIT 1)"""
_MEASURE_PEER = """SELECT count(*), (SELECT created_at FROM replication_artefact WHERE peer = ? ORDER BY sequence LIMIT 1)
    FROM replication_artefact WHERE peer = ?"""


@lru_cache(maxsize=8)
def _insert_text(rows: int) -> str:
    columns = "peer, kind, version, tenant_id, created_at, payload"
    return f"INSERT INTO replication_artefact ({columns}) VALUES {','.join(['(?,?,?,?,?,?)'] * rows)}"  # noqa: S608 - constants of this file
