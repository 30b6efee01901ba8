# SPDX-License-Identifier: Apache-2.0
"""The door, the start page and Monitoring in a real browser, over a whole gateway with real mails behind it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import NamedTuple

import msgspec
import pyotp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from browser import Keyboard, assert_fits, axe, fresh_page, the_browser, the_page, the_phone  # noqa: F401
from console_door import PASSWORD, Door, open_console
from gatepost.config.configuration import Configuration, Notices, OwnedDomain
from gatepost.config.rules import FilterSettings, FilterUse, Rule, WordGroup
from gatepost.testing.gateway import relay_all_to
from gatepost.testing.sink import Sink
from pictures import picture
from waiting import until
from wire_client import WireClient

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES = ("", "monitoring/message-tracking", "monitoring/email-queues", "monitoring/event-viewer", "incidents")


class House(NamedTuple):
    """A gateway that has taken, refused and kept mail."""

    door: Door
    sink: Sink


def configuration(hop: int, zone: str) -> Configuration:
    """Give rules that refuse one word, and one address that the next hop never takes."""
    return msgspec.structs.replace(
        relay_all_to(hop),
        owned_domains=(OwnedDomain(name="example.com", recipients="list"),),
        corporate_users=("user@example.com", "later@example.com"),
        rules=(Rule(name="All inbound mails", recipient_scope="corporate_addresses", filters=(FilterUse(name="words"),)),),
        filters=FilterSettings(word_groups=(WordGroup(name="pills", words=("cheap pills",), points=4.0),)),
        notices=Notices(administrative_address="user@example.com"),
        dns=msgspec.structs.replace(Configuration().dns, zone_file=zone),
    )


@pytest_asyncio.fixture(name="house", scope="module", loop_scope="session")
async def the_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Run it, send it four mails, and wait until the console knows of them."""
    folder = tmp_path_factory.mktemp("console")
    (folder / "zone").write_text("")
    async with Sink() as sink:
        sink.fail("rcpt", reply="451 4.2.1 Mailbox busy, try again later", match="later@example.com")
        async with open_console(folder, configuration(sink.port, str(folder / "zone"))) as door:
            await asyncio.to_thread(send, door.gateway.port)
            await until(lambda: len(door.ask("track.search")["tracks"]) == 4 and not pending(door), "four tracks, one of them delivered")
            yield House(door, sink)


def send(port: int) -> None:
    """Send a mail that arrives, one that waits, one that is refused, and one to nobody."""
    with WireClient(port) as client:
        client.say("EHLO client.example")
        for recipient, subject in (("user", "Minutes of the meeting"), ("later", "For later"), ("user", "Buy cheap pills")):
            content = f"From: author@sender.example\r\nTo: {recipient}@example.com\r\nSubject: {subject}\r\n\r\nHello.\r\n"
            client.send("author@sender.example", [f"{recipient}@example.com"], content.encode())
        client.say("MAIL FROM:<author@sender.example>")
        client.say("RCPT TO:<nobody@example.com>")


def pending(door: Door) -> bool:
    """Tell whether the console has not heard yet of the mail that arrived."""
    return not door.ask("track.search", statuses=["success"])["tracks"]


async def test_the_door(house: House, page: Page):
    """One-time password, own password, authenticator: three steps to the start page; out again, and in with password and code."""
    await picture_of_door(house, page)
    secret = await house.door.first_sign_in(page, "bert")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await page.goto(house.door.url + "monitoring/event-viewer")
    await page.get_by_label("Name").fill("bert")
    await page.get_by_label("Password").fill("not the password")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("The name, the password or the code is wrong")
    await expect(page.get_by_label("Name")).to_have_value("bert")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("Six digits").fill(pyotp.TOTP(secret).at(int(time.time()) + 30))
    await page.get_by_role("button", name="Go on").click()
    await expect(page.get_by_role("heading", name="Event viewer")).to_be_visible()


async def picture_of_door(house: House, page: Page) -> None:
    """Show the door to who reads the manual."""
    await page.goto(house.door.url)
    assert await axe(page) == []
    await picture(page, "sign-in")


async def test_the_start_page_counts_and_leads_to_the_mails(house: House, page: Page):
    """Each number leads to as many mails as it says; what waits is shown with its gateway."""
    await house.door.come_in(page)
    await page.goto(house.door.url)
    await expect(page.get_by_text("Nothing needs care.")).to_be_visible()
    refused = page.get_by_role("row", name="Word matching").get_by_role("link")
    await expect(refused).to_have_text("1")
    await refused.click()
    await expect(page.locator("#mails tr")).to_have_count(1)
    await expect(page.locator("#mails")).to_contain_text("Buy cheap pills")
    await page.goto(house.door.url)
    for label, mails in (("Inbound, delivered", 1), ("Refused for good", 2), ("Delivery pending", 1)):
        number = page.locator(".card-body", has_text=label).locator(".gp-figure a")
        await expect(number).to_have_text(str(mails))
        await number.click()
        await expect(page.locator("#mails tr")).to_have_count(mails)
        await page.go_back()
    await expect(page.locator("#state")).to_contain_text("local")
    await picture(page, "start-page")


async def test_message_tracking_finds_explains_and_exports(house: House, page: Page):
    """A mail is found by sender, opened, its path and points are told, and its track is saved as JSON by the article's label."""
    await house.door.come_in(page)
    await page.goto(house.door.url)
    await page.get_by_role("link", name="Message tracking").click()
    await page.get_by_label("Between").fill("author@sender.example")
    await page.get_by_label("Permanently refused").check()
    await page.get_by_role("button", name="Search").click()
    await expect(page.locator("#mails tr")).to_have_count(2)
    await picture(page, "message-tracking")
    await page.locator("#mails tr", has_text="cheap pills").get_by_role("cell", name="Buy cheap pills").dblclick()
    await expect(page.get_by_role("heading", name="Refused for good")).to_be_visible()
    await expect(page.get_by_role("row", name="Word matching")).to_contain_text("4")
    await picture(page, "message-track")
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="Export message track").click()
    exported = json.loads((await (await downloading.value).path()).read_text())
    assert (exported["Subject"], exported["RuleName"]) == ("Buy cheap pills", "All inbound mails")


