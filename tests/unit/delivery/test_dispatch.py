# SPDX-License-Identifier: Apache-2.0
"""From a claim to its carrier."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.config.configuration import SendConnector
from gatepost.config.limits import DeliveryLimits
from gatepost.delivery import claimer as claimer_module
from gatepost.delivery import dispatch as dispatch_module
from gatepost.delivery import unsettled as unsettled_module
from gatepost.delivery.breaker import Breakers
from gatepost.delivery.dispatch import Dispatcher
from gatepost.delivery.lane import Lane
from gatepost.delivery.queue.record import Body, ClaimedMail, ClaimedRecipient, NewMail, Outcome, Settlement
from gatepost.delivery.route import NextHop, Route
from gatepost.delivery.routing import Routing, Unroutable
from gatepost.dns.twin import Twin
from gatepost.errors import StoreAway
from gatepost.message.addresses import Address
from gatepost.smtp.envelope import Envelope, Recipient

CONNECTORS = [
    SendConnector(name="a", direction="outbound", domains=("a.example", "*.a.example"), smart_hosts=("192.0.2.1",)),
    SendConnector(name="b", direction="outbound", domains=("b.example",), smart_hosts=("192.0.2.2",)),
    SendConnector(name="mx", direction="outbound", domains=("mx.example", "absent.example")),
]
ZONE = "mx.example MX 1 host.example\nhost.example A 192.0.2.3\n"
ROUTE_A = "outbound/a/opportunistic/192.0.2.1:25"
SOON_S = claimer_module.LONGEST_SLEEP_S / 2
"""A claimer that nobody wakes sleeps longer."""


def mail(number: int, *domains: str, size: int = 10, expires_at: float = 1e9, received_at: float = 0.0) -> ClaimedMail:
    """One claimed mail; its recipients' ids are ten times its number and on."""
    new = NewMail(f"t{number}", 0, "outbound", received_at, expires_at, "", "", Envelope(None), b"", Body(size, inline=b"x" * size))
    recipients = tuple(ClaimedRecipient(10 * number + place, 1, Recipient(Address("u", domain)), 0) for place, domain in enumerate(domains))
    return ClaimedMail(number, number, new, recipients)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeQueue:
    """Holds claims until they are asked for; keeps what was settled."""

    def __init__(self) -> None:
        self.due: list[ClaimedMail] = []
        self.due_at: float | None = None
        self.claims = 0
        self.settled: list[Settlement] = []
        self.trouble: Exception | None = None
        self.gives_back = False
        """Whether a released mail is due again."""
        self.known: dict[int, ClaimedMail] = {}
        self.asked_due = asyncio.Event()
        self.claimed_thrice = asyncio.Event()
        self.took_release = asyncio.Event()

    async def settle(self, settlement: Settlement) -> tuple[Outcome, ...]:
        if self.trouble is not None:
            raise self.trouble
        self.settled.append(settlement)
        if self.gives_back and settlement.outcomes[0].state == "released":
            self.due.append(self.known[settlement.mail_id])
        self.took_release.set()
        return ()

    async def claim(self, limit: int) -> list[ClaimedMail]:
        self.claims += 1
        if self.claims == 3:
            self.claimed_thrice.set()
        if self.trouble is not None:
            raise self.trouble
        taken, self.due = self.due[:limit], self.due[limit:]
        self.known.update({one.mail_id: one for one in taken})
        return taken

    async def next_due_at(self) -> float | None:
        self.asked_due.set()
        return self.due_at

    @property
    def released(self) -> list[int]:
        return [one.mail_id for one in self.settled if all(outcome.state == "released" for outcome in one.outcomes)]

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the dispatcher has no business with {name}")


