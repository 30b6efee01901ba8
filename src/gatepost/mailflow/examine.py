# SPDX-License-Identifier: Apache-2.0
"""Ask filters side by side, each for a limited time. What a filter cannot say in time counts as nothing, and is told."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

import msgspec

from gatepost.contracts.authentication import Arc, Authentication, Dmarc, Spf
from gatepost.contracts.filter import Filter, Finding
from gatepost.contracts.judged import Judged
from gatepost.contracts.sentence import ANY, AUTHENTICATION, Sentence
from gatepost.telemetry.log import emit_unexpected

FILTER_LIMIT_S = 5.0

_LATE = Sentence(ANY, "gave no answer within {seconds:g} s")
_DEFECT = Sentence(ANY, "failed by a defect of its own; the log says where")
_UNKNOWN_YET = Sentence(AUTHENTICATION, "no answer in time")

UNKNOWN = Authentication(Spf("temperror"), Spf("temperror", identity="helo"), (), Arc(), Dmarc("temperror", reason=_UNKNOWN_YET.text))
"""What is known of a mail whose authentication did not end in time: nothing against it, nothing for it."""

Authenticate = Callable[[Judged], Awaitable[Authentication]]


class Examined(msgspec.Struct, frozen=True):
    """What all filters said, and how long each took."""

    findings: tuple[Finding, ...]
    milliseconds: Mapping[str, float]
    authentication: Authentication | None = None


async def examine_envelope(judged: Judged, filters: Iterable[Filter]) -> Examined:
    """Ask the filters that need no content."""
    asked = [one for one in filters if one.stage == "envelope"]
    timed = await asyncio.gather(*(_ask(one, judged) for one in asked))
    return _examined(timed, None)


async def examine(judged: Judged, filters: Iterable[Filter], known: Mapping[str, Finding], authenticate: Authenticate | None) -> Examined:
    """Ask all filters that have not spoken: those of the envelope while the mail is authenticated, then the others."""
    asked = [one for one in filters if one.name not in known]
    early = [one for one in asked if one.stage == "envelope"]
    late = [one for one in asked if one.stage == "content"]
    first = asyncio.gather(*(_ask(one, judged) for one in early))
    try:
        authentication = await _authenticated(authenticate, judged) if authenticate is not None else None
        took = await first
    finally:
        first.cancel()  # without effect once it is done
    judged = msgspec.structs.replace(judged, authentication=authentication)
    took += await asyncio.gather(*(_ask(one, judged) for one in late))
    return _examined(took, authentication)


def _examined(timed: Iterable[tuple[Finding, float]], authentication: Authentication | None) -> Examined:
    timed = list(timed)
    return Examined(tuple([finding for finding, _ in timed]), {finding.filter: took for finding, took in timed}, authentication)


async def _authenticated(authenticate: Authenticate, judged: Judged) -> Authentication:
    try:
        async with asyncio.timeout(FILTER_LIMIT_S):
            return await authenticate(judged)
    except TimeoutError:
        return UNKNOWN


async def _ask(one: Filter, judged: Judged) -> tuple[Finding, float]:
    begin = time.perf_counter()
    try:
        async with asyncio.timeout(FILTER_LIMIT_S):
            finding = await one.judge(judged)
    except TimeoutError:
        finding = Finding(filter=one.name, failed=_LATE.say(seconds=FILTER_LIMIT_S))
    except Exception as error:
        emit_unexpected(f"filter {one.name}", error)
        finding = Finding(filter=one.name, failed=_DEFECT.text)
    return finding, round(1000 * (time.perf_counter() - begin), 3)
