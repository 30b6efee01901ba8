# SPDX-License-Identifier: Apache-2.0
"""Days: what a track's name tells of its time, and how its tables are named after it.

A track's name is 24 letters and digits: 48 bits of milliseconds and 72 random bits, in base32hex (RFC 4648 §7). The store
keeps it as those 15 bytes, its *key*: keys sort as the mails came, a time is a range of keys, and a key tells the day (UTC)
whose tables hold it. Nothing else is needed to find, order, page or drop tracks.
"""

import base64
import re
import time
from datetime import UTC, datetime
from typing import Final

DAY_S: Final = 86_400
DAYS_AHEAD: Final = 7
"""How many days' partitions are made before they are needed."""
MOST_DAYS: Final = 4000
"""Days with tables; tracks of a further day come from a clock that is wrong."""

_KEY_BYTES, _TIME_BYTES = 15, 6
_is_name = re.compile("[0-9A-Va-v]{24}").fullmatch
_DAY_MS = DAY_S * 1000
_END_MS = 253_402_300_800_000
"""The year 10000."""


def key_of(untrusted_track: str) -> bytes:
    """Give the key of a track's name. Raises: ValueError when it is none."""
    if not _is_name(untrusted_track):
        raise ValueError("a track's name is 24 letters, up to V, and digits")
    key = int(untrusted_track, 32).to_bytes(_KEY_BYTES, "big")  # the digits of base32hex are those of `int`
    if int.from_bytes(key[:_TIME_BYTES], "big") >= _END_MS:
        raise ValueError("a track's name begins with its time, and this one's is after the year 9999")
    return key


def track_of(key: bytes) -> str:
    """Give the name of a track."""
    return base64.b32hexencode(key).decode("ascii")


def day_of(key: bytes) -> int:
    """Tell the day of a key, in days since 1970 (UTC)."""
    return int.from_bytes(key[:_TIME_BYTES], "big") // _DAY_MS


def time_of(key: bytes) -> float:
    """Tell when a track was named (Unix time)."""
    return int.from_bytes(key[:_TIME_BYTES], "big") / 1000


def first_key(at: float) -> bytes:
    """Give a key not above those of tracks of this Unix time and later, and above all earlier ones."""
    milliseconds = min(max(int(at * 1000), 0), _END_MS)
    return milliseconds.to_bytes(_TIME_BYTES, "big") + bytes(_KEY_BYTES - _TIME_BYTES)


def first_of(day: int) -> bytes:
    """Give the lower bound of a day's keys, which is the upper bound of the day before."""
    return first_key(day * DAY_S)


def suffix(day: int) -> str:
    """Give what the names of a day's tables end in: `20251125`."""
    return format(datetime.fromtimestamp(day * DAY_S, UTC), "%Y%m%d")


def today(now: float | None = None) -> int:
    """Tell the day it is (UTC)."""
    return int(time.time() if now is None else now) // DAY_S