@dataclass
class Stage:
    """A dispatcher with everything around it; `carried` are the mails whose delivery has begun."""

    limits: DeliveryLimits = field(default_factory=DeliveryLimits)
    breakers: Breakers = field(default_factory=lambda: Breakers(failures=1))
    carried: list[tuple[int, list[int]]] = field(default_factory=list)
    refused: list[tuple[int, Unroutable]] = field(default_factory=list)
    open: bool = False
    """Whether deliveries end at once; else each waits for `let`."""
    fault: Callable[[ClaimedMail], None] | None = None
    refuse_fault: Exception | None = None
    most: int = 0
    now: int = 0

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.queue = FakeQueue()
        self.gate = asyncio.Semaphore(0)
        self.dispatcher = Dispatcher(
            self.carry,
            self.refuse,
            Routing(CONNECTORS, Twin(ZONE)),
            self.queue,  # type: ignore[arg-type]
            self.limits,
            clock=self.clock,
            breakers=self.breakers,
        )

    async def carry(self, claim: ClaimedMail, route: Route) -> None:
        self.carried.append((claim.mail_id, [one.id for one in claim.recipients]))
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            if self.fault is not None:
                self.fault(claim)
            if not self.open:
                await self.gate.acquire()
        finally:
            self.now -= 1

    async def refuse(self, claim: ClaimedMail, why: Unroutable) -> None:
        self.refused.append((claim.mail_id, why))
        if self.refuse_fault is not None:
            raise self.refuse_fault

    def let(self, number: int = 1) -> None:
        """Let some deliveries end."""
        for _ in range(number):
            self.gate.release()

    async def warm(self) -> None:
        """Fill the routing's memory, so that offers are placed at once."""
        for domain in ("a.example", "x.a.example", "y.a.example", "z.a.example", "b.example", "mx.example"):
            await self.dispatcher.routing.route(mail(0, domain), domain)

    @property
    def ids(self) -> list[int]:
        return [number for number, _ in self.carried]


async def settle_down() -> None:
    """Let everything that can run without time passing run."""
    for _ in range(30):
        await asyncio.sleep(0)


@pytest.fixture
async def stages() -> AsyncIterator[Callable[..., Stage]]:
    made: list[Stage] = []

    def make(**limits: Any) -> Stage:
        made.append(Stage(limits=DeliveryLimits(**limits)))
        return made[-1]

    yield make
    for stage in made:
        stage.queue.trouble = None
        await stage.dispatcher.drain(0.0)


async def test_fresh_mail_goes_straight_to_its_carrier(stages: Callable[..., Stage]) -> None:
    """An offered mail is carried without a look into the queue, whether its route was known or not."""
    stage = stages()
    stage.open = True
    stage.dispatcher.offer(mail(1, "a.example"))
    stage.dispatcher.offer(mail(2, "mx.example"))
    await settle_down()
    stage.dispatcher.offer(mail(3, "a.example"))
    await settle_down()
    assert stage.ids == [1, 2, 3]
    assert stage.queue.claims == 0
    assert (stage.dispatcher.waiting, stage.dispatcher.in_flight) == (0, 0)


async def test_a_route_has_its_limit_and_others_their_own(stages: Callable[..., Stage]) -> None:
    """At most so many deliveries of one route run at one time; another route does not wait for them."""
    stage = stages(connections_per_route=3)
    await stage.warm()
    for number in range(10):
        stage.dispatcher.offer(mail(number, "a.example"))
    stage.dispatcher.offer(mail(99, "b.example"))
    await settle_down()
    assert stage.ids == [0, 1, 2, 99]
    assert stage.dispatcher.active(ROUTE_A) == 3
    stage.let(11)
    await settle_down()
    assert sorted(stage.ids) == [*range(10), 99]
    assert stage.most == 4


async def test_domains_of_a_route_take_turns(stages: Callable[..., Stage]) -> None:
    """A domain with much mail does not hold up another that shares its route."""
    stage = stages(connections_per_route=1)
    await stage.warm()
    for number, domain in enumerate(["x", "x", "x", "x", "y", "y", "z"]):
        stage.dispatcher.offer(mail(number, f"{domain}.a.example"))
    stage.let(7)
    await settle_down()
    assert stage.ids == [0, 4, 6, 1, 5, 2, 3]


async def test_recipients_with_one_route_travel_together(stages: Callable[..., Stage]) -> None:
    """A mail is split by route, not by domain, in one go when the routes are known and after DNS when not."""
    for warm in (True, False):
        stage = stages()
        stage.open = True
        if warm:
            await stage.warm()
        stage.dispatcher.offer(mail(1, "x.a.example", "b.example", "y.a.example", "mx.example"))
        await settle_down()
        assert sorted(stage.carried) == [(1, [10, 12]), (1, [11]), (1, [13])]


