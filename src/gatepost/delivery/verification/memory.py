# SPDX-License-Identifier: Apache-2.0
"""Answers in memory: bounded, and forgotten when their time is over.

Known addresses have a room of their own, so that a flood of names that nobody has pushes out only its like.
The domain itself is kept under the empty local part, which no address has: "known" there means that its next
hop takes anything, "unknown" that it looks at each recipient.
"""

import time
from collections.abc import Callable

from gatepost.delivery.verification.contract import Existence, Judgement
from gatepost.message.addresses import Address

KEPT = 20_000
"""Addresses kept in each of the two rooms; about 6 MB for both."""
DOMAIN = ""
"""The local part that stands for the domain itself."""

_Key = tuple[int, str, str]
_Room = dict[_Key, tuple[Existence, float]]


class Memory:
    """What this process was told. `clock` gives seconds."""

    def __init__(self, kept: int = KEPT, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept, self._clock = kept, clock
        self._known: _Room = {}
        self._others: _Room = {}

    def __len__(self) -> int:
        return len(self._known) + len(self._others)

    def forget(self) -> None:
        """Forget everything."""
        self._known.clear()
        self._others.clear()

    def recall(self, tenant_id: int, address: Address) -> Judgement | None:
        """Give what is remembered of an address or of its whole domain; None when it has to be asked for."""
        judgement = self.recall_domain(tenant_id, address.domain)
        if judgement is not None and judgement.existence == "known":
            return judgement
        return self._recall((tenant_id, address.domain, address.local))

    def recall_domain(self, tenant_id: int, domain: str) -> Judgement | None:
        """Give what is remembered of the domain's next hop."""
        judgement = self._recall((tenant_id, domain, DOMAIN))
        return judgement._replace(whole_domain=True) if judgement is not None else None

    def remember(self, tenant_id: int, address: Address, judgement: Judgement) -> None:
        """Keep an answer for its lifetime."""
        key = (tenant_id, address.domain, DOMAIN if judgement.whole_domain else address.local)
        self._known.pop(key, None)
        self._others.pop(key, None)
        if judgement.lifetime_s <= 0:
            return
        room = self._known if judgement.existence == "known" else self._others
        room[key] = (judgement.existence, self._clock() + judgement.lifetime_s)
        if len(room) > self._kept:
            del room[next(iter(room))]

    def _recall(self, key: _Key) -> Judgement | None:
        room = self._known
        entry = room.get(key)
        if entry is None:
            room = self._others
            entry = room.get(key)
            if entry is None:
                return None
        left_s = entry[1] - self._clock()
        if left_s <= 0:
            del room[key]
            return None
        return Judgement(entry[0], left_s)
