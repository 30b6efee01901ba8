# SPDX-License-Identifier: Apache-2.0
"""What a claim costs on SQLite, counted in steps of its virtual machine: the backlog's size must not show."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contracts.queue_engines import START
from gatepost.delivery.queue import store_sqlite_claim as sql
from gatepost.delivery.queue.claim import claim
from gatepost.delivery.queue.statements import FIRST
from gatepost.storage.schema_sqlite import create_schema
from gatepost.storage.sqlite import Connection, connect

ROWS = """WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1 + ?2)"""
MAIL = f"""{ROWS} INSERT INTO mail
    SELECT i * 10, 0, 't' || i, 'inbound', 0, 0, '', '', x'96c000a0c2a0a0', x'90', 1, 0, '', x'', 0, x'', x'' FROM n"""
RECIPIENT = f"""{ROWS} INSERT INTO recipient
    SELECT i * 10, i * 10 + 2, 0, i * 10 + 1, 0, 0, 1, 1, 0, ?4 + i * 1e-5, 0, 'u' || i, replace(?3, '#', i), '', '', '', '' FROM n"""


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    connection = connect(tmp_path / "s.sqlite", owned=True)
    connection.execute("PRAGMA synchronous = OFF")
    create_schema(connection, "gateway", "here")
    yield connection
    connection.close()


def fill(connection: Connection, first: int, count: int, domain: str, due_at: float) -> None:
    connection.execute("BEGIN")
    connection.execute(MAIL, (first, count))
    connection.execute(RECIPIENT, (first, count, domain, due_at))
    connection.execute("COMMIT")


def steps(connection: Connection, work: Callable[[], object]) -> int:
    """Count the machine steps of some work, in hundreds."""
    count = 0

    def tick() -> int:
        nonlocal count
        count += 1
        return 0

    connection.set_progress_handler(tick, 100)
    work()
    connection.set_progress_handler(None, 100)
    return count


def claim_all_sorts(connection: Connection) -> set[str]:
    claimed = claim(connection, 20, FIRST, sql, holder=1, now=START).mails
    return {one.recipient.address.domain for mail in claimed for one in mail.recipients}


def test_a_claim_costs_the_same_at_a_hundred_thousand(connection: Connection) -> None:
    """From 1,000 to 100,000 waiting recipients the cost of a claim, and of the next due time, grows by less than half."""
    fill(connection, 1, 1_000, "big.example", START - 100)
    small = steps(connection, lambda: claim_all_sorts(connection))
    fill(connection, 10_000, 99_000, "big.example", START - 99)
    large = steps(connection, lambda: claim_all_sorts(connection))
    assert 0 < large <= small * 1.5
    assert steps(connection, lambda: sql.next_due_at(connection)) <= 1


def test_a_claim_among_many_queues_is_bounded(connection: Connection) -> None:
    """With 20,000 destination queues waiting, due or not, a claim steps over a fixed number of them at most."""
    fill(connection, 1, 20_000, "q#.example", START + 1000)
    nothing_due = steps(connection, lambda: claim_all_sorts(connection))
    assert nothing_due <= 2
    fill(connection, 100_000, 20_000, "d#.example", START - 100)
    some_due = steps(connection, lambda: claim_all_sorts(connection))
    assert some_due <= 200


def test_beside_a_hundred_thousand_nobody_starves(connection: Connection) -> None:
    """A queue of 100,000 older recipients leaves each claim room for the small ones."""
    fill(connection, 1, 100_000, "big.example", START - 100)
    fill(connection, 200_000, 5, "small#.example", START - 3)
    assert claim_all_sorts(connection) == {"big.example"} | {f"small{200_000 + n}.example" for n in range(5)}


def test_claims_go_round_all_queues(connection: Connection) -> None:
    """Where more queues are due than one claim serves, the next claim goes on where it ended, until all had their turn."""
    fill(connection, 1, 1_000, "q#.example", START - 100)
    fill(connection, 5_000, 5_000, "a.example", START - 200)
    seen: set[str] = set()
    cursor = FIRST
    for _ in range(51):
        claimed, _, cursor = claim(connection, 20, cursor, sql, holder=1, now=START)
        seen |= {one.recipient.address.domain for mail in claimed for one in mail.recipients}
    assert len(seen) == 1_001
