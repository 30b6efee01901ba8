# SPDX-License-Identifier: Apache-2.0
"""An administrator of another tenant on every page of the console: he finds his own, and of the house's nothing.

Nobody can sign in for another tenant yet; the pages must be ready for it, so the desk is told that somebody has. The pages come from
the routes.
"""

from collections.abc import AsyncIterator
from typing import Any, Final

import httpx2
import pytest
import pytest_asyncio
from starlette.routing import Route

from console_site import CLIENT, URL, Site, open_site
from gatepost.access.roles import RIGHTS
from gatepost.web.console.pages import pages
from gatepost.web.console.places import PLACES
from gatepost.web.frame.application import application
from gatepost.web.frame.desk import Desk
from gatepost.web.frame.visitor import Visitor
from gatepost.web.frame.words import load
from security.console_attack import Markup, fill
from security.console_marks import NAME, mark

pytestmark = pytest.mark.asyncio(loop_scope="module")
THEIRS, OURS = "housesecret", "tenantsown"
OLGA: Final = Visitor("olga", "Olga", frozenset(RIGHTS), "en", "form-token", "olga", CLIENT, 1)
MACHINES: Final = "/configuration/connected-systems"
"""The gateways themselves, and who is told of incidents: machines are the house's, but hold nothing of a tenant."""
SHOWN: Final = {
    "/monitoring/message-tracking",
    "/monitoring/message-tracking/{track:str}",
    "/monitoring/email-queues",
    "/monitoring/email-queues/{gateway:str}/{domain:str}",
    "/monitoring/event-viewer",
    "/incidents",
    "/troubleshooting/audit",
    "/administrators",
    "/administrators/{name:str}",
}
"""Where he finds what is his, so that to find nothing of others says something."""


class Tenant:
    """The site of a house that has a second tenant, as that one's administrator sees it."""

    def __init__(self, site: Site, browser: httpx2.AsyncClient, routes: list[Route], own: dict[str, str], foreign: dict[str, str]) -> None:
        self.site, self.browser, self.routes, self.own, self.foreign = site, browser, routes, own, foreign

    async def of_the_house(self) -> str:
        """Give all rows of tenant 0."""

        def read(connection: Any) -> str:
            names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
            rows = {}
            for name in names:
                columns = [column[1] for column in connection.execute(f"PRAGMA table_info({name})").fetchall()]
                if "tenant_id" in columns and name != "event":
                    rows[name] = sorted(map(repr, connection.execute(f"SELECT * FROM {name} WHERE tenant_id = 0").fetchall()))
            return repr(rows)

        return str(await self.site.rooms.access.sessions._store.ask(read))


class Signed:
    """Whoever comes is Olga."""

    async def visitor(self, secret: str, client: str, *, active: bool = True) -> Visitor | None:
        return OLGA


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tenant(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tenant]:
    """Both tenants have the same things, which say whose they are."""
    async with open_site(tmp_path_factory.mktemp("tenants")) as site:
        theirs, ours = await mark(site, THEIRS), await mark(site, OURS, 1)
        await site.rooms.incidents.open()
        desk = Desk(Signed(), load(), PLACES)
        routes = pages(desk, site.house)
        transport = httpx2.ASGITransport(application(desk, routes), client=(CLIENT, 40_000))
        browser = httpx2.AsyncClient(transport=transport, base_url=URL, cookies={"gatepost-session": "olga"})
        known = {"gateway": "berlin", "name": NAME}
        own = {**known, "track": ours.track, "domain": OURS, "number": "2"}
        yield Tenant(
            site, browser, routes, own, {**known, "track": theirs.track, "domain": THEIRS, "number": "1", "address": "marked@example.com"}
        )


def gets(tenant: Tenant) -> list[Route]:
    """Give the pages that show something."""
    return [route for route in tenant.routes if "GET" in (route.methods or ())]


async def test_nothing_of_another_tenant_is_on_any_page(tenant):
    """Neither where one's own things are, nor where the others' names are asked for, nor in what a page asks by itself."""
    found = []
    for route in gets(tenant):
        for values in (tenant.own, tenant.foreign):
            for more in ("", "?last=all", "?refresh=1", "?last=90d&text=house&subject=house"):
                answer = await tenant.browser.get(
                    fill(route.path, **values) + more, headers={"HX-Request": "true"} if more == "?refresh=1" else {}
                )
                assert answer.status_code < 500, route.path
                asked_for = values["domain"] if "{domain" in route.path else ""
                if THEIRS in answer.text.replace(asked_for, "" if asked_for == THEIRS else asked_for):
                    found.append(route.path)
    assert sorted(set(found)) == []


async def test_ones_own_is_there(tenant):
    """The same pages show what is the tenant's own."""
    shown = set()
    for route in gets(tenant):
        answer = await tenant.browser.get(fill(route.path, **tenant.own))
        if OURS in answer.text:
            shown.add(route.path)
    assert not SHOWN - shown


async def test_the_configuration_is_the_houses(tenant):
    """No page of the configuration is there for another tenant, whatever roles he has, and none is in his navigation."""
    start = Markup((await tenant.browser.get("/")).text)
    assert not [link for link in start.links if link.startswith("/configuration") and link != MACHINES]
    for route in tenant.routes:
        if route.path.startswith("/configuration") and not route.path.startswith(MACHINES):
            for method in route.methods or ():
                answer = await tenant.browser.request(
                    method, fill(route.path), data={"form_token": "form-token"} if method == "POST" else None
                )
                assert answer.status_code == 404, route.path


async def test_no_form_changes_what_another_tenant_has(tenant):
    """Every route that changes something, sent with the names of the others' things: all of it is still there, as it was."""
    before = await tenant.of_the_house()
    assert THEIRS in before
    sent = 0
    for route in tenant.routes:
        if "POST" not in (route.methods or ()) or route.path in ("/sign-out", "/sign-in"):
            continue
        for do in ("disable", "drop", "one_time_password"):
            form = {"form_token": "form-token", "gateway": "berlin", "domain": THEIRS, "wanted": THEIRS, "do": do, "revision": "1"}
            answer = await tenant.browser.post(fill(route.path, **tenant.foreign), data=form)
            assert answer.status_code < 500, route.path
            sent += 1
    assert sent > 60
    assert await tenant.of_the_house() == before
    assert {args["tenant_id"] for _, do, args in tenant.site.links.asked if do in ("queue.drop", "queue.retry")} == {1}
