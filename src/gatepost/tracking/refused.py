# SPDX-License-Identifier: Apache-2.0
"""Tracks of mail that was refused: gathered for a second, counted where there are many alike, then shipped; no mail waits for it.

    minute of a key     1 ... 10 refusals     each has a row of its own, at once
                        11 and more           ONE row when the minute is over: how many, and the last of them

A key is what refusals must share to be counted together: tenant, client, rule and reason. Promises: memory is bounded;
while the store is away the newest are kept and the oldest given up, counted, and told once it is back. What a killed
process had gathered is lost: a refused mail is still with its client.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from gatepost.errors import StoreError
from gatepost.telemetry.events import TracksLost
from gatepost.telemetry.log import emit, emit_unexpected
from gatepost.tracking.codec import decode_head, encode_head

FLUSH_S = 1.0
MINUTE_S = 60.0
ROWS_A_MINUTE = 10
MOST_HEADS = 20_000
MOST_BYTES = 33_554_432
MOST_KEYS = 20_000
"""Keys that are counted within one minute; beyond them each refusal has a row of its own."""
HEADS_AT_ONCE = 2_000
"""What one shipment holds."""


class RefusedHead(NamedTuple):
    """A refused mail's encoded head, and whose it is."""

    tenant_id: int
    head: bytes


class _Counted:
    """What one key has shown within a minute: how many refusals, and the last beyond those with a row of their own."""

    __slots__ = ("count", "last", "tenant_id")

    def __init__(self, tenant_id: int) -> None:
        self.tenant_id, self.count, self.last = tenant_id, 0, b""


class RefusedBuffer:
    """The refused mails of one gateway, on their way into its store. `ship` makes them durable and raises StoreError when it cannot."""

    def __init__(self, ship: Callable[[list[RefusedHead]], Awaitable[object]], clock: Callable[[], float] = time.monotonic) -> None:
        self._ship = ship
        self._clock = clock
        self._heads: deque[RefusedHead] = deque()
        self._bytes = 0
        self._lost = 0
        self._counted: dict[tuple[int, str], _Counted] = {}
        self._minute_ends = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to ship, once a second."""
        self._task = asyncio.get_running_loop().create_task(self._ship_each_second())

    def add(self, head: bytes, key: str, tenant_id: int = 0) -> None:
        """Take an encoded head."""
        now = self._clock()
        if now >= self._minute_ends:
            self._end_minute()
            self._minute_ends = now + MINUTE_S
        counted = self._counted.get((tenant_id, key))
        if counted is None:
            if len(self._counted) >= MOST_KEYS:
                self._keep(RefusedHead(tenant_id, head))
                return
            counted = self._counted[tenant_id, key] = _Counted(tenant_id)
        counted.count += 1
        if counted.count > ROWS_A_MINUTE:
            counted.last = head
        else:
            self._keep(RefusedHead(tenant_id, head))

    async def flush(self) -> None:
        """Ship what has been gathered; what the store does not take now is kept for the next time."""
        if self._clock() >= self._minute_ends:
            self._end_minute()
        while self._heads:
            batch = [self._heads.popleft() for _ in range(min(len(self._heads), HEADS_AT_ONCE))]
            self._bytes -= sum(len(one.head) for one in batch)
            try:
                await self._ship(batch)
            except BaseException as error:
                self._give_back(batch)
                if isinstance(error, StoreError):
                    return  # the store's room has told
                raise
        if self._lost:
            emit(TracksLost(where="refused", tracks=self._lost))
            self._lost = 0

    async def close(self) -> None:
        """Ship what there is, the counts of the minute that has begun too, and end."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._minute_ends = 0.0
        await self.flush()

    async def _ship_each_second(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                await self.flush()
            except Exception as error:
                emit_unexpected("tracks of refused mail", error)

    def _end_minute(self) -> None:
        ended, self._counted = self._counted, {}
        for counted in ended.values():
            beyond = counted.count - ROWS_A_MINUTE
            if beyond > 0:
                try:
                    head = encode_head(msgspec.structs.replace(decode_head(counted.last), count=beyond))
                except msgspec.MsgspecError:
                    self._lost += beyond  # whoever sent it was no `receive` of ours
                else:
                    self._keep(RefusedHead(counted.tenant_id, head))

    def _keep(self, head: RefusedHead) -> None:
        self._heads.append(head)
        self._bytes += len(head.head)
        self._make_room()

    def _give_back(self, batch: list[RefusedHead]) -> None:
        self._heads.extendleft(reversed(batch))
        self._bytes += sum(len(one.head) for one in batch)
        self._make_room()

    def _make_room(self) -> None:
        while len(self._heads) > MOST_HEADS or self._bytes > MOST_BYTES:
            self._bytes -= len(self._heads.popleft().head)
            self._lost += 1
