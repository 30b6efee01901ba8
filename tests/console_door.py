# SPDX-License-Identifier: Apache-2.0
"""A whole gateway with its console, and the ways in for tests: through the door as a person, and with the cookie of who went through it.

from console_door import Door, open_console
async with open_console(tmp_path, configuration) as door:
    await door.come_in(page)            # the whole first sign-in, once; later pages get the cookie
    await page.goto(door.url + "monitoring/message-tracking")
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pyotp
from playwright.async_api import Page, expect

from disks import roomy
from gatepost.config.bootstrap import Listener
from gatepost.config.configuration import Configuration
from gatepost.roles.control import ask, console_path
from gatepost.testing.gateway import Gateway, loopback_listener
from gatepost.testing.ports import LOOPBACK, free_port

NAME: Final = "anna"
PASSWORD: Final = "a sentence that is easy to remember"
COOKIE: Final = "gatepost-session"


class Door:
    """One console and its first administrator."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.url = f"http://{LOOPBACK}:{gateway.bootstrap.listeners[-1].port}/"
        self.secret = ""
        """What the authenticator was given."""
        self._cookie = ""

    def ask(self, do: str, **args: Any) -> Any:
        """Ask the console on its socket, as the command line does."""
        return ask(console_path(self.gateway.bootstrap), do, **args)

    def administrator(self, name: str = NAME, *, roles: tuple[str, ...] | None = None, language: str = "en") -> str:
        """Add an administrator, or give one a new start; gives the one-time password."""
        change = {"one_time_password": True, "display_name": name.capitalize(), "language": language}
        answer = self.ask("access.admin", author="test", name=name, change=change if roles is None else {**change, "roles": roles})
        return str(answer["one_time_password"])

    async def first_sign_in(self, page: Page, name: str = NAME, one_time_password: str = "") -> str:
        """Go through the door for the first time, from the page that the browser is sent to; gives the authenticator's secret."""
        one_time_password = one_time_password or await asyncio.to_thread(self.administrator, name)
        return await first_sign_in_at(page, self.url, name, one_time_password)

    async def come_in(self, page: Page) -> None:
        """Have this page's browser signed in: through the door the first time, with its cookie from then on."""
        if not self._cookie:
            self.secret = await self.first_sign_in(page)
            cookies = await page.context.cookies(self.url)
            self._cookie = next(one["value"] for one in cookies if one["name"] == COOKIE)
            return
        await page.context.add_cookies([{"name": COOKIE, "value": self._cookie, "url": self.url, "httpOnly": True, "sameSite": "Lax"}])

    @property
    def cookie(self) -> dict[str, str]:
        """The cookie of who came in, for HTTP clients."""
        return {COOKIE: self._cookie}


async def first_sign_in_at(page: Page, url: str, name: str, one_time_password: str) -> str:
    """Go through any console's door for the first time; gives the authenticator's secret."""
    await page.goto(url)
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(one_time_password)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("New password").fill(PASSWORD)
    await page.get_by_label("Once more").fill(PASSWORD)
    await page.get_by_role("button", name="Go on").click()
    secret = await page.locator("#secret").inner_text()
    await page.get_by_label("Six digits").fill(pyotp.TOTP(secret).now())
    await page.get_by_role("button", name="Go on").click()
    await expect(page).to_have_url(re.compile(re.escape(url)))
    await expect(page.get_by_role("button", name="Sign out")).to_be_attached()
    return secret


def console_listener() -> Listener:
    """Give a listener for the console on a free port of loopback."""
    return Listener(address=LOOPBACK, port=free_port(), tls="none", serves="console")


@asynccontextmanager
async def open_console(folder: Path, configuration: Configuration, **options: Any) -> AsyncIterator[Door]:
    """Run a gateway whose last listener is the console's; its disk has room, so that no incident tells of it."""
    with roomy(folder / "data"):
        gateway = Gateway(folder, configuration, listeners=[loopback_listener(), console_listener()], **options)
        async with gateway:
            await asyncio.to_thread(gateway.wait_for_console)
            yield Door(gateway)
