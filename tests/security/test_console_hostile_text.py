# SPDX-License-Identifier: Apache-2.0
"""Text that strangers wrote, on every page: it never becomes markup, an address or a direction."""

import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
import pytest_asyncio

from console_site import Site, open_site
from contracts.track_mails import head
from gatepost.access.administrators import Change
from gatepost.contracts.actor import Actor
from gatepost.tracking import store_rows
from gatepost.tracking.codec import encode_change
from gatepost.tracking.record import TrackChange, TrackHead
from gatepost.web.console.pages import desk, pages
from gatepost.web.frame.visible import visible
from security.console_attack import TEXTS, Markup, fill
from security.console_marks import NAME, mark

pytestmark = pytest.mark.asyncio(loop_scope="module")
PLAIN = "harmless"
LONGEST = store_rows._LONGEST
HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


class Pages:
    """A site full of one text, read by somebody who may see everything."""

    def __init__(self, site: Site, browser: httpx2.AsyncClient, mail: TrackHead, text: str) -> None:
        self.site, self.browser, self.mail, self.text = site, browser, mail, text
        self.known = {"track": mail.track, "gateway": "berlin", "domain": quote(text, safe=""), "name": NAME, "number": "1"}

    async def read(self, language: str) -> dict[str, str]:
        """Read every page that shows something, in a language."""
        await self.site.rooms.access.administrators.change(Actor("anna", "cli"), "anna", Change(language=language))
        found = {}
        for route in pages(desk(self.site.house), self.site.house):
            if "GET" not in (route.methods or ()) or route.path.endswith(("/export", "/download")):
                continue
            answer = await self.browser.get(fill(route.path, **self.known))
            assert answer.status_code < 500, route.path
            if answer.status_code == 200 and "html" in answer.headers["content-type"]:
                found[route.path] = answer.text
            if answer.status_code == 200 and "{" not in route.path:
                part = await self.browser.get(route.path, headers={"HX-Request": "true"})
                found[f"{route.path} (part)"] = part.text
        return found


async def filled(folder: Path, text: str) -> AsyncIterator[Pages]:
    """Open a site and fill it."""
    async with open_site(folder) as site:
        browser = site.client(cookie=await site.cookie("anna"))
        yield Pages(site, browser, await mark(site, text), text)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=TEXTS, ids=lambda text: ascii(text)[1:25])
async def hostile(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pages]:
    """A site full of one hostile text."""
    async for one in filled(tmp_path_factory.mktemp("hostile"), request.param):
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plain(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, dict[str, list[Any]]]]:
    """What pages are made of where the text is a word, by language and path."""
    async for one in filled(tmp_path_factory.mktemp("plain"), PLAIN):
        yield {language: {path: _shape(text) for path, text in (await one.read(language)).items()} for language in ("en", "de")}


LONG = re.compile(r'<details><summary>(<span class="gp-lines">)[^<]*</span></summary><span class="gp-lines">([^<]*</span>)</details>')
"""A text of the audit that is too long to be shown at once; none has a tag of its own."""


def _shape(page: str) -> list[Any]:
    """Give tags and attributes, without what they hold, however long that is."""
    markup = Markup(LONG.sub(r"\1\2", page))
    return [markup.tags, [(tag, name) for tag, name, _value in markup.attributes]]


async def test_a_text_changes_no_page_but_as_text(hostile, plain):
    """Tags and attributes of every page are those of a page about a harmless word, in both languages."""
    shown = 0
    for language in ("en", "de"):
        for path, text in (await hostile.read(language)).items():
            assert _shape(text) == plain[language][path], path
            shown += hostile.text in _plain_text(text)
    assert shown > 0 or HIDDEN.search(hostile.text) or "\r" in hostile.text


def _plain_text(page: str) -> str:
    import html

    return html.unescape(re.sub("<[^>]*>", "", page))


async def test_no_text_becomes_an_address(hostile):
    """Whatever pages link to, load or send to is a path of this site."""
    for path, text in (await hostile.read("en")).items():
        for address in Markup(text).addresses:
            assert re.match(r"(/(?!/)|#|\?|$)", address), (path, address)
            assert not set(address) & set("\\\r\n\t <>\"'"), (path, address)


