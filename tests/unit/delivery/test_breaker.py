# SPDX-License-Identifier: Apache-2.0
"""One probe a minute for a route that is down."""

from gatepost.delivery.breaker import Breakers


def test_a_route_is_tried_until_it_failed_often_enough() -> None:
    """Four failures in a row leave the circuit closed, the fifth opens it."""
    breakers = Breakers(failures=5)
    for number in range(5):
        assert breakers.admits("r", 100.0)
        breakers.failed("r", f"451 4.4.1 failure {number}", 100.0)
    assert not breakers.admits("r", 100.0)
    assert breakers.reason("r") == "451 4.4.1 failure 4"
    assert breakers.admits("another", 100.0)


def test_one_probe_for_each_interval() -> None:
    """An open circuit lets one mail pass each interval, whether or not the probe has reported yet."""
    breakers = Breakers(failures=1, interval_s=60.0)
    breakers.failed("r", "x", 0.0)
    assert breakers.probe_at("r") == 60.0
    assert [breakers.admits("r", now) for now in (59.0, 60.0, 60.0, 119.0, 120.0, 121.0)] == [False, True, False, False, True, False]


def test_a_failed_probe_keeps_the_circuit_open() -> None:
    """The next probe comes a whole interval after the one before has failed."""
    breakers = Breakers(failures=1, interval_s=60.0)
    breakers.failed("r", "x", 0.0)
    assert breakers.admits("r", 60.0)
    breakers.failed("r", "x", 90.0)
    assert not breakers.admits("r", 149.0)
    assert breakers.admits("r", 150.0)


def test_reaching_the_route_closes_its_circuit() -> None:
    """One sign of life forgets all failures of that route, and of no other."""
    breakers = Breakers(failures=2)
    for key in ("a", "b"):
        breakers.failed(key, "x", 0.0)
        breakers.failed(key, "x", 0.0)
    breakers.reached("a")
    assert not breakers.is_open("a")
    assert breakers.is_open("b")
    assert breakers.probe_at("a") == 0.0
    breakers.failed("a", "x", 0.0)
    assert breakers.admits("a", 0.0)
