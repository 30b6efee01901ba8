# SPDX-License-Identifier: Apache-2.0
"""Which send connector is used."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.config.configuration import SendConnector
from gatepost.delivery.connectors import candidates, choose, serves


def connector(name: str, **settings: Any) -> SendConnector:
    return SendConnector(**({"name": name, "direction": "outbound"} | settings))


@pytest.mark.parametrize(
    ("pattern", "domain", "fits"),
    [
        ("*", "example.com", True),
        ("*", "", True),
        ("example.com", "example.com", True),
        ("Example.COM", "example.com", True),
        ("example.com", "www.example.com", False),
        ("example.com", "badexample.com", False),
        ("*.example.com", "www.example.com", True),
        ("*.example.com", "a.b.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "badexample.com", False),
        ("*.example.com", "example.com.evil", False),
    ],
)
def test_patterns(pattern: str, domain: str, fits: bool) -> None:
    """`*` serves all, a name itself, `*.name` what is below it."""
    assert serves(connector("x", domains=(pattern,)), domain) is fits


def test_the_cheapest_that_fits_is_used() -> None:
    """Direction, tenant, domain and the switch must fit; then the lowest cost decides."""
    connectors = [
        connector("dear", cost=20),
        connector("cheap", cost=5),
        connector("cheaper-but-off", cost=1, enabled=False),
        connector("cheaper-but-inbound", cost=1, direction="inbound"),
        connector("cheaper-but-other-tenant", cost=1, tenant=2),
        connector("cheaper-but-other-domain", cost=1, domains=("example.org",)),
    ]
    choice = choose(connectors, "outbound", "example.com", 1)
    assert choice.connector is connectors[1]
    assert choice.why == "cheap has the lowest cost, 5, of 2 outbound connectors that serve example.com."


def test_equal_costs_are_decided_by_the_order() -> None:
    """Of two that cost the same the first in the configuration is used, and the sentence says so."""
    choice = choose([connector("first"), connector("second"), connector("third", cost=11)], "outbound", "example.com", 0)
    assert choice.connector is not None
    assert choice.connector.name == "first"
    assert choice.why == "first stands before second at the same cost of 10, of 3 outbound connectors that serve example.com."


def test_a_tenant_has_its_own_and_the_common_connectors() -> None:
    """A connector without a tenant serves all; one with a tenant serves no other."""
    connectors = [connector("one", tenant=1, cost=1), connector("two", tenant=2, cost=1), connector("all", cost=9)]
    for tenant, names in {0: ["all"], 1: ["one", "all"], 2: ["two", "all"]}.items():
        assert [one.name for one in candidates(connectors, "outbound", "example.com", tenant)] == names


def test_nothing_fits_and_the_sentence_says_why() -> None:
    """Without a fitting connector the reason for each that was passed over is given."""
    connectors = [connector("a", enabled=False), connector("b", direction="inbound"), connector("c", domains=("x.example",))]
    choice = choose(connectors, "outbound", "example.com", 0)
    assert choice.connector is None
    assert choice.why == ("No send connector fits outbound mail to example.com: a is disabled; b is for inbound mail; c serves x.example.")
    assert choose([], "inbound", "example.com", 0).why == "No send connector fits inbound mail to example.com: there is none at all."


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.sampled_from([None, 0, 1])), max_size=8))
def test_failover_order(rows: list[tuple[int, bool, int | None]]) -> None:
    """Candidates come by cost, equal ones in the configuration's order, and the choice is the first of them."""
    connectors = [connector(f"c{n}", cost=cost, enabled=on, tenant=tenant) for n, (cost, on, tenant) in enumerate(rows)]
    found = candidates(connectors, "outbound", "example.com", 0)
    places = [(one.cost, connectors.index(one)) for one in found]
    assert places == sorted(places)
    assert {one.name for one in found} == {one.name for one in connectors if one.enabled and one.tenant in (None, 0)}
    assert choose(connectors, "outbound", "example.com", 0).connector is (found[0] if found else None)
