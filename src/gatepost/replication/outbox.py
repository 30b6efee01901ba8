# SPDX-License-Identifier: Apache-2.0
"""The outbox of a store: what other roles must know, in the order of its commits, until they have applied it.

Promises:

* An artefact is written in the transaction of the change it tells of (`statements(engine).append`), or not at all.
* It is shown in ascending order, and never after one with a higher number, whatever commits late.
* What has been shown is not rewritten any more. A young track is not shown, so that it may still be rewritten.
* It is deleted when it is acknowledged; what was shown and not acknowledged is shown again, unchanged.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, cast

from gatepost.replication import outbox_postgres, outbox_sqlite
from gatepost.replication.artefact import BATCH, GATHER_S, Artefact, Batch, LinkHealth
from gatepost.replication.outbox_sqlite import Entry, Waiting
from gatepost.storage.contract import Engine, Store

BATCH_BYTES = 4_194_304
"""Payload of one batch; a single artefact may exceed it."""
GATHERED = frozenset({"track"})
"""Kinds that are shown only when they are `GATHER_S` old."""


class Statements(Protocol):
    """An engine's statements; each is run in the caller's transaction, on the writer's thread."""

    def append(self, connection: Any, entries: Sequence[Entry], peer: str = "") -> list[int]:
        """Put artefacts (kind, version, tenant_id, created_at, payload) into the outbox in this order; give their numbers."""

    def rewrite(self, connection: Any, sequence: int, payload: bytes, not_before: float) -> bool:
        """Give an artefact made at `not_before` or later another payload, unless somebody was shown it; tells whether it has it."""

    def identity(self, connection: Any) -> str:
        """Tell the store's own identity."""

    def waiting(self, connection: Any, peer: str, limit: int) -> list[Waiting]:
        """Give the first artefacts for a peer that nothing can come before any more."""

    def mark_shown(self, connection: Any, peer: str, up_to: int) -> None:
        """Record that a peer is going to be shown all up to this number."""

    def shown(self, connection: Any, peer: str, limit: int) -> list[tuple[Any, ...]]:
        """Give what a peer may be shown."""

    def acknowledge(self, connection: Any, peer: str, up_to: int) -> int:
        """Delete what a peer has applied; gives the number of artefacts."""

    def measure(self, connection: Any, peer: str) -> tuple[int, float]:
        """Tell how many artefacts wait, and when the oldest was made."""

    def may_be_ours(self, connection: Any, sequence: int) -> bool:
        """Tell whether this store can have given such a number."""

    def rename(self, connection: Any) -> None:
        """Give the store a new identity."""


def statements(engine: Engine) -> Statements:
    """Give an engine's statements; a hot path asks once."""
    return cast(Statements, outbox_postgres if engine == "postgresql" else outbox_sqlite)


def cut(waiting: Sequence[Waiting], now: float) -> int:
    """Give the number up to which these may be shown now; 0: none.

    What is too young holds back all after it. An artefact from the future tells of a clock that was set back, and is shown.
    """
    up_to = size = 0
    for one in waiting:
        size += one.size
        if (one.kind in GATHERED and abs(now - one.created_at) < GATHER_S) or (size > BATCH_BYTES and up_to):
            break
        up_to = one.sequence
    return up_to


class _Turn(NamedTuple):
    store: str
    acknowledged_to: int
    limit: int
    now: float


class Outbox:
    """The outbox of one open store, seen by one peer."""

    def __init__(self, store: Store, peer: str = "", clock: Callable[[], float] = time.time) -> None:
        """Serve `peer`; '' is whoever fetches, where the store has one reader."""
        self.peer = peer
        self._store = store
        self._sql = statements(store.engine)
        self._clock = clock
        self._stirred = asyncio.Event()

    async def identity(self) -> str:
        """Tell the store's identity. Raises: StoreAway."""
        return await self._store.ask(self._sql.identity)

    async def append(self, *entries: Entry) -> list[int]:
        """Put artefacts into the outbox in a transaction of their own; give their numbers. Raises: StoreFull, StoreAway."""
        numbers = cast(list[int], await self._store.perform(self._append, entries))
        self.stir()
        return numbers

    def stir(self) -> None:
        """Tell whoever waits in this process that something was appended."""
        self._stirred.set()

    async def stirred(self, patience_s: float) -> bool:
        """Wait until something was appended by this process, or so long; tells which."""
        try:
            async with asyncio.timeout(patience_s):
                await self._stirred.wait()
        except TimeoutError:
            return False
        self._stirred.clear()
        return True

    async def fetch(self, limit: int = BATCH, acknowledged_to: int = 0, store: str = "") -> Batch:
        """Delete what was applied up to a number and give the next artefacts.

        `store` is whose numbers are meant, '' ours. A number that we cannot have given yet tells that an older copy of the store
        was put back: it gets a new identity, so that what it tells from now on is not taken for known. Raises: StoreFull, StoreAway.
        """
        turn = _Turn(store, acknowledged_to, max(1, min(limit, BATCH)), self._clock())
        ours, up_to = await self._store.perform(self._turn, turn)
        if not up_to:
            return Batch(ours, ())
        rows = await self._store.ask(lambda connection: self._sql.shown(connection, self.peer, turn.limit))
        return Batch(ours, tuple(Artefact(*row) for row in rows if row[0] <= up_to))

    async def is_due(self) -> bool:
        """Tell whether there is something to show now; costs no transaction. Raises: StoreAway."""
        return bool(cut(await self._store.ask(lambda connection: self._sql.waiting(connection, self.peer, BATCH)), self._clock()))

    async def disown(self, number: int) -> None:
        """Take a new identity if somebody knows a number of ours that we cannot have given yet. Raises: StoreFull, StoreAway."""
        await self._store.perform(self._disown, number)

    async def acknowledge(self, up_to: int) -> int:
        """Delete what was applied up to a number; gives how many that were. Raises: StoreFull, StoreAway."""
        return cast(int, await self._store.perform(self._acknowledge, up_to))

    async def health(self) -> LinkHealth:
        """Tell what waits. Raises: StoreAway."""
        waiting, oldest_at = await self._store.ask(lambda connection: self._sql.measure(connection, self.peer))
        return LinkHealth(waiting, max(0.0, self._clock() - oldest_at) if waiting else 0.0)

    # On the writer's thread

    def _append(self, connection: Any, groups: Sequence[Sequence[Entry]]) -> list[list[int]]:
        return [self._sql.append(connection, entries, self.peer) for entries in groups]

    def _acknowledge(self, connection: Any, numbers: Sequence[int]) -> list[int]:
        return [self._sql.acknowledge(connection, self.peer, up_to) for up_to in numbers]

    def _disown(self, connection: Any, numbers: Sequence[int]) -> list[None]:
        if not self._sql.may_be_ours(connection, max(numbers)):
            self._sql.rename(connection)
        return [None] * len(numbers)

    def _turn(self, connection: Any, turns: Sequence[_Turn]) -> list[tuple[str, int]]:
        answers = []
        for turn in turns:
            if turn.acknowledged_to and turn.store in ("", self._sql.identity(connection)):
                if self._sql.may_be_ours(connection, turn.acknowledged_to):
                    self._sql.acknowledge(connection, self.peer, turn.acknowledged_to)
                else:
                    self._sql.rename(connection)
            up_to = cut(self._sql.waiting(connection, self.peer, turn.limit), turn.now)
            if up_to:
                self._sql.mark_shown(connection, self.peer, up_to)
            answers.append((self._sql.identity(connection), up_to))
        return answers