async def test_mail_without_a_way_is_refused(stages: Callable[..., Stage]) -> None:
    """Only the recipients that cannot be routed are refused, with the reason."""
    stage = stages()
    stage.open = True
    stage.dispatcher.offer(mail(1, "absent.example", "a.example"))
    stage.dispatcher.offer(mail(2, "nowhere.example"))
    await settle_down()
    assert stage.carried == [(1, [11])]
    assert sorted(stage.refused) == [
        (1, Unroutable(False, "550 5.1.2 The domain absent.example does not exist")),
        (2, Unroutable(True, "451 4.3.5 No send connector serves nowhere.example")),
    ]


async def test_a_failing_carrier_loses_neither_worker_nor_mail(stages: Callable[..., Stage], capsys: pytest.CaptureFixture[str]) -> None:
    """An exception is told as a surprise, its mail is refused for now, and the next mail goes on."""
    stage = stages(connections_per_route=1)
    stage.open = True
    await stage.warm()

    def fault(claim: ClaimedMail) -> None:
        if claim.mail_id == 1:
            raise ZeroDivisionError("a defect")

    stage.fault = fault
    for number in (1, 2):
        stage.dispatcher.offer(mail(number, "a.example"))
    await settle_down()
    assert stage.ids == [1, 2]
    assert stage.refused == [(1, dispatch_module.LOCAL_FAILURE)]
    written = capsys.readouterr().err
    assert "process.unexpected" in written
    assert "a defect" in written


async def test_a_mail_that_cannot_even_be_refused_is_released(stages: Callable[..., Stage], capsys: pytest.CaptureFixture[str]) -> None:
    """When refusing fails too, by defect or because the store is away, the mail goes back to the queue."""
    for error in (StoreAway("gone"), ZeroDivisionError("a second defect")):
        stage = stages()
        stage.refuse_fault = error
        stage.dispatcher.offer(mail(1, "nowhere.example"))
        await settle_down()
        assert stage.queue.released == [1]
    assert capsys.readouterr().err.count("process.unexpected") == 1


async def test_memory_is_bounded_and_shared(stages: Callable[..., Stage]) -> None:
    """A slow route takes half of the memory at most; another still finds room; what finds none is released."""
    stage = stages(memory_mails=20, connections_per_route=2)
    await stage.warm()
    for number in range(40):
        stage.dispatcher.offer(mail(number, "a.example"))
    await settle_down()
    # two are carried, half of the memory waits, the others went back
    assert stage.ids == [0, 1]
    slow = stage.dispatcher.waiting
    assert slow <= 11
    assert len(stage.queue.released) == 40 - 2 - slow
    for number in range(100, 120):
        stage.dispatcher.offer(mail(number, "b.example"))
    await settle_down()
    assert {100, 101} <= set(stage.ids)
    assert slow < stage.dispatcher.waiting <= 20
    assert len(stage.queue.released) + stage.dispatcher.waiting + stage.dispatcher.in_flight == 60


async def test_memory_is_bounded_in_bytes(stages: Callable[..., Stage]) -> None:
    """Large mails are kept out by their bytes, long before their number counts; what leaves makes room again."""
    stage = stages(memory_bytes=1000, connections_per_route=1)
    await stage.warm()
    for number in range(10):
        stage.dispatcher.offer(mail(number, "a.example", size=300))
    await settle_down()
    assert stage.dispatcher.waiting * 300 <= 1000
    kept = stage.dispatcher.waiting + 1
    assert len(stage.queue.released) == 10 - kept
    stage.let(kept)
    await settle_down()
    stage.dispatcher.offer(mail(20, "a.example", size=300))
    await settle_down()
    assert stage.ids[-1] == 20


async def test_no_memory_at_all_still_delivers(stages: Callable[..., Stage]) -> None:
    """With a memory of nothing, mails that find a free worker are carried, the others are released, none is stuck."""
    stage = stages(memory_mails=0, memory_bytes=0, connections_per_route=1)
    stage.dispatcher.offer(mail(0, "mx.example"))
    await settle_down()
    stage.dispatcher.offer(mail(1, "mx.example"))
    stage.dispatcher.offer(mail(2, "mx.example"))
    await settle_down()
    assert stage.ids == [0]
    assert stage.queue.released == [2]
    stage.let(2)
    await settle_down()
    assert stage.ids == [0, 1]


