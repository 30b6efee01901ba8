# SPDX-License-Identifier: Apache-2.0
"""The console's server against who comes and says nothing, or says it slowly, or comes a hundred times."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvloop

from gatepost.web.frame.gate import LIMITS, Limits
from security.console_attack import FORM, Target, attacked, request
from waiting import PATIENCE_S

HASTE = Limits(connections=12, of_one_client=8, head_s=0.6, body_s=0.9)
CALM = HASTE._replace(head_s=PATIENCE_S)
"""Whoever waits still does when others have come, however slowly they do."""
NewLoop = Callable[[], asyncio.AbstractEventLoop]
PAGE = request("GET", "/sign-in")


@pytest.fixture(params=[uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
def new_loop(request: pytest.FixtureRequest) -> NewLoop:
    """The loop of the process, and the one of other tests."""
    made: NewLoop = request.param
    return made


@pytest.fixture
def hasty(new_loop: NewLoop, tmp_path: Path) -> Iterator[Target]:
    """A console that has little patience."""
    with attacked(tmp_path, limits=HASTE, new_loop=new_loop) as target:
        yield target


@pytest.fixture
def calm(new_loop: NewLoop, tmp_path: Path) -> Iterator[Target]:
    """A console with room for few, that shows out nobody during a test."""
    with attacked(tmp_path, limits=CALM, new_loop=new_loop) as target:
        yield target


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (b"GET /sign-in HT",),
        (b"GET /sign-in HTTP/1.1\r\nHost: x\r\nX: ",),
        (request("POST", "/sign-in", FORM, keep=True).replace(b"Content-Length: 0", b"Content-Length: 9") + b"a",),
        (request("GET", "/sign-in", keep=True), b"GET /sign-in HT"),
    ],
    ids=["nothing", "half a line", "half a head", "half a body", "half a second request"],
)
def test_who_only_waits_is_shown_out(hasty, pieces):
    """A request that does not become whole ends its connection after the time that it has here, long before the usual one."""
    answer = hasty.send(*pieces)
    assert answer.closed
    assert answer.took_s < min(LIMITS.head_s, LIMITS.body_s)


def test_a_byte_from_time_to_time_gives_no_more_time(hasty):
    """The clock counts from the first byte of a request, not from the last one."""
    begun = time.monotonic()
    with hasty.connect() as slow:
        slow.settimeout(0.05)
        with pytest.raises(OSError, match=r"reset|Broken"):
            for byte in b"GET /sign-in HTTP/1.1\r\nHost: " + b"x" * 1_000:
                slow.send(bytes([byte]))
                _nap(slow)
    assert time.monotonic() - begun < LIMITS.head_s


def _nap(connection: socket.socket) -> None:
    try:
        if not connection.recv(100):
            raise ConnectionResetError("reset")
    except TimeoutError:
        pass


def test_one_client_locks_nobody_out(calm):
    """What one address holds open has a limit below that of all, so others come in."""
    held = [calm.connect() for _ in range(CALM.of_one_client)]
    try:
        one_more = calm.send(PAGE)
        assert (one_more.status, one_more.closed) == (0, True)
        assert _is_served(calm, "127.0.0.2")
    finally:
        for one in held:
            one.close()


def test_one_client_locks_himself_out_for_a_while_only(hasty):
    """What he holds open without a word ends by itself, so he comes in again."""
    held = [hasty.connect() for _ in range(HASTE.of_one_client)]
    try:
        _soon(lambda: hasty.send(PAGE).status == 200)
    finally:
        for one in held:
            one.close()


def test_many_clients_are_told_that_there_are_too_many(calm):
    """Beyond the number of all nobody is taken in, until somebody leaves."""
    held = []
    try:
        for number in range(CALM.connections):
            one = socket.socket()
            one.bind((f"127.0.1.{number + 1}", 0))
            held.append(one)
            one.connect(("127.0.0.1", calm.port))
        assert calm.send(PAGE).status in (0, 503)
    finally:
        for one in held:
            one.close()
    _soon(lambda: calm.send(PAGE).status == 200)


def test_two_hundred_that_wait_do_not_keep_a_visitor_out(tmp_path):
    """With the console's own limits: one address opens as many connections as it can, another one gets its page at once."""
    with attacked(tmp_path) as target:
        held = [target.connect() for _ in range(200)]
        try:
            assert _is_served(target, "127.0.0.2")
        finally:
            for one in held:
                one.close()


def _is_served(target: Target, address: str) -> bool:
    return target.send(PAGE, peer=address).status == 200


def _soon(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
