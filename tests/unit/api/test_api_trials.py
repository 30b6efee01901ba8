# SPDX-License-Identifier: Apache-2.0
"""What can be tried through the API: which rule would own a mail, and what would become of one."""

import base64
from typing import Any

import httpx2
import pytest

from api_document import checked
from console_site import Site
from gatepost.contracts.actor import Actor
from gatepost.versioning.edit import Put

ASKED = {"client": "192.0.2.1", "helo": "client.example", "mail_from": "a@partner.example"}
RULES = ASKED | {"recipient": "user@example.com"}
MAIL = ASKED | {
    "recipients": ["user@example.com"],
    "mail": base64.b64encode(b"From: a@partner.example\r\nSubject: Hello\r\n\r\nHello.\r\n").decode(),
}


async def draft(site: Site) -> None:
    """Begin one that refuses every mail of a partner."""
    values = {"name": "Partner", "mode": "reject", "mail_from": ["*@partner.example"]}
    await site.rooms.drafts.change(Actor("anna", "test"), 0, Put(section="rules", values=values, place=1))


async def test_which_rule_owns_a_mail_is_told(site: Site, api: httpx2.AsyncClient):
    """Of each rule, whether it would and why, by the version that holds or by one's own draft."""
    assert (await api.post("/trials/rules", json=RULES)).json() == [{"rule": "All mails", "matches": True, "why": "its scopes match"}]
    await draft(site)
    told = (await api.post("/trials/rules", json={**RULES, "against": "draft", "mail_from": ""})).json()
    assert [(one["rule"], one["matches"]) for one in told] == [("Partner", False), ("All mails", True)]
    assert (await api.post("/trials/rules", json={**RULES, "against": "draft"})).json()[0]["rule"] == "Partner"


async def test_a_mail_is_judged(site: Site, api: httpx2.AsyncClient):
    """As a gateway would, and nothing is kept of it."""
    told = (await api.post("/trials/mail", json=MAIL)).json()
    assert (told["verdict"], told["rule"], told["direction"], told["stage"]) == ("accepted", "All mails", "inbound", "content")
    await draft(site)
    told = (await api.post("/trials/mail", json={**MAIL, "against": "draft"})).json()
    assert (told["verdict"], told["stage"], told["reply"][:3]) == ("refused", "rcpt", "550")
    assert (await api.get("/tracks")).json()["tracks"] == []


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/trials/rules", {**RULES, "client": "somewhere"}, "#/client"),
        ("/trials/rules", {**RULES, "recipient": "nobody"}, "#/recipient"),
        ("/trials/rules", {**RULES, "mail_from": "nobody"}, "#/mail_from"),
        ("/trials/mail", {**MAIL, "client": "somewhere"}, "#/client"),
        ("/trials/mail", {**MAIL, "recipients": ["user@example.com", "nobody"]}, "#/recipients/1"),
        ("/trials/mail", {**MAIL, "mail_from": "nobody"}, "#/mail_from"),
        ("/trials/mail", {**MAIL, "recipients": []}, "#/recipients"),
        ("/trials/mail", {**MAIL, "mail": ""}, "#/mail"),
        ("/trials/mail", {**MAIL, "mail": "not base64!"}, "#/mail"),
    ],
)
async def test_what_cannot_be_tried_is_told_at_its_place(api: httpx2.AsyncClient, path: str, body: dict[str, Any], pointer: str):
    """422, with a pointer into the body."""
    answer = await api.post(path, json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_a_trial_shows_no_more_than_its_token_may_see(site: Site):
    """Who does not monitor tries nothing; a draft is tried by who may read the configuration."""
    people = checked(site.client(token=await site.token("anna", "people:read")))
    monitoring = checked(site.client(token=await site.token("anna", "monitoring:read")))
    for path, body in (("/trials/rules", RULES), ("/trials/mail", MAIL)):
        assert (await people.post(path, json=body)).status_code == 404
        assert (await monitoring.post(path, json={**body, "against": "draft"})).status_code == 404
        assert (await monitoring.post(path, json=body)).status_code == 200
