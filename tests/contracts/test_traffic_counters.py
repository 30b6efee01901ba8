# SPDX-License-Identifier: Apache-2.0
"""The counters of traffic are what a recount over the tracks gives, on both engines, whatever came in whatever order."""

import random
from collections import Counter
from typing import Any

import msgspec
import pytest

from contracts.store_engines import StoreEngine, engine  # noqa: F401
from contracts.track_mails import DAY, HOUR, NOON, Console, change, console, head, open_days, outcome  # noqa: F401
from gatepost.errors import UsageError
from gatepost.storage.schema import migrations
from gatepost.tracking.codec import decode_change
from gatepost.tracking.record import FilterEntry, Status, TrackHead
from gatepost.tracking.store_details import unpack
from gatepost.tracking.traffic_backfill import TrafficBackfill

TODAY = int(NOON // DAY)
STATES = ("delivered", "deferred", "bounced", "dropped")


def points(*given: tuple[str, float]) -> tuple[FilterEntry, ...]:
    return tuple(FilterEntry(name, value, value, 1, 0.1) for name, value in given)


def some_mail(rng: random.Random) -> TrackHead:
    """Give a mail of any tenant, day, direction, size and verdict."""
    status = rng.choice([Status.DELIVERY_PENDING] * 4 + [*Status])
    refused = status in (Status.TEMPORARILY_BLOCKED, Status.PERMANENTLY_BLOCKED)
    return head(
        NOON - rng.randint(0, 3) * DAY - rng.randint(0, 11) * HOUR,
        tenant_id=rng.randint(0, 1),
        direction=rng.choice(("inbound", "outbound")),
        status=status,
        size=rng.choice((0, 900, 70_000, 1 << 40)),
        recipients=tuple(f"user{number}@example.com" for number in range(rng.randint(1, 3))),
        filters=points(*((name, rng.choice((-2.0, 0.0, 3.5))) for name in ("words", "reputation", "core") if rng.random() < 0.6)),
        count=rng.choice((1, 1, 17)) if refused else 1,
    )


async def counters(console: Console) -> tuple[Counter, Counter]:  # noqa: F811
    """Give the rows that are not 0: mails and bytes by place, refusals by filter."""

    def read(connection: Any) -> tuple[list[Any], list[Any]]:
        traffic = connection.execute("SELECT tenant_id, hour, direction, status, mails, bytes FROM traffic_hour").fetchall()
        return traffic, connection.execute("SELECT tenant_id, hour, filter, mails FROM refusal_hour").fetchall()

    traffic, refusals = await console.store.ask(read)
    assert all(row[4] >= 0 and row[5] >= 0 for row in traffic), traffic
    found: Counter = Counter()
    for tenant_id, hour, direction, status, mails, volume in traffic:
        if mails or volume:
            found[tenant_id, hour, direction, status] = (mails, volume)
    return found, Counter({(row[0], row[1], row[2]): row[3] for row in refusals if row[3]})


async def recount(console: Console) -> tuple[Counter, Counter]:  # noqa: F811
    """Count the tracks that are there, one by one."""

    def read(connection: Any) -> tuple[Counter, Counter]:
        sql, traffic, refusals = console.service.applier.statements, {}, Counter()
        tables = [f"_{name}" for name in day_names(sql.days(connection))] if console.store.engine == "sqlite" else [""]
        for table in tables:
            rows = connection.execute(
                f"SELECT tenant_id, track, sent_at, direction, status, mails, size FROM message_track{table}"
            ).fetchall()
            for tenant_id, track, sent_at, direction, status, mails, size in rows:
                hour = int(sent_at // HOUR)
                before = traffic.get((tenant_id, hour, direction, status), (0, 0))
                traffic[tenant_id, hour, direction, status] = (before[0] + mails, before[1] + min(size * mails, 1 << 36))
                if status in (3, 4):
                    parts = sql.details(connection, tenant_id, track)
                    told = decode_change(unpack(parts[0])).head if parts else None
                    names = {one.name for one in told.filters if one.points > 0} if told is not None else set()
                    refusals.update({(tenant_id, hour, name): mails for name in names or {""}})
        return Counter(traffic), refusals

    return await console.store.ask(read)


def day_names(days: Any) -> list[str]:
    from gatepost.tracking.partitions import suffix

    return [suffix(day) for day in days]


def several_changes(rng: random.Random, mails: list[TrackHead]) -> list[tuple[int, bytes]]:
    """Give heads and outcomes, alone and together, many of them twice, in any order."""
    told = []
    for mail in mails:
        outcomes = [
            outcome(mail, rng.choice(STATES), rng.randrange(len(mail.recipients)), after=float(number))
            for number in range(rng.randint(0, 3))
        ]
        together = rng.randint(0, len(outcomes))
        told.append(change(mail, *outcomes[:together]))
        told += [change(None, one) for one in outcomes[together:]]
    told += rng.sample(told, len(told) // 3)
    rng.shuffle(told)
    return told


async def tell_in_batches(console: Console, rng: random.Random, told: list[tuple[int, bytes]]) -> None:  # noqa: F811
    while told:
        some = rng.randint(1, 40)
        await console.tell(*told[:some])
        told = told[some:]


@pytest.mark.parametrize("seed", range(5))
async def test_the_counters_are_a_recount(console: Console, seed: int) -> None:  # noqa: F811
    """Heads, outcomes, both and repeats in any order and batches of any size."""
    rng = random.Random(seed)
    await tell_in_batches(console, rng, several_changes(rng, [some_mail(rng) for _ in range(120)]))
    assert await counters(console) == await recount(console)


async def make_old(console: Console) -> None:  # noqa: F811
    """Make the store one of before there were counters, and take the schema's step that brings them."""
    (step,) = (one for one in migrations("intranet", console.store.engine) if one.name == "0006_create_traffic")
    lines = [line for line in step.sql.splitlines() if not line.startswith("--")]
    tables = ("traffic_hour", "refusal_hour", "traffic_uncounted", "event_entry")

    def work(connection: Any, _: Any) -> list[None]:
        for text in [*(f"DROP TABLE {table}" for table in tables), *"\n".join(lines).split(";")]:
            if text.strip():
                connection.execute(text)
        return [None]

    await console.store.perform(work, None)


@pytest.mark.parametrize("seed", range(5))
async def test_old_tracks_are_counted_while_new_ones_come(console: Console, seed: int) -> None:  # noqa: F811
    """Slice by slice, each track once, though tracks on both sides of the mark come and change between any two slices."""
    rng = random.Random(1000 + seed)
    mails = [some_mail(rng) for _ in range(100)]
    told = several_changes(rng, mails)
    await tell_in_batches(console, rng, told[: len(told) // 2])
    await make_old(console)
    backfill = TrafficBackfill(console.store, slice_size=7)
    days = await backfill.days_left()
    told = told[len(told) // 2 :] + several_changes(rng, [some_mail(rng) for _ in range(20)] + rng.sample(mails, 30))
    slices = 0
    while await backfill.count():
        slices += 1
        await console.tell(*told[:5])
        told = told[5:]
    assert slices > days >= 4 and await backfill.days_left() == 0
    await tell_in_batches(console, rng, told)
    assert await counters(console) == await recount(console)


async def test_what_was_dropped_before_it_was_counted_is_not_missed(console: Console) -> None:  # noqa: F811
    """A day that goes takes its mark with it, and a day whose details went blames nobody."""
    refused = {"status": Status.PERMANENTLY_BLOCKED, "filters": points(("words", 4.0))}
    mails = [head(NOON - number * DAY, **refused) for number in range(3)]
    await console.tell(*(change(mail) for mail in mails))
    await make_old(console)
    await console.service.upkeep.drop_before(TODAY - 1)
    await console.service.upkeep.drop_before(TODAY, only_details=True)
    while await console.service.upkeep.backfill.count():
        pass
    traffic, refusals = await counters(console)
    assert (traffic, refusals) == await recount(console)
    assert sorted(key[2] for key in refusals) == ["", "words"]
    again = head(NOON - 2 * DAY)
    await console.tell(change(again))
    assert (await counters(console))[0][0, int(again.sent_at // HOUR), 0, Status.DELIVERY_PENDING] == (1, again.size)


async def test_imports_count(console: Console) -> None:  # noqa: F811
    """Whole tracks and those without details, once each."""
    mails = [head(NOON - number, status=Status.TEMPORARILY_BLOCKED if number % 2 else Status.DELIVERY_PENDING) for number in range(6)]
    await console.tell(*(change(mail, outcome(mail)) for mail in mails))
    exported = await console.service.export([mail.track for mail in mails])
    bare = await _without_details(console, mails)
    before = await counters(console)
    await console.service.upkeep.drop_before(TODAY + 1)
    assert await counters(console) == before, "dropping days of tracks leaves the counters"
    await _clear(console)
    if console.store.engine == "postgresql":
        await open_days(console, [TODAY])
    documents = [(number, 0, text) for number, text in enumerate([*exported[:3], *bare[3:]])]
    for _ in range(2):
        await console.service.import_(documents)
        assert await counters(console) == await recount(console)
    assert sum(mails for mails, _ in (await counters(console))[0].values()) == 6


async def _without_details(console: Console, mails: list[TrackHead]) -> list[str]:  # noqa: F811
    await console.service.upkeep.drop_before(TODAY + 1, only_details=True)
    return await console.service.export([mail.track for mail in mails])


async def _clear(console: Console) -> None:  # noqa: F811
    await console.store.perform(
        lambda connection, _: [connection.execute("DELETE FROM traffic_hour"), connection.execute("DELETE FROM refusal_hour")][:1], None
    )


async def test_a_series_has_each_step_and_each_fate(console: Console) -> None:  # noqa: F811
    """Steps without mail too; a tenant sees none of another's."""
    first = NOON - 3 * HOUR
    mails = [
        head(first),
        head(first + 60, direction="outbound", size=10),
        head(first + HOUR, status=Status.PERMANENTLY_BLOCKED, count=40, size=0),
        head(first + HOUR, status=Status.TEMPORARILY_BLOCKED),
        head(first + 2 * HOUR, status=Status.PUT_ON_HOLD),
        head(first, tenant_id=1),
        head(first + HOUR, tenant_id=1, status=Status.PERMANENTLY_BLOCKED),
    ]
    await console.tell(*(change(mail) for mail in mails), change(None, outcome(mails[1])))
    series = await console.service.traffic.series(first, NOON)
    assert [step.at for step in series.steps] == [first, first + HOUR, first + 2 * HOUR]
    one, two, three = series.steps
    assert (one.inbound.pending, one.inbound.bytes, one.outbound.delivered, one.outbound.pending, one.outbound.bytes) == (1, 4711, 1, 0, 10)
    assert (two.inbound.refused_permanently, two.inbound.refused_temporarily) == (40, 1)
    assert three.inbound.held == 1 and series.days_uncounted == 0
    (whole,) = (await console.service.traffic.series(first, NOON, 24)).steps
    assert (whole.inbound.pending, whole.inbound.refused_permanently, whole.inbound.bytes) == (1, 40, 3 * 4711)
    (other,) = (await console.service.traffic.series(first, NOON, 24, tenant_id=1)).steps
    assert (other.inbound.pending, other.inbound.refused_permanently, other.outbound.delivered) == (1, 1, 0)


async def test_refusals_name_who_gave_points(console: Console) -> None:  # noqa: F811
    """Each filter once a mail, nobody where none did, most first, and another tenant's not at all."""
    verdicts = [
        ({"filters": points(("words", 3.0), ("reputation", 2.0), ("core", -4.0)), "count": 5}, 0),
        ({"filters": points(("words", 4.0))}, 0),
        ({"filters": ()}, 0),
        ({"filters": points(("words", 4.0), ("a\0b", 1.0), ("x" * 500, float("nan")))}, 1),
    ]
    for given, tenant_id in verdicts:
        await console.tell(change(head(NOON, status=Status.PERMANENTLY_BLOCKED, tenant_id=tenant_id, **given)))
    await console.tell(change(head(NOON, filters=points(("words", 3.0)))))
    found = await console.service.traffic.refusals(NOON, NOON + 1)
    assert [(one.filter, one.mails) for one in found] == [("words", 6), ("reputation", 5), ("", 1)]
    other = await console.service.traffic.refusals(NOON - HOUR, NOON + 1, tenant_id=1)
    assert [(one.filter, one.mails) for one in other] == [("?", 1), ("words", 1)]
    assert await console.service.traffic.refusals(NOON - HOUR, NOON) == []


async def test_no_head_makes_a_counter_overflow(console: Console) -> None:  # noqa: F811
    """The largest that a gateway may tell, at impossible times: they count, and what comes after is applied."""
    most = {"size": 2**63 - 1, "count": 2**31 - 1, "status": Status.PERMANENTLY_BLOCKED}
    for at in (-1e300, 1e300, NOON):
        await console.tell(*(change(msgspec.structs.replace(head(NOON, **most), sent_at=at)) for _ in range(20)))
    assert await console.found(limit=100) != []
    (step,) = (await console.service.traffic.series(NOON, NOON + HOUR)).steps
    assert step.inbound.refused_permanently == 20 * (2**31 - 1) and step.inbound.bytes == 20 << 36


async def test_counters_go_when_their_time_is_over(console: Console) -> None:  # noqa: F811
    """Every tenant's, refusals too; the hour that is named and those after it stay."""
    for tenant_id in (0, 7):
        refused = head(NOON + 2 * HOUR, status=Status.PERMANENTLY_BLOCKED, tenant_id=tenant_id)
        await console.tell(change(head(NOON, tenant_id=tenant_id)), change(refused))
    assert await console.service.traffic.drop_before(NOON + HOUR) == 2
    assert await console.service.traffic.drop_before(NOON + 2 * HOUR) == 0
    assert await console.service.traffic.drop_before(NOON + 3 * HOUR) == 4
    assert await counters(console) == (Counter(), Counter())


async def test_dropping_years_of_counters_holds_up_no_mail(console: Console) -> None:  # noqa: F811
    """At most a month of one tenant goes in one transaction, so that tracks are written between."""
    await console.tell(*(change(head(NOON - days * DAY)) for days in range(0, 300, 10)))
    commits = console.store.writer.commits
    assert await console.service.traffic.drop_before(NOON + HOUR) == 30
    assert console.store.writer.commits - commits >= 10
    assert await counters(console) == (Counter(), Counter())


async def test_strays_from_before_the_counters_are_counted_too(engine: StoreEngine) -> None:  # noqa: F811
    """On PostgreSQL a day without partitions has a mark as well, and its tracks may move meanwhile."""
    console = Console(engine.open("intranet"))  # noqa: F811
    await console.tell(*(change(head(NOON + number)) for number in range(10)))
    await make_old(console)
    backfill = TrafficBackfill(console.store, slice_size=4)
    assert await backfill.count()
    await open_days(console, [TODAY])
    while await backfill.count():
        pass
    traffic, refusals = await counters(console)
    assert (traffic, refusals) == await recount(console) and sum(mails for mails, _ in traffic.values()) == 10


@pytest.mark.parametrize(
    "asked",
    [
        {"after": NOON, "before": NOON},
        {"after": NOON, "before": float("inf")},
        {"after": "today", "before": NOON},
        {"after": NOON - DAY, "before": NOON, "step_hours": 0},
        {"after": NOON - 365 * DAY, "before": NOON},
        {"after": 0.0, "before": NOON, "step_hours": 26_000},
    ],
)
async def test_a_period_that_is_none_is_refused(console: Console, asked: dict[str, Any]) -> None:  # noqa: F811
    """With a sentence, before anything is asked."""
    with pytest.raises(UsageError):
        await console.service.commands()["traffic.series"](**asked)  # type: ignore[operator]
