# SPDX-License-Identifier: Apache-2.0
"""A real Postfix in a folder of its own, on loopback: a client, a next hop or a yardstick for Gatepost.

    with Postfix(folder, port=2525, relay_to=2526) as postfix:
        ...

Everything not said here is Postfix's default, but that no service runs in a chroot (a chroot would need
copies of system files) and that it listens on loopback only, unless told otherwise. It needs root, as Postfix does.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from gatepost.testing.ports import LOOPBACK, accepts_connections, free_port
from gatepost.testing.processes import alive, tree
from gatepost.testing.tls import CertificateFiles

_MASTER_TABLES = (Path("/usr/share/postfix/master.cf.dist"), Path("/etc/postfix/master.cf.proto"), Path("/etc/postfix/master.cf"))
_CHROOT_COLUMN = re.compile(r"^(\S+\s+\S+\s+\S+\s+\S+\s+)(?:y|-)(\s)", re.MULTILINE)
_SMTP_LISTENER = re.compile(r"^smtp(\s+inet\s)", re.MULTILINE)
_QUEUES = ("maildrop", "incoming", "active", "deferred", "hold")


def why_not() -> str:
    """Say why no Postfix can be started here; '' when one can."""
    if os.geteuid() != 0:
        return "Postfix needs root"
    if shutil.which("postfix") is None:
        return "Postfix is not installed"
    if not any(table.exists() for table in _MASTER_TABLES):
        return "Postfix's master.cf template was not found"
    return ""


class Postfix:
    """One instance; `folder` must be reachable for the user `postfix` and is removed by nobody."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        address: str = LOOPBACK,
        relay_to: int | None = None,
        tls: CertificateFiles | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare an instance: `relay_to` is the port on loopback where all mail goes; None: mail is discarded.

        It is asked for on loopback whether it answers, so an `address` other than that must be 0.0.0.0.
        """
        self.folder = folder.resolve()
        self._address = address
        self.port = port or free_port()
        self.log = self.folder / "maillog"
        self._configuration = self.folder / "configuration"
        self._queue, self._data = self.folder / "queue", self.folder / "data"
        self._parameters = _parameters(self.folder, relay_to, tls)
        self._parameters.update(parameters or {})

    @property
    def master_pid(self) -> int:
        """The pid of the process above all others of this instance; 0 when it does not run."""
        try:
            pid = int((self._queue / "pid" / "master.pid").read_text())
        except (OSError, ValueError):
            return 0
        return pid if alive(pid) else 0

    def start(self, timeout_s: float = 60.0) -> None:
        """Write the files, start, and wait until the port answers.

        Raises:
            OSError: It did not start; holds Postfix's own words.
        """
        if reason := why_not():
            raise OSError(reason)
        self._write()
        self._run("start")
        end = time.monotonic() + timeout_s
        while not accepts_connections(self.port):
            if time.monotonic() > end:
                self.stop()
                raise OSError(f"Postfix does not answer on port {self.port}: {self._last_words()}")
            time.sleep(0.05)

    def stop(self, timeout_s: float = 30.0) -> None:
        """Stop and wait until the master and all that it started have ended."""
        pid = self.master_pid
        if not pid:
            return
        pids = tree([pid])
        self._run("stop", check=False)
        end = time.monotonic() + timeout_s
        while any(map(alive, pids)) and time.monotonic() < end:
            time.sleep(0.05)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def queued(self) -> int:
        """Count the mails in its queues."""
        return sum(1 for name in _QUEUES for path in (self._queue / name).rglob("*") if path.is_file())

    def wait_until_empty(self, timeout_s: float = 60.0) -> bool:
        """Wait until its queues are empty; False when they are not at the end."""
        end = time.monotonic() + timeout_s
        while self.queued():
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    def flush(self) -> None:
        """Try deferred mail now."""
        self._run("flush", check=False)

    def _write(self) -> None:
        for folder in (self.folder, self._configuration, self._queue, self._data):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)
        for parent in self.folder.parents:
            if not parent.stat().st_mode & 0o001:
                raise OSError(f"{parent} is closed to the user postfix; give it a folder that others may enter")
        self._data.chmod(0o700)
        shutil.chown(self._data, "postfix")
        self.log.touch()
        lines = [f"{name} = {value}" for name, value in self._parameters.items()]
        (self._configuration / "main.cf").write_text("\n".join(lines) + "\n")
        table = next(path for path in _MASTER_TABLES if path.exists()).read_text()
        table = _CHROOT_COLUMN.sub(r"\1n\2", table)
        table = _SMTP_LISTENER.sub(rf"{self._address}:{self.port}\1", table, count=1)
        (self._configuration / "master.cf").write_text(table)

    def _run(self, command: str, *, check: bool = True) -> None:
        done = subprocess.run(
            ["postfix", "-c", str(self._configuration), command], capture_output=True, text=True, check=False, timeout=60, close_fds=True
        )
        if check and done.returncode:
            raise OSError(f"postfix {command}: {done.stderr.strip() or self._last_words()}")

    def _last_words(self) -> str:
        try:
            return " | ".join(self.log.read_text(errors="replace").splitlines()[-5:])
        except OSError:
            return "no log"


def _parameters(folder: Path, relay_to: int | None, tls: CertificateFiles | None) -> dict[str, str]:
    parameters = {
        "compatibility_level": "3.6",
        "queue_directory": f"{folder}/queue",
        "data_directory": f"{folder}/data",
        "maillog_file": f"{folder}/maillog",
        "maillog_file_prefixes": str(folder),
        "myhostname": "postfix.example",
        "mydestination": "",
        "mynetworks": "127.0.0.0/8",
        "inet_interfaces": LOOPBACK,
        "inet_protocols": "ipv4",
        "alias_maps": "",
        "local_recipient_maps": "",
        "smtp_tls_security_level": "none",
    }
    if relay_to is None:
        parameters["default_transport"] = "discard:"
    else:
        parameters["relayhost"] = f"[{LOOPBACK}]:{relay_to}"
    if tls is not None:
        parameters["smtpd_tls_chain_files"] = f"{tls.key}, {tls.certificate}"
        parameters["smtpd_tls_security_level"] = "may"
    return parameters
