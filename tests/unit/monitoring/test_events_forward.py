# SPDX-License-Identifier: Apache-2.0
"""Which events leave a process's log, and that whoever tells of one pays nothing for it."""

from collections.abc import Iterator

import pytest

from gatepost.telemetry import log
from gatepost.telemetry.events import Event, MailReceived, ProcessStarted, SessionEnded, StoreTrouble
from gatepost.telemetry.reference import catalogue

MAIL_EVENTS = {"mail.received", "mail.refused", "session.ended", "delivery.done", "delivery.report", "recipient.asked"}


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """Begin and end without a sink and without events of other tests."""
    log.forward(None)
    yield
    log.forward(None)


def test_what_warns_is_kept_and_what_tells_of_mails_is_not() -> None:
    """By level; of info only the few that say so."""
    for kind in catalogue():
        assert kind.kept or kind.level not in ("warning", "error"), kind.name
        assert not (kind.kept and kind.name in MAIL_EVENTS), kind.name
    assert ProcessStarted.kept and StoreTrouble.kept and not MailReceived.kept


def test_a_sink_gets_what_is_kept_after_it_was_written(capfd: pytest.CaptureFixture[str]) -> None:
    """And nothing of the rest."""
    got: list[tuple[float, Event]] = []
    written = []

    def sink(at: float, event: Event) -> None:
        written.append(capfd.readouterr().err)
        got.append((at, event))

    log.forward(sink)
    log.emit(SessionEnded(client="192.0.2.1", reason="idle"))
    trouble = StoreTrouble(what="commit", reason="full")
    log.emit(trouble)
    assert [event for _, event in got] == [trouble] and '"store.trouble"' in written[0]


def test_what_happened_before_there_was_a_sink_comes_first() -> None:
    """The first of it is given up when it was too much; None lets go."""
    for number in range(30):
        log.emit(StoreTrouble(what=str(number), reason=""))
    got: list[Event] = []
    log.forward(lambda at, event: got.append(event))
    log.emit(StoreTrouble(what="now", reason=""))
    assert [one.what for one in got if isinstance(one, StoreTrouble)] == [*map(str, range(10, 30)), "now"]
    log.forward(None)
    log.emit(StoreTrouble(what="later", reason=""))
    assert len(got) == 21


def test_a_sink_that_fails_harms_nobody() -> None:
    """Whoever tells of something goes on."""

    def broken(at: float, event: Event) -> None:
        raise RuntimeError("no room")

    log.forward(broken)
    log.emit(StoreTrouble(what="commit", reason="full"))