async def test_all_routes_together_have_a_limit_and_take_turns(stages: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch) -> None:
    """When all places are taken, lanes without a worker get the next ones in turn; no lane keeps a place for ever."""
    monkeypatch.setattr(dispatch_module, "CONNECTIONS", 2)
    stage = stages()
    await stage.warm()
    for number, domain in enumerate(["a.example"] * 4 + ["b.example"] * 2 + ["mx.example"]):
        stage.dispatcher.offer(mail(number, domain))
    for _ in range(7):
        await settle_down()
        assert stage.dispatcher.in_flight <= 2
        stage.let()
    await settle_down()
    assert sorted(stage.ids) == list(range(7))
    assert set(stage.ids[2:4]) == {4, 6}
    assert stage.most == 2
    assert stage.dispatcher.in_flight == 0


async def test_a_route_that_is_down_gets_one_probe(stages: Callable[..., Stage]) -> None:
    """With an open circuit mails go back to the queue until after the probe, uncounted; the probe's success lets all pass."""
    stage = stages()
    stage.open = True
    await stage.warm()
    stage.breakers.failed(ROUTE_A, "451 4.4.1 192.0.2.1 refuses connections", stage.clock.now)
    for number in range(3):
        stage.dispatcher.offer(mail(number, "a.example", received_at=990.0))
    stage.dispatcher.offer(mail(9, "b.example"))
    await settle_down()
    assert stage.ids == [9]
    outcomes = [one.outcomes[0] for one in stage.queue.settled]
    assert [(one.state, one.reply) for one in outcomes] == [("released", "451 4.4.1 192.0.2.1 refuses connections")] * 3
    assert all(1060.0 <= one.due_at <= 1067.0 for one in outcomes)
    stage.clock.now = 1060.0
    for number in range(3, 6):
        stage.dispatcher.offer(mail(number, "a.example"))
    await settle_down()
    assert stage.ids == [9, 3]
    assert len(stage.queue.released) == 5
    stage.breakers.reached(ROUTE_A)
    stage.dispatcher.offer(mail(7, "a.example"))
    await settle_down()
    assert stage.ids == [9, 3, 7]


async def test_mail_that_expires_while_its_route_is_down_is_given_up(stages: Callable[..., Stage]) -> None:
    """An open circuit keeps no mail beyond its time: what is over is refused with the route's last failure."""
    stage = stages()
    await stage.warm()
    stage.breakers.failed(ROUTE_A, "451 4.4.1 No answer", stage.clock.now)
    stage.dispatcher.offer(mail(1, "a.example", expires_at=1000.0))
    stage.dispatcher.offer(mail(2, "a.example", expires_at=1020.0))
    await settle_down()
    assert stage.refused == [(1, Unroutable(True, "451 4.4.1 No answer"))]
    assert [one.outcomes[0].due_at for one in stage.queue.settled] == [1020.0]


async def test_due_mail_is_claimed_at_the_start_and_when_told(stages: Callable[..., Stage]) -> None:
    """What is due is fetched at once; then the claimer sleeps until it is woken."""
    stage = stages()
    stage.open = True
    stage.queue.due = [mail(1, "a.example")]
    stage.dispatcher.start()
    await asyncio.wait_for(stage.queue.asked_due.wait(), SOON_S)
    await settle_down()
    assert stage.ids == [1]
    stage.queue.asked_due.clear()
    stage.queue.due = [mail(2, "a.example")]
    stage.dispatcher.wake()
    await asyncio.wait_for(stage.queue.asked_due.wait(), SOON_S)
    await settle_down()
    assert stage.ids == [1, 2]


async def test_due_mail_is_claimed_when_its_time_comes(stages: Callable[..., Stage]) -> None:
    """The claimer sleeps until the next recipient falls due, and no longer."""
    stage = stages()
    stage.open = True
    stage.queue.due_at = stage.clock.now + 0.1
    stage.dispatcher.start()
    await asyncio.wait_for(stage.queue.asked_due.wait(), SOON_S)
    stage.queue.asked_due.clear()
    stage.queue.due_at, stage.queue.due = None, [mail(1, "a.example")]
    await asyncio.wait_for(stage.queue.asked_due.wait(), SOON_S)
    await settle_down()
    assert stage.ids == [1]


