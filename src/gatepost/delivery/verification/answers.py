# SPDX-License-Identifier: Apache-2.0
"""The remembered answers, in the gateway's store beside the queue.

Nobody waits for a write: an answer that was lost with the process is asked for again. When the store fails, answers
live in memory alone; that is told once, until a write succeeds again.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from gatepost.delivery.verification.contract import DOMAIN_S, KNOWN_S, UNKNOWN_S, Judgement
from gatepost.delivery.verification.engines import statements_of
from gatepost.delivery.verification.memory import DOMAIN
from gatepost.delivery.verification.statements import Row
from gatepost.errors import StoreError, StoreFull
from gatepost.message.addresses import Address
from gatepost.storage.contract import Store
from gatepost.telemetry.events import StoreTrouble
from gatepost.telemetry.log import emit

KEPT = 1_000_000
"""Rows that one expiry leaves: about 100 MB. A flood of unknown names loses what would expire first."""
SLICE = 500
"""Rows that one operation deletes at most, so that it does not hold up the commits beside it."""


class Recalled(NamedTuple):
    """What the store has of an address and of its domain."""

    domain: Judgement | None
    address: Judgement | None


class Answers:
    """The answers of one store, whoever of its gateways has asked. `clock` gives Unix time, because rows outlive the process."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store, self._clock = store, clock
        self._sql = statements_of(store.engine)
        self._writes: set[asyncio.Future[object]] = set()
        self._in_trouble = False

    async def recall(self, tenant_id: int, address: Address) -> Recalled:
        """Give what is stored and still holds; nothing when the store cannot be read."""
        try:
            rows = await self._store.ask(lambda connection: self._sql.recall(connection, tenant_id, address))
        except StoreError as error:
            self._trouble(error)
            return Recalled(None, None)
        found = {local: (known, expires_at) for local, known, expires_at in rows}
        return Recalled(self._judgement(found.get(DOMAIN), True), self._judgement(found.get(address.local), False))

    def remember(self, tenant_id: int, address: Address, judgement: Judgement) -> None:
        """Keep an answer; "no answer" is not kept."""
        if judgement.existence == "no_answer":
            return
        local = DOMAIN if judgement.whole_domain else address.local
        row = (tenant_id, address.domain, local, judgement.existence == "known", self._clock() + judgement.lifetime_s)
        future = self._store.submit(self._insert, row).future
        self._writes.add(future)
        future.add_done_callback(self._written)

    async def expire(self, keep: int = KEPT) -> int:
        """Delete what holds no longer, and what is too much, soonest to expire first; gives their number.

        Raises: StoreFull, StoreAway.
        """
        deleted, count = 0, SLICE
        while count == SLICE:
            count = await self._store.perform(self._delete, (self._clock(), SLICE))
            deleted += count
        surplus = await self._store.ask(self._sql.count) - keep
        while surplus > 0:
            count = await self._store.perform(self._delete, (float("inf"), min(surplus, SLICE)))
            if not count:
                break
            surplus -= count
            deleted += count
        return deleted

    async def settled(self) -> None:
        """Wait until what was given to `remember` is written or has failed."""
        if self._writes:
            await asyncio.wait(self._writes)

    def _judgement(self, found: tuple[bool, float] | None, whole_domain: bool) -> Judgement | None:
        if found is None:
            return None
        known, expires_at = found
        longest = DOMAIN_S if whole_domain else KNOWN_S if known else UNKNOWN_S
        left_s = min(expires_at - self._clock(), longest)  # a clock that was set back must not make an answer hold longer
        return Judgement("known" if known else "unknown", left_s, whole_domain) if left_s > 0 else None

    def _insert(self, connection: Any, rows: Sequence[Row]) -> Sequence[object]:
        try:
            self._store.check_room()
        except StoreFull:
            return rows  # the last of a disk is for mail; memory has the answer
        self._sql.remember(connection, rows)
        return rows

    def _delete(self, connection: Any, changes: Sequence[tuple[float, int]]) -> list[int]:
        return [self._sql.expire(connection, *change) for change in changes]

    def _written(self, future: "asyncio.Future[object]") -> None:
        self._writes.discard(future)
        if future.cancelled():
            return
        error = future.exception()
        if error is None:
            self._in_trouble = False
        else:
            self._trouble(error)

    def _trouble(self, error: BaseException) -> None:
        if not self._in_trouble:
            emit(StoreTrouble(what="recipients' answers", reason=str(error)))
        self._in_trouble = True
