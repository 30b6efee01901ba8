# SPDX-License-Identifier: Apache-2.0
"""What became of each recipient, and so of the mail: the status that administrators read.

A recipient's fate is one byte. Fates only rise, and the higher of two holds; so outcomes may come in any order and more
than once.

    fates of all recipients           status
    all delivered                     1 success
    all bounced or dropped            2 dispatcher_error
    all waiting                       5 delivery_pending
    some this, some that              6 partial_success

A mail that was refused, discarded, or is a duplicate stays what it was.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from gatepost.tracking.record import Attempt, Status

PENDING, DEFERRED, DROPPED, BOUNCED, DELIVERED = range(5)
FATES: Final = {"deferred": DEFERRED, "dropped": DROPPED, "bounced": BOUNCED, "delivered": DELIVERED}

_UNDECIDED = frozenset(
    (
        Status.NONE,
        Status.SUCCESS,
        Status.DISPATCHER_ERROR,
        Status.DELIVERY_PENDING,
        Status.PARTIAL_SUCCESS,
        Status.PUT_ON_HOLD,
    )
)
_ALL_ALIKE = (
    Status.DELIVERY_PENDING,
    Status.DELIVERY_PENDING,
    Status.DISPATCHER_ERROR,
    Status.DISPATCHER_ERROR,
    Status.SUCCESS,
)
"""By fate."""
_ONE: Final = tuple(bytes((fate,)) for fate in range(DELIVERED + 1))
"""The fates of a mail to one recipient, as most are."""


def no_fates(recipients: int) -> bytes:
    """Give the fates of a mail of which nothing is known yet."""
    return bytes(recipients)


def merge(fates: bytes, attempts: Iterable[Attempt]) -> bytes:
    """Give the fates after these attempts; a place or a state that nobody here knows says nothing."""
    if len(fates) == 1:
        return _ONE[max([fates[0], *(FATES.get(one.state, PENDING) for one in attempts if not one.recipients or 0 in one.recipients)])]
    merged = bytearray(fates)
    count = len(merged)
    for attempt in attempts:
        fate = FATES.get(attempt.state, PENDING)
        for place in attempt.recipients or range(count):
            if 0 <= place < count and merged[place] < fate:
                merged[place] = fate
    return bytes(merged)


@lru_cache(maxsize=1024)
def status_of(status: int, fates: bytes) -> int:
    """Give a mail's status from the one it had and what became of its recipients."""
    if status not in _UNDECIDED or not any(fates):
        return status
    kinds = {_ALL_ALIKE[fate] for fate in set(fates)}
    return int(kinds.pop() if len(kinds) == 1 else Status.PARTIAL_SUCCESS)
