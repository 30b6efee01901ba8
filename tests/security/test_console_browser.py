# SPDX-License-Identifier: Apache-2.0
"""What only a browser can decide: whether hostile text runs, whether another site can frame, read or send, what the back button shows."""

import threading
import time
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, async_playwright, expect

from browser import CHROMIUM, expected_errors, fresh_page, the_browser, the_page  # noqa: F401 - fixtures chromium, page
from contracts.track_mails import head
from gatepost.access.audit import AuditSearch
from gatepost.tracking.codec import encode_change
from gatepost.tracking.record import AttachmentEntry, TrackChange
from security.console_attack import TEXTS, Target, attacked
from security.console_marks import mark
from waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
COOKIE = "gatepost-session"


class Victim:
    """Somebody who has signed in, and what he could lose."""

    def __init__(self, target: Target, cookie: str) -> None:
        self.target, self.cookie, self.url = target, cookie, target.url

    async def come_in(self, page: Page) -> None:
        """Have a browser signed in."""
        await page.context.add_cookies([{"name": COOKIE, "value": self.cookie, "url": self.url, "httpOnly": True, "sameSite": "Lax"}])

    def audited(self) -> int:
        """Count what was changed so far."""
        return len(self.target.run(self.target.site.rooms.access.audit.search(AuditSearch(limit=1000))).entries)


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    """A console full of hostile text."""
    with attacked(tmp_path_factory.mktemp("browser")) as target:
        site = target.site
        cookie = target.run(site.cookie("anna"))[COOKIE]
        for text in TEXTS:
            target.run(mark(site, text))
        name = head(time.time() - 30, subject="a file", attachments=(AttachmentEntry("invoice\u202efdp.exe", "text/plain", 1),))
        target.run(site.tell((0, encode_change(TrackChange(name, ())))))
        yield Victim(target, cookie)


class EvilSite:
    """Another site, on the same machine: browsers keep localhost and 127.0.0.1 apart, and let both speak to this network."""

    def __init__(self) -> None:
        site = self
        self.body = ""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = f"<!doctype html><title>evil</title><link rel=icon href=data:,><body>{site.body}".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    async def open(self, page: Page, body: str = "") -> None:
        """Have a browser see a page of it."""
        self.body = body
        await page.goto(f"http://localhost:{self._server.server_port}/")

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def evil() -> Iterator[EvilSite]:
    """Another site."""
    site = EvilSite()
    yield site
    site.close()


# --- text -------------------------------------------------------------------------------------------------------------------------


async def test_no_hostile_text_runs(page: Page, victim: Victim) -> None:
    """Every page that shows mails, queues, events, incidents or colleagues: nothing runs, asks, loads or is forbidden by the policy."""
    await victim.come_in(page)
    asked: list[str] = []
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    page.on("request", lambda sent: asked.append(sent.url) if not sent.url.startswith((victim.url, "data:")) else None)
    paths = ["/", "/monitoring/message-tracking?last=all", "/monitoring/email-queues", "/monitoring/event-viewer", "/incidents"]
    paths += ["/troubleshooting/audit", "/administrators", "/people/corporate-users", "/account"]
    for path in paths:
        await page.goto(victim.url + path)
        assert await page.evaluate("typeof window.stolen") == "undefined", path
        links = await page.eval_on_selector_all("main a[href]", "all => all.map(one => one.href)")
        assert all(link.startswith(victim.url) for link in links), path
    for link in [one for one in links if "message-tracking/" in one][:5]:
        await page.goto(link)
    assert asked == []
    assert len(page.context.pages) == 1


async def test_every_mail_of_a_stranger_can_be_looked_at(page: Page, victim: Victim) -> None:
    """The details of each hostile mail open, and what they show is what stands there."""
    await victim.come_in(page)
    await page.goto(f"{victim.url}/monitoring/message-tracking?last=all")
    links = await page.eval_on_selector_all(
        "tbody#mails a", "all => all.map(one => one.href).filter(one => one.includes('message-tracking/'))"
    )
    assert len(links) == len(TEXTS) + 1
    for link in links:
        await page.goto(link)
        assert await page.evaluate("typeof window.stolen") == "undefined"
    assert await page.evaluate("document.querySelectorAll('main script, main img, main iframe, main svg:not(.gp-qr)').length") == 0


async def test_the_name_of_a_file_is_read_as_it_is(page: Page, victim: Victim) -> None:
    """An override of the direction does not make a program look like a document."""
    await victim.come_in(page)
    await page.goto(f"{victim.url}/monitoring/message-tracking?last=all&subject=a+file")
    await page.locator("tbody#mails a").first.click()
    await expect(page.get_by_text("invoice⟨U+202E⟩fdp.exe")).to_be_visible()


# --- other sites ------------------------------------------------------------------------------------------------------------------


async def test_no_other_site_frames_a_page(page: Page, victim: Victim, evil: EvilSite) -> None:
    """The frame stays empty, so nobody can be made to click through it."""
    await victim.come_in(page)
    await evil.open(page, f'<iframe src="{victim.url}/account" width=500 height=500></iframe>')
    frame = page.frames[1]
    await until(lambda: frame.url.startswith("chrome-error:"), "the frame is refused")
    assert "form_token" not in await frame.evaluate("document.documentElement.outerHTML")
    await until(lambda: expected_errors(page), "the browser says so")
    expected_errors(page).clear()


