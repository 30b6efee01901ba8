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
            if not links:
                del self._idle[key]
            if link.connection.usable:
                return link
        return None

    def give_back(self, key: str, link: Link) -> None:
        """Keep a connection after its mail, or end it when it has served enough."""
        connection = link.connection
        if not connection.usable:
            connection.abort()
        elif not self._keep or connection.mails >= self._mails:
            connection.quit()
        else:
            if connection.mails == 1:
                connection.closed.add_done_callback(lambda _: self._forget(key, link))
            self._idle.setdefault(key, []).append(link)

    def _forget(self, key: str, link: Link) -> None:
        """Drop a connection that ended while it was idle: most routes are used once, and must leave nothing."""
        links = self._idle.get(key, [])
        if link in links:
            links.remove(link)
            if not links:
                del self._idle[key]

    @property
    def idle(self) -> int:
        """Tell how many connections are kept."""
        return sum(len(links) for links in self._idle.values())

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
