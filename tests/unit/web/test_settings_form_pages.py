# SPDX-License-Identifier: Apache-2.0
"""The configuration's pages over a real store, without a browser: drafts, what was typed, rights, secrets."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import pytest_asyncio
from argon2 import PasswordHasher

from console_site import Site, open_site
from gatepost.config.configuration import Configuration
from gatepost.contracts.actor import Actor
from gatepost.versioning.edit import Move, Put
from gatepost.web.console.places import PLACES

BASE = "/configuration/"
LISTS = {
    "rules": "rules",
    "email-routing/corporate-email-servers": "corporate_servers",
    "email-routing/inbound-send-connectors": "send_connectors",
    "email-routing/outbound-send-connectors": "send_connectors",
    "email-routing/submission-users": "submission_users",
    "../people/owned-domains/-/further-addresses": "corporate_users",
    "filters/word-groups": "filters.word_groups",
    "filters/realtime-blocklists": "filters.realtime_blocklists.lists",
}
TABLES = ("filters/reputation", "filters/character-sets")
PAGES = (*LISTS, *(f"{path}/entry" for path in LISTS), *TABLES)
RULE = {
    "name": "Newsletters",
    "enabled": "on",
    "direction": "inbound",
    "mode": "check",
    "recipient_scope": "any",
    "threshold": "6",
    "place": "1",
}
RULE |= {"rejection": "reject_inbound_report_outbound", "filter": "words", "multiplier-words": "2"}


def hidden_in(page: str) -> dict[str, str]:
    """Give what the hidden fields of a page's form say."""
    return dict(re.findall(r'<input type="hidden" name="(form_token|revision|based_on|entry|was)" value="([^"]*)"', page))


class Person:
    """One administrator with a browser that keeps what hidden fields say."""

    def __init__(self, site: Site, name: str, *roles: str) -> None:
        self._site, self.name, self._roles = site, name, roles
        self._open = AsyncExitStack()
        self.hidden: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        self._client = await self._open.enter_async_context(self._site.client(cookie=await self._site.cookie(self.name, *self._roles)))
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._open.aclose()

    async def look(self, path: str) -> str:
        """Open a page."""
        answer = await self._client.get(BASE + path)
        assert answer.status_code == 200, path
        self.hidden = hidden_in(answer.text)
        return str(answer.text)

    async def status(self, path: str) -> int:
        """Open a page; gives how it was answered."""
        return int((await self._client.get(BASE + path)).status_code)

    async def send(self, path: str, status: int = 303, **values: Any) -> str:
        """Send the page's form with what was typed."""
        answer = await self._client.post(BASE + path, data={**self.hidden, **values})
        assert answer.status_code == status, re.sub(r"<[^>]*>", " ", answer.text)
        return str(answer.text)

    async def configuration(self) -> Configuration:
        """Give what his draft holds."""
        return (await self._site.rooms.drafts.view(Actor(self.name, "test"))).configuration


@pytest_asyncio.fixture(name="site")
async def the_site(tmp_path: Path) -> AsyncIterator[Site]:
    """Open the console over a fresh store."""
    async with open_site(tmp_path) as site:
        yield site


@pytest_asyncio.fixture(name="anna")
async def of_anna(site: Site) -> AsyncIterator[Person]:
    """Sign her in."""
    async with Person(site, "anna") as anna:
        yield anna


async def test_who_only_monitors_finds_no_page_of_the_configuration(site: Site):
    """Each answers as one that does not exist, to look and to change."""
    async with Person(site, "mona", "monitoring") as mona:
        for path in (*PAGES, "filters", "no-such-page"):
            assert (path, await mona.status(path)) == (path, 404)


async def test_each_place_of_the_navigation_is_there(anna: Person):
    """None leads nowhere."""
    below = [one.path for area in PLACES.places if area.title == "Configuration" for place in area.below for one in (place, *place.below)]
    ours = [path for path in below if path.startswith((BASE + "rules", BASE + "email-routing", BASE + "filters"))]
    assert len(ours) == 6
    for path in ours:
        assert await anna.status(path.removeprefix(BASE)) in (200, 303)


async def test_a_new_entry_without_a_name_is_told_so(anna: Person):
    """Of every list; nothing is kept."""
    before = await anna.configuration()
    for path in LISTS:
        await anna.look(path + "/entry")
        assert 'aria-invalid="true"' in await anna.send(path + "/entry", 400, name=" ", zone=" ", value=" "), path
    assert await anna.configuration() == before


