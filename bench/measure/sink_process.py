# SPDX-License-Identifier: Apache-2.0
"""The strict sink in a process of its own, with its ledger: what is done to the gateway does not touch it."""

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from gatepost.testing.ledger import LedgerLine, read_ledger
from gatepost.testing.ports import free_port


class SinkProcess:
    """One sink; `port` is where it listens."""

    def __init__(self, ledger: Path, *, niceness: int = 0) -> None:
        self.port = free_port()
        self._ledger = ledger
        command = [
            "nice",
            "-n",
            str(niceness),
            sys.executable,
            "-m",
            "gatepost.testing.sink",
            "--port",
            str(self.port),
            "--ledger",
            str(ledger),
            "--hash-only",
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise OSError("the sink did not start")

    def lines(self) -> list[LedgerLine]:
        """Give what has arrived so far."""
        return read_ledger(self._ledger)

    def stop(self) -> dict[str, Any]:
        """End it; gives its own summary, with what it has to complain about."""
        self._process.terminate()
        out, _ = self._process.communicate()
        summary: dict[str, Any] = msgspec.json.decode(out.splitlines()[-1])
        return summary

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
