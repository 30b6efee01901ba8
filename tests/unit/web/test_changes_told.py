# SPDX-License-Identifier: Apache-2.0
"""What pages say of changes: every place has a name, every kind of change and conflict is told, in both languages."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from gatepost.config.configuration import Configuration, OwnedDomain, SendConnector
from gatepost.config.rules import FilterSettings, FilterUse, Rule, WordGroup
from gatepost.contracts.actor import Actor
from gatepost.errors import GatepostError
from gatepost.rules.replay_record import _SENTENCES, Judged
from gatepost.rules.replay_tally import Otherwise, Replay, Undetermined
from gatepost.versioning.edit_sections import sections
from gatepost.versioning.plan import changes
from gatepost.versioning.rebase import merge
from gatepost.versioning.record import VersionLine
from gatepost.web.console.changes.replay import GAPS, Replays, reason, why
from gatepost.web.console.changes.text import line_of
from gatepost.web.console.changes.told import lines, sides, spoken, told
from gatepost.web.console.configuration import advanced, filters, routing
from gatepost.web.console.people import further
from gatepost.web.console.settings.places import TITLES, place_of
from gatepost.web.frame.words import load

WORDS = load()
ENGLISH, GERMAN = WORDS["en"], WORDS["de"]
BASE = Configuration(
    owned_domains=(OwnedDomain(name="example.com"),),
    send_connectors=(SendConnector(name="in", direction="inbound", smart_hosts=("a", "b")),),
    rules=(Rule(name="one", filters=(FilterUse(name="words"),)), Rule(name="two"), Rule(name="three")),
    filters=FilterSettings(word_groups=(WordGroup(name="pills", words=("cheap",), points=4.0),)),
)


def changed(**values: Any) -> Configuration:
    """Give the base with other values."""
    return msgspec.structs.replace(BASE, **values)


def said(after: Configuration, words: Any = ENGLISH) -> list[tuple[str, str, str, list[str], list[str]]]:
    """Give what is told of a change of the base."""
    return [(one.kind, one.place, one.what, list(one.before), list(one.after)) for one in told(changes(BASE, after), words)]


def test_each_section_has_a_name_in_both_languages():
    """No change is told by the key of a file."""
    assert set(TITLES) == set(sections())
    assert [one for one in TITLES.values() if not GERMAN(one)] == []


def test_a_section_has_one_name():
    """A plan calls it as its page does."""
    pages = {tab.section: tab.title for tab in advanced._TABS if not tab.only}
    pages |= {one.section: one.title for one in (*filters._LISTS, *filters._TABLES, routing.SERVERS, routing.USERS, further.FURTHER)}
    assert {section: TITLES[section] for section in pages} == pages


def test_a_changed_field_is_told_by_its_label_with_both_values():
    """Choices and boxes by what pages call them."""
    one = msgspec.structs.replace(BASE.rules[0], threshold=2.5, enabled=False, mode="check")
    after = changed(rules=(one, *BASE.rules[1:]))
    assert said(after) == [
        ("changed", "Rules › one", "Enabled", ["yes"], ["no"]),
        ("changed", "Rules › one", "Threshold", ["4"], ["2.5"]),
    ]
    assert said(after, GERMAN)[1] == ("changed", "Regeln › one", "Schwellwert", ["4"], ["2,5"])


def test_of_a_list_only_what_came_and_went_is_told():
    """And the whole, where only the order changed."""
    connector = BASE.send_connectors[0]
    after = changed(send_connectors=(msgspec.structs.replace(connector, smart_hosts=("b", "c")),))
    assert [one[3:] for one in said(after)] == [(["a"], ["c"])]
    after = changed(send_connectors=(msgspec.structs.replace(connector, smart_hosts=("b", "a")),))
    assert [one[3:] for one in said(after)] == [(["a, b"], ["b, a"])]
    assert said(after)[0][1] == "Send connectors › in (Inbound)"


def test_entries_that_come_go_and_move_are_told_whole():
    """With their place and what they say that is not their default; a filter by what pages call it."""
    new = Rule(name="four", mode="check", threshold=5.0, filters=(FilterUse(name="words", multiplier=3),))
    found = said(changed(rules=(BASE.rules[2], BASE.rules[0], new)))
    assert ("added", "Rules › four", "", [], ["place 3", "Filters: Word matching × 3", "Threshold: 5"]) in found
    assert ("removed", "Rules › two", "", ["place 2"], []) in found
    assert ("moved", "Rules › three", "", ["place 3"], ["place 1"]) in found


def test_each_kind_of_conflict_shows_three_sides():
    """A field, a whole entry that one side removed, an order."""
    mine = changed(rules=(msgspec.structs.replace(BASE.rules[0], threshold=2.0), BASE.rules[2], BASE.rules[1]))
    other = msgspec.structs.replace(BASE.rules[0], threshold=3.0)
    theirs = changed(rules=(BASE.rules[1], other, BASE.rules[2]), send_connectors=())
    mine = msgspec.structs.replace(mine, send_connectors=(msgspec.structs.replace(BASE.send_connectors[0], cost=5),))
    shown = {(one.section, one.field): sides(one, ENGLISH) for one in merge(BASE, mine, theirs).conflicts}
    assert shown["rules", "threshold"] == (("4",), ("2",), ("3",))
    base, own, theirs_ = shown["send_connectors", ""]
    assert theirs_ == () and "Cost: 5" in own and "Cost: 10" in base
    assert shown["rules", "order"][1] == ["1. one", "2. three", "3. two"]


def test_a_rule_that_asks_no_filter_tells_of_none_in_a_conflict():
    """Of a rule that refuses every mail its filters are not shown as if they judged."""
    asking = {"name": "r", "filters": [{"name": "words", "multiplier": 1}], "threshold": 4.0}
    assert list(lines("rules", "", {**asking, "mode": "reject"}, ENGLISH)) == ["Mode: Reject"]
    assert list(lines("rules", "", {**asking, "mode": "check"}, ENGLISH))[1:] == ["Threshold: 4", "Mode: Check"]


def test_reasons_of_the_program_are_in_the_readers_language():
    """Of the first version and of going back; what a person wrote stays as it is."""
    line = VersionLine(1, "gatepost", 0.0, "imported from /etc/gatepost/configuration.toml", "")
    assert spoken(line, GERMAN).reason == "übernommen aus /etc/gatepost/configuration.toml"
    assert spoken(line, ENGLISH) == line
    back = msgspec.structs.replace(line, author="anna", reason="back to version 1: it was {better}: so")
    assert spoken(back, GERMAN).reason == "zurück zu Version 1: it was {better}: so"
    assert spoken(back, ENGLISH) == back
    own = msgspec.structs.replace(line, author="anna")
    assert spoken(own, GERMAN) == own


def test_each_reason_of_a_replay_is_there_in_both_languages():
    """A gap that is added without its words fails here."""
    assert GAPS.keys() == _SENTENCES.keys()
    for gap in GAPS:
        one = Undetermined(gap, "words", "as the room says it", 1)
        assert "{" not in reason(one, ENGLISH)
        assert reason(one, ENGLISH) != reason(one, GERMAN)


def test_why_a_mail_is_judged_otherwise():
    """By which rule, instead of which, with the points of then and now."""
    before = Judged("accept", ("a@example.com",), "one", 4.0, 3.0)
    after = Judged("refuse", ("a@example.com",), "two", 2.0, 3.0)
    mail = Otherwise("T", 0.0, "inbound", "s@sender.example", ("a@example.com",), "Hello", before, (after,), "")
    assert why(mail, ENGLISH) == ["rule two, instead of one, 3 of 2 points, before: 3 of 4"]
    assert why(mail, GERMAN) == ["Regel two, statt one, 3 von 2 Punkten, vorher: 3 von 4"]


TEXT = """\
corporate_users = ["a@example.com"]

