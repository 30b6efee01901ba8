# SPDX-License-Identifier: Apache-2.0
"""Loopback ports for tests: find a free one, wait until one answers, wait until nobody uses one."""

import fcntl
import functools
import os
import random
import socket
import tempfile
import time
from pathlib import Path

LOOPBACK = "127.0.0.1"
_ESTABLISHED = "01"
_given: set[int] = set()


def free_port() -> int:
    """Find a TCP port that nobody listens on, and that is given to nobody else: in this process never again, in another one of
    this user not while this one lives.

    It lies below the kernel's range for outgoing connections, so that no client's own end can take it
    while a server that listens on it restarts.
    """
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(1000):
        port = random.randrange(max(1024, first - 16000), first)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
                fcntl.lockf(_claims(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
            except OSError:
                continue
            _given.add(port)
            return port
    raise OSError("no free port was found on loopback")


@functools.cache
def _claims() -> int:
    """Open the file whose byte N is locked by the process that was given port N; the lock ends with the process."""
    path = Path(tempfile.gettempdir(), f"gatepost-test-ports-{os.geteuid()}")
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def answers(port: int, timeout_s: float = 10.0) -> bool:
    """Tell whether a mail server greets on this port with 220."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout_s) as connection:
            connection.settimeout(timeout_s)
            return connection.recv(3) == b"220"
    except OSError:
        return False


def accepts_connections(port: int, timeout_s: float = 10.0, host: str = LOOPBACK) -> bool:
    """Tell whether anybody listens on this port."""
    try:
        socket.create_connection((host, port), timeout_s).close()
    except OSError:
        return False
    return True


def established(port: int) -> int:
    """Count this machine's IPv4 connections to this port that are established."""
    wanted = f":{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(1 for fields in map(str.split, lines) if fields[2].endswith(wanted) and fields[3] == _ESTABLISHED)


def wait_until_unused(port: int, timeout_s: float = 60.0) -> bool:
    """Wait until nobody is connected to this port; False when somebody still is at the end."""
    end = time.monotonic() + timeout_s
    while established(port):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True
