# SPDX-License-Identifier: Apache-2.0
"""Drafts of the configuration in the intranet's store, the same on SQLite and on PostgreSQL."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gatepost.config.canonical import canonical
from gatepost.config.configuration import Configuration, OwnedDomain, SendConnector
from gatepost.config.rules import FilterUse, Rule
from gatepost.contracts.actor import Actor, Entry
from gatepost.errors import ConfigError, GatepostError
from gatepost.replication.outbox import Outbox
from gatepost.roles.judgement import configuration_refusals
from gatepost.rules.default import DEFAULT_RULES
from gatepost.storage.contract import Store
from gatepost.storage.opening import open_store
from gatepost.versioning.change import Applied, Faulty, Outdated, Versioning, read
from gatepost.versioning.draft import Drafts
from gatepost.versioning.draft_record import Changed, Conflicting, Refused, Stale, View
from gatepost.versioning.draft_service import commands
from gatepost.versioning.edit import Move, Operation, Put, Remove, Set
from gatepost.versioning.rebase import Choice
from gatepost.versioning.store import Versions
from postgres_server import postgres_server

ANN, BOB = Actor("ann", "console", "192.0.2.7"), Actor("bob", "api")
SEED = Configuration(
    owned_domains=(OwnedDomain(name="a.example"),),
    send_connectors=(SendConnector(name="in", direction="inbound", smart_hosts=("mail.a.example",)),),
    rules=tuple(Rule(name=name, filters=(FilterUse(name="words"),)) for name in "ABC"),
)


class House:
    """The drafts of one store, with all that the audit was told and has committed."""

    def __init__(self, store: Store) -> None:
        self.store = store
        versions = Versions(store, lambda: ("east",))
        clock = itertools.count(1000).__next__
        self.versioning = Versioning(versions, configuration_refusals, clock=clock, audit=self._note)
        self.drafts = Drafts(store, self.versioning, DEFAULT_RULES)

    async def open(self, folder: Path, seed: Configuration) -> "House":
        """Import a seed; the audit is a table of its own here."""
        await self._run("CREATE TABLE noted (text TEXT)")
        (folder / "seed.toml").write_text(canonical(seed))
        await self.versioning.begin(str(folder / "seed.toml"))
        return self

    async def _run(self, text: str) -> None:
        await self.store.perform(lambda connection, _: [connection.execute(text)], None)

    def _note(self, connection: Any, entry: Entry) -> None:
        mark = "?" if self.store.engine == "sqlite" else "%s"
        connection.execute(f"INSERT INTO noted VALUES ({mark})", (msgspec.json.encode(entry).decode(),))

    async def noted(self) -> list[list[Any]]:
        """Give the audit's entries."""
        rows = await self.store.ask(lambda connection: connection.execute("SELECT text FROM noted").fetchall())
        return [msgspec.json.decode(text) for (text,) in rows]

    async def change(self, actor: Actor, operation: Operation) -> View:
        """Carry out an edit that must succeed, on what is there."""
        seen = (await self.drafts.view(actor)).revision
        answer = await self.drafts.change(actor, seen, operation)
        assert isinstance(answer, Changed), answer
        return answer.view

    async def apply(self, actor: Actor, reason: str = "because") -> Applied:
        """Apply a draft; must succeed."""
        answer = await self.drafts.apply(actor, (await self.drafts.view(actor)).revision, reason)
        assert isinstance(answer, Applied), answer
        return answer

    async def newest(self) -> Configuration:
        """Give the newest version's settings."""
        return read(await self.versioning.newest())


