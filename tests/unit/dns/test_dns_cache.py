# SPDX-License-Identifier: Apache-2.0
"""What the cache remembers, and for how long."""

import asyncio

import pytest

from gatepost.dns.answers import Answer, MxRecord
from gatepost.dns.cache import FAILED_S, FLIGHTS, LONGEST_S, SHORTEST_S, CachingResolver
from gatepost.dns.twin import Twin


class Upstream:
    """Answers when told; counts the questions."""

    def __init__(self, answer: Answer[str]) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def addresses(self, host: str) -> Answer[str]:
        self.asked.append(host)
        await self.gate.wait()
        return self.answer

    async def mx(self, domain: str) -> Answer[MxRecord]:
        self.asked.append(f"MX {domain}")
        return Answer("found", (MxRecord(1, "mx"),), 60.0)

    a = aaaa = txt = names = addresses


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("answer", "lifetime"),
    [
        (Answer("found", ("192.0.2.1",), 60.0), 60.0),
        (Answer("found", ("192.0.2.1",), 0.0), SHORTEST_S),
        (Answer("found", ("192.0.2.1",), 1e9), LONGEST_S),
        (Answer("nxdomain", (), 30.0), 30.0),
        (Answer("no_data", (), 30.0), 30.0),
        (Answer("failed", (), 1e9), FAILED_S),
    ],
)
async def test_an_answer_lives_for_its_time(answer: Answer[str], lifetime: float) -> None:
    """An answer is given from memory until its time to live, within bounds, is over; a failure for a short time only."""
    upstream, clock = Upstream(answer), Clock()
    resolver = CachingResolver(upstream, clock=clock)
    assert (await resolver.addresses("a")).ttl_s == lifetime
    clock.now = lifetime - 1
    assert await resolver.addresses("a") == answer._replace(ttl_s=1.0)
    assert upstream.asked == ["a"]
    clock.now = lifetime
    await resolver.addresses("a")
    assert upstream.asked == ["a", "a"]


async def test_one_question_at_a_time() -> None:
    """Callers who ask the same while the answer is on its way share it."""
    upstream = Upstream(Answer("found", ("192.0.2.1",), 60.0))
    upstream.gate.clear()
    resolver = CachingResolver(upstream)
    callers = [asyncio.ensure_future(resolver.addresses("a")) for _ in range(10)]
    await asyncio.sleep(0)
    upstream.gate.set()
    answers = await asyncio.gather(*callers)
    assert {one.values for one in answers} == {("192.0.2.1",)}
    assert upstream.asked == ["a"]


async def test_a_caller_that_gives_up_leaves_the_answer_to_the_others() -> None:
    """Cancelling one caller does not cancel the question."""
    upstream = Upstream(Answer("found", ("192.0.2.1",), 60.0))
    upstream.gate.clear()
    resolver = CachingResolver(upstream)
    first, second = (asyncio.ensure_future(resolver.addresses("a")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    upstream.gate.set()
    assert (await second).values == ("192.0.2.1",)
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_the_cache_is_bounded() -> None:
    """Beyond its size the oldest answer is forgotten."""
    upstream = Upstream(Answer("found", ("192.0.2.1",), 60.0))
    resolver = CachingResolver(upstream, entries=2)
    for host in ("a", "b", "c", "c", "b", "a"):
        await resolver.addresses(host)
    assert upstream.asked == ["a", "b", "c", "a"]


async def test_types_are_kept_apart() -> None:
    """MX and addresses of one name are two answers."""
    upstream = Upstream(Answer("no_data", (), 60.0))
    resolver = CachingResolver(upstream)
    assert (await resolver.mx("a")).values == (MxRecord(1, "mx"),)
    assert (await resolver.addresses("a")).status == "no_data"
    assert (await resolver.mx("a")).status == "found"
    assert upstream.asked == ["MX a", "a"]


async def test_each_type_is_asked_and_kept_as_its_own() -> None:
    """Addresses of one family, texts and names come through unchanged and each only once, whatever the case."""
    zone = 'x A 192.0.2.1\nx AAAA 2001:db8::1\nx TXT "hello"\nx MX 1 mx\n1.2.0.192.in-addr.arpa PTR x\n'
    twin = Twin(zone)
    resolver = CachingResolver(twin, clock=lambda: 0.0)
    questions = [("mx", "x"), ("addresses", "x"), ("a", "x"), ("aaaa", "x"), ("txt", "x"), ("names", "192.0.2.1")]
    for kind, name in questions * 2:
        assert await getattr(resolver, kind)(name.upper()) == await getattr(Twin(zone), kind)(name)
    assert len(twin.asked) == len(questions)


async def test_the_cache_is_bounded_in_octets() -> None:
    """Large answers make room for one another; what weighs more than all of it is not kept."""
    twin = Twin("".join(f"{name} TXT {'x' * 400}\n" for name in "abc") + f"big TXT {'x' * 2000}\n")
    resolver = CachingResolver(twin, octets=1000)
    for name in ("a", "b", "a", "c", "b", "big", "big"):
        assert (await resolver.txt(name)).status == "found"
    assert [name for _, name in twin.asked] == ["a", "b", "c", "big", "big"]


async def test_open_questions_are_bounded() -> None:
    """When very many questions wait, one more fails at once; it is asked when there is room again."""
    upstream = Upstream(Answer("found", ("192.0.2.1",), 60.0))
    upstream.gate.clear()
    resolver = CachingResolver(upstream)
    waiting = [asyncio.ensure_future(resolver.a(f"h{n}")) for n in range(FLIGHTS)]
    await asyncio.sleep(0)
    assert await resolver.a("late") == Answer("failed")
    upstream.gate.set()
    await asyncio.gather(*waiting)
    assert (await resolver.a("late")).status == "found"
