# SPDX-License-Identifier: Apache-2.0
"""People on their way to a gateway: told once or twice, alone or in pages, the gateway ends with what holds."""

import timeit
import tracemalloc
from typing import Any

import pytest

from contracts.people_house import ANN, OTHER, House, Site, a_house, a_site, an_engine, form  # noqa: F401
from contracts.test_people_users import fill
from gatepost.errors import StoreError
from gatepost.message.addresses import Address
from gatepost.people import apply
from gatepost.people.answers import Saved
from gatepost.people.greeting import Greeting, _Turn
from gatepost.people.record import PartnerForm, PartnerSettings, User
from gatepost.people.roster import Roster
from gatepost.people.shipping import BEGIN, USER, USERS
from gatepost.replication.artefact import Artefact, Batch
from gatepost.replication.outbox import Outbox

REQUIRED = PartnerSettings("required")


async def added(house: House, *addresses: str, **values: Any) -> User:
    """Add a user."""
    answer = await house.people.users.save(ANN, form(*addresses, **values))
    assert isinstance(answer, Saved), answer
    return answer.row


async def test_a_gateway_knows_each_change_in_turn(house: House, site: Site) -> None:
    """Added, disabled, renamed, removed: after each it says of every address what the intranet says."""
    users = house.people.users
    jo = await added(house, "Jo@A.example", "-sales@a.example")
    await site.fetch_from(house, "east")
    assert [site.knows(one) for one in ("JO@a.example", "sales@a.example", "al@a.example")] == [True, False, None]
    for wanted, known in (
        (form("jo@a.example", "sales@a.example", enabled=False), [False, False, None]),
        (form("jo@a.example", "al@a.example"), [True, None, True]),
    ):
        revision = (await users.get(0, jo.id)).revision  # type: ignore[union-attr]
        assert isinstance(await users.save(ANN, wanted, jo.id, revision), Saved)
        await site.fetch_from(house, "east")
        assert [site.knows(one) for one in ("jo@a.example", "sales@a.example", "al@a.example")] == known
    mark = site.roster.mark
    await users.remove(ANN, jo.id, 3)
    await site.fetch_from(house, "east")
    assert [site.knows(one) for one in ("jo@a.example", "sales@a.example", "al@a.example")] == [None] * 3
    assert mark and not site.roster.mark and not site.roster.has_users(0)
    assert await site.tables() == ([], [])


async def test_what_comes_twice_is_applied_once(house: House, site: Site) -> None:
    """The tables, the memory and its mark are as after the first time, also when the numbers are another store's."""
    await added(house, "jo@a.example", "-al@a.example")
    await house.people.partners.save(ANN, PartnerForm("p.example", settings=REQUIRED))
    batch = await Outbox(house.store, "east").fetch()
    await site.applier.apply(batch)
    before, mark = await site.tables(), site.roster.mark
    await site.applier.apply(batch)
    await site.applier.apply(Batch("another", batch.artefacts))
    assert (await site.tables(), site.roster.mark) == (before, mark)
    assert before == ([(0, "al@a.example", 0), (0, "jo@a.example", 1)], [(0, "p.example", '{"connection_security":"required"}')])


async def test_a_gateway_that_joins_gets_all_and_loses_what_is_gone(house: House, site: Site) -> None:
    """Pages of two: who was removed while it was away is unknown then, at the pages' ends too, and nobody was unknown meanwhile."""
    made = [await added(house, f"u{number}@a.example") for number in range(7)]
    other = await house.people.users.save(OTHER, form("x@other.example"))
    assert isinstance(other, Saved)
    for domain in ("p.example", "q.example", "r.example"):
        await house.people.partners.save(ANN, PartnerForm(domain, settings=REQUIRED))
    await site.fetch_from(house, "east")
    house.gateways = ["west"]
    for user in sorted(made, key=lambda one: one.id)[::3]:
        await house.people.users.remove(ANN, user.id, 1)
    await house.people.users.remove(OTHER, other.row.id, 1)
    await house.people.partners.remove(ANN, "q.example", 1)
    left = sorted(await addresses_of(house))
    house.gateways = ["east", "west"]
    await Greeting(house.people.users._ledger, rows=2).greet("east")
    waiting = (await Outbox(house.store, "east").fetch()).artefacts
    assert [one.kind for one in waiting] == [USERS] * 3 + ["partners"] * 2
    for one in waiting:
        await site.applier.apply(Batch("house", (one,)))
        assert all(site.knows(address) for address in left)
    assert [row[1] for row in (await site.tables())[0]] == left
    assert [row[1] for row in (await site.tables())[1]] == ["p.example", "r.example"]
    assert site.roster.security(0, "q.example") == "default"


