# SPDX-License-Identifier: Apache-2.0
"""Two gateways of one site, as whole processes on one PostgreSQL and one S3 store: both receive, either delivers, one dies."""

import asyncio
import time
from asyncio import to_thread
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from gatepost.config.configuration import Configuration
from gatepost.config.limits import DeliveryLimits
from gatepost.testing import postgres, s3
from gatepost.testing.gateway import relay_all_to
from gatepost.testing.load import Plan, Result, generate
from gatepost.testing.sink import Sink
from gatepost.testing.sites import Site
from postgres_server import postgres_server
from waiting import until

LEASE_S = 6.0
SLACK_S = 20.0
"""For the delivery itself, and for a machine that is busy."""
SMALL, LARGE = 4096, 200_000
"""A body in the store's row, and one in the bucket."""

pytestmark = pytest.mark.skipif(bool(postgres.why_not() or s3.why_not()), reason=postgres.why_not() or s3.why_not())


def configuration(hop: int) -> Configuration:
    """Relay everything to one port, and hold claims for a short time."""
    return relay_all_to(hop, delivery=DeliveryLimits(lease_s=LEASE_S))


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    """Give the next hop of all gateways."""
    async with Sink() as running:
        yield running


@pytest.fixture
async def site(tmp_path: Path, sink: Sink) -> AsyncIterator[Site]:
    """Give two running gateways of one site."""
    made = Site(tmp_path, configuration(sink.port), postgres=postgres_server())
    await to_thread(made.__enter__)
    try:
        yield made
    finally:
        await to_thread(made.stop)


async def send(port: int, mails: int, size_bytes: int, sessions: int = 4) -> Result:
    """Hand over mails; gives what became of each."""
    return await generate(Plan(port=port, mails=mails, size_bytes=size_bytes, sessions=sessions))


def ids(*results: Result) -> set[str]:
    """Give the mails that were answered with 250."""
    return {line.id for result in results for line in result.lines if line.accepted}


async def all_come(sink: Sink, wanted: set[str]) -> None:
    """Wait until every one of these mails is in the sink."""
    await until(lambda: wanted <= {mail.id for mail in sink.mails}, "every accepted mail arrives")


async def test_both_receive_and_deliver(site: Site, sink: Sink) -> None:
    """Mail comes in at either gateway, small and large, and arrives whole and once."""
    sizes = (SMALL, LARGE)
    results = await asyncio.gather(*(send(gateway.port, 20, size) for gateway in site.gateways for size in sizes))
    assert [result.accepted for result in results] == [20] * 4
    await all_come(sink, ids(*results))
    assert len(sink.mails) == 80
    hashes = {line.id: line.sha256 for result in results for line in result.lines}
    assert {mail.id: mail.sha256 for mail in sink.mails} == hashes
    for gateway in site.gateways:
        await until(lambda gateway=gateway: gateway.answer("queue", "list") == [], "the queue is empty")


async def test_what_a_killed_gateway_had_in_hand_is_delivered_by_the_other(site: Site, sink: Sink) -> None:
    """Mail that one gateway has taken and not delivered when it dies, bodies in the shared store too, leaves by the other in a lease."""
    one, two = site.gateways
    sink.fail("connect", action="stall")
    results = [await send(one.port, 10, SMALL), await send(one.port, 3, LARGE)]
    accepted = ids(*results)
    assert len(accepted) == 13
    await until(lambda: [line["sending"] for line in two.answer("queue", "list")] == [13], "both see one queue")
    await to_thread(one.kill_all)
    killed_at = time.monotonic()
    sink.faults.clear()
    await all_come(sink, accepted)
    assert time.monotonic() - killed_at <= LEASE_S + SLACK_S
    assert {mail.id: mail.sha256 for mail in sink.mails} == {line.id: line.sha256 for result in results for line in result.lines}
    assert len(sink.mails) == 13
    assert one.events("process.unexpected") == two.events("process.unexpected") == []


async def test_a_gateway_killed_under_load_loses_nothing(site: Site, sink: Sink) -> None:
    """While both take mail one is killed: each mail with a 250 arrives, at most those in flight twice, and the dead one comes back."""
    one, two = site.gateways
    stop = asyncio.Event()
    plan = Plan(port=one.port, sessions=3, size_bytes=SMALL, give_up_s=10)
    loads = [
        asyncio.create_task(generate(msgspec.structs.replace(plan, port=gateway.port, size_bytes=size), stop=stop))
        for gateway in site.gateways
        for size in (SMALL, LARGE)
    ]
    await sink.wait(100, timeout_s=30)
    await to_thread(one.kill_all)
    await sink.wait(sink.count + 50, timeout_s=30)
    await to_thread(one.start)
    await sink.wait(sink.count + 50, timeout_s=30)
    stop.set()
    accepted = ids(*await asyncio.gather(*loads))
    await all_come(sink, accepted)
    twice = sum(count - 1 for count in Counter(mail.id for mail in sink.mails).values())
    assert twice <= DeliveryLimits().connections_per_route
    await until(lambda: two.answer("queue", "list") == [], "the queue is empty")
