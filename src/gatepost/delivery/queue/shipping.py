# SPDX-License-Identifier: Apache-2.0
"""Heads that leave by themselves: those that no settlement has taken along in time, and those that a lost holder left behind."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from gatepost.delivery.queue.statements import AFTER_ALL, TrackStatements
from gatepost.delivery.queue.telling import Teller
from gatepost.delivery.queue.tracks import Tracks, Written
from gatepost.errors import StoreError
from gatepost.storage.contract import Store
from gatepost.telemetry.events import Event, StoreTrouble

EVERY_S = 0.5
AT_ONCE = 500
"""Heads of one operation."""
LOOKED_AT_ONCE = 2000
"""Rows of one look through the store, which takes place in another thread than the commits."""


class Shipping:
    """The background of one queue; `holder` is set when the queue has entered."""

    def __init__(self, store: Store, sql: TrackStatements, teller: Teller, tracks: Tracks, clock: Callable[[], float]) -> None:
        self.holder = 0
        self._store, self._sql, self._teller, self._tracks, self._clock = store, sql, teller, tracks, clock
        self._look_again = True
        self._below: int | None = None

    async def keep(self, emit: Callable[[Event], None]) -> None:
        """Ship until cancelled; trouble is told once, until it is over."""
        in_trouble = False
        while True:
            try:
                await self.look()
                await self.ship()
                in_trouble = False
            except StoreError as error:
                if not in_trouble:
                    emit(StoreTrouble(what="shipping tracks", reason=str(error)))
                in_trouble = True
            await asyncio.sleep(EVERY_S)

    async def ship(self, everything: bool = False) -> int:
        """Let the heads leave that have waited for a settlement long enough, or all; gives the number of mails looked at."""
        overdue = self._tracks.overdue(float("inf") if everything else self._clock())
        for start in range(0, len(overdue), AT_ONCE):
            part = overdue[start : start + AT_ONCE]
            shipped: list[Written] = await self._store.perform(self._ship, part)
            self._tracks.forget(part)
            for written in shipped:
                self._tracks.note_written(written)
        return len(overdue)

    def look_again(self) -> None:
        """Look through the whole store: a holder has been lost."""
        self._look_again = True

    async def look(self) -> None:
        """Look through a part of the store for heads that have not left, the latest mails first."""
        if self._look_again:
            self._look_again, self._below = False, AFTER_ALL
        below = self._below
        if below is not None:
            rows = await self._store.ask(lambda connection: self._sql.look_through(connection, below, LOOKED_AT_ONCE))
            self._tracks.note_unshipped([mail_id for mail_id, unshipped in rows if unshipped], float("-inf"))
            self._below = rows[-1][0] if len(rows) == LOOKED_AT_ONCE else None

    def _ship(self, connection: Any, batches: Sequence[Sequence[int]]) -> list[list[Written]]:
        now = self._clock()
        return [self._teller.ship(connection, mail_ids, self.holder, now) for mail_ids in batches]
