# SPDX-License-Identifier: Apache-2.0
"""Dates as mail writes them (RFC 5322 §3.3), always in UTC."""

import time
from functools import lru_cache

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def mail_date(at: float) -> str:
    """Give a Unix time in seconds as `Wed, 25 Nov 2026 17:47:21 +0000`; independent of the locale."""
    return _mail_date(int(at))


@lru_cache(maxsize=64)
def _mail_date(second: int) -> str:
    t = time.gmtime(second)
    return f"{_DAYS[t.tm_wday]}, {t.tm_mday} {_MONTHS[t.tm_mon - 1]} {t.tm_year:04} {t.tm_hour:02}:{t.tm_min:02}:{t.tm_sec:02} +0000"
