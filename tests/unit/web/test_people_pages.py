# SPDX-License-Identifier: Apache-2.0
"""The pages of people over a real store, without a browser: what is refused at its field, and two who change the same."""

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from console_site import Site, open_site
from gatepost.contracts.actor import Actor
from gatepost.people.answers import Saved
from gatepost.people.record import Attributes, FieldForm, PartnerAddressForm, PartnerForm, User, UserAddress, UserForm
from gatepost.versioning.edit import Put

ACTOR = Actor("ben", "cli")
PARTNERS = "/people/partners"
ENTRIES = PARTNERS + "/example.net/user-entries"


class Person:
    """Anna's browser, which keeps what a page's form sends."""

    def __init__(self, site: Site, browser: Any) -> None:
        self.site, self._browser = site, browser
        self.typed: dict[str, str] = {}

    async def look(self, path: str) -> str:
        """Open a page; what its form would send is remembered."""
        answer = await self._browser.get(path)
        assert answer.status_code == 200, path
        self.typed = sent_of(answer.text)
        return str(answer.text)

    async def send(self, path: str, status: int = 303, **values: str) -> str:
        """Send the form of the page that was opened, with other values."""
        answer = await self._browser.post(path, data={**self.typed, **values})
        assert answer.status_code == status, re.sub(r"<[^>]*>", " ", answer.text)
        if status != 303:
            self.typed = sent_of(answer.text)
        return html.unescape(str(answer.text))


