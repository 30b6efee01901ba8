# SPDX-License-Identifier: Apache-2.0
"""The heads of one tenant's tracks as they were decided, newest first, page by page.

Read from the details, so days whose details were dropped have none. A page is a question of its own that holds up no other for
long; what comes meanwhile moves nothing, because pages are told apart by the last track's key.
"""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec

from gatepost.replication.sql import spoken
from gatepost.storage.contract import Store
from gatepost.tracking.apply import HEAD_PART
from gatepost.tracking.codec import decode_change
from gatepost.tracking.partitions import first_key, first_of, suffix
from gatepost.tracking.record import TrackHead
from gatepost.tracking.store_details import unpack
from gatepost.tracking.store_engines import statements

Packed = tuple[bytes, bytes]
"""A track's key, and its head as the store keeps it."""
_THESE = "FROM message_track_details{day} WHERE tenant_id = ? AND track >= ? AND track < ? AND part = ?"
_PAGE = f"SELECT track, content {_THESE} ORDER BY track DESC LIMIT ?"
_FEW = f"SELECT 1 {_THESE} LIMIT ?"
_COUNT = "SELECT count(*) FROM (" + _FEW + ") AS few"  # noqa: S608


class RecentHeads:
    """Reads the heads of one open store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._statements = statements(store.engine)

    async def pages(self, tenant_id: int, after: float, before: float, size: int) -> AsyncIterator[Sequence[Packed]]:
        """Give the heads of a period (Unix time), newest first, so many at once. Raises: StoreAway."""
        for day in await self._days(after, before):
            low, high = max(first_of(day), first_key(after)), min(first_of(day + 1), first_key(before))
            while rows := await self._store.ask(partial(self._page, _Part(day, tenant_id, low, high), size)):
                yield rows
                if len(rows) < size:
                    break
                high = rows[-1][0]

    async def count(self, tenant_id: int, after: float, before: bytes, most: int) -> int:
        """Count the heads from a time on and below a key, up to `most`. Raises: StoreAway."""
        found = 0
        for day in await self._days(after, float("9e11")):
            low, high = max(first_of(day), first_key(after)), min(first_of(day + 1), before)
            if low < high and found < most:
                found += await self._store.ask(partial(self._count, _Part(day, tenant_id, low, high), most - found))
        return found

    async def _days(self, after: float, before: float) -> list[int]:
        """Give the days of a period that have details, newest first."""
        low, high = first_key(after), first_key(before)
        days = await self._store.ask(self._with_details)
        return sorted((day for day in days if first_of(day) < high and first_of(day + 1) > low), reverse=True)

    def _with_details(self, connection: Any) -> set[int]:
        kept = {day for day, has_details in self._statements.days(connection).items() if has_details}
        return kept | set(self._statements.strays(connection))

    def _page(self, part: "_Part", size: int, connection: Any) -> list[Packed]:
        return [(bytes(key), bytes(content)) for key, content in self._rows(connection, _PAGE, part, size)]

    def _count(self, part: "_Part", most: int, connection: Any) -> int:
        return int(self._rows(connection, _COUNT, part, most)[0][0])

    def _rows(self, connection: Any, text: str, part: "_Part", most: int) -> list[Any]:
        engine = self._store.engine
        named = spoken(text.replace("{day}", f"_{suffix(part.day)}" if engine == "sqlite" else ""), engine)
        options = {"prepare": False} if engine == "postgresql" else {}  # planned for these keys: other days are left out at once
        values = (part.tenant_id, part.low, part.high, HEAD_PART, most)
        rows: list[Any] = connection.execute(named, values, **options).fetchall()
        return rows


class _Part(NamedTuple):
    """The keys of one day that are asked for."""

    day: int
    tenant_id: int
    low: bytes
    high: bytes


def read_head(packed: bytes) -> TrackHead | None:
    """Give a head; None when what is kept is damaged, or is none."""
    try:
        return decode_change(unpack(packed)).head
    except (ValueError, msgspec.MsgspecError):
        return None
