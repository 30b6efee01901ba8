# SPDX-License-Identifier: Apache-2.0
"""The part of a report that machines read: message/delivery-status (RFC 3464 §2), or its form with UTF-8 (RFC 6533 §4)."""

from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime

from gatepost.delivery.dsn.fate import Fate
from gatepost.delivery.dsn.plain import decoded_xtext, embedded, folded, harmless
from gatepost.delivery.queue.record import NewMail
from gatepost.message.addresses import Address

LONGEST_VALUE = 900
"""Characters of a value that cannot be folded; a longer one is left out (RFC 5322 §2.1.1: 998 in a line)."""


def delivery_status(mail: NewMail, fates: Iterable[Fate], hostname: str, *, international: bool) -> str:
    """Write the fields of the mail and, after a blank line each, of its recipients; CRLF-ended."""
    head = f"Reporting-MTA: dns; {hostname}\r\n"
    envelope_id = decoded_xtext(mail.envelope.envid)
    if envelope_id and len(envelope_id) <= LONGEST_VALUE:
        head = f"Original-Envelope-Id: {envelope_id}\r\n{head}"
    head += f"Arrival-Date: {date(mail.received_at)}\r\n"
    return head + "".join(f"\r\n{_recipient(fate, international=international)}" for fate in fates)


def _recipient(fate: Fate, *, international: bool) -> str:
    lines = ""
    original = original_recipient(fate.recipient.orcpt, international=international)
    if original and len(original) <= LONGEST_VALUE:
        lines += f"Original-Recipient: {original}\r\n"
    lines += f"Final-Recipient: {final_recipient(fate.recipient.address, international=international)}\r\n"
    lines += f"Action: {fate.action}\r\nStatus: {fate.status}\r\n"
    if fate.host:
        lines += folded("Remote-MTA", f"dns; {_ascii(fate.host)}")
    if fate.untrusted_reply.strip():
        reply = fate.untrusted_reply if international else _ascii(fate.untrusted_reply)
        lines += folded("Diagnostic-Code", f"{'smtp' if fate.host else 'x-gatepost'}; {reply}")
    if fate.attempted_at:
        lines += f"Last-Attempt-Date: {date(fate.attempted_at)}\r\n"
    if fate.action == "delayed" and fate.retry_until:
        lines += f"Will-Retry-Until: {date(fate.retry_until)}\r\n"
    return lines


def final_recipient(address: Address, *, international: bool) -> str:
    """Give an address with its type (RFC 3464 §2.3.2, RFC 6533 §3)."""
    text = str(address)
    if address.is_ascii:
        return f"rfc822; {harmless(text)}"
    return f"utf-8; {embedded(text, ascii_only=not international)}"


def original_recipient(untrusted_orcpt: str, *, international: bool) -> str | None:
    """Give ORCPT as it is reported: its type as written, its address decoded (RFC 3461 §4.2); None when it holds nonsense."""
    kind, semicolon, untrusted_address = untrusted_orcpt.partition(";")
    if not semicolon or not kind.replace("-", "").isalnum() or not kind.isascii():
        return None
    if kind.lower() != "utf-8":
        decoded = decoded_xtext(untrusted_address)
        return f"{kind};{decoded}" if decoded else None
    if not untrusted_address or untrusted_address != harmless(untrusted_address) or " " in untrusted_address:
        return None
    if untrusted_address.isascii() or international:
        return f"{kind};{untrusted_address}"
    return f"{kind};" + "".join(one if one.isascii() else embedded(one, ascii_only=True) for one in untrusted_address)


def date(at: float) -> str:
    """Write a Unix time as a header field's date, in UTC (RFC 5322 §3.3)."""
    return format_datetime(datetime.fromtimestamp(int(at), UTC))


def _ascii(untrusted: str) -> str:
    return untrusted.encode("ascii", "replace").decode("ascii")