[[rules]]
name = "one"

[[rules]]
name = "two"
threshold = "x"
filters = [{ name = "words" }]

[filters.reputation]
spf_fail = 11

[[filters.word_groups]]
name = "pills"
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("rules[1].threshold", 8),
        ("rules[1].filters[0].name", 9),
        ("rules[1].nothing", 6),
        ("rules[0].name", 4),
        ("filters.reputation.spf_fail", 12),
        ("filters.word_groups[0].words", 14),
        ("corporate_users[0]", 1),
        ("receive.size_bytes", 0),
        ("", 0),
    ],
)
def test_a_fault_is_at_its_line(path: str, line: int):
    """That of the key, else of the table that it is missing in."""
    assert line_of(path, TEXT.split("\n")) == line


def test_a_place_that_is_not_known_is_told_by_its_key():
    """As of a version that a newer program wrote."""
    assert place_of("new_table", "one", ENGLISH) == "new_table › one"


class FakeReplaying:
    """Answers as a test says, step by step."""

    def __init__(self, *answers: Replay | Exception, gate: asyncio.Event | None = None) -> None:
        self._answers, self._gate = answers, gate
        self.ended = asyncio.Event()

    async def run(self, configuration: Configuration, **period: Any) -> AsyncIterator[Replay]:
        """Give the answers, the last once the gate is open."""
        try:
            for answer in self._answers[:-1]:
                yield answer  # type: ignore[misc]
            if self._gate is not None:
                await self._gate.wait()
            if isinstance(self._answers[-1], Exception):
                raise self._answers[-1]
            yield self._answers[-1]
        finally:
            self.ended.set()


