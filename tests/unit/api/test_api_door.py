# SPDX-License-Identifier: Apache-2.0
"""Who comes to the API without a good token, and who lacks a right."""

from functools import partial
from itertools import count

import httpx2
import pytest

from api_document import checked
from console_site import Site
from gatepost.access.administrators import Change
from gatepost.access.rates import Rates
from gatepost.contracts.actor import Actor
from gatepost.web.api import door

ANNA = Actor("anna", "console")
PATHS = ("/tracks", "/access/self", "/openapi.json", "/nowhere", "/", "/people/users/a%0Ab", "")


async def answers(client: httpx2.AsyncClient, path: str) -> tuple[int, bytes]:
    """Give status and bytes of an answer."""
    answer = await client.get(path)
    return answer.status_code, answer.content


async def test_without_a_good_token_all_answer_the_same(site: Site):
    """No token, one that never was, one of no form, a revoked one: the same bytes on every path, there or not."""
    ended = await site.token("anna")
    assert (await site.client(token=ended).get("/api/v1/access/self")).status_code == 200
    await site.rooms.access.tokens.revoke(ANNA, ended.split("_")[1])
    right = await site.token("anna")
    wrong = right[:-1] + ("A" if right[-1] != "A" else "B")
    seen = set()
    for number, token in enumerate(("", "gp_abcdefghijkl_" + "x" * 43, "nonsense", ended, wrong, "ü" * 300)):
        headers = {"Authorization": f"Bearer {token}".encode()} if token else {}
        for path in PATHS:
            client = site.client(client=f"192.0.2.{number}")
            seen.add((await client.get(f"/api/v1{path}", headers=headers)).content)
            assert (await client.get(f"/api/v1{path}", headers=headers)).status_code == 401
    assert len(seen) == 1


async def test_a_token_ends_with_its_time_and_with_its_owner(site: Site):
    """A token of somebody who was disabled, and one whose days are over, are as good as none."""
    await site.administrator("bert", "monitoring")
    token = await site.token("bert", "monitoring:read")
    client = checked(site.client(token=token))
    assert (await client.get("/tracks")).status_code == 200
    await site.rooms.access.administrators.change(Actor("root", "cli"), "bert", Change(enabled=False))
    assert (await client.get("/tracks")).status_code == 401


async def test_a_cookie_opens_nothing(site: Site):
    """Who has signed in with a browser is a stranger to the API, so no page of another site can call it."""
    browser = site.client(cookie=await site.cookie("carla"))
    assert (await browser.get("/")).status_code == 200
    assert (await browser.get("/api/v1/access/self")).status_code == 401


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
async def test_the_scheme_is_read_in_any_case(site: Site, scheme: str):
    """RFC 9110 section 11.1: the scheme's letters may be large or small; another scheme is none."""
    token = await site.token("anna")
    client = site.client()
    assert (await client.get("/api/v1/access/self", headers={"Authorization": f"{scheme} {token}"})).status_code == 200
    assert (await client.get("/api/v1/access/self", headers={"Authorization": f"Basic {token}"})).status_code == 401
    twice = [("Authorization", f"{scheme} {token}"), ("Authorization", f"{scheme} {token}")]
    assert (await client.get("/api/v1/access/self", headers=twice)).status_code == 401


async def test_many_failures_are_told_to_wait_and_the_good_token_beside_them_is_served(site: Site, monkeypatch: pytest.MonkeyPatch):
    """After 30 failures a client gets 429 with Retry-After; another client gets 401 still, and a good token its answer."""
    # After two seconds a client may fail once more: here a millisecond passes with each failure.
    monkeypatch.setattr(door, "Rates", partial(Rates, clock=count(0.0, 0.001).__next__))
    stranger = site.client()
    seen = [(await stranger.get("/api/v1/tracks")).status_code for _ in range(31)]
    assert seen == [401] * 30 + [429]
    answer = await stranger.get("/api/v1/tracks")
    assert answer.status_code == 429 and 1 <= int(answer.headers["retry-after"]) <= 2
    assert (await site.client(client="192.0.2.99").get("/api/v1/tracks")).status_code == 401
    assert (await site.client(token=await site.token("anna")).get("/api/v1/tracks")).status_code == 200


async def test_what_a_token_may_not_see_is_as_what_does_not_exist(site: Site):
    """An operation that needs another right answers the bytes that a path answers which is none; whatever is sent along."""
    client = checked(site.client(token=await site.token("anna", "monitoring:read")))
    nothing = await answers(client, "/nowhere")
    assert nothing[0] == 404
    for path in (
        "/people/users",
        "/configuration",
        "/configuration?number=x",
        "/audit?limit=0",
        "/access/administrators",
        "/people/users/x",
    ):
        assert await answers(client, path) == nothing
    for method, path in (("POST", "/people/users"), ("PUT", "/people/users/x"), ("POST", "/gateways/berlin/queue/drop")):
        answer = await client.request(method, path, json={"wanted": "x"})
        assert (answer.status_code, answer.content) == nothing, path
    assert (await client.get("/tracks")).status_code == 200


async def test_a_wrong_method_tells_only_what_the_token_may(site: Site):
    """405 names the methods that this token may use there, and is 404 where there are none."""
    everything = checked(site.client(token=await site.token("anna")))
    reader = checked(site.client(token=await site.token("anna", "people:read")))
    stranger = checked(site.client(token=await site.token("anna", "monitoring:read")))
    assert (await everything.patch("/people/users")).headers["allow"] == "GET, POST"
    assert (await reader.patch("/people/users")).headers["allow"] == "GET"
    assert (await stranger.patch("/people/users")).status_code == 404


async def test_every_good_token_may_read_the_document(site: Site):
    """The description is no secret among those who have a token."""
    client = checked(site.client(token=await site.token("anna", "disclaimer:read")))
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200 and answer.json()["openapi"] == "3.1.0"


async def test_who_manages_nobody_cannot_make_tokens_and_no_token_makes_a_stronger_one(site: Site):
    """A token gives at most its own rights to another one, though its owner has more."""
    weak = checked(site.client(token=await site.token("anna", "monitoring:write")))
    wanted = {"name": "more", "scopes": ["administration:write"], "days": 1}
    assert (await weak.post("/access/tokens", json=wanted)).status_code == 404
    admin = checked(site.client(token=await site.token("anna", "administration:write")))
    assert (await admin.post("/access/tokens", json={**wanted, "scopes": ["people:read"]})).status_code == 422
    made = await admin.post("/access/tokens", json=wanted)
    assert made.status_code == 200
    assert (await site.client(token=made.json()["secret"]).get("/api/v1/access/administrators")).status_code == 200
