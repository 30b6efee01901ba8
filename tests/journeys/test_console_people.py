# SPDX-License-Identifier: Apache-2.0
"""People and identities in a real browser: owned domains, corporate users, partners, additional user fields; two at once; who may not."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from browser import Keyboard, assert_fits, axe, fresh_page, the_browser, the_page, the_phone  # noqa: F401
from console_door import Door, open_console
from console_site import open_site
from gatepost.config.configuration import OwnedDomain
from gatepost.contracts.actor import Actor
from gatepost.people.answers import Saved
from gatepost.people.record import UserAddress, UserForm
from gatepost.testing.gateway import relay_all_to
from gatepost.testing.ports import free_port
from pictures import picture

pytestmark = pytest.mark.asyncio(loop_scope="session")

MANY = 55
"""Users of the fixture: more than one page shows."""


@pytest_asyncio.fixture(name="door", scope="module", loop_scope="session")
async def the_door(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    """Run a gateway with its console: one owned domain, an additional field, many users, a partner with a user entry."""
    domains = (OwnedDomain(name="example.com", recipients="list", administrative_address="postmaster@example.com"),)
    configuration = msgspec.structs.replace(relay_all_to(free_port()), owned_domains=domains)
    async with open_console(tmp_path_factory.mktemp("people"), configuration) as door:
        await asyncio.to_thread(fill, door)
        yield door


def fill(door: Door) -> None:
    """Enter whom the tests find there."""

    def enter(do: str, **what: Any) -> None:
        assert door.ask(do, author="test", **what)["outcome"] == "saved"

    enter("people.field.save", field={"name": "phone", "label": "Phone", "default_value": "+49 30 1000", "place": 1})
    for number in range(MANY):
        user = {"display_name": f"Clerk {number:02}", "addresses": [{"address": f"clerk{number:02}@example.com"}]}
        enter("people.user.save", user=user)
    addresses = [{"address": "jo.doe@example.com"}, {"address": "sales@example.com"}]
    enter("people.user.save", user={"display_name": "Jo Doe", "addresses": addresses})
    enter("people.partner.save", partner={"domain": "partner.example", "comment": "Our printer"})
    enter("people.partner_address.save", address={"address": "anna@partner.example", "display_name": "Anna Partner"})


async def walk(page: Page, *labels: str) -> None:
    """Go through the navigation by its labels, area by area."""
    place: Locator = page.get_by_role("navigation", name="Pages")
    for area in labels[:-1]:
        place = place.locator("li", has=page.get_by_text(area, exact=True)).last
    await place.get_by_role("link", name=labels[-1], exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(labels[-1])


async def modify(page: Page, row: str) -> None:
    """Highlight a row of a list, and press Modify."""
    await page.get_by_role("row", name=row).get_by_role("link", name=f"Modify {row}", exact=True).click()


async def users_page(page: Page, door: Door, name: str) -> None:
    """Open the page of a user."""
    await page.goto(f"{door.url}people/corporate-users?text={name}")
    await modify(page, name)


async def saved(page: Page) -> None:
    """The page says so."""
    await expect(page.get_by_role("status")).to_have_text("It is saved.")


async def test_a_corporate_user_is_modified_as_the_articles_say(door: Door, page: Page):
    """People and identities > Domains and users > Corporate users; highlight the contact, Modify; Email addresses, the address, Modify."""
    await door.come_in(page)
    await page.goto(door.url)
    await walk(page, "People and identities", "Domains and users", "Corporate users")
    await page.get_by_label("Search for").fill("doe")
    await page.get_by_role("button", name="Search").click()
    await picture(page, "corporate-users")
    await modify(page, "Jo Doe")
    await page.get_by_label("Surname").fill("Doe")
    await page.get_by_role("button", name="Save").click()
    await saved(page)
    await expect(page.get_by_label("Surname")).to_have_value("Doe")
    await page.get_by_role("link", name="Email addresses").click()
    await picture(page, "corporate-user-addresses", of=page.locator("main > div"))
    await modify(page, "sales@example.com")
    await page.get_by_label("Default email address").check()
    await page.get_by_role("button", name="Save").click()
    await saved(page)
    await expect(page.get_by_role("row", name="sales@example.com")).to_contain_text("default")
    assert [one["address"] for one in found(door, "jo.doe@example.com")["addresses"] if one["is_default"]] == ["sales@example.com"]


def found(door: Door, address: str) -> dict[str, Any]:
    """Give the user of an address as it is stored."""
    user: dict[str, Any] = door.ask("people.user.show", user=address)
    return user


async def test_a_user_is_added_and_removed_again(door: Door, page: Page):
    """Default and further addresses become the user's; the tabs add one, switch one off, and the button removes all."""
    await door.come_in(page)
    await page.goto(door.url + "people/corporate-users")
    await page.get_by_role("link", name="Add", exact=True).click()
    await page.get_by_label("Display name").fill("Kim Lee")
    await page.get_by_label("Default email address").fill("kim@example.com")
    await page.get_by_label("Further email addresses").fill("k.lee@example.com\nlee@example.com")
    await picture(page, "add-corporate-user", of=page.locator("main > div"))
    await page.get_by_role("button", name="Add").click()
    await saved(page)
    await page.get_by_role("link", name="Email addresses").click()
    await page.get_by_role("link", name="Add", exact=True).click()
    await page.get_by_label("Email address", exact=True).fill("info@example.com")
    await page.get_by_role("button", name="Add").click()
    await modify(page, "k.lee@example.com")
    await page.get_by_label("Active").uncheck()
    await page.get_by_role("button", name="Save").click()
    await saved(page)
    await modify(page, "lee@example.com")
    page.once("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    await page.get_by_role("button", name="Remove").click()
    await expect(page.get_by_role("status")).to_have_text("It is removed.")
    user = await asyncio.to_thread(found, door, "kim@example.com")
    expected = [("kim@example.com", True), ("info@example.com", True), ("k.lee@example.com", False)]
    assert [(one["address"], one["enabled"]) for one in user["addresses"]] == expected
    await page.get_by_role("link", name="General").click()
    page.once("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    await page.get_by_role("button", name="Remove").click()
    await expect(page.get_by_role("status")).to_have_text("It is removed.")
    await expect(page.get_by_text(f"{MANY + 1} users")).to_be_visible()


async def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(door: Door, page: Page):
    """A foreign domain, somebody else's address, a wrong name: each fault at its field, every text still there."""
    await door.come_in(page)
    await page.goto(door.url + "people/corporate-users/-/add")
    await page.get_by_label("Display name").fill("Nobody")
    await page.get_by_label("Default email address").fill("nobody@other.example")
    await page.get_by_label("Further email addresses").fill("clerk00@example.com")
    await page.get_by_role("button", name="Add").click()
    await expect(page.locator("#default_address-fault")).to_contain_text("other.example is none of your owned domains")
    await page.get_by_label("Default email address").fill("nobody@example.com")
    await page.get_by_role("button", name="Add").click()
    await expect(page.locator("#addresses-fault")).to_contain_text("clerk00@example.com belongs to Clerk 00 already")
    await expect(page.get_by_label("Display name")).to_have_value("Nobody")
    await users_page(page, door, "Jo Doe")
    await page.get_by_role("link", name="Email addresses").click()
    await modify(page, "jo.doe@example.com")
    await page.get_by_label("Email address", exact=True).fill("not an address")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#address-fault")).to_contain_text("is no mail address")
    await expect(page.get_by_label("Email address", exact=True)).to_have_value("not an address")
    await page.goto(door.url + "people/additional-fields/-/add")
    await page.get_by_label("Name", exact=True).fill("Wrong Name")
    await page.get_by_label("Place in the order").fill("first")
    await page.get_by_role("button", name="Add").click()
    await expect(page.locator("#place-fault")).to_contain_text("is not a whole number")
    await page.get_by_label("Place in the order").fill("5")
    await page.get_by_role("button", name="Add").click()
    await expect(page.locator("#name-fault")).to_contain_text("is no name of a field")
    await page.goto(door.url + "people/partners/-/add")
    await page.get_by_label("Domain").fill("example.com")
    await page.get_by_role("button", name="Add").click()
    await expect(page.locator("#domain-fault")).to_contain_text("is one of your owned domains")
    await page.get_by_label("Domain").fill("Partner.example")
    await page.get_by_role("button", name="Add").click()
    await expect(page.locator("#domain-fault")).to_contain_text("there is an entry of this domain already")


async def test_long_lists_are_walked_page_by_page(door: Door, page: Page):
    """Each user is shown once; what a search or the activity narrows is gone."""
    await door.come_in(page)
    await page.goto(door.url + "people/corporate-users?text=clerk")
    await expect(page.locator("#users tr")).to_have_count(51)
    await page.get_by_role("link", name="Show more").click()
    await expect(page.locator("#users tr")).to_have_count(MANY)
    assert len({await row.inner_text() for row in await page.locator("#users tr td:first-child").all()}) == MANY
    await page.get_by_label("Activity").select_option("not active")
    await page.get_by_role("button", name="Search").click()
    await expect(page.get_by_text("No user was found.")).to_be_visible()


async def test_a_partner_is_modified_as_the_articles_say(door: Door, page: Page):
    """People and identities > Partners; select the partner domain, Modify; User entries, select the user, Modify; what holds is told."""
    await door.come_in(page)
    await page.goto(door.url)
    await walk(page, "People and identities", "Partners")
    await modify(page, "partner.example")
    await expect(page.locator("section", has_text="Transport security")).to_contain_text(
        "as the send connector says (not set: the program's default)"
    )
    await page.goto(door.url + "people/partners")
    await page.get_by_role("link", name="Modify Default partner settings").click()
    await page.get_by_role("link", name="Modify Transport security").click()
    await page.get_by_label("Connection security").select_option("TLS required")
    await page.get_by_role("button", name="Save").click()
    await saved(page)
    await page.get_by_role("link", name="All partners").click()
    await picture(page, "partners", of=page.locator("main > div"))
    await modify(page, "partner.example")
    await expect(page.locator("section", has_text="Transport security")).to_contain_text(
        "TLS required (set in the default partner settings)"
    )
    await page.get_by_role("link", name="Modify Transport security").click()
    await page.get_by_label("Connection security").select_option("TLS where the partner offers it")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("section", has_text="Transport security")).to_contain_text("(set in the domain entry)")
    await page.get_by_role("link", name="Modify Additional fields").click()
    await page.get_by_label("Phone").fill("+49 40 2000")
    await page.get_by_role("button", name="Save").click()
    await picture(page, "partner", of=page.locator("main > div"))
    await page.get_by_role("link", name="User entries").click()
    await modify(page, "anna@partner.example")
    await expect(page.get_by_label("Display name")).to_have_value("Anna Partner")
    await expect(page.locator("section")).to_contain_text("+49 40 2000 (set in the domain entry)")
    await expect(page.get_by_text("Left empty, +49 40 2000 holds.")).to_be_visible()
    await page.get_by_label("Phone").fill("+49 40 2001")
    await page.get_by_role("button", name="Save").click()
    await modify(page, "anna@partner.example")
    await expect(page.locator("section")).to_contain_text("+49 40 2001 (set in the user entry)")
    await picture(page, "partner-user-entry", of=page.locator("main > div"))


async def test_partners_and_their_entries_come_and_go(door: Door, page: Page):
    """A domain, a user entry of it; the entry goes, and the domain with the rest."""
    await door.come_in(page)
    await page.goto(door.url + "people/partners")
    await page.get_by_role("link", name="Add", exact=True).click()
    await page.get_by_label("Domain").fill("Shop.Example")
    await page.get_by_role("button", name="Add").click()
    await page.get_by_role("link", name="User entries").click()
    await expect(page.get_by_text("There is no user entry yet.")).to_be_visible()
    for name in ("one", "two"):
        await page.get_by_role("link", name="Add", exact=True).click()
        await page.get_by_label("Email address").fill(f"{name}@shop.example")
        await page.get_by_role("button", name="Add").click()
        await saved(page)
    await modify(page, "one@shop.example")
    page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    await page.get_by_role("button", name="Remove").click()
    await expect(page.locator("#entries tr")).to_have_count(1)
    await page.get_by_role("link", name="Domain entry").click()
    await page.get_by_role("button", name="Remove").click()
    await page.get_by_label("Search for").fill("shop")
    await page.get_by_role("button", name="Search").click()
    await expect(page.get_by_text("No partner was found.")).to_be_visible()


async def test_an_additional_field_is_everywhere_with_its_default(door: Door, page: Page):
    """Added, it stands in the user's tab with its default value; a user's own value wins; removed, it is gone there."""
    await door.come_in(page)
    await page.goto(door.url)
    await walk(page, "People and identities", "Additional user fields")
    await page.get_by_role("link", name="Add", exact=True).click()
    await page.get_by_label("Name", exact=True).fill("floor")
    await page.get_by_label("Label").fill("Floor")
    await page.get_by_label("Default value").fill("ground")
    await page.get_by_role("button", name="Add").click()
    await saved(page)
    await picture(page, "additional-user-fields", of=page.locator("main > div"))
    await users_page(page, door, "Clerk 07")
    await page.get_by_role("link", name="Additional fields").click()
    await expect(page.get_by_text("Left empty, ground holds.")).to_be_visible()
    await page.get_by_label("Floor").fill("third")
    await page.get_by_role("button", name="Save").click()
    await saved(page)
    values = (await asyncio.to_thread(found, door, "clerk07@example.com"))["values"]
    assert {name: (one["value"], one["origin"]) for name, one in values.items()} == {
        "phone": ("+49 30 1000", "product"),
        "floor": ("third", "address"),
    }
    await page.goto(door.url + "people/additional-fields")
    await modify(page, "Floor")
    page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    await page.get_by_role("button", name="Remove").click()
    await expect(page.get_by_role("row", name="Floor")).to_have_count(0)
    assert (await asyncio.to_thread(found, door, "clerk07@example.com"))["fields"] == {}


async def test_an_owned_domain_goes_into_the_draft(door: Door, page: Page):
    """Added and changed it stands in one's own draft, marked as such; it leads to the changes, and holds for users once it is applied."""
    await door.come_in(page)
    await page.goto(door.url)
    await walk(page, "People and identities", "Domains and users", "Owned domains")
    await expect(page.get_by_role("row", name="example.com")).to_contain_text("postmaster@example.com")
    await page.get_by_role("link", name="Add", exact=True).click()
    await page.get_by_label("Domain name").fill("shop.example.com")
    await page.get_by_label("Administrative address").fill("nobody")
    await page.get_by_role("button", name="Add").click()
    await expect(page.locator("#administrative_address-fault")).to_contain_text("is no mail address")
    await expect(page.get_by_label("Domain name")).to_have_value("shop.example.com")
    await page.get_by_label("Administrative address").fill("shop@example.com")
    await page.get_by_role("button", name="Add").click()
    await expect(page).to_have_url(door.url + "configuration/changes")
    await page.goto(door.url + "people/owned-domains")
    await expect(page.get_by_role("row", name="shop.example.com")).to_contain_text("added in your draft")
    await page.get_by_role("row", name="postmaster@example.com").get_by_role("link", name="Modify").click()
    await page.get_by_label("Recipients that exist").select_option("any")
    await page.get_by_role("button", name="Save").click()
    await page.goto(door.url + "people/owned-domains")
    await expect(page.get_by_text("changed in your draft")).to_be_visible()
    await picture(page, "owned-domains", of=page.locator("main > div"))
    draft = await asyncio.to_thread(door.ask, "config.draft.show", author="anna")
    assert [(one["kind"], one["entry"]) for one in draft["changes"]] == [("changed", "example.com"), ("added", "shop.example.com")]
    await asyncio.to_thread(door.ask, "config.draft.apply", author="anna", revision=draft["revision"], reason="A shop")
    await page.reload()
    await expect(page.get_by_text("in your draft")).to_have_count(0)
    user = {"display_name": "Shop", "addresses": [{"address": "x@shop.example.com"}]}
    assert (await asyncio.to_thread(door.ask, "people.user.save", author="test", user=user))["outcome"] == "saved"
    await modify(page, "shop.example.com")
    page.once("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    await page.get_by_role("button", name="Remove").click()
    await expect(page).to_have_url(door.url + "configuration/changes")
    await page.goto(door.url + "people/owned-domains")
    await expect(page.get_by_text("Removed in it: shop.example.com")).to_be_visible()


async def test_two_who_edit_one_user_see_each_other(door: Door, page: Page, chromium: Browser):
    """Who is second sees both, keeps what he typed, and saves anyway or takes what is saved; other fields than his do not stop him."""
    await door.come_in(page)
    await users_page(page, door, "Clerk 03")
    async with fresh_page(chromium) as his:
        await door.come_in(his)
        await his.goto(page.url)
        await his.get_by_label("Department").fill("Sales")
        await his.get_by_role("button", name="Save").click()
        await saved(his)
        await page.get_by_label("Department").fill("Purchasing")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("alert")).to_contain_text("Somebody else has saved it meanwhile")
        await expect(page.get_by_role("row", name="Department Purchasing Sales")).to_be_visible()
        await expect(page.get_by_label("Department")).to_have_value("Purchasing")
        assert await axe(page) == []
        await picture(page, "saved-meanwhile", of=page.get_by_role("alert"))
        await page.get_by_role("button", name="Save anyway with my values").click()
        await saved(page)
        await his.get_by_label("Department").fill("Marketing")
        await his.get_by_role("button", name="Save").click()
        await his.get_by_role("link", name="Take what is saved now").click()
        await expect(his.get_by_label("Department")).to_have_value("Purchasing")
        await page.get_by_role("link", name="Email addresses").click()
        await page.get_by_role("link", name="Add", exact=True).click()
        await page.get_by_label("Email address", exact=True).fill("third@example.com")
        await page.get_by_role("button", name="Add").click()
        await saved(page)
        await his.get_by_label("Title").fill("Dr")
        await his.get_by_role("button", name="Save").click()
        await saved(his)
        user = await asyncio.to_thread(found, door, "third@example.com")
        assert (user["attributes"], len(user["addresses"])) == ({"organizational_unit": "Purchasing", "title": "Dr"}, 2)
        await asyncio.to_thread(door.ask, "people.user.remove", id=user["id"], revision=user["revision"], author="test")
        await his.get_by_label("Title").fill("Prof")
        await his.get_by_role("button", name="Save").click()
        await expect(his.get_by_role("alert")).to_contain_text("Somebody else has removed it meanwhile")
        await expect(his.get_by_label("Title")).to_have_value("Prof")


async def test_two_who_edit_one_partner_see_each_other(door: Door, page: Page):
    """A partner's entry, a user entry and a field are guarded alike; what was removed is added again by who saves anyway."""
    await door.come_in(page)
    save: dict[str, Any] = {"do": "people.partner.save", "author": "test"}
    await asyncio.to_thread(door.ask, **save, partner={"domain": "twice.example", "comment": "one"})
    await page.goto(door.url + "people/partners/twice.example/general")
    await asyncio.to_thread(door.ask, **save, partner={"domain": "twice.example", "comment": "two"}, revision=1)
    await page.get_by_label("Comment").fill("three")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("row", name="Comment three two")).to_be_visible()
    await page.get_by_role("button", name="Save anyway with my values").click()
    await saved(page)
    await page.get_by_role("link", name="Modify General").click()
    await asyncio.to_thread(door.ask, "people.partner.remove", domain="twice.example", revision=3, author="test")
    await page.get_by_label("Comment").fill("four")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("alert")).to_contain_text("Somebody else has removed it meanwhile")
    await page.get_by_role("button", name="Save anyway with my values").click()
    await saved(page)
    assert (await asyncio.to_thread(door.ask, "people.partner.show", domain="twice.example"))["comment"] == "four"