async def addresses_of(house: House) -> list[str]:
    """Give all addresses that the intranet has."""
    rows: list[Any] = await house.store.ask(lambda connection: connection.execute("SELECT address FROM corporate_address").fetchall())
    return [row[0] for row in rows]


async def test_changes_between_the_pages_are_not_lost(house: House, site: Site) -> None:
    """Users who come, go and give an address to another between the pages of a greeting: the gateway ends with what holds."""
    made = [await added(house, f"u{number}@a.example", f"v{number}@a.example") for number in range(20)]
    made.sort(key=lambda one: one.id)
    greeting, users = Greeting(house.people.users._ledger, rows=3), house.people.users
    house.gateways.append("north")
    first, last = made[0], made[-1]
    given, after = first.addresses[1].address, BEGIN
    for step in range(8):
        if step == 2:
            assert isinstance(await users.save(ANN, form(first.default_address), first.id, 1), Saved)
            assert isinstance(await users.save(ANN, form(last.default_address, given), last.id, 1), Saved)
        elif step in (3, 4):
            await users.remove(ANN, made[step - 2].id, 1)
            await users.remove(ANN, made[step + 12].id, 1)
            await added(house, f"new{step}@a.example")
        after = await house.store.perform(greeting._users, _Turn("north", after))
        if after is None:
            break
    await site.fetch_from(house, "north")
    assert [row[1] for row in (await site.tables())[0]] == sorted(await addresses_of(house))
    assert site.knows(given) is True


async def test_a_page_may_be_sent_again_after_a_kill(house: House, site: Site) -> None:
    """A greeting that was cut short is begun anew; what was told of it already changes nothing."""
    for number in range(10):
        await added(house, f"u{number}@a.example")
    greeting = Greeting(house.people.users._ledger, rows=3)
    house.gateways = ["east", "west", "south"]
    await house.store.perform(greeting._users, _Turn("south", BEGIN))
    await added(house, "late@a.example")
    await greeting.greet("south")
    await site.fetch_from(house, "south")
    assert [row[1] for row in (await site.tables())[0]] == sorted(await addresses_of(house))


async def test_what_cannot_be_read_changes_nothing(house: House, site: Site) -> None:
    """The batch is refused whole, with a sentence."""
    await added(house, "jo@a.example")
    (good,) = (await Outbox(house.store, "east").fetch()).artefacts
    bad = Artefact(good.sequence + 1, USER, 1, 0, 0.0, b"\xc1")
    with pytest.raises(StoreError, match="tells nothing of people"):
        await site.applier.apply(Batch("house", (good, bad)))
    assert await site.tables() == ([], [])


async def test_gateways_that_share_a_store_catch_up_from_the_log(house: House, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """One applies, the other reads what was changed; where the log does not reach back so far it reads all."""
    neighbour = Roster(site.store)
    await neighbour.load()
    jo = await added(house, "jo@a.example", "-al@a.example")
    await house.people.partners.save(ANN, PartnerForm("", settings=REQUIRED))
    await site.fetch_from(house, "east")
    renewed = await neighbour.refresh()
    assert renewed == (True, True)
    assert [neighbour.listed(0, Address(local, "a.example")) for local in ("jo", "al", "xi")] == [True, False, None]
    assert (neighbour.security(0, "any.example"), neighbour.mark) == ("required", site.roster.mark)
    assert await neighbour.refresh() == (False, False)
    monkeypatch.setattr(apply, "KEPT", 1)
    await house.people.users.remove(ANN, jo.id, 1)
    await site.fetch_from(house, "east")
    assert await neighbour.refresh() == (True, True)
    assert neighbour.listed(0, Address("jo", "a.example")) is None
    assert (neighbour.mark, neighbour.security(0, "x.example")) == (0, "required")


async def test_a_hundred_thousand_users_join_in_batches(house: House, site: Site) -> None:
    """Of them the intranet holds one page in memory, and the gateway's memory answers for each address in a microsecond."""
    await house.store.perform(lambda connection, _: [fill(house, connection, 100_000)], None)
    tracemalloc.start()
    try:
        await house.people.greet("east")
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
    await site.fetch_from(house, "east")
    assert site.knows("user.99999@b.example") is True
    listed, address = site.roster.listed, Address("Nobody", "a.example")
    assert min(timeit.repeat(lambda: listed(0, address), number=10_000, repeat=5)) / 10_000 < 1e-6
