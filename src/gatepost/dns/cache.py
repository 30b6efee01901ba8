# SPDX-License-Identifier: Apache-2.0
"""Remember what the DNS answered, each answer for its time to live, and ask each question only once at a time.

Promises: at most `entries` answers of at most `octets` together are kept, the oldest go first; an answer lives at
least `SHORTEST_S` and at most `LONGEST_S`; a failure is remembered for `FAILED_S` (RFC 2308 §7 allows five minutes),
so that a dead name server is not asked once for each mail; a caller that gives up does not take the answer from the
others. At most `FLIGHTS` questions are open at a time; one more fails at once, and that is not remembered.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar, cast

from gatepost.dns.answers import Answer, MxRecord
from gatepost.dns.resolver import Resolver

ENTRIES = 20_000
OCTETS = 32 * 1024 * 1024
FLIGHTS = 2_000
SHORTEST_S = 5.0
LONGEST_S = 3600.0
FAILED_S = 10.0

T = TypeVar("T")
_Question = tuple[str, str]


class _Known(NamedTuple):
    answer: Answer[Any]
    until: float
    octets: int


class CachingResolver:
    """A resolver that asks another one, and remembers."""

    def __init__(
        self, upstream: Resolver, entries: int = ENTRIES, octets: int = OCTETS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._upstream = upstream
        self._entries, self._octets = entries, octets
        self._clock = clock
        self._known: OrderedDict[_Question, _Known] = OrderedDict()
        self._held = 0
        self._flights: dict[_Question, asyncio.Task[Answer[Any]]] = {}

    async def mx(self, domain: str) -> Answer[MxRecord]:
        """Give the mail exchangers of a domain, from memory where possible."""
        return await self._answer("MX", domain, self._upstream.mx)

    async def addresses(self, host: str) -> Answer[str]:
        """Give the addresses of a host, from memory where possible."""
        return await self._answer("ADDRESS", host, self._upstream.addresses)

    async def a(self, name: str) -> Answer[str]:
        """Give the IPv4 addresses of a name, from memory where possible."""
        return await self._answer("A", name, self._upstream.a)

    async def aaaa(self, name: str) -> Answer[str]:
        """Give the IPv6 addresses of a name, from memory where possible."""
        return await self._answer("AAAA", name, self._upstream.aaaa)

    async def txt(self, name: str) -> Answer[bytes]:
        """Give the TXT records of a name, from memory where possible."""
        return await self._answer("TXT", name, self._upstream.txt)

    async def names(self, address: str) -> Answer[str]:
        """Give the names of an IP address, from memory where possible."""
        return await self._answer("PTR", address, self._upstream.names)

    async def _answer(self, kind: str, name: str, ask: Callable[[str], Awaitable[Answer[T]]]) -> Answer[T]:
        question = (kind, name.lower())
        now = self._clock()
        known = self._known.get(question)
        if known is not None:
            answer: Answer[T] = known.answer
            if now < known.until:
                return Answer(answer.status, answer.values, known.until - now)
            self._forget(question)
        flight = cast("asyncio.Task[Answer[T]] | None", self._flights.get(question))
        if flight is None:
            if len(self._flights) >= FLIGHTS:
                return Answer("failed")
            flight = asyncio.ensure_future(self._ask(question, ask))
            self._flights[question] = flight
            flight.add_done_callback(lambda _: self._flights.pop(question, None))
        return await asyncio.shield(flight)

    async def _ask(self, question: _Question, ask: Callable[[str], Awaitable[Answer[T]]]) -> Answer[T]:
        answer = await ask(question[1])
        lifetime = FAILED_S if answer.temporary else min(max(answer.ttl_s, SHORTEST_S), LONGEST_S)
        answer = answer._replace(ttl_s=lifetime)
        self._keep(question, _Known(answer, self._clock() + lifetime, len(question[1]) + sum(map(_octets, answer.values))))
        return answer

    def _keep(self, question: _Question, known: _Known) -> None:
        if question in self._known:
            self._forget(question)
        self._known[question] = known
        self._held += known.octets
        while len(self._known) > self._entries or self._held > self._octets:
            self._forget(next(iter(self._known)))

    def _forget(self, question: _Question) -> None:
        self._held -= self._known.pop(question).octets


def _octets(value: object) -> int:
    """Give what a value weighs, about."""
    if isinstance(value, MxRecord):
        return 64 + len(value.host)
    return 64 + len(value) if isinstance(value, str | bytes) else 64
