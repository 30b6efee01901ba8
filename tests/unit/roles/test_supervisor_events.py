# SPDX-License-Identifier: Apache-2.0
"""The supervisor's events and the line they go over: nothing is let go before somebody has kept it."""

import itertools
import json
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from gatepost.monitoring import events_gathered
from gatepost.monitoring.events_record import EventEntry, decode_entries, read_fields
from gatepost.roles import supervisor_events
from gatepost.roles.event_line import AT_ONCE, KEPT, TAKES, SupervisorEnd
from gatepost.roles.supervisor_events import SupervisorEvents
from gatepost.telemetry import log
from gatepost.telemetry.events import ProcessEnded, ProcessNotStarted
from waiting import PATIENCE_S


class Process:
    """A process at the other end of a line, as a test has it."""

    def __init__(self) -> None:
        self.line = SupervisorEnd()
        self.line.theirs.settimeout(PATIENCE_S)

    def say(self, word: bytes, events: SupervisorEvents) -> None:
        """Say something, and have it heard."""
        self.line.theirs.send(word)
        events.hear(self.line)

    def given(self) -> list[EventEntry]:
        """Take the next batch."""
        return list(decode_entries(self.line.theirs.recv(262_144)))

    def end(self, events: SupervisorEvents) -> None:
        """End, as a kill does."""
        self.line.theirs.close()
        events.hear(self.line)
        events.hang_up(self.line)


@pytest.fixture
def events() -> Iterator[SupervisorEvents]:
    """Give the events of a supervisor that has told nothing yet."""
    log.forward(None)
    yield SupervisorEvents("gateway.example")
    log.forward(None)


@pytest.fixture
def processes() -> Iterator[tuple[Process, Process]]:
    """Give a console and a `deliver`, in the order in which they are asked."""
    both = Process(), Process()
    yield both
    for one in both:
        one.line.close()
        one.line.theirs.close()


def end(number: int) -> ProcessEnded:
    """Give an event that is told apart."""
    return ProcessEnded(process=f"receive-{number}", status=-9, restart_in_s=0.0)


def who(entries: list[EventEntry]) -> list[str]:
    """Give the processes whose ends these are."""
    return [read_fields(one.fields)["process"] for one in entries]


def test_nothing_is_given_before_a_process_takes_it(events: SupervisorEvents, processes: tuple[Process, Process]) -> None:
    """A process that starts has no store yet."""
    console, deliver = processes
    lines = [console.line, deliver.line]
    log.emit(end(1))
    events.hand_over(lines)
    deliver.say(TAKES, events)
    events.hand_over(lines)
    (entry,) = deliver.given()
    assert (entry.gateway, entry.process, entry.name, who([entry])) == ("gateway.example", "supervisor", "process.ended", ["receive-1"])


def test_one_batch_at_a_time_in_their_order(events: SupervisorEvents, processes: tuple[Process, Process]) -> None:
    """The next is given when the one before was kept; the first that takes gets them."""
    console, deliver = processes
    lines = [console.line, deliver.line]
    deliver.say(TAKES, events)
    console.say(TAKES, events)
    log.emit(end(1))
    events.hand_over(lines)
    log.emit(end(2))
    events.hand_over(lines)
    assert who(console.given()) == ["receive-1"]
    console.say(KEPT, events)
    events.hand_over(lines)
    assert who(console.given()) == ["receive-2"]
    deliver.line.theirs.setblocking(False)
    with pytest.raises(BlockingIOError):
        deliver.given()


def test_what_a_process_had_in_hand_when_it_ended_goes_to_the_next(events: SupervisorEvents, processes: tuple[Process, Process]) -> None:
    """In its old place, before what came after it."""
    console, deliver = processes
    lines = [console.line, deliver.line]
    console.say(TAKES, events)
    deliver.say(TAKES, events)
    log.emit(end(1))
    events.hand_over(lines)
    log.emit(end(2))
    console.end(events)
    events.hand_over(lines)
    assert who(deliver.given()) == ["receive-1", "receive-2"]


