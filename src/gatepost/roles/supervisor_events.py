# SPDX-License-Identifier: Apache-2.0
"""The supervisor's own events on their way to a process that has a store (docs/decisions/0032-supervisor-events.md).

Promises: an event is let go when a process has said that it is durable, or when more waits than `events_gathered` bounds; a
process that ends with a batch gives it back, to be handed to the next that takes it. Nothing here waits, except `settle`.
"""

import selectors
import time
from collections.abc import Sequence
from typing import Final

from gatepost.monitoring.events_gathered import Gathered
from gatepost.monitoring.events_record import EventEntry, encode_entries
from gatepost.roles.event_line import AT_ONCE, KEPT, SupervisorEnd
from gatepost.telemetry.log import forward

PROCESS: Final = "supervisor"


class SupervisorEvents:
    """What the supervisor has told and no process has kept yet."""

    def __init__(self, machine: str) -> None:
        """Take this process's events from now on; `machine` is the name under which they stand."""
        self._gathered = Gathered(machine, PROCESS)
        self._in_hand: tuple[SupervisorEnd, list[EventEntry]] | None = None
        forward(self._gathered.add)

    def hear(self, line: SupervisorEnd) -> None:
        """Hear what a process says; one that is gone gives back what it had in hand."""
        kept = KEPT in line.hear()
        self._release(line, kept=kept)

    def hang_up(self, line: SupervisorEnd) -> None:
        """Take back what a process had in hand: it has ended."""
        line.close()
        self._release(line, kept=False)

    def hand_over(self, lines: Sequence[SupervisorEnd]) -> None:
        """Give what waits to the first of these that takes it."""
        taker = next((line for line in lines if line.takes), None)
        if taker is None or self._in_hand is not None:
            return
        if not self._gathered:
            self._gathered.tell_lost()
        batch = self._gathered.batch(AT_ONCE)
        if batch and taker.give(encode_entries(batch)):
            self._in_hand = taker, batch
        else:
            self._gathered.put_back(batch)

    def settle(self, lines: Sequence[SupervisorEnd], limit_s: float) -> None:
        """Wait until all is kept, for so long at most; not at all where nobody takes it."""
        end = time.monotonic() + limit_s
        self._gathered.tell_lost(at_once=True)
        with selectors.DefaultSelector() as selector:
            for line in lines:
                selector.register(line, selectors.EVENT_READ, line)
            while any(line.takes for line in lines) and time.monotonic() < end:
                self.hand_over(lines)
                if self._in_hand is None:
                    return
                for key, _ in selector.select(max(0.0, end - time.monotonic())):
                    self.hear(key.data)
                    if key.data.gone:
                        selector.unregister(key.data)

    def _release(self, line: SupervisorEnd, *, kept: bool) -> None:
        if self._in_hand is not None and self._in_hand[0] is line and (kept or line.gone):
            if not kept:
                self._gathered.put_back(self._in_hand[1])
            self._in_hand = None
