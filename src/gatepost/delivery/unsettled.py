# SPDX-License-Identifier: Apache-2.0
"""What the store has not recorded yet: mail that is given back untried, and outcomes that it did not take at once.

A claim that nobody settles would stay ours for as long as this process lives, and a delivery that nobody records
would be made again. So nothing is dropped here: while the store is away, it is asked again and again, later and
later. A settlement that was recorded after all comes back as stale and changes nothing.
"""

import asyncio
from collections import deque

from gatepost.delivery.queue.contract import Queue
from gatepost.delivery.queue.record import ClaimedMail, Outcome, Settlement
from gatepost.errors import StoreError
from gatepost.telemetry.log import emit_unexpected

AT_ONE_TIME = 200
FIRST_RETRY_S = 1.0
LAST_RETRY_S = 60.0


class Unsettled:
    """The settlements in the order in which they were decided; `wake` is set when the queue has something again."""

    __slots__ = ("_pending", "_queue", "_task", "_wake")

    def __init__(self, queue: Queue, wake: asyncio.Event) -> None:
        self._queue = queue
        self._wake = wake
        self._pending: deque[Settlement] = deque()
        self._task: asyncio.Task[None] | None = None

    def release(self, claim: ClaimedMail, due_at: float = 0.0, reply: str = "") -> None:
        """Give a mail back without an attempt; it is not due before `due_at` (Unix time), or at once when that is past."""
        outcomes = tuple(Outcome(one.id, one.fence, "released", due_at, reply) for one in claim.recipients)
        self.put(Settlement(claim.mail_id, claim.variant_id, outcomes))

    def put(self, settlement: Settlement) -> None:
        """Have a settlement recorded as soon as the store takes it."""
        self._pending.append(settlement)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._settle_all())

    async def flush(self, timeout_s: float) -> int:
        """Wait until all is recorded; gives the number that is not after `timeout_s`, and gives that up."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=timeout_s)
            self._task.cancel()
        return len(self._pending)

    async def _settle_all(self) -> None:
        retry_s = FIRST_RETRY_S
        while self._pending:
            # A batch leaves the line only when it is done, so that `flush` counts it.
            batch = [self._pending[place] for place in range(min(len(self._pending), AT_ONE_TIME))]
            results = await asyncio.gather(*map(self._queue.settle, batch), return_exceptions=True)
            for settlement, result in zip(batch, results, strict=True):
                self._pending.popleft()
                if isinstance(result, Exception):
                    self._pending.append(settlement)
                    if not isinstance(result, StoreError):
                        emit_unexpected("settle", result)
            self._wake.set()
            if any(isinstance(result, Exception) for result in results):
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, LAST_RETRY_S)
            else:
                retry_s = FIRST_RETRY_S
