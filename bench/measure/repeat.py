# SPDX-License-Identifier: Apache-2.0
"""One timed repeat: N mails from a generator through a gateway until the sink has counted N."""

import os
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from gatepost.testing.load import Plan
from gatepost.testing.load_processes import LoadProcesses
from gatepost.testing.mails import sample_mail
from gatepost.testing.ports import LOOPBACK
from gatepost.testing.processes import pss_mib, snapshot, tree
from measure.rivals import Rival
from measure.smtp_sink import SmtpSink

SENDER, RECIPIENT = "sender@example.org", "user@example.com"
_GENERATORS = 2


class Cell(NamedTuple):
    """One kind of load."""

    size_bytes: int
    sessions: int
    starttls: bool

    def __str__(self) -> str:
        return f"{self.size_bytes // 1024}k/{self.sessions}{'/tls' if self.starttls else ''}"


class Repeat(NamedTuple):
    """What one repeat gave."""

    mails: int
    seconds: float
    cpu_s: float
    """CPU of the gateway's processes, ended ones included."""
    generator_cpu_s: float
    foreign_cpu: float
    """CPUs that were busy for processes that are neither gateway, generator nor sink."""
    pss_mib: float
    trouble: str
    """'' or why this repeat is worth nothing."""

    @property
    def per_s(self) -> float:
        """Mails a second."""
        return self.mails / self.seconds


def run(rival: Rival, sink: SmtpSink, cell: Cell, mails: int, folder: Path) -> Repeat:
    """Send mails through a gateway, one a connection, and wait for the last in the sink."""
    expected = sink.count + mails
    watched, ours = [[rival.root]], [os.getpid(), rival.beside]
    if cell.starttls:
        plan = Plan(
            port=rival.port,
            sessions=cell.sessions,
            mails=mails,
            tls="starttls",
            size_bytes=cell.size_bytes,
            sender=SENDER,
            recipients=(RECIPIENT,),
        )
        with LoadProcesses(plan, _GENERATORS) as load:
            before, began, used = snapshot(watched, ours), time.perf_counter(), 0.0
            load.go()
            result = load.result()
            used = result.cpu_s
            trouble = "" if result.accepted == mails else f"{result.accepted} of {mails} were accepted: {result.replies}"
            counted = sink.wait(expected, 2.0 if trouble else 120.0)
            seconds, after = time.perf_counter() - began, snapshot(watched, ours)
    else:
        command = _smtp_source(rival, cell, mails, folder)
        before, began = snapshot(watched, ours), time.perf_counter()
        spent = os.times()
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        trouble = done.stderr.strip()[-300:] if done.returncode else ""
        counted = sink.wait(expected, 2.0 if trouble else 120.0)
        seconds, after = time.perf_counter() - began, snapshot(watched, ours)
        used = os.times().children_user + os.times().children_system - spent.children_user - spent.children_system
    if not counted and not trouble:
        trouble = f"the sink counted {sink.count - expected + mails} of {mails}"
    return Repeat(
        mails=mails,
        seconds=seconds,
        cpu_s=after.watched_s[0] - before.watched_s[0],
        generator_cpu_s=used,
        foreign_cpu=max(0.0, after.foreign_s - before.foreign_s) / seconds,
        pss_mib=pss_mib(tree([rival.root])),
        trouble=trouble,
    )


def _smtp_source(rival: Rival, cell: Cell, mails: int, folder: Path) -> list[str]:
    mail = folder / f"mail-{cell.size_bytes}"
    if not mail.exists():
        # smtp-source reads lines and ends each with CRLF itself.
        mail.write_bytes(sample_mail(cell.size_bytes).replace(b"\r\n", b"\n"))
    options = ["-s", str(cell.sessions), "-m", str(mails), "-f", SENDER, "-t", RECIPIENT, "-F", str(mail)]
    return ["smtp-source", *options, f"{LOOPBACK}:{rival.port}"]
