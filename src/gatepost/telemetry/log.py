# SPDX-License-Identifier: Apache-2.0
"""Write events as one JSON line each to standard error; control characters cannot break a line."""

import sys
import time
import traceback
from typing import Any

import msgspec

from gatepost.telemetry.events import Event, Unexpected

_encode = msgspec.json.Encoder().encode


_silent = False


def silence() -> None:
    """Write nothing from now on: a command that judges a file is no gateway, and its answer is all it has to say."""
    global _silent  # noqa: PLW0603 -- one process, one log
    _silent = True


def emit(event: Event) -> None:
    """Write one event."""
    if _silent:
        return
    line: dict[str, Any] = {"at": round(time.time(), 3), "event": event.name, "level": event.level}
    line.update(msgspec.structs.asdict(event))
    sys.stderr.buffer.write(_encode(line) + b"\n")
    sys.stderr.buffer.flush()


def emit_unexpected(where: str, error: BaseException) -> None:
    """Write a surprise with its traceback; the peer only ever sees 451 4.3.0."""
    emit(
        Unexpected(
            where=where,
            error=f"{type(error).__name__}: {error}",
            traceback="".join(traceback.format_exception(error)),
        )
    )
