# SPDX-License-Identifier: Apache-2.0
"""Message tracks, looked at from outside: what waits in a gateway's outbox, and what its intranet has of each mail.

The outbox is asked for over the gateway's control socket. The intranet's store is read past the console, and only read.
"""

import time
from collections.abc import Iterator
from typing import NamedTuple

from gatepost.errors import ControlError
from gatepost.roles.control import ask, control_path
from gatepost.testing.gateway import Gateway
from measure.tracks import Reader, Track

_LOOK_EVERY_S = 0.1
_SETTLED_S = 1.0
"""A mail that has arrived is settled by then."""


class Backlog(NamedTuple):
    """What waits in an outbox."""

    waiting: int
    oldest_age_s: float


class Tracked:
    """One gateway and the intranet that fetches from it; on a single machine that is the gateway itself."""

    def __init__(self, gateway: Gateway, console: Gateway | None = None) -> None:
        self._control = control_path(gateway.bootstrap)
        self._reader = Reader((console or gateway).bootstrap)

    def backlog(self) -> Backlog:
        """Tell what waits. Raises: ControlError."""
        health = ask(self._control, "replication.health", timeout_s=10.0)
        return Backlog(health["waiting"], health["oldest_age_s"])

    def drain(self, timeout_s: float = 120.0) -> float | None:
        """Wait until nothing waits of what has happened by now; gives the seconds that took, None when it took longer.

        What is told later does not count: mail that cannot be delivered is told of again and again.
        """
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < timeout_s:
            try:
                waiting, oldest_age_s = self.backlog()
                if not waiting or oldest_age_s < elapsed - _SETTLED_S:
                    return round(elapsed, 1)
            except ControlError:
                pass  # `deliver` is just being started again
            time.sleep(_LOOK_EVERY_S)
        return None

    def count(self, since: float = 0.0) -> int:
        """Count the tracks on the intranet, or those of mails that came since a moment (Unix time)."""
        return self._reader.count(since)

    def tracks(self) -> Iterator[Track]:
        """Give every track on the intranet."""
        return self._reader.tracks()

    def queued(self) -> int:
        """Count the recipients on the queue. Raises: ControlError."""
        return sum(line["waiting"] + line["sending"] for line in ask(self._control, "queue.list", timeout_s=60.0))
