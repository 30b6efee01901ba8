# SPDX-License-Identifier: Apache-2.0
"""Configuration › Changes in a real browser: a draft is tried on real mails, applied, taken back; two people do not lose each other's."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import NamedTuple

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from browser import PHONE, Keyboard, assert_fits, axe, fresh_page, the_browser, the_page  # noqa: F401
from console_door import Door, open_console
from gatepost.config.configuration import Configuration, Notices, OwnedDomain
from gatepost.config.rules import FilterSettings, FilterUse, Rule, WordGroup
from gatepost.testing.gateway import relay_all_to
from gatepost.testing.sink import Sink
from pictures import picture
from waiting import until
from wire_client import WireClient

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHANGES = "configuration/changes"
RULE = "All inbound mails"


class House(NamedTuple):
    """A gateway whose rules take what they should refuse, and its door."""

    door: Door

    @property
    def url(self) -> str:
        """Where the console is."""
        return self.door.url

    def newest(self) -> int:
        """Give the number of the newest version."""
        return int(self.door.ask("config.status")["newest"]["number"])

    def document(self) -> str:
        """Give the text of the newest version."""
        return str(self.door.ask("config.export")["document"])

    def works_with(self, number: int) -> bool:
        """Tell whether every process of the gateway works with a version."""
        processes = self.door.ask("config.status")["processes"]
        return bool(processes) and all(one["version"] == number for one in processes)


def configuration(hop: int, zone: str) -> Configuration:
    """Give a rule whose threshold is too high for the pills."""
    return msgspec.structs.replace(
        relay_all_to(hop),
        owned_domains=(OwnedDomain(name="example.com", recipients="any"),),
        rules=(
            Rule(name=RULE, filters=(FilterUse(name="words"),), threshold=6.0),
            Rule(name="outwards", direction="outbound", mode="accept"),
        ),
        filters=FilterSettings(word_groups=(WordGroup(name="pills", words=("cheap pills",), points=4.0),)),
        notices=Notices(administrative_address="user@example.com"),
        dns=msgspec.structs.replace(Configuration().dns, zone_file=zone),
    )


@pytest_asyncio.fixture(name="house", scope="module", loop_scope="session")
async def the_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Run it, send it two mails, and wait until the console knows of them."""
    folder = tmp_path_factory.mktemp("changes")
    (folder / "zone").write_text("")
    async with Sink() as sink, open_console(folder, configuration(sink.port, str(folder / "zone"))) as door:
        house = House(door)
        await until(lambda: house.works_with(1), "version 1 in every process")
        settled = house.document() + "\n[message]\nparts = 5000\n"
        door.ask("config.apply", document=settled, source="here", author="anna", reason="Fewer parts are enough.", based_on=1)
        await until(lambda: house.works_with(2), "version 2 in every process")
        for subject in ("Buy cheap pills", "Minutes of the meeting"):
            assert (await asyncio.to_thread(sent, door.gateway.port, subject)).startswith("250")
        await until(lambda: len(door.ask("track.search")["tracks"]) == 2, "two tracks")
        yield house


def sent(port: int, subject: str) -> str:
    """Send a mail; gives the reply to its end."""
    with WireClient(port) as client:
        client.say("EHLO client.example")
        content = f"From: author@sender.example\r\nTo: user@example.com\r\nSubject: {subject}\r\n\r\nHello.\r\n"
        return client.send("author@sender.example", ["user@example.com"], content.encode())


async def lower_threshold(house: House, page: Page, threshold: str, rule: str = RULE) -> None:
    """Change a rule on its page, into the draft."""
    await page.goto(house.url + "configuration/rules")
    await page.get_by_role("link", name=rule, exact=True).first.click()
    await page.get_by_label("Threshold").fill(threshold)
    await page.get_by_role("button", name="Save to the draft").click()


async def set_limit(house: House, page: Page, label: str, value: str) -> None:
    """Change a limit of receiving, into the draft."""
    await page.goto(house.url + "configuration/advanced-settings/receiving")
    await page.get_by_label(label, exact=True).fill(value)
    await page.get_by_role("button", name="Save to the draft").click()
    await expect(page.get_by_role("status")).to_contain_text("It is in your draft")


async def apply(page: Page, reason: str) -> None:
    """Apply the draft on the page."""
    await page.get_by_label("Reason").fill(reason)
    await page.get_by_role("button", name="Apply", exact=True).click()


