# SPDX-License-Identifier: Apache-2.0
"""A track as rows: the summary that lists and searches need, and the addresses that it is found by.

The summary outlives the details. It holds every address as it was written; the rows of addresses hold them in lower case.
"""

from math import isfinite
from typing import Final, NamedTuple

from gatepost.tracking.apply_fates import no_fates
from gatepost.tracking.record import Status, TrackHead

DIRECTIONS: Final = ("inbound", "outbound")
"""A direction's number is its place."""
RECIPIENT, SENDER, AUTHOR = 1, 2, 4
"""The roles of an address in a mail; they add up."""

_LONGEST = 1000
"""Characters of a text that is searched for."""
_MOST_SIZE, _MOST_COUNT, _MOST_TENANT = 2**63 - 1, 2**31 - 1, 2**31 - 1


class Summary(NamedTuple):
    """One row of `message_track`, in the order of its columns."""

    tenant_id: int
    track: bytes
    sent_at: float
    direction: int
    status: int
    size: int
    scl: float
    mails: int
    """More than 1: so many refused ones, told as one."""
    message_id: str
    subject: str
    words: str
    """The subject in lower case where it has other letters than ASCII; '' where SQL's own `lower` can do it."""
    people: str
    """Sender, authors and recipients: one line each, tabs between the addresses of a line."""
    client: str
    rule: str
    reply: str
    gateway: str
    fates: bytes


class AddressRow(NamedTuple):
    """One row of `message_address`, in the order of its columns."""

    tenant_id: int
    track: bytes
    address: str
    domain: str
    roles: int


class DetailsRow(NamedTuple):
    """One row of `message_track_details`, in the order of its columns."""

    tenant_id: int
    track: bytes
    part: int
    content: bytes


class People(NamedTuple):
    """Who a mail is from and to."""

    sender: str
    header_from: tuple[str, ...]
    recipients: tuple[str, ...]


def fault(head: TrackHead) -> str:
    """Say what of a head no store can keep; '' when it is sound."""
    if not (isfinite(head.sent_at) and isfinite(head.scl)):
        return "a number is not finite"
    if not (0 <= head.size <= _MOST_SIZE and 1 <= head.count <= _MOST_COUNT and 0 <= head.tenant_id <= _MOST_TENANT):
        return "a number is out of its range"
    if head.direction not in DIRECTIONS or not 0 <= head.status <= Status.PUT_ON_HOLD:
        return "its direction or its status is unknown"
    texts = (head.message_id, head.subject, head.sender, head.client, head.rule, head.reply, head.gateway)
    if max(map(len, (*texts, *head.header_from, *head.recipients))) > _LONGEST:
        return "a text is too long"
    if "\0" in "".join((*texts, *head.header_from, *head.recipients)):
        return "a text holds a NUL"
    several = "".join((*head.header_from, *head.recipients))
    if "\n" in head.sender or "\n" in several or "\t" in several:
        return "an address holds what stands between addresses"
    return ""


def summary(head: TrackHead, key: bytes) -> Summary:
    """Give a head's summary; of its recipients nothing is known yet."""
    subject = head.subject
    return Summary(
        head.tenant_id,
        key,
        head.sent_at,
        DIRECTIONS.index(head.direction),
        head.status,
        head.size,
        head.scl,
        head.count,
        head.message_id,
        subject,
        "" if subject.isascii() else subject.lower(),
        "\n".join((head.sender, "\t".join(head.header_from), "\t".join(head.recipients))),
        head.client,
        head.rule,
        head.reply,
        head.gateway,
        no_fates(len(head.recipients)),
    )


def people(written: str) -> People:
    """Read the summary's column `people`."""
    sender, header_from, recipients = written.split("\n")
    return People(sender, _several(header_from), _several(recipients))


def addresses(head: TrackHead, key: bytes) -> list[AddressRow]:
    """Give one row for each address of a mail."""
    roles: dict[str, int] = {}
    if head.sender:
        roles[head.sender.lower()] = SENDER
    for written in head.header_from:
        if "@" in written:  # a mark stands for authors that were left out
            author = written.lower()
            roles[author] = roles.get(author, 0) | AUTHOR
    for written in head.recipients:
        recipient = written.lower()
        roles[recipient] = roles.get(recipient, 0) | RECIPIENT
    return [AddressRow(head.tenant_id, key, one, domain_of(one), role) for one, role in roles.items()]


def domain_of(address: str) -> str:
    """Give an address's domain; '' where it has none."""
    _, at, domain = address.rpartition("@")
    return domain if at else ""


def _several(written: str) -> tuple[str, ...]:
    return tuple(written.split("\t")) if written else ()
