# SPDX-License-Identifier: Apache-2.0
"""The pages of changes over HTTP: what a browser rarely comes to."""

import html
import re
from pathlib import Path

import httpx2
import msgspec
import pytest

from console_site import Site, open_site
from gatepost.access.audit import AuditSearch
from gatepost.contracts.actor import Actor
from gatepost.testing.gateway import relay_all_to
from gatepost.versioning.draft_record import Draft
from gatepost.versioning.edit import Put
from gatepost.web.console.changes import history

HISTORY = "/configuration/changes/history"


async def form_token(browser: httpx2.AsyncClient) -> str:
    """Give what each form of the session carries."""
    found = re.search(r'name="form_token" value="([^"]+)"', (await browser.get("/account")).text)
    assert found
    return found[1]


async def versions(site: Site, count: int) -> None:
    """Make so many versions more."""
    for number in range(count):
        newest = await site.rooms.versioning.newest()
        text = re.sub(r"\n\[message\]\nparts = \d+\n", "", newest.document) + f"\n[message]\nparts = {number + 1}\n"
        said = {"author": "anna", "reason": f"reason {number}", "based_on": newest.number}
        await site.rooms.versioning.apply(text, "here", **said)


async def test_the_history_is_paged_with_and_without_a_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each version is on one page, newest first; the link to the next is a part for a script and a page without."""
    monkeypatch.setattr(history, "_ROWS", 3)
    async with open_site(tmp_path) as site:
        await versions(site, 6)
        browser = site.client(cookie=await site.cookie())
        seen: list[int] = []
        address, pages = HISTORY, 0
        while address:
            page = (await browser.get(address)).text
            part = (await browser.get(address, headers={"HX-Request": "true"})).text
            assert "<html" in page and "<html" not in part
            numbers = [int(one) for one in re.findall(HISTORY + r'/(\d+)"', page)]
            assert [int(one) for one in re.findall(HISTORY + r'/(\d+)"', part)] == numbers
            seen += numbers
            more = re.search(r'href="(' + HISTORY + r'\?below=\d+)"', page)
            address, pages = more[1] if more else "", pages + 1
        assert seen == [7, 6, 5, 4, 3, 2, 1] and pages == 3


@pytest.mark.parametrize("number", ["0", "99", "99999999999999999999999999", "x", "-1"])
async def test_a_version_that_is_not_there_is_no_page(tmp_path: Path, number: str):
    """Also one that no store could hold."""
    async with open_site(tmp_path) as site:
        browser = site.client(cookie=await site.cookie())
        for path in (f"{HISTORY}/{number}", f"{HISTORY}/{number}/download"):
            assert (await browser.get(path)).status_code == 404
        assert (await browser.get(f"{HISTORY}?below={number}")).status_code == 200


async def test_a_rollback_to_what_was_not_seen_is_refused(tmp_path: Path):
    """Somebody has applied another version since the page was made: what going back would change is shown anew."""
    async with open_site(tmp_path) as site:
        await versions(site, 2)
        browser = site.client(cookie=await site.cookie())
        token = await form_token(browser)
        asked = {"form_token": token, "newest": "2", "reason": "Too few parts."}
        answer = await browser.post(f"{HISTORY}/1", data=asked)
        assert answer.status_code == 409 and "somebody has applied another version meanwhile" in answer.text
        assert 'value="Too few parts."' in answer.text
        assert (await site.rooms.versioning.newest()).number == 3
        answer = await browser.post(f"{HISTORY}/1", data={**asked, "newest": "3"})
        assert answer.status_code == 303 and (await site.rooms.versioning.newest()).number == 4


async def test_a_downloaded_version_is_the_one_that_can_be_applied(tmp_path: Path):
    """Its first line names the version, as an export's does."""
    async with open_site(tmp_path) as site:
        browser = site.client(cookie=await site.cookie())
        answer = await browser.get(f"{HISTORY}/1/download")
        assert answer.headers["content-disposition"] == 'attachment; filename="configuration-1.toml"'
        assert answer.text.startswith("# Gatepost configuration, version 1")
        assert answer.text.endswith((await site.rooms.versioning.newest()).document)


async def test_a_draft_of_another_program_can_be_given_up(tmp_path: Path):
    """It is told with its reason, and nothing else of the page fails."""
    async with open_site(tmp_path) as site:
        browser = site.client(cookie=await site.cookie())
        written = Draft(0, "anna", 1, "key_of_tomorrow = 1\n", 5, 0.0)
        assert await site.rooms.drafts._rows.write(written, 0)
        page = await browser.get("/configuration/changes")
        assert page.status_code == 200 and "key_of_tomorrow" in page.text
        asked = {"form_token": await form_token(browser), "revision": "5"}
        assert (await browser.post("/configuration/changes/discard", data=asked)).status_code == 303
        assert await site.rooms.drafts.get(Actor("anna", "console")) is None


async def test_what_default_rules_hold_is_no_change(tmp_path: Path):
    """One rule above the default ones is one change, with its place; going back takes that one away, and the audit tells no other."""
    configuration = msgspec.structs.replace(relay_all_to(25), rules=())
    async with open_site(tmp_path, configuration=configuration) as site:
        put = Put(section="rules", values={"name": "Ours", "mode": "accept"}, place=2)
        actor = Actor("anna", "console")
        browser = site.client(cookie=await site.cookie())
        await site.rooms.drafts.change(actor, 0, put)
        page = text_of((await browser.get("/configuration/changes")).text)
        assert "Rules › Ours Added – place 2 Mode: Accept" in page
        await site.rooms.drafts.apply(actor, (await site.rooms.drafts.view(actor)).revision, "ours")
        page = text_of((await browser.get(f"{HISTORY}/2")).text)
        assert "Rules › Ours Added – place 2 Mode: Accept" in page and page.count("Rules ›") == 1
        page = text_of((await browser.get(f"{HISTORY}/1")).text)
        assert "Rules › Ours Removed place 2 Mode: Accept –" in page and page.count("Rules ›") == 1
        answer = await site.rooms.versioning.plan((await site.rooms.versioning.get(1)).document, "here")
        assert [one.entry for one in answer.changes] == ["Ours"]
        await site.rooms.versioning.rollback(1, author="anna", reason="not ours", actor=actor)
        assert [one.kind for one in await site.rooms.versioning.difference(2, 3)] == ["removed"]
        entries = (await site.rooms.access.audit.search(AuditSearch(operation="config.apply"), 0)).entries
        assert [one.after["changes"] for one in entries] == [
            ['rules "Ours": removed from place 2 (mode "accept")'],
            ['rules "Ours": added at place 2 (mode "accept")'],
        ]


def text_of(page: str) -> str:
    """Give what stands on a page, its tags left out."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())
