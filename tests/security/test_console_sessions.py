# SPDX-License-Identifier: Apache-2.0
"""Sessions of administrators against who would take, keep, forge or outlive one: real HTTP, with and without TLS."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from console_site import PASSWORD
from gatepost.access.administrators import Change
from gatepost.contracts.actor import Actor
from security.console_attack import Target, request
from security.console_visitors import COOKIE, Browser, a_secure_target, a_target, an_identity, ask, closed_browsers, hidden  # noqa: F401 - fixtures

ROOT = Actor("root", "cli")


class Clock:
    """The time that sessions go by."""

    def __init__(self, target: Target) -> None:
        self.sessions = target.site.rooms.access.sessions
        self.usual = self.sessions._clock
        self.ahead_s = 0.0
        self.sessions._clock = lambda: self.usual() + self.ahead_s


@pytest.fixture
def clock(target: Target) -> Iterator[Clock]:
    """A clock that can be moved, and goes right again afterwards."""
    clock = Clock(target)
    yield clock
    clock.sessions._clock = clock.usual


# --- the cookie -------------------------------------------------------------------------------------------------------------------


def test_the_cookie_is_for_this_host_and_no_script(target, secure):
    """HttpOnly, SameSite and the whole path, no domain, no lifetime; on TLS with the prefix that browsers bind to the host, and Secure."""
    plain = Browser(target).sign_in("carl").headers["set-cookie"]
    assert re.fullmatch(r"gatepost-session=[\w-]{43}; HttpOnly; Path=/; SameSite=lax", plain)
    dressed = Browser(secure, tls=True).sign_in("carl").headers["set-cookie"]
    assert re.fullmatch(r"__Host-gatepost-session=[\w-]{43}; HttpOnly; Path=/; SameSite=lax; Secure", dressed)


def test_the_cookie_of_one_kind_of_connection_opens_no_other(target, secure):
    """A cookie that a neighbour of the host could have set without TLS is not looked at on TLS, nor the other way round."""
    for tls, where, name in ((False, target, f"__Host-{COOKIE}"), (True, secure, COOKIE), (True, secure, f"__Secure-{COOKIE}")):
        browser = Browser(where, tls=tls)
        browser.sign_in(f"dora-{tls}-{len(name)}")
        value = browser.cookie
        browser.http.cookies.clear()
        answer = browser.http.get("/account", headers={"Cookie": f"{name}={value}"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Faccount")


def test_a_session_that_somebody_else_chose_is_not_taken(target):
    """Whatever cookie a browser brings to the door, it leaves with a new one, and the old one opens nothing."""
    browser = Browser(target)
    for planted in ("A" * 43, "", "x", '"quoted"'):
        browser.http.cookies.clear()
        browser.http.headers["Cookie"] = f"{COOKIE}={planted}"
        answer = browser.sign_in(f"emil-{len(planted)}")
        del browser.http.headers["Cookie"]
        assert f"{COOKIE}={planted};" not in answer.headers["set-cookie"]
        assert browser.http.get("/account", headers={"Cookie": f"{COOKIE}={planted}"}).status_code == 303


@pytest.mark.parametrize("value", ["A" * 43, "A" * 42, "A" * 44, "=" * 43, "é" * 43, "A" * 60_000, "%00", "'; --", "A" * 42 + "\t", "null"])
def test_a_cookie_that_never_was_opens_nothing(target, value):
    """Any text is nobody's session, and no error."""
    raw = request("GET", "/account", "X: y").replace(b"X: y", b"Cookie: gatepost-session=" + value.encode())
    assert target.send(raw).status == 303


def test_two_cookies_of_one_name_are_one(target):
    """A second cookie beside the real one opens no second session, and neither hides the token that forms need."""
    browser = Browser(target)
    browser.sign_in("fritz")
    real = f"{COOKIE}={browser.cookie}"
    statuses = {
        text: target.send(request("GET", "/account", f"Cookie: {text}")).status
        for text in (f"{real}; {COOKIE}=x", f"{COOKIE}=x; {real}", f"{real};{real}", f"{COOKIE}=; {real}")
    }
    assert sorted(statuses.values()) == [200, 200, 200, 303]