def sent_of(page: str) -> dict[str, str]:
    """Give what the page's form sends, as a browser would."""
    form = max(re.findall(r"(?s)<form method=\"post\".*?</form>", page), key=len)
    found = {}
    for tag in re.findall(r"<input [^>]*>", form):
        of = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if of.get("type") != "checkbox" or " checked" in tag:
            found[of["name"]] = html.unescape(of.get("value", "on"))
    for name, text in re.findall(r'(?s)<textarea [^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form):
        found[name] = html.unescape(text)
    for name, options in re.findall(r'(?s)<select [^>]*name="([^"]+)"[^>]*>(.*?)</select>', form):
        found[name] = re.findall(r'value="([^"]*)" selected', options)[0]
    return found


@pytest.fixture(name="anna")
async def of_anna(tmp_path: Path) -> AsyncIterator[Person]:
    """Sign her in."""
    async with open_site(tmp_path) as site, site.client(cookie=await site.cookie("anna")) as browser:
        yield Person(site, browser)


async def a_user(site: Site) -> User:
    """Add somebody."""
    answer = await site.house.people.users.save(ACTOR, UserForm("Jo", (UserAddress("jo@example.com"),)))
    assert isinstance(answer, Saved)
    return answer.row


# --- what is refused --------------------------------------------------------------------------------------------------------------


async def test_a_user_entry_is_of_its_partners_domain(anna: Person):
    """One of another domain is told at its field, however it is written, and makes no other partner."""
    partners = anna.site.house.people.partners
    await partners.save(ACTOR, PartnerForm("example.net"))
    await anna.look(ENTRIES + "/-/add")
    for foreign in ("eve@third.example", "eve@sub.example.net", "eve@example.com"):
        page = await anna.send(ENTRIES + "/-/add", 400, address=foreign, display_name="Eve")
        assert f'id="address-fault">{foreign.partition("@")[2]} is' in page
        assert 'value="Eve"' in page
    assert [one.domain for one in (await partners.search(0)).partners] == ["example.net"]
    assert 'id="address-fault">' in await anna.send(ENTRIES + "/-/add", 400, address="eve")
    await anna.send(ENTRIES + "/-/add", address="Eve@EXAMPLE.net")
    assert (await partners.addresses(0, "example.net")).addresses[0].address == "eve@example.net"


async def test_a_user_entry_is_removed_on_its_partners_page_alone(anna: Person):
    """What is sent to another partner's page removes nothing."""
    partners = anna.site.house.people.partners
    await partners.save_address(ACTOR, PartnerAddressForm("eve@third.example"))
    await partners.save(ACTOR, PartnerForm("example.net"))
    await anna.look(ENTRIES + "/-/add")
    await anna.send(ENTRIES + "/-/remove", 404, address="eve@third.example", revision="1")
    assert await partners.address(0, "eve@third.example") is not None


@pytest.mark.parametrize("domain", ["", " "])
async def test_a_partner_without_a_domain_is_told_so(anna: Person, domain: str):
    """The settings of all partners have an empty domain; who leaves a field empty does not mean them."""
    await anna.look(PARTNERS + "/-/add")
    page = await anna.send(PARTNERS + "/-/add", 400, domain=domain, comment="kept")
    assert 'id="domain-fault">is missing' in page and ">kept</textarea>" in page
    assert (await anna.site.house.people.partners.default(0)).revision == 0


async def test_every_fault_of_an_additional_field_is_told_at_once(anna: Person):
    """Its place is no number, its name is none: both are told, and nothing is saved."""
    for path in ("/people/additional-fields/-/add",):
        await anna.look(path)
        page = await anna.send(path, 400, name="Wrong Name", place="first", label="x" * 201)
        assert re.findall(r'id="([a-z_]+)-fault">([^;<]+)', page) == [
            ("name", "'Wrong Name' is no name of a field"),
            ("label", "it has 201 characters"),
            ("place", "is not a whole number"),
        ]
    assert await anna.site.house.people.fields.all(0) == []


# --- two who change the same ------------------------------------------------------------------------------------------------------


async def test_fields_of_one_user_that_two_people_change_are_merged(anna: Person):
    """Each changes another field: both hold, and nobody is asked."""
    user = await a_user(anna.site)
    path = f"/people/corporate-users/{user.id}"
    await anna.look(path)
    await anna.site.house.people.users.save(ACTOR, UserForm("Joanna", user.addresses, enabled=False), user.id, user.revision)
    await anna.send(path, **{"attributes.surname": "Doe"})
    now = await anna.site.house.people.users.get(0, user.id)
    assert now is not None
    assert (now.display_name, now.enabled, now.attributes.surname) == ("Joanna", False, "Doe")


async def test_who_saves_anyway_overwrites_only_what_he_has_touched(anna: Person):
    """Of a real conflict the page shows both; what he never touched is as it is saved, on the page and after it."""
    user = await a_user(anna.site)
    path = f"/people/corporate-users/{user.id}"
    await anna.look(path)
    his = UserForm("Joanna", user.addresses, attributes=Attributes(surname="Roe", title="Dr"))
    await anna.site.house.people.users.save(ACTOR, his, user.id, user.revision)
    page = await anna.send(path, 409, **{"attributes.surname": "Doe"})
    shown = re.findall(r'<tr><th scope="row">([^<]+)</th><td>([^<]*)</td><td>([^<]*)</td>', page)
    assert shown == [("Surname", "Doe", "Roe")]
    assert anna.typed["display_name"] == "Joanna" and anna.typed["attributes.title"] == "Dr"
    await anna.send(path)
    now = await anna.site.house.people.users.get(0, user.id)
    assert now is not None
    assert (now.display_name, now.attributes.surname, now.attributes.title) == ("Joanna", "Doe", "Dr")


async def test_each_page_of_people_merges(anna: Person):
    """A partner's user entry, an additional field, a user's address, an owned domain: what each touched holds."""
    people = anna.site.house.people
    await people.partners.save_address(ACTOR, PartnerAddressForm("eve@example.net", "Eve"))
    await anna.look(ENTRIES + "/eve%40example.net")
    await people.partners.save_address(ACTOR, PartnerAddressForm("eve@example.net", "Eva"), 1)
    await anna.send(ENTRIES + "/eve%40example.net", comment="ours")
    entry = await people.partners.address(0, "eve@example.net")
    assert entry is not None and (entry.display_name, entry.comment) == ("Eva", "ours")

    await people.fields.save(ACTOR, FieldForm("phone", "Phone", "1", 1))
    await anna.look("/people/additional-fields/phone")
    await people.fields.save(ACTOR, FieldForm("phone", "Telephone", "1", 1), 1)
    await anna.send("/people/additional-fields/phone", default_value="2")
    (field,) = await people.fields.all(0)
    assert (field.label, field.default_value) == ("Telephone", "2")

    user = await a_user(anna.site)
    path = f"/people/corporate-users/{user.id}/email-addresses/jo%40example.com"
    await anna.look(path)
    await people.users.save(ACTOR, UserForm("Jo", (UserAddress("jo@example.com", True, False),)), user.id, user.revision)
    await anna.send(path, address="joe@example.com")
    now = await people.users.get(0, user.id)
    assert now is not None and [(one.address, one.enabled) for one in now.addresses] == [("joe@example.com", False)]

    await anna.look("/people/owned-domains/example.com")
    put = Put(section="owned_domains", entry="example.com", values={"notice_sender": "a@example.com"})
    await anna.site.rooms.drafts.change(Actor("anna", "console"), 0, put)
    await anna.send("/people/owned-domains/example.com", administrative_address="b@example.com")
    (domain,) = (await anna.site.rooms.drafts.view(Actor("anna", "console"))).configuration.owned_domains
    assert (domain.notice_sender, domain.administrative_address) == ("a@example.com", "b@example.com")


async def test_a_removal_of_what_somebody_has_changed_is_not_made(anna: Person):
    """What was not seen is not removed, whatever the form carries."""
    await anna.look("/people/owned-domains/example.com")
    mine = dict(anna.typed)
    put = Put(section="owned_domains", entry="example.com", values={"notice_sender": "a@example.com"})
    await anna.site.rooms.drafts.change(Actor("anna", "console"), 0, put)
    anna.typed = {name: mine[name] for name in ("form_token", "revision", "was")}
    await anna.send("/people/owned-domains/example.com/remove")
    assert len((await anna.site.rooms.drafts.view(Actor("anna", "console"))).configuration.owned_domains) == 1
