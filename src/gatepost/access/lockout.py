# SPDX-License-Identifier: Apache-2.0
"""How long an account stays locked after failures in a row. Pure; who counts does it in a transaction."""

from typing import Final

AT_ONCE: Final = 10
"""Failures until the first lock, and from one lock to the next."""
FIRST_S: Final = 900.0
LONGEST_S: Final = 28_800.0


def locked_until(failures: int, now: float) -> float | None:
    """Tell until when the account is locked after its latest failure; None when that does not lock it."""
    if failures < AT_ONCE or failures % AT_ONCE:
        return None
    # A small exponent: a count of years must not become a number without end.
    doublings = min(failures // AT_ONCE - 1, 16)
    return now + min(FIRST_S * float(1 << doublings), LONGEST_S)
