# SPDX-License-Identifier: Apache-2.0
"""The gate of the web server: so many connections at a time, so many of one client, and none that only waits.

Promises: whoever connects and says nothing, or says it one byte a minute, is gone after `Limits.head_s`; one client (an IPv6 client is
its /64) holds at most `Limits.of_one_client` connections, so it locks out nobody else, unless it is a trusted proxy, whose visitors are
told apart behind the gate (`forwarded`); no head of a request is larger than `Limits.head_bytes`, and it costs no more than that. What is
over a limit is closed without a word.
"""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gatepost.smtp.tls import AskTls
from gatepost.web.frame.forwarded import Proxies, client_key


class Limits(NamedTuple):
    """What a gate lets through."""

    connections: int = 200
    of_one_client: int = 64
    """A browser opens six; many people may come from behind one address."""
    handshake_s: float = 15.0
    """Seconds until TLS stands."""
    head_s: float = 20.0
    """Seconds until the head of a request is there."""
    body_s: float = 120.0
    """Seconds from then on until its body is."""
    head_bytes: int = 65_536
    """Request line and headers; and so much again between two pieces of a body, and of trailers after it (RFC 9112, section 7.1)."""
    request_bytes: int = 16_777_216
    """All of one request on the wire; the application's own limit is smaller, and says so."""


LIMITS: Final = Limits()
_BREATH_S: Final = 0.1
_UNSENT_MS: Final = 60_000
"""How long a client may take nothing of an answer until the system gives it up."""


class TooLarge(Exception):
    """The head of a request is larger than the limit."""


class Connection(HttpToolsProtocol):
    """One connection, with the patience that its gate has."""

    limits = LIMITS
    leave: Callable[[], None] | None = None
    """Called once when it has ended."""

    _deadline: asyncio.TimerHandle | None = None
    _in_head = True
    _went_on = False
    """In what arrived last a line of a head, a head or a piece of a body ended."""
    _head_bytes = 0
    """Of lines that have ended."""
    _loose_bytes = 0
    """Of what arrived since, and belongs to none yet."""
    _request_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Make room for another."""
        self._done_waiting()
        super().connection_lost(exc)
        if self.leave is not None:
            self.leave()
            self.leave = None

    def data_received(self, data: bytes) -> None:
        """Take what arrived."""
        self._request_bytes += len(data)
        if self._request_bytes > self.limits.request_bytes:
            self.transport.abort()
            return
        if self._in_head:
            self._wait_for_head()
        self._went_on = False
        super().data_received(data)
        if self._went_on or self.transport.is_closing():
            return
        # Also what is no header yet: one that never ends, empty lines before a request, what a chunk's size has beside it.
        self._loose_bytes += len(data)
        if self._head_bytes + self._loose_bytes > self.limits.head_bytes:
            if self._in_head:
                self.send_400_response("Request head too large.")
            else:  # The answer may have begun.
                self.transport.abort()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._head_bytes = self._loose_bytes = 0
        self._wait_for_head()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the address. Raises: TooLarge."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header or a trailer. Raises: TooLarge."""
        self._count(len(name) + len(value) + len(": \r\n"))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to wait for the body."""
        self._in_head = False
        self._went_on = True
        self._head_bytes = self._loose_bytes = 0
        self._wait(self.limits.body_s)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._went_on = True
        self._head_bytes = self._loose_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for nothing: now the answer is due."""
        self._in_head = self._went_on = True
        self._head_bytes = self._loose_bytes = self._request_bytes = 0
        self._done_waiting()
        super().on_message_complete()

    def _count(self, count: int) -> None:
        self._went_on = True
        self._loose_bytes = 0
        self._head_bytes += count
        if self._head_bytes > self.limits.head_bytes:
            raise TooLarge

    def _wait_for_head(self) -> None:
        if self._deadline is None:
            self._wait(self.limits.head_s)

    def _wait(self, patience_s: float) -> None:
        self._done_waiting()
        self._deadline = self.loop.call_later(patience_s, self._give_up)

    def _done_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        self.transport.abort()


class Gate:
    """Accepts on one listening socket, as an `asyncio.Server` does."""

    def __init__(
        self, listening: socket.socket, connection: Callable[[], Connection], tls: AskTls | None, limits: Limits, proxies: Proxies
    ) -> None:
        self._listening, self._connection, self._tls, self._limits = listening, connection, tls, limits
        self._proxies = proxies
        self._inside: Counter[str] = Counter()
        self._greeting: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to accept."""
        self._listening.setblocking(False)
        self._accepting = asyncio.create_task(self._accept())

    def close(self) -> None:
        """Accept no more; who is inside stays until he leaves."""
        for task in (self._accepting, *self._greeting):
            if task is not None:
                task.cancel()

    async def wait_closed(self) -> None:
        """Wait until nothing is accepted any more."""
        if self._accepting is not None:
            await asyncio.gather(self._accepting, *self._greeting, return_exceptions=True)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                arrived, address = await loop.sock_accept(self._listening)
                arrived.setblocking(False)
            except OSError:  # As when the process has no descriptor left; it will have one again.
                await asyncio.sleep(_BREATH_S)
                continue
            client = client_key(str(address[0]))
            is_one_too_many = self._inside[client] >= self._limits.of_one_client and not self._proxies.trusts(str(address[0]))
            if is_one_too_many or self._inside.total() >= self._limits.connections:
                arrived.close()
                continue
            self._inside[client] += 1
            task = asyncio.create_task(self._greet(arrived, client))
            self._greeting.add(task)
            task.add_done_callback(self._greeting.discard)

    async def _greet(self, arrived: socket.socket, client: str) -> None:
        """Lead a connection in, through the handshake where there is one."""
        loop = asyncio.get_running_loop()
        connection = self._connection()
        connection.limits = self._limits
        connection.leave = lambda: self._left(client)
        options: dict[str, Any] = {"ssl": self._tls(), "ssl_handshake_timeout": self._limits.handshake_s} if self._tls else {}
        try:
            arrived.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNSENT_MS)
            await loop.connect_accepted_socket(lambda: connection, arrived, **options)
        except (OSError, asyncio.CancelledError):  # No handshake: plain text, an old version, a client that went away.
            with contextlib.suppress(OSError):
                arrived.close()
            if connection.leave is not None:
                connection.leave()
                connection.leave = None

    def _left(self, client: str) -> None:
        self._inside[client] -= 1
        if not self._inside[client]:
            del self._inside[client]
