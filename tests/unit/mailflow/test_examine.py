# SPDX-License-Identifier: Apache-2.0
"""Filters are asked side by side, each for a limited time, and none can stop a mail by a defect of its own."""

import asyncio

import pytest

from gatepost.contracts.authentication import Authentication, Dmarc
from gatepost.contracts.filter import Finding
from gatepost.contracts.judged import Judged
from gatepost.mailflow import examine as room
from gatepost.mailflow.examine import examine, examine_envelope
from gatepost.message.parse import parse
from gatepost.smtp.envelope import Envelope
from gatepost.smtp.peer import Peer

JUDGED = Judged(Peer("192.0.2.1", 25, "x"), Envelope(None), "inbound", message=parse(b"From: a@example.org\r\n\r\n"))


class Stub:
    """A filter that does what a test needs."""

    directions = ("inbound",)
    lowest_points = 0.0

    def __init__(
        self, name: str, stage: str = "content", *, waits_for: asyncio.Event | None = None, sets: asyncio.Event | None = None
    ) -> None:
        self.name, self.stage, self._waits_for, self._sets = name, stage, waits_for, sets
        self.seen: Judged | None = None

    async def judge(self, mail: Judged) -> Finding:
        self.seen = mail
        if self._sets:
            self._sets.set()
        if self._waits_for:
            await self._waits_for.wait()
        return Finding(filter=self.name, points=1.0)


async def test_a_filter_without_an_answer_in_time_gives_nothing_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others' points stand; the silent one has 0 points and says why (promise 2)."""
    monkeypatch.setattr(room, "FILTER_LIMIT_S", 0.05)
    found = await examine(JUDGED, [Stub("silent", waits_for=asyncio.Event()), Stub("quick")], {}, None)
    silent, quick = found.findings
    assert (silent.points, quick.points) == (0.0, 1.0)
    assert silent.failed == "gave no answer within 0.05 s"


async def test_a_filter_with_a_defect_gives_nothing_and_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    """An exception is a finding for people and an event for the log, never the mail's end."""

    class Broken(Stub):
        async def judge(self, mail: Judged) -> Finding:
            raise ZeroDivisionError

    found = await examine(JUDGED, [Broken("broken")], {}, None)
    assert found.findings[0].points == 0
    assert "defect" in found.findings[0].failed
    assert '"event":"process.unexpected"' in capfd.readouterr().err


async def test_envelope_filters_run_while_the_mail_is_authenticated() -> None:
    """Neither waits for the other; content filters see the results."""
    asked, proven = asyncio.Event(), Authentication(dmarc=Dmarc("pass"))
    early, late = Stub("early", "envelope", sets=asked), Stub("late")

    async def authenticate(judged: Judged) -> Authentication:
        await asked.wait()  # would hang if the envelope's filter came later
        return proven

    found = await examine(JUDGED, [early, late], {}, authenticate)
    assert [finding.filter for finding in found.findings] == ["early", "late"]
    assert late.seen is not None
    assert late.seen.authentication is proven
    assert found.authentication is proven


async def test_authentication_that_does_not_end_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is held against a mail, and nothing counts for it, when no resolver answers."""
    monkeypatch.setattr(room, "FILTER_LIMIT_S", 0.05)

    async def authenticate(judged: Judged) -> Authentication:
        await asyncio.Event().wait()
        raise AssertionError

    found = await examine(JUDGED, [], {}, authenticate)
    assert found.authentication is not None
    assert (found.authentication.spf.result, found.authentication.dmarc.result) == ("temperror", "temperror")


async def test_what_was_found_before_the_content_is_not_asked_again() -> None:
    """An envelope filter speaks once for a mail."""
    early = Stub("early", "envelope")
    before = await examine_envelope(JUDGED, [early, Stub("late")])
    assert [finding.filter for finding in before.findings] == ["early"]
    early.seen = None
    after = await examine(JUDGED, [early, Stub("late")], {"early": before.findings[0]}, None)
    assert early.seen is None
    assert [finding.filter for finding in after.findings] == ["late"]
