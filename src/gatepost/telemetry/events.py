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
    kept: ClassVar[bool] = False
    """Whether administrators find it in the event log too; what is of level warning or error they always do."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.level in ("warning", "error"):
            cls.kept = True


class ProcessStarted(Event):
    """A process is ready for its work."""

    name = "process.started"
    kept = True
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
    kept = True
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
    helo: str = ""
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


class TracksLost(Event):
    """Tracks of refused mails were given up: more came than could be kept until they were stored."""

    name = "tracking.lost"
    level = "warning"
    where: str
    tracks: int


class CommandDone(Event):
    """Another role, or somebody on this machine, gave a command: what became of it. A repeated one was not carried out again."""

    name = "command.done"
    kept = True
    peer: str
    operation: str
    id: str
    outcome: Literal["done", "refused", "repeated"]
    reason: str


class LinkTrouble(Event):
    """A link to another role does not work, or what it tells cannot be applied; it is tried again, nothing is lost."""

    name = "link.trouble"
    level = "warning"
    link: str
    reason: str


class LinkRestored(Event):
    """A link to another role works, at first or again after trouble."""

    name = "link.restored"
    kept = True
    link: str
    store: str


class PeerRefused(Event):
    """Somebody who wanted to call this role over the network was turned away."""

    name = "link.peer_refused"
    level = "warning"
    client: str
    reason: str


class RolePaired(Event):
    """A one-time token was used: this certificate may call this role from now on."""

    name = "role.paired"
    kept = True
    peer: str
    fingerprint: str
    client: str


class RoleParted(Event):
    """A role's certificate is no longer trusted here, or this role no longer calls that one."""

    name = "role.parted"
    kept = True
    peer: str
    fingerprint: str


class ConfigurationMade(Event):
    """A version of the configuration was made on the intranet, by an import, an apply or a rollback."""

    name = "configuration.made"
    kept = True
    version: int
    author: str
    reason: str
    changes: int


class ConfigurationTaken(Event):
    """A process works with another version of the configuration from now on."""

    name = "configuration.taken"
    kept = True
    process: str
    version: int
    before: int


class ConfigurationKept(Event):
    """A process could not work with a newer version of the configuration and keeps the one it has."""

    name = "configuration.kept"
    level = "error"
    version: int
    newer: int
    reason: str


class SeedIgnored(Event):
    """The file that `configuration` in the bootstrap file names was changed after it was imported; that changes nothing."""

    name = "configuration.seed_ignored"
    level = "warning"
    path: str
    mend: str = "use gatepost config apply"


class TracksRefused(Event):
    """Another role told of mails in a way that is no track; `reason` is the last one's. They are not kept."""

    name = "tracking.refused"
    level = "warning"
    tracks: int
    reason: str


class TracksStray(Event):
    """Tracks of these days found no partition of their own and had to be moved; the intranet was not running, or a clock is wrong."""

    name = "tracking.stray"
    level = "warning"
    days: list[str]


class TracksDropped(Event):
    """The summaries (and so all), or only the details, of these days are kept no longer."""

    name = "tracking.dropped"
    kept = True
    what: str
    days: list[str]


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


class EventsLost(Event):
    """More happened than the event log takes from one process within a minute, or while its way was blocked; that process's log has it."""

    name = "events.lost"
    level = "warning"
    events: int


class EventsRefused(Event):
    """Another role told of events in a way that nobody here can read; `reason` is the last one's. They are not kept."""

    name = "events.refused"
    level = "warning"
    batches: int
    reason: str


class IncidentOpened(Event):
    """Something needs care; the incident stays open until a look finds it no more."""

    name = "incident.opened"
    level = "warning"
    id: int
    tenant: int
    kind: str
    subject: str
    severity: str
    details: dict[str, object]


class IncidentChanged(Event):
    """An open incident became graver or less grave."""

    name = "incident.changed"
    level = "warning"
    id: int
    tenant: int
    kind: str
    subject: str
    severity: str
    details: dict[str, object]


class IncidentHealed(Event):
    """An incident is over: it was not found any more."""

    name = "incident.healed"
    id: int
    tenant: int
    kind: str
    subject: str
    severity: str
    details: dict[str, object]


class CheckTrouble(Event):
    """A check for incidents could not look; nothing opens and nothing heals by it meanwhile."""

    name = "incident.check_trouble"
    level = "warning"
    kind: str
    reason: str


class NoticeSent(Event):
    """Somebody was told of incidents: by mail, which a gateway has taken into its queue, or by webhook."""

    name = "incident.notice_sent"
    channel: str
    target: str
    notices: int


class NoticeTrouble(Event):
    """Somebody could not be told of incidents; it is tried again for three days, then given up."""

    name = "incident.notice_trouble"
    level = "warning"
    channel: str
    target: str
    notices: int
    reason: str
    given_up: bool


class ConsoleServed(Event):
    """The console can be reached at this address."""

    name = "console.served"
    address: str


class SignInRefused(Event):
    """Somebody could not sign in, or prove himself once more; `account` is '' where there is none of the name he gave."""

    name = "access.sign_in_refused"
    level = "warning"
    account: str
    client: str
    reason: str


class AccountLocked(Event):
    """Failures in a row locked an administrator's account; `until` is Unix time."""

    name = "access.account_locked"
    level = "warning"
    account: str
    client: str
    until: float
    mend: str = "it unlocks by itself; gatepost people admin NAME --unlock is sooner"


class SignInTrouble(Event):
    """An administrator cannot sign in by no fault of his own: his second proof cannot be read."""

    name = "access.sign_in_trouble"
    level = "error"
    account: str
    reason: str


class RouteDown(Event):
    """A next hop has failed several mails in a row: its mails wait, and one is tried a minute. `reason` is the last failure."""

    name = "delivery.route_down"
    level = "warning"
    route: str
    reason: str


class RouteReached(Event):
    """A next hop that was down answers again, or it has no mails any more."""

    name = "delivery.route_reached"
    kept = True
    route: str


class TokenRefused(Event):
    """A call of the API came without a token that is good."""

    name = "access.token_refused"
    level = "warning"
    client: str


class ProcessNotStarted(Event):
    """The system refused to make a process, as when it has no memory left; it is tried again."""

    name = "process.not_started"
    level = "error"
    process: str
    reason: str
    restart_in_s: float


class ProcessKilled(Event):
    """A process was told to end, did not within this time, and was killed; what it had begun is begun anew at the next start."""

    name = "process.killed"
    level = "warning"
    process: str
    after_s: float


class CertificateTaken(Event):
    """The files of a process's certificate and key had changed; whoever connects from now on is shown the new one."""

    name = "tls.certificate_taken"
    kept = True
    process: str
    certificate: str
    sha256: str
    ends_at: float


class CertificateKept(Event):
    """The files of a process's certificate and key had changed, but cannot be used; the pair so far is shown on."""

    name = "tls.certificate_kept"
    level = "warning"
    process: str
    certificate: str
    reason: str
