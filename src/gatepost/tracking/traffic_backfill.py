# SPDX-License-Identifier: Apache-2.0
"""Count tracks that are older than the counters: slice by slice, the newest day first, while new tracks come.

A slice and the move of its day's mark are one transaction. The applier leaves out what lies beyond a mark, so each track is
counted once, by one of the two.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from gatepost.storage.contract import Store
from gatepost.tracking.codec import decode_change
from gatepost.tracking.store_details import unpack
from gatepost.tracking.store_engines import statements
from gatepost.tracking.traffic_count import NOBODY, REFUSED, Counts, blamed
from gatepost.tracking.traffic_store import OldTrack, TrafficStatements

SLICE: Final = 1000
"""Tracks of one transaction; 10 to 35 ms with its COMMIT, the more were refused."""


class TrafficBackfill:
    """The tracks of one open store that are not counted yet."""

    def __init__(self, store: Store, slice_size: int = SLICE) -> None:
        self._store = store
        self._slice_size = slice_size
        self._tracks = statements(store.engine)
        self._sql = TrafficStatements(store.engine)
        self._is_done = False

    async def count(self) -> bool:
        """Count one slice; tells whether there was one. Raises: StoreFull, StoreAway."""
        if not self._is_done:  # days are marked by a migration only
            self._is_done = not await self.days_left()
        return not self._is_done and bool(await self._store.perform(self._count, self._slice_size))

    async def days_left(self) -> int:
        """Tell how many days are not counted to their end. Raises: StoreAway."""
        return len(await self._store.ask(self._sql.marks))

    def _count(self, connection: Any, limits: Sequence[int]) -> list[bool]:
        return [self._count_slice(connection, limit) for limit in limits]

    def _count_slice(self, connection: Any, limit: int) -> bool:
        marks = self._sql.marks(connection)
        if not marks:
            return False
        mark, days = marks[0], self._tracks.days(connection)
        # On PostgreSQL strays have no day of their own, and may have details.
        is_there = mark.day in days or self._store.engine == "postgresql"
        rows = self._sql.beyond(connection, mark, limit, details=days.get(mark.day, True)) if is_there else []
        self._sql.add(connection, _counts(rows))
        if len(rows) < limit:
            self._sql.unmark(connection, mark.day)
        else:
            self._sql.move(connection, mark._replace(tenant_id=rows[-1].tenant_id, track=rows[-1].track))
        return True


def _counts(rows: Sequence[OldTrack]) -> Counts:
    counts = Counts()
    for row in rows:
        counts.add(row.tenant_id, row, row.status)
        if row.status in REFUSED:
            counts.blame(row.tenant_id, row, _blamed(row.details))
    return counts


def _blamed(details: bytes | None) -> list[str]:
    """Name the filters that spoke against a mail; what is damaged or gone blames nobody."""
    try:
        head = decode_change(unpack(details)).head if details else None
    except (ValueError, msgspec.MsgspecError):
        head = None
    return blamed(head.filters) if head is not None else [NOBODY]
