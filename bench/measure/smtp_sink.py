# SPDX-License-Identifier: Apache-2.0
"""Postfix's smtp-sink as the timed end: it reads fast, checks nothing, and counts.

With -c it rewrites one line, `sess=N quit=N mesg=N` and a CR, at each session's end, QUIT and final dot;
a read may end inside a number, so only a number that is followed by its CR counts.
"""

import os
import re
import subprocess
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from gatepost.testing.ports import LOOPBACK, accepts_connections

_COUNT = re.compile(rb"mesg=(\d+)\r")


class SmtpSink:
    """One smtp-sink that is counted."""

    def __init__(self, port: int, host: str = LOOPBACK, prefix: Sequence[str] = ()) -> None:
        """Start it; `prefix` is a command that runs it, on another host for instance."""
        self.count = 0
        self._changed = threading.Condition()
        # Root is given up, as smtp-sink insists.
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        command = [*prefix, "smtp-sink", *user, "-c", "-m", "2000", f"{host}:{port}", "2000"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        while not accepts_connections(port, host=host):
            if self._process.poll() is not None:
                raise OSError(f"smtp-sink did not start on port {port}")

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def wait(self, count: int, timeout_s: float) -> bool:
        """Wait until this many mails have been counted in all."""
        with self._changed:
            return self._changed.wait_for(lambda: self.count >= count, timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        held = b""
        while block := os.read(self._process.stdout.fileno(), 65536):
            held = (held + block)[-512:]
            if found := _COUNT.findall(held):
                with self._changed:
                    self.count = int(found[-1])
                    self._changed.notify_all()
