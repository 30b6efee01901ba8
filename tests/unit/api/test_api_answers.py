# SPDX-License-Identifier: Apache-2.0
"""The command line with `--url` is answered as on the console's own machine: the client's table over the API against the private API."""

import copy
from typing import Any

import httpx2
import msgspec
import pytest

from console_site import Site
from contracts.track_mails import NOON, change, head, name, outcome
from gatepost.access.roles import ROLES
from gatepost.errors import ControlError, GatepostError
from gatepost.roles.remote import WAYS, Written, _read, written
from gatepost.tracking.record import Status
from gatepost.versioning.current import head as first_line

GOOD = head(NOON)
REFUSED = head(NOON - 60, status=Status.PERMANENTLY_BLOCKED, reply="550 5.7.1 refused", reason="spam", scl=6.0, count=3)
LINE = {"domain": "partner.example", "waiting": 3, "sending": 1, "oldest_at": NOON, "next_due_at": NOON + 60}


class Both:
    """Asks both ways; names of tokens and times of a moment are the only things that may differ."""

    def __init__(self, site: Site, api: httpx2.AsyncClient) -> None:
        self.site, self.api = site, api

    async def by_url(self, do: str, **args: Any) -> Any:
        """Ask as `roles.remote.ask` does."""
        call: Written = written(do, copy.deepcopy(args))
        headers = {"Content-Type": "application/json"} if call.content is not None else {}
        answer = await self.api.request(call.method, call.path, params=call.query, content=call.content, headers=headers)
        return _read("https://console.example", answer.status_code, answer.content)

    async def here(self, do: str, **args: Any) -> Any:
        """Ask as `roles.control.ask` does; a command is done as Anna."""
        try:
            return msgspec.msgpack.decode(msgspec.msgpack.encode(await self.site.private(do, **args)))
        except GatepostError as refused:
            raise ControlError(str(refused)) from None

    async def alike(self, do: str, **args: Any) -> Any:
        """Ask a question both ways; gives the one answer, or the one refusal."""
        answers = []
        for ask in (self.here, self.by_url):
            try:
                answers.append(await ask(do, **args))
            except ControlError as refused:
                answers.append(str(refused))
        assert answers[0] == answers[1], do
        return answers[0]


@pytest.fixture
def both(site: Site, api: httpx2.AsyncClient) -> Both:
    """Ask both ways."""
    return Both(site, api)


async def test_tracks_and_traffic_are_told_alike(both: Both):
    """Search, show, export, counters and refusals give one answer by socket and by URL, and one sentence where there is nothing."""
    await both.site.tell(change(GOOD, outcome(GOOD, "deferred", reply="451 later")), change(REFUSED), change(None, outcome(GOOD, after=60)))
    found = await both.alike(
        "track.search", between=["partner.example"], after=None, min_scl=1.0, statuses=["success"], limit=50, cursor=""
    )
    assert [one["track"] for one in found["tracks"]] == [GOOD.track]
    shown = await both.alike("track.show", track=GOOD.track, tenant_id=0)
    assert shown["operations"][0]["data"]["result"] == "pass" and shown["explanation"]
    assert "there is no track" in await both.alike("track.show", track=name(NOON, b"none"))
    (document,) = await both.alike("track.export", tracks=[GOOD.track])
    assert await both.alike("track.import", documents=[(1, 0, document)]) == {"imported": 0, "known": 1}
    assert await both.alike("track.legacy") == {"waiting": 0, "converted": 0, "refused": 0}
    series = await both.alike("traffic.series", after=NOON - 3600, before=NOON + 3600)
    assert sum(step["inbound"]["delivered"] for step in series["steps"]) == 1
    assert await both.alike("traffic.refusals", after=NOON - 3600, before=NOON) == [{"filter": "reputation", "mails": 3}]


async def test_an_import_with_a_fault_imports_nothing_and_says_where(both: Both):
    """The sentence names the track and the byte, both ways."""
    said = await both.alike("track.import", documents=[(3, 70, "{}")])
    assert "track 3 (byte 70)" in said
    assert (await both.alike("track.search", limit=10))["tracks"] == []


