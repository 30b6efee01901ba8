# SPDX-License-Identifier: Apache-2.0
"""A next hop that is down is told once, and once when it is over."""

import json

import pytest

from gatepost.monitoring.events_routes import RouteWatch


def test_each_change_is_told_once(capfd: pytest.CaptureFixture[str]) -> None:
    """Not each look, and not what is as before."""
    watch = RouteWatch()
    for down in (
        {},
        {"inwards": "refused"},
        {"inwards": "timeout"},
        {"inwards": "timeout", "outwards": "refused"},
        {"outwards": "x"},
        {},
        {},
    ):
        watch.look(down)
    told = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [(one["event"], one["route"], one.get("reason")) for one in told] == [
        ("delivery.route_down", "inwards", "refused"),
        ("delivery.route_down", "outwards", "refused"),
        ("delivery.route_reached", "inwards", None),
        ("delivery.route_reached", "outwards", None),
    ]
