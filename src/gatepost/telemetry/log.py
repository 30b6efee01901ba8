# SPDX-License-Identifier: Apache-2.0
"""Write events as one JSON line each to standard error; control characters cannot break a line.

Those that are kept (`Event.kept`) go to a sink as well, once a process has one. What happened before is handed to it first.
"""

import contextlib
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from gatepost.telemetry.events import Event, Unexpected

Sink = Callable[[float, Event], object]
"""Takes an event and when it was (Unix time), from any thread. Returns at once, whatever becomes of it."""

_EARLY = 20
"""Kept events of a process that has no sink yet."""
_encode = msgspec.json.Encoder().encode


_silent = False
_sink: Sink | None = None
_early: deque[tuple[float, Event]] = deque(maxlen=_EARLY)


def silence() -> None:
    """Write nothing from now on: a command that judges a file is no gateway, and its answer is all it has to say."""
    global _silent  # noqa: PLW0603 -- one process, one log
    _silent = True


def forward(sink: Sink | None) -> None:
    """Give each event that is kept to a sink too, after it was written; None: to none any more."""
    global _sink  # noqa: PLW0603 -- one process, one log
    _sink = sink
    early = list(_early)
    _early.clear()
    for at, event in early if sink is not None else ():
        _hand_on(at, event)


def emit(event: Event) -> None:
    """Write one event."""
    if _silent:
        return
    now = time.time()
    line: dict[str, Any] = {"at": round(now, 3), "event": event.name, "level": event.level}
    line.update(msgspec.structs.asdict(event))
    sys.stderr.buffer.write(_encode(line) + b"\n")
    sys.stderr.buffer.flush()
    if event.kept:
        _hand_on(now, event)


def emit_unexpected(where: str, error: BaseException) -> None:
    """Write a surprise with its traceback; the peer only ever sees 451 4.3.0."""
    emit(
        Unexpected(
            where=where,
            error=f"{type(error).__name__}: {error}",
            traceback="".join(traceback.format_exception(error)),
        )
    )


def _hand_on(at: float, event: Event) -> None:
    if _sink is None:
        _early.append((at, event))
        return
    with contextlib.suppress(Exception):  # it promises not to raise; whoever tells of something must never pay for it
        _sink(at, event)
