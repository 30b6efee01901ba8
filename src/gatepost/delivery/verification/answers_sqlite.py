# SPDX-License-Identifier: Apache-2.0
"""SQL of the remembered answers on SQLite."""

from collections.abc import Sequence

from gatepost.delivery.verification.statements import Row
from gatepost.message.addresses import Address
from gatepost.storage.sqlite import Connection

_RECALL = "SELECT local, known, expires_at FROM recipient_answer WHERE tenant_id = ? AND domain = ? AND local IN ('', ?)"
_REMEMBER = "INSERT OR REPLACE INTO recipient_answer VALUES (?, ?, ?, ?, ?)"
_EXPIRE = """DELETE FROM recipient_answer WHERE (tenant_id, domain, local) IN
    (SELECT tenant_id, domain, local FROM recipient_answer WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"""


def recall(connection: Connection, tenant_id: int, address: Address) -> list[tuple[str, bool, float]]:
    """Answer the question what is stored of an address and of its domain."""
    rows = connection.execute(_RECALL, (tenant_id, address.domain, address.local))
    return [(row[0], bool(row[1]), row[2]) for row in rows]


def remember(connection: Connection, rows: Sequence[Row]) -> None:
    """Write answers in this order, over older ones."""
    connection.executemany(_REMEMBER, rows)


def expire(connection: Connection, now: float, limit: int) -> int:
    """Delete answers that hold until `now` at most, soonest first; gives their number."""
    return connection.execute(_EXPIRE, (now, limit)).rowcount


def count(connection: Connection) -> int:
    """Answer the question how many answers there are."""
    number: int = connection.execute("SELECT count(*) FROM recipient_answer").fetchone()[0]
    return number
