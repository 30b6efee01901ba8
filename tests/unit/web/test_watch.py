# SPDX-License-Identifier: Apache-2.0
"""A gateway that is known to be away is not asked again by each page; the others are."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from console_site import Site, open_site
from waiting import PATIENCE_S


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Open a site with two gateways, of which lisbon is away, and let it find that out."""
    async with open_site(tmp_path, gateways=("berlin", "lisbon")) as opened:
        opened.links.away.add("lisbon")
        async with opened.client(cookie=await opened.cookie("anna")) as browser:
            async with asyncio.timeout(PATIENCE_S):
                while "no answer" not in (await browser.get("/")).text:
                    pass
        opened.links.asked.clear()
        yield opened


@pytest.mark.parametrize("path", ["/monitoring/email-queues", "/monitoring/email-queues/lisbon/example.com"])
async def test_a_page_does_not_wait_for_who_is_away(site: Site, path: str) -> None:
    """It tells the trouble that is known; nothing is asked of that gateway for the page."""
    async with site.client(cookie=await site.cookie("bert")) as browser:
        answer = await browser.get(path)
    assert (answer.status_code, "It is away" in answer.text) == (200, True)
    assert [name for name, do, args in site.links.asked if do.startswith("queue.") and args and name == "lisbon"] == []


async def test_a_gateway_that_is_there_is_asked(site: Site) -> None:
    """With what the page wants to know."""
    async with site.client(cookie=await site.cookie("bert")) as browser:
        assert (await browser.get("/monitoring/email-queues/berlin/example.com")).status_code == 200
    assert ("berlin", "queue.show") in [(name, do) for name, do, _args in site.links.asked]