async def test_queues_and_links_are_told_alike(both: Both):
    """What a gateway says is what is answered, and what is done there leaves an entry by api in the audit."""
    both.site.links.answers["berlin", "queue.list"] = [LINE]
    both.site.links.answers["berlin", "queue.drop"] = 4
    assert await both.by_url("queue.list", gateway="berlin", tenant_id=None) == [LINE]
    assert await both.by_url("queue.show", gateway="berlin", wanted="partner.example", limit=10) == []
    assert await both.by_url("queue.retry", gateway="berlin", wanted="") == 0
    assert await both.by_url("queue.drop", gateway="berlin", wanted="partner.example") == 4
    assert ("berlin", "queue.drop", {"wanted": "partner.example", "tenant_id": 0}) in both.site.links.asked
    assert {one["name"] for one in await both.alike("role.list")} == {"berlin", "local"}
    assert (await both.by_url("role.join", address="rome.example:7717", token="good", name="rome"))["hostname"] == "rome.example"
    assert (await both.by_url("role.leave", name="berlin"))["told"]
    audit = (await both.by_url("access.audit", limit=10))["entries"]
    told = [(one["operation"], one["subject"], one["author"], one["via"]) for one in audit if one["via"] == "api"]
    assert told == [
        ("role.leave", "berlin", "anna", "api"),
        ("role.join", "rome", "anna", "api"),
        ("queue.drop", "partner.example", "anna", "api"),
        ("queue.retry", "all", "anna", "api"),
    ]


async def test_a_gateway_that_is_away_is_told_as_away(both: Both):
    """502 with the sentence of the link; one that was never there is 404."""
    both.site.links.away.add("berlin")
    with pytest.raises(ControlError, match="did not answer") as away:
        await both.by_url("queue.list", gateway="berlin")
    assert away.value.exit_code == 3
    with pytest.raises(ControlError, match="no gateway 'nowhere'") as unknown:
        await both.by_url("queue.list", gateway="nowhere")
    assert unknown.value.exit_code == 1
    with pytest.raises(ControlError, match="does not know this token"):
        await both.by_url("role.join", address="rome.example:7717", token="bad", name="")


async def test_people_are_kept_alike(both: Both):
    """Users, partners, their addresses and fields: added, changed, outdated, faulty, removed, with the rows that the socket gives."""
    form = {"display_name": "Jo", "addresses": [{"address": "jo@example.com"}], "enabled": True, "attributes": {}, "fields": {}}
    user = (await both.by_url("people.user.save", user=form, author="", id="", revision=0))["row"]
    said = await both.alike("people.user.show", user="jo@example.com")
    assert said == {**user, "values": {}}
    assert (await both.alike("people.user.list", text="jo", enabled=True, limit=5))["counts"]["users"] == 1
    late = await both.by_url("people.user.save", user=form, id=user["id"], revision=9)
    assert late == await both.here("people.user.save", user=form, id=user["id"], revision=9, author="anna")
    assert late["outcome"] == "outdated"
    wrong = {**form, "addresses": [{"address": "jo@elsewhere.example"}]}
    faulty = await both.by_url("people.user.save", user=wrong, id=user["id"], revision=1)
    assert faulty == await both.here("people.user.save", user=wrong, id=user["id"], revision=1, author="anna")
    assert faulty["faults"][0]["field"] == "addresses[0].address"
    assert (await both.by_url("people.user.remove", id=user["id"], revision=1))["outcome"] == "removed"
    assert "no corporate user" in await both.alike("people.user.show", user="jo@example.com")


async def test_partners_and_fields_are_kept_alike(both: Both):
    """The default of all partners has an empty name on the socket and `default` in the address; addresses may hold any character."""
    field = {"name": "cost_centre", "label": "Cost centre", "default_value": "4711", "place": 1}
    assert (await both.by_url("people.field.save", field=field, revision=0))["outcome"] == "saved"
    assert len(await both.alike("people.field.list")) == 1
    default = {"domain": "", "comment": "all", "settings": {"connection_security": "required"}, "fields": {}}
    assert (await both.by_url("people.partner.save", partner=default, revision=0))["outcome"] == "saved"
    assert (await both.alike("people.partner.show", domain=""))["comment"] == "all"
    domain = {"domain": "partner.example", "comment": "", "settings": {}, "fields": {"cost_centre": "12"}}
    assert (await both.by_url("people.partner.save", partner=domain, revision=0))["outcome"] == "saved"
    odd = '"a/b ü?#%"@partner.example'
    entry = {"address": odd, "display_name": "", "comment": "", "settings": {}, "fields": {}}
    saved = await both.by_url("people.partner_address.save", address=entry, revision=0)
    assert saved["outcome"] == "saved", saved
    assert (await both.alike("people.partner_address.show", address=odd))["effective"]["fields"]["cost_centre"]["origin"] == "domain"
    assert len((await both.alike("people.partner_address.list", domain="partner.example"))["addresses"]) == 1
    assert (await both.alike("people.partner.list", text="partner"))["counts"] == {"domains": 1, "addresses": 1}
    assert (await both.alike("people.partner.effective", name="x@partner.example"))["settings"]["connection_security"][
        "origin"
    ] == "default"
    assert (await both.by_url("people.partner_address.remove", address=odd, revision=1))["outcome"] == "removed"
    assert (await both.by_url("people.partner.remove", domain="", revision=7)) == await both.here(
        "people.partner.remove", domain="", revision=7, author="anna"
    )
    assert (await both.by_url("people.field.remove", name="cost_centre", revision=1))["outcome"] == "removed"


