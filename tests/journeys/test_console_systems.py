# SPDX-License-Identifier: Apache-2.0
"""Connected systems, webhooks, advanced settings and troubleshooting in a real browser, over a gateway and a second one that joins it."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from browser import PHONE, Keyboard, assert_fits, axe, fresh_page, the_browser, the_page  # noqa: F401
from console_door import Door, open_console
from gatepost.config.configuration import Configuration, Notices, OwnedDomain
from gatepost.config.rules import FilterSettings, FilterUse, Rule, WordGroup
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.ports import free_port
from pictures import picture
from waiting import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")

SYSTEMS = "configuration/connected-systems"
WEBHOOKS = SYSTEMS + "/webhooks"
ADVANCED = "configuration/advanced-settings"
CHECK = "troubleshooting/check-a-mail"
MAIL = b"From: author@sender.example\r\nTo: user@example.com\r\nSubject: Buy cheap pills\r\n\r\nHello.\r\n"
PAGES = (
    SYSTEMS,
    WEBHOOKS,
    *(f"{ADVANCED}/{tab}" for tab in ("notices", "monitoring", "receiving", "messages", "delivery", "dns", "console", "different-rules")),
    "troubleshooting",
    "troubleshooting/which-rule?client_ip=192.0.2.1&rcpt=user@example.com",
    CHECK,
)


class House(NamedTuple):
    """A machine with gateway and console, and a second gateway."""

    door: Door
    rome: Gateway

    @property
    def url(self) -> str:
        """Where the console is."""
        return self.door.url

    async def token(self) -> str:
        """Make a token on the second gateway."""
        invited = await asyncio.to_thread(self.rome.answer, "role", "invite")
        return str(invited["token"])


def configuration(zone: str) -> Configuration:
    """Give two rules, of which the upper one is for one recipient."""
    return msgspec.structs.replace(
        relay_all_to(free_port()),
        owned_domains=(OwnedDomain(name="example.com", recipients="list"),),
        corporate_users=("user@example.com",),
        rules=(
            Rule(name="The director", recipients=("director@example.com",), mode="accept"),
            Rule(name="All inbound mails", recipient_scope="corporate_addresses", filters=(FilterUse(name="words", multiplier=2),)),
        ),
        filters=FilterSettings(word_groups=(WordGroup(name="pills", words=("cheap pills",), points=4.0),)),
        notices=Notices(administrative_address="user@example.com"),
        dns=msgspec.structs.replace(Configuration().dns, zone_file=zone),
    )


@pytest_asyncio.fixture(name="house", scope="module", loop_scope="session")
async def the_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Run both."""
    folder = tmp_path_factory.mktemp("systems")
    (folder / "zone").write_text("")
    settings = configuration(str(folder / "zone"))
    async with open_console(folder / "here", settings) as door, Gateway(folder / "rome", settings, role="gateway", linked=True) as rome:
        yield House(door, rome)


async def accept_dialogs(page: Page) -> None:
    """Say yes to what the page asks."""
    page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))


async def until_shown(page: Page, address: str, number: int, text: str) -> None:
    """Load a page until it says something so many times: what gateways say is remembered for some seconds."""
    end = time.monotonic() + PATIENCE_S
    await page.goto(address)
    while await page.get_by_text(text, exact=True).count() != number:
        assert time.monotonic() < end, f"the page does not say {number} times {text!r}"
        await page.goto(address)


