# SPDX-License-Identifier: Apache-2.0
"""Header Confidentiality Policies (RFC 9788 §3.2): what of each field is left outside an encryption.

none       hcp_no_confidentiality: every field as it is
baseline   the subject says nothing, keywords and comments are gone, and so are Outlook's copy of the subject and what was once inside
shy        and addresses stand without names, the date without its zone
"""

from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from typing import Literal

from gatepost.config.limits import MessageLimits
from gatepost.message.headers import Field
from gatepost.message.mailboxes import parse_mailboxes

Confidentiality = Literal["none", "baseline", "shy"]

_HIDDEN_SUBJECT = b" [...]\r\n"
_GONE = frozenset({"keywords", "comments", "thread-topic"})
KEPT = ("x-inner-", "x-outer-", "x-stray-lines")
"""How names begin under which a field, or a line that is none, was kept when a layer came off: it may be one that was hidden."""


def outside(field: Field, policy: Confidentiality, limits: MessageLimits) -> bytes | None:
    """Give the value that a field has outside, None where it is left out; what cannot be read is left as it is."""
    name = field.name.lower()
    if policy == "none":
        return field.raw
    if name == "subject":
        return _HIDDEN_SUBJECT
    if name in _GONE or name.startswith(KEPT):
        return None
    if policy == "shy" and name in ("from", "to", "cc"):
        return _bare(field, limits, most=1 if name == "from" else limits.addresses)
    return _in_utc(field) if policy == "shy" and name == "date" else field.raw


def _bare(field: Field, limits: MessageLimits, most: int) -> bytes:
    read = parse_mailboxes(field.raw, limits)
    addresses = [str(address) for address in read.addresses]
    if read.defects or read.exceeded or read.groups or len(addresses) != len(read.mailboxes) or not 0 < len(addresses) <= most:
        return field.raw
    return b" " + ",\r\n ".join(addresses).encode() + b"\r\n"


def _in_utc(field: Field) -> bytes:
    try:
        when = parsedate_to_datetime(field.text)
        aware = when if when.tzinfo else when.replace(tzinfo=UTC)  # "-0000" is UTC of an unknown place
        return b" " + format_datetime(aware.astimezone(UTC)).encode() + b"\r\n"
    except (ValueError, OverflowError, TypeError, IndexError):
        return field.raw
