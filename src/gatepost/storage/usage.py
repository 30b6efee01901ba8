# SPDX-License-Identifier: Apache-2.0
"""How full a store is: its size, what it may still take, and which tables are large.

On SQLite the store fills the disk it lies on; how full that is counts as `df` does, whatever else lies there. On PostgreSQL the
database's size is known, its limit only where a quota is given. A quota, where there is one, holds beside the disk.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from gatepost.errors import StoreError
from gatepost.storage import usage_postgres, usage_sqlite
from gatepost.storage.contract import Store
from gatepost.storage.usage_record import Size, TableUsage

TABLES = 50
"""The largest are told."""
KEPT_S, TABLES_KEPT_S = 60.0, 3600.0
TABLES_SHARE = 1 / 600
"""Of the time at most, that goes into looking at tables: those of a small store are looked at each time, of a large one hourly."""
Bound = Literal["disk", "quota", "unknown"]


class Usage(msgspec.Struct, frozen=True):
    """One store, measured."""

    where: str
    engine: str
    used_bytes: int
    """What the store's data takes; space that it has freed inside its own file is not counted."""
    free_bytes: int | None
    """What it may still take; None: nobody knows."""
    percent: float | None
    """How full the disk or the quota is, the fuller of the two; None: nobody knows."""
    bound: Bound
    """What `percent` speaks of."""
    tables: tuple[TableUsage, ...]
    """The largest first; days of one table are told as one."""
    measured_at: float
    trouble: str = ""
    """Why it could not be measured; then the figures are 0."""


async def measure(store: Store, *, quota_bytes: int = 0, tables: Sequence[TableUsage] | None = None) -> Usage:
    """Measure a store; `quota_bytes` 0 is no quota, `tables` are those of an earlier measure. Raises: StoreAway."""
    size: Size
    if store.engine == "postgresql":
        size = await store.ask(usage_postgres.read_size)
    else:
        size = await store.ask(lambda connection: usage_sqlite.read_size(connection, store.where))
    if tables is None:
        tables = await _tables(store, size.used_bytes)
    percent: float | None = None
    free: int | None = None
    bound: Bound = "unknown"
    if size.disk_free_bytes is not None:
        taken = size.disk_used_bytes
        percent, free, bound = _percent(taken, taken + size.disk_free_bytes), size.disk_free_bytes + size.reusable_bytes, "disk"
    if quota_bytes > 0:
        of_quota, left = _percent(size.used_bytes, quota_bytes), max(0, quota_bytes - size.used_bytes)
        if percent is None or of_quota >= percent:
            percent, bound = of_quota, "quota"
        free = left if free is None else min(free, left)
    return Usage(store.where, store.engine, size.used_bytes, free, percent, bound, tuple(tables), time.time())


async def _tables(store: Store, used_bytes: int) -> list[TableUsage]:
    """Give the largest tables."""
    found = await (usage_postgres.read_tables(store) if store.engine == "postgresql" else usage_sqlite.read_tables(store, used_bytes))
    return sorted(found, key=lambda one: (-one.bytes, one.name))[:TABLES]


def unmeasured(store: Store, trouble: str) -> Usage:
    """Give what is said of a store that does not answer."""
    return Usage(store.where, store.engine, 0, None, None, "unknown", (), time.time(), trouble)


class Measured:
    """A store's usage, measured anew at most once a minute, its tables more seldom the longer it takes: many pages ask."""

    def __init__(self, store: Store, *, quota_bytes: int = 0, kept_s: float = KEPT_S) -> None:
        self._store = store
        self._quota_bytes = quota_bytes
        self._kept_s = kept_s
        self._last: Usage | None = None
        self._tables_until = float("-inf")
        self._turn = asyncio.Lock()

    async def usage(self) -> Usage:
        """Give the usage; a store that does not answer is told as such and asked again the next time."""
        async with self._turn:
            last = self._last
            if last is not None and abs(time.time() - last.measured_at) < self._kept_s:
                return last
            try:
                tables = last.tables if last is not None and time.monotonic() < self._tables_until else None
                started = time.monotonic()
                self._last = await measure(self._store, quota_bytes=self._quota_bytes, tables=tables)
            except StoreError as error:
                self._last = None
                return unmeasured(self._store, str(error))
            if tables is None:
                ended = time.monotonic()
                self._tables_until = ended + min((ended - started) / TABLES_SHARE, TABLES_KEPT_S)
            return self._last


def _percent(used: int, whole: int) -> float:
    return 100.0 * used / whole if whole > 0 else 0.0


def told(usage: Usage) -> dict[str, Any]:
    """Give plain values for JSON."""
    answer: dict[str, Any] = msgspec.to_builtins(usage)
    return answer
