# SPDX-License-Identifier: Apache-2.0
"""The way through the door against who would lead somebody through it, or out of it to another site."""

import re

import pytest

from security.console_visitors import COOKIE, Browser, a_target, ask, closed_browsers, hidden  # noqa: F401 - fixtures


def test_nobody_is_signed_in_as_somebody_else_by_another_site(target):
    """Who has a session is not taken into another one by a form of the door, from wherever it comes."""
    browser = Browser(target)
    browser.sign_in("ute")
    one_time = target.run(target.site.administrator("villain"))
    answer = browser.http.post("/sign-in", data={"name": "villain", "password": one_time})
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


@pytest.mark.parametrize(
    ("wanted", "goes"),
    [
        ("/account", "/account"),
        ("/monitoring/message-tracking?subject=a%26b&last=7d", "/monitoring/message-tracking?subject=a%26b&last=7d"),
        ("//evil.example", "/"),
        ("///evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example", "/"),
        ("/\r\nSet-Cookie: a=b", "/"),
        ("/sign-in?next=//evil.example", "/"),
        ("/\u2028/x", "/"),
        ("/" + "x" * 5_000, "/"),
        ("", "/"),
        ("evil.example", "/"),
        ("/.//evil.example", "/"),
    ],
)
def test_the_way_back_leads_to_a_page_of_ours(target, wanted, goes):
    """Whatever stands in `next`, nobody is sent to another site after he has signed in."""
    from gatepost.web.console.access.sign_in import local_path

    assert local_path(wanted) == goes


def test_what_the_door_shows_of_what_was_typed_is_text(target):
    """Name, ticket and way back come back as values of fields, never as markup, and a password never."""
    answer = ask(target, "POST", "/sign-in", data={"name": '"><b>', "password": "a-secret<i>", "next": '"><u>', "ticket": ""})
    assert not re.search("<b>|<i>|<u>", answer.text)
    assert "a-secret" not in answer.text
    answer = ask(target, "POST", "/sign-in", data={"ticket": '"><b>', "code": '"><i>'})
    assert (answer.status_code, re.search("<b>|<i>", answer.text)) == (400, None)


def test_a_ticket_gives_no_page_and_no_right(target):
    """The middle of a sign-in is no session: as cookie, token or form token it opens nothing, and it is good for its own step alone."""
    one_time = target.run(target.site.administrator("willi"))
    page = ask(target, "POST", "/sign-in", data={"name": "willi", "password": one_time})
    ticket = hidden(page, "ticket")
    for headers in ({"Cookie": f"{COOKIE}={ticket}"}, {"Authorization": f"Bearer {ticket}"}):
        assert ask(target, "GET", "/account", headers=headers).status_code == 303
    answer = ask(target, "POST", "/sign-in", data={"ticket": ticket, "code": "123456"})
    assert "set-cookie" not in answer.headers
