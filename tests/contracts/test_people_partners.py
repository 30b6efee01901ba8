# SPDX-License-Identifier: Apache-2.0
"""Partners in the intranet's store, the same on SQLite and on PostgreSQL."""

import asyncio

import msgspec
import pytest

from contracts.people_house import ANN, BOB, House, a_house, an_engine  # noqa: F401
from gatepost.errors import UsageError
from gatepost.people.answers import Faulty, Outdated, Removed, Saved
from gatepost.people.partner_search import PartnerCounts
from gatepost.people.precedence import Resolved
from gatepost.people.record import FieldForm, Partner, PartnerAddressForm, PartnerForm, PartnerSettings
from gatepost.replication.outbox import Outbox

INHERITED, OPPORTUNISTIC, REQUIRED = PartnerSettings(), PartnerSettings("opportunistic"), PartnerSettings("required")


async def saved(house: House, domain: str, settings: PartnerSettings = INHERITED, revision: int = 0) -> Partner:
    """Save a domain entry."""
    answer = await house.people.partners.save(ANN, PartnerForm(domain, settings=settings), revision)
    assert isinstance(answer, Saved), answer
    return answer.row


async def test_a_setting_holds_from_the_nearest_level_that_says_it(house: House) -> None:
    """Address, domain, default, product; and for each it is told which level said it."""
    partners, fields = house.people.partners, house.people.fields
    await fields.save(ANN, FieldForm("contract", default_value="none"))

    async def held(name: str) -> tuple[Resolved, Resolved]:
        found = await partners.effective(0, name)
        return found.settings["connection_security"], found.fields["contract"]

    nothing = (Resolved("default", "product"), Resolved("none", "product"))
    assert await held("jo@p.example") == await held("p.example") == await held("nonsense") == nothing
    await saved(house, "", OPPORTUNISTIC)
    assert await held("jo@p.example") == (Resolved("opportunistic", "default"), Resolved("none", "product"))
    answer = await partners.save(ANN, PartnerForm("P.example", settings=REQUIRED, fields={"contract": "7"}))
    assert isinstance(answer, Saved)
    assert await held("JO@P.example") == await held("p.EXAMPLE") == (Resolved("required", "domain"), Resolved("7", "domain"))
    await partners.save_address(ANN, PartnerAddressForm("Jo@p.example", fields={"contract": "8"}))
    assert await held("jo@p.example") == (Resolved("required", "domain"), Resolved("8", "address"))
    assert await held("al@p.example") == (Resolved("required", "domain"), Resolved("7", "domain"))
    assert await held("jo@q.example") == (Resolved("opportunistic", "default"), Resolved("none", "product"))


async def test_the_default_is_there_before_anybody_has_entered_it(house: House) -> None:
    """It has revision 0 then, and is saved like any other entry; removed, it is the product's again."""
    partners = house.people.partners
    assert await partners.default(0) == await partners.get(0, "") == Partner(domain="")
    made = await saved(house, "", REQUIRED)
    assert await partners.default(0) == made
    assert (await partners.search(0)).partners == ()
    assert isinstance(await partners.save(ANN, PartnerForm("", settings=OPPORTUNISTIC)), Outdated)
    assert await partners.remove(ANN, "", 1) == Removed(made)
    assert await partners.default(0) == Partner(domain="")
    wrong = await partners.save(ANN, PartnerForm("", fields={"contract": "7"}))
    assert isinstance(wrong, Faulty) and wrong.faults[0].field == "fields"


async def test_what_is_wrong_with_a_partner_is_told_at_its_field(house: House) -> None:
    """Own domains are no partners, and what cannot be a domain or an address is none."""
    partners = house.people.partners
    for domain in ("a.example", "no domain", "192.0.2.1", "[192.0.2.1]", "@p.example"):
        answer = await partners.save(ANN, PartnerForm(domain, "x\x00", fields={"contract": "7"}))
        assert isinstance(answer, Faulty)
        assert [one.field for one in answer.faults] == ["domain", "comment", "fields.contract"]
    for address in ("jo@a.example", "p.example", "jo@[192.0.2.1]", ""):
        answer = await partners.save_address(ANN, PartnerAddressForm(address))
        assert isinstance(answer, Faulty)
        assert [one.field for one in answer.faults] == ["address"]
    assert await partners.counts(0) == PartnerCounts(0, 0)
    assert house.audit == []