async def test_two_who_edit_one_domain_see_each_other(door: Door, page: Page, chromium: Browser):
    """Somebody else's draft of it is told; what another tab has put into one's own draft is shown beside what was typed."""
    await door.come_in(page)
    values = {"notice_sender": "bert@example.com"}
    operation = {"do": "put", "section": "owned_domains", "entry": "example.com", "values": values}
    his = await asyncio.to_thread(door.ask, "config.draft.change", author="bert", revision=0, operation=operation)
    await page.goto(door.url + "people/owned-domains")
    await expect(page.get_by_text("bert has a draft, too, that changes: example.com")).to_be_visible()
    await asyncio.to_thread(door.ask, "config.draft.discard", author="bert", revision=his["revision"])
    await page.goto(door.url + "people/owned-domains/example.com")
    async with fresh_page(chromium) as tab:
        await door.come_in(tab)
        await tab.goto(page.url)
        await tab.get_by_label("Sender of notices").fill("first@example.com")
        await tab.get_by_role("button", name="Save").click()
        await expect(tab).to_have_url(door.url + "configuration/changes")
        await page.get_by_label("Sender of notices").fill("second@example.com")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("row", name="Sender of notices second@example.com first@example.com")).to_be_visible()
        await page.get_by_role("button", name="Save anyway with my values").click()
        await expect(page).to_have_url(door.url + "configuration/changes")
    draft = await asyncio.to_thread(door.ask, "config.draft.show", author="anna")
    assert [one["after"] for one in draft["changes"] if one["entry"] == "example.com"] == ["second@example.com"]


