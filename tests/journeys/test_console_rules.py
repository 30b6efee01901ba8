# SPDX-License-Identifier: Apache-2.0
"""Rules, filters and email routing in a real browser, over a whole gateway: what is made here judges real mail once it is applied."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from browser import Keyboard, assert_fits, axe, fresh_page, the_browser, the_page, the_phone  # noqa: F401
from console_door import Door, open_console
from gatepost.config.configuration import Configuration, OwnedDomain
from gatepost.testing.gateway import relay_all_to
from gatepost.testing.sink import Sink
from pictures import picture
from waiting import until
from wire_client import WireClient

pytestmark = pytest.mark.asyncio(loop_scope="session")

BASE = "configuration/"
ROUTING = ("corporate-email-servers", "inbound-send-connectors", "outbound-send-connectors", "submission-users")
FILTERS = ("word-groups", "realtime-blocklists", "reputation", "character-sets")
PAGES = (
    "rules",
    "rules/entry",
    "rules/entry?entry=All+other+inbound+mails",
    *(f"email-routing/{one}{entry}" for one in ROUTING for entry in ("", "/entry")),
    *(f"filters/{one}" for one in FILTERS),
    "filters/word-groups/entry",
    "filters/realtime-blocklists/entry",
)
RULES = "ol.gp-order h2 a"
NAMES = ["Internal communication", "All outbound mails", "All other inbound mails"]


class House(NamedTuple):
    """A gateway with its console, and where its mail goes."""

    door: Door
    sink: Sink


def configuration(hop: int, zone: str) -> Configuration:
    """Give a house that has the default rules, and one person."""
    return msgspec.structs.replace(
        relay_all_to(hop),
        owned_domains=(OwnedDomain(name="example.com", recipients="list"),),
        corporate_users=("user@example.com",),
        rules=(),
        dns=msgspec.structs.replace(Configuration().dns, zone_file=zone),
    )


@pytest_asyncio.fixture(name="house", scope="module", loop_scope="session")
async def the_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Run it."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "zone").write_text("")
    async with Sink() as sink, open_console(folder, configuration(sink.port, str(folder / "zone"))) as door:
        yield House(door, sink)


async def begin(house: House, page: Page, path: str = "rules") -> None:
    """Come in without a draft, and open a page of the configuration."""
    await house.door.come_in(page)
    shown = await asyncio.to_thread(house.door.ask, "config.draft.show", author="anna")
    if shown["revision"]:
        await asyncio.to_thread(house.door.ask, "config.draft.discard", author="anna", revision=shown["revision"])
    await page.goto(house.door.url + BASE + path)


async def names(page: Page) -> list[str]:
    """Give the rules as the list has them."""
    return await page.locator(RULES).all_inner_texts()


async def test_a_rule_that_is_made_here_judges_mail(house: House, page: Page):
    """Words, a rule that asks for them, its place above all others; applied, a mail with the words is refused by that rule."""
    await begin(house, page, "filters/word-groups")
    await page.get_by_role("link", name="Add a word group").click()
    await page.get_by_label("Name", exact=True).fill("Pills")
    await page.get_by_label("Words", exact=True).fill("cheap pills\nmiracle cure")
    await page.get_by_label("Points", exact=True).fill("4")
    await picture(page, "word-group")
    await page.get_by_role("button", name="Save to the draft").click()
    await expect(page.get_by_role("cell", name="cheap pills, miracle cure")).to_be_visible()
    await page.get_by_role("link", name="Rules", exact=True).click()
    await expect(page.get_by_text("These are the default rules.")).to_be_visible()
    await page.get_by_role("link", name="Add a rule").click()
    await page.get_by_label("Name", exact=True).fill("Mails to people")
    await page.get_by_label("Scope of the recipients").select_option(label="Corporate email addresses")
    for other in ("Realtime blocklists", "Reputation filter", "Allowed Unicode character sets"):
        await page.get_by_label(other, exact=True).uncheck()
    await page.get_by_label("Multiplier Word matching").fill("2")
    await page.get_by_label("Threshold").fill("8")
    await picture(page, "rule", whole=True)
    await page.get_by_role("button", name="Save to the draft").click()
    await expect(page.locator(RULES)).to_have_text(["Mails to people", *NAMES])
    await expect(page.get_by_label("Draft", exact=True)).to_contain_text("Draft: 2 changes, not applied")
    await expect(page.get_by_text("Word matching × 2 · Threshold 8")).to_be_visible()
    await picture(page, "rules")
    version = await asyncio.to_thread(apply, house.door)
    await until(lambda: working_with(house.door) == {version}, "every process works with the new version")
    await page.reload()
    await expect(page.get_by_label("Draft", exact=True)).to_have_count(0)
    assert await asyncio.to_thread(answered, house, "A miracle cure for you") == "550"
    await until(lambda: refused(house.door), "the track of the refused mail")
    assert refused(house.door)[0]["rule"] == "Mails to people"


def apply(door: Door) -> int:
    """Apply her draft; gives the number of the version."""
    shown = door.ask("config.draft.show", author="anna")
    made = door.ask("config.draft.apply", author="anna", revision=shown["revision"], reason="A test of the pages")
    assert made["outcome"] == "made", made
    return int(made["version"]["number"])


def working_with(door: Door) -> set[int]:
    """Give the versions that processes work with."""
    return {one["version"] for one in door.ask("config.status")["processes"]}


def answered(house: House, subject: str) -> str:
    """Send a mail; gives the code of the answer to its content."""
    with WireClient(house.door.gateway.port) as client:
        client.say("EHLO client.example")
        content = f"From: author@sender.example\r\nTo: user@example.com\r\nSubject: {subject}\r\n\r\nHello.\r\n"
        return str(client.send("author@sender.example", ["user@example.com"], content.encode()))[:3]


def refused(door: Door) -> list[Any]:
    """Give the refused mails that the console knows."""
    return list(door.ask("track.search", statuses=["permanently_blocked"])["tracks"])


async def test_rules_are_put_in_order_by_drag(house: House, page: Page):
    """A rule lands where it is dropped, above or below."""
    await begin(house, page)
    before = await names(page)
    handles, rules = page.locator(".gp-handle"), page.locator("ol.gp-order > li")
    await handles.nth(len(before) - 1).drag_to(rules.nth(0))
    await expect(page.get_by_role("status")).to_contain_text("It is in your draft")
    await expect(page.locator(RULES)).to_have_text([before[-1], *before[:-1]])
    await handles.nth(0).drag_to(rules.nth(1))
    await expect(rules.nth(1).get_by_role("link", name=before[-1])).to_be_visible()
    await expect(page.locator(RULES)).to_have_text([before[0], before[-1], *before[1:-1]])


async def test_rules_are_put_in_order_by_keys(house: House, page: Page):
    """With the buttons, which keep the focus on their rule, and with a position that is typed; Enter saves it."""
    await begin(house, page)
    before = await names(page)
    keys = Keyboard(page)
    await keys.press(page.get_by_role("button", name=f"Up: {before[2]}"))
    await expect(page.get_by_role("button", name=f"Up: {before[2]}")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name=f"Down: {before[2]}")).to_be_focused()
    await expect(page.locator(RULES)).to_have_text([before[2], before[0], before[1], *before[3:]])
    await keys.write(page.get_by_label(f"Position of {before[2]}"), "3")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label(f"Position of {before[2]}")).to_have_value("3")
    await expect(page.locator(RULES)).to_have_text(before)
    for typed, said in (
        ("abc", "is not a whole number; write digits only"),
        ("99", "there is no place 99; write a whole number from 1 to"),
    ):
        await keys.write(page.get_by_label(f"Position of {before[0]}"), typed)
        await page.keyboard.press("Enter")
        await expect(page.locator("#place-0-fault")).to_contain_text(said)
        await expect(page.get_by_label(f"Position of {before[0]}")).to_be_focused()
        await expect(page.get_by_label(f"Position of {before[0]}")).to_have_value(typed)
    assert await axe(page) == []
    await keys.press(page.get_by_role("button", name=f"Disable: {before[0]}"))
    await expect(page.get_by_role("button", name=f"Enable: {before[0]}")).to_be_focused()


async def test_a_rule_is_changed_and_removed_by_keys_alone(house: House, page: Page):
    """Each field can be reached, chosen and written; the question before a removal is answered with Enter."""
    await begin(house, page)
    keys = Keyboard(page)
    await keys.press(page.get_by_role("link", name="Add a rule"))
    await keys.write(page.get_by_label("Name", exact=True), "Newsletters")
    await keys.choose(page.get_by_label("Direction"), "Outbound")
    await expect(page.get_by_label("Reputation filter", exact=True)).to_be_hidden()
    await keys.choose(page.get_by_label("Mode"), "Reject")
    await keys.write(page.get_by_label("Sender (MAIL FROM)"), "news@example.com")
    await keys.press(page.get_by_role("button", name="Save to the draft"))
    await expect(page.get_by_text("Sender: news@example.com")).to_be_visible()
    await keys.press(page.get_by_role("link", name="Newsletters"))
    page.once("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    await keys.press(page.get_by_role("button", name="Remove"))
    await expect(page.get_by_role("link", name="Newsletters")).to_have_count(0)


async def test_faults_are_told_at_their_fields_and_nothing_typed_is_lost(house: House, page: Page):
    """Wrong patterns with their line, a threshold that is no number; the rest stays as it was typed."""
    await begin(house, page, "rules/entry")
    await page.get_by_label("Name", exact=True).fill("Wrong")
    await page.get_by_label("Recipients", exact=True).fill("user@example.com\nexample.com")
    await page.get_by_label("Threshold").fill("four")
    await page.get_by_label("Reputation filter", exact=True).uncheck()
    await page.get_by_role("button", name="Save to the draft").click()
    await expect(page.locator("#threshold-fault")).to_contain_text("this number cannot be taken; write a number above 0 and at most 1000")
    await expect(page.get_by_label("Threshold")).to_have_value("four")
    await page.get_by_label("Threshold").fill("4")
    await expect(page.locator("#recipients-fault")).to_contain_text("line 2: 'example.com' is no address; write *@example.com")
    await expect(page.get_by_label("Reputation filter", exact=True)).not_to_be_checked()
    await expect(page.get_by_label("Realtime blocklists", exact=True)).to_be_checked()
    assert await axe(page) == []
    await page.get_by_label("Recipients", exact=True).fill("*@example.com")
    await page.get_by_role("button", name="Save to the draft").click()
    await expect(page.get_by_role("link", name="Wrong")).to_be_visible()


async def test_two_people_see_each_others_drafts(house: House, page: Page, chromium: Browser):
    """Who opens the rules reads that somebody else is changing them, and what both change."""
    await begin(house, page)
    one_time_password = await asyncio.to_thread(house.door.administrator, "ben", roles=("configuration",))
    async with fresh_page(chromium) as his:
        await house.door.first_sign_in(his, "ben", one_time_password)
        await expect(his.get_by_role("link", name="Message tracking")).to_have_count(0)
        for one, threshold in ((page, "5"), (his, "6")):
            await one.goto(f"{house.door.url}{BASE}rules/entry?entry=All+other+inbound+mails")
            await one.get_by_label("Threshold").fill(threshold)
            await one.get_by_role("button", name="Save to the draft").click()
            await expect(one.get_by_label("Draft", exact=True)).to_contain_text("Draft: 1 change, not applied")
        await expect(his.get_by_label("Draft", exact=True)).to_contain_text(
            "anna has a draft that changes this, too: All other inbound mails"
        )
        await page.reload()
        await expect(page.get_by_label("Draft", exact=True)).to_contain_text("You both change: All other inbound mails")
        await picture(page, "rules-two-drafts", of=page.get_by_label("Draft", exact=True))


async def test_a_second_tab_loses_nothing(house: House, page: Page):
    """What was saved in another tab is told, and shown beside what was typed; saved once more, it holds."""
    await begin(house, page, "filters/reputation")
    other = await page.context.new_page()
    await other.goto(page.url)
    for tab, points in ((other, "3"), (page, "0.5")):
        await tab.get_by_label("Missing PTR record").fill(points)
        await tab.get_by_role("button", name="Save to the draft").click()
    await expect(page.get_by_role("alert")).to_contain_text("Your draft was changed elsewhere meanwhile")
    await expect(page.get_by_label("Missing PTR record")).to_have_value("0.5")
    await expect(page.get_by_text("In your draft now: 3")).to_be_visible()
    assert await axe(page) == []
    await page.get_by_role("button", name="Save to the draft").click()
    await expect(page.get_by_role("status")).to_contain_text("It is in your draft")
    await other.close()


async def test_delivery_via_queues_is_on(house: House, page: Page):
    """The articles' switch is no switch here: the page says that it is the only mode, and mail is taken while its next hop is away."""
    await begin(house, page)
    await page.get_by_role("link", name="Inbound send connectors").click()
    await expect(page.get_by_text("Delivery via queues is on")).to_be_visible()
    await picture(page, "inbound-send-connectors")
    house.sink.fail("rcpt", reply="451 4.3.2 Not now", match="user@example.com")
    assert await asyncio.to_thread(answered, house, "Minutes of the meeting") == "250"
    await until(lambda: waiting(house.door), "the mail waits")
    await page.get_by_role("main").get_by_role("link", name="Email queues").click()
    await expect(page.get_by_role("link", name="example.com")).to_be_visible()


