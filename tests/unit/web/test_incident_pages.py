# SPDX-License-Identifier: Apache-2.0
"""Where incidents lead: each page that a kind names is there, for who may see it."""

from pathlib import Path

import pytest

from console_site import Site, open_site
from gatepost.contracts.actor import Actor
from gatepost.monitoring.kinds import KINDS
from gatepost.monitoring.record import IncidentView

ROOT = Actor("root", "cli")


async def nowhere(site: Site) -> IncidentView:
    """Have it found that nobody is told by mail."""
    opened = await site.rooms.incidents.recheck("notices.nowhere", "mail")
    assert opened is not None
    return opened


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


async def test_what_is_about_no_thing_shows_no_subject(tmp_path: Path):
    """On its page, in the list and on the start page; the word that the program knows it by is not for people."""
    async with open_site(tmp_path) as site:
        opened = await nowhere(site)
        browser = site.client(cookie=await site.cookie("carl", "monitoring"))
        assert opened.subject == "mail"
        page = (await browser.get(f"/incidents/{opened.id}")).text
        assert "Notices go nowhere" in page and "> mail<" not in page
        assert "<td>mail</td>" not in (await browser.get("/incidents")).text
        start = (await browser.get("/")).text
        assert "Notices go nowhere" in start and "mail ·" not in " ".join(start.split())


async def test_what_is_about_a_thing_names_it(tmp_path: Path):
    """As the gateway that does not answer."""
    async with open_site(tmp_path) as site:
        site.links.away.add("berlin")
        opened = await site.rooms.incidents.recheck("link.away", "berlin")
        assert opened is not None
        browser = site.client(cookie=await site.cookie("carl", "monitoring"))
        assert "berlin" in (await browser.get(f"/incidents/{opened.id}")).text
        assert "<td>berlin</td>" in (await browser.get("/incidents")).text


async def test_who_was_told_is_told_by_name(tmp_path: Path):
    """A webhook by its own, not by its number."""
    async with open_site(tmp_path) as site:
        webhooks = site.rooms.incidents.webhooks
        phone = (await webhooks.create(ROOT, "Duty phone", "https://hooks.example/secret")).webhook
        opened = await nowhere(site)
        browser = site.client(cookie=await site.cookie("carl", "monitoring"))
        page = (await browser.get(f"/incidents/{opened.id}")).text
        assert "Duty phone" in page and phone.id not in page
        notice = (await site.private("incident.show", number=opened.id))["notices"][0]
        assert (notice["target"], notice["name"]) == (phone.id, "Duty phone")
