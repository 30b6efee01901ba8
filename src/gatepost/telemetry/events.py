# SPDX-License-Identifier: Apache-2.0
"""The catalogue of events: each thing worth telling, once, with its name, its level and its fields.

Logs are written from here; counters and tracks will read the same events. Names are stable: renaming
one is a breaking change. Addresses are fields of their own so that a policy can redact them. Secrets,
bodies and key material never appear.
"""

from typing import ClassVar, Literal

import msgspec

Level = Literal["debug", "info", "warning", "error"]


class Event(msgspec.Struct, kw_only=True):
    """One thing that happened."""

    name: ClassVar[str]
    level: ClassVar[Level] = "info"


class ProcessStarted(Event):
    """A process is ready for its work."""

    name = "process.started"
    process: str
    pid: int


class ProcessEnded(Event):
    """A process ended; `status` is its exit code, or minus the signal's number."""

    name = "process.ended"
    level = "warning"
    process: str
    status: int
    restart_in_s: float


class ProcessDraining(Event):
    """A process was told to end and finishes what it has begun."""

    name = "process.draining"
    process: str


class MailReceived(Event):
    """A mail was committed and answered with 250."""

    name = "mail.received"
    track: str
    client: str
    sender: str
    recipients: int
    size_bytes: int
    direction: str
    defects: list[str]
    rule: str = ""
    scl: float = 0.0
    points: dict[str, float] = {}
    failed: dict[str, str] = {}


class MailRefused(Event):
    """A command or a mail was refused; the reply is what the client saw, the reason is ours."""

    name = "mail.refused"
    client: str
    sender: str
    recipient: str
    reply: str
    reason: str
    track: str = ""
    rule: str = ""
    scl: float = 0.0
    points: dict[str, float] = {}
    failed: dict[str, str] = {}


class SessionEnded(Event):
    """A session was ended by us before its QUIT."""

    name = "session.ended"
    client: str
    reason: str


class DeliveryDone(Event):
    """One attempt reached an end for these recipients."""

    name = "delivery.done"
    track: str
    queue: str
    host: str
    outcome: str
    recipients: int
    reply: str
    tls: str
    attempt: int


class SettlementStale(Event):
    """A settlement carried an old fencing number and was discarded."""

    name = "delivery.stale_settlement"
    level = "warning"
    track: str
    recipient: str


class ReportSent(Event):
    """A delivery status notification was queued for the sender."""

    name = "delivery.report"
    track: str
    report: str
    action: str
    recipients: int


class RecipientAsked(Event):
    """A next hop was asked whether a recipient exists; the reply is its own, or what went wrong without one."""

    name = "recipient.asked"
    tenant: int
    recipient: str
    existence: Literal["known", "unknown", "no_answer"]
    host: str
    reply: str


class StoreTrouble(Event):
    """The store could not do its work; mail is answered 451 or 452 meanwhile."""

    name = "store.trouble"
    level = "error"
    what: str
    reason: str


class Unexpected(Event):
    """A surprise reached a process's border: a defect of ours, with where it happened."""

    name = "process.unexpected"
    level = "error"
    where: str
    error: str
    traceback: str
