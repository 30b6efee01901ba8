# SPDX-License-Identifier: Apache-2.0
"""Fetch due mail from the queue: when it falls due, when told, and only while there is room for it.

The queue is asked when the time of its next due recipient has come, and when `wake` is set; a long sleep
ends by itself, so a wake-up that was missed costs at most `LONGEST_SLEEP_S`.
"""

import asyncio
from collections.abc import Callable

from gatepost.delivery.queue.contract import Queue
from gatepost.delivery.queue.record import ClaimedMail
from gatepost.errors import StoreError
from gatepost.telemetry.events import StoreTrouble
from gatepost.telemetry.log import emit, emit_unexpected

LARGEST_BATCH = 200
"""Recipients of one claim, where memory has room for that many."""
LONGEST_SLEEP_S = 30.0
REST_S = 0.05
"""Least time between a claim that found nothing and the next: many deferrals wake us only once."""
PAUSE_S = 1.0
"""Wait after a claim most of which had no way on, unless a full lane gets room before; and while the store is away."""


class Claimer:
    """The background task that claims; `sated` tells when there is no room for more."""

    def __init__(
        self,
        queue: Queue,
        offer: Callable[[ClaimedMail], None],
        sated: Callable[[], bool],
        *,
        wake: asyncio.Event,
        clock: Callable[[], float],
        batch: int = LARGEST_BATCH,
    ) -> None:
        self._queue, self._offer, self._sated, self._wake, self._clock = queue, offer, sated, wake, clock
        self._batch = min(batch, LARGEST_BATCH)
        self._returned = 0
        self._relief = asyncio.Event()
        self._trouble = False
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End; what a claim under way brings is still offered."""
        self._stopping.set()
        self._relief.set()
        self._wake.set()
        if self._task is not None:
            await self._task

    def note_return(self) -> None:
        """Note that a mail was given back: if that is so for most of a claim, a new claim at once might bring the same."""
        self._returned += 1

    def relieve(self) -> None:
        """Note that a lane which was full has room again."""
        self._relief.set()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._claim()
                self._trouble = False
            except StoreError as error:
                if not self._trouble:
                    emit(StoreTrouble(what="claiming due mail", reason=str(error)))
                self._trouble = True
                await _wait(self._stopping, PAUSE_S)
            except Exception as error:
                emit_unexpected("claim", error)
                await _wait(self._stopping, PAUSE_S)

    async def _claim(self) -> None:
        """Claim once, and wait until the next claim makes sense."""
        self._wake.clear()
        if self._sated():
            await _wait(self._wake, LONGEST_SLEEP_S)
            return
        self._returned = 0
        self._relief.clear()
        claims = await self._queue.claim(self._batch)
        for claim in claims:
            self._offer(claim)
        if claims:
            await asyncio.sleep(0)  # so that workers begin, and those that find their route down say so
        if claims and 2 * self._returned >= len(claims):
            await _wait(self._relief, PAUSE_S)
        elif not claims:
            due_at = await self._queue.next_due_at()
            sleep = LONGEST_SLEEP_S if due_at is None else min(due_at - self._clock(), LONGEST_SLEEP_S)
            if sleep > REST_S:
                await _wait(self._wake, sleep - REST_S)
            await _wait(self._stopping, REST_S)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, or until the time is over."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
