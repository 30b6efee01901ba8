# SPDX-License-Identifier: Apache-2.0
"""One connection of the web server, byte by byte, on a transport that only notes what happens to it."""

import asyncio
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from gatepost.web.frame.forwarded import client_key
from gatepost.web.frame.gate import Connection, Limits
from waiting import PATIENCE_S

LIMITS = Limits(head_bytes=1_000, request_bytes=50_000, head_s=PATIENCE_S, body_s=PATIENCE_S)
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


class Transport(asyncio.Transport):
    """Notes what is written, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.ended = asyncio.Event()
        self.aborted = False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.ended.set()

    def abort(self) -> None:
        self.aborted = True
        self.ended.set()

    def is_closing(self) -> bool:
        return self.ended.is_set()

    def pause_reading(self) -> None:
        """Read on."""

    def resume_reading(self) -> None:
        """Read on."""

    @property
    def is_open(self) -> bool:
        """Whether the client would still be heard."""
        return not self.ended.is_set()


async def _page(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def connect(limits: Limits = LIMITS) -> tuple[Connection, Transport]:
    """Open a connection."""
    config = uvicorn.Config(_page, log_config=None, lifespan="off")
    config.load()
    connection, transport = Connection(config, ServerState(), {}), Transport()
    connection.limits = limits
    connection.connection_made(transport)
    return connection, transport


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (HEAD + b"X: ", b"a" * 100),
        (HEAD, b"X: y\r\n" * 20),
        (b"GET /", b"a" * 100),
        (b"", b"\r\n" * 50),
        (CHUNKED + b"0\r\n", b"X: y\r\n" * 20),
        (CHUNKED + b"0\r\nX: ", b"a" * 100),
        (CHUNKED + b"1;", b"a" * 100),
        (CHUNKED + b"1;a\r\nb\r\n1;", b"a" * 100),
    ],
    ids=["a header", "headers", "an address", "empty lines", "trailers", "a trailer", "an extension", "a later extension"],
)
async def test_a_head_ends_at_its_limit(begin, piece):
    """Whatever it is that does not end, the connection does, at the limit and not long after it."""
    connection, transport = connect()
    connection.data_received(begin)
    sent = len(begin)
    while transport.is_open:
        connection.data_received(piece)
        sent += len(piece)
        assert sent < LIMITS.head_bytes + 500
    assert sent > LIMITS.head_bytes / 2
    connection.connection_lost(None)


async def assert_answered(*pieces: bytes) -> None:
    """Send a request in these pieces; it is served, and the connection stays."""
    connection, transport = connect()
    for piece in pieces:
        connection.data_received(piece)
    for _ in range(10):
        await asyncio.sleep(0)
    assert transport.written.startswith(b"HTTP/1.1 204 ") and transport.is_open
    connection.connection_lost(None)


@pytest.mark.parametrize("size", [1, 10, 100, 500, 900])
async def test_a_head_in_pieces_counts_once(size):
    """However it arrives, one just below the limit is read."""
    head = HEAD + b"Cookie: " + b"a" * 940 + b"\r\n\r\n"
    await assert_answered(*(head[start : start + size] for start in range(0, len(head), size)))


async def test_what_stands_between_small_chunks_is_no_large_head():
    """A body may come one byte at a time, each with as much about it as its writer likes; the limit begins anew with each."""
    await assert_answered(CHUNKED, *(b"1;" + b"x" * 60 + b"\r\n", b"a\r\n") * 100, b"0\r\nX: ", b"y" * 900 + b"\r\n\r\n")


async def test_a_body_ends_at_the_limit_of_all():
    """What is about its pieces counts among the bytes of a request."""
    connection, transport = connect()
    connection.data_received(CHUNKED)
    piece = b"1;" + b"a" * 494 + b"\r\nb\r\n"
    sent = len(CHUNKED)
    while transport.is_open:
        connection.data_received(piece)
        sent += len(piece)
        assert sent <= LIMITS.request_bytes + len(piece)
    assert sent > LIMITS.request_bytes and transport.aborted
    connection.connection_lost(None)


async def test_many_requests_on_one_connection_are_not_one_large_one():
    """Each has the limits for itself, also where they come in one piece."""
    connection, transport = connect()
    for _ in range(100):
        connection.data_received(HEAD + b"X: " + b"a" * 900 + b"\r\n\r\n")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    connection.data_received(HEAD + b"Y: " + b"a" * 500 + b"\r\n\r\n" + HEAD + b"Y: " + b"a" * 500 + b"\r\n\r\n")
    for _ in range(10):
        await asyncio.sleep(0)
    assert transport.is_open
    assert transport.written.count(b"HTTP/1.1 204") == 102
    connection.connection_lost(None)


@pytest.mark.parametrize("sent", [b"", b"GET", HEAD, b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab", HEAD + b"\r\n" + HEAD])
async def test_a_request_has_so_much_time(sent):
    """Then the connection is cut, wherever it was."""
    connection, transport = connect(LIMITS._replace(head_s=0.05, body_s=0.1))
    connection.data_received(sent)
    await asyncio.wait_for(transport.ended.wait(), PATIENCE_S)
    assert transport.aborted
    connection.connection_lost(None)


async def test_an_answer_has_all_the_time_it_takes():
    """Once a request is whole the clock stands."""
    connection, transport = connect()
    connection.data_received(HEAD + b"\r\n")
    assert connection._deadline is None
    connection.connection_lost(None)
    assert not transport.aborted


async def test_a_connection_that_ends_leaves_no_clock_and_tells_it_once():
    """Its place is free again, once."""
    left: list[int] = []
    connection, _ = connect()
    connection.leave = lambda: left.append(1)
    connection.connection_lost(ConnectionResetError())
    connection.connection_lost(None)
    assert (left, connection._deadline) == ([1], None)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_what_counts_as_one_client(address, key):
    """An IPv4 address however it is written, and of IPv6 what one customer has."""
    assert client_key(address) == key
