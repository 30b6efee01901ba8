# SPDX-License-Identifier: Apache-2.0
"""The door against who guesses: he learns neither a name nor a password, keeps nobody else out, and fills no memory."""

import asyncio
import re
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from itertools import count

import pytest
import pytest_asyncio

from console_site import PASSWORD, Site, open_site
from gatepost.access.administrators import Change
from gatepost.access.audit import AuditSearch
from gatepost.access.rates import MOST_CLIENTS, Rates
from gatepost.access.sign_in import BURST, REFUSAL_S
from gatepost.access.tickets import MOST, Claim, Tickets
from gatepost.contracts.actor import Actor
from gatepost.web.console.pages import desk
from waiting import PATIENCE_S

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOT = Actor("root", "cli")
_clients = (f"2001:db8:{number:x}::1" for number in count(1))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """A site with administrators in every state; their names are of one length."""
    async with open_site(tmp_path_factory.mktemp("guessing")) as site:
        access = site.rooms.access
        for name in ("usual", "block", "ended", "onces"):
            if name == "onces":
                await site.administrator(name)
            else:
                await site.cookie(name)
        await access.administrators.change(ROOT, "ended", Change(enabled=False))
        await asyncio.gather(*(_guess(site, "block", "wrong") for _ in range(10)))
        assert (await access.administrators.get("block")).locked_until
        yield site


async def _guess(site: Site, name: str, password: str, client: str = "") -> tuple[int, dict[str, str], str, float, int]:
    """Try once from an address of its own; gives status, headers, page without what was typed, seconds, hashes."""
    passwords = site.rooms.access._passwords
    begun, calculated = time.monotonic(), passwords.calculated
    async with site.client(client=client or next(_clients)) as http:
        answer = await http.post("/sign-in", data={"name": name, "password": password})
    page = answer.text.replace(f'value="{name}"', "")
    return answer.status_code, dict(answer.headers), page, time.monotonic() - begun, passwords.calculated - calculated


STATES = {
    "nobody": ("nobod", "wrong"),
    "somebody": ("usual", "wrong"),
    "locked": ("block", "wrong"),
    "locked, and the password is right": ("block", PASSWORD),
    "disabled": ("ended", "wrong"),
    "disabled, and the password is right": ("ended", PASSWORD),
    "one-time": ("onces", "wrong"),
    "no name": ("     ", "wrong"),
    "a name that cannot be": ("-----", "wrong"),
    "not in small letters": ("USUAL", "wrong"),
}


async def test_one_answer_for_every_reason(site):
    """Whoever is guessed at and whatever is wrong with him: one status, one page, one hash, half a second; no cookie and no next step."""
    answers = {state: await _guess(site, *tried) for state, tried in STATES.items()}
    status, headers, page, _, hashes = answers["nobody"]
    assert (status, hashes, "set-cookie" in headers, 'name="ticket"' in page) == (403, 1, False, False)
    for state, answer in answers.items():
        assert answer[:2] == (status, headers), state
        assert re.sub(r'value="[^"]*"', "", answer[2]) == re.sub(r'value="[^"]*"', "", page), state
        assert answer[4] == hashes, state
        assert answer[3] >= REFUSAL_S, state


async def test_only_refusals_cost_a_client(site):
    """Ten people who sign in from behind one address in the morning do not keep out an eleventh; ten refusals do keep the next out."""
    office = next(_clients)
    for number in range(2 * BURST):
        status, _, page, _, _ = await _guess(site, "usual", PASSWORD, office)
        assert (status, 'name="ticket"' in page) == (200, True), number
    refused = await asyncio.gather(*(_guess(site, "nobod", "wrong", office) for _ in range(5)))
    assert {one[0] for one in refused} <= {403, 429}
    refused += await asyncio.gather(*(_guess(site, "nobod", "wrong", office) for _ in range(BURST)))
    assert 429 in {one[0] for one in refused}


async def test_a_client_that_guessed_too_often_waits(site, monkeypatch):
    """It is told for how long, at once and at no cost in hashes, whatever it tries; others, and its other /64, are not kept out."""
    guesser, sign_in = "2001:db8:ffff:1::1", site.rooms.access.sign_in
    now = time.monotonic()
    monkeypatch.setattr(sign_in._rates, "_clock", lambda: now)
    await asyncio.gather(*(_guess(site, "nobod", "wrong", guesser) for _ in range(BURST + 2)))
    monkeypatch.setattr(sign_in, "_refusal_s", 3600.0)  # what is held back as a refusal is not answered today
    for client in (guesser, "2001:db8:ffff:1:ffff::2"):
        async with asyncio.timeout(PATIENCE_S):
            status, headers, page, _, hashes = await _guess(site, "usual", PASSWORD, client)
        assert (status, hashes) == (429, 0)
        assert 1 <= int(headers["retry-after"]) <= 60
        assert "There were too many attempts" in page
    assert (await _guess(site, "usual", PASSWORD, "2001:db8:ffff:2::1"))[0] == 200
    assert (await _guess(site, "usual", PASSWORD, "192.0.2.44"))[0] == 200


