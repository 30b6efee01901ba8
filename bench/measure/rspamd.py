# SPDX-License-Identifier: Apache-2.0
"""rspamd as Debian ships it, as a milter, with two scanning processes and no Redis.

What is set here is where it keeps its files, whom it asks about names, the second scanning process, and the milter's Unix
socket: over TCP each small mail waits 40 ms for a delayed acknowledgement, which is no merit of a rival's.
"""

import contextlib
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from gatepost.testing.processes import all_processes, tree
from measure.isolation import NAMES_ADDRESS
from measure.packages import found

PROGRAMS = {"rspamd": "rspamd"}
WORKERS = 2
_USER = "_rspamd"
_LINE = re.compile(r"id: <([^>]*)>.*?\(default: . \(([^)]*)\): \[([-0-9.]+)/[-0-9.]+\] \[(.*?)\]\), len:")
_SYMBOL = re.compile(r"([A-Z0-9_]+)\(([-0-9.]+)\)")


class Scanned(NamedTuple):
    """What rspamd logged of one mail."""

    action: str
    score: float
    symbols: dict[str, float]


class Rspamd:
    """One instance."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self.log = self._folder / "log" / "rspamd.log"
        self.milter = self._folder / "run" / "milter.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process above all of it."""
        assert self._process is not None
        return self._process.pid

    def start(self, timeout_s: float = 60.0) -> None:
        """Start and wait until the milter listens and its first work, compiling expressions, is over.

        Raises:
            OSError: It did not start.
        """
        local = self._folder / "etc" / "local.d"
        local.mkdir(parents=True)
        (local / "options.inc").write_text(f'dns {{ nameserver = ["{NAMES_ADDRESS}:53:1"]; }}\n')
        (local / "worker-normal.inc").write_text(f"count = {WORKERS};\n")
        (local / "worker-proxy.inc").write_text(f'bind_socket = "{self.milter} mode=0666";\n')
        for name in ("db", "run", "log"):
            (self._folder / name).mkdir()
        for path in (self._folder, *self._folder.rglob("*")):
            shutil.chown(path, _USER, _USER)
        places = {"LOCAL_CONFDIR": "etc", "DBDIR": "db", "RUNDIR": "run", "LOGDIR": "log"}
        variables = [word for name, place in places.items() for word in ("--var", f"{name}={self._folder / place}")]
        command = [found("rspamd") or "rspamd", "-f", "-c", "/etc/rspamd/rspamd.conf", "-u", _USER, "-g", _USER, *variables]
        with (self._folder / "started.log").open("wb") as said:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        end = time.monotonic() + timeout_s
        while not self.milter.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                raise OSError(f"rspamd did not start: {(self._folder / 'started.log').read_text(errors='replace')[-500:]}")
            time.sleep(0.1)
        self._wait_until_quiet(end)

    def stop(self) -> None:
        """End it."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        for pid in tree([self._process.pid]):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        self._process.wait()

    def scanned(self) -> dict[str, Scanned]:
        """Give what was logged of each mail, by its Message-ID; the last scan counts."""
        text = self.log.read_text(errors="replace")
        return {
            identity: Scanned(action, float(score), {name: float(points) for name, points in _SYMBOL.findall(symbols)})
            for identity, action, score, symbols in _LINE.findall(text)
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _wait_until_quiet(self, end: float) -> None:
        used = self._cpu_s()
        while time.monotonic() < end:
            time.sleep(1.0)
            before, used = used, self._cpu_s()
            if used - before < 0.05:
                return

    def _cpu_s(self) -> float:
        processes = all_processes()
        return sum(processes[pid].cpu_s for pid in tree([self.pid], processes))