def test_a_token_is_no_session_and_a_session_no_token(target):
    """The API reads no cookie, so no other site can use it through a browser; pages take no token."""
    browser = Browser(target)
    browser.sign_in("gerd")
    token = target.run(target.site.token("gerd"))
    assert browser.http.get("/api/v1/incidents").status_code == 401
    assert ask(target, "GET", "/account", bearer=token).status_code == 303
    assert ask(target, "GET", "/api/v1/incidents", bearer=token).status_code == 200
    assert ask(target, "GET", "/account", headers={"Cookie": f"{COOKIE}={token}"}).status_code == 303


def test_no_other_site_may_ask_the_api(target):
    """No answer names an origin, a method or a header that another site could use, not even to a question whether it may."""
    for method in ("GET", "OPTIONS"):
        answer = target.send(request(method, "/api/v1/incidents", "Origin: https://evil.example", "Access-Control-Request-Method: POST"))
        assert not [name for name in answer.headers if name.startswith("access-control")]


# --- its end ----------------------------------------------------------------------------------------------------------------------


def test_signing_out_ends_the_session_on_the_server(target):
    """The cookie is taken back, and a copy of it is worth nothing; other sessions of the same person stay."""
    browser = Browser(target)
    browser.sign_in("hans")
    copy = browser.cookie
    answer = browser.post("/sign-out")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert re.match(rf'{COOKIE}=""; expires=Thu, 01 Jan 1970|{COOKIE}=""; .*Max-Age=0', answer.headers["set-cookie"])
    assert browser.http.get("/account", headers={"Cookie": f"{COOKIE}={copy}"}).status_code == 303


@pytest.mark.parametrize(
    "change",
    [
        Change(enabled=False),
        Change(roles=("people",)),
        Change(one_time_password=True),
        Change(reset_totp=True),
    ],
    ids=["disabled", "other roles", "a new password", "a new authenticator"],
)
def test_a_session_ends_with_what_it_rests_on(target, change, request):
    """At the next request, though it was used a moment ago and is remembered; the token of an administrator who is disabled, too."""
    browser = Browser(target)
    name = f"ida-{request.node.callspec.indices['change']}"
    browser.sign_in(name)
    token = target.run(target.site.token(name))
    assert browser.is_in
    target.run(target.site.rooms.access.administrators.change(ROOT, name, change))
    assert not browser.is_in
    answer = ask(target, "GET", "/api/v1/openapi.json", bearer=token)
    assert answer.status_code == (401 if change.enabled is False else 200)


def test_a_new_password_ends_all_other_sessions(target):
    """Who changes it goes on with a new cookie; whoever had the old one, here or elsewhere, is out."""
    browser, thief = Browser(target), Browser(target)
    browser.sign_in("jana")
    old = browser.cookie
    thief.http.cookies.set(COOKIE, old)
    assert thief.is_in
    answer = browser.post("/account/password", old_password=PASSWORD, new_password=PASSWORD + " now", again=PASSWORD + " now")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert (browser.is_in, browser.cookie == old, thief.is_in) == (True, False, False)


def test_a_thief_cannot_change_the_password(target):
    """The session alone is not enough; wrong guesses are counted like those at the door, and lock the account for both."""
    browser = Browser(target)
    browser.sign_in("karl")
    for _ in range(10):
        answer = browser.post(
            "/account/password", old_password="a guess", new_password="a password of the thief", again="a password of the thief"
        )
        assert answer.status_code == 400
    known = target.run(target.site.rooms.access.administrators.get("karl"))
    assert known.failures + (known.locked_until is not None) > 0


def test_an_idle_session_ends(target, clock):
    """After half an hour without a request; each request begins the half hour anew."""
    browser = Browser(target)
    browser.sign_in("lena")
    for _ in range(3):
        clock.ahead_s += 1700
        assert browser.is_in
    clock.ahead_s += 1801
    assert not browser.is_in