async def test_a_draft_is_tried_on_yesterdays_mails_applied_and_taken_back(house: House, page: Page):
    """The replay names the mail that would be refused; applied, the gateway refuses such a mail; rolled back, it takes it again."""
    await house.door.come_in(page)
    before = house.newest()
    await lower_threshold(house, page, "3")
    await page.goto(house.url + CHANGES)
    row = page.get_by_role("row", name=f"Rules › {RULE}")
    await expect(row.get_by_role("cell").nth(1)).to_have_text("6")
    await expect(row.get_by_role("cell").nth(2)).to_have_text("3")
    await picture(page, "changes-draft")
    await page.get_by_role("button", name="Re-judge yesterday's mails").click()
    await expect(page.get_by_text("All mails of the last 24 hours were looked at.")).to_be_visible()
    mail = page.locator("#mails tr")
    await expect(mail).to_have_count(1)
    await expect(mail).to_contain_text("Buy cheap pills")
    await expect(mail).to_contain_text("4 of 3 points, before: 4 of 6")
    await picture(page, "changes-replay")
    await mail.get_by_role("link").click()
    await expect(page.get_by_role("heading", name="Buy cheap pills")).to_be_visible()
    await page.goto(house.url + CHANGES)
    await apply(page, "Pills come through.")
    await expect(page.get_by_role("status")).to_contain_text(f"Version {before + 1} is made.")
    await until(lambda: house.works_with(before + 1), "the new version in every process")
    assert (await asyncio.to_thread(sent, house.door.gateway.port, "Buy cheap pills")).startswith("5")
    await page.get_by_role("link", name="History").click()
    await expect(page.locator("#versions tr").first).to_contain_text("Pills come through.")
    await page.get_by_role("link", name=str(before), exact=True).click()
    await page.get_by_label("Reason").fill("Too strict.")
    await picture(page, "changes-roll-back", whole=True)
    await page.get_by_role("button", name="Roll back").click()
    await expect(page.get_by_role("heading", name=f"Version {before + 2}")).to_be_visible()
    await until(lambda: house.works_with(before + 2), "the version that was gone back to in every process")
    assert (await asyncio.to_thread(sent, house.door.gateway.port, "Buy cheap pills")).startswith("250")


