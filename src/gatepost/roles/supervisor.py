# SPDX-License-Identifier: Apache-2.0
"""Start the processes of one machine, start again what crashed, end all in order.

DESCRIPTION
    Binds the listeners (and so may need root; the processes do not), starts `deliver`, then `receive`, then
    `console`: the role says which of them.
    A process that ends by itself is started again: at once, then after growing pauses. While it is
    away, new connections wait in the listeners that the supervisor holds. Its events go to a process that has a
    store, and wait until one has kept them.
SECURITY
    Reads no mail and opens no store. Started as root with `user` set, its processes run as that user. What they
    can tell it is a word.
DIAGNOSTICS
    process.started, process.ended, process.not_started, process.draining, process.killed. Exit code 3 when a
    process cannot be started at all.
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
from functools import partial

from gatepost.config.bootstrap import Bootstrap
from gatepost.errors import GatepostError
from gatepost.roles.event_line import SupervisorEnd
from gatepost.roles.processes import Paths, bind, hostname, refuse_taken
from gatepost.roles.supervisor_events import PROCESS, SupervisorEvents
from gatepost.storage.ownership import refuse_owned
from gatepost.telemetry.events import ProcessDraining, ProcessEnded, ProcessKilled, ProcessNotStarted, ProcessStarted
from gatepost.telemetry.log import emit

DATABASES = {"single": ("gateway", "intranet"), "gateway": ("gateway",), "intranet": ("intranet",)}
"""The stores of each role."""
_PAUSES_S = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
_STEADY_S = 30.0
_LAST_WAIT_S = 40.0
_SETTLE_S = 2.0
_KEEPERS = ("console", "deliver")
"""The kinds of process that keep events of ours; the first that can gets them."""


@dataclass
class _Process:
    name: str
    kind: str
    sockets: dict[int, socket.socket] = field(default_factory=dict)
    child: subprocess.Popen[bytes] | None = None
    line: SupervisorEnd | None = None
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
        self._wake = selectors.DefaultSelector()
        self._events = SupervisorEvents(hostname(bootstrap))

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
        self._catch_signals()
        emit(ProcessStarted(process=PROCESS, pid=os.getpid()))
        refused = self._watch()
        emit(ProcessDraining(process=PROCESS))
        for process in self._processes:
            for listening in process.sockets.values():
                listening.close()
        for kind in ("receive", "console", "deliver"):  # in this order: nobody hands mail to nobody
            self._events.settle(self._keepers(), _SETTLE_S)
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

    def _catch_signals(self) -> None:
        reader, writer = socket.socketpair()
        reader.setblocking(False)
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._begin_to_end)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._wake.register(reader, selectors.EVENT_READ, lambda: (reader.recv(4096), writer))

    def _begin_to_end(self, *_: object) -> None:
        self._ending = True

    def _watch(self) -> int:
        while not self._ending:
            now = time.monotonic()
            for process in self._processes:
                if process.child is None and process.start_again_at <= now:
                    self._start(process)
                elif process.child is not None and (status := process.child.poll()) is not None:
                    if status > 0 and process.child is not None and self._never_ran(process, now):
                        return status
                    self._ended(process, status, now)
            self._events.hand_over(self._keepers())
            pauses = [process.start_again_at - now for process in self._processes if process.child is None]
            for key, _ in self._wake.select(max(0.0, min([1.0, *pauses]))):
                key.data()
        return 0

    def _keepers(self) -> list[SupervisorEnd]:
        """Give the lines to the processes that may keep our events, in the order in which they are asked."""
        return [one.line for kind in _KEEPERS for one in self._processes if one.kind == kind and one.line is not None]

    def _hear(self, line: SupervisorEnd) -> None:
        self._events.hear(line)
        if line.gone:
            self._wake.unregister(line)

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
        self._hang_up(process)
        emit(ProcessEnded(process=process.name, status=status, restart_in_s=self._pause(process, now)))

    def _pause(self, process: _Process, now: float) -> float:
        """Have a process started again after a pause; gives its length."""
        pause = _PAUSES_S[min(process.crashes, len(_PAUSES_S) - 1)]
        process.crashes += 1
        process.start_again_at = now + pause
        return pause

    def _hang_up(self, process: _Process) -> None:
        """Take back what the process had in hand, and forget it."""
        line, process.line, process.child = process.line, None, None
        if line is None:
            return
        if not line.gone:
            self._hear(line)  # its last word may be that it has kept what it had
        if not line.gone:
            self._wake.unregister(line)
        self._events.hang_up(line)

    def _start(self, process: _Process) -> None:
        process.started_at = time.monotonic()
        try:
            line = SupervisorEnd()
            try:
                process.child = self._spawn(process, line)
            except BaseException:
                line.close()
                raise
        except OSError as error:
            pause = self._pause(process, process.started_at)
            emit(ProcessNotStarted(process=process.name, reason=str(error), restart_in_s=pause))
            return
        process.line = line
        self._wake.register(line, selectors.EVENT_READ, partial(self._hear, line))

    def _spawn(self, process: _Process, line: SupervisorEnd) -> "subprocess.Popen[bytes]":
        sockets = ",".join(f"{index}:{listening.fileno()}" for index, listening in process.sockets.items())
        command = [sys.executable, "-m", "gatepost.roles.single", self._config_path, process.kind, sockets or "-"]
        with line.theirs:
            return subprocess.Popen(  # noqa: S603  # our own interpreter and module
                command,
                stdin=line.theirs.fileno(),  # its end tells the process that the supervisor is gone
                pass_fds=[listening.fileno() for listening in process.sockets.values()],
                user=self._user(),
                group=self._group(),
                extra_groups=[] if self._user() is not None else None,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which ends all in order
            )

    def _end(self, processes: list[_Process]) -> None:
        """Tell these processes to end, all at once, and wait for them."""
        running = [(one, one.child) for one in processes if one.child is not None and one.child.poll() is None]
        for _, child in running:
            child.terminate()
        for process, child in running:
            try:
                child.wait(_LAST_WAIT_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
                emit(ProcessKilled(process=process.name, after_s=_LAST_WAIT_S))
            self._hang_up(process)

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
