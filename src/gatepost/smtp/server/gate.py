# SPDX-License-Identifier: Apache-2.0
"""Who may connect at all: sessions in total and per client, and clients blocked for a while.

Blocking follows the product: after a mail that only an attacker sends, the client's address is refused
for some minutes. Memory is bounded: the oldest blocks fall out first.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from gatepost.config.limits import ReceiveLimits
from gatepost.smtp import replies
from gatepost.smtp.replies import Reply

_BLOCKED_KEPT = 100_000


class Gate:
    """The open sessions and the blocked clients of one receiving process."""

    def __init__(self, limits: ReceiveLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._open: dict[str, int] = {}
        self._total = 0
        self._blocked_until: OrderedDict[str, float] = OrderedDict()

    def enter(self, address: str) -> Reply | None:
        """Count a session in; gives the refusal when it may not begin (it is not counted then)."""
        if self._blocked_until and self.is_blocked(address):
            return replies.CLIENT_BLOCKED
        of_client = self._open.get(address, 0)
        if self._total >= self._limits.connections or of_client >= self._limits.connections_per_client:
            return replies.TOO_MANY_CONNECTIONS
        self._open[address] = of_client + 1
        self._total += 1
        return None

    def renew(self, limits: ReceiveLimits) -> None:
        """Hold these limits against sessions that begin from now on; who is blocked stays so."""
        self._limits = limits

    def leave(self, address: str) -> None:
        """Count a session out."""
        self._total -= 1
        left = self._open[address] - 1
        if left:
            self._open[address] = left
        else:
            del self._open[address]

    def block(self, address: str) -> None:
        """Refuse this client from now on, for as long as the setting says."""
        if not self._limits.block_suspicious_clients:
            return
        self._blocked_until[address] = self._clock() + 60 * self._limits.block_minutes
        self._blocked_until.move_to_end(address)
        if len(self._blocked_until) > _BLOCKED_KEPT:
            self._blocked_until.popitem(last=False)

    def is_blocked(self, address: str) -> bool:
        """Tell whether the client is refused now."""
        until = self._blocked_until.get(address)
        if until is None:
            return False
        if until > self._clock():
            return True
        del self._blocked_until[address]
        return False

    def clear_blocked(self) -> int:
        """Let every blocked client in again; gives their number."""
        number = len(self._blocked_until)
        self._blocked_until.clear()
        return number
