# SPDX-License-Identifier: Apache-2.0
"""The name service that all gateways of a benchmark ask: unbound with its cache, and behind it names that are 5 ms away.

As in production, the first question for a name waits and the next ones do not, until the record's time is over.
"""

import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from measure.isolation import NAMES, NAMES_ADDRESS, inside
from measure.packages import found

PROGRAMS = {"unbound": "unbound"}
DELAY_MS = 5.0
_BEHIND = 5353
_CONFIGURATION = """server:
  interface: {address}
  port: 53
  access-control: 0.0.0.0/0 allow
  do-daemonize: no
  do-not-query-localhost: no
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: "{folder}/unbound.pid"
  use-syslog: no
  logfile: "{folder}/unbound.log"
  module-config: "iterator"
  msg-cache-size: 32m
  rrset-cache-size: 64m
  local-zone: "113.0.203.in-addr.arpa" nodefault
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{behind}
remote-control:
  control-enable: no
"""


class Names:
    """The running name service on port 53 of the host `names`."""

    def __init__(self, folder: Path, zone: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        configuration = folder / "unbound.conf"
        configuration.write_text(_CONFIGURATION.format(address=NAMES_ADDRESS, folder=folder, behind=_BEHIND))
        self._log = folder / "unbound.log"
        slow = [sys.executable, "-m", "measure.slow_names", "--zone", str(zone), "--port", str(_BEHIND), "--delay-ms", str(DELAY_MS)]
        self._slow = subprocess.Popen([*inside(NAMES), *slow], stdout=subprocess.PIPE)
        assert self._slow.stdout is not None
        self._unbound = subprocess.Popen(
            [*inside(NAMES), found("unbound") or "unbound", "-d", "-c", str(configuration)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        if self._slow.stdout.readline() != b"ready\n":
            raise OSError("the slow name server did not start")

    def wait_for(self, name: str, timeout_s: float = 10.0) -> float:
        """Wait until a name is answered; gives the milliseconds that the answer took."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if self._unbound.poll() is not None:
                break
            began = time.monotonic()
            if _answers(name):
                return (time.monotonic() - began) * 1000
            time.sleep(0.05)
        raise OSError(f"unbound does not answer: {self._log.read_text()[-500:] if self._log.exists() else 'no log'}")

    def stop(self) -> int:
        """End it; gives how many questions were asked beyond the cache."""
        self._unbound.terminate()
        self._unbound.wait()
        self._slow.terminate()
        out, _ = self._slow.communicate()
        return int(out)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process in (self._unbound, self._slow):
            if process.poll() is None:
                process.kill()
                process.wait()


def _answers(name: str) -> bool:
    question = struct.pack(">6H", 1, 0x0100, 1, 0, 0, 0)
    question += b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + struct.pack(">2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(1.0)
        asking.connect((NAMES_ADDRESS, 53))
        try:
            asking.send(question)
            answer = asking.recv(4096)
        except OSError:
            return False
    answers = int.from_bytes(answer[6:8], "big")
    return answer[3] & 0x0F == 0 and answers > 0
