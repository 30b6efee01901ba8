# SPDX-License-Identifier: Apache-2.0
"""Every page of the console against everybody who may not see it. The pages are taken from the routes: a new one is covered by itself."""

import re
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx2
import pytest
import pytest_asyncio
from starlette.routing import Route

from console_site import Site, open_site
from gatepost.access.roles import ROLES
from gatepost.web.console.pages import desk, pages
from security.console_attack import Markup, fill

pytestmark = pytest.mark.asyncio(loop_scope="module")

AREAS: Final[dict[str, set[str]]] = {
    "/sign-in": {"", *ROLES},
    "/sign-out": set(ROLES),
    "/": set(ROLES),
    "/account": set(ROLES),
    "/monitoring": {"monitoring"},
    "/incidents": {"monitoring"},
    "/people": {"people"},
    "/people/owned-domains": {"people"},
    "/people/owned-domains/-/add": {"all"},
    "/people/owned-domains/-/further-addresses": {"configuration"},
    "/configuration": {"configuration"},
    "/configuration/connected-systems": {"configuration", "monitoring"},
    "/configuration/connected-systems/join": {"configuration"},
    "/configuration/connected-systems/leave": {"configuration"},
    "/configuration/connected-systems/webhooks": {"monitoring"},
    "/disclaimer": {"disclaimer"},
    "/troubleshooting": {"monitoring"},
    "/troubleshooting/audit": {"all"},
    "/administrators": {"all"},
}
"""What docs/howto/administrators.md promises: who sees what lies below a path; `all` is who holds every role. The longest path counts."""
WHO: Final = (*ROLES, "all")


def area_of(path: str) -> set[str]:
    """Tell who may see a page; fails for a page of an area that nobody has described."""
    known = [one for one in AREAS if path == one or (one != "/" and path.startswith(f"{one}/"))]
    assert known, f"{path}: say in AREAS, and in docs/howto/administrators.md, whose page this is"
    return AREAS[max(known, key=len)]


