# SPDX-License-Identifier: Apache-2.0
"""A mail that the house itself writes to an administrator: queued and tracked like a report, with no client and no verdict."""

from collections.abc import Callable
from typing import NamedTuple

from gatepost.config.limits import DeliveryLimits
from gatepost.contracts.sentence import DECISION, Sentence
from gatepost.delivery.queue.record import Body, NewMail
from gatepost.errors import UsageError
from gatepost.message.addresses import Address
from gatepost.message.headers import Headers
from gatepost.smtp.envelope import Envelope, Recipient
from gatepost.smtp.session.paths import parse_path
from gatepost.tracking.bounds import ADDRESS, ORDINARY, line, message_id
from gatepost.tracking.codec import encode_head
from gatepost.tracking.record import Status, TrackHead

MOST_BYTES = 262_144
_HOUR_S = 3600.0
_NOTICE = Sentence(DECISION, "a notice to an administrator")
_BARE = frozenset(b"\r\n\0")


class Site(NamedTuple):
    """What a notice is queued by."""

    hostname: str
    version: int
    """Of the configuration."""
    limits: DeliveryLimits
    is_owned: Callable[[str], bool]


class Written(NamedTuple):
    """A mail that may be queued."""

    sender: Address | None
    """None is the null sender: nobody hears that it could not be delivered."""
    recipient: Address
    content: bytes


class Notice(NamedTuple):
    """A mail of our own, with its place."""

    track: str
    tenant_id: int
    at: float
    written: Written


def checked(untrusted_sender: str, untrusted_recipient: str, untrusted_content: bytes) -> Written:
    """Give what may be queued. Raises: UsageError."""
    recipient = parse_path(untrusted_recipient)
    sender = parse_path(untrusted_sender) if untrusted_sender else None
    if recipient is None or not recipient.domain:
        raise UsageError(f"recipient: {untrusted_recipient[:60]!r} is no mail address")
    if untrusted_sender and (sender is None or not sender.domain):
        raise UsageError(f"sender: {untrusted_sender[:60]!r} is no mail address")
    if not isinstance(untrusted_content, bytes) or len(untrusted_content) > MOST_BYTES or b"\r\n\r\n" not in untrusted_content:
        raise UsageError(f"content: is a mail of at most {MOST_BYTES >> 10} KiB")
    if not _BARE.isdisjoint(untrusted_content.replace(b"\r\n", b"")):
        raise UsageError("content: has a line end that is not CRLF, or a NUL")
    return Written(sender, recipient, untrusted_content)


def queued(notice: Notice, site: Site) -> NewMail:
    """Give what the queue takes."""
    sender, recipient, content = notice.written
    inwards = site.is_owned(recipient.domain)
    expire_h = site.limits.expire_inbound_h if inwards else site.limits.expire_outbound_h
    eight_bit = not content.isascii()
    international = not recipient.is_ascii or (sender is not None and not sender.is_ascii)
    return NewMail(
        track=notice.track,
        tenant_id=notice.tenant_id,
        direction="inbound" if inwards else "outbound",
        received_at=notice.at,
        expires_at=notice.at + expire_h * _HOUR_S,
        client="",
        helo=site.hostname,
        envelope=Envelope(
            sender=sender,
            body="8BITMIME" if eight_bit else "",
            smtputf8=international,
            recipients=[Recipient(recipient, notify="" if sender is not None else "NEVER")],
        ),
        trace=b"",
        body=Body(len(content), inline=content, eight_bit=eight_bit),
        head=_head(notice, "inbound" if inwards else "outbound", site),
    )


def _head(notice: Notice, direction: str, site: Site) -> bytes:
    sender, recipient, content = notice.written
    headers = Headers(content[: content.find(b"\r\n\r\n") + 2])
    return encode_head(
        TrackHead(
            notice.track,
            notice.tenant_id,
            notice.at,
            direction,
            Status.DELIVERY_PENDING,
            message_id(headers.text("message-id")),
            line(headers.decoded("subject"), ORDINARY.subject),
            len(content),
            sender=line(str(sender), ADDRESS) if sender is not None else "",
            recipients=(line(str(recipient), ADDRESS),),
            reason=_NOTICE.text,
            gateway=line(site.hostname, ORDINARY.name),
            configuration_version=site.version,
        )
    )
