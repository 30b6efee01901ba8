# SPDX-License-Identifier: Apache-2.0
"""A gateway that holds still: its pages say so, and show its queues again when it is back."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from browser import the_browser, the_page  # noqa: F401
from console_door import open_console
from gatepost.testing.gateway import relay_all_to
from waiting import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_pages_of_a_gateway_that_is_away(page: Page, tmp_path: Path):
    """Its queue is shown as away, with the status of a page that is there, and again as a queue when it is back."""
    async with open_console(tmp_path, relay_all_to(1)) as door:
        await door.come_in(page)
        [deliver] = door.gateway.running()["deliver"]
        os.kill(deliver, signal.SIGSTOP)
        try:
            await _told(page, door.url, "away")
            for path in ("monitoring/email-queues/local/example.com", "monitoring/email-queues"):
                answer = await page.goto(door.url + path)
                assert answer is not None and answer.status == 200
                await expect(page.get_by_role("alert")).to_contain_text("It is away")
        finally:
            os.kill(deliver, signal.SIGCONT)
        await _told(page, door.url, "connected")
        await page.goto(door.url + "monitoring/email-queues")
        await expect(page.get_by_text("No mail is waiting.")).to_be_visible()


async def _told(page: Page, url: str, word: str) -> None:
    """Load the start page until it says this of the gateway."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            await page.goto(url)
            if word in await page.locator("section[aria-labelledby=roles]").inner_text():
                return
