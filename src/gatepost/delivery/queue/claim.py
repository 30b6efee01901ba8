# SPDX-License-Identifier: Apache-2.0
"""The claim: which waiting recipients a holder gets, fair between queues and at a cost that the backlog does not change."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from gatepost.delivery.queue.insert import read_envelope
from gatepost.delivery.queue.record import Body, ClaimedMail, ClaimedRecipient, NewMail
from gatepost.delivery.queue.statements import ClaimStatements, Key, Queue, Row
from gatepost.message.addresses import Address
from gatepost.smtp.envelope import Recipient

WINDOW = 4
"""How many times the limit a claim looks at before it goes round by queue."""
MAIL_COLUMNS = """id, tenant_id, track, direction, received_at, expires_at, client, helo, envelope, defects,
    size_bytes, eight_bit, blob, trace, head_shipped, head, body"""

DueOfQueues = Callable[[Sequence[Queue], int, Mapping[Queue, int]], Iterable[Sequence[Key]]]
"""queues, how many of each, how many of each to pass over -> the keys of each in the same order."""

_decode_defects = msgspec.msgpack.Decoder(tuple[str, ...]).decode


class Claimed(NamedTuple):
    """What a claim gives: mails by variant, those of them whose head has not left, and the queue where the next one goes on."""

    mails: list[ClaimedMail]
    unshipped: list[int]
    cursor: Queue


def claim(connection: Any, limit: int, cursor: Queue, sql: ClaimStatements, *, holder: int, now: float) -> Claimed:
    """Claim up to `limit` due recipients."""
    window = sql.oldest_due(connection, now, limit * WINDOW)
    if len(window) < limit * WINDOW:
        chosen = _in_turn(window, limit)
    else:
        chosen, cursor = sql.go_round(connection, limit, now, cursor)
        chosen = chosen or _in_turn(window, limit)
    if not chosen:
        return Claimed([], [], cursor)
    variants: dict[Key, list[ClaimedRecipient]] = {}
    for row in sql.take(connection, chosen, holder):
        recipient = Recipient(Address(row[4], row[5]), row[6], row[7])
        claimed = ClaimedRecipient(row[2], row[3], recipient, row[8], row[9])
        variants.setdefault((row[0], row[1]), []).append(claimed)
    rows = {row[0]: row for row in sql.mails(connection, {mail_id for mail_id, _ in variants})} if variants else {}
    mails = [
        ClaimedMail(mail_id, variant_id, _read_mail(rows[mail_id], recipients), tuple(recipients))
        for (mail_id, variant_id), recipients in variants.items()
    ]
    return Claimed(mails, [mail_id for mail_id, row in rows.items() if row[15] and not row[14]], cursor)


def share_out(queues: Iterable[Queue], limit: int, due: DueOfQueues) -> list[Key]:
    """Choose up to `limit` recipients; each round shares what is left among the queues that gave all they were asked for."""
    offsets = dict.fromkeys(queues, 0)
    asking, chosen = list(offsets), list[Key]()
    while asking and len(chosen) < limit:
        share = max(1, (limit - len(chosen)) // len(asking))
        generous = []
        for queue, keys in zip(asking, due(asking, share, offsets), strict=True):
            chosen += keys[: limit - len(chosen)]
            offsets[queue] += len(keys)
            if len(keys) == share:
                generous.append(queue)
        asking = generous
    return chosen


def _in_turn(window: Sequence[tuple[int, str, int, int]], limit: int) -> list[Key]:
    if len(window) <= limit:
        return [(mail_id, number) for _, _, mail_id, number in window]
    turns: dict[Queue, int] = {}
    ranked = []
    for place, (tenant_id, domain, mail_id, number) in enumerate(window):
        turn = turns[tenant_id, domain] = turns.get((tenant_id, domain), 0) + 1
        ranked.append((turn, place, mail_id, number))
    ranked.sort()
    return [(mail_id, number) for _, _, mail_id, number in ranked[:limit]]


def _read_mail(row: Row, recipients: Sequence[ClaimedRecipient]) -> NewMail:
    return NewMail(
        track=row[2],
        tenant_id=row[1],
        direction=row[3],
        received_at=row[4],
        expires_at=row[5],
        client=row[6],
        helo=row[7],
        envelope=read_envelope(row[8], [claimed.recipient for claimed in recipients]),
        trace=row[13],
        body=Body(row[10], row[16], row[12], bool(row[11])),
        defects=_decode_defects(row[9]),
        head=row[15],
    )
