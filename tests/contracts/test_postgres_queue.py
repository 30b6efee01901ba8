# SPDX-License-Identifier: Apache-2.0
"""The queue's contract on PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contracts.queue_contract import ClaimContract, CommitContract, LeaseContract, SettleContract
from contracts.queue_contract_people import PeopleContract, TenantContract
from contracts.queue_contract_tracks import TrackContract
from contracts.queue_engines import QueueEngine


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[QueueEngine]:
    engine = QueueEngine("postgresql", tmp_path / "data")
    yield engine
    await engine.close()


class TestPostgresQueue(CommitContract, SettleContract, LeaseContract, ClaimContract, PeopleContract, TenantContract, TrackContract):
    """PostgreSQL keeps every promise of the queue."""
