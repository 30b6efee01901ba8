# SPDX-License-Identifier: Apache-2.0
"""What waits in memory for one route; its destination domains take turns, each mail within one in order."""

from collections import deque

from gatepost.delivery.queue.record import ClaimedMail
from gatepost.delivery.route import Route


class Lane:
    """One route's waiting mails. `active`, `blocked` and `full_at` belong to the dispatcher."""

    __slots__ = ("_domains", "_turns", "active", "blocked", "bytes", "full_at", "key", "mails")

    def __init__(self, key: str) -> None:
        self.key = key
        self.active = 0
        """Workers that carry for this lane."""
        self.blocked = False
        """Whether the lane stands in line for a worker."""
        self.full_at = 0
        """Mails that waited when the last one found no room; 0 when there has been room since."""
        self.mails = 0
        self.bytes = 0
        self._domains: dict[str, deque[tuple[ClaimedMail, Route]]] = {}
        self._turns: deque[str] = deque()

    def put(self, domain: str, claim: ClaimedMail, route: Route) -> None:
        """Add a mail at the end of its domain's line."""
        line = self._domains.get(domain)
        if line is None:
            line = self._domains[domain] = deque()
            self._turns.append(domain)
        line.append((claim, route))
        self.mails += 1
        self.bytes += len(claim.mail.body.inline)

    def take(self) -> tuple[ClaimedMail, Route]:
        """Remove the first mail of the domain whose turn it is; that domain then comes last. The lane is not empty."""
        turns = self._turns
        domain = turns[0]
        line = self._domains[domain]
        lot = line.popleft()
        if line:
            if len(turns) > 1:
                turns.rotate(-1)
        else:
            turns.popleft()
            del self._domains[domain]
        self.mails -= 1
        self.bytes -= len(lot[0].mail.body.inline)
        return lot
