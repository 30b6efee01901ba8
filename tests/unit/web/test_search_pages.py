# SPDX-License-Identifier: Apache-2.0
"""A search that is wrong is told in the reader's language, at its field."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from console_site import Site, open_site
from gatepost.access.administrators import Change
from gatepost.contracts.actor import Actor


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("asked", "field", "fault"),
    [
        ("min_scl=abc", "min_scl", "&#39;abc&#39; ist keine Punktzahl"),
        ("min_scl=9&max_scl=2", "max_scl", "liegt unter dem Anfang der Punkte"),
        ("client=example.com", "client", "&#39;example.com&#39; ist keine IP-Adresse"),
        ("from=yesterday", "from", "&#39;yesterday&#39; ist keine Zeit; schreiben Sie sie wie 2026-11-25T20:44"),
        ("from=2026-11-25T20:00&to=2026-11-24T20:00", "from", "liegt nicht vor dem Ende"),
        (
            "between1=hello",
            "between1",
            "&#39;hello&#39;: ist weder eine Adresse noch eine Domain; ein Teil einer Adresse wird *Teil* geschrieben",
        ),
        ("between1=a*b", "between1", "&#39;a*b&#39;: schreiben Sie einen Teil einer Adresse zwischen zwei Sternchen, *example*"),
    ],
)
async def test_what_is_wrong_is_said_in_german(site: Site, asked: str, field: str, fault: str) -> None:
    """Also what the room below says of a word."""
    cookie = await site.cookie("doris")
    await site.rooms.access.administrators.change(Actor("root", "cli"), "doris", Change(language="de"))
    async with site.client(cookie=cookie) as browser:
        page = (await browser.get(f"/monitoring/message-tracking?{asked}")).text
    assert f'id="{field}-fault">{fault}</div>' in page
