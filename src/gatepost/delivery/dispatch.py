# SPDX-License-Identifier: Apache-2.0
"""Hand due mail to the carriers: fresh mail straight from memory, older mail from the queue, fair between all.

    offer ─┐                        ┌─ lane (route A) ── workers ── carry
           ├─ route ── place ───────┼─ lane (route B) ── workers ── carry
    claim ─┘                        └─ ...

A *lane* is what waits for one route: its next hops and security. Within a lane the destination domains take
turns; a lane has at most `connections_per_route` workers, and all lanes together `CONNECTIONS`.

Promises:

* A claimed mail ends in `carry`, in `refuse` (no route, or given up), or is released to the queue; never in nothing.
* Memory is bounded: a lane may grow as long as it holds less than what is still free, so a slow route
  never takes the room of the others. What finds no room is released and read back from the queue later.
* An exception in `carry` ends neither the worker nor the mail: it is told, and the mail is tried again later.
* `drain` takes no new work, lets what is in flight end, and releases the rest.

`carry` and `refuse` settle what they are given through `settle`: an outcome that the store does not take is kept
and recorded later, because a mail that the next hop has taken would otherwise be sent twice.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from random import random
from typing import Any

from gatepost.config.limits import DeliveryLimits
from gatepost.delivery.breaker import Breakers
from gatepost.delivery.claimer import Claimer
from gatepost.delivery.lane import Lane
from gatepost.delivery.queue.contract import Queue
from gatepost.delivery.queue.record import ClaimedMail, NewMail, Outcome, Settlement
from gatepost.delivery.route import Route
from gatepost.delivery.routing import Routing, Unroutable, parted
from gatepost.delivery.schedule import not_before
from gatepost.delivery.unsettled import Unsettled
from gatepost.errors import StoreError
from gatepost.telemetry.log import emit_unexpected

CONNECTIONS = 500
"""Deliveries at one time over all routes, so that neither file descriptors nor memory run out."""
LAST_WORDS_S = 5.0
"""Time for the store to take what is released while the process ends."""
LOCAL_FAILURE = Unroutable(True, "451 4.3.0 Local error, tried again later")

Carry = Callable[[ClaimedMail, Route], Awaitable[None]]
Refuse = Callable[[ClaimedMail, Unroutable], Awaitable[None]]


class Dispatcher:
    """Everything between a claim and its carrier, for one process. `wake` is the queue's own event, where it has one."""

    def __init__(
        self,
        carry: Carry,
        refuse: Refuse,
        routing: Routing,
        queue: Queue,
        limits: DeliveryLimits,
        *,
        wake: asyncio.Event | None = None,
        clock: Callable[[], float] = time.time,
        breakers: Breakers | None = None,
    ) -> None:
        self.renew(routing, limits)
        self.breakers = breakers or Breakers()
        self._carry, self._refuse, self._queue, self._clock = carry, refuse, queue, clock
        self._lanes: dict[str, Lane] = {}
        self._blocked: deque[Lane] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._lookups: set[asyncio.Task[None]] = set()
        self._workers: set[asyncio.Task[None]] = set()
        self._employed = 0
        self._waiting_mails = 0
        self._waiting_bytes = 0
        self._starved = False
        self._draining = False
        self._wake = wake or asyncio.Event()
        self._unsettled = Unsettled(queue, self._wake)
        batch = max(limits.connections_per_route, limits.memory_mails // 8)
        self._claimer = Claimer(queue, self.offer, self._sated, wake=self._wake, clock=clock, batch=batch)

    def renew(self, routing: Routing, limits: DeliveryLimits) -> None:
        """Find ways and hold limits by another configuration from now on; mail that has its way goes on it."""
        self.routing, self.limits, self._low_water = routing, limits, limits.memory_mails * 7 // 8

    def start(self) -> None:
        """Begin to claim from the queue."""
        self._claimer.start()

    @property
    def in_flight(self) -> int:
        """Deliveries that are under way."""
        return self._employed

    @property
    def waiting(self) -> int:
        """Mails that wait in memory."""
        return self._waiting_mails

    def active(self, key: str) -> int:
        """Give the number of deliveries of one route that are under way."""
        lane = self._lanes.get(key)
        return lane.active if lane else 0

    # What comes in

    def offer(self, claim: ClaimedMail) -> None:
        """Take a mail that its commit has leased to us; it is on its way when this returns, or soon released."""
        if self._draining:
            self._release(claim)
        elif len(claim.recipients) == 1:
            domain = claim.recipients[0].recipient.address.domain
            known = self.routing.known(claim, domain)
            if known is None:
                self._look_up(claim)
            else:
                self._place(claim, domain, known)
        else:
            self._split(claim)

    def wake(self) -> None:
        """Look at the queue now: something in it has become due."""
        self._wake.set()

    async def settle(
        self, claim: ClaimedMail, outcomes: tuple[Outcome, ...], reports: tuple[NewMail, ...] = (), tracked: bytes = b""
    ) -> None:
        """Record what became of a claim's recipients; while the store is away, the record is kept and made later."""
        settlement = Settlement(claim.mail_id, claim.variant_id, outcomes, reports, tracked)
        try:
            await self._queue.settle(settlement)
        except StoreError:
            self._unsettled.put(settlement)
        except asyncio.CancelledError:
            self._unsettled.put(settlement)
            raise
        if reports or any(outcome.state == "deferred" for outcome in outcomes):
            self._wake.set()

    # Routing

    def _look_up(self, claim: ClaimedMail) -> None:
        """Route a mail whose domain is not in the cache: it waits for DNS meanwhile."""
        if not self._room(None, claim):
            self._release(claim)
            return
        self._count(claim, 1)
        task = asyncio.get_running_loop().create_task(self._route(claim))
        self._lookups.add(task)
        task.add_done_callback(self._lookups.discard)

    async def _route(self, claim: ClaimedMail) -> None:
        domains = dict.fromkeys(claimed.recipient.address.domain for claimed in claim.recipients)
        try:
            ways = await asyncio.gather(*(self.routing.route(claim, domain) for domain in domains))
        except asyncio.CancelledError:
            self._release(claim)
            raise
        except Exception as error:
            emit_unexpected("routing", error)
            await self._turn_away(claim, LOCAL_FAILURE)
            return
        finally:
            self._count(claim, -1)
        for part, domain, way in parted(claim, dict(zip(domains, ways, strict=True))):
            self._place(part, domain, way)

    def _split(self, claim: ClaimedMail) -> None:
        """Part a mail's recipients by route, at once when all their domains are known."""
        ways: dict[str, Route | Unroutable] = {}
        for claimed in claim.recipients:
            domain = claimed.recipient.address.domain
            if domain not in ways:
                known = self.routing.known(claim, domain)
                if known is None:
                    self._look_up(claim)
                    return
                ways[domain] = known
        for part, domain, way in parted(claim, ways):
            self._place(part, domain, way)

    # Lanes

    def _place(self, claim: ClaimedMail, domain: str, way: Route | Unroutable) -> None:
        if not isinstance(way, Route):
            self._spawn(self._turn_away(claim, way))
            return
        if self._draining:
            self._release(claim)
            return
        lane = self._lanes.get(way.key) or Lane(way.key)
        if not self._room(lane, claim):
            lane.full_at = lane.mails
            self._release(claim)
            return
        self._lanes[way.key] = lane
        lane.put(domain, claim, way)
        self._count(claim, 1)
        if lane.active < self.limits.connections_per_route:
            self._employ(lane)

    def _room(self, lane: Lane | None, claim: ClaimedMail) -> bool:
        """Whether a mail may wait: its lane holds less than what is free, or has a worker to spare, or nothing else waits."""
        if not self._waiting_mails:
            return True
        if lane is not None and lane.active < self.limits.connections_per_route and not self._blocked:
            return True
        mails, size = (lane.mails, lane.bytes) if lane is not None else (0, 0)
        return (
            mails < self.limits.memory_mails - self._waiting_mails
            and size + len(claim.mail.body.inline) <= self.limits.memory_bytes - self._waiting_bytes
        )

    def _count(self, claim: ClaimedMail, sign: int) -> None:
        self._waiting_mails += sign
        self._waiting_bytes += sign * len(claim.mail.body.inline)
        if self._starved and self._waiting_mails <= self._low_water:
            self._starved = False
            self._wake.set()

    def _employ(self, lane: Lane) -> None:
        """Start a worker for a lane, or put the lane in line for the next that is free."""
        if self._employed >= CONNECTIONS:
            if not lane.active and not lane.blocked:
                lane.blocked = True
                self._blocked.append(lane)
            return
        lane.active += 1
        self._employed += 1
        task = asyncio.get_running_loop().create_task(self._work(lane))
        self._workers.add(task)
        task.add_done_callback(self._workers.discard)

    async def _work(self, lane: Lane) -> None:
        """Carry a lane's mails one after another until there is none, or until a lane without a worker is in line."""
        try:
            while (lot := self._take(lane)) is not None:
                claim, route = lot
                try:
                    await self._carry(claim, route)
                except asyncio.CancelledError:
                    self._release(claim)
                    raise
                except Exception as error:
                    emit_unexpected("carry", error)
                    await self._turn_away(claim, LOCAL_FAILURE)
                if self._blocked:
                    break
        finally:
            lane.active -= 1
            self._employed -= 1
            self._succeed(lane)

    def _take(self, lane: Lane) -> tuple[ClaimedMail, Route] | None:
        if not lane.mails or self._draining:
            return None
        if not self.breakers.admits(lane.key, self._clock()):
            self._postpone(lane)
            return None
        lot = lane.take()
        self._count(lot[0], -1)
        if lane.full_at and lane.mails <= lane.full_at // 2:
            lane.full_at = 0
            self._claimer.relieve()
        if lane.mails and lane.active < self.limits.connections_per_route:
            self._employ(lane)
        return lot

    def _succeed(self, lane: Lane) -> None:
        """Pass a worker's place on: to the lane that is first in line, or to nobody."""
        if self._draining:
            return
        if not lane.mails:
            if not lane.active:
                self._lanes.pop(lane.key, None)
        elif not lane.active and not lane.blocked:
            lane.blocked = True
            self._blocked.append(lane)
        while self._blocked and self._employed < CONNECTIONS:
            following = self._blocked.popleft()
            following.blocked = False
            if following.mails:
                self._employ(following)
                break

    # What goes back

    def _postpone(self, lane: Lane) -> None:
        """Put the mails of a route that is down back into the queue, to be looked at after its next probe."""
        now, probe_at, reason = self._clock(), self.breakers.probe_at(lane.key), self.breakers.reason(lane.key)
        while lane.mails:
            claim, _ = lane.take()
            self._count(claim, -1)
            mail = claim.mail
            if mail.expires_at <= now:
                self._spawn(self._turn_away(claim, Unroutable(True, reason)))
                continue
            due_at = max(not_before(mail.received_at, now, mail.expires_at, random), min(probe_at, mail.expires_at))
            self._release(claim, due_at, reason)

    async def _turn_away(self, claim: ClaimedMail, why: Unroutable) -> None:
        """Let `refuse` defer or bounce a mail; should that fail too, it is released."""
        try:
            await self._refuse(claim, why)
        except StoreError:
            self._release(claim)
        except Exception as error:
            emit_unexpected("refuse", error)
            self._release(claim)

    def _release(self, claim: ClaimedMail, due_at: float = 0.0, reply: str = "") -> None:
        """Give a mail back to the queue without an attempt."""
        self._claimer.note_return()
        self._unsettled.release(claim, due_at, reply)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _sated(self) -> bool:
        """Whether so much waits in memory that nothing is read from the queue; `_count` wakes the claimer when that ends."""
        self._starved = self._waiting_mails > self._low_water
        return self._starved

    async def drain(self, timeout_s: float) -> None:
        """End: take no new work, wait up to `timeout_s` for what is in flight, release the rest."""
        self._draining = True
        await self._claimer.stop()
        for lane in self._lanes.values():
            while lane.mails:
                claim, _ = lane.take()
                self._count(claim, -1)
                self._release(claim)
        await asyncio.sleep(0)  # a task that never ran could not release its mail
        for task in [*self._lookups]:
            task.cancel()
        await asyncio.gather(*self._lookups, return_exceptions=True)
        if self._workers:
            await asyncio.wait(self._workers, timeout=timeout_s)
        for task in [*self._workers]:
            task.cancel()
        if last := self._workers | self._tasks:
            await asyncio.wait(last, timeout=LAST_WORDS_S)
        await self._unsettled.flush(LAST_WORDS_S)
