# SPDX-License-Identifier: Apache-2.0
"""The webhooks' pages: what is wrong is said at its field, in the reader's language; who was told is told by name."""

import re
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from console_site import Site, open_site
from gatepost.access.administrators import Change
from gatepost.contracts.actor import Actor
from gatepost.monitoring.webhooks import MOST

PATH = "/configuration/connected-systems/webhooks"
ANNA = Actor("anna", "console")


@pytest_asyncio.fixture(name="site")
async def the_site(tmp_path: Path):
    """Open one."""
    async with open_site(tmp_path) as site:
        yield site


async def german(site: Site) -> httpx2.AsyncClient:
    """Give the browser of an administrator who reads German."""
    cookie = await site.cookie("anna")
    await site.rooms.access.administrators.change(ANNA, "anna", Change(language="de"))
    return site.client(cookie=cookie)


async def sent(browser: httpx2.AsyncClient, **typed: str) -> str:
    """Send the form of a new webhook; gives the page that answers."""
    found = re.search('name="form_token" value="([^"]+)"', (await browser.get(PATH)).text)
    assert found
    answer = await browser.post(PATH, data={"form_token": found[1], **typed}, headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 400
    return answer.text


@pytest.mark.parametrize(
    ("name", "url", "field", "said"),
    [
        ("", "https://a.example/x", "name", "hat 1 bis 100 druckbare Zeichen"),
        ("a", "http://a.example/x", "url", "muss mit https:// beginnen"),
        ("a", "nothing", "url", "ist keine URL; schreiben Sie https://HOST/PFAD"),
        ("a", "https://user:secret@a.example/x", "url", "hat einen Benutzer oder ein Fragment"),
        ("a", "https://a.example/…", "url", "ist eine gekürzte"),
    ],
)
async def test_what_is_wrong_with_a_webhook_is_said_in_german(site: Site, name: str, url: str, field: str, said: str):
    """At its field."""
    page = await sent(await german(site), name=name, url=url)
    assert f'id="{field}-fault">{said}' in page


async def test_one_webhook_too_many_is_said_in_german(site: Site):
    """Beside no field."""
    for number in range(MOST):
        await site.rooms.incidents.webhooks.create(ANNA, f"number {number}", "https://a.example/x")
    page = await sent(await german(site), name="one more", url="https://a.example/x")
    assert f"es gibt schon {MOST} Webhooks; entfernen Sie zuerst einen" in page
