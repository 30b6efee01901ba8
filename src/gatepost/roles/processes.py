# SPDX-License-Identifier: Apache-2.0
"""What each process of a machine shares at its start and its end: event loop, signals, readiness, paths."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import uvloop

from gatepost.config.bootstrap import Bootstrap, Listener
from gatepost.errors import GatepostError
from gatepost.monitoring.events_buffer import of_process
from gatepost.roles.event_line import ProcessEnd
from gatepost.telemetry.events import ProcessDraining, ProcessStarted
from gatepost.telemetry.log import emit


class Paths:
    """Where a machine's stores and sockets lie."""

    def __init__(self, bootstrap: Bootstrap) -> None:
        self.data = Path(bootstrap.data)
        self.run = Path(bootstrap.run) if bootstrap.run else self.data / "run"
        self.handover = str(self.run / "handover.sock")
        self.control = str(self.run / "control.sock")
        self.console = str(self.run / "console.sock")
        self.blobs = self.data / "blobs"
        self.link = self.data / "link"

    @property
    def control_path(self) -> Path:
        """The gateway's control socket."""
        return Path(self.control)

    @property
    def console_path(self) -> Path:
        """The console's control socket."""
        return Path(self.console)

    def make(self) -> None:
        """Make the folders, for this user alone."""
        try:
            for folder in (self.data, self.run, self.blobs):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise GatepostError(
                f"{error.filename}: cannot be made: {error.strerror}; set `data` to a folder that this user may write"
            ) from None


def hostname(bootstrap: Bootstrap) -> str:
    """Give the name that greets and signs trace headers."""
    return bootstrap.hostname or socket.getfqdn()


def own_addresses(bootstrap: Bootstrap, *, resolve: bool) -> frozenset[str]:
    """Give the IP addresses that this machine is known to receive on: mail routed there would come back.

    `resolve` asks the machine's resolver for its own name too, which may ask a name server.
    """
    named = {listener.address for listener in bootstrap.mail_listeners.values()} - {"0.0.0.0", "::"}  # noqa: S104  # compared, not bound
    if not resolve:
        return frozenset(named)
    with contextlib.suppress(OSError):  # a machine that cannot resolve its own name still has the loopback rule
        named |= {str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None)}
    return frozenset(named)


def bind(listener: Listener) -> socket.socket:
    """Bind one listener's address, shareable between receive processes."""
    listening = _socket(listener)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listening.bind((listener.address, listener.port))
        listening.listen(1024)
    except OSError as error:
        listening.close()
        raise _unbindable(listener, error) from None
    listening.setblocking(False)
    return listening


def refuse_taken(listener: Listener) -> None:
    """Raise GatepostError when anybody listens there: what `bind` binds would share the port with another gateway of this user."""
    with _socket(listener) as probe:
        try:
            probe.bind((listener.address, listener.port))
        except OSError as error:
            raise _unbindable(listener, error) from None


def _socket(listener: Listener) -> socket.socket:
    family = socket.AF_INET6 if ":" in listener.address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY only so
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6 and listener.address != "::":
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return made


def _unbindable(listener: Listener, error: OSError) -> GatepostError:
    return GatepostError(
        f"listener {listener.address}:{listener.port}: {error.strerror}; free the port, choose another, or start with the right to bind it"
    )


class Supervised(NamedTuple):
    """What a supervisor gives a process at its start: the listening sockets it bound, by the listener's index."""

    sockets: dict[int, socket.socket]

    @classmethod
    def read(cls, handed: str) -> "Supervised":
        """Read `index:fd,...` from the command line; `-` where there are none."""
        pairs = (pair.split(":") for pair in handed.split(",")) if handed != "-" else ()
        return cls({int(index): socket.socket(fileno=int(descriptor)) for index, descriptor in pairs})


_SWITCH_INTERVAL_S = 0.0001
"""How long a thread may hold the interpreter while the event loop wants it."""


def run_process(
    name: str, start: Callable[[], Awaitable[Callable[[], Awaitable[None]]]], *, supervised: bool, keeps_events: bool = False
) -> int:
    """Run one process: `start` makes it ready and gives what drains it; SIGTERM or SIGINT begins the drain.

    With `keeps_events` what this process ships of its events is durable then, so it takes those of its supervisor too.
    """

    async def main() -> None:
        loop = asyncio.get_running_loop()
        ending = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ending.set)
        line = ProcessEnd(ending) if supervised else None
        drain = await start()
        emit(ProcessStarted(process=name, pid=os.getpid()))
        buffer = of_process()
        if line is not None and keeps_events and buffer is not None:
            line.take(buffer)
        await ending.wait()
        emit(ProcessDraining(process=name))
        if line is not None:
            await line.close()
        await drain()

    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    try:
        uvloop.run(main())
    except GatepostError as error:
        sys.stderr.write(f"gatepost {name}: {error}\n")
        return error.exit_code
    return 0
