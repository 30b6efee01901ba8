# SPDX-License-Identifier: Apache-2.0
"""Every search and every form of the console, as somebody who may everything finds them by following links, filled with what does not fit.

On both engines, since they refuse different texts. Promises: nothing is an error of ours, nothing takes long, nobody is led elsewhere.
"""

import re
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
import pytest_asyncio

from console_site import Site, open_site
from postgres_server import postgres_server
from security.console_attack import Markup
from security.console_marks import mark

pytestmark = pytest.mark.asyncio(loop_scope="module")
VALUES = (
    "\0",
    "'\"><script>",
    "9" * 5_000,
    "9" * 16,
    "-1",
    "nan",
    "{0} {name} {",
    "x" * 20_000,
    "a\r\nb",
    "*%_\\",
    "[" * 200,
    "//evil.example",
    "0001-01-01T00:00",
    "a@" + "b" * 300 + ".example",
    "\u202eİß\U0001f600",
    "[rules]\na = 1",
)
LEFT_OUT = ("/sign-out", "/account/sessions", "/account/password", "/sign-in")
"""They end the session, or count guesses."""
MOST_S = 6.0
"""By the clock, for a query takes its time in another process: far above any page, below the 8 s after which a search is given up."""


class Walk:
    """Somebody who opens every page, and sees every form."""

    def __init__(self, site: Site, browser: httpx2.AsyncClient) -> None:
        self.site, self.browser = site, browser
        self.seen: dict[str, str] = {}
        self.forms: dict[tuple[Any, ...], dict[str, Any]] = {}

    async def whole(self) -> None:
        """Follow every link."""
        waiting = ["/"]
        while waiting:
            link = waiting.pop()
            path = link.partition("?")[0]
            if path in self.seen or path.endswith(("/export", "/download")):
                continue
            answer = await self.browser.get(link)
            self.seen[path] = answer.text
            page = Markup(answer.text)
            waiting += page.links
            for form in page.forms:
                form["action"] = form["action"] or path
                self.forms.setdefault((form["action"], form["method"], *sorted(form["fields"])), form)

    async def token(self) -> str:
        """Give the session's form token."""
        return re.search(r'name="form_token" value="([^"]+)"', (await self.browser.get("/account")).text)[1]  # type: ignore[index]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["sqlite", "postgresql"])
async def walk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Walk]:
    """A site with something on every page."""
    url = "sqlite" if request.param == "sqlite" else postgres_server().create_database()
    async with open_site(tmp_path_factory.mktemp("fuzz"), url=url) as site:
        if request.param == "sqlite":
            await mark(site, "ordinary")
        walk = Walk(site, site.client(cookie=await site.cookie("anna")))
        await walk.whole()
        yield walk


async def sound(walk: Walk, answer: httpx2.Response, begun: float, what: object) -> None:
    """Judge one answer."""
    assert answer.status_code < 500, (what, answer.text[-500:])
    assert time.monotonic() - begun < MOST_S, what
    location = answer.headers.get("location", "/")
    assert re.match(r"/(?![/\\])", location), what
    assert "\r" not in location


async def test_everything_was_found(walk):
    """The walk came to the pages of every area, and to their forms."""
    assert len(walk.seen) > 35
    assert len([one for one in walk.forms if one[1] == "post"]) > 15


@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value)[1:20])
async def test_a_search_for_what_cannot_be_finds_nothing(walk, value, capfd):
    """Each field of each search alone, each with what pages say themselves: cursors, periods."""
    for (path, method, *names), _ in list(walk.forms.items()):
        if method != "get":
            continue
        for name in {*names, "cursor", "below", "before", "last", "zone"}:
            begun = time.monotonic()
            answer = await walk.browser.get(f"{path}?{quote(name)}={quote(value)}&zone=840")
            await sound(walk, answer, begun, (path, name))
    assert "process.unexpected" not in capfd.readouterr().err


@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value)[1:20])
async def test_a_form_with_what_does_not_fit_is_refused_or_taken(walk, value, capfd):
    """Each form with the value in all its fields, and in each of a few with the others as they were."""
    token = await walk.token()
    for (path, method, *_), form in list(walk.forms.items()):
        if method != "post" or path in LEFT_OUT:
            continue
        fields = {name: was for name, was in form["fields"].items() if name != "form_token"}
        for some in (fields, *([name] for name in list(fields)[:6])):
            begun = time.monotonic()
            data = {**fields, **dict.fromkeys(some, value), "form_token": token}
            answer = await walk.browser.post(path, data=data)
            await sound(walk, answer, begun, (path, list(some)))
    assert "process.unexpected" not in capfd.readouterr().err
    assert (await walk.browser.get("/account")).status_code == 200


@pytest.mark.parametrize("value", VALUES, ids=lambda value: ascii(value)[1:20])
async def test_a_path_to_what_cannot_be_leads_nowhere(walk, value, capfd):
    """Every place of every path."""
    from gatepost.web.console.pages import desk, pages

    for route in pages(desk(walk.site.house), walk.site.house):
        if "{" in route.path and "GET" in (route.methods or ()):
            begun = time.monotonic()
            answer = await walk.browser.get(re.sub(r"\{[^}]*\}", quote(value, safe="")[:3_000], route.path))
            await sound(walk, answer, begun, route.path)
    assert "process.unexpected" not in capfd.readouterr().err
