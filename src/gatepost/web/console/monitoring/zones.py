# SPDX-License-Identifier: Apache-2.0
"""Times that people type: in their own zone, which the page's script tells as minutes east of UTC; without a script it is UTC."""

from datetime import UTC, datetime, timedelta, timezone

from gatepost.errors import UsageError
from gatepost.web.frame.forms import Form

_WIDEST = 14 * 60


def instant(form: Form, name: str) -> float | None:
    """Read a time from a form's field as Unix time; None when it is empty. Raises: UsageError."""
    written = form.text(name)
    if not written:
        return None
    try:
        read = datetime.fromisoformat(written)
    except ValueError:
        raise UsageError(f"{name}: {written!r} is no time; write it as 2026-11-25T20:44") from None
    return (read if read.tzinfo else read.replace(tzinfo=_zone(form))).timestamp()


def _zone(form: Form) -> timezone:
    try:
        minutes = int(form.text("zone", "0"))
    except ValueError:
        return UTC
    return timezone(timedelta(minutes=minutes)) if abs(minutes) <= _WIDEST else UTC
