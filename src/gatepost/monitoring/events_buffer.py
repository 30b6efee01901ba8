# SPDX-License-Identifier: Apache-2.0
"""The events of one process on their way into the event log: gathered for a second, bounded, shipped; nobody waits for it.

Promises: of one name 10 a minute, of all together 100. While the way is blocked the newest 1,000 are kept. What was left out is
counted, and told by one event once a shipment worked. Nothing here tells an event because a store is away, so shipping never
feeds itself. What a killed process had gathered stands in its own log only.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from gatepost.errors import StoreError
from gatepost.monitoring.events_gathered import MINUTE_S, Gathered
from gatepost.monitoring.events_record import EventEntry
from gatepost.telemetry.events import Event
from gatepost.telemetry.log import emit_unexpected, forward

FLUSH_S = 1.0
AT_ONCE: Final = 200
"""Events of one shipment."""

Ship = Callable[[Sequence[EventEntry]], Awaitable[object]]
"""Makes entries durable, or hands them on. Raises: StoreError when it cannot now."""

_of_process: "EventBuffer | None" = None
"""One process, one log, one buffer."""


def of_process() -> "EventBuffer | None":
    """Give the buffer that takes this process's events now."""
    return _of_process


class EventBuffer:
    """The events of one process; `add` may be called from any thread, everything else from the event loop."""

    def __init__(self, ship: Ship, gateway: str, process: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._ship = ship
        self._clock = clock
        self._gathered = Gathered(gateway, process, clock)
        self._defect_told_at = float("-inf")
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Take this process's events from now on, and the few from before. They wait until `start`."""
        global _of_process  # noqa: PLW0603 -- one process, one log
        _of_process = self
        forward(self.add)

    def start(self) -> None:
        """Begin to ship, once a second."""
        self.open()
        self._task = asyncio.get_running_loop().create_task(self._ship_each_second())

    def add(self, at: float, event: Event) -> None:
        """Take an event; returns at once."""
        self._gathered.add(at, event)

    def take(self, entries: Sequence[EventEntry]) -> None:
        """Take what another process of this machine has gathered; that process has kept the bounds of a minute."""
        self._gathered.take(entries)

    async def ship(self, entries: Sequence[EventEntry]) -> None:
        """Ship what somebody else keeps until it is shipped. Raises: StoreError, and he still has it."""
        await self._ship(entries)

    async def flush(self) -> None:
        """Ship what has been gathered; what cannot be shipped now is kept for the next time."""
        while batch := self._gathered.batch(AT_ONCE):
            try:
                await self._ship(batch)
            except StoreError:  # its room has told
                self._gathered.put_back(batch)
                return
            except Exception as defect:
                # Kept, it would come again for ever.
                self._gathered.lose(len(batch))
                self._tell_defect(defect)
                return
        self._gathered.tell_lost()

    async def close(self) -> None:
        """Ship what there is, and take no more."""
        global _of_process  # noqa: PLW0603 -- one process, one log
        if self._task is not None:
            self._ending.set()  # Not cancelled: a store commits what it was given, and shipped again it would stand there twice.
            await self._task
        self._gathered.tell_lost(at_once=True)
        forward(None)
        if _of_process is self:
            _of_process = None
        await self.flush()

    async def _ship_each_second(self) -> None:
        while not self._ending.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_S):
                    await self._ending.wait()
            await self.flush()

    def _tell_defect(self, defect: Exception) -> None:
        now = self._clock()
        if now - self._defect_told_at >= MINUTE_S:
            self._defect_told_at = now
            emit_unexpected("shipping events", defect)
