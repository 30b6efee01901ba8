# SPDX-License-Identifier: Apache-2.0
"""Measure searches over many tracks, on both engines: p50 and p95 of each kind, and the bytes of a summary and of its details.

    bench/search [--quick] [--json] [--engine sqlite|postgresql] [--mails N]

DESCRIPTION. Fills a store with mails of 30 days (`search_mails`), opens it as the console does, and asks each kind of question
again and again, each time for other values drawn as the mails were: so most questions are for what is common, some for what is rare.
A question is timed from the call to the answer, decoded. Kinds are asked in turn, so that none finds its pages warm because it was
just asked. Whole: 10 million mails on PostgreSQL, 1 million on SQLite. Quick: 30,000 each. The store is below `.state/`, on a disk.

Exit code 1 when a p95 is above 0.5 s, a summary larger than 1.5 KB or details larger than 4 KB.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from gatepost.storage.contract import Store
from gatepost.storage.opening import open_store
from gatepost.storage.store import SqliteStore
from gatepost.testing.postgres import PostgresServer
from gatepost.tracking.service import TrackService
from measure.place import arguments, folder, tell
from measure.search_fill import SETTINGS, fill_postgres, fill_sqlite
from measure.search_kinds import KINDS, Drawing

P95_S, SUMMARY_BYTES, DETAILS_BYTES = 0.5, 1536, 4096
MAILS = {"postgresql": 10_000_000, "sqlite": 1_000_000}
_QUICK_MAILS = 30_000
_SETTINGS = {
    "shared_buffers": "1GB",
    "effective_cache_size": "8GB",
    **SETTINGS,
    "max_wal_size": "8GB",
    "checkpoint_timeout": "60min",
    "autovacuum": "off",
}
"""For the filling; what is searched is read, and `fsync` stays on."""


class Size(NamedTuple):
    """Bytes of one mail."""

    summary: float
    """With its addresses and all indexes."""
    details: float


def main() -> int:
    """Measure, print, and judge."""
    parser = arguments("Measure searches over many tracks.")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), help="only this one")
    parser.add_argument("--mails", type=int, help="so many mails instead")
    parser.add_argument("--rounds", type=int, help="ask each kind so often")
    options = parser.parse_args()
    rounds = options.rounds or (20 if options.quick else 200)
    rows: list[dict[str, Any]] = []
    for engine in (options.engine,) if options.engine else ("sqlite", "postgresql"):
        mails = options.mails or (_QUICK_MAILS if options.quick else MAILS[engine])
        rows += _measure_sqlite(mails, rounds) if engine == "sqlite" else _measure_postgres(mails, rounds)
    print(json.dumps({"rows": rows}, indent=2) if options.json else _table(rows))
    return 1 if any(row["missed"] for row in rows) else 0


def _measure_sqlite(mails: int, rounds: int) -> list[dict[str, Any]]:
    place, begin = folder("search-sqlite"), _begin()
    path = place / "intranet.sqlite"

    async def make() -> None:
        await SqliteStore(place, "intranet").close()

    asyncio.run(make())
    _filled("sqlite", mails, lambda: fill_sqlite(path, mails, begin))
    return asyncio.run(_ask("sqlite", "sqlite", place, mails, rounds, begin))


def _measure_postgres(mails: int, rounds: int) -> list[dict[str, Any]]:
    place, begin = folder("search-postgres"), _begin()
    with PostgresServer(settings=_SETTINGS) as server:
        url = server.create_database("intranet")

        async def make() -> None:
            await open_store(url, "intranet", place).close()

        asyncio.run(make())
        _filled("postgresql", mails, lambda: fill_postgres(url, mails, begin))
        server.psql("VACUUM (FREEZE, ANALYZE, PARALLEL 0)", "intranet")
        server.settings["autovacuum"] = "on"
        return asyncio.run(_ask("postgresql", url, place, mails, rounds, begin))


def _begin() -> float:
    """Give the first of the 30 days that end today."""
    return (int(time.time()) // 86_400 - 29) * 86_400.0


def _filled(engine: str, mails: int, fill: Callable[[], object]) -> None:
    tell(f"{engine}: filling {mails:,} mails")
    began = time.monotonic()
    fill()
    tell(f"{engine}: filled in {time.monotonic() - began:.0f} s")


async def _ask(engine: str, url: str, place: Path, mails: int, rounds: int, begin: float) -> list[dict[str, Any]]:
    store = open_store(url, "intranet", place)
    try:
        size = await store.ask(lambda connection: _size(connection, store, mails))
        service, drawing = TrackService(store), Drawing(begin, await _sample(store, engine))
        taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
        found: dict[str, int] = dict.fromkeys(KINDS, 0)
        for number in range(rounds):
            for kind, ask in KINDS.items():
                asked = ask(drawing)
                began = time.perf_counter()
                answer = await service.search(**asked)
                taken[kind].append(time.perf_counter() - began)
                found[kind] += len(answer.tracks)
            if number % 20 == 19:
                tell(f"{engine}: round {number + 1} of {rounds}")
    finally:
        await store.close()
    return [_row(engine, mails, kind, taken[kind], found[kind], size) for kind in KINDS]


async def _sample(store: Store, engine: str) -> list[tuple[bytes, str]]:
    """Give names and Message-IDs of mails that are there."""
    days = "message_track" if engine == "postgresql" else None

    def read(connection: Any) -> list[tuple[bytes, str]]:
        if days:
            text = "SELECT track, message_id FROM message_track TABLESAMPLE SYSTEM (0.01) LIMIT 2000"
            rows = (
                connection.execute(text).fetchall()
                or connection.execute("SELECT track, message_id FROM message_track LIMIT 2000").fetchall()
            )
            return [tuple(row) for row in rows]
        rows = []
        for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE name GLOB 'message_track_2???????'").fetchall():
            count = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            rows += connection.execute(f"SELECT track, message_id FROM {table} LIMIT 40 OFFSET {count // 2}").fetchall()
        return rows

    return await store.ask(read)


def _size(connection: Any, store: Store, mails: int) -> Size:
    if store.engine == "postgresql":
        text = """SELECT
            coalesce(sum(pg_total_relation_size(inhrelid)) FILTER (WHERE inhparent <> 'message_track_details'::regclass), 0)::float8,
            coalesce(sum(pg_total_relation_size(inhrelid)) FILTER (WHERE inhparent = 'message_track_details'::regclass), 0)::float8
            FROM pg_inherits
            WHERE inhparent IN ('message_track'::regclass, 'message_address'::regclass, 'message_track_details'::regclass)"""
        summaries, details = connection.execute(text).fetchone()
        return Size(summaries / mails, details / mails)
    # SQLite tells the size of the whole only (dbstat is missing in some builds). Details are counted: their bytes, and what a row
    # and its index entry take beside them.
    pages, free, page = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size"))
    content = 0
    for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE name GLOB 'message_track_details_2???????'").fetchall():
        content += connection.execute(f"SELECT coalesce(sum(length(content)), 0) FROM {table}").fetchone()[0]
    details = content / mails + 55
    return Size((pages - free) * page / mails - details, details)


def _row(engine: str, mails: int, kind: str, taken: list[float], found: int, size: Size) -> dict[str, Any]:
    p95 = statistics.quantiles(taken, n=20)[18] if len(taken) > 1 else taken[0]
    return {
        "engine": engine,
        "mails": mails,
        "kind": kind,
        "rounds": len(taken),
        "found": round(found / len(taken), 1),
        "p50_ms": round(statistics.median(taken) * 1000, 2),
        "p95_ms": round(p95 * 1000, 2),
        "max_ms": round(max(taken) * 1000, 2),
        "summary_bytes": round(size.summary),
        "details_bytes": round(size.details),
        "missed": p95 > P95_S or size.summary > SUMMARY_BYTES or size.details > DETAILS_BYTES,
    }


def _table(rows: list[dict[str, Any]]) -> str:
    head = f"{'engine':11} {'mails':>11} {'kind':34} {'found':>7} {'p50 ms':>8} {'p95 ms':>8} {'max ms':>8}"
    lines = [head, "-" * len(head)]
    for row in rows:
        note = "  above the limit" if row["missed"] else ""
        lines.append(
            f"{row['engine']:11} {row['mails']:>11,} {row['kind']:34} {row['found']:>7} "
            f"{row['p50_ms']:>8} {row['p95_ms']:>8} {row['max_ms']:>8}{note}"
        )
    for engine in dict.fromkeys(row["engine"] for row in rows):
        row = next(row for row in rows if row["engine"] == engine)
        lines.append(
            f"{engine}: {row['summary_bytes']} bytes a summary with addresses and indexes, {row['details_bytes']} bytes the details"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
