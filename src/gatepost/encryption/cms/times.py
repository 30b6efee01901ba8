# SPDX-License-Identifier: Apache-2.0
"""The two kinds of time in attributes: UTCTime to 2049, GeneralizedTime after (RFC 5652 §11.3)."""

import re
from datetime import UTC, datetime

from gatepost.encryption.cms import der

_UTC_TIME = 0x17
_GENERALIZED_TIME = 0x18
_TIME = re.compile(rb"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(?:[.,]\d{1,9})?Z", re.ASCII)


def write_time(when: datetime) -> bytes:
    """Write an aware time, in whole seconds."""
    moment = when.astimezone(UTC)
    if 1950 <= moment.year < 2050:
        year, month, day, hour, minute, second = moment.timetuple()[:6]
        return b"\x17\x0d%02d%02d%02d%02d%02d%02dZ" % (year % 100, month, day, hour, minute, second)
    return der.element(_GENERALIZED_TIME, f"{moment.year:04}{moment:%m%d%H%M%SZ}".encode())


def read_time(encoded: bytes) -> datetime | None:
    """Read an encoded time; None when it is none."""
    if encoded[:1] == bytes((_UTC_TIME,)):
        digits = encoded[2:]
        digits = (b"20" if digits[:2] < b"50" else b"19") + digits
    elif encoded[:1] == bytes((_GENERALIZED_TIME,)):
        digits = encoded[2:]
    else:
        return None
    match = _TIME.fullmatch(digits)
    if match is None or len(encoded) != 2 + encoded[1]:
        return None
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