async def test_a_replicated_user_is_only_switched_on_and_off(tmp_path: Path):
    """Of who comes from a directory all is shown and nothing but the activity is asked for; what is sent all the same changes nothing."""
    async with open_site(tmp_path) as site:
        users, actor = site.house.people.users, Actor("test", "cli")
        form = UserForm("Di Rectory", (UserAddress("di@example.com"),))
        answer = await users.save(actor, form)
        assert isinstance(answer, Saved)
        replicate = "UPDATE corporate_user SET source = 'Berlin'"
        await site.rooms.people.users._ledger.store.perform(lambda connection, _: [connection.execute(replicate)], None)
        one = f"/people/corporate-users/{answer.row.id}"
        async with site.client(cookie=await site.cookie("anna", "people")) as browser:
            token = re.findall(r'name="form_token" value="([^"]+)"', (page := (await browser.get(one)).text))[0]
            assert 'name="display_name"' not in page and "Berlin" in page and "Remove" not in page
            for path in ("/email-addresses", "/email-addresses/di%40example.com", "/additional-fields"):
                shown = await browser.get(one + path)
                assert (shown.status_code, 'name="address"' in shown.text, "/-/add" in shown.text) == (200, False, False)
            assert (await browser.get(one + "/email-addresses/-/add")).status_code == 404
            sent = {"form_token": token, "revision": "1", "display_name": "Changed", "address": "x@example.com"}
            for path, status in (("", 303), ("/email-addresses/di%40example.com", 409), ("/additional-fields", 404)):
                assert (path, (await browser.post(one + path, data=sent)).status_code) == (path, status)
            await browser.post(one + "/email-addresses/di%40example.com", data=sent | {"revision": "2"})
            await browser.post(one + "/email-addresses/-/add", data=sent)
            await browser.post(one + "/remove", data=sent | {"revision": "3"})
        user = await users.get(0, answer.row.id)
        assert user is not None and (user.display_name, user.enabled) == ("Di Rectory", False)
        assert [(one.address, one.enabled) for one in user.addresses] == [("di@example.com", False)]


