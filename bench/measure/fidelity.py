# SPDX-License-Identifier: Apache-2.0
"""Before a cell is timed: 200 mails through each gateway into a sink that checks them.

A count alone proves nothing: a gateway that mangles addresses or loses content would only look fast.
"""

import asyncio
import re

from gatepost.testing.load import Plan, Result, generate
from gatepost.testing.sink import Sink
from gatepost.testing.strict import SinkMail
from measure.rivals import Rival

MAILS = 200
TRACE = re.compile(rb"(?:Received:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)*\Z")


class Unfaithful(Exception):
    """A gateway changed, lost or invented a mail."""


def check(rival: Rival, hop: int, *, size_bytes: int, sessions: int, starttls: bool) -> None:
    """Send mails with senders and recipients of their own through a gateway and compare all that arrives.

    Raises:
        Unfaithful: Says how many differ and shows one.
    """
    asyncio.run(_check(rival, hop, size_bytes, sessions, starttls))


async def _check(rival: Rival, hop: int, size_bytes: int, sessions: int, starttls: bool) -> None:
    plan = Plan(
        port=rival.port,
        sessions=sessions,
        mails=MAILS,
        size_bytes=size_bytes,
        tls="starttls" if starttls else "none",
        sender="sender-{n}@example.org",
        recipients=("first-{n}@example.com", "second-{n}@example.com"),
    )
    async with Sink(port=hop) as sink:
        result = await generate(plan)
        if result.accepted != MAILS:
            raise Unfaithful(f"{rival.name} accepted {result.accepted} of {MAILS}: {result.replies}")
        expected = {(line.id, line.sha256, line.sender, recipient) for line in result.lines for recipient in line.recipients}
        try:
            # A gateway may send the two recipients of a mail apart; all pairs must have come.
            async with asyncio.timeout(60):
                while len(_seen(sink.mails)) < len(expected):
                    await sink.wait(sink.count + 1, timeout_s=60)
        except TimeoutError:
            pass
        _compare(rival, expected, sink, result)
        # The timed sink takes over this port: connections that are kept must have ended.
        try:
            await sink.drained()
        except TimeoutError:
            raise Unfaithful(f"{rival.name} still talks to the sink long after the last mail, {sink.count} mails so far") from None


def _seen(mails: list[SinkMail]) -> set[tuple[str, str, str, str]]:
    return {(mail.id, mail.sha256, mail.sender, recipient) for mail in mails for recipient in mail.recipients}


def _compare(rival: Rival, expected: set[tuple[str, str, str, str]], sink: Sink, result: Result) -> None:
    if sink.errors:
        raise Unfaithful(f"{rival.name} speaks wrongly: {sink.errors[:3]}")
    seen = _seen(sink.mails)
    if seen != expected:
        raise Unfaithful(
            f"{rival.name}: {len(expected - seen)} of {len(expected)} differ or are missing, e.g. {sorted(expected ^ seen)[:2]}"
        )
    if sum(len(mail.recipients) for mail in sink.mails) != len(expected):
        raise Unfaithful(f"{rival.name} delivered some mails twice")
    for mail in sink.mails:
        trace = mail.content[: mail.content.find(b"X-Load-Id: ")]
        if not TRACE.match(trace) or not trace:
            raise Unfaithful(f"{rival.name} put something else than trace headers before the mail: {trace!r}")
    assert result.accepted == MAILS
