# SPDX-License-Identifier: Apache-2.0
"""Questions take turns: so many at one time for a route and in all, and so many that wait; the others are turned away.

A place of a route is taken before one of all, so that whoever waits for a slow next hop keeps no place from the others.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

OF_ROUTE = 5
OF_ALL = 50
WAITING = 500
"""Questions of one route that may wait."""


class _Row(msgspec.Struct):
    """One route's questions."""

    places: asyncio.Semaphore
    inside: int = 0
    """Those under way and those that wait."""


class Turns:
    """The turns of one process; a route that nobody asks costs nothing."""

    def __init__(self, of_route: int = OF_ROUTE, of_all: int = OF_ALL, waiting: int = WAITING) -> None:
        self._of_route, self._most = of_route, of_route + waiting
        self._all = asyncio.Semaphore(of_all)
        self._rows: dict[str, _Row] = {}

    def is_full(self, key: str) -> bool:
        """Tell whether a further question of the route would be turned away."""
        row = self._rows.get(key)
        return row is not None and row.inside >= self._most

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncGenerator[None, None]:
        """Wait for a place, and keep it meanwhile."""
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = _Row(asyncio.Semaphore(self._of_route))
        row.inside += 1
        try:
            async with row.places, self._all:
                yield
        finally:
            row.inside -= 1
            if not row.inside:
                del self._rows[key]