async def test_nothing_is_claimed_while_much_waits(stages: Callable[..., Stage]) -> None:
    """Above the low-water mark the queue is left alone; as soon as memory drains it is read again."""
    stage = stages(memory_mails=4, connections_per_route=1)
    await stage.warm()
    for number, domain in enumerate(["a.example"] * 3 + ["b.example"] * 2 + ["mx.example"] * 2):
        stage.dispatcher.offer(mail(number, domain))
        await settle_down()
    assert stage.dispatcher.waiting == 4
    stage.queue.due = [mail(50, "a.example")]
    stage.dispatcher.start()
    await settle_down()
    assert stage.queue.claims == 0
    stage.let(3)
    await asyncio.wait_for(stage.queue.asked_due.wait(), SOON_S)
    stage.let(10)
    await settle_down()
    assert 50 in stage.ids


async def test_a_full_lane_is_filled_again_as_it_drains(stages: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch) -> None:
    """A backlog larger than memory flows: the pause after a claim without room ends when half of the lane is gone."""
    monkeypatch.setattr(claimer_module, "PAUSE_S", 3600.0)
    stage = stages(memory_mails=16, connections_per_route=2)
    await stage.warm()
    stage.queue.due = [mail(number, "a.example") for number in range(100)]
    stage.queue.gives_back = True
    stage.dispatcher.start()
    for _ in range(150):
        await settle_down()
        stage.let()
    assert sorted(stage.ids) == list(range(100))
    assert stage.queue.claims < 200


