# SPDX-License-Identifier: Apache-2.0
"""What requests may carry, and how what does not fit is told."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from api_document import checked, document
from console_site import Site, open_site
from contracts.track_mails import NOON, change, head
from gatepost.errors import StoreAway, StoreFull
from gatepost.versioning.current import head as first_line
from gatepost.web.api.problem import DEFECT
from gatepost.web.api.values import PATTERNS
from postgres_server import postgres_server

JO = {"display_name": "Jo", "addresses": [{"address": "jo@example.com"}]}


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=1&limit=2", "limit"),
        ("limit=x", "limit"),
        ("limit=1.5", "limit"),
        ("limit=true", "limit"),
        ("limit=", "limit"),
        ("min_scl=nan", "min_scl"),
        ("min_scl=1e999", "min_scl"),
        ("after=-1", "after"),
        ("statuses=eaten", "statuses"),
        ("between=a.example&between=b.example&between=c.example", "between"),
        ("direction=sideways", "direction"),
        ("colour=red", "colour"),
        ("tenant_id=1", "tenant_id"),
        ("cursor=" + "x" * 3000, "cursor"),
        ("cursor=nonsense", "cursor"),
        ("after=5&before=4", "after"),
    ],
)
async def test_a_parameter_that_does_not_fit_is_named(api: httpx2.AsyncClient, query: str, parameter: str):
    """422, with a sentence and the parameter; nothing is guessed."""
    answer = await api.get(f"/tracks?{query}")
    assert answer.status_code == 422
    assert [one["parameter"] for one in answer.json()["errors"]] == [parameter]
    assert answer.json()["detail"]


async def test_what_a_text_must_look_like_is_said_in_words(api: httpx2.AsyncClient):
    """Nobody reads a regular expression: in a path, after `?` and in a body alike."""
    said = "a track's name is 24 letters, up to V, and digits"
    assert (await api.get("/tracks/nope")).json()["detail"] == f"track: {said}"
    assert (await api.get("/tracks?track=nope")).json()["errors"] == [{"detail": said, "parameter": "track"}]
    answer = await api.post("/tracks/export", json={"tracks": ["nope"]})
    assert answer.json()["errors"] == [{"detail": said, "pointer": "#/tracks/0"}]


def test_no_pattern_is_without_its_words():
    """Each that the document has, but for the ETag's, which is told by itself."""

    def patterns(part: Any) -> Iterator[str]:
        if isinstance(part, dict) and isinstance(part.get("pattern"), str):
            yield part["pattern"]
        for one in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            yield from patterns(one)

    assert {one for one in patterns(document()) if not one.startswith('^"')} == set(PATTERNS)


async def test_parameters_are_texts_numbers_lists_and_yes_or_no(site: Site, api: httpx2.AsyncClient):
    """What is written as the document has it narrows the search."""
    await site.tell(change(head(NOON, subject="true")), change(head(NOON - 1, subject="12")))
    for query in ("subject=true", "subject=12&after=1", "between=alice@partner.example&between=example.com&subject=true"):
        found = await api.get(f"/tracks?before={NOON + 1}&{query}")
        assert len(found.json()["tracks"]) == 1, query
    assert len((await api.get("/tracks?statuses=delivery_pending&statuses=success&min_scl=-1e1")).json()["tracks"]) == 2
    assert (await api.get("/incidents?all=true")).status_code == 200
    assert (await api.get("/incidents?all=yes")).status_code == 422


