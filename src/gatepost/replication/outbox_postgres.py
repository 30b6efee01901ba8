# SPDX-License-Identifier: Apache-2.0
"""SQL of the outbox on PostgreSQL, where several processes write: the same functions as `outbox_sqlite`.

An artefact's number is its transaction's id times 2^20 plus its place in the transaction. A row is shown only when its
transaction's id is below the snapshot's xmin: all transactions below it have ended, so no lower number can appear
later, whoever commits when. The ids have 64 bits and rise over the life of the server: 2^43 of them fit.
"""

from collections.abc import Sequence
from typing import Any

from gatepost.replication.outbox_sqlite import Entry, Waiting

PLACES_BITS = 20
_COUNTED = 10_000
"""Above so many waiting artefacts their number is the server's estimate."""


def append(connection: Any, entries: Sequence[Entry], peer: str = "") -> list[int]:
    """Put artefacts into the outbox in this order; give their numbers. `peer` is for whom, where a store serves several."""
    if not entries:
        return []
    kinds, versions, tenants, times, payloads = (list(column) for column in zip(*entries, strict=True))
    rows = connection.execute(_APPEND, (peer, kinds, versions, tenants, times, payloads)).fetchall()
    return sorted(row[0] for row in rows)


def rewrite(connection: Any, sequence: int, payload: bytes, not_before: float) -> bool:
    """Give an artefact that was made at `not_before` (Unix time) or later another payload, unless somebody was shown it.

    Its reader's row is locked until the transaction ends, so that nobody is shown it meanwhile.
    """
    return bool(connection.execute(_REWRITE, (payload, sequence, not_before)).rowcount == 1)


def identity(connection: Any) -> str:
    """Tell the store's own identity."""
    return str(connection.execute("SELECT id FROM replication_store").fetchone()[0])


def waiting(connection: Any, peer: str, limit: int) -> list[Waiting]:
    """Give the first artefacts for a peer that nothing can come before any more."""
    return [Waiting(*row) for row in connection.execute(_WAITING, (peer, peer, limit)).fetchall()]


def mark_shown(connection: Any, peer: str, up_to: int) -> None:
    """Record that a peer is going to be shown all up to this number: from now on they stay as they are."""
    connection.execute(_MARK_SHOWN, (peer, up_to))


def shown(connection: Any, peer: str, limit: int) -> list[tuple[Any, ...]]:
    """Give what a peer may be shown: sequence, kind, version, tenant_id, created_at, payload."""
    return list(connection.execute(_SHOWN, (peer, peer, peer, limit)).fetchall())


def acknowledge(connection: Any, peer: str, up_to: int) -> int:
    """Delete what a peer has applied; gives the number of artefacts."""
    count = int(connection.execute("DELETE FROM replication_artefact WHERE peer = %s AND sequence <= %s", (peer, up_to)).rowcount)
    if count:
        connection.execute(_MARK_ACKNOWLEDGED, (peer, up_to, up_to))
    return count


def measure(connection: Any, peer: str) -> tuple[int, float]:
    """Tell how many artefacts wait (an estimate above 10,000), and when the oldest was made (Unix time; 0 when none waits)."""
    count, oldest = connection.execute(_MEASURE, (peer, _COUNTED)).fetchone()
    if count == _COUNTED:
        row = connection.execute("SELECT reltuples FROM pg_class WHERE oid = 'replication_artefact'::regclass").fetchone()
        count = max(count, int(row[0]))
    return count, oldest or 0.0


def may_be_ours(connection: Any, sequence: int) -> bool:
    """Tell whether this store can have given such a number; not so where a copy of it was put back into another server."""
    row = connection.execute(f"SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint << {PLACES_BITS}").fetchone()
    return bool(sequence < row[0])


def rename(connection: Any) -> None:
    """Give the store a new identity and its artefacts numbers of this server: whoever has seen the old ones begins anew."""
    connection.execute("UPDATE replication_store SET id = replace(gen_random_uuid()::text, '-', '')")
    connection.execute("UPDATE replication_reader SET shown_to = 0, acknowledged_to = 0")
    connection.execute(_RENUMBER)


_MINE = f"(pg_current_xact_id()::text::bigint << {PLACES_BITS})"
_SETTLED = f"(pg_snapshot_xmin(pg_current_snapshot())::text::bigint << {PLACES_BITS})"
_APPEND = f"""INSERT INTO replication_artefact (sequence, peer, kind, version, tenant_id, created_at, payload)
    SELECT mine.first + entry.place - 1, %s, entry.kind, entry.version, entry.tenant_id, entry.created_at, entry.payload
    FROM (SELECT coalesce(max(sequence) + 1, {_MINE}) AS first FROM replication_artefact
          WHERE sequence >= {_MINE} AND sequence < {_MINE} + {1 << PLACES_BITS}) AS mine,
         unnest(%b::text[], %b::int[], %b::bigint[], %b::float8[], %b::bytea[])
             WITH ORDINALITY AS entry (kind, version, tenant_id, created_at, payload, place)
    RETURNING sequence"""  # noqa: S608 - constants of this file
_REWRITE = """WITH reader AS MATERIALIZED (SELECT shown_to FROM replication_reader WHERE peer = '' FOR NO KEY UPDATE)
    UPDATE replication_artefact SET payload = %b WHERE sequence = %s AND peer = '' AND created_at >= %s
    AND sequence > (SELECT shown_to FROM reader)"""
_WAITING = f"""SELECT sequence, kind, created_at, octet_length(payload) FROM replication_artefact
    WHERE peer = %s AND sequence > coalesce((SELECT acknowledged_to FROM replication_reader WHERE peer = %s), 0)
    AND sequence < {_SETTLED} ORDER BY sequence LIMIT %s"""  # noqa: S608 - constants of this file
_SHOWN = """SELECT sequence, kind, version, tenant_id, created_at, payload FROM replication_artefact
    WHERE peer = %s AND sequence > coalesce((SELECT acknowledged_to FROM replication_reader WHERE peer = %s), 0)
    AND sequence <= coalesce((SELECT shown_to FROM replication_reader WHERE peer = %s), 0) ORDER BY sequence LIMIT %s"""
_MARK_SHOWN = """INSERT INTO replication_reader AS r (peer, shown_to, acknowledged_to) VALUES (%s, %s, 0)
    ON CONFLICT (peer) DO UPDATE SET shown_to = greatest(r.shown_to, excluded.shown_to)"""
_MARK_ACKNOWLEDGED = """INSERT INTO replication_reader AS r (peer, shown_to, acknowledged_to) VALUES (%s, %s, %s)
    ON CONFLICT (peer) DO UPDATE SET acknowledged_to = greatest(r.acknowledged_to, excluded.acknowledged_to)"""
_MEASURE = """SELECT count(*), (array_agg(created_at ORDER BY sequence))[1]
    FROM (SELECT sequence, created_at FROM replication_artefact WHERE peer = %s ORDER BY sequence LIMIT %s) AS first"""
_RENUMBER = f"""UPDATE replication_artefact a SET sequence = b.sequence FROM
    (SELECT sequence AS was, {_MINE} + row_number() OVER (ORDER BY sequence) AS sequence FROM replication_artefact) b
    WHERE a.sequence = b.was"""  # noqa: S608 - constants of this file
