# SPDX-License-Identifier: Apache-2.0
"""An exported track that is imported is the same, on both engines; what is known stays as it is."""

import json
from typing import Any

import msgspec
import pytest

from contracts.store_engines import StoreEngine, engine  # noqa: F401
from contracts.track_mails import DAY, NOON, Console, change, console, head, open_days, outcome  # noqa: F401
from gatepost.tracking.import_file import ImportRefused
from gatepost.tracking.record import Status

MAILS = [
    head(NOON),
    head(NOON - 1.123456, recipients=("a@example.com", "b@example.com", "a@example.com"), subject="Größe “5”\u2026", scl=-0.1),
    head(NOON - 2, status=Status.PERMANENTLY_BLOCKED, reply="550 5.7.1 no", reason="spam", recipients=(), header_from=(), sender=""),
    head(NOON - 3, filters=(), operations=(), attachments=(), actions=(), message_id="", subject="", client="", tls_protocol=""),
    head(NOON - DAY, direction="outbound", status=Status.SUPPRESSED, signed=True, encrypted=True, size=10**12),
]


async def told(console: Console) -> list[str]:  # noqa: F811
    """Tell of the mails above and give their exports."""
    first, second = MAILS[:2]
    await console.tell(*map(change, MAILS))
    await console.tell(
        change(None, outcome(first, "deferred", after=0.3333333), outcome(first, "delivered", after=99.0)),
        change(None, outcome(second, "delivered", 0, 2), outcome(second, "bounced", 1, reply="550 5.1.1 unknown")),
    )
    return await console.service.export([mail.track for mail in MAILS])


async def test_a_round_trip_is_exact(console: Console, engine: StoreEngine, tmp_path) -> None:  # noqa: F811
    """Exported, imported elsewhere and exported again: the same bytes; what was narrowed by a search before is found there."""
    exported = await told(console)
    elsewhere = Console(StoreEngine("sqlite", tmp_path / "elsewhere", "sqlite").open("intranet"))
    try:
        counts = await elsewhere.service.import_([(number, 0, text) for number, text in enumerate(exported, 1)])
        assert counts == {"imported": len(MAILS), "known": 0}
        assert await elsewhere.service.export([mail.track for mail in MAILS]) == exported
        for mail in MAILS:
            assert await elsewhere.status(mail) == await console.status(mail)
        for asked in ({"between": ["b@example.com"]}, {"statuses": ["success"]}, {"subject": "größe", "after": 0.0}):
            assert await elsewhere.found(**asked) == await console.found(**asked) != []
    finally:
        await elsewhere.store.close()


async def test_what_is_known_stays_as_it_is(console: Console) -> None:  # noqa: F811
    """Also twice in one file; nothing is written twice."""
    exported = await told(console)
    before = [await console.track(mail) for mail in MAILS]
    documents = [(number, 0, text) for number, text in enumerate(exported * 2, 1)]
    assert await console.service.import_(documents) == {"imported": 0, "known": 2 * len(MAILS)}
    assert [await console.track(mail) for mail in MAILS] == before


async def test_a_track_without_details_is_carried_as_what_is_left(console: Console, tmp_path) -> None:  # noqa: F811
    """Its status, though no attempt is left to bear it out."""
    mail = head(NOON)
    await console.tell(change(mail, outcome(mail)))
    await console.service.upkeep.drop_before(int(NOON // DAY) + 1, only_details=True)
    (exported,) = await console.service.export([mail.track])
    document = json.loads(exported)
    assert (document["Status"], document["DetailsWereDeleted"], document["Filters"]) == ("Success", True, [])
    elsewhere = Console(StoreEngine("sqlite", tmp_path / "elsewhere", "sqlite").open("intranet"))
    try:
        await elsewhere.service.import_([(1, 0, exported)])
        assert await elsewhere.service.export([mail.track]) == [exported]
        assert await elsewhere.found(statuses=["success"]) == [mail.track]
    finally:
        await elsewhere.store.close()


async def test_one_bad_track_and_nothing_is_written(console: Console) -> None:  # noqa: F811
    """The others of its call neither; the sentence says which one and what."""
    await told(console)
    good, bad = head(NOON + 5), head(NOON + 6)
    texts = [_exported(good), _exported(bad, Status="Success")]
    with pytest.raises(
        ImportRefused, match=r"track 2 \(byte 77\): Status: is 'Success', by the rest of the track it would be 'DeliveryPending'"
    ):
        await console.service.import_([(1, 0, texts[0]), (2, 77, texts[1])])
    assert good.track not in await console.found()


def _exported(mail: Any, **changes: Any) -> str:
    from gatepost.tracking.export import encoded
    from gatepost.tracking.search_show import Track

    document = msgspec.json.decode(encoded(Track(mail, (), Status(mail.status))))
    return json.dumps({**document, **changes})
