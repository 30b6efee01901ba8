# SPDX-License-Identifier: Apache-2.0
"""Verify recipients: from memory, from the store, else by asking the next hop, once for all who wait.

    judge ── list ── memory ── store ── does the next hop take anything? ── does it take this address? ── memory, store
                                     (once a domain and day)             (once an address)

A route that was not heard `FAILURES` times in a row is asked once for each `NO_ANSWER_S`; meanwhile its recipients
have no answer.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine

from gatepost.delivery.breaker import Breakers
from gatepost.delivery.route import Route
from gatepost.delivery.routing import Routing
from gatepost.delivery.verification.answers import Answers
from gatepost.delivery.verification.contract import (
    DOMAIN_S,
    KNOWN_S,
    LISTED_S,
    NO_ANSWER_S,
    UNKNOWN_S,
    Judgement,
    Listing,
    Unlisted,
)
from gatepost.delivery.verification.memory import DOMAIN, Memory
from gatepost.delivery.verification.question import Asked, Asker
from gatepost.delivery.verification.turns import Turns
from gatepost.message.addresses import Address
from gatepost.telemetry.events import RecipientAsked
from gatepost.telemetry.log import emit, emit_unexpected

FAILURES = 3
QUESTION_S = 20.0
"""For one question: finding the route, waiting for a turn, connecting and asking."""
KEPT = 50_000
"""Addresses in each room of the memory."""

_NOT_NOW = Judgement("no_answer", 0.0)
"""Remembered by nobody: it says nothing about the recipient."""
_LISTED = {True: Judgement("known", LISTED_S), False: Judgement("unknown", LISTED_S), None: Judgement("unknown", LISTED_S)}
_Flight = tuple[int, Address]


class Verification:
    """One process's verification of recipients; `tenant_of_domain` tells who owns a domain, `clock` gives Unix time."""

    def __init__(
        self,
        routing: Routing,
        asker: Asker,
        answers: Answers,
        tenant_of_domain: Callable[[str], int | None],
        *,
        listing: Listing | None = None,
        clock: Callable[[], float] = time.time,
        turns: Turns | None = None,
        question_s: float = QUESTION_S,
    ) -> None:
        self._routing, self._asker, self._answers = routing, asker, answers
        self._tenant_of_domain, self._clock, self._question_s = tenant_of_domain, clock, question_s
        self._listing = listing or Unlisted()
        self._turns = turns or Turns()
        self._memory = Memory(KEPT, clock)
        self._breakers = Breakers(FAILURES, NO_ANSWER_S)
        self._flights: dict[_Flight, asyncio.Task[Judgement]] = {}

    async def renew(self, routing: Routing, asker: Asker, tenant_of_domain: Callable[[str], int | None]) -> None:
        """Ask by another configuration from now on. What next hops have said is remembered; questions under way end as they began."""
        before, self._asker = self._asker, asker
        self._routing, self._tenant_of_domain = routing, tenant_of_domain
        await before.close()

    async def judge(self, tenant_id: int, address: Address) -> Judgement:
        """Find out whether a tenant's recipient exists; never raises for what a next hop, the DNS or the store does."""
        if not address.local:
            return _NOT_NOW  # the domain itself stands there, and is nobody's recipient
        if (listed := self._listing.listed(tenant_id, address)) is not None:
            return _LISTED[listed]
        judgement = self._memory.recall(tenant_id, address) or await self._joined((tenant_id, address), self._find)
        if (listed := self._listing.listed(tenant_id, address)) is not None:  # entered while the next hop was asked
            return _LISTED[listed]
        if judgement.whole_domain and self._listing.has_users(tenant_id):  # one of them may be disabled
            return judgement._replace(whole_domain=False)
        return judgement

    def judge_listed(self, tenant_id: int, address: Address) -> Judgement:
        """Tell whether a tenant's recipient is listed by name; asks nobody."""
        return _LISTED[self._listing.listed(tenant_id, address)]

    async def expire(self) -> int:
        """Delete stored answers that hold no longer; gives their number. Raises: StoreFull, StoreAway."""
        return await self._answers.expire()

    async def close(self) -> None:
        """Give up the questions under way, and say QUIT to idle next hops; to be called before the store is closed."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
        await self._asker.close()
        await self._answers.settled()

    async def _joined(self, wanted: _Flight, find: Callable[[int, Address], Coroutine[None, None, Judgement]]) -> Judgement:
        """Find an answer, or wait for it with those who were first; one who gives up does not end it for the others."""
        flight = self._flights.get(wanted)
        if flight is None:
            flight = self._flights[wanted] = asyncio.get_running_loop().create_task(_safely(find(*wanted)))
            flight.add_done_callback(lambda _: self._flights.pop(wanted))
        return await asyncio.shield(flight)

    async def _find(self, tenant_id: int, address: Address) -> Judgement:
        if self._tenant_of_domain(address.domain) != tenant_id:
            return _NOT_NOW
        stored = await self._answers.recall(tenant_id, address)
        domain = self._memory.recall_domain(tenant_id, address.domain) or stored.domain
        if domain is not None and domain.existence == "known":
            return self._remember(tenant_id, address, domain)
        if stored.address is not None:
            return self._remember(tenant_id, address, stored.address)
        if domain is None:
            domain = await self._joined((tenant_id, Address(DOMAIN, address.domain)), self._find_domain)
            if domain.existence == "known":
                return domain
        elif domain is stored.domain:
            self._remember(tenant_id, address, domain)
        asked = await self._ask(tenant_id, address)
        lifetime_s = {"known": KNOWN_S, "unknown": UNKNOWN_S, "no_answer": asked.again_in_s}[asked.existence]
        return self._learn(tenant_id, address, Judgement(asked.existence, lifetime_s))

    async def _find_domain(self, tenant_id: int, domain: Address) -> Judgement:
        """Find out whether a next hop takes even a name that nobody has."""
        asked = await self._ask(tenant_id, Address(f"nosuchuser{secrets.token_hex(10)}", domain.domain))
        lifetime_s = asked.again_in_s if asked.existence == "no_answer" else DOMAIN_S
        return self._learn(tenant_id, domain, Judgement(asked.existence, lifetime_s, whole_domain=True))

    def _learn(self, tenant_id: int, address: Address, judgement: Judgement) -> Judgement:
        self._answers.remember(tenant_id, address, judgement)
        return self._remember(tenant_id, address, judgement)

    def _remember(self, tenant_id: int, address: Address, judgement: Judgement) -> Judgement:
        self._memory.remember(tenant_id, address, judgement)
        return judgement

    async def _ask(self, tenant_id: int, address: Address) -> Asked:
        """Put one question within its time."""
        began = ""
        try:
            async with asyncio.timeout(self._question_s):
                way = await self._routing.way(tenant_id, address.domain)
                if not isinstance(way, Route):
                    return Asked("no_answer", way.reply)
                if self._turns.is_full(way.key):
                    return Asked("no_answer", "too many questions wait", again_in_s=0.0)
                async with self._turns.turn(way.key):
                    now = self._clock()
                    if not self._breakers.admits(way.key, now):
                        left_s = self._breakers.probe_at(way.key) - now
                        return Asked("no_answer", self._breakers.reason(way.key), again_in_s=min(left_s, NO_ANSWER_S))
                    began = way.key
                    asked = await self._asker.ask(way, address)
        except TimeoutError:
            if not began:
                return Asked("no_answer", "no turn within the time of a question", again_in_s=0.0)
            asked = Asked("no_answer", "451 4.4.2 Timed out while asking for the recipient", heard=False)
        self._note(began, tenant_id, address, asked)
        return asked

    def _note(self, route: str, tenant_id: int, address: Address, asked: Asked) -> None:
        if asked.heard:
            self._breakers.reached(route)
        else:
            self._breakers.failed(route, asked.reply, self._clock())
        emit(RecipientAsked(tenant=tenant_id, recipient=str(address), existence=asked.existence, host=asked.host, reply=asked.reply))


async def _safely(finding: Coroutine[None, None, Judgement]) -> Judgement:
    """Turn a surprise into no answer: whoever waits for it must hear something."""
    try:
        return await finding
    except Exception as error:
        emit_unexpected("recipient verification", error)
        return _NOT_NOW
