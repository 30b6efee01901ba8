# SPDX-License-Identifier: Apache-2.0
"""What a header field says, however it is written: programs on the way fold, quote and encode anew, and change nothing by that."""

from collections.abc import Hashable
from datetime import UTC
from email.utils import parsedate_to_datetime

from gatepost.config.limits import MessageLimits
from gatepost.encryption.paths.mailbox import folded
from gatepost.message.encoded_words import decode_words
from gatepost.message.headers import Field, Headers
from gatepost.message.mailboxes import Mailboxes, parse_mailboxes

_ADDRESSES = frozenset({"from", "sender", "reply-to", "to", "cc"})


def meanings(headers: Headers, name: str, limits: MessageLimits) -> list[Hashable]:
    """Give what each field of a name says, in their order."""
    return [meaning(field, limits) for field in headers.all(name)]


def meaning(field: Field, limits: MessageLimits) -> Hashable:
    """Give what is equal for fields that say the same: the mailboxes with their names, the moment, or the text."""
    name = field.name.lower()
    if name in _ADDRESSES:
        read = parse_mailboxes(field.raw, limits)
        # Groups and routes are shown as they stand.
        if not (read.exceeded or read.defects or read.groups or b"<@" in field.raw):
            return _people(read)
    if name == "date" and (moment := _moment(field.text)) is not None:
        return moment
    return plain(field.decoded)


def plain(text: str) -> str:
    """Give a text with single blanks."""
    return " ".join(text.split())


def _people(read: Mailboxes) -> Hashable:
    mailboxes = [
        (plain(one.display_name), one.raw if one.address is None else (folded(one.address.local), one.address.domain))
        for one in read.mailboxes
    ]
    return tuple(mailboxes), tuple(map(decode_words, read.comments))


def _moment(text: str) -> float | None:
    try:
        when = parsedate_to_datetime(text)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()  # "-0000" is UTC of an unknown place
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
