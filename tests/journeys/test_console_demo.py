# SPDX-License-Identifier: Apache-2.0
"""The first minutes of a new user: the demo, its console, the first mail; the README's pictures are of this walk."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from browser import the_browser, the_page  # noqa: F401
from console_door import first_sign_in_at
from gatepost.testing.ports import free_port
from pictures import picture
from waiting import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="session")

DOOR = re.compile(r"The console is at (\S+); sign in as (\S+) with (\S+) \(good once\)")
COMMAND = [sys.executable, "-m", "gatepost", "demo"]


async def test_the_first_mail_is_seen_a_minute_after_the_demo_begins(page: Page, tmp_path: Path):
    """What the demo prints opens the door; the start page counts its mails, and message tracking shows each with its path."""
    ports = [str(free_port()) for _ in range(4)]
    environment = {**os.environ, "GATEPOST_SHARED": str(tmp_path / "absent")}
    arguments = ["--state", str(tmp_path / "state"), "--ports", *ports]
    demo = await asyncio.create_subprocess_exec(*COMMAND, *arguments, env=environment, stdout=asyncio.subprocess.PIPE)
    try:
        address, name, password = await _said(demo, DOOR)
        await first_sign_in_at(page, address, name, password)
        await _said(demo, re.compile(r"(Send it mail yourself)"))
        await page.goto(address)
        await expect(page.get_by_role("heading", name="Mail flow")).to_be_visible()
        await expect(page.locator(".card-body", has_text="Inbound, delivered").locator(".gp-figure")).not_to_have_text("0")
        await expect(page.get_by_role("row", name="reputation")).to_be_visible()
        await picture(page, "demo-start-page", volatile=[page.locator("#state"), page.locator("table"), page.locator("main .alert")])
        await page.get_by_role("link", name="Message tracking").click()
        await page.get_by_label("Permanently refused").check()
        await page.get_by_role("button", name="Search").click()
        await page.locator("#mails a").first.click()
        await expect(page.get_by_role("heading", name="The mail's path")).to_be_visible()
        await _found(page, f"{address}monitoring/message-tracking?client=203.0.113.254")
        await page.locator("#mails a").first.click()
        await expect(page.get_by_role("row", name="reputation")).to_contain_text("DMARC of bank.example fails")
        await picture(page, "demo-track")
    finally:
        demo.send_signal(signal.SIGTERM)
        assert await demo.wait() == 0


async def _found(page: Page, search: str) -> None:
    """Search until a mail is found; the demo is done a moment before its last tracks have come to the console."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            await page.goto(search)
            if await page.locator("#mails a").count():
                return


async def _said(demo: asyncio.subprocess.Process, wanted: re.Pattern[str]) -> tuple[str, ...]:
    """Wait for a line of the demo."""
    assert demo.stdout is not None
    async with asyncio.timeout(90):
        while line := (await demo.stdout.readline()).decode():
            if found := wanted.search(line):
                return found.groups()
    raise AssertionError("the demo ended early")
