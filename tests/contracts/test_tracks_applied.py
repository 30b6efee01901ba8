# SPDX-License-Identifier: Apache-2.0
"""What gateways tell becomes tracks, on both engines: in any order, more than once, whatever else comes with it."""

import random

import msgspec
import pytest

from contracts.store_engines import engine  # noqa: F401
from contracts.track_mails import DAY, NOON, Console, change, console, head, name, outcome  # noqa: F401
from gatepost.replication.artefact import Artefact, Batch
from gatepost.tracking.record import Status, TrackHead


async def test_a_mail_and_its_delivery_come_as_one(console: Console) -> None:  # noqa: F811
    """All that the gateway told of it is there, and nothing else."""
    mail = head()
    await console.tell(change(mail, outcome(mail)))
    track = await console.track(mail)
    assert track.head == mail
    assert track.attempts == outcome(mail).attempts
    assert track.status is Status.SUCCESS and not track.details_were_deleted


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ([], "delivery_pending"),
        ([("deferred",)], "delivery_pending"),
        ([("deferred", 0), ("delivered", 0)], "partial_success"),
        ([("delivered",)], "success"),
        ([("delivered", 0), ("delivered", 1)], "success"),
        ([("bounced",)], "dispatcher_error"),
        ([("bounced", 0), ("dropped", 1)], "dispatcher_error"),
        ([("delivered", 0), ("bounced", 1)], "partial_success"),
        ([("delivered", 0), ("deferred", 1)], "partial_success"),
        ([("delivered", 0), ("deferred", 1), ("delivered", 1)], "success"),
        ([("delivered", 7)], "delivery_pending"),
        ([("transfigured",)], "delivery_pending"),
    ],
)
async def test_the_status_follows_from_the_recipients_fates(console: Console, told: list[tuple], status: str) -> None:  # noqa: F811
    """As the table in apply_fates says; a place or a state that nobody knows changes nothing."""
    mail = head(recipients=("bob@example.com", "carol@example.com"))
    outcomes = [outcome(mail, state, *places, after=float(number)) for number, (state, *places) in enumerate(told)]
    await console.tell(change(mail, *outcomes))
    assert await console.status(mail) == status


@pytest.mark.parametrize("status", [Status.TEMPORARILY_BLOCKED, Status.PERMANENTLY_BLOCKED, Status.SUPPRESSED, Status.DUPLICATE_DROP])
async def test_a_mail_that_was_not_taken_stays_so(console: Console, status: Status) -> None:  # noqa: F811
    """Whatever an outcome says."""
    mail = head(status=status)
    await console.tell(change(mail), change(None, outcome(mail)))
    assert await console.status(mail) == status.name.lower()


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_and_any_repetition_comes_to_the_same(console: Console, seed: int) -> None:  # noqa: F811
    """Heads after their outcomes, twice, in batches of any size: every attempt once, one status."""
    rng = random.Random(seed)
    mail = head(recipients=("a@example.com", "b@example.com", "c@example.com"))
    other = head(NOON - DAY)
    outcomes = [
        outcome(mail, "deferred", 0, 1, after=1.0),
        outcome(mail, "delivered", 2, after=1.5),
        outcome(mail, "bounced", 0, after=60.0, reply="550 5.1.1 unknown"),
        outcome(mail, "delivered", 1, after=61.0),
    ]
    changes = [change(mail), change(mail, outcomes[0]), change(other), *(change(None, one) for one in outcomes)]
    told = rng.sample(changes * 2, len(changes) * 2)
    while told:
        some = rng.randint(1, 5)
        await console.tell(*told[:some])
        told = told[some:]
    track = await console.track(mail)
    assert track.head == mail
    assert [one for part in outcomes for one in part.attempts] == sorted(track.attempts, key=lambda one: one.at)
    assert track.status is Status.PARTIAL_SUCCESS
    assert await console.status(other) == "delivery_pending"


async def test_an_outcome_waits_for_its_head(console: Console) -> None:  # noqa: F811
    """It shows nothing by itself, and is not lost."""
    mail = head()
    await console.tell(change(None, outcome(mail)))
    assert await console.found(track=mail.track) == []
    await console.tell(change(mail))
    assert await console.status(mail) == "success"
    assert len((await console.track(mail)).attempts) == 1


async def test_a_head_that_is_known_changes_nothing(console: Console) -> None:  # noqa: F811
    """The first one stands."""
    mail = head()
    await console.tell(change(mail))
    await console.tell(change(msgspec.structs.replace(mail, subject="Another")))
    assert (await console.track(mail)).head == mail


