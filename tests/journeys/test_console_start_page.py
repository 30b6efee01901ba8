# SPDX-License-Identifier: Apache-2.0
"""The start page that stays open: new mails come to it, and leave alone what somebody looks at there."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, Page, expect

from browser import axe, fresh_page, the_browser, the_page  # noqa: F401
from console_door import open_console
from gatepost.testing.gateway import relay_all_to
from gatepost.testing.sink import Sink
from waiting import until
from wire_client import WireClient

pytestmark = pytest.mark.asyncio(loop_scope="session")

MAIL: Final = b"From: author@sender.example\r\nTo: user@example.com\r\nSubject: Hello\r\n\r\nHello.\r\n"
SUMS: Final = "figure => figure.plot.data.map(values => values.reduce((sum, value) => sum + value, 0))"
WHERE: Final = "figure => figure.plot.valToPos(figure.plot.data[0][figure.plot.data[1].findLastIndex(Boolean)], 'x')"
"""How far right the last hour with a delivered mail is drawn: it is not the last one of all when another has begun meanwhile."""


async def test_the_start_page_goes_on_by_itself(page: Page, tmp_path: Path):
    """What came is counted and drawn; a table that was unfolded stays so, a chart is the same one, and the focus stays where it was."""
    await page.clock.install()
    async with Sink() as sink, open_console(tmp_path, relay_all_to(sink.port)) as door:
        await door.come_in(page)
        figure = page.locator(".card-body", has_text="Inbound, delivered").locator(".gp-figure a")
        await expect(figure).to_have_text("0")
        table = page.get_by_role("region", name="The last 24 hours")
        await page.locator("summary", has_text="The same as a table").first.click()
        await figure.focus()
        await page.locator("canvas").first.evaluate("canvas => { canvas.id = 'first-drawn'; }")
        with WireClient(door.gateway.port) as client:
            client.say("EHLO client.example")
            client.send("author@sender.example", ["user@example.com"], MAIL)
        await until(lambda: bool(door.ask("track.search", statuses=["success"])["tracks"]), "the track of the delivered mail")
        await page.clock.fast_forward(11_000)
        await expect(figure).to_have_text("1")
        await expect(table.get_by_role("link")).to_have_text("1")
        await expect(figure).to_be_focused()
        await expect(page.locator("#first-drawn")).to_be_visible()
        _time, delivered, *_others = await page.locator("figure").first.evaluate(SUMS)
        assert delivered == 1
        assert await axe(page) == []


async def test_each_number_of_a_chart_leads_to_its_mails(chromium: Browser, tmp_path: Path):
    """Also where the reader's clock is not UTC: the hour's mails are found, and the search shows that hour by his clock."""
    async with Sink() as sink, open_console(tmp_path, relay_all_to(sink.port)) as door:
        with WireClient(door.gateway.port) as client:
            client.say("EHLO client.example")
            client.send("author@sender.example", ["user@example.com"], MAIL)
        await until(lambda: bool(door.ask("track.search", statuses=["success"])["tracks"]), "the track of the delivered mail")
        async with fresh_page(chromium, timezone_id="Asia/Kolkata") as page:
            await door.come_in(page)
            await page.goto(door.url)
            await page.locator("summary", has_text="The same as a table").first.click()
            rows = page.get_by_role("region", name="The last 24 hours").get_by_role("row")
            hour = rows.filter(has=page.get_by_role("link"))
            begins = await hour.locator("time").get_attribute("datetime")
            await hour.get_by_role("link").click()
            await expect(page.locator("#mails tr")).to_have_count(1)
            shown = datetime.fromisoformat(str(begins)).astimezone(ZoneInfo("Asia/Kolkata"))
            await expect(page.get_by_label("From", exact=True)).to_have_value(shown.strftime("%Y-%m-%dT%H:%M"))
            await page.get_by_role("button", name="Search").click()
            await expect(page.locator("#mails tr")).to_have_count(1)
            await page.goto(door.url)
            over = page.locator("figure .u-over").first
            box = await over.bounding_box()
            assert box is not None
            drawn_at = await page.locator("figure").first.evaluate(WHERE)
            await over.click(position={"x": min(drawn_at, box["width"] - 2), "y": box["height"] / 2})
            await expect(page.locator("#mails tr")).to_have_count(1)


async def test_an_incident_leads_where_its_reader_may_go(chromium: Browser, page: Page, tmp_path: Path):
    """Who may mend it gets a link, who may not the name of the page; its own page has nothing that is hard to perceive."""
    async with Sink() as sink, open_console(tmp_path, relay_all_to(sink.port)) as door:
        await until(lambda: bool(door.ask("incident.list")["incidents"]), "an incident: nobody is told")
        await door.come_in(page)
        await page.get_by_role("link", name="Notices go nowhere").click()
        await expect(page.get_by_role("heading", name="Notices go nowhere")).to_be_visible()
        assert await axe(page) == []
        await page.get_by_role("link", name="Go to: Advanced settings").click()
        await expect(page.get_by_role("heading", name="Advanced settings")).to_be_visible()
        one_time = await asyncio.to_thread(door.administrator, "mona", roles=("monitoring",))
        async with fresh_page(chromium) as hers:
            await door.first_sign_in(hers, "mona", one_time)
            await expect(hers.locator("#state")).to_contain_text("Who may open the page Advanced settings can do that")
            await expect(hers.get_by_role("link", name="Go to:")).to_have_count(0)
