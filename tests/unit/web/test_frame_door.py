# SPDX-License-Identifier: Apache-2.0
"""The desk before every page, and the layer around all answers."""

import pytest
from starlette.responses import PlainTextResponse, Response
from starlette.testclient import TestClient

from gatepost.errors import GatepostError
from gatepost.web.frame.application import application
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.headers import HEADERS, Headers
from gatepost.web.frame.navigation import Navigation, Place
from gatepost.web.frame.visitor import Visitor
from gatepost.web.frame.words import load

ANNA = Visitor("anna", "Anna", frozenset({"monitoring:read"}), "en", "form-token", "one", "192.0.2.1")


class OneSession:
    """The cookie `secret` is Anna's."""

    async def visitor(self, secret: str, client: str, *, active: bool = True) -> Visitor | None:
        return ANNA if secret == "secret" else None


def site() -> TestClient:
    desk = Desk(OneSession(), load(), Navigation((Place("Start page", "/", ""), Place("Rules", "/rules", "configuration:read"))))
    done: list[str] = []

    async def page(visit: Visit) -> Response:
        return visit.show("missing.html", title="Start page")

    async def change(visit: Visit) -> Response:
        done.append(visit.form.text("what"))
        return visit.go("/", "It is done.")

    async def failing(visit: Visit) -> Response:
        raise ZeroDivisionError

    async def echo(visit: Visit) -> Response:
        return PlainTextResponse(visit.form.text("what"))

    routes = [
        desk.route("/", page, "monitoring:read"),
        desk.route("/rules", page, "configuration:read"),
        desk.route("/change", change, "monitoring:read", post=True),
        desk.route("/failing", failing, ""),
        desk.open_route("/door", echo, post=True),
    ]
    client = TestClient(application(desk, routes), follow_redirects=False)
    client.done = done  # type: ignore[attr-defined]
    return client


@pytest.fixture
def stranger() -> TestClient:
    """A browser without a session."""
    return site()


@pytest.fixture
def anna() -> TestClient:
    """A browser with Anna's session."""
    client = site()
    client.cookies.set("gatepost-session", "secret")
    return client


def test_who_has_no_session_is_sent_to_the_door_and_back(stranger):
    """The wanted page is remembered in the address of the door, as a path of ours."""
    answer = stranger.get("/rules?page=2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Frules%3Fpage%3D2")


def test_a_forbidden_page_is_like_one_that_does_not_exist(anna):
    """Status and content are the same, byte for byte but for the address that may be loaded anew."""
    forbidden, missing = anna.get("/rules"), anna.get("/nothing")
    assert forbidden.status_code == missing.status_code == 404
    assert forbidden.text.replace("/rules", "") == missing.text.replace("/nothing", "")


def test_a_stranger_learns_nothing_of_which_pages_there_are(stranger):
    """A page that exists and one that does not both lead to the door."""
    assert {stranger.get(path).headers["location"].partition("?")[0] for path in ("/rules", "/nothing")} == {"/sign-in"}


@pytest.mark.parametrize(
    ("token", "site_of_origin", "made"),
    [
        ("form-token", "same-origin", True),
        ("form-token", None, True),
        ("wrong", "same-origin", False),
        ("", "same-origin", False),
        ("form-token", "cross-site", False),
        ("form-token", "same-site", False),
    ],
)
def test_only_forms_of_our_own_pages_change_something(anna, token, site_of_origin, made):
    """The session's token must be there, and the browser must not say that another site sent it."""
    headers = {"Sec-Fetch-Site": site_of_origin} if site_of_origin else {}
    answer = anna.post("/change", data={"form_token": token, "what": "it"}, headers=headers)
    assert (answer.status_code, anna.done) == ((303, ["it"]) if made else (403, []))


def test_what_was_said_is_shown_once(anna):
    """The sentence after a change stands on the next page and not on the one after it."""
    anna.post("/change", data={"form_token": "form-token"})
    assert ["It is done." in anna.get("/").text for _ in range(2)] == [True, False]


def test_a_surprise_shows_no_traceback(anna, capfd):
    """The page says that something happened; the log says what."""
    answer = anna.get("/failing")
    assert (answer.status_code, "ZeroDivision" in answer.text) == (500, False)
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_the_navigation_shows_what_a_visitor_may_see(anna):
    """A place without its right is left out."""
    text = anna.get("/").text
    assert ('href="/"' in text, 'href="/rules"' in text) == (True, False)


