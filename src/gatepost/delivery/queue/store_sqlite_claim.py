# SPDX-License-Identifier: Apache-2.0
"""SQL of the claim on SQLite: nobody else writes, so nothing is locked."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from gatepost.delivery.queue.claim import MAIL_COLUMNS, share_out
from gatepost.delivery.queue.statements import FIRST, Key, Queue, Row
from gatepost.storage.sqlite import Connection

STEPS = 256
"""Queues that one claim steps over at most, due or not."""

_json = msgspec.json.Encoder().encode

_OLDEST_DUE = """SELECT tenant_id, domain, mail_id, id FROM recipient
    WHERE state = 0 AND due_at <= ? ORDER BY due_at LIMIT ?"""
# The endless third value lets the index step over a whole queue; without it all of the queue's entries would be read.
_NEXT_QUEUE = """SELECT tenant_id, domain, due_at FROM recipient
    WHERE state = 0 AND (tenant_id, domain, due_at) > (?, ?, 9e999) ORDER BY tenant_id, domain, due_at LIMIT 1"""
_DUE_OF_QUEUE = """SELECT mail_id, id FROM recipient
    WHERE state = 0 AND tenant_id = ? AND domain = ? AND due_at <= ? ORDER BY due_at LIMIT ? OFFSET ?"""
_CLAIM = """UPDATE recipient SET state = 1, holder = ?, fence = fence + 1 WHERE mail_id = ? AND id = ? AND state = 0
    RETURNING mail_id, variant_id, id, fence, local, domain, notify, orcpt, attempts, first_failure_at"""
_MAILS = f"SELECT {MAIL_COLUMNS} FROM mail WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608 - a constant of ours


def oldest_due(connection: Connection, now: float, limit: int) -> list[tuple[int, str, int, int]]:
    """Give tenant, domain, mail and number of the recipients that are due first."""
    return connection.execute(_OLDEST_DUE, (now, limit)).fetchall()


def go_round(connection: Connection, limit: int, now: float, cursor: Queue) -> tuple[list[Key], Queue]:
    """Choose from each queue behind `cursor` its share of what is due, and give the queue where that ended."""

    def due(queues: Sequence[Queue], share: int, offsets: Mapping[Queue, int]) -> Iterator[list[Key]]:
        for queue in queues:
            yield connection.execute(_DUE_OF_QUEUE, (*queue, now, share, offsets[queue])).fetchall()

    queues, cursor = _due_queues(connection, limit, now, cursor)
    return share_out(queues, limit, due), cursor


def take(connection: Connection, keys: Sequence[Key], holder: int) -> list[Row]:
    """Claim waiting recipients."""
    return [connection.execute(_CLAIM, (holder, *key)).fetchone() for key in keys]


def mails(connection: Connection, mail_ids: Collection[int]) -> list[Row]:
    """Give mails."""
    return connection.execute(_MAILS, (_json(list(mail_ids)).decode(),)).fetchall()


def next_due_at(connection: Connection) -> float | None:
    """Tell when the first waiting recipient falls due."""
    row = connection.execute("SELECT due_at FROM recipient WHERE state = 0 ORDER BY due_at LIMIT 1").fetchone()
    return row[0] if row else None


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
