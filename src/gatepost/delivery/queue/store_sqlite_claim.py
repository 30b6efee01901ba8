# SPDX-License-Identifier: Apache-2.0
"""SQL of the claim: which waiting recipients a holder gets, fair between queues and at a cost that the backlog does not change."""

from collections.abc import Sequence
from typing import Any

import msgspec

from gatepost.delivery.queue.record import Body, ClaimedMail, ClaimedRecipient, NewMail
from gatepost.delivery.queue.store_sqlite_insert import Queue, read_envelope
from gatepost.message.addresses import Address
from gatepost.smtp.envelope import Recipient
from gatepost.storage.sqlite import Connection

WINDOW = 4
"""How many times the limit a claim looks at before it goes round by queue."""
STEPS = 256
"""Queues that one claim steps over at most, due or not."""

FIRST: Queue = (-1, "")

_json = msgspec.json.Encoder().encode
_decode_defects = msgspec.msgpack.Decoder(tuple[str, ...]).decode

_OLDEST_DUE = """SELECT tenant_id, domain, mail_id, id FROM recipient
    WHERE state = 0 AND due_at <= ? ORDER BY due_at LIMIT ?"""
# The endless third value lets the index step over a whole queue; without it all of the queue's entries would be read.
_NEXT_QUEUE = """SELECT tenant_id, domain, due_at FROM recipient
    WHERE state = 0 AND (tenant_id, domain, due_at) > (?, ?, 9e999) ORDER BY tenant_id, domain, due_at LIMIT 1"""
_DUE_OF_QUEUE = """SELECT mail_id, id FROM recipient
    WHERE state = 0 AND tenant_id = ? AND domain = ? AND due_at <= ? ORDER BY due_at LIMIT ? OFFSET ?"""
_CLAIM = """UPDATE recipient SET state = 1, holder = ?, fence = fence + 1 WHERE mail_id = ? AND id = ? AND state = 0
    RETURNING mail_id, variant_id, id, fence, local, domain, notify, orcpt, attempts, first_failure_at"""
_MAILS = """SELECT id, tenant_id, track, direction, received_at, expires_at, client, helo, envelope, defects,
    size_bytes, eight_bit, blob, trace, body FROM mail WHERE id IN (SELECT value FROM json_each(?))"""

RecipientKey = tuple[int, int]


def claim(connection: Connection, limit: int, holder: int, now: float, cursor: Queue) -> tuple[list[ClaimedMail], Queue]:
    """Claim up to `limit` due recipients; gives them by variant, and the queue after which the next claim goes on."""
    window = connection.execute(_OLDEST_DUE, (now, limit * WINDOW)).fetchall()
    if len(window) < limit * WINDOW:
        chosen = _in_turn(window, limit)
    else:
        chosen, cursor = _go_round(connection, limit, now, cursor)
        chosen = chosen or _in_turn(window, limit)
    return _take(connection, chosen, holder), cursor


def next_due_at(connection: Connection) -> float | None:
    """Tell when the first waiting recipient falls due."""
    row = connection.execute("SELECT due_at FROM recipient WHERE state = 0 ORDER BY due_at LIMIT 1").fetchone()
    return row[0] if row else None


def _in_turn(window: Sequence[tuple[int, str, int, int]], limit: int) -> list[RecipientKey]:
    if len(window) <= limit:
        return [(mail_id, number) for _, _, mail_id, number in window]
    turns: dict[Queue, int] = {}
    ranked = []
    for place, (tenant_id, domain, mail_id, number) in enumerate(window):
        turn = turns[tenant_id, domain] = turns.get((tenant_id, domain), 0) + 1
        ranked.append((turn, place, mail_id, number))
    ranked.sort()
    return [(mail_id, number) for _, _, mail_id, number in ranked[:limit]]


def _go_round(connection: Connection, limit: int, now: float, cursor: Queue) -> tuple[list[RecipientKey], Queue]:
    queues, cursor = _due_queues(connection, limit, now, cursor)
    offsets = dict.fromkeys(queues, 0)
    chosen: list[RecipientKey] = []
    # Each round shares what is left among the queues that gave all they were asked for.
    while queues and len(chosen) < limit:
        share = max(1, (limit - len(chosen)) // len(queues))
        generous = []
        for tenant_id, domain in queues:
            if len(chosen) >= limit:
                break
            queue = (tenant_id, domain)
            asked = min(share, limit - len(chosen))
            keys = connection.execute(_DUE_OF_QUEUE, (tenant_id, domain, now, asked, offsets[queue])).fetchall()
            chosen += keys
            offsets[queue] += len(keys)
            if len(keys) == asked:
                generous.append(queue)
        queues = generous
    return chosen, cursor


def _due_queues(connection: Connection, limit: int, now: float, cursor: Queue) -> tuple[list[Queue], Queue]:
    start, wrapped = cursor, False
    due: list[Queue] = []
    for _ in range(STEPS):
        if len(due) >= limit:
            break
        row = connection.execute(_NEXT_QUEUE, cursor).fetchone()
        if row is None:
            if wrapped or start == FIRST:
                break
            cursor, wrapped = FIRST, True
            continue
        queue = (row[0], row[1])
        if wrapped and queue > start:
            break
        cursor = queue
        if row[2] <= now:
            due.append(queue)
    return due, cursor


def _take(connection: Connection, keys: Sequence[RecipientKey], holder: int) -> list[ClaimedMail]:
    variants: dict[tuple[int, int], list[ClaimedRecipient]] = {}
    for mail_id, number in keys:
        row = connection.execute(_CLAIM, (holder, mail_id, number)).fetchone()
        recipient = Recipient(Address(row[4], row[5]), row[6], row[7])
        claimed = ClaimedRecipient(row[2], row[3], recipient, row[8], row[9])
        variants.setdefault((row[0], row[1]), []).append(claimed)
    wanted = _json(list({mail_id for mail_id, _ in variants})).decode()
    mails = {row[0]: row for row in connection.execute(_MAILS, (wanted,))}
    return [
        ClaimedMail(mail_id, variant_id, _read_mail(mails[mail_id], recipients), tuple(recipients))
        for (mail_id, variant_id), recipients in variants.items()
    ]


def _read_mail(row: tuple[Any, ...], recipients: Sequence[ClaimedRecipient]) -> NewMail:
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
        body=Body(row[10], row[14], row[12], bool(row[11])),
        defects=_decode_defects(row[9]),
    )