async def test_an_edit_goes_into_the_draft_alone(site: Site, anna: Person):
    """The version that holds for mail is as it was; the bar tells of the draft on every page."""
    await anna.look("rules/entry")
    await anna.send("rules/entry", **RULE)
    rule = (await anna.configuration()).rules[0]
    assert (rule.name, rule.threshold, rule.filters[0].multiplier) == ("Newsletters", 6.0, 2)
    assert [one.name for one in (await site.rooms.configuration()).rules] == ["All mails"]
    for path in PAGES:
        assert "Draft: 1 change, not applied" in await anna.look(path)


async def test_a_second_tab_overwrites_nothing(anna: Person):
    """Its form was made from an older draft: it is told so, keeps what was typed, shows what is stored now, and can be saved then."""
    await anna.look("filters/character-sets")
    first = dict(anna.hidden)
    await anna.send("filters/character-sets", allowed="Latin\nCommon", share="0.5", points="2")
    anna.hidden = first
    page = await anna.send("filters/character-sets", 400, allowed="Latin\nCommon\nGreek", share="0.4", points="2")
    assert "Your draft was changed elsewhere meanwhile" in page
    assert "Latin\nCommon\nGreek</textarea>" in page
    assert "In your draft now: 0.5" in page
    assert (await anna.configuration()).filters.character_sets.share == 0.5
    anna.hidden = hidden_in(page)
    await anna.send("filters/character-sets", allowed="Latin\nCommon\nGreek", share="0.4", points="2")
    assert (await anna.configuration()).filters.character_sets.allowed == ("Latin", "Common", "Greek")


async def test_what_somebody_applied_meanwhile_is_not_lost(site: Site, anna: Person):
    """A page that was opened before it, without a draft, is outdated like one of an older draft."""
    await anna.look("email-routing/inbound-send-connectors/entry?entry=inbound+inwards")
    ben = Actor("ben", "test")
    put = Put(section="send_connectors", entry="inbound inwards", values={"cost": 77})
    await site.rooms.drafts.change(ben, 0, put)
    await site.rooms.drafts.apply(ben, (await site.rooms.drafts.view(ben)).revision, "cheaper")
    typed = {"name": "inwards", "domains": "*", "cost": "20", "enabled": "on", "smart_hosts": "[127.0.0.1]:25", "port": "26"}
    page = await anna.send("email-routing/inbound-send-connectors/entry", 400, **typed, security="opportunistic")
    assert "In your draft now: 77" in page
    assert 'name="port" type="text" value="26"' in page
    assert (await site.rooms.configuration()).send_connectors[0].cost == 77


async def test_two_people_see_that_they_change_the_same(site: Site, anna: Person):
    """Each reads who else has a draft, and what of it is the same; of other sections nothing is said."""
    async with Person(site, "ben", "configuration") as ben:
        for person, threshold in ((anna, "5"), (ben, "6")):
            await person.look("rules/entry?entry=All+mails")
            typed = RULE | {"name": "All mails", "direction": "any", "threshold": threshold}
            await person.send("rules/entry", **typed)
        page = await anna.look("rules")
        assert "ben has a draft that changes this, too: All mails" in page
        assert "You both change: All mails" in page
        assert "anna has a draft" in await ben.look("rules/entry")
        assert "has a draft that" not in await ben.look("filters/reputation")


async def test_an_entry_that_was_removed_meanwhile_can_be_added_anew(site: Site, anna: Person):
    """What was typed is not lost with it; to look at it is to find nothing."""
    add = {"name": "spam", "words": "pills", "search": "simple", "area": "both", "match": "match", "points": "2"}
    await anna.look("filters/word-groups/entry")
    await anna.send("filters/word-groups/entry", **add)
    await anna.look("filters/word-groups/entry?entry=spam")
    mine = dict(anna.hidden)
    await anna.send("filters/word-groups/entry", do="remove")
    assert await anna.status("filters/word-groups/entry?entry=spam") == 404
    anna.hidden = mine
    page = await anna.send("filters/word-groups/entry", 400, **add | {"words": "lottery"})
    assert "it was removed meanwhile" in page
    assert "lottery</textarea>" in page
    anna.hidden = hidden_in(page)
    await anna.send("filters/word-groups/entry", **add | {"words": "lottery"})
    assert (await anna.configuration()).filters.word_groups[0].words == ("lottery",)


