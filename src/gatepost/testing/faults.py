# SPDX-License-Identifier: Apache-2.0
"""Failures that a test asks the sink for: which stage, whom it hits, what happens, how often."""

from collections.abc import Iterable
from typing import Literal

import msgspec

DEFAULT_REPLY = "451 4.3.0 Failing as asked"

Stage = Literal["connect", "ehlo", "starttls", "mail", "rcpt", "data", "content", "dot", "quit"]
"""content: while the mail's bytes arrive; dot: when all have arrived."""

Action = Literal["reply", "drop", "stall", "take_and_drop"]
"""reply: answer so; drop: close without an answer; stall: answer nothing more and keep the connection;
take_and_drop (dot only): record the mail, then close without an answer."""


class Fault(msgspec.Struct, kw_only=True):
    """One failure to come."""

    stage: Stage
    action: Action = "reply"
    reply: str = DEFAULT_REPLY
    """'421 ...' also closes the connection."""
    match: str = ""
    """The sender (mail, content, dot: or any recipient) or the recipient (rcpt), as address or '@domain'; '' is anybody."""
    times: int = -1
    """How often it happens; -1 is always."""


class Faults:
    """The failures still to come, in order; the first that fits happens."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Ask for a failure."""
        self._waiting.append(fault)

    def clear(self) -> None:
        """Ask for no failure any more."""
        self._waiting.clear()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def take(self, stage: Stage, subjects: Iterable[str] = ()) -> Fault | None:
        """Give the failure that happens now to one of these addresses, and count it."""
        for fault in self._waiting:
            if fault.stage == stage and (not fault.match or any(_fits(fault.match, subject) for subject in subjects)):
                fault.times -= 1
                if fault.times == 0:
                    self._waiting.remove(fault)
                return fault
        return None


def _fits(match: str, subject: str) -> bool:
    match, subject = match.lower(), subject.lower()
    return subject.endswith(match) if match.startswith("@") else subject == match
