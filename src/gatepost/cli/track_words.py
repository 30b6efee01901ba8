# SPDX-License-Identifier: Apache-2.0
"""How times, periods and sizes are written on the command line of `gatepost track`, and what one word may mean."""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gatepost.errors import UsageError

_SECONDS = {"min": 60, "h": 3600, "d": 86_400}
_AGE = re.compile(r"([0-9]{1,6})(min|h|d)").fullmatch
_TRACK = re.compile(r"[0-9A-Va-v]{24}").fullmatch


def as_search(word: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Give the arguments of a search: options as they were given, and what the one word stands for. Raises: UsageError."""
    last = options["last"]
    if last and (options["after"] or options["before"]):
        raise UsageError("--last is the period until now; give it, or --from and --to")
    asked: dict[str, Any] = {
        "between": list(options["between"]),
        "message_id": options["message_id"],
        "subject": options["subject"],
        "after": time.time() - age(last) if last else instant(options["after"]),
        "before": instant(options["before"]),
        "statuses": list(options["status"]),
        "direction": options["direction"],
        "rule": options["rule"],
        "client": options["client"],
        "min_scl": options["min_scl"],
        "max_scl": options["max_scl"],
    }
    if _TRACK(word):
        asked["track"] = word
    elif word.startswith("<") and word != "<>":
        asked["message_id"] = word
    elif word:
        asked["between"].insert(0, word)
    return asked


def age(word: str) -> float:
    """Read a duration as seconds. Raises: UsageError."""
    found = _AGE(word)
    if not found:
        raise UsageError(f"--last {word!r}: is not written as 30min, 2h or 7d")
    return float(int(found[1]) * _SECONDS[found[2]])


def instant(word: str) -> float | None:
    """Read a time as Unix time, UTC without an offset; None for ''. Raises: UsageError."""
    if not word:
        return None
    try:
        read = datetime.fromisoformat(word)
    except ValueError:
        raise UsageError(f"{word!r}: is no time; write 2026-11-25, 2026-11-25T20:44 or 2026-11-25T20:44:01+01:00") from None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def moment(at: float) -> str:
    """Say a Unix time, in UTC."""
    return datetime.fromtimestamp(min(max(at, 0.0), 253_402_300_799.0), UTC).strftime("%Y-%m-%d %H:%M:%S")


def size(count: int) -> str:
    """Say a size in its largest unit."""
    for unit, whole in (("MiB", 1_048_576), ("KiB", 1024)):
        if count >= whole:
            return f"{count / whole:.1f} {unit}"
    return f"{count} B"
