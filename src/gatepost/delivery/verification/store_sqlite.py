# SPDX-License-Identifier: Apache-2.0
"""SQL of the remembered answers, in the gateway's store beside the queue.

Nobody waits for a write: an answer that was lost with the process is asked for again. When the store fails, answers
live in memory alone; that is told once, until a write succeeds again.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gatepost.delivery.verification.contract import DOMAIN_S, KNOWN_S, UNKNOWN_S, Judgement
from gatepost.delivery.verification.memory import DOMAIN
from gatepost.errors import StoreError, StoreFull
from gatepost.message.addresses import Address
from gatepost.storage.sqlite import Connection
from gatepost.storage.store import SqliteStore
from gatepost.telemetry.events import StoreTrouble
from gatepost.telemetry.log import emit

KEPT = 1_000_000
"""Rows that one expiry leaves: about 100 MB. A flood of unknown names loses what would expire first."""
SLICE = 500
"""Rows that one operation deletes at most, so that it does not hold up the commits beside it."""

_RECALL = "SELECT local, known, expires_at FROM recipient_answer WHERE tenant_id = ? AND domain = ? AND local IN ('', ?)"
_REMEMBER = "INSERT OR REPLACE INTO recipient_answer VALUES (?, ?, ?, ?, ?)"
_COUNT = "SELECT count(*) FROM recipient_answer"
_EXPIRE = """DELETE FROM recipient_answer WHERE (tenant_id, domain, local) IN
    (SELECT tenant_id, domain, local FROM recipient_answer WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"""

_Row = tuple[int, str, str, int, float]


class Recalled(NamedTuple):
    """What the store has of an address and of its domain."""

    domain: Judgement | None
    address: Judgement | None


class SqliteAnswers:
    """The answers of one gateway. `clock` gives Unix time, because rows outlive the process."""

    def __init__(self, store: SqliteStore, clock: Callable[[], float] = time.time) -> None:
        self._store, self._clock = store, clock
        self._writes: set[asyncio.Future[object]] = set()
        self._in_trouble = False

    async def recall(self, tenant_id: int, address: Address) -> Recalled:
        """Give what is stored and still holds; nothing when the store cannot be read."""

        def rows(connection: Connection) -> list[tuple[str, int, float]]:
            return connection.execute(_RECALL, (tenant_id, address.domain, address.local)).fetchall()

        try:
            found = {local: (known, expires_at) for local, known, expires_at in await self._store.ask(rows)}
        except StoreError as error:
            self._trouble(error)
            return Recalled(None, None)
        return Recalled(self._judgement(found.get(DOMAIN), True), self._judgement(found.get(address.local), False))

    def remember(self, tenant_id: int, address: Address, judgement: Judgement) -> None:
        """Keep an answer; "no answer" is not kept."""
        if judgement.existence == "no_answer":
            return
        local = DOMAIN if judgement.whole_domain else address.local
        row = (tenant_id, address.domain, local, int(judgement.existence == "known"), self._clock() + judgement.lifetime_s)
        future = self._store.submit(self._insert, row).future
        self._writes.add(future)
        future.add_done_callback(self._written)

    async def expire(self, keep: int = KEPT) -> int:
        """Delete what holds no longer, and what is too much, soonest to expire first; gives their number.

        Raises: StoreFull, StoreAway.
        """
        deleted, count = 0, SLICE
        while count == SLICE:
            count = await self._store.perform(_delete, (self._clock(), SLICE))
            deleted += count
        surplus = await self._store.ask(lambda connection: connection.execute(_COUNT).fetchone()[0]) - keep
        while surplus > 0:
            count = await self._store.perform(_delete, (float("inf"), min(surplus, SLICE)))
            if not count:
                break
            surplus -= count
            deleted += count
        return deleted

    async def settled(self) -> None:
        """Wait until what was given to `remember` is written or has failed."""
        if self._writes:
            await asyncio.wait(self._writes)

    def _judgement(self, found: tuple[int, float] | None, whole_domain: bool) -> Judgement | None:
        if found is None:
            return None
        known, expires_at = found
        longest = DOMAIN_S if whole_domain else KNOWN_S if known else UNKNOWN_S
        left_s = min(expires_at - self._clock(), longest)  # a clock that was set back must not make an answer hold longer
        return Judgement("known" if known else "unknown", left_s, whole_domain) if left_s > 0 else None

    def _insert(self, connection: Connection, rows: Sequence[_Row]) -> Sequence[object]:
        try:
            self._store.floor.check()
        except StoreFull:
            return rows  # the last of a disk is for mail; memory has the answer
        connection.executemany(_REMEMBER, rows)
        return rows

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


def _delete(connection: Connection, changes: Sequence[tuple[float, int]]) -> list[int]:
    return [connection.execute(_EXPIRE, change).rowcount for change in changes]
