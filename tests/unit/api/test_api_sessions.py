# SPDX-License-Identifier: Apache-2.0
"""Sessions through the API: one's own are listed and ended; those of others by who manages administrators."""

from typing import Any

import httpx2

from api_document import checked
from console_site import Site


async def signed_in(site: Site, name: str, *roles: str) -> httpx2.AsyncClient:
    """Have somebody sign in with a browser."""
    return site.client(cookie=await site.cookie(name, *roles))


def listed(answer: Any) -> list[str]:
    """Give the ids of an answer's sessions; none of them tells what its forms carry."""
    assert answer.status_code == 200
    assert all(set(one) == {"id", "created_at", "seen_at", "client", "agent"} for one in answer.json())
    return [one["id"] for one in answer.json()]


async def test_ones_own_sessions_are_listed_and_ended(site: Site):
    """Each with where and when; one that is ended opens no page any more, and the audit tells who ended it."""
    browser = await signed_in(site, "mona", "monitoring")
    assert (await browser.get("/account")).status_code == 200
    api = checked(site.client(token=await site.token("mona", "monitoring:write")))
    (session,) = listed(await api.get("/access/sessions"))
    assert (await api.delete("/access/sessions/nonsense")).status_code == 404
    assert (await api.delete(f"/access/sessions/{session}")).json() is True
    assert (await browser.get("/account")).status_code == 303
    assert listed(await api.get("/access/sessions")) == []
    assert (await api.delete(f"/access/sessions/{session}")).status_code == 404
    anna = checked(site.client(token=await site.token("anna")))
    (entry,) = (await anna.get("/audit?operation=access.session.end")).json()["entries"]
    assert (entry["author"], entry["subject"], entry["via"]) == ("mona", "mona", "api")


async def test_a_token_that_only_reads_ends_no_session(site: Site):
    """It lists them, and answers to an end as if there were none."""
    await signed_in(site, "mona", "monitoring")
    api = checked(site.client(token=await site.token("mona", "monitoring:read")))
    (session,) = listed(await api.get("/access/sessions"))
    assert (await api.delete(f"/access/sessions/{session}")).status_code == 404
    assert listed(await api.get("/access/sessions")) == [session]


async def test_sessions_of_others_are_for_who_manages_administrators(site: Site, api: httpx2.AsyncClient):
    """Nobody else learns of them, nor that somebody is there."""
    await signed_in(site, "mona", "monitoring")
    await site.administrator("nina", "monitoring")
    nina = checked(site.client(token=await site.token("nina", "monitoring:write")))
    (session,) = listed(await api.get("/access/sessions?administrator=mona"))
    assert (await nina.get("/access/sessions?administrator=mona")).content == (
        await nina.get("/access/sessions?administrator=nobody")
    ).content
    for asked in ("", "?administrator=mona", "?administrator=nina"):
        assert (await nina.delete(f"/access/sessions/{session}{asked}")).status_code == 404
    reads = checked(site.client(token=await site.token("anna", "administration:read", "monitoring:write")))
    assert listed(await reads.get("/access/sessions?administrator=MONA")) == [session]
    assert (await reads.delete(f"/access/sessions/{session}?administrator=mona")).status_code == 404
    assert (await api.get("/access/sessions?administrator=nobody")).status_code == 404
    assert (await api.delete(f"/access/sessions/{session}?administrator=mona")).json() is True
    assert listed(await api.get("/access/sessions?administrator=mona")) == []