def waiting(door: Door) -> list[Any]:
    """Give the mails that wait for their next hop."""
    return list(door.ask("track.search", statuses=["delivery_pending"])["tracks"])


async def test_email_routing_is_changed(house: House, page: Page):
    """A connector, a corporate server and a submission user are added; a wrong next hop is told at its field."""
    await begin(house, page, "email-routing/inbound-send-connectors")
    await page.get_by_role("link", name="Add an inbound send connector").click()
    await page.get_by_label("Name", exact=True).fill("Second site")
    await page.get_by_role("button", name="Save to the draft").click()
    await expect(page.locator("#smart_hosts-fault")).to_contain_text("name the mail server that has the mailboxes")
    await page.get_by_label("Dedicated servers (smart hosts)").fill("mail2.example.com")
    await page.get_by_label("Cost").fill("20")
    await page.get_by_role("button", name="Save to the draft").click()
    await expect(page.get_by_role("row", name="Second site")).to_contain_text("mail2.example.com")
    await page.get_by_role("link", name="Corporate email servers").click()
    await page.get_by_role("link", name="Add a corporate email server").click()
    await page.get_by_label("Name", exact=True).fill("Mailboxes")
    await page.get_by_role("button", name="Save to the draft").click()
    await expect(page.locator("#networks-fault")).to_contain_text("nothing says how to know this server")
    await page.get_by_label("IP addresses or networks").fill("192.0.2.10\n2001:db8::/64")
    await page.get_by_role("button", name="Save to the draft").click()
    await expect(page.get_by_role("row", name="Mailboxes")).to_contain_text("192.0.2.10, 2001:db8::/64")
    await page.get_by_role("link", name="Submission users").click()
    await page.get_by_role("link", name="Add a submission user").click()
    await page.get_by_label("User name").fill("bob@example.com")
    await page.get_by_label("Password").fill("a sentence for bob")
    await page.get_by_role("button", name="Save to the draft").click()
    await expect(page.get_by_label("Draft", exact=True)).to_contain_text("Draft: 3 changes, not applied")
    assert "argon2id$" not in await page.content()