async def test_a_gateway_joins_and_parts(house: House, page: Page):
    """A wrong token is told at its field; with the right one the fingerprints are shown to be compared, and the link is seen to work."""
    await house.door.come_in(page)
    await accept_dialogs(page)
    await page.goto(house.url)
    await page.get_by_role("link", name="Connected systems").click()
    await until_shown(page, house.url + SYSTEMS, 2, "the newest")
    here = page.locator("section", has=page.get_by_role("heading", name="Gateway local"))
    await expect(here).to_contain_text("this machine")
    await expect(here.get_by_role("row", name="deliver")).to_contain_text("the newest")
    await page.get_by_label("Address").fill(house.rome.bootstrap.link.listen)
    await page.get_by_label("Token").fill("not a token")
    await page.get_by_label("Name", exact=True).fill("rome")
    await page.get_by_role("button", name="Join").click()
    await expect(page.locator("#token-fault")).to_contain_text("this is no token")
    await expect(page.get_by_label("Address")).to_have_value(house.rome.bootstrap.link.listen)
    await page.get_by_label("Token").fill(await house.token())
    await page.get_by_role("button", name="Join").click()
    await expect(page.get_by_role("heading", name="Gateway rome")).to_be_visible()
    fingerprint = (await asyncio.to_thread(house.rome.answer, "role", "list"))[0]["fingerprint"]
    await expect(page.get_by_role("status").first).to_contain_text(" ".join(re.findall("....", fingerprint)))
    rome = page.locator("section", has=page.get_by_role("heading", name="Gateway rome"))
    await until_shown(page, house.url + SYSTEMS, 4, "the newest")
    await expect(rome.get_by_role("row", name="receive")).to_contain_text("the newest")
    await expect(rome).to_contain_text("connected")
    waits = page.locator("dt:text-matches('^Waits') + dd")
    await picture(page, "connected-systems", volatile=[page.locator(".gp-mono"), waits])
    await rome.get_by_role("button", name="Part from rome").click()
    await expect(page.get_by_role("status")).to_contain_text("rome has left.")
    await expect(rome).to_have_count(0)


async def test_one_that_is_away_is_told_as_away(house: House, page: Page):
    """The rest of the page works, and nobody waits for it."""
    await house.door.come_in(page)
    await accept_dialogs(page)
    await page.goto(house.url + SYSTEMS)
    await page.get_by_label("Address").fill(house.rome.bootstrap.link.listen)
    await page.get_by_label("Token").fill(await house.token())
    await page.get_by_label("Name", exact=True).fill("rome")
    await page.get_by_role("button", name="Join").click()
    rome = page.locator("section", has=page.get_by_role("heading", name="Gateway rome"))
    await expect(rome).to_be_visible()
    await until_shown(page, house.url + SYSTEMS, 4, "the newest")
    await asyncio.to_thread(house.rome.terminate)
    try:
        await until_shown(page, house.url + SYSTEMS, 1, "away")
        await expect(page.get_by_role("heading", name="Gateway local")).to_be_visible()
        await rome.get_by_role("button", name="Part from rome").click()
        await expect(page.get_by_role("status")).to_contain_text("rome has left here, but could not be told")
    finally:
        await asyncio.to_thread(house.rome.start)


