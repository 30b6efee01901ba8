# SPDX-License-Identifier: Apache-2.0
"""The events of one process on their way into the event log: gathered for a second, bounded, shipped; nobody waits for it.

Promises: of one name 10 a minute, of all together 100. While the way is blocked the newest 1,000 are kept. What was left out is
counted, and told by one event once a shipment worked. Nothing here tells an event because a store is away, so shipping never
feeds itself. What a killed process had gathered stands in its own log only.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from gatepost.errors import StoreError
from gatepost.monitoring.events_record import EventEntry, entry_of
from gatepost.telemetry.events import Event, EventsLost
from gatepost.telemetry.log import emit, emit_unexpected, forward

FLUSH_S = 1.0
MINUTE_S: Final = 60.0
OF_ONE_NAME: Final = 10
"""Events of one name within a minute."""
OF_ALL: Final = 100
"""Events of a process within a minute."""
MOST_WAITING: Final = 1000
AT_ONCE: Final = 200
"""Events of one shipment."""

Ship = Callable[[Sequence[EventEntry]], Awaitable[object]]
"""Makes entries durable, or hands them on. Raises: StoreError when it cannot now."""


class EventBuffer:
    """The events of one process; `add` may be called from any thread, everything else from the event loop."""

    def __init__(self, ship: Ship, gateway: str, process: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._ship = ship
        self._gateway, self._process = gateway, process
        self._clock = clock
        self._waiting: deque[EventEntry] = deque()
        self._lost = 0
        self._lost_since = 0.0
        self._minute_ends = 0.0
        self._told: dict[str, int] = {}
        self._told_in_all = 0
        self._defect_told_at = float("-inf")
        self._ending = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Take this process's events from now on, and the few from before. They wait until `start`."""
        forward(self.add)

    def start(self) -> None:
        """Begin to ship, once a second."""
        self.open()
        self._task = asyncio.get_running_loop().create_task(self._ship_each_second())

    def add(self, at: float, event: Event) -> None:
        """Take an event; returns at once."""
        now = self._clock()
        if now >= self._minute_ends:
            self._minute_ends, self._told, self._told_in_all = now + MINUTE_S, {}, 0
        told = self._told.get(event.name, 0)
        # That some were left out is told whatever came before it: it is rare by itself.
        if (told >= OF_ONE_NAME or self._told_in_all >= OF_ALL) and not isinstance(event, EventsLost):
            self._lose(1)
            return
        self._told[event.name] = told + 1
        self._told_in_all += 1
        self._waiting.append(entry_of(at, event, self._gateway, self._process))
        self._make_room()

    def take(self, entries: Sequence[EventEntry]) -> None:
        """Take what another process of this machine has gathered; that process has kept the bounds of a minute."""
        self._waiting.extend(entries)
        self._make_room()

    async def flush(self) -> None:
        """Ship what has been gathered; what cannot be shipped now is kept for the next time."""
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), AT_ONCE))]
            try:
                await self._ship(batch)
            except StoreError:  # its room has told
                self._waiting.extendleft(reversed(batch))
                self._make_room()
                return
            except Exception as defect:
                # Kept, it would come again for ever.
                self._lose(len(batch))
                self._tell_defect(defect)
                return
        if self._lost and self._clock() - self._lost_since >= MINUTE_S:
            self._tell_lost()

    async def close(self) -> None:
        """Ship what there is, and take no more."""
        if self._task is not None:
            self._ending.set()  # Not cancelled: a store commits what it was given, and shipped again it would stand there twice.
            await self._task
        if self._lost:
            self._tell_lost()
        forward(None)
        await self.flush()

    async def _ship_each_second(self) -> None:
        while not self._ending.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_S):
                    await self._ending.wait()
            await self.flush()

    def _lose(self, events: int) -> None:
        if not self._lost:
            self._lost_since = self._clock()
        self._lost += events

    def _tell_lost(self) -> None:
        lost, self._lost = self._lost, 0
        emit(EventsLost(events=lost))

    def _tell_defect(self, defect: Exception) -> None:
        now = self._clock()
        if now - self._defect_told_at >= MINUTE_S:
            self._defect_told_at = now
            emit_unexpected("shipping events", defect)

    def _make_room(self) -> None:
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self._lose(1)