async def test_pages_are_in_german_for_who_reads_german(house: House, page: Page):
    """Labels, manuals and choices; numbers with a comma."""
    await begin(house, page, "filters/character-sets")
    await page.goto(house.door.url + "account")
    await page.get_by_label("Language").select_option("de")
    await page.get_by_role("button", name="Save", exact=True).click()
    await page.goto(house.door.url + BASE + "filters/character-sets")
    await expect(page.get_by_label("Anteil fremder Buchstaben")).to_have_value("0,3")
    await page.goto(house.door.url + BASE + "rules/entry")
    await expect(page.get_by_label("Verhalten bei Abweisung")).to_be_visible()
    await page.goto(house.door.url + "account")
    await page.get_by_label("Sprache").select_option("en")
    await page.get_by_role("button", name="Speichern", exact=True).click()
    await expect(page.get_by_role("button", name="Save", exact=True)).to_be_visible()


async def test_every_page_is_for_everybody(house: House, page: Page):
    """axe-core finds nothing grave."""
    await begin(house, page)
    for path in PAGES:
        await page.goto(house.door.url + BASE + path)
        await expect(page.get_by_role("heading", level=1)).not_to_have_text("There is nothing here")
        assert (path, await axe(page)) == (path, [])


async def test_every_page_fits_a_phone(house: House, phone: Page):
    """None is wider than the screen; a rule is moved with a button there."""
    await begin(house, phone)
    for path in PAGES:
        await phone.goto(house.door.url + BASE + path)
        await assert_fits(phone)
    await phone.goto(house.door.url + BASE + "rules")
    before = await names(phone)
    await phone.get_by_role("button", name=f"Down: {before[0]}").tap()
    await expect(phone.get_by_role("status")).to_contain_text("It is in your draft")
    await expect(phone.locator(RULES).nth(1)).to_have_text(before[0])


async def test_without_the_role_there_is_nothing(house: House, chromium: Browser):
    """Each page answers as one that does not exist, and the navigation does not tell of it."""
    one_time_password = await asyncio.to_thread(house.door.administrator, "mona", roles=("monitoring",))
    async with fresh_page(chromium) as page:
        await house.door.first_sign_in(page, "mona", one_time_password)
        await expect(page.get_by_role("link", name="Rules", exact=True)).to_have_count(0)
        for path in (*PAGES, "filters", "no-such-page"):
            answer = await page.goto(house.door.url + BASE + path)
            assert answer is not None
            assert (path, answer.status) == (path, 404)
        text = await page.locator("main").inner_text()
        await page.goto(house.door.url + BASE + "rules")
        assert re.sub(r"\s+", " ", await page.locator("main").inner_text()) == re.sub(r"\s+", " ", text)