async def test_a_wrong_search_keeps_what_was_typed(house: House, page: Page):
    """The fault stands at its field, and the field still holds the text."""
    await house.door.come_in(page)
    await page.goto(house.door.url + "monitoring/message-tracking?client=192.0.2.1&between1=not+an+address")
    await expect(page.locator("#between1-fault")).to_contain_text("is neither an address nor a domain")
    await expect(page.get_by_label("Between")).to_have_value("not an address")
    await expect(page.get_by_label("Client address")).to_have_value("192.0.2.1")
    for words, field, fault in (
        ("client=192.0.2.0/24", "client", "'192.0.2.0/24' is no IP address"),
        ("min_scl=9&max_scl=2", "max_scl", "is below where the points begin"),
        ("min_scl=abc", "min_scl", "'abc' is no number of points"),
        ("from=2026-11-25T20:00&to=2026-11-24T20:00", "from", "is not before the end"),
    ):
        await page.goto(f"{house.door.url}monitoring/message-tracking?{words}")
        await expect(page.locator(f"#{field}-fault")).to_have_text(fault)


async def test_email_queues_show_and_retry(house: House, page: Page):
    """The waiting mail stands under its destination; a retry makes it due now and leaves an audit entry."""
    await house.door.come_in(page)
    await page.goto(house.door.url + "monitoring/email-queues")
    await picture(page, "email-queues")
    await page.get_by_role("link", name="example.com").click()
    await expect(page.get_by_role("cell", name="later@example.com")).to_be_visible()
    await page.get_by_role("button", name="Retry all").click()
    await expect(page.get_by_role("status")).to_contain_text("1 recipient is due now")


async def test_the_event_viewer_tells_who_started(house: House, page: Page):
    """The processes' starts are events; a name narrows them."""
    await house.door.come_in(page)
    await page.goto(house.door.url + "monitoring/event-viewer?name=process.started")
    await expect(page.get_by_role("row", name="deliver").first).to_be_visible()


async def test_every_page_is_for_everybody(house: House, page: Page, chromium: Browser):
    """axe-core finds nothing grave on any page, none is wider than a phone, all speak German to who asks for it."""
    await house.door.come_in(page)
    track = house.door.ask("track.search", subject="pills")["tracks"][0]["track"]
    paths = (*PAGES, f"monitoring/message-tracking/{track}", "nothing-here")
    for path in paths:
        await page.goto(house.door.url + path)
        assert (path, await axe(page)) == (path, [])
    async with fresh_page(chromium, viewport={"width": 390, "height": 844}, locale="de-DE") as phone:
        await house.door.come_in(phone)
        for path in paths:
            await phone.goto(house.door.url + path)
            await assert_fits(phone)


async def test_keys_alone_are_enough(house: House, page: Page):
    """Without a mouse: skip to the content, search, open a mail, save its track."""
    await house.door.come_in(page)
    await page.goto(house.door.url + "monitoring/message-tracking")
    keys = Keyboard(page)
    await keys.press(page.get_by_role("link", name="Go to the content"))
    await keys.write(page.get_by_label("Subject"), "pills")
    await keys.press(page.get_by_role("button", name="Search"))
    await expect(page.locator("#mails tr")).to_have_count(1)
    await keys.press(page.locator("#mails a").first)
    async with page.expect_download():
        await keys.press(page.get_by_role("link", name="Export message track"))


async def test_the_door_and_the_queues_need_no_mouse(house: House, chromium: Browser):
    """Keys alone: in with a one-time password, a password of one's own and an authenticator; a queue's mails tried again; out."""
    one_time = await asyncio.to_thread(house.door.administrator, "gina")
    async with fresh_page(chromium) as page:
        keys = Keyboard(page)
        await page.goto(house.door.url + "monitoring/email-queues")
        await keys.write(page.get_by_label("Name"), "gina")
        await keys.write(page.get_by_label("Password"), one_time)
        await keys.press(page.get_by_role("button", name="Sign in"))
        await keys.write(page.get_by_label("New password"), PASSWORD)
        await keys.write(page.get_by_label("Once more"), PASSWORD)
        await keys.press(page.get_by_role("button", name="Go on"))
        secret = await page.locator("#secret").inner_text()
        await keys.write(page.get_by_label("Six digits"), pyotp.TOTP(secret).now())
        await keys.press(page.get_by_role("button", name="Go on"))
        await keys.press(page.get_by_role("link", name="example.com"))
        await keys.press(page.get_by_role("button", name="Retry all"))
        await expect(page.get_by_role("status")).to_contain_text("1 recipient is due now")
        await keys.press(page.get_by_role("button", name="Sign out"))
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_who_lacks_a_role_sees_nothing_of_it(house: House, chromium: Browser):
    """Somebody with another role gets the answer of a page that does not exist, and no place in the navigation."""
    one_time = await asyncio.to_thread(house.door.administrator, "carl", roles=("disclaimer",))
    async with fresh_page(chromium) as page:
        await house.door.first_sign_in(page, "carl", one_time)
        await expect(page.get_by_role("link", name="Message tracking")).to_have_count(0)
        answer = await page.goto(house.door.url + "monitoring/message-tracking")
        assert answer is not None and answer.status == 404
        await expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
