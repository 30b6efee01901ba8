# SPDX-License-Identifier: Apache-2.0
"""A draft tried on the tracks of an intranet, the same on SQLite and on PostgreSQL."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.store_engines import engine  # noqa: F401
from contracts.track_mails import DAY, HOUR, NOON, Console, change, console, head, names, outcome  # noqa: F401
from gatepost.config.canonical import canonical
from gatepost.config.configuration import Configuration, OwnedDomain, SendConnector
from gatepost.config.rules import FilterUse, Rule
from gatepost.contracts.actor import Actor
from gatepost.errors import GatepostError
from gatepost.roles import replaying as room
from gatepost.roles.judgement import configuration_refusals
from gatepost.roles.replaying import Replaying, commands
from gatepost.rules.default import DEFAULT_RULES
from gatepost.tracking.partitions import first_key, key_of
from gatepost.tracking.recent import RecentHeads, read_head
from gatepost.tracking.record import FilterEntry
from gatepost.versioning.change import Versioning
from gatepost.versioning.draft import Drafts
from gatepost.versioning.edit import Put
from gatepost.versioning.store import Versions
from waiting import PATIENCE_S

ANN = Actor("ann", "console")
RULE = Rule(name="All other inbound mails", filters=(FilterUse(name="words"),))
SEED = Configuration(
    owned_domains=(OwnedDomain(name="example.com", recipients="any"),),
    send_connectors=(SendConnector(name="in", direction="inbound", smart_hosts=("mail.example.com",)),),
    rules=(RULE,),
)


def scored(at: float, points: float, **changes: Any) -> Any:
    """Give a mail with so many points for its words."""
    filters = (FilterEntry("words", points, points, 1, 0.1),)
    return head(at, configuration_version=1, filters=filters, scl=points, **changes)


@pytest.fixture
async def replaying(console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Replaying:  # noqa: F811
    """Give what tries drafts at NOON, over a version 1, and has time for it."""
    monkeypatch.setattr(room, "MOST_S", PATIENCE_S)
    versioning = Versioning(Versions(console.store, lambda: ()), configuration_refusals, clock=lambda: NOON)
    (tmp_path / "seed.toml").write_text(canonical(SEED))
    await versioning.begin(str(tmp_path / "seed.toml"))
    return Replaying(console.store, versioning, Drafts(console.store, versioning, DEFAULT_RULES), clock=lambda: NOON)


def threshold(points: float) -> Configuration:
    """Give a configuration with another threshold."""
    return msgspec.structs.replace(SEED, rules=(msgspec.structs.replace(RULE, threshold=points),))


async def test_the_last_days_mails_are_judged_anew(console: Console, replaying: Replaying) -> None:  # noqa: F811
    """Newest first, those before are left alone, outcomes that came later change nothing."""
    mails = [scored(NOON - hours * HOUR, 0.5 * hours) for hours in range(1, 7)]
    await console.tell(*(change(one) for one in mails), change(scored(NOON - DAY - 60, 9)), change(scored(NOON + 60, 9)))
    await console.tell(*(change(None, outcome(one)) for one in mails))
    told = await replaying.whole(threshold(2))
    assert (told.looked_at, told.same, told.otherwise, told.refused_now, told.undetermined) == (6, 3, 3, 3, 0)
    assert [one.track for one in told.mails] == names(mails[3:])
    assert (told.ended, told.not_looked_at, told.before - told.after) == ("whole", 0, DAY)
    told = await replaying.whole(threshold(2), after=NOON - 2 * DAY, before=NOON + HOUR)
    assert (told.looked_at, told.otherwise) == (8, 5)
    with pytest.raises(GatepostError, match="ends before it begins"):
        await replaying.whole(threshold(2), after=NOON, before=NOON - 1)


async def test_a_draft_is_tried(replaying: Replaying, console: Console) -> None:  # noqa: F811
    """Its author's, as it stands; over the private API a document or a draft."""
    await console.tell(change(scored(NOON - 60, 3)))
    await replaying.drafts.change(ANN, 0, Put(section="rules", entry=RULE.name, values={"threshold": 3}))
    answers = [told async for told in replaying.draft(ANN)]
    assert answers[-1].otherwise == 1
    ask = commands(replaying)["config.replay"]
    assert callable(ask)
    by_draft, by_document = await ask(author="ann"), await ask(document=canonical(threshold(3)))
    assert by_draft["mails"] == by_document["mails"]
    assert msgspec.json.encode(msgspec.msgpack.decode(msgspec.msgpack.encode(by_draft))) == msgspec.json.encode(by_draft)
    for wrong in ({}, {"author": "ann", "document": "x"}):
        with pytest.raises(GatepostError, match="name one of them"):
            await ask(**wrong)
    with pytest.raises(GatepostError, match=r"rules\[0\].filters"):
        await ask(document=canonical(msgspec.structs.replace(SEED, rules=(Rule(name="empty"),))))


