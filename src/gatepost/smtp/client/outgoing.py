# SPDX-License-Identifier: Apache-2.0
"""One mail for one next hop, and the commands that hand it over.

Parameters are said where the next hop offers their extension: SIZE (RFC 1870), BODY (RFC 6152),
SMTPUTF8 (RFC 6531), RET, ENVID, NOTIFY and ORCPT as they were received (RFC 3461).
"""

from typing import NamedTuple

from gatepost.smtp.client.capabilities import Capabilities
from gatepost.smtp.envelope import Envelope, Recipient


class Outgoing(NamedTuple):
    """What a transaction needs to know of a mail. `envelope.recipients` does not count, `recipients` does."""

    envelope: Envelope
    recipients: tuple[Recipient, ...]
    trace: bytes
    """Header block that goes before the body, CRLF-ended."""
    size: int
    """Bytes of the body, without the trace."""
    inline: bytes = b""
    streamed: bool = False
    """Whether the body comes in pieces instead of `inline`."""
    eight_bit: bool = False


def mail_command(mail: Outgoing, offered: Capabilities) -> str:
    """Write MAIL with the parameters the next hop can take."""
    envelope = mail.envelope
    command = f"MAIL FROM:<{envelope.sender or ''}>"
    if offered.size:
        command += f" SIZE={len(mail.trace) + mail.size}"
    if mail.eight_bit and offered.eight_bit:
        command += " BODY=8BITMIME"
    if offered.smtputf8 and needs_smtputf8(mail):
        command += " SMTPUTF8"
    if offered.dsn:
        if envelope.ret:
            command += f" RET={envelope.ret}"
        if envelope.envid:
            command += f" ENVID={envelope.envid}"
    return command + "\r\n"


def rcpt_command(recipient: Recipient, offered: Capabilities) -> str:
    """Write RCPT; without DSN its parameters are left out (RFC 3461 §5.2.2)."""
    command = f"RCPT TO:<{recipient.address}>"
    if offered.dsn:
        if recipient.notify:
            command += f" NOTIFY={recipient.notify}"
        if recipient.orcpt and (offered.smtputf8 or recipient.orcpt.isascii()):  # RFC 6533 §3
            command += f" ORCPT={recipient.orcpt}"
    return command + "\r\n"


def needs_smtputf8(mail: Outgoing) -> bool:
    """Tell whether the mail was marked as internationalised, or an address of it is (RFC 6531 §3.6)."""
    return mail.envelope.smtputf8 or not sender_is_ascii(mail) or any(not rcpt.address.is_ascii for rcpt in mail.recipients)


def sender_is_ascii(mail: Outgoing) -> bool:
    """Tell whether the reverse-path can travel without SMTPUTF8."""
    sender = mail.envelope.sender
    return sender is None or sender.is_ascii
