# SPDX-License-Identifier: Apache-2.0
"""Filters judge: they read a mail and give points with a reason. They change nothing and decide nothing.

Promises of every filter:

* `judge` never raises for what a mail, its sender or a name server can do; what it cannot find out it says
  in `Finding.failed`, and gives 0 points for it.
* It awaits only the resolver or service it was made with. Whoever calls it sets the time limit and may cancel it;
  a filter that was cancelled leaves nothing behind.
* It gives raw points. Clamping, multiplier and threshold are the rule's (`rules.decide`).
* The same mail and the same answers of the DNS give the same finding.
* What it says is made of sentences (`contracts.sentence`), so that pages can say it in another language.
"""

from typing import Literal, Protocol

import msgspec

from gatepost.contracts.judged import Direction, Judged
from gatepost.contracts.sentence import ANY, Sentence

Stage = Literal["envelope", "content"]

NO_CONTENT = Sentence(ANY, "the content is not here yet")
"""What a filter that reads the content says before there is any."""


class Finding(msgspec.Struct, frozen=True):
    """What one filter says of one mail."""

    filter: str
    points: float = 0.0
    """Raw: more is more suspicious, negative speaks for the mail."""
    message: str = ""
    """One line for people: what was found, not what to do."""
    details: tuple[str, ...] = ()
    """One line for each thing that scored."""
    failed: str = ""
    """What could not be found out and why; '' when all could."""


class Filter(Protocol):
    """A filter, made ready by its settings."""

    name: str
    """As rules and tracks call it: lower case with underscores."""
    stage: Stage
    """The earliest point at which it can judge: `envelope` filters need no content and may refuse before DATA."""
    directions: tuple[Direction, ...]
    """Where it has a function; a rule of another direction cannot take it."""

    lowest_points: float
    """The least raw points that it can give with its settings: how far it could still save a mail that others refuse."""

    async def judge(self, mail: Judged) -> Finding:
        """Judge a mail."""
