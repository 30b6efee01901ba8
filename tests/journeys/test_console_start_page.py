# SPDX-License-Identifier: Apache-2.0
"""The start page that stays open: new mails come to it, and leave alone what somebody looks at there."""

from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Page, expect

from browser import axe, the_browser, the_page  # noqa: F401
from console_door import open_console
from gatepost.testing.gateway import relay_all_to
from gatepost.testing.sink import Sink
from waiting import until
from wire_client import WireClient

pytestmark = pytest.mark.asyncio(loop_scope="session")

MAIL: Final = b"From: author@sender.example\r\nTo: user@example.com\r\nSubject: Hello\r\n\r\nHello.\r\n"
LAST_VALUES: Final = "figure => figure.plot.data.map(values => values.at(-1))"


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
        await expect(table.get_by_role("row").last).to_contain_text("1")
        await expect(figure).to_be_focused()
        await expect(page.locator("#first-drawn")).to_be_visible()
        _time, delivered, *_others = await page.locator("figure").first.evaluate(LAST_VALUES)
        assert delivered == 1
        assert await axe(page) == []
