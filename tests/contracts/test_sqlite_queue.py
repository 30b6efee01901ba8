# SPDX-License-Identifier: Apache-2.0
"""The queue's contract on SQLite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts.queue_contract import ClaimContract, CommitContract, LeaseContract, SettleContract
from contracts.queue_contract_people import PeopleContract, TenantContract
from contracts.queue_engines import SqliteEngine


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[SqliteEngine]:
    engine = SqliteEngine(tmp_path / "data")
    yield engine
    await engine.close()


class TestSqliteQueue(CommitContract, SettleContract, LeaseContract, ClaimContract, PeopleContract, TenantContract):
    """SQLite keeps every promise of the queue."""