@pytest.mark.parametrize(
    ("content", "kind", "status", "pointer"),
    [
        (b"{}", "text/plain", 415, None),
        (b"", "application/json", 400, None),
        (b"{", "application/json", 400, None),
        (b'{"display_name": "\xff"}', "application/json", 400, None),
        (b'{"display_name": NaN}', "application/json", 400, None),
        (b"[" * 100_000, "application/json", 422, "#"),
        (b'{"fields": ' + b'{"a":' * 100_000, "application/json", 422, "#/fields/.../"),
        (b'{"colour": 1}', "application/json", 422, "#/colour"),
        (b'{"addresses": [{"address": "jo@example.com"}, {"adress": "x"}]}', "application/json", 422, "#/addresses/1/adress"),
        (b'{"enabled": "yes"}', "application/json; charset=utf-8", 422, "#/enabled"),
        (b'{"display_name": "a\\u0000b"}', "application/json", 422, None),
        (b'{"fields": {"a\\u0000": "b"}}', "application/json", 422, None),
    ],
)
async def test_a_body_that_does_not_fit_is_told_with_its_place(
    api: httpx2.AsyncClient, content: bytes, kind: str, status: int, pointer: str | None
):
    """No JSON is 400, what is not marked as such 415, what does not fit 422 with a pointer to it; nobody is added."""
    answer = await api.post("/people/users", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text
    if pointer is not None and "..." not in pointer:
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert (await api.get("/people/users")).json()["users"] == []


async def test_a_backslash_before_u0000_is_a_text_like_others(api: httpx2.AsyncClient):
    """What looks like a NUL in the bytes and is none is taken."""
    answer = await api.post("/people/users", json={**JO, "display_name": "a\\u0000b"})
    assert answer.json()["row"]["display_name"] == "a\\u0000b"


async def test_a_body_larger_than_the_limit_is_refused(api: httpx2.AsyncClient):
    """413 as a problem, whatever stands in it."""
    answer = await api.post("/people/users", content=b" " * 5_000_000, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


async def test_what_takes_no_body_refuses_one(api: httpx2.AsyncClient):
    """A question with a body was meant otherwise."""
    assert (await api.request("GET", "/tracks", json={"limit": 1})).status_code == 400


async def test_a_change_says_what_it_rests_on(api: httpx2.AsyncClient):
    """By field or by If-Match with the ETag that was answered; neither is 428, both of them different 422, what is late 409 or 412."""
    added = await api.post("/people/users", json=JO)
    path, tag = f"/people/users/{added.json()['row']['id']}", added.headers["etag"]
    shown = await api.get("/people/users/jo@example.com")
    assert shown.headers["etag"] == tag == '"1"'
    assert (await api.put(path, json=JO)).status_code == 428
    assert (await api.put(path, json=JO, headers={"If-Match": "*"})).status_code == 422
    assert (await api.put(f"{path}?revision=2", json=JO, headers={"If-Match": '"1"'})).status_code == 422
    changed = await api.put(path, json={**JO, "display_name": "Joanna"}, headers={"If-Match": tag})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    late = await api.put(path, json=JO, headers={"If-Match": tag})
    assert (late.status_code, late.json()["row"]["display_name"]) == (412, "Joanna")
    assert (await api.put(f"{path}?revision=1", json=JO)).status_code == 409
    assert (await api.delete(path, headers={"If-Match": '"2"'})).json()["outcome"] == "removed"


async def test_an_apply_rests_on_a_version(site: Site, api: httpx2.AsyncClient):
    """If-Match with the ETag of the export stands for `based_on`; the audit tells who, by api, and from where."""
    exported = await api.get("/configuration")
    text = first_line(1) + exported.json()["document"].replace("example.com", "example.org")
    body = {"document": text, "reason": "another domain"}
    assert (await api.post("/configuration/versions", json=body)).status_code == 428
    made = await api.post("/configuration/versions", json=body, headers={"If-Match": exported.headers["etag"]})
    assert (made.status_code, made.headers["etag"]) == (200, '"2"')
    late = await api.post("/configuration/versions", json={**body, "document": text + "\n# x\n[dns]\n"}, headers={"If-Match": '"1"'})
    assert late.status_code in (200, 412)
    (entry,) = [one for one in (await api.get("/audit?operation=config.")).json()["entries"] if one["operation"] == "config.apply"]
    assert (entry["author"], entry["via"], entry["client"]) == ("anna", "api", "192.0.2.7")


async def test_the_address_and_the_body_name_one_thing(api: httpx2.AsyncClient):
    """A body about another thing than its address is refused, at the field that says so."""
    field = {"name": "b", "label": "B"}
    answer = await api.put("/people/fields/a?revision=0", json=field)
    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == "#/name"
    partner = await api.put("/people/partners/a.example?revision=0", json={"domain": "b.example"})
    assert partner.status_code == 422
    address = await api.put("/people/partner-addresses/x@a.example?revision=0", json={"address": "x@b.example"})
    assert address.status_code == 422


@pytest.mark.parametrize(("trouble", "status"), [(StoreAway("the store is away; wait"), 503), (StoreFull("no space is left"), 507)])
async def test_a_store_in_trouble_is_told(site: Site, api: httpx2.AsyncClient, trouble: Exception, status: int, monkeypatch: Any):
    """503 with Retry-After while it is away, 507 when it is full."""

    async def fail(*_: Any, **__: Any) -> None:
        raise trouble

    monkeypatch.setattr(site.rooms.people.users, "save", fail)
    answer = await api.post("/people/users", json=JO)
    assert answer.status_code == status
    assert ("retry-after" in answer.headers) == (status == 503)


async def test_a_store_that_is_away_at_the_door_is_no_refused_token(site: Site, monkeypatch: Any):
    """Nobody is told that a token is bad when nobody could look."""

    async def fail(*_: Any) -> None:
        raise StoreAway("away")

    monkeypatch.setattr(site.rooms.access.tokens, "check", fail)
    answer = await site.client(token="gp_abcdefghijkl_x").get("/api/v1/tracks")
    assert answer.status_code == 503 and "away" not in answer.text


async def test_a_defect_tells_nothing_of_itself(site: Site, api: httpx2.AsyncClient, monkeypatch: Any, capfd: pytest.CaptureFixture[str]):
    """500 with a constant sentence; the log says what it was."""

    async def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr(site.rooms.tracks, "search", fail)
    answer = await site.client(token=await site.token("anna")).get("/api/v1/tracks")
    assert answer.status_code == 500 and answer.json()["detail"] == DEFECT.detail
    assert "track.search" in capfd.readouterr().err


async def test_postgresql_serves_the_same(tmp_path: Any):
    """Tracks, people, configuration and audit over PostgreSQL, each answer held against the document."""
    async with open_site(tmp_path, url=postgres_server().create_database()) as site:
        await site.administrator("anna")
        api = checked(site.client(token=await site.token("anna")))
        assert (await api.post("/people/users", json=JO)).json()["outcome"] == "saved"
        assert (await api.get("/people/users?text=jo")).json()["counts"]["users"] == 1
        for path in (
            "/tracks?between=example.com",
            "/traffic?after=1&before=9000",
            "/events",
            "/incidents?all=true",
            "/configuration",
            "/audit",
        ):
            assert (await api.get(path)).status_code == 200, path