def test_a_last_word_counts(events: SupervisorEvents, processes: tuple[Process, Process]) -> None:
    """What a process has kept before it ended is not told twice."""
    console, deliver = processes
    console.say(TAKES, events)
    deliver.say(TAKES, events)
    log.emit(end(1))
    events.hand_over([console.line])
    console.given()
    console.line.theirs.send(KEPT)
    console.end(events)
    log.emit(end(2))
    events.hand_over([deliver.line])
    assert who(deliver.given()) == ["receive-2"]


def test_a_process_that_ends_before_it_reads_loses_nothing(events: SupervisorEvents, processes: tuple[Process, Process]) -> None:
    """Handing over to who has just gone fails without harm, and words of nobody in hand change nothing."""
    console, deliver = processes
    console.say(TAKES, events)
    console.say(KEPT, events)
    deliver.say(TAKES, events)
    console.line.theirs.close()
    log.emit(end(1))
    events.hand_over([console.line])
    events.hear(console.line)
    events.hang_up(console.line)
    events.hand_over([deliver.line])
    assert who(deliver.given()) == ["receive-1"]


def test_a_storm_is_bounded_and_counted(
    events: SupervisorEvents, processes: tuple[Process, Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten of a name in a minute, the newest thousand in all, and one event says how many there were more."""
    console, _ = processes
    now = 1000.0
    monkeypatch.setattr(events._gathered, "_clock", lambda: now)
    for minute in range(103):
        now = 1000.0 + 61 * minute
        for number in range(12):
            log.emit(end(12 * minute + number))
    console.say(TAKES, events)
    told: list[EventEntry] = []
    now += 61
    while len(told) < 1001:
        events.hand_over([console.line])
        batch = console.given()
        assert len(batch) <= AT_ONCE
        told += batch
        console.say(KEPT, events)
    *ends, lost = told
    assert len(ends) == events_gathered.MOST_WAITING and who(ends[-1:]) == [f"receive-{12 * 102 + 9}"] and who(ends[:1]) == ["receive-36"]
    assert lost.name == "events.lost" and read_fields(lost.fields) == {"events": 2 * 103 + 30}


def test_the_largest_batch_fits_into_the_line(events: SupervisorEvents, processes: tuple[Process, Process]) -> None:
    """As many as go at once, with the largest fields that an entry may have."""
    console, _ = processes
    console.say(TAKES, events)
    fields = json.dumps({"wide": "\N{EURO SIGN}" * 2700}, ensure_ascii=False)
    entries = [EventEntry(1.0, "m" * 255, "supervisor", "n" * 255, 3, fields)] * (AT_ONCE + 4)
    events._gathered.take(entries)
    events.hand_over([console.line])
    assert console.given() == entries[:AT_ONCE]
    console.say(KEPT, events)
    events.hand_over([console.line])
    assert console.given() == entries[AT_ONCE:]


def test_the_end_waits_until_all_is_kept_but_not_for_ever(
    events: SupervisorEvents, processes: tuple[Process, Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that does not answer, one that goes meanwhile and none at all hold up the end for no longer than was said."""
    console, deliver = processes
    # Time passes with each look at the clock, so that no limit is over before the first round.
    monkeypatch.setattr(supervisor_events, "time", SimpleNamespace(monotonic=itertools.count(0.0, 0.005).__next__))
    log.emit(ProcessNotStarted(process="receive-1", reason="no memory", restart_in_s=0.2))
    events.settle([console.line, deliver.line], 60.0)
    console.say(TAKES, events)
    events.settle([console.line, deliver.line], 0.05)
    deliver.say(TAKES, events)
    console.given()
    console.line.theirs.send(KEPT)
    log.emit(end(2))
    console.line.theirs.close()
    deliver.line.theirs.send(KEPT)  # early: nothing is in its hand yet
    events.settle([console.line, deliver.line], 0.05)
    assert who(deliver.given()) == ["receive-2"]
