# SPDX-License-Identifier: Apache-2.0
"""An S3 store for tests: moto's server in a process of its own, on loopback. It keeps objects in memory and asks for no key.

with S3Server() as server:
    url = server.create_bucket()
"""

import contextlib
import http.client
import importlib.util
import itertools
import re
import signal
import subprocess
import sys
import time
from types import TracebackType
from typing import Self

from gatepost.testing.ports import LOOPBACK, accepts_connections, free_port

ACCESS_KEY, SECRET = "gatepost-test", "not-a-secret"


def why_not() -> str:
    """Say why no S3 store can be started here; '' when one can."""
    return "" if importlib.util.find_spec("moto") and importlib.util.find_spec("flask") else "moto[server] is not installed"


class S3Server:
    """One server; what it has kept is gone when it stops."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)

    def start(self, timeout_s: float = 60.0) -> None:
        """Start and wait until connections are taken.

        Raises:
            OSError: It did not start.
        """
        if reason := why_not():
            raise OSError(reason)
        command = [sys.executable, "-m", "moto.server", "-H", LOOPBACK, "-p", str(self.port)]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + timeout_s
        while not accepts_connections(self.port):
            if self._process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise OSError(f"moto does not answer on port {self.port}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it (SIGKILL), as a crash would."""
        self._end(signal.SIGKILL)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def create_bucket(self, name: str = "") -> str:
        """Create an empty bucket, under a name of its own unless one is given, and give its URL."""
        name = name or f"bucket-{next(self._numbers)}"
        self._ask("PUT", f"/{name}")
        return self.url(name)

    def url(self, bucket: str, *, port: int = 0) -> str:
        """Give the URL of a bucket, whether or not it is there; `port` is that of what stands before this server."""
        return f"s3://{bucket}/mails?endpoint=http://{LOOPBACK}:{port or self.port}"

    def put(self, bucket: str, key: str, content: bytes) -> None:
        """Put an object, past the store under test."""
        self._ask("PUT", f"/{bucket}/{key}", content)

    def keys(self, bucket: str) -> set[str]:
        """Give the keys of all objects."""
        return set(re.findall(r"<Key>([^<]*)</Key>", self._ask("GET", f"/{bucket}?list-type=2&max-keys=10000")))

    def uploads(self, bucket: str) -> set[str]:
        """Give the keys of uploads in several parts that are not complete."""
        return set(re.findall(r"<Key>([^<]*)</Key>", self._ask("GET", f"/{bucket}?uploads")))

    def _ask(self, method: str, path: str, body: bytes | None = None) -> str:
        with contextlib.closing(http.client.HTTPConnection(LOOPBACK, self.port, timeout=60)) as connection:
            connection.request(method, path, body)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        if answer.status != 200:
            raise OSError(f"moto answered {method} {path} with {answer.status}: {text[:200]}")
        return text

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self._process = None