async def test_the_configuration_is_kept_alike(both: Both):
    """Export, plan, faults, apply, what came meanwhile, history, differences, rollback, status: as on the socket."""
    whole = await both.alike("config.export", number=None)
    text = first_line(1) + whole["document"]
    other = text.replace('name = "example.com"', 'name = "example.org"')
    assert other != text
    planned = await both.alike("config.plan", document=other, source="new.toml", based_on=1)
    assert planned["outcome"] == "unchanged" and planned["changes"]
    faulty = await both.alike("config.plan", document=text + "\n[nonsense]\n", source="new.toml", based_on=1)
    assert faulty["faults"][0]["path"] == "new.toml: nonsense"
    made = await both.by_url("config.apply", document=other, source="new.toml", author="x", reason="another domain", based_on=1)
    assert (made["outcome"], made["version"]["author"], made["version"]["number"]) == ("made", "anna", 2)
    late = await both.alike("config.apply", document=text, source="new.toml", author="anna", reason="late", based_on=1)
    assert late["outcome"] == "outdated" and [one["number"] for one in late["meanwhile"]] == [2]
    assert await both.alike("config.diff", before=1, after=2) == await both.alike("config.diff", before=None, after=None)
    assert (await both.alike("config.diff", before=None, document=text, source="old.toml"))["after"] == "old.toml"
    assert "no version 9" in await both.alike("config.export", number=9)
    assert "no version 9" in await both.alike("config.rollback", number=9, author="anna", reason="x")
    assert (await both.by_url("config.rollback", number=1, author="", reason="back"))["version"]["number"] == 3
    assert [one["number"] for one in await both.alike("config.history", limit=2)] == [3, 2]
    assert {one["holds_newest"] for one in (await both.alike("config.status"))["processes"]} == {False}


async def test_drafts_are_kept_alike(both: Both):
    """One's own draft: begun by an edit, refused at the field, stale, rebased with conflicts, applied, discarded; others' are told."""
    edit = {"do": "put", "section": "owned_domains", "values": {"name": "second.example"}}
    assert (await both.alike("config.draft.show", author="anna"))["revision"] == 0
    changed = await both.by_url("config.draft.change", author="", revision=0, operation=edit)
    assert changed["outcome"] == "changed" and len(changed["changes"]) == 1
    revision = changed["revision"]
    stale = await both.alike("config.draft.change", author="anna", revision=1, operation=edit)
    assert stale["outcome"] == "stale" and stale["revision"] == revision
    refused = await both.alike("config.draft.change", author="anna", revision=revision, operation={**edit, "values": {"nme": "x"}})
    assert refused["outcome"] == "refused" and refused["faults"][0]["field"] == "nme"
    (mine,) = await both.here("config.draft.others", author="bert")
    assert mine["author"] == "anna" and await both.alike("config.draft.others", author="anna") == []
    document = (await both.here("config.export"))["document"]
    third = document.replace("[[owned_domains]]", '[[owned_domains]]\nname = "third.example"\n\n[[owned_domains]]', 1)
    assert (await both.here("config.apply", document=third, source="f", author="bert", reason="meanwhile", based_on=1))["outcome"] == "made"
    assert (await both.alike("config.draft.apply", author="anna", revision=revision, reason="mine"))["outcome"] == "outdated"
    merged = await both.by_url("config.draft.rebase", author="", revision=revision, onto=2, choices=[])
    assert merged["outcome"] == "changed" and merged["based_on"] == 2
    applied = await both.by_url("config.draft.apply", author="", revision=merged["revision"], reason="mine")
    assert (applied["outcome"], applied["version"]["number"]) == ("made", 3)
    await _conflicts(both)
    view = await both.alike("config.draft.show", author="anna")
    replaced = await both.by_url("config.draft.replace", revision=view["revision"], document=(await both.here("config.export"))["document"])
    assert replaced["outcome"] == "changed"
    assert await both.by_url("config.draft.discard", author="", revision=replaced["revision"]) is True
    assert await both.alike("config.draft.discard", author="anna", revision=replaced["revision"]) is False