BAD = {
    "no msgpack": (0, b"\xff\xff"),
    "nothing told": (0, b"\x92\xc0\x90"),
    "another tenant's": (1, change(head())[1]),
    "no name": change(head(track="nobody")),
    "a name of the year 10889": change(head(track="V" * 24)),
    "a NUL": change(head(subject="a\0b")),
    "not finite": change(head(scl=float("nan"))),
    "too long a subject": change(head(subject="x" * 2000)),
    "an unknown status": change(head(status=77)),
    "an unknown direction": change(head(direction="sideways")),
    "a negative size": change(head(size=-1)),
    "small letters": change(head(track=name(NOON).lower())),
    "an outcome of another mail": change(head(), outcome(head(NOON + 1))),
    "an impossible time": change(None, outcome(head(), after=float("inf"))),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
async def test_what_is_no_track_is_counted_and_holds_up_nothing(
    console: Console,  # noqa: F811
    bad: tuple[int, bytes],
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The mails around it are there, and one event tells."""
    before, after = head(NOON), head(NOON + 1)
    await console.tell(change(before), bad, change(after))
    assert await console.found() == [after.track, before.track]
    told = [line for line in capfd.readouterr().err.splitlines() if '"tracking.refused"' in line]
    assert len(told) == 1 and '"tracks":1' in told[0]


async def test_a_batch_of_many_days_and_tenants_is_applied_whole(console: Console) -> None:  # noqa: F811
    """500 at once, as links bring them."""
    mails = [head(NOON - number * 1000.0, tenant_id=number % 3, message_id=f"<{number}@x.example>") for number in range(500)]
    await console.tell(*(change(mail, outcome(mail)) for mail in mails))
    for tenant_id in range(3):
        own = sorted((mail.track for mail in mails if mail.tenant_id == tenant_id), reverse=True)
        assert await console.found(tenant_id=tenant_id, limit=1000) == own


async def test_a_mail_to_a_thousand_keeps_them_all(console: Console) -> None:  # noqa: F811
    """Each is found, and each has a fate of its own."""
    mail = head(recipients=tuple(f"user{number}@example.com" for number in range(1000)))
    await console.tell(change(mail, outcome(mail, "delivered", *range(999)), outcome(mail, "bounced", 999)))
    assert await console.status(mail) == "partial_success"
    assert await console.found(between=["user999@example.com"]) == [mail.track]
    assert len((await console.track(mail)).head.recipients) == 1000


async def test_tracks_of_an_older_form_wait_and_are_converted(engine, capfd: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    """Form 0 is converted in slices, with progress; what cannot be is marked and does not hold up the others."""

    def from_0(payload: bytes) -> bytes:
        old = msgspec.json.decode(payload)
        return change(head(track=old["name"], subject=old["title"], sender=old["from"]))[1]

    converting = Console(engine.open("intranet"), converters={0: from_0})
    old = [name(NOON + number) for number in range(450)]
    payloads = [msgspec.json.encode({"name": one, "title": f"Old {number}", "from": "a@b.example"}) for number, one in enumerate(old)]
    waiting = head(NOON)
    waiting = msgspec.structs.replace(waiting, track=old[0])
    await converting.tell(*((0, payload) for payload in payloads), (0, b"no json"), form=0)
    await converting.tell(change(None, outcome(waiting)))
    assert await converting.service.progress() == {"waiting": 451, "refused": 0, "converted": 0}
    assert await converting.found() == []

    dealt = []
    while count := await converting.service.legacy.convert():
        dealt.append(count)
    assert dealt == [200, 200, 51]
    assert await converting.service.progress() == {"waiting": 0, "refused": 1, "converted": 450}
    assert await converting.found(limit=1000) == old[::-1]
    assert (await converting.track(waiting)).head.subject == "Old 0"
    assert await converting.status(waiting) == "success"


async def test_a_form_that_nobody_knows_refuses_the_batch(console: Console) -> None:  # noqa: F811
    """It stays with its gateway until this program is upgraded."""
    with pytest.raises(Exception, match="'track' in version 99"):
        await console.applier.apply(Batch("b" * 32, (Artefact(1, "track", 99, 0, NOON, b""),)))


async def test_details_may_be_dropped_before_the_summaries(console: Console) -> None:  # noqa: F811
    """Then the summary still tells, outcomes still count, and at last all of the day goes."""
    mail, later = head(NOON - 5 * DAY), head(NOON)
    await console.tell(change(mail), change(later))
    day = int(NOON // DAY) - 4
    assert await console.service.upkeep.drop_before(day, only_details=True) > 0
    await console.tell(change(None, outcome(mail)))
    track = await console.track(mail)
    assert track.details_were_deleted and track.status is Status.SUCCESS and track.attempts == ()
    assert (track.head.subject, track.head.recipients, track.head.filters) == (mail.subject, mail.recipients, ())
    assert not (await console.track(later)).details_were_deleted
    assert await console.service.upkeep.drop_before(day) > 0
    assert await console.found(limit=10) == [later.track]
    assert await console.service.upkeep.drop_before(day) == 0
    await console.tell(change(mail))  # it comes again: a day may be opened anew
    assert mail.track in await console.found(limit=10)


async def test_an_outcome_whose_head_never_came_goes_with_its_day(console: Console) -> None:  # noqa: F811
    """Nothing waits for ever."""
    mail: TrackHead = head(NOON - 5 * DAY)
    await console.tell(change(None, outcome(mail)))
    await console.service.upkeep.drop_before(int(NOON // DAY))
    await console.tell(change(mail))
    assert await console.status(mail) == "delivery_pending"
