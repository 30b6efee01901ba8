# SPDX-License-Identifier: Apache-2.0
"""Which processes do not stay up: from the ends that supervisors told, as the event log has them.

three ends within ten minutes     found
one, of a process that was found  found still
none for ten minutes              not found any more
"""

import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from gatepost.monitoring.record import HOUSE, Finding, Look, Standing

KIND: Final = "process.ending"
WITHIN_S: Final = 600.0
ENOUGH: Final = 3


class End(NamedTuple):
    """A process that ended by itself, and was started again."""

    at: float
    """Unix time."""
    machine: str
    process: str
    status: int
    """Its exit code, or minus the signal's number."""


class Ends(NamedTuple):
    """What is known of the ends since a moment."""

    ends: Sequence[End]
    """The newest first."""
    answering: frozenset[str] = frozenset()
    """The machines whose events come."""
    silent: bool = False
    """Whether there are gateways whose events cannot come now."""


AskEnds = Callable[[float], Awaitable[Ends]]
"""Gives the ends since a Unix time."""


async def processes_ending(ask: AskEnds, now: float, standing: Standing) -> Look:
    """Look for processes that keep ending; of a machine that is silent nothing is known."""
    told = await ask(now - WITHIN_S)
    ends: dict[str, list[End]] = {}
    for one in told.ends:
        ends.setdefault(f"{one.machine}/{one.process}", []).append(one)
    found = [
        Finding(KIND, subject, "error", {"ends": len(some), "ended_by": _how(some[0].status)})
        for subject, some in ends.items()
        if len(some) >= ENOUGH or (HOUSE, subject) in standing
    ]
    machines = {subject.partition("/")[0] for _, subject in standing} if told.silent else set()
    return Look(tuple(found), tuple(sorted(machines - told.answering)))


def _how(status: int) -> str:
    """Say how a process ended."""
    if status >= 0:
        return f"exit code {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
