# SPDX-License-Identifier: Apache-2.0
"""How exported values are written, and read again exactly: moments and spans.

moment    2026-11-25T20:44:01.123456+00:00       ISO 8601 (RFC 3339), microseconds, always UTC
span      0.00:00:00.0128000                     d.hh:mm:ss.fffffff, units of 100 ns
"""

import re
from datetime import UTC, datetime, timedelta
from math import isfinite

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}\+00:00").fullmatch
_SPAN = re.compile(r"(-?)([0-9]{1,7})\.([0-9]{2}):([0-9]{2}):([0-9]{2})\.([0-9]{7})").fullmatch
_TICKS_A_SECOND, _TICKS_A_MILLISECOND = 10_000_000, 10_000
_LONGEST_MS = 8e14
_LAST = 253_402_300_799_999_999
"""The end of the year 9999, in microseconds."""


def microseconds(at: float) -> int:
    """Give a Unix time in whole microseconds, within the years 1970 to 9999."""
    return min(max(round(at * 1_000_000), 0), _LAST)


def moment(at_us: int) -> str:
    """Write a Unix time in microseconds."""
    return (_EPOCH + timedelta(microseconds=at_us)).isoformat(timespec="microseconds")


def read_moment(untrusted: str) -> float:
    """Read a moment as Unix time. Raises: ValueError."""
    if not _MOMENT(untrusted):
        raise ValueError("is not written as 2026-11-25T20:44:01.123456+00:00")
    return (datetime.fromisoformat(untrusted) - _EPOCH) / timedelta(microseconds=1) / 1_000_000


def span(milliseconds: float) -> str:
    """Write a duration."""
    ticks = round(min(max(milliseconds, -_LONGEST_MS), _LONGEST_MS) * _TICKS_A_MILLISECOND) if isfinite(milliseconds) else 0
    sign, ticks = ("-", -ticks) if ticks < 0 else ("", ticks)
    seconds, ticks = divmod(ticks, _TICKS_A_SECOND)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{sign}{days}.{hour:02}:{minute:02}:{second:02}.{ticks:07}"


def read_span(untrusted: str) -> float:
    """Read a duration as milliseconds. Raises: ValueError."""
    found = _SPAN(untrusted)
    if not found:
        raise ValueError("is not written as 0.00:00:00.0128000")
    days, hours, minutes, seconds, ticks = map(int, found.groups()[1:])
    total = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * _TICKS_A_SECOND + ticks
    return (-total if found[1] else total) / _TICKS_A_MILLISECOND


def unempty(text: str) -> str | None:
    """Give None for an empty text: JSON's null says that nothing is known."""
    return text or None