async def test_a_submission_password_is_hashed_before_it_is_kept(site: Site, anna: Person):
    """Only its argon2id hash is in the draft; no page shows either, and left empty it stays."""
    page = "email-routing/submission-users/entry"
    await anna.look(page)
    assert "a password has at least 12 characters" in await anna.send(page, 400, name="bob", password="short", tenant="0")
    assert "is missing" in await anna.send(page, 400, name="bob", password="", tenant="0")
    await anna.send(page, name="bob", password="a sentence for bob", tenant="0")
    kept = (await anna.configuration()).submission_users[0].password
    assert PasswordHasher().verify(kept, "a sentence for bob")
    for path in ("email-routing/submission-users", page + "?entry=bob"):
        assert "argon2id$" not in await anna.look(path)
    await anna.send(page, name="bob@example.com", password="", tenant="0")
    user = (await anna.configuration()).submission_users[0]
    assert (user.name, user.password) == ("bob@example.com", kept)


async def test_a_connector_is_added_in_its_direction(anna: Person):
    """The page of one direction neither asks for it nor shows the other's."""
    path = "email-routing/outbound-send-connectors"
    assert 'name="direction"' not in await anna.look(path + "/entry")
    typed = {"name": "relay", "domains": "*", "cost": "5", "enabled": "on", "smart_hosts": "relay.example.com", "port": "587"}
    await anna.send(path + "/entry", **typed, security="required", user="us", password="env:RELAY_PASSWORD")
    assert (await anna.configuration()).send_connectors[-1].direction == "outbound"
    assert "relay.example.com" in await anna.look(path)
    assert "relay.example.com" not in await anna.look("email-routing/inbound-send-connectors")


async def test_a_connector_is_changed_on_its_directions_page_alone(anna: Person):
    """What names one of the other direction neither turns it round nor removes it."""
    before = await anna.configuration()
    path = "email-routing/outbound-send-connectors/entry"
    await anna.look(path)
    typed = {"name": "x", "domains": "*", "cost": "5", "enabled": "on", "port": "25", "security": "none", "smart_hosts": "a.example"}
    inbound = "inbound inwards"
    assert inbound in [f"{one.direction} {one.name}" for one in before.send_connectors]
    assert "it was removed meanwhile" in await anna.send(path, 400, **typed | {"entry": inbound})
    await anna.send(path, do="remove", **{"entry": inbound})
    assert await anna.configuration() == before


async def test_faults_stand_where_they_belong(anna: Person):
    """A connector without a next hop, and a filter that has no function in the rule's direction, each at its field; all typed stays."""
    await anna.look("email-routing/inbound-send-connectors/entry")
    page = await anna.send(
        "email-routing/inbound-send-connectors/entry", 400, name="two", domains="*", cost="10", security="none", port="25"
    )
    assert 'id="smart_hosts-fault">is empty, but the MX of an owned domain is this gateway' in page
    await anna.look("rules/entry")
    wrong = RULE | {"direction": "outbound", "filter": ["reputation", "words"], "multiplier-words": "99", "multiplier-reputation": "3"}
    page = await anna.send("rules/entry", 400, **wrong)
    assert 'id="multiplier-words-fault">this number cannot be taken; write a whole number from 0 to 10' in page
    page = await anna.send("rules/entry", 400, **wrong | {"multiplier-words": "1"})
    assert 'id="filter-reputation-fault">reputation has no function in outbound mail' in page
    assert 'id="multiplier-reputation" inputmode="numeric" autocomplete="off" value="3"' in page
    page = await anna.send("rules/entry", 400, **RULE | {"filter": []})
    assert 'id="filters-fault">is empty, so nothing gives points' in page
    assert "there is no place 9" in await anna.send("rules/entry", 400, **RULE | {"place": "9"})
    assert 'id="place-fault">is not a whole number' in await anna.send("rules/entry", 400, **RULE | {"place": "top"})


async def test_what_stops_an_apply_is_told_on_every_page(anna: Person):
    """A removed connector leaves an owned domain without a way; the page that broke it is not the place where it is told alone."""
    await anna.look("email-routing/inbound-send-connectors/entry?entry=inbound+inwards")
    await anna.send("email-routing/inbound-send-connectors/entry", do="remove")
    page = await anna.look("rules")
    assert "This stops it from being applied: Owned domains › example.com › Domain name: no inbound connector serves example.com" in page


