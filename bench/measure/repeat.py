# SPDX-License-Identifier: Apache-2.0
"""One timed repeat: N mails from a generator through a gateway until the sink has counted N.

Where mails leave tracks, telling the intranet of them is part of the work: its CPU counts to the end, and a repeat is
worth nothing if the outbox was seconds behind when the last mail arrived, or if not each mail has its track afterwards.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from gatepost.testing.load import Plan
from gatepost.testing.load_processes import LoadProcesses
from gatepost.testing.mails import sample_mail
from gatepost.testing.processes import Snapshot, pss_mib, snapshot, tree
from measure import isolation
from measure.mailbag import mailbag
from measure.rivals import Rival
from measure.smtp_sink import SmtpSink

SENDER, RECIPIENT = "sender@example.org", "user@example.com"
_GENERATORS = 2
_LONGEST_S = 120.0
"""A repeat that takes longer is worth nothing."""
LAG_S = 6.0
"""What waits in the outbox at the end may be so old; 2 s of it gathers what happens to one mail (`replication.artefact.GATHER_S`)."""

Send = Callable[[], tuple[str, float]]
"""Send all mails; gives what went wrong, or '', and the CPU seconds that took."""


class Cell(NamedTuple):
    """One kind of load."""

    size_bytes: int
    sessions: int
    starttls: bool
    filters: bool = False
    """Whether it is different mails from strange clients, to gateways that judge them."""

    def __str__(self) -> str:
        return f"{self.size_bytes // 1024}k/{self.sessions}{'/tls' if self.starttls else ''}{'/filters' if self.filters else ''}"


class Tracks(NamedTuple):
    """What became of the tracks of a repeat's mails."""

    reached: int
    """So many of them has the intranet."""
    waited: int
    """In the outbox when the last mail had arrived."""
    lag_s: float
    """Age of the oldest of them."""
    drained_s: float | None
    """Until none waited; None: too long."""


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
    tracks: Tracks | None = None

    @property
    def per_s(self) -> float:
        """Mails a second."""
        return self.mails / self.seconds


def run(rival: Rival, sink: SmtpSink, cell: Cell, mails: int, folder: Path) -> Repeat:
    """Send mails through a gateway, one a connection, and wait for the last in the sink."""
    expected, started = sink.count + mails, _at_rest(rival)
    with (_our_load if cell.starttls or cell.filters else _smtp_source)(rival, cell, mails, folder) as send:
        before, began = _usage(rival, cell), time.perf_counter()
        trouble, used = send()
        counted = sink.wait(expected, 2.0 if trouble else _LONGEST_S)
        seconds, after = time.perf_counter() - began, _usage(rival, cell)
    if not counted and not trouble:
        trouble = f"the sink counted {sink.count - expected + mails} of {mails}"
    foreign_cpu = max(0.0, after.foreign_s - before.foreign_s) / seconds
    tracks = None
    if rival.tracked is not None:
        waited, lag_s = rival.tracked.backlog()
        drained_s = rival.tracked.drain()
        after = _usage(rival, cell)  # before our own question, which costs the engine something too
        tracks = Tracks(rival.tracked.count(started), waited, round(lag_s, 1), drained_s)
        trouble = trouble or _complaint(tracks, mails)
    return Repeat(
        mails=mails,
        seconds=seconds,
        cpu_s=after.watched_s[0] - before.watched_s[0],
        generator_cpu_s=used,
        foreign_cpu=foreign_cpu,
        pss_mib=pss_mib(tree(rival.roots)),
        trouble=trouble,
        tracks=tracks,
    )


def _at_rest(rival: Rival) -> float:
    """Wait until nothing earlier is to be told of; gives the time (Unix)."""
    if rival.tracked is not None:
        rival.tracked.drain()
    return time.time()


def _complaint(tracks: Tracks, mails: int) -> str:
    if tracks.drained_s is None:
        return "the outbox was not empty in time"
    if tracks.reached != mails:
        return f"the intranet has {tracks.reached} tracks of {mails} mails"
    return f"the outbox was {tracks.lag_s} s behind" if tracks.lag_s > LAG_S else ""


def _usage(rival: Rival, cell: Cell) -> Snapshot:
    found = snapshot([rival.roots], [os.getpid(), *rival.beside])
    return found._replace(foreign_s=isolation.foreign_s()) if cell.filters else found


@contextmanager
def _our_load(rival: Rival, cell: Cell, mails: int, _folder: Path) -> Iterator[Send]:
    plan = Plan(
        host=rival.host,
        port=rival.port,
        sessions=cell.sessions,
        mails=mails,
        seconds=_LONGEST_S,
        tls="starttls" if cell.starttls else "none",
        size_bytes=cell.size_bytes,
        sender=SENDER,
        recipients=(RECIPIENT,),
        give_up_s=20.0,
    )
    if cell.filters:
        plan = msgspec.structs.replace(plan, parcels=str(mailbag(cell.size_bytes)), hashes=False)
    with LoadProcesses(plan, _GENERATORS, prefix=isolation.inside(isolation.GENERATOR) if cell.filters else ()) as load:

        def send() -> tuple[str, float]:
            load.go()
            result = load.result()
            return "" if result.accepted == mails else f"{result.accepted} of {mails} were accepted: {result.replies}", result.cpu_s

        yield send


@contextmanager
def _smtp_source(rival: Rival, cell: Cell, mails: int, folder: Path) -> Iterator[Send]:
    mail = folder / f"mail-{cell.size_bytes}"
    if not mail.exists():
        # smtp-source reads lines and ends each with CRLF itself.
        mail.write_bytes(sample_mail(cell.size_bytes).replace(b"\r\n", b"\n"))
    options = ["-s", str(cell.sessions), "-m", str(mails), "-f", SENDER, "-t", RECIPIENT, "-F", str(mail)]
    command = ["smtp-source", *options, f"{rival.host}:{rival.port}"]

    def send() -> tuple[str, float]:
        before = os.times()
        try:
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False, timeout=_LONGEST_S)
            trouble = (done.stderr.strip()[-300:] or f"smtp-source ended with {done.returncode}") if done.returncode else ""
        except subprocess.TimeoutExpired:
            trouble = f"smtp-source was not through after {_LONGEST_S} s"
        after = os.times()
        return trouble, after.children_user + after.children_system - before.children_user - before.children_system

    yield send
