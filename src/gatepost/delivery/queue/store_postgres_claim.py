# SPDX-License-Identifier: Apache-2.0
"""SQL of the claim on PostgreSQL. Several gateways claim at one time: each passes over what another one has locked."""

from collections.abc import Collection, Mapping, Sequence

from gatepost.delivery.queue.claim import MAIL_COLUMNS, share_out
from gatepost.delivery.queue.statements import FIRST, Key, Queue, Row, literal
from gatepost.storage.postgres import Connection

STEPS = 256
"""Queues that one claim steps over at most, due or not."""

# The queue grows and shrinks faster than the planner learns of it; what it believes of an empty table would make it read a full one.
_BY_INDEX = "SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_seqscan', 'off', true)"
# The whole window is locked, so that two gateways that claim at one time look at different ones.
_OLDEST_DUE = """SELECT tenant_id, domain, mail_id, id FROM recipient
    WHERE state = 0 AND due_at <= %s ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED"""
# Steps over the index from queue to queue; the endless third value passes over what is left of the last one.
_QUEUES = """WITH RECURSIVE queue (tenant_id, domain, due_at, step) AS (
        (SELECT tenant_id, domain, due_at, 1 FROM recipient
            WHERE state = 0 AND (tenant_id, domain, due_at) > (%s, %s, 'infinity') ORDER BY tenant_id, domain, due_at LIMIT 1)
        UNION ALL
        SELECT following.tenant_id, following.domain, following.due_at, queue.step + 1 FROM queue, LATERAL (
            SELECT tenant_id, domain, due_at FROM recipient r
            WHERE state = 0 AND (r.tenant_id, r.domain, r.due_at) > (queue.tenant_id, queue.domain, 'infinity')
            ORDER BY r.tenant_id, r.domain, r.due_at LIMIT 1) following
        WHERE queue.step < %s)
    SELECT tenant_id, domain, due_at FROM queue ORDER BY step"""
_DUE_OF_QUEUES = """SELECT asked.place, due.mail_id, due.id
    FROM unnest(%s::bigint[], %b::text[], %s::bigint[]) WITH ORDINALITY AS asked (tenant_id, domain, passed_over, place), LATERAL (
        SELECT r.mail_id, r.id, r.due_at FROM recipient r
        WHERE r.state = 0 AND r.tenant_id = asked.tenant_id AND r.domain = asked.domain AND r.due_at <= %s
        ORDER BY r.due_at LIMIT %s OFFSET asked.passed_over) due
    ORDER BY asked.place, due.due_at"""
_TAKE = """WITH chosen AS (
        SELECT r.mail_id, r.id, asked.place
        FROM unnest(%s::bigint[], %s::bigint[]) WITH ORDINALITY AS asked (mail_id, id, place)
        JOIN recipient r ON r.mail_id = asked.mail_id AND r.id = asked.id
        WHERE r.state = 0 FOR UPDATE OF r SKIP LOCKED)
    UPDATE recipient r SET state = 1, holder = %s, fence = r.fence + 1 FROM chosen WHERE r.mail_id = chosen.mail_id AND r.id = chosen.id
    RETURNING r.mail_id, r.variant_id, r.id, r.fence, r.local, r.domain, r.notify, r.orcpt, r.attempts, r.first_failure_at, chosen.place"""
_MAILS = f"SELECT {MAIL_COLUMNS} FROM mail WHERE id = ANY (%s::bigint[])"  # noqa: S608 - a constant of ours
_NEXT_DUE = "SELECT due_at FROM recipient WHERE state = 0 ORDER BY due_at LIMIT 1"


def oldest_due(connection: Connection, now: float, limit: int) -> list[tuple[int, str, int, int]]:
    """Give tenant, domain, mail and number of the recipients that are due first and that nobody else is about to claim."""
    connection.execute(_BY_INDEX)
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(_OLDEST_DUE, (now, limit))]


def go_round(connection: Connection, limit: int, now: float, cursor: Queue) -> tuple[list[Key], Queue]:
    """Choose from each queue behind `cursor` its share of what is due, and give the queue where that ended."""

    def due(queues: Sequence[Queue], share: int, offsets: Mapping[Queue, int]) -> list[list[Key]]:
        found: list[list[Key]] = [[] for _ in queues]
        tenants, domains = literal(queue[0] for queue in queues), [queue[1] for queue in queues]
        asked = (tenants, domains, literal(offsets[queue] for queue in queues), now, share)
        for place, mail_id, number in connection.execute(_DUE_OF_QUEUES, asked):
            found[place - 1].append((mail_id, number))
        return found

    queues, cursor = _due_queues(connection, limit, now, cursor)
    return share_out(queues, limit, due), cursor


def take(connection: Connection, keys: Sequence[Key], holder: int) -> list[Row]:
    """Claim those that are still waiting, in their order."""
    rows = connection.execute(_TAKE, (literal(key[0] for key in keys), literal(key[1] for key in keys), holder)).fetchall()
    return sorted(rows, key=lambda row: row[-1])


def mails(connection: Connection, mail_ids: Collection[int]) -> list[Row]:
    """Give mails."""
    return connection.execute(_MAILS, (literal(mail_ids),)).fetchall()


def next_due_at(connection: Connection) -> float | None:
    """Tell when the first waiting recipient falls due."""
    row = connection.execute(_NEXT_DUE).fetchone()
    return row[0] if row else None


def _due_queues(connection: Connection, limit: int, now: float, cursor: Queue) -> tuple[list[Queue], Queue]:
    """Give up to `limit` queues with something due, going round all of them from `cursor`, and where that ended."""
    start, left = cursor, STEPS
    due: list[Queue] = []
    for begin in (start, FIRST) if start != FIRST else (start,):
        rows = connection.execute(_QUEUES, (*begin, left)).fetchall()
        for tenant_id, domain, due_at in rows:
            if begin != start and (tenant_id, domain) > start:
                return due, cursor
            cursor = (tenant_id, domain)
            if due_at <= now:
                due.append(cursor)
            if len(due) >= limit:
                return due, cursor
        left -= len(rows)
        if left < 1:
            break
    return due, cursor