async def test_what_is_hidden_is_shown(hostile):
    """Between tags no sign is left that turns, joins or hides others; where it stood, its number stands."""
    seen = ""
    for path, text in (await hostile.read("de")).items():
        between = re.sub(r"<textarea\b.*?</textarea>|<[^>]*>", "", text, flags=re.DOTALL)
        assert HIDDEN.search(between) is None, path
        seen += between
    for sign in set(HIDDEN.findall(hostile.text)) - {"\0"}:
        assert f"⟨U+{ord(sign):04X}⟩" in seen


async def test_a_mail_is_exported_as_it_was(hostile):
    """The download is JSON with the very text, as an attachment with a name of ours."""
    answer = await hostile.browser.get(f"/monitoring/message-tracking/{hostile.mail.track}/export")
    assert answer.status_code == 200
    assert hostile.text in json.dumps(json.loads(answer.text), ensure_ascii=False).replace("\\\\", "\\").replace('\\"', '"') or re.search(
        r"[\x00-\x1f]", hostile.text
    )
    assert answer.headers["content-type"] == "application/json"
    assert re.fullmatch(r'attachment; filename="track-[0-9A-Va-v]{24}\.json"', answer.headers["content-disposition"])


@pytest.mark.parametrize(
    "name", ['x"; filename="a.html', "a%0d%0aSet-Cookie: a=b", "..%2f..%2fa", "a\u202eb", "%00", "<script>", "A" * 24 + '"']
)
async def test_no_file_is_named_by_who_asks(site, name):
    """Where there is no such mail there is no file, and what was asked for is text on the page that says so."""
    browser = site.client(cookie=await site.cookie(f"dan-{sum(map(ord, name))}"))
    answer = await browser.get(f"/monitoring/message-tracking/{name}/export")
    assert (answer.status_code, "content-disposition" in answer.headers) == (404, False)
    assert "<script>" not in answer.text.partition("<main")[2]


async def test_what_is_typed_comes_back_as_it_was(hostile):
    """A search or a form that is refused shows in its fields exactly what was typed, so nothing is lost and nothing is changed."""
    import html

    typed = hostile.text.replace("\0", "\ufffd").strip()
    answer = await hostile.browser.get(f"/monitoring/message-tracking?between1={quote(hostile.text)}&last=nonsense")
    value = re.search(r'id="between1"[^>]*? value="([^"]*)"', answer.text)
    assert value
    assert html.unescape(value[1]).strip() == typed


async def test_a_sentence_that_is_said_once_is_text(hostile):
    """What a gateway answers and what was asked for stand in the flash and in the log as text."""
    form_token = re.search(r'name="form_token" value="([^"]+)"', (await hostile.browser.get("/account")).text)[1]  # type: ignore[index]
    data = {"form_token": form_token, "gateway": "berlin", "domain": hostile.text, "do": "retry", "back": hostile.text}
    answer = await hostile.browser.post("/monitoring/email-queues", data=data)
    assert answer.status_code in (303, 404)
    location = answer.headers.get("location", "/monitoring/email-queues")
    assert re.fullmatch(r"/monitoring/email-queues(\?[\w%.+=&~*-]*)?", location)
    shown = await hostile.browser.get(location)
    assert "<script>window" not in shown.text


# --- size and time ----------------------------------------------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A site that a test fills itself."""
    async with open_site(tmp_path_factory.mktemp("large")) as site:
        yield site


async def test_long_texts_are_shown_soon(site):
    """A track with the longest texts that the store takes, as only a broken gateway would, is shown at once, in both languages."""
    browser = site.client(cookie=await site.cookie("bea"))
    large = head(time.time() - 60, subject="<" * LONGEST, reply="{" * LONGEST, helo="\u202e" * 1_000_000, reason="{0}" * 1_000_000)
    await site.tell((0, encode_change(TrackChange(large, ()))))
    for language in ("en", "de"):
        await site.rooms.access.administrators.change(Actor("bea", "cli"), "bea", Change(language=language))
        for path in ("/monitoring/message-tracking", f"/monitoring/message-tracking/{large.track}"):
            begun = time.process_time()
            answer = await browser.get(path)
            assert (answer.status_code, "<<" in answer.text.partition("<main")[2]) == (200, False)
            assert time.process_time() - begun < 2, path


