# SPDX-License-Identifier: Apache-2.0
"""Where incidents lead: each page that a kind names is there, for who may see it."""

from pathlib import Path

import pytest

from console_site import open_site
from gatepost.monitoring.kinds import KINDS


async def test_each_kind_of_incident_leads_to_a_page(tmp_path: Path):
    """A page that is renamed, or was never made, fails here."""
    async with open_site(tmp_path) as site:
        browser = site.client(cookie=await site.cookie("anna"))
        for page in sorted({kind.page for kind in KINDS.values()}):
            answer = await browser.get(page, follow_redirects=True)
            assert (page, answer.status_code) == (page, 200)


@pytest.mark.parametrize("roles", [("monitoring",), ("configuration",)])
async def test_a_gateway_that_is_away_can_be_looked_at_by_who_is_told(tmp_path: Path, roles: tuple[str, ...]):
    """Who watches and who configures both see the connected systems."""
    async with open_site(tmp_path) as site:
        browser = site.client(cookie=await site.cookie("carl", *roles))
        assert (await browser.get(KINDS["link.away"].page)).status_code == 200