async def test_it_ends_in_time_and_says_what_it_left(
    console: Console,  # noqa: F811
    replaying: Replaying,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At most so many tracks, or so many seconds; what lies beyond is counted."""
    await console.tell(*(change(scored(NOON - 60 - hours * 0.9 * HOUR, 0)) for hours in range(25)))
    monkeypatch.setattr(room, "_PAGE", 4)
    monkeypatch.setattr(room, "MOST_TRACKS", 10)
    told = await replaying.whole(threshold(2))
    assert (told.looked_at, told.ended, told.not_looked_at) == (10, "tracks", 15)
    monkeypatch.setattr(room, "MOST_TRACKS", 25)
    assert (await replaying.whole(threshold(2))).ended == "whole"
    monkeypatch.setattr(room, "MOST_S", 0.0)
    told = await replaying.whole(threshold(2))
    assert told.ended == "time" and told.looked_at + told.not_looked_at == 25
    monkeypatch.setattr(room, "_COUNTED", 3)
    assert (await replaying.whole(threshold(2))).not_looked_at == 3


async def test_it_tells_how_far_it_is(console: Console, replaying: Replaying, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Each answer knows more than the one before; who stops listening stops it, and the next does not wait for him."""
    await console.tell(*(change(scored(NOON - 60 * minutes, 0)) for minutes in range(1, 60)))
    monkeypatch.setattr(room, "_PAGE", 5)
    looked = [told.looked_at async for told in replaying.run(threshold(2))]
    assert looked == sorted(looked) and looked[-1] == 59 and len(looked) > 2
    run = replaying.run(threshold(2))
    assert (await anext(run)).ended == ""
    await run.aclose()
    async with asyncio.timeout(PATIENCE_S):
        assert (await replaying.whole(threshold(2))).looked_at == 59


async def test_no_mail_of_another_tenant_is_judged(console: Console, replaying: Replaying) -> None:  # noqa: F811
    """Two tenants, the same moment: each sees its own mails alone, in pages, in counts and in answers."""
    mine, theirs = scored(NOON - 60, 3), scored(NOON - 60, 3, tenant_id=7)
    await console.tell(change(mine), change(theirs))
    recent = RecentHeads(console.store)
    for tenant_id, own in ((0, mine), (7, theirs), (8, None)):
        pages = [page async for page in recent.pages(tenant_id, NOON - DAY, NOON, 10)]
        assert [key for page in pages for key, _ in page] == ([key_of(own.track)] if own else [])
        assert await recent.count(tenant_id, NOON - DAY, first_key(NOON), 10) == (own is not None)
        told = await replaying.whole(threshold(2), tenant_id=tenant_id)
        assert [one.track for one in told.mails] == ([own.track] if own else [])


async def test_damaged_and_dropped_details(console: Console, replaying: Replaying) -> None:  # noqa: F811
    """A track that cannot be read is counted apart; a day whose details were dropped has nothing to judge."""
    day = int(NOON // DAY)
    old, new = scored(NOON - 20 * HOUR, 3), scored(NOON - 60, 3)
    await console.tell(change(old), change(new))
    assert read_head(b"\x07") is None and read_head(b"\0\xc1") is None

    def drop(connection: Any, arguments: list[Any]) -> list[None]:
        console.service.applier.statements.drop_details(connection, day - 1)
        return [None]

    await console.store.perform(drop, None)
    assert (await replaying.whole(threshold(2))).looked_at == 1


async def test_corporate_users_in_the_data_are_looked_up(console: Console, replaying: Replaying) -> None:  # noqa: F811
    """Once for a page, folded; without a look-up the same mails are undetermined."""
    asks = msgspec.structs.replace(RULE, recipient_scope="corporate_addresses")
    domains = (OwnedDomain(name="example.com", recipients="list"),)
    configuration = msgspec.structs.replace(SEED, rules=(asks,), owned_domains=domains)
    await console.tell(
        change(scored(NOON - 60, 0, recipients=("Bob@example.com",))), change(scored(NOON - 70, 0, recipients=("eve@example.com",)))
    )
    assert (await replaying.whole(configuration)).undetermined == 2
    asked: list[Any] = []

    async def lookup(tenant_id: int, addresses: Any) -> dict[str, bool]:
        asked.append((tenant_id, sorted(addresses)))
        return {"bob@example.com": True}

    knowing = Replaying(console.store, replaying._versioning, replaying.drafts, lookup, clock=lambda: NOON)
    told = await knowing.whole(configuration)
    assert (told.same, told.otherwise, told.undetermined) == (1, 1, 0)
    assert asked == [(0, ["bob@example.com", "eve@example.com"])]


async def test_the_loop_is_not_held_up(console: Console, replaying: Replaying) -> None:  # noqa: F811
    """While 3,000 mails are judged anew, others get their turn all the time."""
    for start in range(0, 3000, 500):
        await console.tell(*(change(scored(NOON - 10 - number, 3)) for number in range(start, start + 500)))
    task, turns = asyncio.create_task(replaying.whole(threshold(2))), 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert (await task).otherwise == 3000
    assert turns > 100
