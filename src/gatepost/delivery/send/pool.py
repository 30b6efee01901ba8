# SPDX-License-Identifier: Apache-2.0
"""Keep idle connections for the next mail of the same route.

The pool does not limit how many are open: each send uses one and prefers an idle one, so there are
never more than the sends the dispatcher has let run at one time for the route.
"""

import asyncio
from typing import NamedTuple

from gatepost.delivery.route import NextHop
from gatepost.smtp.client.connection import Connection

_QUIT_S = 2.0
"""Wait for the replies to QUIT when the pool closes; a next hop that does not answer is hung up on."""


class Link(NamedTuple):
    """An open connection and the next hop at its other end."""

    connection: Connection
    hop: NextHop


class ConnectionPool:
    """Idle connections by route key; the last one used is used first, so that the others may expire."""

    def __init__(self, mails_per_connection: int, *, keep: bool = True) -> None:
        self._mails = mails_per_connection
        self._keep = keep
        self._idle: dict[str, list[Link]] = {}

    def take(self, key: str) -> Link | None:
        """Give an idle connection of the route, or None."""
        links = self._idle.get(key)
        while links:
            link = links.pop()
            if link.connection.usable:
                return link
        if links is not None:
            del self._idle[key]
        return None

    def give_back(self, key: str, link: Link) -> None:
        """Keep a connection after its mail, or end it when it has served enough."""
        connection = link.connection
        if not connection.usable:
            connection.abort()
        elif not self._keep or connection.mails >= self._mails:
            connection.quit()
        else:
            links = self._idle.get(key)
            if links is None:
                links = self._idle[key] = []
            elif links and not links[0].connection.usable:
                links[:] = [kept for kept in links if kept.connection.usable]
            links.append(link)

    async def close(self) -> None:
        """Say QUIT on all idle connections; those in use end with their mail."""
        self._keep = False
        links = [link for links in self._idle.values() for link in links]
        self._idle.clear()
        for link in links:
            link.connection.quit()
        if links:
            closed = [link.connection.closed for link in links]
            await asyncio.wait(closed, timeout=_QUIT_S)
            for link in links:
                link.connection.abort()
