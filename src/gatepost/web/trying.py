# SPDX-License-Identifier: Apache-2.0
"""What pages may have tried: a configuration on the last day's mail, one mail on a configuration. Done by rooms above the web."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from gatepost.config.configuration import Configuration
from gatepost.contracts.actor import Actor
from gatepost.rules.replay_tally import Replay


class Replaying(Protocol):
    """Judges the tracks of a period anew."""

    def run(
        self, configuration: Configuration, *, tenant_id: int = 0, after: float | None = None, before: float | None = None
    ) -> AsyncIterator[Replay]:
        """Give what is found so far, again and again; the last answer is the whole one. Raises: GatepostError."""

    async def whole(
        self, configuration: Configuration, *, tenant_id: int = 0, after: float | None = None, before: float | None = None
    ) -> Replay:
        """Give the whole answer at once. Raises: GatepostError."""

    def draft(self, actor: Actor) -> AsyncIterator[Replay]:
        """Try somebody's draft on the last day's mail. Raises: as `run`."""


class Question(NamedTuple):
    """Who brings a mail, and its envelope; addresses as somebody typed them."""

    client_ip: str
    helo: str
    mail_from: str
    recipients: tuple[str, ...]


class RuleTold(NamedTuple):
    """One rule, and whether it owns the mail; `matches` is None where the author in From decides."""

    rule: str
    matches: bool | None
    why: str


class PointsTold(Protocol):
    """What one filter had to do with a verdict."""

    @property
    def name(self) -> str:
        """The filter."""

    @property
    def raw(self) -> float:
        """As the filter gave it."""

    @property
    def multiplier(self) -> int:
        """What the rule makes of it."""

    @property
    def points(self) -> float:
        """Their product, within bounds."""

    @property
    def message(self) -> str:
        """What was found."""

    @property
    def details(self) -> Sequence[str]:
        """The same in detail."""

    @property
    def failed(self) -> str:
        """Why it could not find out."""

    @property
    def ms(self) -> float:
        """How long it took."""


class Verdict(Protocol):
    """What would become of a mail."""

    @property
    def verdict(self) -> str:
        """accepted, refused, deferred or discarded."""

    @property
    def reply(self) -> str:
        """What the client would be told."""

    @property
    def direction(self) -> str:
        """inbound or outbound; '' where it was not known yet."""

    @property
    def rule(self) -> str:
        """The rule that owns it; '' where it was decided before any did."""

    @property
    def threshold(self) -> float:
        """The points that refuse it."""

    @property
    def scl(self) -> float:
        """The sum of its points."""

    @property
    def filters(self) -> Sequence[PointsTold]:
        """What each filter gave."""

    @property
    def stage(self) -> str:
        """Where it was decided: mail, rcpt, data or content."""


class Trials(NamedTuple):
    """What can be tried on a configuration; nothing is sent, nothing is kept. Both raise GatepostError."""

    explain: Callable[[Question, Configuration], Awaitable[list[RuleTold]]]
    """Tells of each rule, from the first on, whether it would own a mail; ends with the one that does."""
    judge: Callable[[bytes, Question, Configuration, int], Awaitable[Verdict]]
    """Judges a mail as a file holds it for a tenant, within bounds of size and time."""
