# SPDX-License-Identifier: Apache-2.0
"""Make the head of a track: what is kept of a mail once its verdict is known.

This runs for every mail while its client waits, so it reads each header field once and takes from the verdict what is
there already. Promises: never raises for what a mail brings; the encoded head without its recipients has at most
`bounds.MOST_BYTES`; ordinary mail is not cut.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from gatepost.config.limits import MessageLimits
from gatepost.contracts.authentication import Authentication
from gatepost.contracts.judged import Direction
from gatepost.message.addresses import Address
from gatepost.message.headers import Headers
from gatepost.message.mailboxes import parse_mailboxes
from gatepost.message.tree import Message
from gatepost.smtp.peer import Peer
from gatepost.smtp.replies import Reply
from gatepost.tracking.attachments import attachments
from gatepost.tracking.bounds import ADDRESS, MARK, MOST_BYTES, ORDINARY, TIGHT, Bounds, line, lines, message_id
from gatepost.tracking.codec import encode_head
from gatepost.tracking.operations import operations
from gatepost.tracking.record import FilterEntry, Status, TrackHead

_FROM_BYTES = 4096
_FROM_LIMITS = MessageLimits(addresses=16)


class Said(Protocol):
    """What one filter had to do with a verdict (`rules.decide.Reason`)."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def raw(self) -> float: ...  # noqa: D102
    @property
    def multiplier(self) -> int: ...  # noqa: D102
    @property
    def points(self) -> float: ...  # noqa: D102
    @property
    def message(self) -> str: ...  # noqa: D102
    @property
    def details(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def failed(self) -> str: ...  # noqa: D102


class Verdict(NamedTuple):
    """What was decided and why. `reply` is None for a mail that was taken."""

    status: Status
    reply: Reply | None = None
    reason: str = ""
    rule: str = ""
    threshold: float = 0.0
    scl: float = 0.0
    said: Sequence[Said] = ()
    milliseconds: Mapping[str, float] = {}
    """How long each filter took."""
    authentication: Authentication | None = None


class Decided(NamedTuple):
    """A mail, or an attempt to hand one over, as the journey knows it when it is decided."""

    track: str
    tenant_id: int
    at: float
    direction: Direction
    peer: Peer
    sender: Address | None
    recipients: Sequence[Address]
    verdict: Verdict
    gateway: str
    version: int
    """Of the configuration."""
    size: int = 0
    message: Message | None = None
    """None when it was refused before its content was read."""
    authors: Sequence[Address | None] | None = None
    """The From field's mailboxes where they were read already."""
    milliseconds: float = 0.0


class Report(NamedTuple):
    """A report of our own making, from the null sender."""

    track: str
    tenant_id: int
    at: float
    direction: Direction
    recipient: Address
    about: str
    """The track of the mail that it reports on."""
    gateway: str
    version: int


def encoded_head(decided: Decided) -> bytes:
    """Give the head of a mail's track, encoded."""
    encoded = encode_head(_head(decided, ORDINARY))
    if len(encoded) > MOST_BYTES and len(encoded) - sum(len(str(one).encode()) + 2 for one in decided.recipients) > MOST_BYTES:
        return encode_head(_head(decided, TIGHT))
    return encoded


def encoded_report_head(report: Report, content: bytes) -> bytes:
    """Give the head of a report that the gateway itself has made; `content` is the report's own."""
    headers = Headers(content[: content.find(b"\r\n\r\n") + 2])
    head = TrackHead(
        report.track,
        report.tenant_id,
        report.at,
        report.direction,
        Status.DELIVERY_PENDING,
        message_id(headers.text("message-id")),
        line(headers.decoded("subject"), ORDINARY.subject),
        len(content),
        recipients=(line(str(report.recipient), ADDRESS),),
        reason=f"a report about {line(report.about, ORDINARY.name)}",
        gateway=line(report.gateway, ORDINARY.name),
        configuration_version=report.version,
    )
    return encode_head(head)


def _head(decided: Decided, bounds: Bounds) -> TrackHead:
    verdict, peer, message = decided.verdict, decided.peer, decided.message
    tls_protocol, _, tls_cipher = peer.tls.partition(" ")
    headers = message.headers if message is not None else None
    return TrackHead(
        decided.track,
        decided.tenant_id,
        decided.at,
        decided.direction,
        verdict.status,
        message_id(headers.text("message-id")) if headers is not None else "",
        line(headers.decoded("subject"), bounds.subject) if headers is not None else "",
        decided.size,
        line(str(decided.sender), ADDRESS) if decided.sender is not None else "",
        _authors(decided, bounds) if message is not None else (),
        tuple([line(f"{local}@{domain}" if domain else local, ADDRESS) for local, domain in decided.recipients]),
        line(str(verdict.reply), bounds.reply) if verdict.reply is not None else "",
        line(verdict.reason, bounds.reason),
        line(verdict.rule, bounds.name),
        verdict.threshold,
        verdict.scl,
        line(decided.gateway, bounds.name),
        line(peer.listener, bounds.name),
        peer.address,
        line(peer.helo, bounds.name),
        tls_protocol,
        tls_cipher,
        decided.milliseconds,
        decided.version,
        filters=tuple([_filter(one, verdict.milliseconds.get(one.name, 0.0), bounds) for one in verdict.said]),
        operations=operations(verdict.authentication, bounds) if verdict.authentication is not None else (),
        attachments=attachments(message, bounds) if message is not None else (),
    )


def _filter(said: Said, milliseconds: float, bounds: Bounds) -> FilterEntry:
    most = bounds.message
    return FilterEntry(
        line(said.name, bounds.name),
        said.points,
        said.raw,
        said.multiplier,
        milliseconds,
        line(said.message, most) if said.message else "",
        line(said.failed, most) if said.failed else "",
        lines(said.details, most, bounds.details) if said.details else (),
    )


def _authors(decided: Decided, bounds: Bounds) -> tuple[str, ...]:
    authors = decided.authors
    if authors is None:
        authors = _read_authors(decided.message)
    if len(authors) == 1:
        return () if authors[0] is None else (line(str(authors[0]), ADDRESS),)
    kept: list[str] = []
    room = bounds.author_bytes
    for author in authors:
        shown = line(str(author), ADDRESS) if author is not None else MARK  # one that cannot be read is no author of any rule
        room -= len(shown.encode())
        if len(kept) == bounds.authors or room < 0:
            return (*kept, MARK)
        kept.append(shown)
    return tuple(kept)


def _read_authors(message: Message | None) -> list[Address | None]:
    """Read the authors of a mail that was refused before its rule was chosen; of a hostile From field its beginning only."""
    field = message.headers.first("from") if message is not None else None
    return [one.address for one in parse_mailboxes(field.raw[:_FROM_BYTES], _FROM_LIMITS).mailboxes] if field is not None else []
