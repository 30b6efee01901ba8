# SPDX-License-Identifier: Apache-2.0
"""Start the processes of one machine, start again what crashed, end all in order.

DESCRIPTION
    Binds the listeners (and so may need root; the processes do not), starts `deliver`, then `receive`, then
    `console`: the role says which of them.
    A process that ends by itself is started again: at once, then after growing pauses. While it is
    away, new connections wait in the listeners that the supervisor holds.
SECURITY
    Reads no mail and opens no store. Started as root with `user` set, its processes run as that user.
DIAGNOSTICS
    process.started, process.ended, process.draining. Exit code 3 when a process cannot be started at all.
BUGS
    None known.
"""

import os
import pwd
import selectors
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field

from gatepost.config.bootstrap import Bootstrap
from gatepost.errors import GatepostError
from gatepost.roles.processes import Paths, bind, refuse_taken
from gatepost.storage.ownership import refuse_owned
from gatepost.telemetry.events import ProcessDraining, ProcessEnded, ProcessStarted
from gatepost.telemetry.log import emit

DATABASES = {"single": ("gateway", "intranet"), "gateway": ("gateway",), "intranet": ("intranet",)}
"""The stores of each role."""
_PAUSES_S = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
_STEADY_S = 30.0
_LAST_WAIT_S = 40.0


@dataclass
class _Process:
    name: str
    kind: str
    sockets: dict[int, socket.socket] = field(default_factory=dict)
    child: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_again_at: float = 0.0
    crashes: int = 0


class Supervisor:
    """The processes of one machine."""

    def __init__(self, bootstrap: Bootstrap, config_path: str) -> None:
        self._bootstrap = bootstrap
        self._config_path = config_path
        self._ending = False
        self._processes: list[_Process] = []

    def run(self) -> int:
        """Run until SIGTERM or SIGINT; gives the exit code."""
        paths = Paths(self._bootstrap)
        paths.make()
        # Both before a socket joins a port: the kernel would give it connections that a running gateway is to answer.
        for database in DATABASES[self._bootstrap.role]:
            refuse_owned(paths.data, database)
        for listener in self._bootstrap.listeners_of_role.values():
            refuse_taken(listener)
        self._give_to_user(paths)
        self._processes = self._make_processes()
        wake = self._catch_signals()
        emit(ProcessStarted(process="supervisor", pid=os.getpid()))
        refused = self._watch(wake)
        for process in self._processes:
            for listening in process.sockets.values():
                listening.close()
        for kind in ("receive", "console", "deliver"):  # in this order: nobody hands mail to nobody
            self._end([process for process in self._processes if process.kind == kind])
        return refused

    def _make_processes(self) -> list[_Process]:
        """Bind the ports and give the processes of this role, in the order of their start."""
        role, processes = self._bootstrap.role, []
        if role != "intranet":
            processes.append(_Process("deliver", "deliver"))
            for number in range(self._bootstrap.processes.receive):
                sockets = {index: bind(listener) for index, listener in self._bootstrap.mail_listeners.items()}
                processes.append(_Process(f"receive-{number + 1}", "receive", sockets))
        if role != "gateway":
            sockets = {index: bind(listener) for index, listener in self._bootstrap.console_listeners.items()}
            processes.append(_Process("console", "console", sockets))
        return processes

    def _catch_signals(self) -> selectors.DefaultSelector:
        reader, writer = socket.socketpair()
        reader.setblocking(False)
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._begin_to_end)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        selector = selectors.DefaultSelector()
        selector.register(reader, selectors.EVENT_READ, (reader, writer))
        return selector

    def _begin_to_end(self, *_: object) -> None:
        self._ending = True

    def _watch(self, wake: selectors.DefaultSelector) -> int:
        while not self._ending:
            now = time.monotonic()
            for process in self._processes:
                if process.child is None and process.start_again_at <= now:
                    self._start(process)
                elif process.child is not None and (status := process.child.poll()) is not None:
                    if status > 0 and process.child is not None and self._never_ran(process, now):
                        return status
                    self._ended(process, status, now)
            pauses = [process.start_again_at - now for process in self._processes if process.child is None]
            for key, _ in wake.select(max(0.0, min([1.0, *pauses]))):
                key.data[0].recv(4096)
        return 0

    def _never_ran(self, process: _Process, now: float) -> bool:
        """Whether a process refused its very first start (a wrong setting, a store that is owned): no restart helps.

        A gateway goes on without its console, which is tried again.
        """
        if process.kind == "console" and self._bootstrap.role != "intranet":
            return False
        return process.crashes == 0 and process.start_again_at == 0.0 and now - process.started_at < _STEADY_S

    def _ended(self, process: _Process, status: int, now: float) -> None:
        if now - process.started_at >= _STEADY_S:
            process.crashes = 0
        pause = _PAUSES_S[min(process.crashes, len(_PAUSES_S) - 1)]
        process.crashes += 1
        process.child = None
        process.start_again_at = now + pause
        emit(ProcessEnded(process=process.name, status=status, restart_in_s=pause))

    def _start(self, process: _Process) -> None:
        sockets = ",".join(f"{index}:{listening.fileno()}" for index, listening in process.sockets.items())
        command = [sys.executable, "-m", "gatepost.roles.single", self._config_path, process.kind, sockets or "-"]
        process.started_at = time.monotonic()
        process.child = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            command,
            stdin=subprocess.PIPE,  # its end tells the process that the supervisor is gone
            pass_fds=[listening.fileno() for listening in process.sockets.values()],
            user=self._user(),
            group=self._group(),
            extra_groups=[] if self._user() is not None else None,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which ends all in order
        )

    def _end(self, processes: list[_Process]) -> None:
        """Tell these processes to end, all at once, and wait for them."""
        children = [process.child for process in processes if process.child is not None and process.child.poll() is None]
        for process in processes:
            if process.child in children:
                emit(ProcessDraining(process=process.name))
                process.child.terminate()
        for child in children:
            try:
                child.wait(_LAST_WAIT_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def _account(self) -> pwd.struct_passwd | None:
        if not self._bootstrap.user or os.getuid() != 0:
            return None
        try:
            return pwd.getpwnam(self._bootstrap.user)
        except KeyError:
            raise GatepostError(f"user: there is no user {self._bootstrap.user}; make it or name another") from None

    def _user(self) -> int | None:
        account = self._account()
        return account.pw_uid if account else None

    def _group(self) -> int | None:
        account = self._account()
        return account.pw_gid if account else None

    def _give_to_user(self, paths: Paths) -> None:
        account = self._account()
        if account:
            for folder in (paths.data, paths.run, paths.blobs):
                os.chown(folder, account.pw_uid, account.pw_gid)
