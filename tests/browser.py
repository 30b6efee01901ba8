# SPDX-License-Identifier: Apache-2.0
"""A real browser for tests of pages: Debian's Chromium, started once, with a fresh profile for each test.

    from browser import Keyboard, axe, the_browser, the_page, the_phone  # noqa: F401 (fixtures chromium, page, phone)
    pytestmark = pytest.mark.asyncio(loop_scope="session")     # the browser lives as long as the session, and so does its loop

    async def test_something(page: Page) -> None: ...          # a desk's screen
    async def test_on_the_way(phone: Page) -> None: ...        # a phone's

A test fails, too, when the page said an error: an uncaught exception, something that the Content-Security-Policy forbade, a file that
was missing, an answer of 500 or above. `expected_errors(page)` gives the list for a test that wants one; it may be emptied.

With `BROWSER_SLOW_MS=400` in the environment each answer comes so much later: a test that reads a page before it has changed, which
else fails on a busy machine only, fails then each time.
"""

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Response, Route, ViewportSize, async_playwright, expect

from waiting import PATIENCE_S

CHROMIUM: Final = "/usr/bin/chromium"
AXE: Final = Path(__file__).parent.parent / "node_modules" / "axe-core" / "axe.min.js"
DESK: Final = ViewportSize(width=1280, height=800)
PHONE: Final = ViewportSize(width=390, height=844)
GRAVE: Final = ("serious", "critical")
_FONTS: Final = "/usr/share/fonts/truetype/dejavu"
_ARGUMENTS: Final = ("--no-sandbox", "--font-render-hinting=none", "--disable-lcd-text", "--force-color-profile=srgb")
_TABS: Final = 300
SLOW_S: Final = float(os.environ.get("BROWSER_SLOW_MS", "0")) / 1000
expect.set_options(timeout=PATIENCE_S * 1000)


# --- the browser ------------------------------------------------------------------------------------------------------------------


class _Running:
    """The one browser; each module that uses it holds it until the session ends."""

    def __init__(self) -> None:
        self.holders = 0
        self.browser: Browser | None = None
        self._open = AsyncExitStack()

    async def hold(self) -> Browser:
        self.holders += 1
        if self.browser is None:
            fonts = _fonts(self._open.enter_context(tempfile.TemporaryDirectory(prefix="gatepost-browser-")))
            playwright = await self._open.enter_async_context(async_playwright())
            environment: dict[str, str | float | bool] = {**os.environ, "FONTCONFIG_FILE": str(fonts)}
            self.browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS, env=environment)
            self._open.push_async_callback(self.browser.close)
        return self.browser

    async def release(self) -> None:
        self.holders -= 1
        if not self.holders:
            self.browser = None
            await self._open.aclose()


def _fonts(folder: str) -> Path:
    """Have the same letters on every machine."""
    assert Path(_FONTS, "DejaVuSans.ttf").is_file(), f"{_FONTS} is missing; `bin/test --set-up` installs fonts-dejavu-core"
    written = Path(folder, "fonts.conf")
    which = "<include>/etc/fonts/conf.d</include>"  # Debian's own order, in which sans-serif is DejaVu Sans where that is there.
    written.write_text(f"<fontconfig><dir>{_FONTS}</dir><cachedir>{folder}/fonts</cachedir>{which}</fontconfig>")
    return written


_running = _Running()


@pytest_asyncio.fixture(name="chromium", scope="session", loop_scope="session")
async def the_browser() -> AsyncIterator[Browser]:
    """Give the browser; it starts with the first test that needs it."""
    yield await _running.hold()
    await _running.release()


@pytest_asyncio.fixture(name="page", loop_scope="session")
async def the_page(request: pytest.FixtureRequest, chromium: Browser) -> AsyncIterator[Page]:
    """Give an empty page on a desk's screen."""
    _in_the_browsers_loop(request)
    async with fresh_page(chromium) as page:
        yield page


@pytest_asyncio.fixture(name="phone", loop_scope="session")
async def the_phone(request: pytest.FixtureRequest, chromium: Browser) -> AsyncIterator[Page]:
    """Give an empty page on a phone's screen, that is touched."""
    _in_the_browsers_loop(request)
    async with fresh_page(chromium, viewport=PHONE, has_touch=True, is_mobile=True) as page:
        yield page


@asynccontextmanager
async def fresh_page(browser: Browser, **options: Any) -> AsyncIterator[Page]:
    """Open a page in a profile of its own, as for a second person; in the end no error may have been said on it."""
    chosen: dict[str, Any] = {
        "viewport": DESK,
        "locale": "en-GB",
        "timezone_id": "UTC",
        "color_scheme": "light",
        "reduced_motion": "reduce",
        "ignore_https_errors": True,
    }
    context = await browser.new_context(**chosen | options)
    context.set_default_timeout(PATIENCE_S * 1000)
    if SLOW_S:
        await context.route("**/*", _later)
    try:
        page = await context.new_page()
        errors = _watch(page)
        yield page
        assert errors == [], "the page said: " + "; ".join(errors)
    finally:
        await context.close()


async def _later(route: Route) -> None:
    await asyncio.sleep(SLOW_S)
    await route.continue_()


def _in_the_browsers_loop(request: pytest.FixtureRequest) -> None:
    """Say what a test lacks, which otherwise would wait for ever."""
    mark = request.node.get_closest_marker("asyncio")
    assert mark and mark.kwargs.get("loop_scope") == "session", "add pytestmark = pytest.mark.asyncio(loop_scope='session')"


