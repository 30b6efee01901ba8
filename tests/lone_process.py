# SPDX-License-Identifier: Apache-2.0
"""One process of a gateway, run alone as a systemd unit would: `gatepost run --process NAME`."""

import subprocess
import sys
from types import TracebackType
from typing import Self

from gatepost.testing.gateway import Gateway


class LoneProcess:
    """Started by the `with` statement, killed at its end if it still runs; its log is `NAME.log` in the gateway's folder."""

    def __init__(self, gateway: Gateway, name: str) -> None:
        self._command = [sys.executable, "-m", "gatepost", "run", "--config", str(gateway.config_file), "--process", name]
        self._log = gateway.folder / f"{name}.log"
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._child is not None and self._child.poll() is None

    def terminate(self, timeout_s: float = 60.0) -> int:
        """Send SIGTERM and wait; gives the exit status."""
        assert self._child is not None
        self._child.terminate()
        return self._child.wait(timeout_s)

    def kill(self) -> None:
        """Send SIGKILL and wait."""
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.wait()
