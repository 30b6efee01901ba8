# SPDX-License-Identifier: Apache-2.0
"""What the incidents' room keeps and hands out: findings of checks, incidents, notices, webhooks.

A *finding* is what one look sees. An *incident* is a row: open from the first finding until it heals. Of a tenant, a kind and a
subject one is open at a time.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from gatepost.monitoring.kinds import thing

Level = Literal["message", "warning", "error"]
LEVELS: tuple[Level, ...] = ("message", "warning", "error")
"""By gravity; in the store 1, 2, 3."""
Event = Literal["opened", "changed", "healed"]
Channel = Literal["mail", "webhook"]
HOUSE = 0
"""The tenant that what concerns the whole house belongs to."""


def rank(level: Level) -> int:
    """Give a level's number in the store."""
    return LEVELS.index(level) + 1


class Finding(msgspec.Struct, frozen=True):
    """One thing that needs care, as a check sees it now."""

    kind: str
    subject: str
    """What it is about, as people know it: `berlin`, `berlin/example.com`. A gateway's name stands first."""
    level: Level
    details: dict[str, Any] = {}
    """Plain values for JSON; `kinds.Kind.details` says what they are called."""
    tenant_id: int = HOUSE
    domain: str = ""
    """The owned domain that it concerns, whose administrative address is told; '' is the house's."""


class Look(NamedTuple):
    """What one look of a check gave."""

    findings: tuple[Finding, ...] = ()
    unseen: tuple[str, ...] = ()
    """Beginnings of subjects (up to a `/`, or whole) that could not be looked at; of these nothing is known."""

    def covers(self, subject: str) -> bool:
        """Tell whether a subject could be looked at."""
        return not any(subject == one or subject.startswith(f"{one}/") for one in self.unseen)


class Incident(msgspec.Struct, frozen=True):
    """One row."""

    id: int
    tenant_id: int
    kind: str
    subject: str
    level: Level
    details: dict[str, Any]
    opened_at: float
    """Unix time, as all times here."""
    changed_at: float
    """When it was opened, its level changed, or it healed."""
    healed_at: float | None = None


Key = tuple[int, str]
"""tenant, subject; within one kind."""
Standing = Mapping[Key, Level]
"""The open incidents of one kind."""


class IncidentView(msgspec.Struct, frozen=True):
    """An incident as people are shown it: the row and the English sentences of its kind, which the web's words translate."""

    id: int
    kind: str
    subject: str
    level: Level
    title: str
    meaning: str
    what_to_do: str
    page: str
    """The path of the console's page that leads to it."""
    details: dict[str, Any]
    opened_at: float
    changed_at: float
    healed_at: float | None

    @property
    def about(self) -> str:
        """What it is about, for people; '' where its title says it all."""
        return thing(self.kind, self.subject)


class Notice(msgspec.Struct, frozen=True):
    """One telling of one change to one target; `trouble` says why it was not told yet."""

    id: int
    tenant_id: int
    incident_id: int
    channel: Channel
    target: str
    """The address, or the webhook's id."""
    content: str
    """A `Told` in JSON."""
    made_at: float
    due_at: float
    tries: int
    told_at: float | None
    batch: str
    trouble: str


class NoticeView(msgspec.Struct, frozen=True):
    """A notice as people are shown it."""

    channel: Channel
    target: str
    event: Event
    made_at: float
    told_at: float | None
    due_at: float
    tries: int
    given_up: bool
    trouble: str
    name: str = ""
    """The webhook's; '' for an address, and for a webhook that was removed."""


class Told(msgspec.Struct, frozen=True):
    """What a notice tells, as it was when it was made."""

    event: Event
    kind: str
    subject: str
    level: Level
    details: dict[str, Any]
    opened_at: float
    at: float
    domain: str = ""


class Webhook(msgspec.Struct, frozen=True):
    """Where incidents are posted to, as people are shown it; its secret is shown only to who makes it."""

    id: str
    name: str
    url: Annotated[str, Meta(description="Shortened: scheme, host and port, and a mark of the rest, which is a secret.")]
    enabled: bool
    created_at: float


class Counts(msgspec.Struct, frozen=True):
    """Open incidents by level."""

    message: int = 0
    warning: int = 0
    error: int = 0


class Page(msgspec.Struct, frozen=True):
    """A part of the history, newest first; `cursor` asks for the next part, None when there is none."""

    incidents: list[IncidentView]
    cursor: int | None


class Shown(msgspec.Struct, frozen=True):
    """One incident with who was told of it."""

    incident: IncidentView
    notices: list[NoticeView]


class Address(NamedTuple):
    """Who is told by mail, and who the mail is from; '' is nobody, and the null sender."""

    recipient: str
    sender: str


class Addressees(NamedTuple):
    """The administrative addresses of the configuration in force."""

    house: Address = Address("", "")
    domains: Mapping[str, Address] = {}

    def of(self, domain: str) -> Address:
        """Give the address for a domain, else the house's."""
        own = self.domains.get(domain)
        if own is None or not own.recipient:
            return Address(self.house.recipient, own.sender if own is not None and own.sender else self.house.sender)
        return own if own.sender else Address(own.recipient, self.house.sender)

    def sender_for(self, recipient: str) -> str:
        """Tell who a mail to an administrative address is from."""
        senders = (one.sender for one in self.domains.values() if one.recipient == recipient and one.sender)
        return self.house.sender if recipient == self.house.recipient else next(senders, self.house.sender)
