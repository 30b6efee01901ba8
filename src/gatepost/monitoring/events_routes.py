# SPDX-License-Identifier: Apache-2.0
"""Tell of routes whose next hop is down, once when that is found out and once when it is over."""

from collections.abc import Mapping

from gatepost.telemetry.events import RouteDown, RouteReached
from gatepost.telemetry.log import emit


class RouteWatch:
    """Which routes were down when it was last looked."""

    def __init__(self) -> None:
        self._down: frozenset[str] = frozenset()

    def look(self, down: Mapping[str, str]) -> None:
        """Compare with the routes that are down now, each with the last failure."""
        for route in sorted(down.keys() - self._down):
            emit(RouteDown(route=route, reason=down[route]))
        for route in sorted(self._down - down.keys()):
            emit(RouteReached(route=route))
        self._down = frozenset(down)
