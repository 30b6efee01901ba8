# SPDX-License-Identifier: Apache-2.0
"""Row numbers are never used twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepost.storage.numbers import BLOCK, Numbers
from gatepost.storage.schema_sqlite import create_schema
from gatepost.storage.sqlite import Connection, connect


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    connection = connect(tmp_path / "s.sqlite", owned=True)
    create_schema(connection, "gateway", "here")
    yield connection
    connection.close()


def take(connection: Connection, numbers: Numbers, count: int, end: str = "COMMIT") -> int:
    connection.execute("BEGIN")
    numbers.check(connection)
    first = numbers.take(connection, count)
    connection.execute(end)
    return first


def test_numbers_rise_within_and_beyond_a_block(connection: Connection) -> None:
    """Runs of numbers follow each other; one that does not fit the block gets a new one."""
    numbers = Numbers("queue")
    assert [take(connection, numbers, count) for count in (3, 1, 2)] == [1, 4, 5]
    assert take(connection, numbers, BLOCK) == 1 + BLOCK
    assert take(connection, numbers, 1) == 1 + 2 * BLOCK


def test_a_new_start_begins_behind_every_number_given(connection: Connection) -> None:
    """After a crash no number of before comes again."""
    last = take(connection, Numbers("queue"), 10) + 9
    assert take(connection, Numbers("queue"), 1) > last


def test_a_block_whose_reservation_was_rolled_back_is_given_back(connection: Connection) -> None:
    """Else its numbers would be used now, and once more after the next start."""
    numbers = Numbers("queue")
    take(connection, numbers, 1, "ROLLBACK")
    ours = take(connection, numbers, 5)
    assert take(connection, Numbers("queue"), 1) >= ours + 5
