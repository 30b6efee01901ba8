# SPDX-License-Identifier: Apache-2.0
"""The filters that look at the sender keep the promises of every filter."""

import pytest

from contracts.filter_contract import FilterContract, MakeFilter
from gatepost.config.blocklists import Blocklist, RealtimeBlocklistSettings
from gatepost.config.reputation import ReputationSettings
from gatepost.filters.realtime_blocklists import RealtimeBlocklists
from gatepost.filters.reputation import Reputation

LISTS = RealtimeBlocklistSettings(lists=(Blocklist(zone="bl.example"), Blocklist(zone="second.example", answers=("127.0.0.0/29",))))


class TestRealtimeBlocklists(FilterContract):
    """Realtime blocklists."""

    @pytest.fixture
    def make_filter(self) -> MakeFilter:
        return lambda resolver: RealtimeBlocklists(LISTS, resolver)


class TestReputation(FilterContract):
    """Reputation, with each check on."""

    @pytest.fixture
    def make_filter(self) -> MakeFilter:
        checks = ReputationSettings(unsecured_connection=1, dmarc_fail_none=1, unreadable_author=1)
        return lambda resolver: Reputation(checks, resolver, {"owned.example"}.__contains__)
