# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL in a folder of its own: on loopback and on a unix socket, durable as in earnest.

    with PostgresServer() as server:
        url = server.create_database()

Everything not said here is PostgreSQL's default; `fsync`, `full_page_writes` and `synchronous_commit` are on. The server
refuses to run as root, so root starts it as the user `postgres`, or `nobody` where there is none. Through TCP a
password is needed; through the socket, which only its user and root can reach, none is.
"""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gatepost.testing.ports import LOOPBACK, free_port
from gatepost.testing.processes import alive, tree

USER, PASSWORD = "gatepost", "not-a-secret"
_DEBIAN = Path("/usr/lib/postgresql")
_SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "30min",
    "jit": "off",
    "lc_messages": "C",
    "listen_addresses": LOOPBACK,
}
_READY_LINE = 7
"""Of `postmaster.pid`, counted from 0: what `pg_ctl` waits for too."""


def program(name: str) -> str:
    """Find one of PostgreSQL's programs, the newest where there are several; '' when there is none."""
    folders = sorted(_DEBIAN.glob("*/bin"), key=lambda folder: int(folder.parent.name) if folder.parent.name.isdigit() else 0)
    return shutil.which(name) or next((str(folder / name) for folder in reversed(folders) if (folder / name).exists()), "")


def why_not() -> str:
    """Say why no PostgreSQL can be started here; '' when one can."""
    return "" if program("initdb") and program("postgres") else "PostgreSQL is not installed"


class PostgresServer:
    """One server; its folder lies below /tmp unless named, and is removed by `stop` then."""

    def __init__(self, folder: Path | None = None, *, port: int = 0, settings: Mapping[str, str] | None = None) -> None:
        """Prepare a server. `folder` must be reachable for its user and is made anew where there is none yet.

        `settings` go into its `postgresql.conf` and hold over the ones above.
        """
        self._own = folder is None
        self.folder = Path(tempfile.mkdtemp(prefix="gatepost-pg-", dir="/tmp")) if folder is None else folder.resolve()
        self.port = port or free_port()
        self.log = self.folder / "log"
        self.settings = {**_SETTINGS, **(settings or {})}
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self._account = _account() if os.geteuid() == 0 else None

    @property
    def pid(self) -> int:
        """The process above all others of this server; 0 when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else 0

    def start(self, timeout_s: float = 60.0) -> None:
        """Start and wait until connections are taken, after a kill until the log is replayed.

        Raises:
            OSError: It did not start; holds the server's own words.
        """
        if reason := why_not():
            raise OSError(reason)
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self._write_settings()
        with self.log.open("ab") as log:
            command = [program("postgres"), "-D", str(self._data), "-p", str(self.port), "-k", str(self.folder)]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._identity())
        end = time.monotonic() + timeout_s
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > end:
                self._end(signal.SIGKILL)
                raise OSError(f"PostgreSQL does not answer on port {self.port}: {self._last_words()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Shut down, ending all connections. A folder that was not named is removed, so its last checkpoint is spared."""
        self._end(signal.SIGKILL if self._own else signal.SIGINT)
        if self._own:
            shutil.rmtree(self.folder, ignore_errors=True)

    def restart(self) -> None:
        """Shut down, ending all connections, and start again."""
        self._end(signal.SIGINT)
        self.start()

    def halt(self) -> None:
        """Shut down, ending all connections, and keep the folder for `start`."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill every process of this server at once (SIGKILL), as a crash would; `start` brings it back."""
        self._end(signal.SIGKILL)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def url(self, database: str = "postgres", *, user: str = USER, password: str = PASSWORD) -> str:
        """Give the URL of one database, through TCP."""
        return f"postgresql://{user}:{password}@{LOOPBACK}:{self.port}/{database}"

    def socket_url(self, database: str = "postgres", *, user: str = USER) -> str:
        """Give the URL of one database, through the unix socket."""
        return f"postgresql://{user}@/{database}?host={self.folder}&port={self.port}"

    def create_database(self, name: str = "") -> str:
        """Create an empty database, under a name of its own unless one is given, and give its URL."""
        name = name or f"store_{next(self._numbers)}"
        self.psql(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def psql(self, statements: str, database: str = "postgres") -> str:
        """Run SQL as the superuser and give what it prints: rows as lines, columns with | between. Raises: OSError."""
        where = ["-h", str(self.folder), "-p", str(self.port), "-U", USER, "-d", database]
        command = [program("psql"), *where, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", statements]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        if done.returncode:
            raise OSError(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    def _initialise(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        secret = self.folder / "password"
        secret.write_text(PASSWORD + "\n")
        if self._account is not None:
            for path in (self.folder, secret):
                os.chown(path, self._account.pw_uid, self._account.pw_gid)
        access = ["-U", USER, f"--pwfile={secret}", "--auth-local=trust", "--auth-host=scram-sha-256"]
        kind = ["--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        command = [program("initdb"), "-D", str(self._data), *access, *kind]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=self.folder, **self._identity())
        if done.returncode:
            raise OSError(f"initdb: {done.stderr.strip() or done.stdout.strip()}")

    def _write_settings(self) -> None:
        lines = [f"{name} = '{value}'\n" for name, value in self.settings.items()]
        (self._data / "postgresql.auto.conf").write_text("".join(lines))

    def _identity(self) -> dict[str, Any]:
        if self._account is None:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}

    def _is_ready(self) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > _READY_LINE and int(lines[0]) == self.pid and lines[_READY_LINE].strip() == "ready"

    def _end(self, how: signal.Signals, timeout_s: float = 30.0) -> None:
        if self._process is None:
            return
        # A backend that outlived its server would hold the shared memory, and so the next start, up.
        pids = tree([self._process.pid])
        for pid in pids if how is signal.SIGKILL else pids[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._end(signal.SIGKILL)
            return
        end = time.monotonic() + timeout_s
        while any(map(alive, pids)) and time.monotonic() < end:
            time.sleep(0.005)
        self._process = None

    def _last_words(self) -> str:
        try:
            return " | ".join(self.log.read_text(errors="replace").splitlines()[-5:])
        except OSError:
            return "no log"


def _account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")
