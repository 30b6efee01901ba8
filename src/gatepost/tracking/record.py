# SPDX-License-Identifier: Apache-2.0
"""What is told of a mail: a head when it was decided, then one outcome for each delivery attempt.

Both travel as compact msgpack arrays inside artefacts of kind `track` and are kept on the intranet. Fields are only ever
appended, with a default; `FORM` rises with each. The names of the exported JSON are `tracking.export`'s.
"""

from enum import IntEnum

import msgspec

FORM = 1
"""The version of these structures, as artefacts of kind `track` carry it."""


class Status(IntEnum):
    """What became of a mail as a whole; the numbers are those that administrators' scripts know."""

    NONE = 0
    SUCCESS = 1
    DISPATCHER_ERROR = 2
    TEMPORARILY_BLOCKED = 3
    PERMANENTLY_BLOCKED = 4
    DELIVERY_PENDING = 5
    PARTIAL_SUCCESS = 6
    SUPPRESSED = 7
    DUPLICATE_DROP = 8
    PUT_ON_HOLD = 9


class FilterEntry(msgspec.Struct, array_like=True, frozen=True):
    """What one filter had to do with the verdict."""

    name: str
    points: float
    """After clamp and multiplier: what it added to the SCL."""
    raw: float
    multiplier: int
    milliseconds: float
    message: str = ""
    error: str = ""
    """What it could not find out."""
    details: tuple[str, ...] = ()


class ActionEntry(msgspec.Struct, array_like=True, frozen=True):
    """What one action did; `decision` 0 went on, 2 refused for now, 3 refused for good."""

    name: str
    decision: int
    milliseconds: float
    message: str = ""
    error: str = ""


class OperationEntry(msgspec.Struct, array_like=True, frozen=True):
    """One thing that was found or done, with its data as a JSON document: `DmarcValidationEntry`."""

    kind: str
    data: bytes


class AttachmentEntry(msgspec.Struct, array_like=True, frozen=True):
    """One attached file, as far as the mail's structure tells."""

    name: str
    mime_type: str
    size: int


class TrackHead(msgspec.Struct, array_like=True, frozen=True):
    """A mail as it was decided. Times are Unix time, texts are one line and bounded (`tracking.bounds`)."""

    track: str
    tenant_id: int
    sent_at: float
    direction: str
    """inbound or outbound."""
    status: int
    message_id: str = ""
    subject: str = ""
    size: int = 0
    sender: str = ""
    """MAIL FROM; '' is the null sender."""
    header_from: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    reply: str = ""
    """What the client was told when it was refused."""
    reason: str = ""
    """Why, for the administrator."""
    rule: str = ""
    threshold: float = 0.0
    scl: float = 0.0
    """The unclamped sum."""
    gateway: str = ""
    connector: str = ""
    """The receive connector, `address:port`."""
    client: str = ""
    helo: str = ""
    tls_protocol: str = ""
    tls_cipher: str = ""
    milliseconds: float = 0.0
    """From the final dot to the verdict."""
    configuration_version: int = 0
    signed: bool = False
    encrypted: bool = False
    filters: tuple[FilterEntry, ...] = ()
    actions: tuple[ActionEntry, ...] = ()
    operations: tuple[OperationEntry, ...] = ()
    attachments: tuple[AttachmentEntry, ...] = ()
    count: int = 1
    """More than 1: so many refused mails of one client, rule and reason within a minute, told as one."""


class Attempt(msgspec.Struct, array_like=True, frozen=True):
    """One delivery attempt for some recipients of a mail."""

    at: float
    recipients: tuple[int, ...]
    """Places in the head's `recipients`; empty: all of them."""
    state: str
    """delivered, deferred, bounced, dropped."""
    reply: str = ""
    host: str = ""
    tls: str = ""
    connector: str = ""
    due_at: float = 0.0
    """When it is tried again; 0: never."""


class TrackOutcome(msgspec.Struct, array_like=True, frozen=True):
    """What one settlement recorded of a mail."""

    track: str
    tenant_id: int
    attempts: tuple[Attempt, ...]


class TrackChange(msgspec.Struct, array_like=True, frozen=True):
    """The payload of one artefact of kind `track`: a head, outcomes, or both in this order."""

    head: TrackHead | None
    outcomes: tuple[TrackOutcome, ...] = ()