async def test_a_webhook_is_added_changed_and_removed(house: House, page: Page):
    """Its secret is shown once; a wrong URL is told at its field; what follows the host of the URL is never shown again."""
    await house.door.come_in(page)
    await accept_dialogs(page)
    await page.goto(house.url + SYSTEMS)
    await page.get_by_role("link", name="Webhooks").click()
    await page.get_by_label("Name").fill("Alerts")
    await page.get_by_label("URL").fill("http://alerts.example.com/gatepost")
    await page.get_by_role("button", name="Add").click()
    await expect(page.locator("#url-fault")).to_contain_text("must begin with https://")
    await expect(page.get_by_label("Name")).to_have_value("Alerts")
    await expect(page.get_by_label("URL")).to_have_value("")
    await page.get_by_label("URL").fill("https://alerts.example.com/gatepost")
    await page.get_by_role("button", name="Add").click()
    secret = await page.locator("#secret").inner_text()
    assert secret.startswith("gpwh_")
    await page.goto(house.url + WEBHOOKS)
    assert secret not in await page.content()
    address = page.get_by_role("cell", name="https://alerts.example.com/… (")
    shown = await address.inner_text()
    assert re.fullmatch(r"https://alerts\.example\.com/… \([0-9a-f]{8}\)", shown)
    await picture(page, "webhooks", volatile=[address])
    await page.get_by_role("link", name="Alerts").click()
    await expect(page.get_by_label("URL")).to_have_value("")
    await expect(page.get_by_text(f"Now {shown}.")).to_be_visible()
    await page.get_by_role("button", name="Renew the secret").click()
    assert (await page.locator("#secret").inner_text()) != secret
    await page.get_by_label("Name").fill("Alerts of the night")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("heading", name="Alerts of the night")).to_be_visible()
    await page.get_by_role("button", name="Disable").click()
    await expect(page.get_by_text("disabled")).to_be_visible()
    await page.get_by_role("button", name="Enable").click()
    await expect(page.get_by_text("is told", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Remove").click()
    await expect(page.get_by_text("There is none yet.")).to_be_visible()


async def test_the_storage_period_of_message_tracking_is_shortened(house: House, page: Page):
    """By the article's path: Configuration › Advanced settings › Monitoring; a number that cannot be stays in its field."""
    await house.door.come_in(page)
    await page.goto(house.url)
    await page.get_by_role("link", name="Advanced settings").click()
    await page.get_by_role("main").get_by_role("link", name="Monitoring").click()
    details = page.get_by_label("Message tracking: store details (days)")
    await expect(details).to_have_value("14")
    await details.fill("0")
    await page.get_by_role("button", name="Save to the draft").click()
    await expect(page.locator("#details_days-fault")).to_be_visible()
    await expect(details).to_have_value("0")
    await details.fill("7")
    await page.get_by_role("button", name="Save to the draft").click()
    await expect(page.get_by_role("status")).to_contain_text("It is in your draft")
    await picture(page, "advanced-settings-monitoring")
    await page.get_by_role("link", name="Look at the changes and apply them").click()
    await page.get_by_label("Reason").fill("The database fills up.")
    await page.get_by_role("button", name="Apply", exact=True).click()
    await expect(page.get_by_role("status")).to_contain_text("is made.")
    assert "details_days = 7" in house.door.ask("config.export")["document"]


async def test_each_rule_is_told_with_why_it_does_not_own_a_mail(house: House, page: Page):
    """The same answer as `gatepost rules explain`; a wrong address is told at its field; with keys alone."""
    await house.door.come_in(page)
    await page.goto(house.url + "troubleshooting")
    await page.get_by_role("main").get_by_role("link", name="Which rule would own a mail").click()
    keys = Keyboard(page)
    await keys.write(page.get_by_label("Client address"), "nowhere")
    await keys.write(page.get_by_label("Recipient"), "user@example.com")
    await keys.press(page.get_by_role("button", name="Explain"))
    await expect(page.locator("#client_ip-fault")).to_contain_text("is no IP address")
    await keys.write(page.get_by_label("Client address"), "192.0.2.1")
    await keys.press(page.get_by_role("button", name="Explain"))
    await expect(page.get_by_role("heading", name="The rule All inbound mails owns it")).to_be_visible()
    await expect(page.get_by_role("row", name="The director")).to_contain_text(
        "the recipient user@example.com is none of director@example.com"
    )
    asked = ("rules", "explain", "--client-ip", "192.0.2.1", "--rcpt", "user@example.com")
    told = await asyncio.to_thread(house.door.gateway.answer, *asked)
    for one in told["rules"]:
        await expect(page.get_by_role("row", name=one["rule"])).to_contain_text(one["why"])
    await picture(page, "which-rule")


async def test_a_mail_is_checked_and_never_delivered(house: House, page: Page, tmp_path: Path):
    """Its verdict and the points of each filter are shown; nothing of it is tracked; an unknown recipient is refused at RCPT."""
    await house.door.come_in(page)
    before = len(house.door.ask("track.search")["tracks"])
    await page.goto(house.url + CHECK)
    await page.get_by_label("Client address").fill("192.0.2.1")
    await page.get_by_label("Sender (MAIL FROM)").fill("author@sender.example")
    await page.get_by_label("Recipients").fill("user@example.com")
    await page.get_by_label("The mail as a file").set_input_files({"name": "pills.eml", "mimeType": "message/rfc822", "buffer": MAIL})
    await page.get_by_role("button", name="Check").click()
    await expect(page.get_by_role("heading", name="The mail would be refused.")).to_be_visible()
    await expect(page.get_by_role("row", name="words")).to_contain_text("8 (4 × 2)")
    await expect(page.get_by_label("Sender (MAIL FROM)")).to_have_value("author@sender.example")
    await picture(page, "check-a-mail")
    await page.get_by_label("Recipients").fill("nobody@example.com")
    await page.get_by_label("The mail as a file").set_input_files({"name": "pills.eml", "mimeType": "message/rfc822", "buffer": MAIL})
    await page.get_by_role("button", name="Check").click()
    await expect(page.get_by_role("heading", name="The mail would be refused.")).to_be_visible()
    await expect(page.get_by_text("at RCPT TO")).to_be_visible()
    assert len(house.door.ask("track.search")["tracks"]) == before


async def test_a_corporate_user_of_the_data_exists_for_a_check(house: House, page: Page):
    """The console knows who exists, so a recipient who is in no list of the configuration is not refused."""
    await house.door.come_in(page)
    user = {"display_name": "Jo", "addresses": [{"address": "Jo@example.com"}, {"address": "off@example.com", "enabled": False}]}
    saved = await asyncio.to_thread(house.door.ask, "people.user.save", user=user, author="anna")
    assert saved["outcome"] == "saved", saved
    for recipient, stage in (("jo@EXAMPLE.com", "after its content had come"), ("off@example.com", "at RCPT TO")):
        await page.goto(house.url + CHECK)
        await page.get_by_label("Client address").fill("192.0.2.1")
        await page.get_by_label("Recipients").fill(recipient)
        await page.get_by_label("The mail as a file").set_input_files({"name": "pills.eml", "mimeType": "message/rfc822", "buffer": MAIL})
        await page.get_by_role("button", name="Check").click()
        await expect(page.get_by_text(stage)).to_be_visible()


async def test_a_file_that_is_no_mail_or_too_large_is_told_at_its_field(house: House, page: Page):
    """Garbage is judged like a mail that holds it; what is too large is refused with what to do instead."""
    await house.door.come_in(page)
    for content, expected in ((b"\0\xff" * 500, "The mail would be"), (b"x\r\n" * 1_350_000, "is too large")):
        await page.goto(house.url + CHECK)
        await page.get_by_label("Client address").fill("192.0.2.1")
        await page.get_by_label("Recipients").fill("user@example.com")
        await page.get_by_label("The mail as a file").set_input_files({"name": "x.eml", "mimeType": "message/rfc822", "buffer": content})
        await page.get_by_role("button", name="Check").click()
        await expect(page.get_by_role("main")).to_contain_text(expected)


async def test_these_pages_are_for_everybody(house: House, page: Page, chromium: Browser):
    """axe-core finds nothing grave on any, none is wider than a phone, all speak German to who asks for it."""
    await house.door.come_in(page)
    for path in PAGES:
        await page.goto(house.url + path)
        assert (path, await axe(page)) == (path, [])
    async with fresh_page(chromium, viewport=PHONE, locale="de-DE") as phone:
        await house.door.come_in(phone)
        for path in PAGES:
            await phone.goto(house.url + path)
            await assert_fits(phone)


async def test_each_role_sees_its_own(house: House, chromium: Browser):
    """Who watches sees the systems and tries mails, but joins nothing and changes no settings; another role sees nothing of it."""
    one_time = await asyncio.to_thread(house.door.administrator, "carl", roles=("monitoring",))
    async with fresh_page(chromium) as page:
        await house.door.first_sign_in(page, "carl", one_time)
        for path, status in ((SYSTEMS, 200), (WEBHOOKS, 200), (CHECK, 200), (f"{ADVANCED}/dns", 404)):
            answer = await page.goto(house.url + path)
            assert answer is not None and (path, answer.status) == (path, status)
        await page.goto(house.url + SYSTEMS)
        await expect(page.get_by_role("button", name="Join")).to_have_count(0)
    one_time = await asyncio.to_thread(house.door.administrator, "dora", roles=("people",))
    async with fresh_page(chromium) as page:
        await house.door.first_sign_in(page, "dora", one_time)
        for path in PAGES:
            answer = await page.goto(house.url + path)
            assert answer is not None and (path, answer.status) == (path, 404)