async def _conflicts(both: Both) -> None:
    """Two change one field: the draft tells the conflict, and takes the choice."""

    def named(text: str) -> dict[str, Any]:
        return {"do": "set", "section": "delivery", "values": {"lease_s": text}}

    mine = await both.by_url("config.draft.change", revision=0, operation=named("700"))
    theirs = await both.here("config.draft.change", author="bert", revision=0, operation=named("800"))
    await both.here("config.draft.apply", author="bert", revision=theirs["revision"], reason="theirs")
    asked = {"author": "anna", "revision": mine["revision"], "onto": 4}
    conflict = await both.alike("config.draft.rebase", **asked)
    assert conflict["outcome"] == "conflicting" and conflict["conflicts"][0]["field"] == "lease_s"
    chosen = [{"section": "delivery", "field": "lease_s", "keep": "mine"}]
    assert (await both.by_url("config.draft.rebase", **asked, choices=chosen))["outcome"] == "changed"


async def test_a_configuration_is_tried_on_yesterdays_mail_alike(both: Both):
    """A replay of a document tells the same both ways, but for how long it took."""
    await both.site.tell(change(head(NOON, configuration_version=1)))
    document = (await both.here("config.export"))["document"]
    asked = {"document": document, "source": "new.toml", "after": NOON - 60, "before": NOON + 60}
    answers = [await ask("config.replay", **asked) for ask in (both.here, both.by_url)]
    for one in answers:
        one.pop("seconds")
    assert answers[0] == answers[1] and answers[0]["looked_at"] == 1


async def test_incidents_events_and_webhooks_are_told_alike(both: Both):
    """What is open, one of it, looking again, the event log, webhooks with a secret that is shown once."""
    assert (await both.alike("incident.list"))["incidents"] == []
    assert "there is no incident 5" in await both.alike("incident.show", number=5)
    both.site.links.away.add("berlin")
    opened = await both.by_url("incident.recheck", kind="link.away", subject="berlin")
    assert (opened["level"], opened["details"]) == ("error", {"reason": "no answer"})
    assert (await both.alike("incident.list", all=True, limit=5))["incidents"] == [opened]
    assert (await both.alike("incident.show", number=opened["id"]))["incident"] == opened
    assert await both.alike("incident.recheck", kind="link.away", subject="local") is None
    assert "nobody checks" in await both.alike("incident.recheck", kind="nonsense", subject="berlin")
    assert (await both.alike("event.search", limit=5, text="nothing", level="warning"))["events"] == []
    made = await both.by_url("webhook.create", name="chat", url="https://chat.example/hook", author="")
    identity = made["webhook"]["id"]
    assert made["secret"].startswith("gpwh_")
    assert len(await both.alike("webhook.list")) == 1
    assert not (await both.by_url("webhook.change", id=identity, author="", enabled=False))["enabled"]
    assert (await both.by_url("webhook.renew_secret", id=identity, author=""))["secret"] != made["secret"]
    assert await both.by_url("webhook.remove", id=identity, author="") is True
    assert "there is no webhook" in await both.alike("webhook.change", id=identity, author="anna")


async def test_administrators_are_kept_alike(both: Both):
    """Added with a one-time password, changed, refused where nobody would be left; and listed."""
    added = await both.by_url("access.admin", author="", name="bert", change={"one_time_password": True, "roles": ["monitoring"]})
    assert added["added"] and added["one_time_password"] and added["administrator"]["roles"] == ["monitoring"]
    assert [one["name"] for one in await both.alike("access.admins")] == ["anna", "bert"]
    assert "nobody would be left" in await both.alike("access.admin", author="anna", name="anna", change={"roles": []})
    changed = await both.by_url("access.admin", author="", name="bert", change={"roles": list(ROLES), "display_name": None})
    assert not changed["added"] and changed["one_time_password"] == ""


def test_every_operation_of_the_private_api_can_be_asked_by_url(site: Site):
    """Nothing that the console's socket serves is missing, and nothing is served there only."""
    by_socket = set(site.operations) | {"queue.list", "queue.show", "queue.retry", "queue.drop"}
    only_by_url = {"people.user.add", "access.self", "access.token.list", "access.token.make", "access.token.revoke", "access.audit"}
    only_by_url |= {"access.session.list", "access.session.end", "trial.rules", "trial.mail"}
    assert set(WAYS) - only_by_url == by_socket
