# SPDX-License-Identifier: Apache-2.0
"""The console's server against who comes and says nothing, or says it slowly, or comes a hundred times."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvloop

from gatepost.web.frame.gate import Limits
from security.console_attack import FORM, Target, attacked, request

HASTE = Limits(connections=12, of_one_client=8, head_s=0.6, body_s=0.9)
PAGE = request("GET", "/sign-in")


@pytest.fixture(params=[uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
def hasty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Target]:
    """A console that has little patience, in the loop of the process and in the one of other tests."""
    with attacked(tmp_path, limits=HASTE, new_loop=request.param) as target:
        yield target


@pytest.mark.parametrize(
    ("pieces", "most_s"),
    [
        ((), HASTE.head_s),
        ((b"GET /sign-in HT",), HASTE.head_s),
        ((b"GET /sign-in HTTP/1.1\r\nHost: x\r\nX: ",), HASTE.head_s),
        ((request("POST", "/sign-in", FORM, keep=True).replace(b"Content-Length: 0", b"Content-Length: 9") + b"a",), HASTE.body_s),
        ((request("GET", "/sign-in", keep=True), b"GET /sign-in HT"), HASTE.head_s),
    ],
    ids=["nothing", "half a line", "half a head", "half a body", "half a second request"],
)
def test_who_only_waits_is_shown_out(hasty, pieces, most_s):
    """A request that does not become whole ends its connection after the time that it has."""
    answer = hasty.send(*pieces)
    assert answer.closed
    assert answer.took_s < most_s + 1.5


def test_a_byte_from_time_to_time_gives_no_more_time(hasty):
    """The clock counts from the first byte of a request, not from the last one."""
    begun = time.monotonic()
    with hasty.connect() as slow:
        slow.settimeout(0.05)
        with pytest.raises(OSError, match=r"reset|Broken"):
            for byte in b"GET /sign-in HTTP/1.1\r\nHost: " + b"x" * 1_000:
                slow.send(bytes([byte]))
                _nap(slow)
    assert time.monotonic() - begun < HASTE.head_s + 2


def _nap(connection: socket.socket) -> None:
    try:
        if not connection.recv(100):
            raise ConnectionResetError("reset")
    except TimeoutError:
        pass


def test_one_client_locks_nobody_out(hasty):
    """What one address holds open has a limit below that of all, so others come in; and it ends, so he himself does, too."""
    held = [hasty.connect() for _ in range(HASTE.of_one_client)]
    try:
        one_more = hasty.send(PAGE)
        assert (one_more.status, one_more.closed) == (0, True)
        with socket.socket() as other:
            other.bind(("127.0.0.2", 0))
            other.settimeout(5)
            other.connect(("127.0.0.1", hasty.port))
            other.sendall(PAGE)
            assert other.recv(12) == b"HTTP/1.1 200"
        time.sleep(HASTE.head_s + 0.3)  # the very time that is promised
        assert hasty.send(PAGE).status == 200
    finally:
        for one in held:
            one.close()


def test_many_clients_are_told_that_there_are_too_many(hasty):
    """Beyond the number of all nobody is taken in, until somebody leaves."""
    held = []
    try:
        for number in range(HASTE.connections):
            one = socket.socket()
            one.bind((f"127.0.1.{number + 1}", 0))
            one.connect(("127.0.0.1", hasty.port))
            held.append(one)
        assert hasty.send(PAGE).status in (0, 503)
    finally:
        for one in held:
            one.close()
    _soon(lambda: hasty.send(PAGE).status == 200)


def test_two_hundred_that_wait_do_not_keep_a_visitor_out(tmp_path):
    """With the console's own limits: one address opens as many connections as it can, another one gets its page at once."""
    with attacked(tmp_path) as target:
        held = [target.connect() for _ in range(200)]
        try:
            with socket.socket() as other:
                other.bind(("127.0.0.2", 0))
                other.settimeout(5)
                other.connect(("127.0.0.1", target.port))
                other.sendall(PAGE)
                assert other.recv(12) == b"HTTP/1.1 200"
        finally:
            for one in held:
                one.close()


def _soon(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
