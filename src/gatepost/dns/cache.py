# SPDX-License-Identifier: Apache-2.0
"""Remember what the DNS answered, each answer for its time to live, and ask each question only once at a time.

Promises: at most `entries` answers are kept, the oldest go first; an answer lives at least `SHORTEST_S` and at
most `LONGEST_S`; a failure is remembered for `FAILED_S` (RFC 2308 §7 allows five minutes), so that a dead
name server is not asked once for each mail; a caller that gives up does not take the answer from the others.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from gatepost.dns.answers import Answer, MxRecord
from gatepost.dns.resolver import Resolver

ENTRIES = 20_000
SHORTEST_S = 5.0
LONGEST_S = 3600.0
FAILED_S = 10.0

T = TypeVar("T")
_Question = tuple[str, str]


class CachingResolver:
    """A resolver that asks another one, and remembers."""

    def __init__(self, upstream: Resolver, entries: int = ENTRIES, clock: Callable[[], float] = time.monotonic) -> None:
        self._upstream = upstream
        self._entries = entries
        self._clock = clock
        self._known: OrderedDict[_Question, tuple[Answer[MxRecord] | Answer[str], float]] = OrderedDict()
        self._flights: dict[_Question, asyncio.Task[Answer[MxRecord]] | asyncio.Task[Answer[str]]] = {}

    async def mx(self, domain: str) -> Answer[MxRecord]:
        """Give the mail exchangers of a domain, from memory where possible."""
        return await self._answer(("MX", domain), self._upstream.mx)

    async def addresses(self, host: str) -> Answer[str]:
        """Give the addresses of a host, from memory where possible."""
        return await self._answer(("ADDRESS", host), self._upstream.addresses)

    async def _answer(self, question: _Question, ask: Callable[[str], Awaitable[Answer[T]]]) -> Answer[T]:
        now = self._clock()
        known = self._known.get(question)
        if known is not None:
            answer, until = known
            if now < until:
                return cast(Answer[T], answer._replace(ttl_s=until - now))
            del self._known[question]
        flight = cast("asyncio.Task[Answer[T]] | None", self._flights.get(question))
        if flight is None:
            flight = asyncio.ensure_future(self._ask(question, ask))
            self._flights[question] = cast("asyncio.Task[Answer[str]]", flight)
            flight.add_done_callback(lambda _: self._flights.pop(question, None))
        return await asyncio.shield(flight)

    async def _ask(self, question: _Question, ask: Callable[[str], Awaitable[Answer[T]]]) -> Answer[T]:
        answer = await ask(question[1])
        lifetime = FAILED_S if answer.temporary else min(max(answer.ttl_s, SHORTEST_S), LONGEST_S)
        answer = answer._replace(ttl_s=lifetime)
        self._known[question] = (cast("Answer[str]", answer), self._clock() + lifetime)
        if len(self._known) > self._entries:
            self._known.popitem(last=False)
        return answer