async def test_no_other_site_sends_a_form(page: Page, victim: Victim, evil: EvilSite) -> None:
    """Neither with the session, whose cookie does not come along, nor to the door; nothing is changed."""
    await victim.come_in(page)
    before = victim.audited()
    for action, fields in (("/account", "display_name=x"), ("/sign-out", ""), ("/sign-in", "name=evil&password=evil")):
        inputs = "".join(
            f'<input name="{name}" value="{value}">' for name, _, value in (one.partition("=") for one in fields.split("&") if one)
        )
        await evil.open(page, f'<form method=post action="{victim.url}{action}">{inputs}</form>')
        async with page.expect_navigation():
            await page.evaluate("document.forms[0].submit()")
    await page.goto(f"{victim.url}/account")
    await expect(page.get_by_role("button", name="Sign out")).to_be_attached()
    assert victim.audited() == before


async def test_no_other_site_reads_an_answer(page: Page, victim: Victim, evil: EvilSite) -> None:
    """Neither pages nor the API nor files, by no way that a script has."""
    await victim.come_in(page)
    await evil.open(page)
    for path in ("/account", "/api/v1/incidents", "/api/v1/openapi.json", "/monitoring/message-tracking"):
        for options in (
            "{credentials: 'include'}",
            "{credentials: 'include', headers: {'HX-Request': 'true'}}",
            "{method: 'POST', body: 'a=b'}",
        ):
            read = await page.evaluate(f"fetch('{victim.url}{path}', {options}).then(one => one.text()).catch(() => 'refused')")
            assert read == "refused", (path, options)
    expected_errors(page).clear()


async def test_no_other_site_learns_who_has_signed_in(page: Page, victim: Victim, evil: EvilSite) -> None:
    """A picture or a script of ours does not load there, with a session or without."""
    await victim.come_in(page)
    await evil.open(page)
    for tag, path in (("img", "/account"), ("script", "/account"), ("img", "/")):
        loaded = await page.evaluate(
            """([tag, url]) => new Promise(done => {
                const one = document.createElement(tag);
                one.onload = () => done('loaded'); one.onerror = () => done('not');
                one.src = url; document.body.append(one);
            })""",
            [tag, victim.url + path],
        )
        assert loaded == "not"
    expected_errors(page).clear()


# --- the visitor's own browser ----------------------------------------------------------------------------------------------------


async def test_the_back_button_shows_nothing_after_signing_out(page: Page, victim: Victim) -> None:
    """Pages are not kept, so who sits down there afterwards sees the door."""
    await page.context.add_cookies(
        [{"name": COOKIE, "value": victim.target.run(victim.target.site.cookie("bert"))[COOKIE], "url": victim.url, "httpOnly": True}]
    )
    await page.goto(f"{victim.url}/administrators")
    await page.goto(f"{victim.url}/monitoring/message-tracking")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    for _ in range(2):
        await page.go_back()
        await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        assert "administrators" not in await page.locator("main").inner_text()


async def test_an_open_page_leads_to_the_door_when_the_session_ends(page: Page, victim: Victim) -> None:
    """What the page asks by itself is answered with the way to the door, not with the door inside the page."""
    sessions = victim.target.site.rooms.access.sessions
    await page.context.add_cookies(
        [{"name": COOKIE, "value": victim.target.run(victim.target.site.cookie("cilla"))[COOKIE], "url": victim.url, "httpOnly": True}]
    )
    await page.goto(victim.url)
    from gatepost.contracts.actor import Actor

    victim.target.run(sessions.end_all(Actor("cilla", "cli"), "cilla"))
    await page.evaluate("htmx.ajax('GET', '/?refresh=1', '#state')")
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert page.url.startswith(f"{victim.url}/sign-in")


async def test_no_script_reads_the_cookie_or_keeps_a_secret(page: Page, victim: Victim) -> None:
    """The cookie is out of reach, and nothing is laid into the browser's own stores."""
    await victim.come_in(page)
    await page.goto(f"{victim.url}/account")
    kept = await page.evaluate("[document.cookie, localStorage.length, sessionStorage.length]")
    assert kept == ["", 0, 0]


# --- without TLS, under a name ----------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(loop_scope="session")
async def named() -> AsyncIterator[Browser]:
    """A browser for which console.test and evil.test are this machine: under a name and without TLS it sends no Sec-Fetch-Site."""
    async with async_playwright() as playwright:
        rules = "--host-resolver-rules=MAP *.test 127.0.0.1"
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", rules])
        yield browser
        await browser.close()


async def test_a_form_tells_its_origin_where_the_browser_says_nothing_else(named: Browser, victim: Victim) -> None:
    """Signing in works, as does every form of ours; the same forms from a neighbour's page, whose cookies are the same, are refused."""
    own = f"http://console.test:{victim.target.port}"
    one_time = victim.target.run(victim.target.site.administrator("dieter"))
    async with fresh_page(named) as page:
        sent: list[dict[str, Any]] = []
        page.on("request", lambda one: sent.append(one.headers) if one.method == "POST" else None)
        await page.goto(own)
        await page.get_by_label("Name").fill("dieter")
        await page.get_by_label("Password").fill(one_time)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_label("New password")).to_be_visible()
        assert "sec-fetch-site" not in sent[0]
    async with fresh_page(named) as page:
        await page.context.add_cookies([{"name": COOKIE, "value": victim.cookie, "domain": ".console.test", "path": "/"}])
        await page.goto(f"{own}/account")
        token = await page.locator("input[name=form_token]").first.input_value()
        await page.get_by_label("Display name").fill("Anna")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("It is saved.")).to_be_visible()
        before = victim.audited()

        async def answer(route: Route) -> None:
            fields = f'<input name=form_token value="{token}"><input name=display_name value=evil>'
            form = f'<form method=post action="{own}/account">{fields}</form>'
            await route.fulfill(body=form, content_type="text/html")

        await page.route("http://sub.console.test/**", answer)
        await page.goto("http://sub.console.test/")
        async with page.expect_navigation() as navigation:
            await page.evaluate("document.forms[0].submit()")
        response = await navigation.value
        assert response
        assert response.status == 403
        assert victim.audited() == before