async def test_keys_alone_add_a_user(door: Door, page: Page):
    """Without a mouse: from the start page to the list, the form, the address of the new user."""
    await door.come_in(page)
    await page.goto(door.url)
    keys = Keyboard(page)
    await keys.press(page.get_by_role("link", name="Corporate users", exact=True))
    await keys.press(page.get_by_role("link", name="Add", exact=True))
    await keys.write(page.get_by_label("Display name"), "Kay Board")
    await keys.write(page.get_by_label("Default email address"), "kay@example.com")
    await keys.press(page.get_by_role("button", name="Add"))
    await saved(page)
    await keys.press(page.get_by_role("link", name="Email addresses"))
    await keys.press(page.get_by_role("row", name="kay@example.com").get_by_role("link", name="Modify"))
    await keys.press(page.get_by_label("Active"), " ")
    await keys.press(page.get_by_role("button", name="Save"))
    await saved(page)
    assert not (await asyncio.to_thread(found, door, "kay@example.com"))["addresses"][0]["enabled"]


def every_path(door: Door) -> tuple[str, ...]:
    """Name each page once."""
    user = f"people/corporate-users/{found(door, 'clerk09@example.com')['id']}"
    partner = "people/partners/partner.example"
    return (
        "people/owned-domains",
        "people/owned-domains/-/add",
        "people/owned-domains/example.com",
        "people/owned-domains/-/further-addresses",
        "people/owned-domains/-/further-addresses/entry",
        "people/corporate-users",
        "people/corporate-users/-/add",
        user,
        f"{user}/email-addresses",
        f"{user}/email-addresses/-/add",
        f"{user}/email-addresses/clerk09%40example.com",
        f"{user}/additional-fields",
        "people/partners",
        "people/partners/-/add",
        "people/partners/*",
        "people/partners/*/transport-security",
        partner,
        f"{partner}/general",
        f"{partner}/additional-fields",
        f"{partner}/user-entries",
        f"{partner}/user-entries/-/add",
        f"{partner}/user-entries/anna%40partner.example",
        "people/additional-fields",
        "people/additional-fields/-/add",
        "people/additional-fields/phone",
    )


