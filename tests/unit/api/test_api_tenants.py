# SPDX-License-Identifier: Apache-2.0
"""Two tenants at one API: nobody meets what is the other's."""

from functools import partial

import msgspec

from api_document import checked
from console_site import Site
from contracts.track_mails import NOON, change, head
from gatepost.web.api.table import OPERATIONS


async def test_no_row_of_the_other_tenant_is_answered(site: Site, monkeypatch):
    """A token of tenant 1 sees its own and nothing of tenant 0's; what is the house's is not there for it."""
    await site.administrator("olga", tenant_id=1)
    own = await site.token("olga", tenant_id=1)
    house = checked(site.client(token=await site.token("anna")))
    await site.tell(change(head(NOON)), change(head(NOON - 1, tenant_id=1, subject="Ours")))
    track = (await house.get("/tracks")).json()["tracks"][0]["track"]
    jo = (await house.post("/people/users", json={"display_name": "Jo", "addresses": [{"address": "jo@example.com"}]})).json()["row"]
    await house.put("/people/partners/partner.example?revision=0", json={"domain": "partner.example"})
    await house.put("/people/fields/a?revision=0", json={"name": "a"})
    hook = (await house.post("/webhooks", json={"name": "x", "url": "https://x.example/"})).json()["webhook"]["id"]
    site.links.away.add("berlin")
    number = (await house.post("/incidents/recheck", json={"kind": "link.away", "subject": "berlin"})).json()["id"]

    tokens = site.rooms.access.tokens
    monkeypatch.setattr(tokens, "check", partial(tokens.check, tenant_id=1))
    other = checked(site.client(token=own))
    assert (await other.get("/access/self")).json()["tenant_id"] == 1
    assert [one["subject"] for one in (await other.get("/tracks")).json()["tracks"]] == ["Ours"]
    for path, key in (
        ("/people/users", "users"),
        ("/people/partners", "partners"),
        ("/incidents?all=true", "incidents"),
        ("/events", "events"),
    ):
        assert (await other.get(path)).json()[key] == [], path
    for path in ("/people/fields", "/webhooks"):
        assert (await other.get(path)).json() == [], path
    assert {one["name"] for one in (await other.get("/access/administrators")).json()} == {"olga"}
    assert {one["owner"] for one in (await other.get("/access/tokens")).json()} == {"olga"}
    assert {one["author"] for one in (await other.get("/audit")).json()["entries"]} == {"root", "olga"}
    for path in (f"/tracks/{track}", f"/people/users/{jo['id']}", "/people/partners/partner.example", f"/incidents/{number}"):
        assert (await other.get(path)).status_code == 404, path
    assert (await other.delete(f"/webhooks/{hook}")).status_code == 404
    assert (await other.post("/tracks/export", json={"tracks": [track]})).status_code == 404
    assert (await other.get("/gateways/berlin/queues")).status_code == 502  # it is away
    assert site.links.asked[-1] == ("berlin", "queue.list", {"tenant_id": 1})
    nothing = (await other.get("/nowhere")).content
    for one in OPERATIONS:
        if one.house and one.method == "GET":
            assert (await other.get(one.path)).content == nothing, one.name


def test_what_is_the_houses_is_named():
    """Configuration, links, stores: every operation that asks no tenant is for the house alone."""
    house = {one.name for one in OPERATIONS if one.house}
    assert house == {one.name for one in OPERATIONS if one.name.startswith(("config.", "role."))} | {"store.usage", "track.legacy"}


async def test_a_change_is_written_down_for_its_tenant(site: Site, monkeypatch):
    """What tenant 1 changes is in its own audit."""
    await site.administrator("olga", tenant_id=1)
    own = await site.token("olga", tenant_id=1)
    tokens = site.rooms.access.tokens
    monkeypatch.setattr(tokens, "check", partial(tokens.check, tenant_id=1))
    other = checked(site.client(token=own))
    assert (await other.put("/people/fields/a?revision=0", json={"name": "a"})).status_code == 200
    entries = (await other.get("/audit?operation=people.")).json()["entries"]
    assert [(one["author"], one["subject"]) for one in entries] == [("olga", "a")]
    assert await site.rooms.people.fields.all(0) == []
    assert msgspec.structs.asdict((await site.rooms.people.fields.all(1))[0])["name"] == "a"
