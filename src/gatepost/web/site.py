# SPDX-License-Identifier: Apache-2.0
"""The whole site of the console: its pages, and the REST API, which answers whatever is below `/api` alone.

The API's libraries are loaded when it is called for the first time, in a thread, so that pages neither wait for them nor pay.
"""

import asyncio
from collections.abc import Callable

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from gatepost.web.console.pages import desk, pages
from gatepost.web.frame.application import application
from gatepost.web.house import House


def site(house: House) -> ASGIApp:
    """Put the site together."""
    reception = desk(house)

    def api() -> ASGIApp:
        from gatepost.web.api.application import api

        return api(house)

    return application(reception, [Below("/api", api), *pages(reception, house)])


class Below(BaseRoute):
    """An application that is made when the first request for it comes. It gets every path below its own, also one with a line end."""

    def __init__(self, path: str, make: Callable[[], ASGIApp]) -> None:
        self._path = path
        self._make = make
        self._made: ASGIApp | None = None
        self._turn = asyncio.Lock()

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell whether a request is for it."""
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(f"{self._path}/"):
            return Match.NONE, {}
        return Match.FULL, {"root_path": scope.get("root_path", "") + self._path}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await (self._made or await self._first())(scope, receive, send)

    async def _first(self) -> ASGIApp:
        async with self._turn:
            if self._made is None:
                self._made = await asyncio.to_thread(self._make)
            return self._made
