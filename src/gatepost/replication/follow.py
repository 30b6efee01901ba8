# SPDX-License-Identifier: Apache-2.0
"""Keep up one link: fetch what the other store tells and apply it, and hand over what we have for it.

Two loops, each with a connection of its own. While the other end is away both try again, after growing pauses; what a
batch cannot be applied for is the link's trouble until it can. Several gateways may share one store: their links take
turns, so that each artefact comes once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from gatepost.errors import ControlError, GatepostError
from gatepost.replication.apply import Applier
from gatepost.replication.artefact import BATCH, Batch
from gatepost.replication.dial import Call
from gatepost.replication.links import Links
from gatepost.replication.outbox import Outbox
from gatepost.telemetry.events import LinkRestored, LinkTrouble
from gatepost.telemetry.log import emit, emit_unexpected

WAIT_S = 20.0
"""How long the other end may wait for something to tell us."""
GATHER_PAUSE_S = 0.5
"""Between two fetches when the last one took all there was: fewer, fuller batches."""
PAUSES_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
TOLD_AFTER_S = 3.0
"""A trouble that is over sooner, as the other end's start is, leaves no event."""
_REACH = "reach"

Dial = Callable[[], Awaitable[Call]]


class Sources:
    """The stores that artefacts are fetched from: one link at a time for each."""

    def __init__(self) -> None:
        self._turns: dict[str, asyncio.Lock] = {}

    def turn(self, store: str) -> asyncio.Lock:
        """Give the lock of a store."""
        return self._turns.setdefault(store, asyncio.Lock())


class Follower:
    """One link at work. `trouble` is '' while it does well."""

    def __init__(self, name: str, dial: Dial, *, links: Links, applier: Applier, outbox: Outbox, sources: Sources) -> None:
        self.name = name
        self.trouble = ""
        self.contact_at = 0.0
        """When the other end last answered (Unix time)."""
        self.store = ""
        self.outbox = outbox
        self._dial = dial
        self._links = links
        self._applier = applier
        self._sources = sources
        self._calls: set[Call] = set()
        self._troubles: dict[str, str] = {}
        self._ill_since = 0.0
        self._told = ""
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to follow."""
        self._loops = [
            asyncio.create_task(self._keep("fetch", self._fetching)),
            asyncio.create_task(self._keep("hand over", self._handing)),
        ]

    async def close(self) -> None:
        """End both loops; a batch in the middle of its transaction is applied and fetched again later, without effect."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        for call in tuple(self._calls):
            await call.close()

    async def ask(self, do: str, args: dict[str, Any], answer: Any = Any, *, timeout_s: float = 30.0, identity: str = "") -> Any:
        """Ask the other end something, on a connection of its own; a command of one `identity` is done once. Raises: ControlError."""
        call = await self._dial()
        try:
            return await call.ask(do, args, answer, timeout_s=timeout_s, identity=identity)
        finally:
            await call.close()

    async def _keep(self, what: str, work: Callable[[Call], Awaitable[None]]) -> None:
        failures = 0
        while True:
            began = time.monotonic()
            try:
                await self._once(work)
            except ControlError as error:
                self._ill(_REACH if error.exit_code == ControlError.exit_code else what, str(error))
            except GatepostError as error:
                self._ill(what, str(error))
            except Exception as defect:
                emit_unexpected(f"link {self.name}", defect)
                self._ill(what, "a defect of ours; the log says where")
            if time.monotonic() - began > WAIT_S:
                failures = 0
            await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
            failures += 1

    async def _once(self, work: Callable[[Call], Awaitable[None]]) -> None:
        call = await self._dial()
        self._calls.add(call)
        try:
            await work(call)
        finally:
            self._calls.discard(call)
            await call.close()

    async def _fetching(self, call: Call) -> None:
        store = await self._greeted(call)
        await self._meet(store)
        while True:
            async with self._sources.turn(store):
                mark = await self._applier.applied_to(store)
                args = {"store": store, "acknowledged_to": mark, "limit": BATCH, "wait_s": WAIT_S}
                batch: Batch = await call.ask("replication.fetch", args, Batch, timeout_s=WAIT_S + 30.0)
                if batch.store != store:
                    store = batch.store
                    await self._meet(store)
                if batch.artefacts:
                    await self._applier.apply(batch)
            self.contact_at = time.time()
            self._well("fetch")
            if len(batch.artefacts) < BATCH:
                await asyncio.sleep(GATHER_PAUSE_S)

    async def _handing(self, call: Call) -> None:
        await self._greeted(call)
        while True:
            batch = await self.outbox.fetch()
            if not batch.artefacts:
                self._well("hand over")
                if not await self.outbox.stirred(WAIT_S):
                    await self._greeted(call)
                continue
            applied_to: int = await call.ask("replication.apply", {"batch": batch}, int)
            last = batch.artefacts[-1].sequence
            if applied_to > last:
                await self.outbox.disown(applied_to)
            await self.outbox.acknowledge(min(applied_to, last))
            self.contact_at = time.time()
            self._well("hand over")

    async def _meet(self, store: str) -> None:
        self.store = store
        if await self._links.meet(self.name, store):
            self.outbox.stir()

    async def _greeted(self, call: Call) -> str:
        """Find out that somebody is there, and which store that is."""
        health = await call.ask("replication.health", {}, dict[str, Any])
        self.contact_at = time.time()
        self._well(_REACH)
        return str(health["store"])

    def _well(self, what: str) -> None:
        self._troubles.pop(what, None)
        self.trouble = next(iter(self._troubles.values()), "")
        if self._told and not self.trouble:
            self._told = ""
            emit(LinkRestored(link=self.name, store=self.store))

    def _ill(self, what: str, reason: str) -> None:
        now = time.monotonic()
        if not self._troubles:
            self._ill_since = now
        self._troubles[what] = self.trouble = reason
        if reason != self._told and now - self._ill_since >= TOLD_AFTER_S:
            self._told = reason
            emit(LinkTrouble(link=self.name, reason=reason))