ANNA = Actor("anna", "console")


async def test_a_replay_shows_its_progress_and_is_remembered_for_its_draft():
    """While it works what it has found is there; a later draft has none."""
    gate = asyncio.Event()
    replays = Replays(FakeReplaying(Replay(0, 1, looked_at=250), Replay(0, 1, looked_at=300, ended="whole"), gate=gate))  # type: ignore[arg-type]
    replays.start(ANNA, 7, BASE)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    trial = replays.of(ANNA, 7)
    assert trial is not None and trial.works and trial.found is not None and trial.found.looked_at == 250
    gate.set()
    assert trial.task is not None
    await trial.task
    assert not trial.works and trial.found.looked_at == 300
    assert replays.of(ANNA, 8) is None and replays.of(ANNA) is trial
    assert replays.of(Actor("bert", "console")) is None and replays.of(Actor("anna", "console", tenant_id=2)) is None


@pytest.mark.parametrize("fault", [GatepostError("the store is away; mend it"), ZeroDivisionError()])
async def test_a_replay_that_fails_says_why(fault: Exception, capfd: pytest.CaptureFixture[str]):
    """An expected failure in its own words, a surprise in the log."""
    replays = Replays(FakeReplaying(fault))  # type: ignore[arg-type]
    replays.start(ANNA, 7, BASE)
    trial = replays.of(ANNA)
    assert trial is not None and trial.task is not None
    await trial.task
    assert trial.trouble and not trial.works
    assert ("the replay of a draft" in capfd.readouterr().err) == isinstance(fault, ZeroDivisionError)


async def test_one_that_is_begun_anew_ends_the_one_before():
    """So nobody keeps more than one working."""
    first = FakeReplaying(Replay(0, 1), Replay(0, 1), gate=asyncio.Event())
    replays = Replays(first)  # type: ignore[arg-type]
    replays.start(ANNA, 7, BASE)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    before = replays.of(ANNA)
    replays.start(ANNA, 8, BASE)
    assert before is not None and before.task is not None
    await asyncio.wait({before.task})
    await first.ended.wait()
    assert before.task.cancelled()
    now = replays.of(ANNA)
    assert now is not None and now.task is not None
    now.task.cancel()