@pytest.fixture(params=["sqlite", "postgresql"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    """Give a house with a version 1, on each engine in turn."""
    url = "sqlite" if request.param == "sqlite" else postgres_server().create_database()
    store = open_store(url, "intranet", tmp_path / "intranet")
    yield await House(store).open(tmp_path, SEED)
    await store.close()


def threshold(rule: str, value: object) -> Put:
    """Give the edit that sets a rule's threshold."""
    return Put(section="rules", entry=rule, values={"threshold": value})


async def test_a_draft_is_changed_and_applied(house: House) -> None:
    """The first edit begins it; what it changes is told; the apply makes the version, its artefact and its audit's entry, and ends it."""
    view = await house.drafts.view(ANN)
    assert (view.revision, view.based_on, view.changes, view.is_outdated) == (0, 1, (), False)
    await house.change(ANN, threshold("B", "7"))
    view = await house.change(ANN, Move(section="rules", entry="C", place=1))
    assert [(one.kind, one.entry) for one in view.changes] == [("changed", "B"), ("moved", "C")]
    assert await house.newest() == SEED and await house.noted() == []
    answer = await house.drafts.apply(ANN, view.revision, " less\nspam ")
    assert isinstance(answer, Applied) and answer.version.number == 2
    assert [(rule.name, rule.threshold) for rule in (await house.newest()).rules] == [("C", 4), ("A", 4), ("B", 7)]
    assert await house.drafts.get(ANN) is None
    ((actor, operation, subject, before, after),) = await house.noted()
    assert (actor[:3], operation, subject, before) == (["ann", "console", "192.0.2.7"], "config.apply", "version 2", {"version": 1})
    assert after == {
        "version": 2,
        "reason": "less spam",
        "changes": ['rules "B": threshold 4 -> 7', 'rules "C": moved from place 3 to 1'],
    }
    assert len((await Outbox(house.store, "east").fetch()).artefacts) == 2


async def test_two_tabs_of_one_person_overwrite_nothing(house: House) -> None:
    """The second change that rests on one revision is not made and hears how the draft is now; so is an apply of what was not seen."""
    seen = await house.change(ANN, threshold("A", 5))
    other_tab = await house.change(ANN, threshold("A", 6))
    for stale in (
        await house.drafts.change(ANN, seen.revision, threshold("A", 7)),
        await house.drafts.replace(ANN, seen.revision, ""),
        await house.drafts.rebase(ANN, seen.revision, 1),
        await house.drafts.apply(ANN, seen.revision, "x"),
        await house.drafts.change(ANN, 0, threshold("A", 7)),
    ):
        assert isinstance(stale, Stale) and stale.view == other_tab
    assert not await house.drafts.discard(ANN, seen.revision)
    assert await house.drafts.view(ANN) == other_tab
    assert await house.newest() == SEED


async def test_of_changes_at_once_exactly_one_is_made(house: House) -> None:
    """Ten tabs that saw the same change it at the same moment, also when there was no draft yet."""
    for _ in range(2):
        seen = (await house.drafts.view(ANN)).revision
        answers = await asyncio.gather(*(house.drafts.change(ANN, seen, threshold("A", number + 1)) for number in range(10)))
        assert sorted(type(one).__name__ for one in answers) == ["Changed", *["Stale"] * 9]


async def test_a_draft_begun_anew_is_not_the_old_one(house: House) -> None:
    """A tab that still shows a draft which has been discarded and begun again does not apply what it never showed."""
    old = await house.change(ANN, threshold("A", 5))
    assert await house.drafts.discard(ANN, old.revision)
    new = await house.drafts.begin(ANN)
    assert new.revision != old.revision and new.changes == ()
    assert (await house.drafts.begin(ANN)) == new
    assert isinstance(await house.drafts.apply(ANN, old.revision, "x"), Stale)


async def test_what_is_faulty_is_told_at_its_field(house: House) -> None:
    """An edit that would break its own place is refused, one that breaks another place is kept and stops the apply."""
    refused = await house.drafts.change(ANN, 0, threshold("A", "0"))
    assert isinstance(refused, Refused)
    assert [(one.section, one.entry, one.field) for one in refused.faults] == [("rules", "A", "threshold")]
    assert await house.drafts.get(ANN) is None
    view = await house.change(ANN, Remove(section="send_connectors", entry="inbound in"))
    assert [(one.section, one.entry, one.field) for one in view.faults] == [("owned_domains", "a.example", "name")]
    assert isinstance(await house.drafts.apply(ANN, view.revision, "x"), Faulty)
    view = await house.change(ANN, Remove(section="owned_domains", entry="a.example"))
    assert view.faults == ()
    assert (await house.apply(ANN)).made


async def test_a_whole_text_becomes_the_draft(house: House) -> None:
    """What cannot be read is refused with its place; what can is kept, and a secret in it never is."""
    view = await house.drafts.begin(ANN)
    for text, field in (("rules = 3", "rules"), ("[x", "at its end"), ("colour = 1", "colour")):
        refused = await house.drafts.replace(ANN, view.revision, text)
        assert isinstance(refused, Refused) and refused.faults[0].field == field
    secret = '[[send_connectors]]\nname = "o"\ndirection = "outbound"\nuser = "u"\npassword = "open sesame"\n'
    refused = await house.drafts.replace(ANN, view.revision, secret)
    assert isinstance(refused, Refused) and "sesame" not in str(refused)
    changed = await house.drafts.replace(ANN, view.revision, 'different_rules = "strictest"')
    assert isinstance(changed, Changed)
    assert changed.view.configuration == Configuration(different_rules="strictest", rules=DEFAULT_RULES)


async def test_each_sees_what_the_others_change(house: House) -> None:
    """Whose draft it is, since when, what it changes, and which of that touches what one's own changes."""
    await house.change(ANN, threshold("A", 5))
    await house.change(BOB, threshold("A", 6))
    await house.change(BOB, threshold("B", 6))
    (seen_by_ann,) = await house.drafts.others(ANN)
    assert (seen_by_ann.author, [one.entry for one in seen_by_ann.changes]) == ("bob", ["A", "B"])
    assert [one.entry for one in seen_by_ann.overlapping] == ["A"]
    assert [one.author for one in await house.drafts.others(Actor("eve", "cli"))] == ["bob", "ann"]
    assert await house.drafts.discard_of(ANN, "bob") and not await house.drafts.discard_of(ANN, "bob")
    assert await house.drafts.others(ANN) == ()
    ((actor, operation, subject, *_),) = await house.noted()
    assert (actor[0], operation, subject) == ("ann", "config.draft.discard", "bob")


async def test_what_others_applied_meanwhile_is_merged(house: House) -> None:
    """An outdated draft is not applied; the rebase keeps both changes, and then it is."""
    await house.change(ANN, threshold("A", 5))
    await house.change(BOB, threshold("B", 6))
    await house.apply(BOB)
    view = await house.drafts.view(ANN)
    assert view.is_outdated and view.newest.number == 2
    assert isinstance(await house.drafts.apply(ANN, view.revision, "x"), Outdated)
    rebased = await house.drafts.rebase(ANN, view.revision, 2)
    assert isinstance(rebased, Changed) and not rebased.view.is_outdated
    assert [(one.entry, one.field, one.after) for one in rebased.view.changes] == [("A", "threshold", 5)]
    await house.apply(ANN)
    assert [rule.threshold for rule in (await house.newest()).rules] == [5, 6, 4]


async def test_a_conflict_is_a_persons_to_choose(house: House) -> None:
    """Both values, who made the other and why; without a choice nothing changes, and a choice made for an older version is none."""
    await house.change(ANN, threshold("A", 5))
    await house.change(BOB, threshold("A", 6))
    await house.apply(BOB, "fewer complaints")
    await house.change(BOB, threshold("C", 9))
    await house.apply(BOB, "another thing")
    view = await house.drafts.view(ANN)
    answer = await house.drafts.rebase(ANN, view.revision, 3)
    assert isinstance(answer, Conflicting)
    (conflict,) = answer.conflicts
    assert conflict.place == ("rules", "A", "threshold")
    assert (conflict.base, conflict.mine, conflict.theirs) == (4, 5, 6)
    assert [(one.number, one.author, one.reason) for one in conflict.by] == [(2, "bob", "fewer complaints")]
    choice = Choice(section="rules", entry="A", field="threshold", keep="mine")
    assert isinstance(await house.drafts.rebase(ANN, view.revision, 2, [choice]), Conflicting)
    assert await house.drafts.view(ANN) == view
    rebased = await house.drafts.rebase(ANN, view.revision, 3, [choice])
    assert isinstance(rebased, Changed)
    assert [rule.threshold for rule in rebased.view.configuration.rules] == [5, 4, 9]


async def test_a_draft_of_nothing_new_makes_no_version(house: House) -> None:
    """What was changed and changed back, or applied by somebody else already, ends without a version."""
    await house.change(ANN, threshold("A", 5))
    await house.change(ANN, threshold("A", 4))
    assert not (await house.apply(ANN)).made
    assert await house.drafts.get(ANN) is None
    assert len(await house.versioning.versions.history(9)) == 1 and await house.noted() == []


async def test_an_apply_without_a_reason_keeps_the_draft(house: House) -> None:
    """Nothing is made, nothing is lost."""
    view = await house.change(ANN, threshold("A", 5))
    with pytest.raises(GatepostError, match="a change needs a reason"):
        await house.drafts.apply(ANN, view.revision, " ")
    assert await house.drafts.view(ANN) == view


async def test_of_two_applies_of_one_draft_one_is_made(house: House) -> None:
    """Two clicks make one version."""
    view = await house.change(ANN, threshold("A", 5))
    answers = await asyncio.gather(*(house.drafts.apply(ANN, view.revision, "x") for _ in range(2)))
    assert len(await house.versioning.versions.history(9)) == 2
    assert sum(isinstance(one, Applied) and one.made for one in answers) == 1
    assert len(await house.noted()) == 1


async def test_default_rules_are_written_out_only_when_they_change(house: House) -> None:
    """Other edits leave them to the program; an edit of one writes all of them."""
    view = await house.drafts.begin(ANN)
    await house.drafts.replace(ANN, view.revision, "")
    view = await house.change(ANN, Set(section="receive", values={"connections": "7"}))
    assert view.configuration.rules == DEFAULT_RULES
    draft = await house.drafts.get(ANN)
    assert draft is not None and draft.document == "[receive]\nconnections = 7\n"
    view = await house.change(ANN, Put(section="rules", entry="All outbound mails", values={"mode": "reject"}))
    draft = await house.drafts.get(ANN)
    assert draft is not None and draft.document.count("[[rules]]") == 3


async def test_no_tenant_sees_another_tenants_draft(house: House) -> None:
    """Two administrators of one name, one for each tenant, have a draft each, and nobody's list names the other's."""
    here, there = ANN, ANN._replace(tenant_id=7)
    first = await house.change(here, threshold("A", 5))
    assert await house.drafts.get(there) is None
    assert await house.drafts.others(Actor("eve", "cli", tenant_id=7)) == ()
    second = await house.change(there, threshold("A", 6))
    assert not await house.drafts.discard_of(BOB._replace(tenant_id=8), "ann")
    assert not await house.drafts.discard(there, first.revision - 1)
    assert [one.based_on for one in await house.drafts.others(BOB)] == [1]
    assert await house.drafts.discard(there, second.revision)
    assert await house.drafts.view(here) == first


async def test_a_draft_that_this_program_cannot_read_is_named(house: House) -> None:
    """Its owner is told what is wrong and can discard it; the others see that it exists."""
    view = await house.change(ANN, threshold("A", 5))
    await house.store.perform(lambda connection, _: [connection.execute("UPDATE configuration_draft SET document = 'colour = 1'")], None)
    with pytest.raises(ConfigError, match="the draft: colour: unknown key"):
        await house.drafts.view(ANN)
    (other,) = await house.drafts.others(BOB)
    assert "colour" in other.unreadable
    assert await house.drafts.discard(ANN, view.revision)


async def test_the_commands_of_drafts(house: House) -> None:
    """Each answers in plain values that can go over a wire, and what is no edit is refused in a sentence."""
    do = {name.removeprefix("config.draft."): getattr(one, "handler", one) for name, one in commands(house.drafts).items()}
    edit = {"do": "put", "section": "rules", "entry": "A", "values": {"threshold": 5}}
    changed = await do["change"](author="ann", revision=0, operation=edit)
    answers = [
        await do["show"](author="ann"),
        changed,
        await do["change"](author="ann", revision=1, operation={"do": "move", "section": "rules", "entry": "A", "place": 1}),
        await do["change"](author="ann", revision=changed["revision"], operation={"do": "remove", "section": "rules", "entry": "Z"}),
        await do["others"](author="bob"),
        await do["replace"](author="bob", revision=0, document='different_rules = "strictest"'),
        await do["rebase"](author="ann", revision=changed["revision"], onto=1, choices=[]),
    ]
    assert [one["outcome"] for one in answers[1:4]] == ["changed", "stale", "refused"]
    assert answers[4][0]["changes"][0]["sentence"] == 'rules "A": threshold 4 -> 5'
    applied = await do["apply"](author="ann", revision=answers[-1]["revision"], reason="x")
    assert (applied["outcome"], applied["version"]["number"]) == ("made", 2)
    bobs = await do["show"](author="bob")
    assert bobs["outdated"] and not await do["discard"](author="ann", revision=1)
    with pytest.raises(GatepostError, match="this edit cannot be understood"):
        await do["change"](author="ann", revision=0, operation={"do": "paint"})
    everything = [*answers, applied, bobs]
    assert msgspec.json.encode(msgspec.msgpack.decode(msgspec.msgpack.encode(everything))) == msgspec.json.encode(everything)
