# SPDX-License-Identifier: Apache-2.0
"""What PostgreSQL's failures are called, by their SQLSTATE."""

import psycopg
import pytest
from psycopg import errors

from gatepost.errors import StoreAway, StoreError, StoreFull
from gatepost.storage.postgres_errors import postgres_error


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("53100", StoreFull),  # disk_full
        ("53200", StoreAway),  # out_of_memory
        ("53300", StoreAway),  # too_many_connections
        ("08006", StoreAway),  # connection_failure
        ("0A000", StoreAway),  # feature_not_supported: "cached plan must not change result type"
        ("26000", StoreAway),  # invalid_sql_statement_name
        ("57P01", StoreAway),  # admin_shutdown
        ("57P02", StoreAway),  # crash_shutdown
        ("57P03", StoreAway),  # cannot_connect_now
        ("57014", StoreAway),  # query_canceled
        ("25P03", StoreAway),  # idle_in_transaction_session_timeout
        ("25006", StoreAway),  # read_only_sql_transaction
        ("40P01", StoreAway),  # deadlock_detected
        ("40001", StoreAway),  # serialization_failure
        ("40003", StoreAway),  # statement_completion_unknown
        ("55P03", StoreAway),  # lock_not_available
        ("58030", StoreAway),  # io_error
        ("XX001", StoreAway),  # data_corrupted
        ("42501", StoreAway),  # insufficient_privilege
        ("28P01", StoreAway),  # invalid_password
        ("3D000", StoreAway),  # invalid_catalog_name
        ("23505", StoreError),  # unique_violation
        ("23514", StoreError),  # check_violation
        ("22P02", StoreError),  # invalid_text_representation
        ("22021", StoreError),  # character_not_in_repertoire
        ("42P01", StoreError),  # undefined_table
        ("42601", StoreError),  # syntax_error
        ("25P02", StoreError),  # in_failed_sql_transaction
        ("54000", StoreError),  # program_limit_exceeded
    ],
)
def test_failures_of_the_server_have_names(state: str, expected: type[StoreError]) -> None:
    """Full, away for a while, or ours: a record that is refused or a defect."""
    kind = errors.lookup(state)
    assert kind.sqlstate == state
    assert type(postgres_error(kind("said so"), "here")) is expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (psycopg.OperationalError("server closed the connection unexpectedly"), StoreAway),
        (psycopg.InterfaceError("the connection is closed"), StoreAway),
        (psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"), StoreError),
        (psycopg.ProgrammingError("the query has 1 placeholder but 2 parameters were passed"), StoreError),
        (OSError(28, "No space left on device"), StoreFull),
        (OSError(5, "Input/output error"), StoreAway),
        (StoreFull("has its name"), StoreFull),
    ],
)
def test_failures_without_a_state_have_names(error: Exception, expected: type[StoreError]) -> None:
    """A lost connection is StoreAway, a wrong record is not; what has its name keeps it."""
    assert type(postgres_error(error, "here")) is expected


def test_a_sentence_is_one_line() -> None:
    """Without the statement, whose text a person need not read."""
    error = psycopg.errors.UndefinedTable('relation "t" does not exist\nLINE 1: SELECT * FROM t\n                      ^\nHINT:  make it')
    assert str(postgres_error(error, "here")) == 'here: the store refused the record: relation "t" does not exist'