async def test_without_a_reason_nothing_is_applied(house: House, page: Page):
    """The fault stands at its field, the draft is as it was; then it is discarded."""
    await house.door.come_in(page)
    before = house.newest()
    await set_limit(house, page, "Recipients of one mail", "500")
    await page.goto(house.url + CHANGES)
    await page.get_by_label("Reason").fill("   ")
    await page.get_by_role("button", name="Apply", exact=True).click()
    await expect(page.locator("#reason-fault")).to_contain_text("is missing")
    assert house.newest() == before
    page.once("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    await page.get_by_role("button", name="Discard my draft").click()
    await expect(page.get_by_text("You have no draft.")).to_be_visible()


async def test_two_people_see_each_other_and_lose_nothing(house: House, page: Page, chromium: Browser):
    """Each sees the other's draft; whoever is second chooses where both changed the same, and keeps the rest of both."""
    await house.door.come_in(page)
    await lower_threshold(house, page, "5")
    await set_limit(house, page, "Recipients of one mail", "700")
    async with fresh_page(chromium) as his:
        await house.door.first_sign_in(his, "bert")
        await lower_threshold(house, his, "2")
        await set_limit(house, his, "Wrong commands", "30")
        await his.goto(house.url + CHANGES)
        hers = his.locator("section", has=his.get_by_role("heading", name="anna"))
        await expect(hers).to_contain_text("This touches what your draft changes, too.")
        await picture(his, "changes-two-drafts", whole=True)
        await apply(his, "Stricter.")
        await expect(his.get_by_role("status")).to_contain_text("is made.")
    theirs = house.newest()
    await page.goto(house.url + CHANGES)
    await apply(page, "A little stricter.")
    await expect(page.get_by_role("alert").first).to_contain_text("put your draft onto it first")
    assert house.newest() == theirs
    await page.get_by_role("button", name=f"Put my draft onto version {theirs}").click()
    await expect(page.locator("fieldset")).to_have_count(1)
    await expect(page.locator("fieldset")).to_contain_text("bert")
    await page.get_by_role("button", name=f"Put my draft onto version {theirs}").click()
    await expect(page.get_by_role("alert")).to_contain_text("1 place is left to choose.")
    await picture(page, "changes-conflict")
    await page.get_by_role("radio", name=re.compile("^Mine")).check()
    await page.get_by_role("button", name=f"Put my draft onto version {theirs}").click()
    await expect(page.get_by_role("status")).to_contain_text("rests on the newest version now")
    await apply(page, "A little stricter.")
    await expect(page.get_by_role("status")).to_contain_text("is made.")
    kept = house.document()
    assert "threshold = 5.0" in kept
    assert "recipients = 700" in kept
    assert "errors = 30" in kept


async def test_a_draft_that_changed_elsewhere_is_not_applied(house: House, page: Page):
    """What another tab changed is shown first; only what was seen is applied."""
    await house.door.come_in(page)
    await set_limit(house, page, "Failed logins", "4")
    await page.goto(house.url + CHANGES)
    other = await page.context.new_page()
    await set_limit(house, other, "Failed logins", "5")
    before = house.newest()
    await apply(page, "Seen.")
    await expect(page.get_by_role("alert")).to_contain_text("The draft was changed meanwhile")
    await expect(page.get_by_label("Reason")).to_have_value("Seen.")
    assert house.newest() == before
    await page.get_by_role("button", name="Apply", exact=True).click()
    await expect(page.get_by_role("status")).to_contain_text("is made.")
    assert "auth_failures = 5" in house.document()
    await other.close()


async def test_the_draft_as_text_tells_faults_with_their_lines(house: House, page: Page):
    """What cannot be read is not kept but stays in the field; what cannot be applied yet is kept, and told by line."""
    await house.door.come_in(page)
    await page.goto(house.url + CHANGES + "/text")
    field = page.get_by_label("The configuration as TOML")
    text = await field.input_value()
    broken = text + "\n[delivery]\nlease_s = soon\n"
    await field.fill(broken)
    await page.get_by_role("button", name="Keep it as my draft").click()
    await expect(page.get_by_role("alert")).to_contain_text("Nothing is kept yet")
    await expect(page.get_by_role("cell", name=str(broken.count("\n")), exact=True)).to_be_visible()
    await expect(field).to_have_value(broken)
    await field.fill(text.replace("cheap pills", "").replace('words = [""]', 'words = [" "]'))
    await page.get_by_role("button", name="Keep it as my draft").click()
    await expect(page.get_by_role("status")).to_contain_text("It cannot be applied yet")
    line = text[: text.index("cheap pills")].count("\n") + 1
    await expect(page.get_by_role("row", name="filters.word_groups[0].words[0]")).to_contain_text(str(line))
    await picture(page, "changes-text")
    await page.goto(house.url + CHANGES)
    await expect(page.get_by_role("heading", name="What still stops an apply")).to_be_visible()
    page.once("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
    await page.get_by_role("button", name="Discard my draft").click()
    await expect(page.get_by_text("You have no draft.")).to_be_visible()


async def test_keys_alone_apply_a_draft(house: House, page: Page):
    """Without a mouse: change a limit, look at the draft, say why, apply."""
    await house.door.come_in(page)
    await page.goto(house.url + "configuration/advanced-settings/receiving")
    keys = Keyboard(page)
    await keys.write(page.get_by_label("Recipients of one mail", exact=True), "800")
    await keys.press(page.get_by_role("button", name="Save to the draft"))
    await expect(page.get_by_role("status")).to_contain_text("It is in your draft")
    await keys.press(page.get_by_role("link", name="Changes", exact=True))
    await keys.write(page.get_by_label("Reason"), "More recipients.")
    await keys.press(page.get_by_role("button", name="Apply", exact=True))
    await expect(page.get_by_role("status")).to_contain_text("is made.")


async def test_the_pages_of_changes_are_for_everybody(house: House, page: Page, chromium: Browser):
    """axe-core finds nothing grave, nothing is wider than a phone, all speak German to who asks for it; and work without a script."""
    await house.door.come_in(page)
    await set_limit(house, page, "Recipients of one mail", "900")
    await page.goto(house.url + CHANGES)
    await page.get_by_role("button", name="Re-judge yesterday's mails").click()
    await expect(page.get_by_text("All mails of the last 24 hours were looked at.")).to_be_visible()
    paths = (CHANGES, CHANGES + "/text", CHANGES + "/history", f"{CHANGES}/history/{house.newest() - 1}", CHANGES + "/replay")
    for path in paths:
        await page.goto(house.url + path)
        assert (path, await axe(page)) == (path, [])
    async with fresh_page(chromium, viewport=PHONE, locale="de-DE") as phone:
        await house.door.come_in(phone)
        for path in paths:
            await phone.goto(house.url + path)
            await assert_fits(phone)
    async with fresh_page(chromium, java_script_enabled=False) as plain:
        await house.door.come_in(plain)
        await plain.goto(house.url + CHANGES)
        await plain.get_by_role("button", name="Re-judge yesterday's mails").click()
        for _ in range(20):
            if await plain.get_by_text("All mails of the last 24 hours were looked at.").count():
                break
            await plain.get_by_role("link", name="Load the page anew").click()
        await plain.goto(house.url + CHANGES)
        await plain.get_by_role("button", name="Discard my draft").click()
        await expect(plain.get_by_text("You have no draft.")).to_be_visible()


async def test_who_may_not_see_the_configuration_finds_no_changes(house: House, chromium: Browser):
    """Somebody with another role gets the answer of a page that does not exist, for forms as for pages."""
    one_time = await asyncio.to_thread(house.door.administrator, "carl", roles=("monitoring",))
    async with fresh_page(chromium) as page:
        await house.door.first_sign_in(page, "carl", one_time)
        await expect(page.get_by_role("link", name="Changes", exact=True)).to_have_count(0)
        for path in (
            CHANGES,
            CHANGES + "/text",
            CHANGES + "/history",
            CHANGES + "/history/1/download",
            "configuration/advanced-settings/dns",
        ):
            answer = await page.goto(house.url + path)
            assert answer is not None and (path, answer.status) == (path, 404)
        answer = await page.request.post(house.url + CHANGES + "/apply", form={"revision": "0", "reason": "x"})
        assert answer.status in (403, 404)
