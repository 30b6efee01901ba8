# SPDX-License-Identifier: Apache-2.0
"""What the tracks' store needs from time to time: partitions ahead, strays and old forms dealt with, old days dropped, tracks counted."""

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from gatepost.errors import GatepostError
from gatepost.storage.contract import Store
from gatepost.storage.transaction import transact
from gatepost.telemetry.events import TracksDropped, TracksStray
from gatepost.telemetry.log import emit, emit_unexpected
from gatepost.tracking.legacy import LegacyTracks
from gatepost.tracking.partitions import DAYS_AHEAD, first_of, suffix, today
from gatepost.tracking.store_engines import statements
from gatepost.tracking.traffic_backfill import TrafficBackfill

ROUND_S: Final = 600.0
PAUSE_S: Final = 0.05
"""Between two slices of a conversion."""
_STRAY_DAYS: Final = 31
"""Moved in one round: each is a transaction."""


class Upkeep:
    """Looks after the tracks of one open store."""

    def __init__(self, store: Store, legacy: LegacyTracks, clock: Callable[[], int] = today) -> None:
        self._store = store
        self._statements = statements(store.engine)
        self.legacy = legacy
        self.backfill = TrafficBackfill(store)
        self._today = clock
        self._stirred = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Make ready what the next days need, then go on in the background. Raises: StoreFull, StoreAway."""
        await self.look_after()
        self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """End; a slice in the middle of its transaction is committed."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def look_after(self) -> None:
        """Make the partitions of the next days, and take strays into theirs. Raises: StoreFull, StoreAway."""
        if self._store.engine == "postgresql":  # on SQLite a day's tables come with its first track
            day = self._today()
            for one in range(day - 1, day + DAYS_AHEAD + 1):
                await transact(self._store, partial(self._open, one))
        strays = sorted(await self._store.ask(self._statements.strays))[:_STRAY_DAYS]
        for one in strays:
            await transact(self._store, partial(self._open, one))
        if strays:
            emit(TracksStray(days=[suffix(one) for one in strays]))

    async def drop_before(self, day: int, *, only_details: bool = False) -> int:
        """Drop what is kept of the days before `day` (days since 1970, UTC); gives the number of days. Each is a transaction.

        Raises: StoreFull, StoreAway.
        """
        there = await self._store.ask(self._statements.days)
        strays = set(await self._store.ask(self._statements.strays))
        old = sorted(one for one in {*there, *strays} if one < day and (not only_details or there.get(one, True)))
        for one in old:
            await transact(self._store, partial(self._drop, one, only_details))
        if not only_details:
            await transact(self._store, lambda connection: self._statements.drop_waiting(connection, first_of(day)))
        if old:
            emit(TracksDropped(what="details" if only_details else "tracks", days=[suffix(one) for one in old]))
        return len(old)

    def stir(self) -> None:
        """Say that there is something to convert."""
        self._stirred.set()

    async def _keep(self) -> None:
        pause = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stirred.wait()
            self._stirred.clear()
            try:
                if await self.legacy.convert() or await self.backfill.count():
                    pause = PAUSE_S
                    continue
                await self.look_after()
            except GatepostError:  # the store's own room has told
                pass
            except Exception as defect:
                emit_unexpected("upkeep of tracks", defect)
            pause = ROUND_S

    def _open(self, day: int, connection: Any) -> None:
        self._statements.open_days(connection, (day,))

    def _drop(self, day: int, only_details: bool, connection: Any) -> None:
        if only_details:
            self._statements.drop_details(connection, day)
        else:
            self._statements.drop_summaries(connection, day)