class Door:
    """One site and one browser for each role, and for who has all."""

    def __init__(self, site: Site, browsers: dict[str, httpx2.AsyncClient], tokens: dict[str, str]) -> None:
        self.site, self.browsers, self.tokens = site, browsers, tokens
        self.routes: list[Route] = pages(desk(site.house), site.house)

    def known(self) -> dict[str, str]:
        """What can stand in paths and exists."""
        return {"gateway": "berlin", "domain": "example.com", "name": "anna-all", "number": "1"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    """A site with an administrator of each role."""
    async with open_site(tmp_path_factory.mktemp("rights")) as site:
        browsers, tokens = {}, {}
        for who in WHO:
            cookie = await site.cookie(f"anna-{who}", *(ROLES if who == "all" else (who,)))
            browsers[who] = site.client(cookie=cookie)
            page = await browsers[who].get("/account")
            tokens[who] = re.search(r'name="form_token" value="([^"]+)"', page.text)[1]  # type: ignore[index]
        yield Door(site, browsers, tokens)


def told(answer: httpx2.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """Give all of an answer."""
    return answer.status_code, sorted(answer.headers.items()), answer.content


async def asked(door: Door, who: str, method: str, path: str, **form: str) -> httpx2.Response:
    """Ask for a page as one of them; what changes something is sent with his own form token."""
    if method == "GET":
        return await door.browsers[who].get(path)
    return await door.browsers[who].post(path, data={"form_token": door.tokens[who], **form})


def each(door: Door) -> list[tuple[str, Route]]:
    """Give every method of every route."""
    return [(method, route) for route in door.routes for method in sorted(route.methods or ()) if method in ("GET", "POST")]


async def test_every_page_has_an_area(door):
    """No page comes into the console without somebody saying who may see it."""
    assert len(each(door)) > 60
    assert all(area_of(route.path) for _, route in each(door))


@pytest.mark.parametrize("who", WHO)
async def test_a_role_gives_its_own_area_and_nothing_else(door, who):
    """What is another's answers as what does not exist, byte for byte, by GET and by POST; what is one's own does not."""
    wrong = []
    for method, route in each(door):
        path = fill(route.path, **door.known())
        if path in ("/sign-out", "/account/sessions", "/account/password", "/sign-in") and method == "POST":
            continue  # they are for everybody, and would end what is tried here
        may = who in area_of(route.path) or who == "all"
        answer = told(await asked(door, who, method, path))
        if may and method == "POST":
            await door.browsers[who].get("/account")  # where what was said is shown, and no longer on the page after it
        missing = told(await asked(door, who, method, f"{path.rstrip('/')}/there/is/nothing"))
        if not may and (answer != missing or missing[0] != 404):
            wrong.append(f"{method} {path} is seen by {who}: {answer[0]}")
        if may and method == "GET" and answer[0] not in (200, 303) and "{" not in route.path:
            wrong.append(f"{method} {path} is not seen by {who}: {answer[0]}")
    assert not wrong, "\n".join(wrong)


async def test_a_hidden_page_and_a_missing_one_cost_the_same(door, monkeypatch):
    """Neither asks a store or a gateway, and no page is begun, so their times tell nothing."""
    questions: list[str] = []
    store = door.site.rooms.access.sessions._store
    ask = store.ask

    async def counted(read: Any, *more: Any) -> Any:
        questions.append("store")
        return await ask(read, *more)

    monkeypatch.setattr(store, "ask", counted)
    door.site.links.asked.clear()
    spent = {}
    for path in ("/there/is/nothing", "/administrators", "/configuration/rules", "/people/corporate-users", "/troubleshooting/audit"):
        questions.clear()
        await door.browsers["monitoring"].get(path)
        spent[path] = len(questions)
    assert (set(spent.values()), door.site.links.asked) == ({0}, [])


@pytest.mark.parametrize("who", WHO)
async def test_the_navigation_shows_what_can_be_seen(door, who):
    """No link leads to what answers 404, and every page that a role may list is reachable from its start page."""
    page = Markup((await door.browsers[who].get("/")).text)
    for link in set(page.links):
        assert (await door.browsers[who].get(link)).status_code in (200, 303), link


@pytest.mark.parametrize("who", WHO)
async def test_every_form_has_the_sessions_token(door, who):
    """Each form that posts carries it as a field, and no form sends it anywhere else, nor in an address."""
    token = door.tokens[who]
    for _, route in (one for one in each(door) if one[0] == "GET" and "{" not in one[1].path):
        answer = await door.browsers[who].get(route.path)
        if answer.status_code != 200 or "html" not in answer.headers["content-type"]:
            continue
        page = Markup(answer.text)
        for form in page.forms:
            posts = form["method"] == "post"
            assert (form["fields"].get("form_token") == token) == posts, (route.path, form)
            assert form["action"] == "" or (form["action"].startswith("/") and not form["action"].startswith("//"))
        assert not [one for one in page.addresses if token in one]


WRONG_TOKENS: Final = {
    "none": {},
    "empty": {"form_token": ""},
    "another's": {"form_token": "another"},
    "first right, then wrong": {"form_token": ["right", "wrong"]},
    "as a list": {"form_token[]": "right"},
    "with a sign more": {"form_token": "right "},
    "in capitals": {"form_token": "RIGHT"},
    "a NUL": {"form_token": "\0"},
}


@pytest.mark.parametrize("kind", WRONG_TOKENS)
async def test_no_form_without_the_sessions_own_token_changes_anything(door, kind):
    """Every route that changes something refuses: without a token, with that of another session, written another way, at another place."""
    right, other = door.tokens["all"], door.tokens["people"]
    values = {"right": right, "wrong": "x" * len(right), "another": other, "right ": right + " ", "RIGHT": right.swapcase()}
    fields = {
        name: [values.get(one, one) for one in (value if isinstance(value, list) else [value])]
        for name, value in WRONG_TOKENS[kind].items()
    }
    before = await _audited(door)
    for method, route in each(door):
        if method != "POST" or route.path == "/sign-in":
            continue
        path = fill(route.path, **door.known())
        answer = await door.browsers["all"].post(path, data=fields)
        assert answer.status_code == 403, path
        answer = await door.browsers["all"].post(
            f"{path}?form_token={right}", data=fields, headers={"X-Form-Token": right, "X-CSRF-Token": right}
        )
        assert answer.status_code == 403, path
    assert await _audited(door) == before


FOREIGN: Final = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://console.example"},
    {"Sec-Fetch-Site": "nonsense"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://console.example.evil.example"},
    {"Origin": "http://console.example:8443"},
    {"Origin": ""},
)


@pytest.mark.parametrize("headers", FOREIGN, ids=lambda one: " ".join(f"{name}={value}" for name, value in one.items()))
async def test_no_form_of_another_site_changes_anything(door, headers):
    """Even with the right token, a form that a browser says to come from elsewhere is refused; the door's own forms, too."""
    before = await _audited(door)
    for method, route in each(door):
        if method != "POST":
            continue
        path = fill(route.path, **door.known())
        who = door.site.client() if route.path == "/sign-in" else door.browsers["all"]
        answer = await who.post(path, data={"form_token": door.tokens["all"]}, headers=headers)
        assert answer.status_code == 403, path
    assert await _audited(door) == before


async def test_forms_of_our_own_are_taken_from_all_kinds_of_browsers(door):
    """With Sec-Fetch-Site, with Origin alone as without TLS, behind a server that speaks TLS for us, and from what says neither."""
    for headers in (
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://console.example"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://console.example"},
        {"Origin": "https://Console.Example"},
        {},
    ):
        data = {"form_token": door.tokens["people"], "display_name": "Anna", "language": "en"}
        answer = await door.browsers["people"].post("/account", data=data, headers=headers)
        assert answer.status_code == 303, headers


async def _audited(door: Door) -> list[Any]:
    from gatepost.access.audit import AuditSearch

    return [one.id for one in (await door.site.rooms.access.audit.search(AuditSearch(limit=1000))).entries]


async def test_no_answer_is_kept_framed_shared_or_read_elsewhere(door):
    """Every page, download, error and redirection: not stored, in no frame, with the strict policy, shared with no other origin."""
    for who in ("all", "people"):
        for method, route in each(door):
            if method != "GET":
                continue
            answer = await door.browsers[who].get(fill(route.path, **door.known()), headers={"Origin": "https://evil.example"})
            headers = answer.headers
            assert headers["cache-control"] == "no-store", route.path
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert (headers["x-frame-options"], headers["x-content-type-options"]) == ("DENY", "nosniff")
            assert headers["cross-origin-resource-policy"] == "same-origin"
            assert not [name for name in headers if name.startswith("access-control")]
            assert "unsafe" not in headers["content-security-policy"]


async def test_the_policy_has_nothing_to_forbid(door):
    """No page has an inline script, an inline style, a handler or an address of another site: what the policy would stop was never sent."""
    for _, route in (one for one in each(door) if one[0] == "GET"):
        answer = await door.browsers["all"].get(fill(route.path, **door.known()))
        if "html" not in answer.headers.get("content-type", ""):
            continue
        page = Markup(answer.text)
        assert not [one for one in page.attributes if one[1].startswith("on") or one[1] in ("style", "srcdoc")], route.path
        assert not [one for one in page.addresses if not re.match(r"(/(?!/)|#|\?|$)", one)], route.path
        assert not re.search(r"<script(?![^>]*\bsrc=)", answer.text), route.path
        assert not {"iframe", "object", "embed", "base", "style"} & set(page.tags), route.path


async def test_looking_changes_nothing(door, tmp_path):
    """After every page was asked by GET and HEAD, with its links followed, the store is as it was; gateways were only asked."""
    browser = door.browsers["all"]
    before = await _contents(door)
    assert before["administrator"]
    door.site.links.asked.clear()
    waiting, seen = ["/"], set()
    waiting += [fill(route.path, **door.known()) for method, route in each(door) if method == "GET"]
    while waiting:
        path = waiting.pop()
        if path.partition("?")[0] in seen:
            continue
        seen.add(path.partition("?")[0])
        answer = await browser.get(path)
        await browser.head(path)
        for more in ("?do=drop&wanted=example.com", "?remove=1&save=1&apply=1&form_token=" + door.tokens["all"]):
            await browser.get(path + more if "?" not in path else path)
        if "html" in answer.headers.get("content-type", ""):
            waiting += Markup(answer.text).links
    assert len(seen) > 40
    assert await _contents(door) == before
    assert {do for _, do, _ in door.site.links.asked} <= {"queue.list", "queue.show", "queue.routes", "store.usage"}


async def _contents(door: Door) -> dict[str, list[Any]]:
    """Read all tables but when a session was seen last."""

    def read(connection: Any) -> dict[str, list[Any]]:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        tables = [
            name for (name,) in names if not name.startswith("sqlite_") and name not in ("administrator_session", "event", "incident")
        ]
        return {name: sorted(map(repr, connection.execute(f"SELECT * FROM {name}").fetchall())) for name in tables}

    found: dict[str, list[Any]] = await door.site.rooms.access.sessions._store.ask(read)
    return found