async def test_every_page_of_people_is_for_everybody(door: Door, page: Page, chromium: Browser):
    """axe-core finds nothing grave, none is wider than a phone, and all speak German to who reads it."""
    await door.come_in(page)
    paths = await asyncio.to_thread(every_path, door)
    for path in paths:
        answer = await page.goto(door.url + path)
        assert answer is not None and (path, answer.status) == (path, 200)
        assert (path, await axe(page)) == (path, [])
    async with fresh_page(chromium, viewport={"width": 390, "height": 844}) as phone:
        await door.come_in(phone)
        for path in paths:
            await phone.goto(door.url + path)
            await assert_fits(phone)


async def test_who_has_people_alone_sees_owned_domains_and_german(door: Door, chromium: Browser):
    """Owned domains are shown, and changed by who may change the configuration; every fault is told in the reader's language."""
    one_time = await asyncio.to_thread(door.administrator, "berta", roles=("people",))
    async with fresh_page(chromium) as page:
        await door.first_sign_in(page, "berta", one_time)
        await asyncio.to_thread(door.ask, "access.admin", author="test", name="berta", change={"language": "de"})
        await page.goto(door.url + "people/owned-domains")
        await expect(page.get_by_role("heading", name="Eigene Domänen")).to_be_visible()
        await expect(page.get_by_role("link", name="Hinzufügen")).to_have_count(0)
        for path in ("people/owned-domains/-/add", "people/owned-domains/example.com"):
            answer = await page.goto(door.url + path)
            assert answer is not None and answer.status == 404
        await page.goto(door.url + "people/corporate-users/-/add")
        await page.get_by_label("Standard-E-Mail-Adresse").fill("clerk00@example.com")
        await page.get_by_role("button", name="Hinzufügen").click()
        await expect(page.locator("#default_address-fault")).to_have_text(
            "clerk00@example.com gehört schon zu Clerk 00; entfernen Sie sie dort zuerst, oder nehmen Sie eine andere"
        )


async def test_who_lacks_the_role_finds_nothing(door: Door, chromium: Browser):
    """Each page, read or sent to, answers as one that does not exist, and none stands in the navigation."""
    one_time = await asyncio.to_thread(door.administrator, "carl", roles=("monitoring",))
    async with fresh_page(chromium) as page:
        await door.first_sign_in(page, "carl", one_time)
        await expect(page.get_by_role("link", name="Partners")).to_have_count(0)
        token = await page.locator("input[name=form_token]").first.get_attribute("value")
        for path in await asyncio.to_thread(every_path, door):
            read = await page.context.request.get(door.url + path)
            sent = await page.context.request.post(door.url + path, form={"form_token": token or "", "revision": "1"})
            assert (path, read.status, sent.status) == (path, 404, 404 if path.count("/") > 1 else sent.status)
            assert sent.status in (404, 405)