async def test_a_claim_that_mostly_comes_back_is_not_repeated_at_once(
    stages: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mail of a route that is down does not turn in a circle between queue and memory."""
    monkeypatch.setattr(claimer_module, "PAUSE_S", 3600.0)
    stage = stages()
    await stage.warm()
    stage.breakers.failed(ROUTE_A, "451 4.4.1 No answer", stage.clock.now)
    stage.queue.due = [mail(number, "a.example") for number in range(1000)]
    stage.dispatcher.start()
    await settle_down()
    stage.dispatcher.wake()
    await settle_down()
    assert stage.queue.claims == 1
    assert len(stage.queue.released) == claimer_module.LARGEST_BATCH


async def test_a_store_that_is_away_is_asked_again(
    stages: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Claims and releases go on when the store is back; the trouble is told once."""
    monkeypatch.setattr(claimer_module, "PAUSE_S", 0.01)
    monkeypatch.setattr(unsettled_module, "FIRST_RETRY_S", 0.01)
    stage = stages(memory_mails=0, connections_per_route=1)
    await stage.warm()
    stage.queue.trouble = StoreAway("the disk is gone")
    stage.dispatcher.start()
    for number in range(2):
        stage.dispatcher.offer(mail(number, "a.example"))
    await asyncio.wait_for(stage.queue.claimed_thrice.wait(), SOON_S)
    assert stage.queue.released == []
    stage.queue.trouble = None
    await asyncio.wait_for(stage.queue.asked_due.wait(), SOON_S)
    await asyncio.wait_for(stage.queue.took_release.wait(), SOON_S)
    assert stage.queue.released == [1]
    assert capsys.readouterr().err.count("store.trouble") == 1


async def test_an_outcome_is_recorded_when_the_store_is_back(stages: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch) -> None:
    """A delivery that the store could not record is neither lost nor made again: its settlement is repeated."""
    monkeypatch.setattr(unsettled_module, "FIRST_RETRY_S", 0.01)
    stage = stages()
    stage.queue.trouble = StoreAway("the disk is gone")
    claim = mail(1, "a.example")
    await stage.dispatcher.settle(claim, (Outcome(10, 1, "delivered"),))
    await settle_down()
    assert stage.queue.settled == []
    stage.queue.trouble = None
    await asyncio.wait_for(stage.queue.took_release.wait(), SOON_S)
    assert stage.queue.settled == [Settlement(1, 1, (Outcome(10, 1, "delivered"),))]


async def test_a_delivery_cancelled_while_it_is_recorded_is_recorded_first(stages: Callable[..., Stage]) -> None:
    """At the end of the process the outcome goes before the release, which is stale then."""
    stage = stages()
    recording, never = asyncio.Event(), asyncio.Event()

    async def slow(_: Settlement) -> tuple[Outcome, ...]:
        recording.set()
        await never.wait()
        return ()

    quick, stage.queue.settle = stage.queue.settle, slow  # type: ignore[method-assign]

    async def carry(claim: ClaimedMail, _: Route) -> None:
        await stage.dispatcher.settle(claim, (Outcome(10, 1, "delivered"),))

    stage.dispatcher._carry = carry
    stage.dispatcher.offer(mail(1, "a.example"))
    await asyncio.wait_for(recording.wait(), SOON_S)
    stage.queue.settle = quick  # type: ignore[method-assign]
    await stage.dispatcher.drain(0.0)
    assert [one.outcomes[0].state for one in stage.queue.settled] == ["delivered", "released"]


async def test_a_deferral_wakes_the_claimer(stages: Callable[..., Stage]) -> None:
    """What was deferred is asked for again, without waiting for the longest sleep to end."""
    stage = stages()
    stage.dispatcher.start()
    await asyncio.wait_for(stage.queue.asked_due.wait(), SOON_S)
    stage.queue.asked_due.clear()
    await stage.dispatcher.settle(mail(1, "a.example"), (Outcome(10, 1, "deferred", 1060.0),))
    await asyncio.wait_for(stage.queue.asked_due.wait(), SOON_S)


async def test_drain_ends_what_is_in_flight_and_releases_the_rest(stages: Callable[..., Stage]) -> None:
    """No new work is taken, deliveries under way end, and every other mail is back in the queue."""
    stage = stages(connections_per_route=2)
    await stage.warm()
    stage.dispatcher.start()
    for number in range(5):
        stage.dispatcher.offer(mail(number, "a.example"))
    await settle_down()
    drained = asyncio.ensure_future(stage.dispatcher.drain(30.0))
    await settle_down()
    stage.dispatcher.offer(mail(7, "a.example"))
    stage.dispatcher.offer(mail(8, "mx.example", "b.example"))
    assert not drained.done()
    stage.let(2)
    await asyncio.wait_for(drained, SOON_S)
    assert stage.ids == [0, 1]
    assert sorted(stage.queue.released) == [2, 3, 4, 7, 8]
    assert (stage.dispatcher.waiting, stage.dispatcher.in_flight) == (0, 0)


async def test_drain_cancels_what_does_not_end(stages: Callable[..., Stage]) -> None:
    """Deliveries that outlast the time, and mails that still wait for DNS, are released as well."""
    stage = stages(connections_per_route=1)
    await stage.warm()

    class Silent(Twin):
        async def mx(self, domain: str) -> Any:
            await asyncio.Event().wait()

    stage.dispatcher.offer(mail(1, "a.example"))
    await settle_down()
    stage.dispatcher.routing = Routing(CONNECTORS, Silent(""))
    stage.dispatcher.offer(mail(2, "mx.example"))
    await stage.dispatcher.drain(0.01)
    assert stage.ids == [1]
    assert sorted(stage.queue.released) == [1, 2]


@given(st.lists(st.sampled_from(["x", "y", "z"]), max_size=30))
def test_a_lane_loses_nothing_and_is_fair(domains: list[str]) -> None:
    """Everything put comes out once, in order within its domain, and no domain is served twice while another waits."""
    lane, route = Lane("r"), Route("r", "c", (NextHop("h", "192.0.2.1"),))
    for number, domain in enumerate(domains):
        lane.put(domain, mail(number, domain), route)
    assert (lane.mails, lane.bytes) == (len(domains), 10 * len(domains))
    left = {domain: domains.count(domain) for domain in set(domains)}
    taken: dict[str, list[int]] = {domain: [] for domain in left}
    since: dict[str, int] = dict.fromkeys(left, 0)
    while lane.mails:
        claim, _ = lane.take()
        domain = claim.recipients[0].recipient.address.domain
        taken[domain].append(claim.mail_id)
        left[domain] -= 1
        for other, waiting in left.items():
            since[other] = 0 if other == domain else since[other] + (waiting > 0)
            assert since[other] < 3
    assert (lane.mails, lane.bytes) == (0, 0)
    assert {domain: sorted(ids) for domain, ids in taken.items()} == taken
    assert sorted(number for ids in taken.values() for number in ids) == list(range(len(domains)))
