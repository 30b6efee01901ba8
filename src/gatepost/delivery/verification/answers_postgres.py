# SPDX-License-Identifier: Apache-2.0
"""SQL of the remembered answers on PostgreSQL, where several gateways may learn the same at one time."""

from collections.abc import Sequence

from gatepost.delivery.verification.statements import Row
from gatepost.message.addresses import Address
from gatepost.storage.postgres import Connection

_RECALL = "SELECT local, known, expires_at FROM recipient_answer WHERE tenant_id = %s AND domain = %s AND local IN ('', %s)"
# In the order of the key, so that two gateways cannot wait for each other's rows.
_REMEMBER = """INSERT INTO recipient_answer
    SELECT * FROM unnest(%b::bigint[], %b::text[], %b::text[], %b::bool[], %b::float8[]) AS given (tenant_id, domain, local, known, until)
    ORDER BY tenant_id, domain, local
    ON CONFLICT (tenant_id, domain, local) DO UPDATE SET known = excluded.known, expires_at = excluded.expires_at"""
_EXPIRE = """DELETE FROM recipient_answer WHERE (tenant_id, domain, local) IN
    (SELECT tenant_id, domain, local FROM recipient_answer WHERE expires_at <= %s ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED)"""


def recall(connection: Connection, tenant_id: int, address: Address) -> list[tuple[str, bool, float]]:
    """Answer the question what is stored of an address and of its domain."""
    return [(row[0], row[1], row[2]) for row in connection.execute(_RECALL, (tenant_id, address.domain, address.local))]


def remember(connection: Connection, rows: Sequence[Row]) -> None:
    """Write answers in this order, over older ones."""
    last = {row[:3]: row for row in rows}  # one statement cannot write a row twice
    connection.execute(_REMEMBER, [list(column) for column in zip(*last.values(), strict=True)])


def expire(connection: Connection, now: float, limit: int) -> int:
    """Delete answers that hold until `now` at most, soonest first; gives their number."""
    return connection.execute(_EXPIRE, (now, limit)).rowcount


def count(connection: Connection) -> int:
    """Answer the question how many answers there are."""
    row = connection.execute("SELECT count(*) FROM recipient_answer").fetchone()
    assert row is not None
    return int(row[0])