async def test_what_was_not_touched_is_not_written_over(site: Site, anna: Person):
    """A connector's cost that somebody applied meanwhile stays, where only its port was typed anew; the page shows it so."""
    page = await anna.look("email-routing/inbound-send-connectors/entry?entry=inbound+inwards")
    assert 'id="cost" name="cost" type="text" value="10"' in page
    ben = Actor("ben", "test")
    values = {"cost": 77, "enabled": False, "domains": ["*", "example.org"]}
    await site.rooms.drafts.change(ben, 0, Put(section="send_connectors", entry="inbound inwards", values=values))
    await site.rooms.drafts.apply(ben, (await site.rooms.drafts.view(ben)).revision, "dearer")
    typed = {"name": "inwards", "domains": "*", "enabled": "on", "smart_hosts": "[127.0.0.1]:25", "security": "opportunistic"}
    path = "email-routing/inbound-send-connectors/entry"
    page = await anna.send(path, 400, **typed, cost="10", port="26")
    assert 'name="cost" type="text" value="77"' in page and 'name="port" type="text" value="26"' in page
    assert "*\nexample.org</textarea>" in page and 'name="enabled" checked' not in page
    anna.hidden = hidden_in(page)
    await anna.send(path, **typed | {"domains": "*\nexample.org", "enabled": ""}, cost="77", port="26")
    made = (await anna.configuration()).send_connectors[0]
    assert (made.cost, made.port, made.enabled, made.domains) == (77, 26, False, ("*", "example.org"))


async def test_filters_that_were_not_touched_are_not_written_over(site: Site, anna: Person):
    """A rule's filters that somebody else chose meanwhile stay where only its threshold was typed anew."""
    rule = RULE | {"name": "All mails", "direction": "any"}
    await anna.look("rules/entry?entry=All+mails")
    await anna.send("rules/entry", **rule)
    await anna.look("rules/entry?entry=All+mails")
    uses = [{"name": "words", "multiplier": 7}]
    actor, revision = Actor("anna", "test"), int(anna.hidden["revision"])
    await site.rooms.drafts.change(actor, revision, Put(section="rules", entry="All mails", values={"filters": uses}))
    page = await anna.send("rules/entry", 400, **rule | {"threshold": "9"})
    assert 'name="multiplier-words" id="multiplier-words" inputmode="numeric" autocomplete="off" value="7"' in page
    assert 'name="threshold" type="text" value="9"' in page
    anna.hidden = hidden_in(page)
    await site.rooms.drafts.change(actor, revision + 1, Put(section="rules", entry="All mails", values={"filters": [], "mode": "accept"}))
    page = await anna.send("rules/entry", 400, **rule | {"threshold": "9", "multiplier-words": "8"})
    assert 'autocomplete="off" value="8"' in page, "what both changed stays as it was typed"


async def test_a_typed_position_is_told_at_its_field(site: Site, anna: Person):
    """No number, no such place, two at once: each at its rule, by no internal name, with what was typed."""
    for number in range(3):
        await anna.look("rules/entry")
        await anna.send("rules/entry", **RULE | {"name": f"Rule {number}"})
    await anna.look("rules")
    names = ["Rule 2", "Rule 1", "Rule 0", "All mails"]
    places = {f"place-{at}": str(at + 1) for at in range(4)}
    sent = {"do": "place", "order": names, "shown": names, **places}
    page = await anna.send("rules", 400, **sent | {"place-1": "abc"})
    assert 'id="place-1-fault">is not a whole number; write digits only' in page
    assert 'id="place-1"' in page and 'value="abc"' in page and 'aria-describedby="place-1-fault"' in page
    page = await anna.send("rules", 400, **sent | {"place-2": "77"})
    assert 'id="place-2-fault">there is no place 77; write a whole number from 1 to 4' in page
    assert 'role="alert"' not in page and "place:" not in page and 'value="77"' in page
    page = await anna.send("rules", 400, **sent | {"place-0": "2", "place-3": "1"})
    assert page.count("one rule is moved at a time") == 2
    assert [one.name for one in (await anna.configuration()).rules] == names


async def test_a_typed_position_stays_with_its_rule(site: Site, anna: Person):
    """The list was put in another order elsewhere: what was typed stands at the same rule, and no other number is kept."""
    for number in range(2):
        await anna.look("rules/entry")
        await anna.send("rules/entry", **RULE | {"name": f"Rule {number}"})
    await anna.look("rules")
    names = ["Rule 1", "Rule 0", "All mails"]
    sent = {"do": "place", "order": names, "shown": names, "place-0": "1", "place-1": "2", "place-2": "1"}
    await site.rooms.drafts.change(Actor("anna", "test"), int(anna.hidden["revision"]), Move(section="rules", entry="All mails", place=2))
    page = await anna.send("rules", 400, **sent)
    assert "Your draft was changed elsewhere meanwhile" in page
    shown = re.findall(r'name="place-(\d)"[^>]* value="([^"]*)"', page)
    assert shown == [("0", "1"), ("1", "1"), ("2", "3")]