@pytest.mark.parametrize("path", ["/?refresh=1", "/account?refresh=1", "/monitoring/message-tracking?refresh=", "/nothing?refresh=1"])
def test_what_a_page_asks_by_itself_keeps_no_session_alive(target, clock, path):
    """An open start page asks every ten seconds; however long it does, the session ends half an hour after its person was there."""
    browser = Browser(target)
    browser.sign_in(f"mia-{sum(map(ord, path))}")
    for _ in range(29):
        clock.ahead_s += 60
        assert browser.http.get(path).status_code in (200, 404)
    clock.ahead_s += 61
    assert browser.http.get(path, headers={"HX-Request": "true"}).headers.get("hx-redirect") == "/sign-in"
    assert not browser.is_in


def test_no_session_is_longer_than_a_day_of_work(target, clock):
    """Twelve hours after its beginning it ends, however busy it was."""
    browser = Browser(target)
    browser.sign_in("nora")
    while clock.ahead_s < 43_200 - 1_000:
        clock.ahead_s += 1_000
        assert browser.is_in
    clock.ahead_s = 43_201
    assert not browser.is_in


def test_sessions_have_a_number(target):
    """Somebody has twenty at a time; the oldest makes room."""
    from gatepost.access.record import Came
    from gatepost.access.sign_in import Done, Step

    first = Browser(target)
    page = first.sign_in("otto")
    assert page.status_code == 303
    access: Any = target.site.rooms.access

    async def again(number: int) -> None:
        # A code is good once, so each further sign-in needs a step of its own.
        step = await access.sign_in.begin("otto", PASSWORD, Came(f"198.51.100.{number}"))
        assert isinstance(step, Step)
        ticket = access.sign_in._tickets.get(step.ticket)
        ticket.claim = ticket.claim._replace(totp_passed=True)
        settling = access.sign_in._settling
        done = await access.sign_in._settled(ticket.claim, lambda c, cookie: settling.password(c, ticket.claim, cookie, right=True), ticket)
        assert isinstance(done, Done)

    for number in range(20):
        assert first.is_in == (number < 20)
        target.run(again(number))
    assert not first.is_in
    assert len(target.run(access.sessions.own("otto"))) == 20


def test_nobody_ends_or_sees_the_sessions_of_another(target):
    """The id of a session is no right to end it, and a list shows one's own."""
    anna, ben = Browser(target), Browser(target)
    anna.sign_in("petra", "monitoring")
    ben.sign_in("quirin", "monitoring")
    foreign = hidden(ben.http.get("/account"), "session")
    anna.post("/account/sessions", session=foreign)
    assert ben.is_in
    assert foreign not in anna.http.get("/account").text
    anna.post("/account/sessions", session=foreign, name="quirin")
    assert ben.is_in
    anna.post("/account/sessions")
    assert (anna.is_in, ben.is_in) == (False, True)


def test_nobody_revokes_the_token_of_another(target):
    """Its id is no right to it."""
    thief = Browser(target)
    thief.sign_in("rosa", "monitoring")
    target.run(target.site.administrator("sven"))
    token = target.run(target.site.token("sven"))
    thief.post("/account/tokens/revoke", token=token.split("_")[1])
    assert ask(target, "GET", "/api/v1/incidents", bearer=token).status_code == 200


def test_nobody_makes_a_token_with_more_than_he_may(target):
    """The scopes that a form does not offer are refused, too."""
    browser = Browser(target)
    browser.sign_in("tina", "monitoring")
    answer = browser.http.post(
        "/account/tokens",
        data={
            "form_token": hidden(browser.http.get("/account"), "form_token"),
            "token_name": "x",
            "days": "1",
            "scope": ["monitoring:read", "people:write"],
        },
    )
    assert (answer.status_code, "gp_" in answer.text) == (400, False)
