# SPDX-License-Identifier: Apache-2.0
"""What a session asks of the world. Each event waits for `Session.answer`."""

from typing import NamedTuple

from gatepost.smtp.envelope import Envelope, Recipient
from gatepost.smtp.replies import Reply


class MailFrom(NamedTuple):
    """MAIL was well formed: may this sender open a transaction?"""

    envelope: Envelope


class RcptTo(NamedTuple):
    """RCPT was well formed: may the mail go to this recipient?"""

    envelope: Envelope
    recipient: Recipient


class ContentBegins(NamedTuple):
    """DATA or the first BDAT came in order: may content follow? 354 is a yes to DATA, 250 to BDAT."""

    envelope: Envelope


class ContentEnds(NamedTuple):
    """A whole mail was read and has no fault of line ends or size; its content is in `Session.content`."""

    envelope: Envelope
    size: int
    eight_bit: bool


class ContentRefused(NamedTuple):
    """A whole mail was read and cannot be taken: take note, and answer with `reply`."""

    envelope: Envelope
    reply: Reply


class StartTls(NamedTuple):
    """STARTTLS came in order. The answer goes out in plain; then the world begins the handshake and calls `Session.encrypted`."""


class Authenticate(NamedTuple):
    """Credentials came over TLS: are they good? `password` must not be kept or logged."""

    user: str
    password: str


Event = MailFrom | RcptTo | ContentBegins | ContentEnds | ContentRefused | StartTls | Authenticate
