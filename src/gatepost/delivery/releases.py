# SPDX-License-Identifier: Apache-2.0
"""Give claimed mail back to the queue without an attempt, many at a time, and again until the store has taken it.

A claim that nobody settles would stay ours for as long as this process lives, so nothing is dropped here: while
the store is away, what is to be released waits. Only the outcomes are kept, not the mails' bodies.
"""

import asyncio
from collections import deque

from gatepost.delivery.queue.contract import Queue
from gatepost.delivery.queue.record import ClaimedMail, Outcome, Settlement
from gatepost.errors import StoreError
from gatepost.telemetry.log import emit_unexpected

AT_ONE_TIME = 200
RETRY_S = 1.0


class Releases:
    """The releases that the store has not confirmed yet."""

    __slots__ = ("_pending", "_queue", "_task", "_wake")

    def __init__(self, queue: Queue, wake: asyncio.Event) -> None:
        """Make it with the event that tells when the queue has mail again."""
        self._queue = queue
        self._wake = wake
        self._pending: deque[Settlement] = deque()
        self._task: asyncio.Task[None] | None = None

    def put(self, claim: ClaimedMail, due_at: float = 0.0, reply: str = "") -> None:
        """Release a mail; it is not due before `due_at` (Unix time), or at once when that is past."""
        outcomes = tuple(Outcome(one.id, one.fence, "released", due_at, reply) for one in claim.recipients)
        self._pending.append(Settlement(claim.mail_id, claim.variant_id, outcomes))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._settle_all())

    async def flush(self, timeout_s: float) -> int:
        """Wait until all is confirmed; gives the number that is not after `timeout_s`. Its claims end with this process."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=timeout_s)
            self._task.cancel()
        return len(self._pending)

    async def _settle_all(self) -> None:
        while self._pending:
            some = [self._pending.popleft() for _ in range(min(len(self._pending), AT_ONE_TIME))]
            results = await asyncio.gather(*map(self._queue.settle, some), return_exceptions=True)
            self._wake.set()
            again = [one for one, result in zip(some, results, strict=True) if isinstance(result, BaseException)]
            self._pending.extend(again)
            for result in results:
                if isinstance(result, Exception) and not isinstance(result, StoreError):
                    emit_unexpected("release", result)
            if again:
                await asyncio.sleep(RETRY_S)
