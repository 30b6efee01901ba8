# SPDX-License-Identifier: Apache-2.0
"""What the queue keeps and hands out: mail, variant, recipient (ARCHITECTURE.md, "The queue").

*Mail* is what was received, with one track. A *variant* is one body and the recipients that get it;
untouched mail has one variant that shares the mail's bytes. A *recipient* has a state of its own.
All are plain values: they cross the socket between `receive` and `deliver` as msgpack arrays.
"""

from typing import Literal

import msgspec

from gatepost.smtp.envelope import Envelope, Recipient

Direction = Literal["inbound", "outbound"]


class Body(msgspec.Struct, array_like=True, frozen=True):
    """A mail's bytes: `inline`, or the name of a blob in the blob store; never both."""

    size: int
    inline: bytes = b""
    blob: str = ""
    eight_bit: bool = False


class NewMail(msgspec.Struct, array_like=True, frozen=True):
    """A mail as `receive` hands it over for commit. `trace` is our header block, CRLF-ended, to go before the body."""

    track: str
    tenant_id: int
    direction: Direction
    received_at: float
    expires_at: float
    client: str
    helo: str
    envelope: Envelope
    trace: bytes
    body: Body
    defects: tuple[str, ...] = ()
    head: bytes = b""
    """What the track tells of the mail, as one msgpack value that nobody here looks into; empty: no track is written."""


class ClaimedRecipient(msgspec.Struct, array_like=True, frozen=True):
    """A recipient that a holder may deliver to now; `fence` must come back with its settlement."""

    id: int
    fence: int
    recipient: Recipient
    attempts: int
    """Attempts made before this one."""
    first_failure_at: float = 0.0


class ClaimedMail(msgspec.Struct, array_like=True, frozen=True):
    """One variant with the recipients of it that were claimed together."""

    mail_id: int
    variant_id: int
    mail: NewMail
    recipients: tuple[ClaimedRecipient, ...]


class Outcome(msgspec.Struct, array_like=True, frozen=True):
    """What became of one claimed recipient in one attempt.

    delivered: the next hop took it. deferred: try again at `due_at`. bounced: given up; the report
    that tells the sender is part of the same settlement. dropped: an administrator removed it.
    released: not tried (no room, route down, process ending); due again at `due_at`, at once when that is 0, attempt not counted.
    """

    id: int
    fence: int
    state: Literal["delivered", "deferred", "bounced", "dropped", "released"]
    due_at: float = 0.0
    reply: str = ""
    host: str = ""


class Settlement(msgspec.Struct, array_like=True, frozen=True):
    """The outcomes of one attempt, the reports they cause and what the track tells of them: one transaction."""

    mail_id: int
    variant_id: int
    outcomes: tuple[Outcome, ...]
    reports: tuple[NewMail, ...] = ()
    outcome: bytes = b""
    """What the track tells of this attempt, as one msgpack value that nobody here looks into; empty: nothing."""


def place(mail_id: int, recipient_id: int) -> int:
    """Give a recipient's place among all recipients of its mail's envelope, from 0, however few of them are claimed."""
    return recipient_id - mail_id - 2


class QueueLine(msgspec.Struct, frozen=True):
    """One destination domain's queue, as `gatepost queue list` shows it."""

    domain: str
    waiting: int
    """Recipients that wait for their next attempt."""
    sending: int
    """Recipients that are claimed by a holder."""
    oldest_at: float
    next_due_at: float


class QueuedRecipient(msgspec.Struct, frozen=True):
    """One recipient, as `gatepost queue show` shows it."""

    track: str
    tenant_id: int
    sender: str
    recipient: str
    direction: str
    state: str
    attempts: int
    received_at: float
    due_at: float
    expires_at: float
    size_bytes: int
    last_reply: str
    last_host: str