# --- what the page said -----------------------------------------------------------------------------------------------------------

_ERRORS: Final = "_gatepost_errors"


def expected_errors(page: Page) -> list[str]:
    """Give the errors that were said on a page; what a test takes away does not fail it."""
    errors: list[str] = getattr(page, _ERRORS)
    return errors


def _watch(page: Page) -> list[str]:
    errors: list[str] = []
    setattr(page, _ERRORS, errors)

    def on_console(message: ConsoleMessage) -> None:
        # Of answers that are errors we judge ourselves, by what was asked for.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            errors.append(message.text)

    def on_response(response: Response) -> None:
        is_part = response.request.resource_type not in ("document", "fetch", "xhr")
        if response.status >= 500 or (is_part and response.status >= 400):
            errors.append(f"{response.status} for {response.request.method} {response.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: errors.append(f"uncaught: {error.message}"))
    page.on("response", on_response)
    return errors


# --- what a person who does not see well finds ------------------------------------------------------------------------------------


class Finding(NamedTuple):
    """One rule of accessibility that a page breaks."""

    rule: str
    impact: str
    help: str
    at: tuple[str, ...]


async def axe(page: Page) -> list[Finding]:
    """Judge a page by axe-core; gives what is serious or critical."""
    if not await page.evaluate("typeof axe === 'object'"):
        await page.evaluate(_axe_source())
    answer = json.loads(await page.evaluate("axe.run({resultTypes: ['violations']}).then(found => JSON.stringify(found.violations))"))
    found = [
        Finding(
            one["id"],
            one["impact"],
            one["help"],
            tuple(f"{' '.join(map(str, node['target']))}: {node['html'][:200]}" for node in one["nodes"]),
        )
        for one in answer
    ]
    return [one for one in found if one.impact in GRAVE]


@lru_cache(maxsize=1)
def _axe_source() -> str:
    assert AXE.is_file(), f"{AXE} is missing; `bin/test --set-up` fetches it"
    return AXE.read_text() + "\n;undefined"


_WITHOUT_HINT = """() => [...document.querySelectorAll("main *")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1 && !["TEXTAREA", "INPUT", "SELECT", "PRE"].includes(one.tagName))
  .filter((one) => ["auto", "scroll"].includes(getComputedStyle(one).overflowX))
  .filter((one) => !getComputedStyle(one).backgroundAttachment.includes("local"))
  .map((one) => one.outerHTML.slice(0, 100))"""
"""What is scrolled sideways without a shadow where it goes on."""
_OUT_OF_REACH = """() => [...document.querySelectorAll("main tr")].filter((row) => {
  const links = [...row.querySelectorAll("a[href]")];
  const beyond = (one) => one.getBoundingClientRect().left >= document.documentElement.clientWidth;
  const near = new Set(links.filter((one) => !beyond(one)).map((one) => one.href));
  return links.some((one) => beyond(one)) && near.size === 0;
}).map((row) => row.innerText.slice(0, 100))"""


async def assert_fits(page: Page) -> None:
    """The page is not wider than its screen; a table that is shows that it goes on, and its rows are opened at their beginning."""
    wide, screen = await page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= screen, f"{page.url} is {wide} px wide on a screen of {screen} px"
    assert await page.evaluate(_WITHOUT_HINT) == [], f"{page.url}: nobody sees that there is more at the side"
    assert await page.evaluate(_OUT_OF_REACH) == [], f"{page.url}: rows are opened only by what is beyond the screen"


# --- a person without a mouse -----------------------------------------------------------------------------------------------------


class Keyboard:
    """Walks through a page as somebody does who has only keys; finds what has the focus, and that it can be seen."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def reach(self, target: Locator) -> None:
        """Press Tab until something has the focus; fails when it cannot be reached, or when nobody sees that it has been."""
        await target.wait_for()
        for _ in range(_TABS):
            if await target.evaluate("element => element === document.activeElement"):
                break
            await self._page.keyboard.press("Tab")
        else:
            raise AssertionError(f"{target} cannot be reached with the Tab key on {self._page.url}")
        assert await target.evaluate(_SHOWS_FOCUS), f"{target} does not show that it has the focus on {self._page.url}"

    async def press(self, target: Locator, key: str = "Enter") -> None:
        """Go to something and press a key on it."""
        await self.reach(target)
        await self._page.keyboard.press(key)

    async def write(self, target: Locator, text: str) -> None:
        """Go to a field and write into it, in place of what it holds."""
        await self.reach(target)
        await self._page.keyboard.press("Control+a")
        await self._page.keyboard.press("Delete")
        await self._page.keyboard.type(text)

    async def choose(self, target: Locator, label: str) -> None:
        """Go to a list of choices and choose one as keys do: by the beginning of its label."""
        await self.reach(target)
        await self._page.keyboard.type(label)
        shown = await target.evaluate("element => element.selectedOptions[0]?.label ?? ''")
        assert shown.strip() == label, f"{target} shows {shown!r}"


_SHOWS_FOCUS: Final = """element => {
  const style = getComputedStyle(element);
  return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
}"""


async def settled(page: Page) -> None:
    """Wait until the page, its fonts and what htmx asked for have arrived."""
    await page.wait_for_load_state("networkidle")
    await page.evaluate("document.fonts.ready.then(() => undefined)")
    await asyncio.sleep(0)