async def test_an_ipv4_client_is_one_however_it_is_written(site):
    """Its address inside IPv6 is the same bucket."""
    rates = Rates(1, 1)
    assert [rates.take(one) > 0 for one in ("192.0.2.1", "::ffff:192.0.2.1", "::ffff:c000:201", "192.0.2.2")] == [False, True, True, False]


async def test_many_guesses_at_once_hold_up_no_page(site, monkeypatch):
    """While fifty clients guess, hashes wait in a line of their own, further ones are told to come later, and pages are served."""
    passwords, go_on = site.rooms.access._passwords, threading.Event()
    check, room = passwords._check, passwords._room

    def held(*of: str) -> object:
        assert go_on.wait(PATIENCE_S)
        return check(*of)

    monkeypatch.setattr(passwords, "_check", held)
    guesses = [asyncio.create_task(_guess(site, "usual", "wrong")) for _ in range(50)]
    try:
        async with site.client() as http, asyncio.timeout(PATIENCE_S / 2):
            while sum(one.done() for one in guesses) < len(guesses) - room:
                assert (await http.get("/sign-in")).status_code == 200
                await asyncio.sleep(0.01)  # a page may be served without a pause
            assert (await http.get("/sign-in")).status_code == 200
        assert sum(one.done() for one in guesses) == len(guesses) - room
    finally:
        go_on.set()
    assert Counter(one[0] for one in await asyncio.gather(*guesses)) == {403: room, 429: len(guesses) - room}
    await site.rooms.access.administrators.change(ROOT, "usual", Change(unlock=True))


async def test_a_code_is_guessed_as_seldom_as_a_password(site):
    """Who knows the password has ten codes to try until the account is locked; the page says the same as for a wrong password."""
    await site.cookie("codes")
    async with site.client(client=next(_clients)) as http:
        page = (await http.post("/sign-in", data={"name": "codes", "password": PASSWORD})).text
        ticket = re.search(r'name="ticket" value="([^"]+)"', page)[1]  # type: ignore[index]

    async def tried(code: int) -> tuple[int, bool]:
        async with site.client(client=next(_clients)) as http:
            answer = await http.post("/sign-in", data={"ticket": ticket, "code": f"{code:06}"})
        return answer.status_code, "The name, the password or the code is wrong" in answer.text

    assert set(await asyncio.gather(*map(tried, range(12)))) == {(403, True)}
    assert (await site.rooms.access.administrators.get("codes")).locked_until


async def test_what_was_guessed_stands_in_no_log_and_no_audit(site, capfd):
    """A name that nobody has may be a password in the wrong field, so it is not written down; a password never is."""
    await _guess(site, "my-secret-password", "my-other-secret")
    await _guess(site, "usual", "my-third-secret")
    said = capfd.readouterr().err
    assert "refused" in said
    assert "secret" not in said
    audit = await site.rooms.access.audit.search(AuditSearch(limit=1000))
    assert "secret" not in repr(audit)


# --- memory -----------------------------------------------------------------------------------------------------------------------


async def test_clients_that_come_once_fill_no_memory():
    """Of so many addresses the latest are remembered; who guesses does not push himself out by guessing."""
    rates = Rates(1, 1)
    for number in range(2 * MOST_CLIENTS):
        rates.take(f"2001:db8:{number:x}::1")
    assert rates.clients == MOST_CLIENTS
    assert rates.take(f"2001:db8:{2 * MOST_CLIENTS - 1:x}::1") > 0
    rates.take("x" * 1_000_000)
    assert max(map(len, rates._buckets)) <= 100


async def test_sign_ins_under_way_have_a_number(site):
    """The oldest makes room; each took a right password."""
    tickets = Tickets(time.time)
    made = [tickets.make(Claim(0, "usual", None, ""), "totp") for _ in range(2 * MOST)]  # type: ignore[arg-type]
    assert len(tickets._tickets) == MOST
    assert tickets.get(made[-1].text)
    assert tickets.get(made[0].text) is None


async def test_what_is_to_be_said_has_a_number(site):
    """Sentences that no page came for are forgotten, the oldest first."""
    here = desk(site.house)
    for number in range(5_000):
        here.say(str(number), "It is done.")
    assert len(here._said) == 1_000
    assert (here.take_said("4999"), here.take_said("0")) == ("It is done.", "")


async def test_cookies_that_never_were_are_not_remembered(site):
    """A stranger's inventions cost one question each and no memory."""
    sessions = site.rooms.access.sessions
    before = len(sessions._live._kept)
    for number in range(300):
        assert await sessions.find(f"{number:043}") is None
    assert len(sessions._live._kept) == before


async def test_words_of_strangers_are_not_remembered(site):
    """Languages that nobody speaks, addresses that lead nowhere and files that are none leave nothing behind."""
    from gatepost.web.frame import assets
    from gatepost.web.frame.templates import environment

    async with site.client() as http:
        await http.get("/sign-in")
        before = (len(environment().cache or ()), assets._read.cache_info().currsize)
        for number in range(300):
            await http.get(f"/nothing/{number}", headers={"Accept-Language": f"x{number}"})
            await http.get(f"/static/{number}/{number}.css")
        assert (len(environment().cache or ()), assets._read.cache_info().currsize) == before
