# SPDX-License-Identifier: Apache-2.0
"""The supervisor where a process cannot be made, and where one does not end: it goes on, and tells."""

import errno
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gatepost.config.bootstrap import Bootstrap
from gatepost.roles import supervisor
from gatepost.roles.event_line import KEPT, TAKES, SupervisorEnd
from gatepost.roles.supervisor import Supervisor, _Process
from gatepost.telemetry import log


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Supervisor]:
    """Give a supervisor whose `run` nobody has called."""
    log.forward(None)
    yield Supervisor(Bootstrap(hostname="gateway.example", data=str(tmp_path)), "gatepost.toml")
    log.forward(None)


def told(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """Give what was logged since, without its time."""
    lines = [msgspec.json.decode(line) for line in capfd.readouterr().err.splitlines()]
    return [{name: value for name, value in line.items() if name not in ("at", "level")} for line in lines]


def test_a_process_that_cannot_be_made_is_tried_again(
    house: Supervisor, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """After growing pauses, with the reason; no descriptor stays behind."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    process = _Process("receive-1", "receive")
    monkeypatch.setattr(subprocess, "Popen", refuse)
    before, begun = open_descriptors(), time.monotonic()
    for _ in range(3):
        house._start(process)
    assert open_descriptors() == before
    assert (process.child, process.line, process.crashes) == (None, None, 3)
    assert process.start_again_at >= begun + 0.5
    reason = "[Errno 12] Cannot allocate memory"
    assert told(capfd) == [
        {"event": "process.not_started", "process": "receive-1", "reason": reason, "restart_in_s": pause} for pause in (0.0, 0.2, 0.5)
    ]


def test_no_descriptor_left_is_tried_again_too(
    house: Supervisor, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The line itself may be what cannot be made."""

    def refuse(self: SupervisorEnd) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    process = _Process("receive-1", "receive")
    monkeypatch.setattr(SupervisorEnd, "__init__", refuse)
    house._start(process)
    assert process.line is None and [one["event"] for one in told(capfd)] == ["process.not_started"]


STUBBORN = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); sys.stdout.write('x'); sys.stdout.flush(); time.sleep(60)"
)


def test_a_process_that_does_not_end_is_killed_and_that_is_told(
    house: Supervisor, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """By whichever process is still there to keep it."""
    monkeypatch.setattr(supervisor, "_LAST_WAIT_S", 0.2)
    child = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.read(1) == b"x", "it ignores SIGTERM by now"
        house._end([_Process("console", "console", child=child)])
    assert child.returncode == -signal.SIGKILL
    assert told(capfd) == [{"event": "process.killed", "process": "console", "after_s": 0.2}]
    keeper = SupervisorEnd()
    keeper.theirs.send(TAKES)
    house._events.hear(keeper)
    keeper.theirs.send(KEPT)
    house._events.settle([keeper], 5.0)
    assert b"process.killed" in keeper.theirs.recv(4096)
    keeper.theirs.close()
    keeper.close()


def open_descriptors() -> int:
    """Count ours."""
    return len(list(Path("/proc/self/fd").iterdir()))
