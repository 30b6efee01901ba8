# SPDX-License-Identifier: Apache-2.0
"""The books after a series of kills: every mail that was accepted must be somewhere."""

import re
from collections import Counter
from collections.abc import Iterable

import msgspec

from gatepost.testing.ledger import LedgerLine

_TRACK = re.compile(r"queued as (\S+)")


class Accounts(msgspec.Struct, kw_only=True):
    """The two ledgers and the queue, compared."""

    accepted: int
    """Mails that were answered with 250."""
    refused: int
    """Answered with 4xx or 5xx."""
    unanswered: int
    """The connection was lost or never made."""
    delivered: int
    """Accepted mails in the sink."""
    bounced: int
    """Accepted mails that came back in a report, and are not in the sink."""
    on_queue: int
    """Accepted mails that are neither, and still on the queue."""
    lost: int
    """Accepted mails that are nowhere."""
    lost_ids: list[str]
    """Up to ten of them."""
    damaged: int
    """Mails in the sink whose content, sender or recipients differ from what was sent."""
    unanswered_delivered: int
    """Mails in the sink that the generator got no 250 for; allowed, since its sender would try again."""
    duplicates: int
    """Deliveries beyond the first, of all mails."""
    unknown: int
    """Mails in the sink that nobody sent."""


def compare(sent: Iterable[LedgerLine], arrived: Iterable[LedgerLine], tracks_on_queue: set[str]) -> Accounts:
    """Settle the books; `tracks_on_queue` are those that the gateway still holds."""
    offered = {line.id: line for line in sent}
    accepted = {name: line for name, line in offered.items() if line.accepted}
    deliveries, reported = Counter[str](), set[str]()
    damaged = unknown = 0
    for line in arrived:
        if not line.sender:
            reported.add(line.id)
            continue
        deliveries[line.id] += 1
        original = offered.get(line.id)
        if original is None:
            unknown += 1
        elif (original.sha256, original.sender, original.recipients) != (line.sha256, line.sender, line.recipients):
            damaged += 1
    missing = [name for name in accepted if name not in deliveries]
    bounced = [name for name in missing if name in reported]
    waiting = [name for name in missing if name not in reported and track_of(accepted[name]) in tracks_on_queue]
    lost = sorted(set(missing) - set(bounced) - set(waiting))
    return Accounts(
        accepted=len(accepted),
        refused=sum(1 for line in offered.values() if not line.accepted and line.reply[:1] in "45"),
        unanswered=sum(1 for line in offered.values() if not line.accepted and line.reply[:1] not in "45"),
        delivered=len(accepted) - len(missing),
        bounced=len(bounced),
        on_queue=len(waiting),
        lost=len(lost),
        lost_ids=lost[:10],
        damaged=damaged,
        unanswered_delivered=sum(1 for name in deliveries if name in offered and name not in accepted),
        duplicates=sum(deliveries.values()) - len(deliveries),
        unknown=unknown,
    )


def track_of(line: LedgerLine) -> str:
    """Give the track that a mail was queued as; '' where its reply names none."""
    found = _TRACK.search(line.reply)
    return found[1] if found else ""