async def test_of_two_who_change_a_partner_at_once_the_second_sees_the_change(house: House) -> None:
    """Exactly one change is made, of the domain as of an address."""
    partners = house.people.partners
    await saved(house, "p.example")
    answers = await asyncio.gather(
        partners.save(ANN, PartnerForm("p.example", "ann's"), 1), partners.save(BOB, PartnerForm("p.example", "bob's"), 1)
    )
    made, late = sorted(answers, key=lambda one: isinstance(one, Outdated))
    assert isinstance(made, Saved) and late == Outdated(made.row)
    for comment, revision, outcome in (("1", 0, Saved), ("2", 0, Outdated), ("2", 1, Saved), ("3", 1, Outdated)):
        answer = await partners.save_address(ANN, PartnerAddressForm("jo@p.example", comment=comment), revision)
        assert isinstance(answer, outcome)
    assert isinstance(await partners.remove_address(ANN, "jo@p.example", 1), Outdated)
    assert isinstance(await partners.remove_address(ANN, "Jo@p.example", 2), Removed)
    assert await partners.remove_address(ANN, "jo@p.example", 2) == await partners.remove_address(ANN, "x", 2) == Outdated(None)


async def test_an_address_brings_its_domain_and_goes_with_it(house: House) -> None:
    """The domain's entry counts its addresses; what goes with it stands in the audit."""
    partners = house.people.partners
    for local in ("jo", "al"):
        answer = await partners.save_address(ANN, PartnerAddressForm(f"{local}@p.example", local.title()))
        assert isinstance(answer, Saved)
    domain = await partners.get(0, "p.example")
    assert domain is not None and (domain.entries, domain.revision) == (2, 1)
    assert await partners.counts(0) == PartnerCounts(1, 2)
    assert isinstance(await partners.remove(BOB, "P.example", 1), Removed)
    assert await partners.counts(0) == PartnerCounts(0, 0)
    assert [(one.operation, one.subject) for one in house.audit] == [
        ("people.partner.add", "p.example"),
        ("people.partner_address.add", "jo@p.example"),
        ("people.partner_address.add", "al@p.example"),
        ("people.partner.remove", "p.example"),
    ]
    assert [one["address"] for one in house.audit[-1].before["addresses"]] == ["al@p.example", "jo@p.example"]


async def test_gateways_hear_only_of_what_they_need(house: House) -> None:
    """A comment, a field or an address is the intranet's own affair; a demand, its change and its end are told each gateway."""
    await house.people.fields.save(ANN, FieldForm("contract"))
    await saved(house, "p.example")
    await house.people.partners.save(ANN, PartnerForm("p.example", "note", fields={"contract": "7"}), 1)
    await house.people.partners.save_address(ANN, PartnerAddressForm("jo@p.example"))
    assert (await Outbox(house.store, "east").fetch()).artefacts == ()
    await saved(house, "p.example", REQUIRED, 2)
    await house.people.partners.remove(ANN, "p.example", 3)
    for gateway in house.gateways:
        told = [msgspec.msgpack.decode(one.payload) for one in (await Outbox(house.store, gateway).fetch()).artefacts]
        assert told == [[0, "p.example", {"connection_security": "required"}], [0, "p.example", None]]


async def test_partners_are_found_by_domain_and_by_address_page_by_page(house: House) -> None:
    """Each once, by their names; a cursor of nobody's making is refused."""
    partners = house.people.partners
    for number in range(5):
        await saved(house, f"p{number}.example")
    for local in ("Jo", "al", "xi"):
        await partners.save_address(ANN, PartnerAddressForm(f"{local}@q.example"))
    seen, cursor = [], ""
    while True:
        page = await partners.search(0, cursor=cursor, limit=2)
        seen += [one.domain for one in page.partners]
        if not (cursor := page.cursor):
            break
    assert seen == [*(f"p{number}.example" for number in range(5)), "q.example"]
    assert [one.domain for one in (await partners.search(0, "P3")).partners] == ["p3.example"]
    assert [one.domain for one in (await partners.search(0, "jo@q")).partners] == ["q.example"]
    first = await partners.addresses(0, "Q.example", limit=2)
    assert [one.address for one in first.addresses] == ["al@q.example", "jo@q.example"]
    second = await partners.addresses(0, "q.example", cursor=first.cursor, limit=2)
    assert ([one.address for one in second.addresses], second.cursor) == (["xi@q.example"], "")
    assert [one.address for one in (await partners.addresses(0, "q.example", "XI")).addresses] == ["xi@q.example"]
    with pytest.raises(UsageError, match="cursor"):
        await partners.search(0, cursor="?")


@pytest.mark.parametrize("nonsense", ["not a domain", "a..example", " ", "192.0.2.1"])
async def test_removing_what_is_no_domain_leaves_the_default_alone(house: House, nonsense: str) -> None:
    """Only the empty name stands for all partners; whatever cannot be read as a domain has no entry."""
    made = await saved(house, "", REQUIRED)
    assert await house.people.partners.remove(ANN, nonsense, made.revision) == Outdated(None)
    assert await house.people.partners.default(0) == made
