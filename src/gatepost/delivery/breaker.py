# SPDX-License-Identifier: Apache-2.0
"""A circuit breaker for each route: a next hop that is down is asked once a minute, not once for each mail.

    closed   every mail is tried
    open     after `failures` connection-level failures in a row: no mail is tried but one probe for each interval
    closed   again, as soon as anything of the route is reached

A connection-level failure is one that says nothing about the mail: no connection, no greeting, a refused
session, a broken TLS handshake. A reply to MAIL, RCPT or DATA means that the route is reached, whatever it says.
"""

import msgspec

FAILURES = 5
PROBE_INTERVAL_S = 60.0


class _Circuit(msgspec.Struct):
    failures: int = 0
    probe_at: float = 0.0
    reason: str = ""


class Breakers:
    """The circuits of all routes that have failed since they were last reached; a healthy route costs nothing."""

    __slots__ = ("_circuits", "failures", "interval_s")

    def __init__(self, failures: int = FAILURES, interval_s: float = PROBE_INTERVAL_S) -> None:
        self.failures = failures
        self.interval_s = interval_s
        self._circuits: dict[str, _Circuit] = {}

    def failed(self, key: str, reason: str, now: float) -> None:
        """Note a connection-level failure of a route; `reason` is the reply that its mails will show."""
        circuit = self._circuits.get(key)
        if circuit is None:
            circuit = self._circuits[key] = _Circuit()
        circuit.failures += 1
        circuit.reason = reason
        if circuit.failures >= self.failures:
            circuit.probe_at = now + self.interval_s

    def reached(self, key: str) -> None:
        """Note that a route's next hop spoke SMTP with us."""
        if self._circuits:
            self._circuits.pop(key, None)

    def admits(self, key: str, now: float) -> bool:
        """Whether a mail of the route may be tried now; on an open circuit, True makes that mail the interval's probe."""
        if not self._circuits or (circuit := self._circuits.get(key)) is None or circuit.failures < self.failures:
            return True
        if now < circuit.probe_at:
            return False
        circuit.probe_at = now + self.interval_s
        return True

    def open_routes(self) -> list[str]:
        """Give the routes that are down, as far as we know."""
        return [key for key, circuit in self._circuits.items() if circuit.failures >= self.failures]

    def is_open(self, key: str) -> bool:
        """Whether the route is down, as far as we know."""
        circuit = self._circuits.get(key)
        return circuit is not None and circuit.failures >= self.failures

    def probe_at(self, key: str) -> float:
        """Give the Unix time of the route's next probe; 0 when its circuit is closed."""
        return self._circuits[key].probe_at if self.is_open(key) else 0.0

    def reason(self, key: str) -> str:
        """Give the last failure of a route; '' when there is none."""
        circuit = self._circuits.get(key)
        return circuit.reason if circuit else ""
