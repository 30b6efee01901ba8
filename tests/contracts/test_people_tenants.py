# SPDX-License-Identifier: Apache-2.0
"""Two tenants of one house: neither sees, changes or receives anything of the other, in the intranet and at a gateway."""

from typing import Any

from contracts.people_house import ANN, OTHER, House, Site, a_house, a_site, an_engine, form  # noqa: F401
from gatepost.people.answers import Faulty, Outdated, Saved
from gatepost.people.partner_search import PartnerCounts
from gatepost.people.record import FieldForm, Partner, PartnerAddressForm, PartnerForm, PartnerSettings
from gatepost.people.user_search import Search, UserCounts

TABLES = ("corporate_user", "corporate_address", "partner", "partner_address", "additional_field")


async def filled(house: House) -> list[Any]:
    """Give each tenant a row of each table, alike but for the owned domain; gives their users."""
    made = []
    for actor, domain in ((ANN, "a.example"), (OTHER, "other.example")):
        people, who = house.people, f"of {actor.tenant_id}"
        assert isinstance(await people.fields.save(actor, FieldForm("floor", who, who)), Saved)
        answer = await people.users.save(actor, form(f"jo@{domain}", name=who, fields={"floor": who}))
        assert isinstance(answer, Saved)
        made.append(answer.row)
        security = PartnerSettings("required" if actor is ANN else "opportunistic")
        assert isinstance(await people.partners.save(actor, PartnerForm("p.example", who, security, {"floor": who})), Saved)
        assert isinstance(await people.partners.save_address(actor, PartnerAddressForm("jo@p.example", who)), Saved)
    return made


async def test_no_question_answers_with_a_row_of_another_tenant(house: House) -> None:
    """Lists, single rows, counts, searches and what holds, of every table."""
    users = await filled(house)
    people = house.people
    for tenant_id in (0, 1):
        who, ours, theirs = f"of {tenant_id}", users[tenant_id], users[1 - tenant_id]
        assert (await people.users.search(Search(tenant_id))).users == (ours,)
        assert (await people.users.search(Search(tenant_id, theirs.display_name))).users == ()
        assert await people.users.counts(tenant_id) == UserCounts(1, 1, 1)
        assert await people.users.get(tenant_id, theirs.id) is None
        assert await people.users.find(tenant_id, theirs.default_address) is None
        assert [(one.label, one.default_value) for one in await people.fields.all(tenant_id)] == [(who, who)]
        assert [one.comment for one in (await people.partners.search(tenant_id)).partners] == [who]
        assert [one.display_name for one in (await people.partners.addresses(tenant_id, "p.example")).addresses] == [who]
        assert (await people.partners.get(tenant_id, "p.example")).comment == who  # type: ignore[union-attr]
        assert (await people.partners.address(tenant_id, "jo@p.example")).display_name == who  # type: ignore[union-attr]
        assert await people.partners.counts(tenant_id) == PartnerCounts(1, 1)
        assert (await people.partners.effective(tenant_id, "jo@p.example")).fields["floor"].value == who
    assert await people.partners.default(2) == Partner(domain="")
    assert (await people.users.counts(2), await people.fields.all(2)) == (UserCounts(0, 0, 0), [])


async def test_no_change_reaches_a_row_of_another_tenant(house: House) -> None:
    """An id, a domain or an address of another is one that does not exist; what is removed is removed of one alone."""
    ours, theirs = await filled(house)
    people = house.people
    assert await people.users.remove(OTHER, ours.id, 1) == Outdated(None)
    taken = await people.users.save(ANN, form("jo@other.example"), ours.id, 1)
    assert isinstance(taken, Faulty) and "none of your owned domains" in taken.faults[0].cause
    assert await people.users.save(OTHER, form("al@other.example"), ours.id, 1) == Outdated(None)
    await people.fields.remove(ANN, "floor", 1)
    await people.partners.remove(ANN, "p.example", 1)
    await people.users.remove(ANN, ours.id, 1)
    left = await house.store.ask(lambda connection: [connection.execute(f"SELECT tenant_id FROM {table}").fetchall() for table in TABLES])
    assert [[tuple(row) for row in rows] for rows in left] == [[(1,)]] * len(TABLES)
    assert (await people.users.get(1, theirs.id)).fields == {"floor": "of 1"}  # type: ignore[union-attr]
    assert {one.actor.tenant_id for one in house.audit} == {0, 1}


async def test_a_gateway_keeps_the_tenants_apart(house: House, site: Site) -> None:
    """An address is known and a partner's demand holds for the tenant alone whose it is, by changes as by pages."""
    await filled(house)
    for _ in range(2):
        await site.fetch_from(house, "east")
        for tenant_id, domain in ((0, "a.example"), (1, "other.example")):
            assert site.knows(f"jo@{domain}", tenant_id) is True
            assert site.knows(f"jo@{domain}", 1 - tenant_id) is None
        assert [site.roster.security(tenant_id, "p.example") for tenant_id in (0, 1, 2)] == ["required", "opportunistic", "default"]
        assert [site.roster.has_users(tenant_id) for tenant_id in (0, 1, 2)] == [True, True, False]
        await house.people.greet("east")
