# SPDX-License-Identifier: Apache-2.0
"""A whole Gatepost as its processes, started as an administrator would: `gatepost run --config FILE`.

    with Gateway(folder, relay_all_to(sink.port)) as gateway:
        ... gateway.port ... gateway.sigkill("deliver") ...

Its two files, its data and its log (`gatepost.log`: events, one JSON line each) lie in `folder`. It is a single machine,
console included, unless another role is asked for; `testing.sites` puts several together.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import msgspec

from gatepost.config.bootstrap import Bootstrap, Link, Listener, Processes, Stores, Tls
from gatepost.config.configuration import Configuration, OwnedDomain, SendConnector
from gatepost.config.limits import DeliveryLimits, ReceiveLimits
from gatepost.config.rules import Rule
from gatepost.testing import toml
from gatepost.testing.ports import LOOPBACK, accepts_connections, answers, free_port
from gatepost.testing.processes import alive, pss_mib, snapshot, tree
from gatepost.testing.tls import CertificateFiles

SUPERVISOR, CONSOLE = "supervisor", "console"
Role = Literal["single", "gateway", "intranet"]


class GatewayFailed(Exception):
    """The gateway did not start or did not end as asked; holds the last lines of its log."""


def relay_all_to(
    port: int, *, domains: Sequence[str] = ("example.com",), receive: ReceiveLimits | None = None, delivery: DeliveryLimits | None = None
) -> Configuration:
    """Give a configuration that owns these domains, judges nothing and sends everything, both ways, to one port on loopback."""
    hop = (f"[{LOOPBACK}]:{port}",)
    return Configuration(
        owned_domains=tuple(OwnedDomain(name=name) for name in domains),
        send_connectors=(
            SendConnector(name="inwards", direction="inbound", smart_hosts=hop),
            SendConnector(name="outwards", direction="outbound", smart_hosts=hop),
        ),
        rules=(Rule(name="All mails", direction="any", mode="accept"),),
        receive=receive or ReceiveLimits(),
        delivery=delivery or DeliveryLimits(),
    )


def loopback_listener(tls: CertificateFiles | None = None) -> Listener:
    """Give a listener on a free port of loopback that offers STARTTLS when there is a certificate."""
    return Listener(address=LOOPBACK, port=free_port(), tls="offered" if tls is not None else "none")


class Gateway:
    """One gateway; start, look at, kill and end it. Also an asynchronous context manager that leaves the loop free."""

    def __init__(
        self,
        folder: Path,
        configuration: Configuration,
        *,
        listeners: Sequence[Listener] | None = None,
        tls: CertificateFiles | None = None,
        receive: int = 1,
        hostname: str = "gateway.example",
        role: Role = "single",
        stores: Stores | None = None,
        linked: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare it; `linked` lets an intranet on another machine call it, on a free port of loopback."""
        self.folder = folder.resolve()
        self.configuration = configuration
        identity = Tls(certificate=str(tls.certificate.resolve()), key=str(tls.key.resolve())) if tls is not None else Tls()
        if role == "intranet":
            listeners = [Listener()]  # the default, which this role does not look at
        self.bootstrap = Bootstrap(
            role=role,
            hostname=hostname,
            data=str(self.folder / "data"),
            configuration=str(self.folder / "configuration.toml"),
            listeners=tuple(listeners or [loopback_listener(tls)]),
            tls=identity,
            processes=Processes(receive=receive),
            stores=stores or Stores(),
            link=Link(listen=f"{LOOPBACK}:{free_port()}" if linked else ""),
        )
        self.config_file = self.folder / "gatepost.toml"
        self.log = self.folder / "gatepost.log"
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at_byte = self._read_to = 0
        self._ready: dict[int, str] = {}

    @property
    def port(self) -> int:
        """The first listener's port."""
        return self.bootstrap.listeners[0].port

    @property
    def ports(self) -> list[int]:
        """All listeners' ports, in order."""
        return [listener.port for listener in self.bootstrap.listeners]

    @property
    def supervisor_pid(self) -> int:
        """The process that was started; 0 before."""
        return self._process.pid if self._process is not None else 0

    def write(self) -> None:
        """Write the two files."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config_file.write_text(toml.dump(self.bootstrap))
        Path(self.bootstrap.configuration).write_text(toml.dump(self.configuration))

    def start(self, timeout_s: float = 60.0) -> float:
        """Start and wait until every port answers, or the console of an intranet; gives the seconds that took.

        Raises:
            GatewayFailed: It ended, or a port was silent until the time was over.
        """
        self.write()
        self._started_at_byte = self._read_to = self.log.stat().st_size if self.log.exists() else 0
        self._ready = {}
        began = time.monotonic()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gatepost", "run", "--config", str(self.config_file)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        end = began + timeout_s
        if self.bootstrap.role == "intranet":
            self._await(lambda: bool(self.running().get(CONSOLE)), end, "the console did not start")
            return time.monotonic() - began
        for listener in self.bootstrap.listeners:
            # The console, and a listener with TLS or a PROXY header from the first byte, do not greet a bare connection.
            silent = listener.serves == "console" or listener.tls == "implicit" or bool(listener.proxy_from)
            answered = partial(accepts_connections if silent else answers, listener.port)
            self._await(answered, end, f"port {listener.port} did not answer")
        return time.monotonic() - began

    def _await(self, truth: Callable[[], bool], end: float, complaint: str) -> None:
        """Wait for what a start brings, unless it ends before. Raises: GatewayFailed."""
        assert self._process is not None
        while not truth():
            if self._process.poll() is not None:
                raise GatewayFailed(f"gatepost run ended with {self._process.returncode}: {self.last_words()}")
            if time.monotonic() > end:
                self.kill_all()
                raise GatewayFailed(f"{complaint} in time: {self.last_words()}")
            time.sleep(0.01)

    def wait_for_console(self, timeout_s: float = 60.0) -> None:
        """Wait until the console is at work: mail is taken before it is.

        Raises:
            GatewayFailed: It was not when the time was over.
        """
        end = time.monotonic() + timeout_s
        while not self.running().get(CONSOLE):
            if time.monotonic() > end:
                raise GatewayFailed(f"no console within {timeout_s} s: {self.last_words()}")
            time.sleep(0.02)

    def terminate(self, timeout_s: float = 60.0) -> int:
        """Send SIGTERM to the supervisor and wait; gives its exit status.

        Raises:
            GatewayFailed: It was still there at the end and has been killed.
        """
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill_all()
                raise GatewayFailed(f"gatepost run did not end within {timeout_s} s of SIGTERM: {self.last_words()}") from None
        return self._process.returncode

    def kill_all(self) -> list[int]:
        """Send SIGKILL to every process, the supervisor first so that nothing is restarted; gives the pids."""
        if self._process is None:
            return []
        pids = tree([self._process.pid])
        pids = [*pids, *(pid for found in self.running().values() for pid in found if pid not in pids)]
        for pid in pids:
            _kill(pid)
        self._process.wait()
        return pids

    def sigkill(self, name: str) -> int:
        """Send SIGKILL to one process of this name (`supervisor` is the one above all); gives its pid, 0 when none ran."""
        pids = [self.supervisor_pid] if name == SUPERVISOR else self.running().get(name, [])
        if not pids or not pids[0]:
            return 0
        _kill(pids[0])
        if name == SUPERVISOR and self._process is not None:
            self._process.wait()
        return pids[0]

    def running(self) -> dict[str, list[int]]:
        """Give the pids of the processes that said they are ready and still run, by name, oldest first."""
        for event in self._new_events():
            if event["event"] == "process.started":
                self._ready[event["pid"]] = event["process"]
        found: dict[str, list[int]] = {}
        for pid, name in self._ready.items():
            if alive(pid):
                found.setdefault(name, []).append(pid)
        return found

    def _new_events(self) -> list[dict[str, Any]]:
        """Read only what was logged about processes since the last look: the log of a loaded gateway is long."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as log:
            log.seek(self._read_to)
            new = log.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read_to += len(whole)
        return [msgspec.json.decode(line) for line in whole.splitlines() if line.startswith(b"{") and b'"event":"process.' in line]

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """Give the events logged since the last start, those of this name or all."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as log:
            log.seek(self._started_at_byte)
            lines = log.read().splitlines()
        wanted = b'"event":"%b"' % name.encode() if name else b'"event":'
        return [msgspec.json.decode(line) for line in lines if line.startswith(b"{") and line.endswith(b"}") and wanted in line]

    def wait_for(self, name: str, count: int = 1, timeout_s: float = 60.0) -> list[dict[str, Any]]:
        """Wait until so many events of this name were logged since the start; gives them.

        Raises:
            GatewayFailed: Fewer had come when the time was over.
        """
        end = time.monotonic() + timeout_s
        while len(found := self.events(name)) < count:
            if time.monotonic() > end:
                raise GatewayFailed(f"{len(found)} of {count} events {name} within {timeout_s} s: {self.last_words()}")
            time.sleep(0.02)
        return found

    def last_words(self, lines: int = 15) -> str:
        """Give the end of what was logged since the last start."""
        if not self.log.exists():
            return "no log"
        said = self.log.read_bytes()[self._started_at_byte :].decode("utf-8", "replace")
        return "\n".join(said.splitlines()[-lines:])

    def pids(self) -> list[int]:
        """Give every process of this gateway."""
        return tree([self.supervisor_pid]) if self.supervisor_pid else []

    def pss_mib(self) -> float:
        """Give the memory of all processes, shared pages counted once."""
        return pss_mib(self.pids())

    def cpu_s(self) -> float:
        """Give the CPU seconds of all processes so far, ended ones included."""
        return snapshot([[self.supervisor_pid]], []).watched_s[0]

    def command(self, *arguments: str, timeout_s: float = 60.0) -> "subprocess.CompletedProcess[str]":
        """Run `gatepost ARGUMENTS --config FILE` and wait for it."""
        return subprocess.run(
            [sys.executable, "-m", "gatepost", *arguments, "--config", str(self.config_file)],
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
            env=self._environment,
        )

    def answer(self, *arguments: str) -> Any:
        """Run `gatepost ARGUMENTS --json` and give what it answers.

        Raises:
            GatewayFailed: It ended with something else than 0; holds its words.
        """
        done = self.command(*arguments, "--json")
        if done.returncode:
            raise GatewayFailed(
                f"gatepost {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}"
            )
        return msgspec.json.decode(done.stdout)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            self.terminate()
        else:
            self.kill_all()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, trace)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