def test_every_answer_is_dressed(anna, stranger):
    """Pages, files, errors and redirections carry the same strict headers; pages are not stored."""
    for answer in (anna.get("/"), anna.get("/nothing"), stranger.get("/"), stranger.get("/static/x/y.css")):
        assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)
        assert answer.headers["cache-control"] == "no-store"
    assert "unsafe" not in HEADERS["Content-Security-Policy"]
    assert "strict-transport-security" not in anna.get("/").headers
    assert "strict-transport-security" in anna.get("https://testserver/").headers


def test_a_request_has_a_limit():
    """More bytes than the limit are answered 413, before the page sees them."""

    async def taking(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        raise AssertionError("it was taken")

    answer = TestClient(Headers(taking, body_bytes=10)).post("/", content=b"x" * 11)
    assert (answer.status_code, answer.text) == (413, "The request is larger than 10 bytes.\n")


def test_files_are_kept_for_good_under_the_name_of_their_content(anna):
    """The address holds the checksum; another checksum is nothing, and nothing outside the folder is served."""
    from gatepost.web.frame.assets import address

    answer = anna.get(address("gatepost.css"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in answer.headers["cache-control"]
    for wrong in ("/static/0000/gatepost.css", "/static/0000/../desk.py", "/static/0000/vendor.sha256"):
        assert anna.get(wrong).status_code == 404


@pytest.mark.parametrize("path", ["/", "/rules", "/nothing", "/door"])
def test_a_store_that_is_away_is_told_to_nobody_in_detail(capfd, path):
    """While nobody can be recognized every address answers 503 with one sentence, which says nothing of the store, and no traceback."""

    class Away:
        async def visitor(self, secret: str, client: str, *, active: bool = True) -> Visitor | None:
            raise GatepostError("host db.example does not answer")

    desk = Desk(Away(), load(), Navigation(()))

    async def page(visit: Visit) -> Response:
        return visit.show("missing.html", title="Start page")

    routes = [desk.route("/", page, ""), desk.route("/rules", page, "configuration:read"), desk.open_route("/door", page)]
    client = TestClient(application(desk, routes), cookies={"gatepost-session": "secret"}, follow_redirects=False)
    answer = client.get(path)
    assert (answer.status_code, "db.example" in answer.text, "Traceback" in capfd.readouterr().err) == (503, False, False)


def test_a_surprise_outside_a_page_is_one_event_and_one_sentence(capfd):
    """What fails before there is a page is answered 500 in plain text, dressed as all answers, and logged once."""

    async def failing(scope, receive, send):
        raise ZeroDivisionError

    answer = TestClient(Headers(failing)).get("/x")
    assert (answer.status_code, answer.headers["x-frame-options"]) == (500, "DENY")
    assert capfd.readouterr().err.count("ZeroDivisionError: ") == 1


@pytest.mark.parametrize(
    ("origin", "made"), [("http://testserver", True), ("https://testserver", True), ("http://evil.example", False), ("null", False)]
)
def test_where_browsers_say_only_the_origin_it_counts(anna, origin, made):
    """Without TLS they do not say Sec-Fetch-Site; the host of Origin must be the one that was called."""
    answer = anna.post("/change", data={"form_token": "form-token", "what": "it"}, headers={"Origin": origin})
    assert (answer.status_code, anna.done) == ((303, ["it"]) if made else (403, []))


def test_a_form_that_cannot_be_read_says_so(anna, capfd):
    """It is shown on a page, changes nothing and is no error of ours."""
    answer = anna.post("/change", content=b"a=b&" * 10_000, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert (answer.status_code, "larger than can be taken" in answer.text, anna.done) == (413, True, [])
    assert capfd.readouterr().err == ""


def test_the_configuration_is_the_houses_alone():
    """A right of another tenant does not reach it."""
    rights = frozenset({"configuration:read", "monitoring:read"})
    assert [ANNA._replace(rights=rights, tenant_id=one).may("configuration:read") for one in (0, 1)] == [True, False]
    assert ANNA._replace(rights=rights, tenant_id=1).may("monitoring:read")


def test_the_door_needs_no_session(stranger):
    """What stands before the session can be sent without one."""
    assert stranger.post("/door", data={"what": "knock"}).text == "knock"
