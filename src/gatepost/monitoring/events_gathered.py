# SPDX-License-Identifier: Apache-2.0
"""What a process has told and not handed on yet: bounded by the minute and in all, its oldest given up first, what was lost counted.

Without a clock of its own and without I/O, so that it serves a process with an event loop and the supervisor, which has none.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from gatepost.monitoring.events_record import EventEntry, entry_of
from gatepost.telemetry.events import Event, EventsLost
from gatepost.telemetry.log import emit

MINUTE_S: Final = 60.0
OF_ONE_NAME: Final = 10
"""Events of one name within a minute."""
OF_ALL: Final = 100
"""Events of a process within a minute."""
MOST_WAITING: Final = 1000


class Gathered:
    """Events that wait; `add` may be called from any thread, everything else from one."""

    def __init__(self, gateway: str, process: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._gateway, self._process = gateway, process
        self._clock = clock
        self._waiting: deque[EventEntry] = deque()
        self._lost = 0
        self._lost_since = 0.0
        self._minute_ends = 0.0
        self._told: dict[str, int] = {}
        self._told_in_all = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, at: float, event: Event) -> None:
        """Take an event of this process; returns at once."""
        now = self._clock()
        if now >= self._minute_ends:
            self._minute_ends, self._told, self._told_in_all = now + MINUTE_S, {}, 0
        told = self._told.get(event.name, 0)
        # That some were left out is told whatever came before it: it is rare by itself.
        if (told >= OF_ONE_NAME or self._told_in_all >= OF_ALL) and not isinstance(event, EventsLost):
            self.lose(1)
            return
        self._told[event.name] = told + 1
        self._told_in_all += 1
        self._waiting.append(entry_of(at, event, self._gateway, self._process))
        self._make_room()

    def take(self, entries: Sequence[EventEntry]) -> None:
        """Take what another process has gathered; that process has kept the bounds of a minute."""
        self._waiting.extend(entries)
        self._make_room()

    def batch(self, most: int) -> list[EventEntry]:
        """Take out the oldest."""
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), most))]

    def put_back(self, batch: Sequence[EventEntry]) -> None:
        """Put what was taken out into its place again."""
        self._waiting.extendleft(reversed(batch))
        self._make_room()

    def lose(self, events: int) -> None:
        """Count events that were given up."""
        if not self._lost:
            self._lost_since = self._clock()
        self._lost += events

    def tell_lost(self, *, at_once: bool = False) -> None:
        """Tell how many were given up, a minute after the first of them, or at once. To be called when the way is free."""
        if self._lost and (at_once or self._clock() - self._lost_since >= MINUTE_S):
            lost, self._lost = self._lost, 0
            emit(EventsLost(events=lost))

    def _make_room(self) -> None:
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self.lose(1)