async def test_all_that_is_wrong_with_a_form_is_told_at_once(anna: Person):
    """A rule, a connector, a blocklist, a corporate server, a submission user: no fault waits for another, each at its field."""

    def told(page: str) -> list[str]:
        assert 'role="alert"' not in page
        return re.findall(r'<div class="invalid-feedback d-block" id="([a-z0-9_-]+)-fault">', page)

    await anna.look("rules/entry")
    wrong = RULE | {"name": "", "place": "top", "mail_from": "nobody", "clients": "everywhere", "threshold": "x", "multiplier-words": "y"}
    page = await anna.send("rules/entry", 400, **wrong)
    assert told(page) == ["place", "name", "mail_from", "clients", "multiplier-words", "threshold"]
    assert "there is no place" not in page
    assert told(await anna.send("rules/entry", 400, **RULE | {"place": "top"})) == ["place"]
    assert told(await anna.send("rules/entry", 400, **wrong | {"place": "9"})) == told(page)
    path = "email-routing/inbound-send-connectors/entry"
    await anna.look(path)
    connector = {"name": "", "domains": "@", "cost": "x", "smart_hosts": "", "port": "0", "security": "none", "user": "u"}
    assert told(await anna.send(path, 400, **connector)) == ["name", "domains", "cost", "smart_hosts", "port", "security", "password"]
    path = "filters/realtime-blocklists/entry"
    await anna.look(path)
    assert told(await anna.send(path, 400, zone="", points="x", answers="192.0.2.1")) == ["zone", "points", "answers"]
    path = "email-routing/corporate-email-servers/entry"
    await anna.look(path)
    assert told(await anna.send(path, 400, name="", networks="", tenant="x")) == ["name", "networks", "tenant"]
    path = "email-routing/submission-users/entry"
    await anna.look(path)
    page = await anna.send(path, 400, name="", password="short", tenant="x")
    assert told(page) == ["name", "password", "tenant"] and "whole argon2id" not in page
    hashed = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g" + "x" * 1000
    page = await anna.send(path, 400, name="bob", password=hashed, tenant="0")
    assert told(page) == ["password"], "what is typed is a password, never its hash"


async def test_further_corporate_addresses_have_a_page(anna: Person):
    """What hints call so is a list that can be changed, and they lead there."""
    path = "../people/owned-domains/-/further-addresses"
    await anna.look(path)
    await anna.look(path + "/entry")
    await anna.send(path + "/entry", value="sales@example.com")
    assert (await anna.configuration()).corporate_users == ("sales@example.com",)
    assert "sales@example.com" in await anna.look(path)
    await anna.look(path + "/entry?entry=sales%40example.com")
    await anna.send(path + "/entry", value="shop@example.com")
    assert (await anna.configuration()).corporate_users == ("shop@example.com",)
    await anna.look(path + "/entry")
    assert 'id="value-fault">is missing' in await anna.send(path + "/entry", 400, value=" ")
    page = await anna.look("../people/owned-domains/-/add")
    assert 'href="/people/owned-domains/-/further-addresses"' in page


async def test_owned_domains_and_further_addresses_lead_to_each_other(site: Site, anna: Person):
    """For who may see both; who may see one alone is led to no page that is not there for him."""
    domains, further = "people/owned-domains", "people/owned-domains/-/further-addresses"
    for here, there in ((domains, further), (further, domains)):
        assert f'href="/{there}">' in await anna.look("../" + here)
    async with Person(site, "carl", "configuration") as carl:
        assert 'href="/people/owned-domains">' not in await carl.look("../" + further)
        assert await carl.status("../" + domains) == 404
    async with Person(site, "petra", "people") as petra:
        assert "further-addresses" not in await petra.look("../" + domains)
        assert await petra.status("../" + further) == 404


async def test_details_are_not_kept_longer_than_summaries(anna: Person):
    """It is told at its field, with how long the summaries are kept."""
    path = "advanced-settings/monitoring"
    await anna.look(path)
    kept = {"summaries_days": "5", "details_days": "50", "events_days": "30", "statistics_days": "30", "audit_days": "30"}
    page = await anna.send(path, 400, **kept, incidents_days="30")
    assert 'id="details_days-fault">details cannot be kept longer than the summaries, which are kept for 5 days' in page
    await anna.send(path, **kept | {"details_days": "5"}, incidents_days="30")