@pytest.mark.parametrize("language", ["en", "de"])
async def test_no_sentence_takes_long_to_translate(language):
    """Sentences with values are found by patterns; a text that almost matches all of them is given back at once."""
    from gatepost.web.frame.words import load

    words = load()[language]
    patterns = [english for english in load()["de"]._catalogue if "{0}" in english]
    assert patterns
    begun = time.process_time()
    for english in patterns:
        pieces = re.split(r"\{\d+\}", english)
        words((pieces[0] + (pieces[1] if len(pieces) > 1 else "") * 200_000)[:400_000] + "!")
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e999", "0x1", "1_0", "١", "9" * 400])
async def test_points_that_are_no_number_are_told_at_their_field(site, number, request):
    """What cannot be compared finds nothing and hides nothing: it is refused."""
    browser = site.client(cookie=await site.cookie(f"cora-{request.node.callspec.indices['number']}"))
    answer = await browser.get(f"/monitoring/message-tracking?min_scl={number}")
    assert (answer.status_code, 'aria-invalid="true"' in answer.text) == (200, number not in ("1_0", "١"))


# --- what makes hidden signs visible ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("<p>plain ü 日本 😀</p>", "<p>plain ü 日本 😀</p>"),
        ("<p>invoice\u202efdp.exe</p>", "<p>invoice⟨U+202E⟩fdp.exe</p>"),
        ("<p>a\u200bb\ufeffc\u00add\u2066</p>", "<p>a⟨U+200B⟩b⟨U+FEFF⟩c⟨U+00AD⟩d⟨U+2066⟩</p>"),
        ("<p>a\nb\tc\r\n</p>", "<p>a\nb\tc\r\n</p>"),
        ("<p>\x00\x1b[31m\x9b</p>", "<p>⟨U+0000⟩⟨U+001B⟩[31m⟨U+009B⟩</p>"),
        ('<input value="a\u202eb">', '<input value="a\u202eb">'),
        ('<input value="a&gt;\u202eb">c\u202ed', '<input value="a&gt;\u202eb">c⟨U+202E⟩d'),
        ("<textarea name=x>a\u200bb\n</textarea>\u200b", "<textarea name=x>a\u200bb\n</textarea>⟨U+200B⟩"),
        ("<title>\u202e</title>", "<title>⟨U+202E⟩</title>"),
        ("<p>👩\u200d👩\u200d👧 ❤\ufe0f\u200d🔥</p>", "<p>👩\u200d👩\u200d👧 ❤\ufe0f\u200d🔥</p>"),
        ("<p>می\u200cخواهم</p>", "<p>می\u200cخواهم</p>"),
        ("<p>pay\u200dpal \u200d \u200c\u200d</p>", "<p>pay⟨U+200D⟩pal ⟨U+200D⟩ ⟨U+200C⟩⟨U+200D⟩</p>"),
        ("<p>\ud800</p>", "<p>⟨U+D800⟩</p>"),
        ('<p title="\ud800">\u200b</p>', '<p title="?">⟨U+200B⟩</p>'),
        ("\U000e0041", "⟨U+E0041⟩"),
        ("\u202e", "⟨U+202E⟩"),
        ("", ""),
    ],
)
async def test_hidden_signs_are_written_out(page, shown):
    """In texts, not in tags and text areas; joiners stay where scripts and pictures need them."""
    assert visible(page).decode() == shown


async def test_making_visible_costs_little():
    """A page of half a megabyte without a hidden sign takes a few milliseconds, one that is full of them less than a second."""
    for page, most_s in (("<p>ordinary text</p>" * 25_000, 0.1), ("<p>\u202e\u200b</p>" * 50_000, 1.0), ("<" * 500_000 + "\u200b", 1.0)):
        begun = time.process_time()
        visible(page)
        assert time.process_time() - begun < most_s
