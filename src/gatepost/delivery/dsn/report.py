# SPDX-License-Identifier: Apache-2.0
"""Build the report that tells a mail's sender what became of it (RFC 3461 §6, RFC 3464, RFC 6522).

    multipart/report; report-type=delivery-status
    ├── text/plain                  for people
    ├── message/delivery-status     for machines
    └── message/rfc822 or text/rfc822-headers     the mail, or its headers

Promises: MAIL FROM is `<>` and NOTIFY is NEVER, so a report never causes another; nothing that came from outside
can begin a header field, end a part or reach the envelope of the report. To an ASCII sender all of the report but the
returned mail is ASCII; a sender with other characters gets the forms of RFC 6533, and needs SMTPUTF8 anyhow.
"""

import binascii
import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gatepost.config.limits import DeliveryLimits
from gatepost.delivery.dsn.fate import Fate, asked_for
from gatepost.delivery.dsn.fields import date, delivery_status
from gatepost.delivery.dsn.original import Returned, header_block, returned
from gatepost.delivery.dsn.plain import harmless
from gatepost.delivery.dsn.policy import may_report
from gatepost.delivery.dsn.texts import Language, subject, text, worst
from gatepost.delivery.queue.record import Body, Direction, NewMail
from gatepost.message.addresses import Address
from gatepost.smtp.envelope import Envelope, Recipient

_HOUR_S = 3600.0


class _Frame(NamedTuple):
    now: float
    hostname: str
    track: str
    language: Language


def report_for(
    mail: NewMail,
    fates: Sequence[Fate],
    now: float,
    hostname: str,
    track_factory: Callable[[], str],
    *,
    direction_of: Callable[[str], Direction],
    limits: DeliveryLimits,
    language: Language = "en",
    untrusted_body: bytes | None = None,
    authenticated: bool | None = None,
) -> NewMail | None:
    """Give the report about those fates that the sender wants and may hear of; None when there is none.

    `direction_of` tells by the sender's domain whether the report goes inwards or outwards. `untrusted_body` is the
    body of a mail whose body is a blob, or its beginning of at least 64 KiB; `authenticated` is as in `may_report`.
    """
    told = [fate for fate in fates if asked_for(fate)]
    sender = mail.envelope.sender
    if not told or sender is None:
        return None
    body = mail.body.inline if untrusted_body is None else untrusted_body
    direction = direction_of(sender.domain)
    external = mail.direction == "inbound" and direction == "outbound"
    if not may_report(mail, header_block(body), external=external, authenticated=authenticated):
        return None
    track = track_factory()
    back = returned(mail, body, may_be_full=worst(told) == "failed")
    content = _content(mail, told, sender, _Frame(now, hostname, track, language), back)
    expire_h = limits.expire_inbound_h if direction == "inbound" else limits.expire_outbound_h
    return NewMail(
        track=track,
        tenant_id=mail.tenant_id,
        direction=direction,
        received_at=now,
        expires_at=now + expire_h * _HOUR_S,
        client="",
        helo=hostname,
        envelope=Envelope(
            sender=None,
            body="" if content.isascii() else "8BITMIME",
            smtputf8=not sender.is_ascii,
            recipients=[Recipient(sender, notify="NEVER")],
        ),
        trace=b"",
        body=Body(len(content), inline=content, eight_bit=not content.isascii()),
    )


def _content(mail: NewMail, told: Sequence[Fate], sender: Address, frame: _Frame, back: Returned) -> bytes:
    """Write the whole report, CRLF-ended."""
    now, hostname, track, language = frame
    international = not sender.is_ascii
    status = delivery_status(mail, told, hostname, international=international).encode("utf-8", "replace")
    people = _quoted_printable(text(told, hostname, language, full=back.full))
    boundary = _boundary(track, back.content)
    head = (
        f"Date: {date(now)}\r\n"
        f"From: Mail Delivery System <MAILER-DAEMON@{hostname}>\r\n"
        f"To: <{harmless(str(sender))}>\r\n"
        f"Subject: {subject(told, language)}\r\n"
        f"Message-ID: <{track}@{hostname}>\r\n"
        "Auto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="{boundary}"\r\n'
    )
    if not (status.isascii() and back.content.isascii()):
        head += "Content-Transfer-Encoding: 8bit\r\n"
    parts = (
        (f"text/plain; charset=utf-8\r\nContent-Language: {language}", "quoted-printable", people),
        (f"message/{'global-' if international else ''}delivery-status", "7bit" if status.isascii() else "8bit", status),
        (back.content_type, back.encoding, back.content),
    )
    pieces = [head.encode("utf-8", "replace"), b"\r\n"]
    for content_type, encoding, content in parts:
        pieces.append(f"--{boundary}\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode("ascii"))
        pieces += (content, b"\r\n")
    pieces.append(f"--{boundary}--\r\n".encode("ascii"))
    return b"".join(pieces)


def _boundary(track: str, content: bytes) -> str:
    """Give a boundary that stands nowhere in what is returned."""
    stem = "".join(one for one in track if one.isascii() and one.isalnum())[:40]
    return next(one for one in (f"=_{stem}_{number}" for number in itertools.count()) if one.encode("ascii") not in content)


def _quoted_printable(readable: str) -> bytes:
    lines = readable.encode("utf-8", "replace").split(b"\r\n")
    return b"\r\n".join(binascii.b2a_qp(line, istext=True).replace(b"=\n", b"=\r\n") for line in lines)
