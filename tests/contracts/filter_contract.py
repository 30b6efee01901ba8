# SPDX-License-Identifier: Apache-2.0
"""The contract of filters as a suite: a filter passes it by subclassing and giving a `make_filter` fixture.

    class TestWords(FilterContract):
        @pytest.fixture
        def make_filter(self):
            return lambda resolver: Words(SETTINGS)

The settings should make the filter do all that it can; `judged_mails.ZONE` is the DNS of its clean mail.
"""

import asyncio
import math
import re
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.judged_mails import ZONE, AwayResolver, HangingResolver, LyingResolver, ReversedTwin, hostile, judged
from gatepost.contracts.filter import Filter, Finding
from gatepost.contracts.judged import Judged
from gatepost.dns.resolver import Resolver
from gatepost.dns.twin import Twin

MakeFilter = Callable[[Resolver], Filter]

_LONGEST_TEXT = 2000


def as_it_comes(chosen: Filter, mail: Judged) -> Judged:
    """Take away what is not yet there at the filter's stage."""
    return msgspec.structs.replace(mail, message=None, authentication=None) if chosen.stage == "envelope" else mail


def well_formed(chosen: Filter, finding: Finding) -> bool:
    """Whether a finding can be shown: finite points, single lines of bounded length, the filter's own name."""
    texts = (finding.message, finding.failed, *finding.details)
    return (
        isinstance(finding, Finding)
        and finding.filter == chosen.name
        and math.isfinite(finding.points)
        and all(not re.search(r"[\x00-\x1f\x7f]", text) and len(text) <= _LONGEST_TEXT for text in texts)
    )


class FilterContract:
    """What every filter promises."""

    def test_it_declares_itself(self, make_filter: MakeFilter) -> None:
        """Name, stage and directions are what rules can refer to."""
        chosen = make_filter(Twin(ZONE))
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", chosen.name)
        assert chosen.stage in ("envelope", "content")
        assert chosen.directions
        assert set(chosen.directions) <= {"inbound", "outbound"}

    @pytest.mark.parametrize("number", range(len(hostile())), ids=[name for name, _ in hostile()])
    async def test_a_hostile_mail_gives_a_finding(self, make_filter: MakeFilter, number: int) -> None:
        """Whatever a mail, its client, its envelope or its DNS holds, there is a finding that can be shown."""
        mail = hostile()[number][1]
        for resolver in (Twin(ZONE), LyingResolver(), AwayResolver()):
            chosen = make_filter(resolver)
            assert well_formed(chosen, await chosen.judge(as_it_comes(chosen, mail)))

    @settings(
        max_examples=60,
        # Several filters run this very function, each with a fixture of its own that holds no state.
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(raw=st.binary(max_size=400), author=st.binary(max_size=80))
    def test_any_bytes_give_a_finding(self, make_filter: MakeFilter, raw: bytes, author: bytes) -> None:
        """No bytes raise."""
        chosen = make_filter(LyingResolver())
        mail = as_it_comes(chosen, judged(b"From: " + author + b"\r\n" + raw))
        assert well_formed(chosen, asyncio.run(chosen.judge(mail)))

    async def test_the_same_mail_gives_the_same_finding(self, make_filter: MakeFilter) -> None:
        """Neither another run nor another order of the DNS's answers changes a finding."""
        first, second = make_filter(Twin(ZONE)), make_filter(ReversedTwin(ZONE))
        for _, mail in [("clean", judged()), *hostile()]:
            here = as_it_comes(first, mail)
            finding = await first.judge(here)
            assert finding == await first.judge(here)
            assert finding == await second.judge(here)

    async def test_nothing_is_changed(self, make_filter: MakeFilter) -> None:
        """The mail, the envelope and the peer are as they were."""
        chosen = make_filter(Twin(ZONE))
        mail, untouched = judged(), judged()
        await chosen.judge(as_it_comes(chosen, mail))
        assert mail.message is not None
        assert untouched.message is not None
        assert mail.message.raw == untouched.message.raw
        assert (mail.envelope, mail.peer, mail.authentication) == (untouched.envelope, untouched.peer, untouched.authentication)

    async def test_a_filter_can_be_cancelled(self, make_filter: MakeFilter) -> None:
        """A filter that waits for an answer ends at once when it is cancelled, and leaves no task behind."""
        resolver = HangingResolver()
        chosen = make_filter(resolver)
        task = asyncio.ensure_future(chosen.judge(as_it_comes(chosen, judged())))
        asked = asyncio.ensure_future(resolver.asked.wait())
        await asyncio.wait({task, asked}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():  # it asks nobody
            assert well_formed(chosen, task.result())
            asked.cancel()
        else:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await asyncio.wait({asked})
        assert asyncio.all_tasks() == {asyncio.current_task()}

    async def test_no_answer_gives_no_points(self, make_filter: MakeFilter) -> None:
        """Where no name server answers, a clean mail has 0 points, and what could not be found out is said."""
        resolver = AwayResolver()
        chosen = make_filter(resolver)
        finding = await chosen.judge(as_it_comes(chosen, judged()))
        assert finding.points == 0
        assert finding.details == ()
        assert bool(finding.failed) == (resolver.asked > 0)

    async def test_a_clean_mail_has_no_points(self, make_filter: MakeFilter) -> None:
        """An ordinary mail from a well-kept server scores nothing, and nothing is left unknown."""
        chosen = make_filter(Twin(ZONE))
        finding = await chosen.judge(as_it_comes(chosen, judged()))
        assert (finding.points, finding.details, finding.failed) == (0, (), "")
