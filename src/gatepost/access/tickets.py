# SPDX-License-Identifier: Apache-2.0
"""Sign-ins under way: what a browser has proved so far, in memory only. A ticket is no session and gives no right."""

import secrets
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from gatepost.access.record import Came

LASTS_S: Final = 600.0
MOST: Final = 500
"""Tickets at a time; each took a right password, so nobody from outside can fill them."""

Need = Literal["totp", "new_password", "totp_enrolment"]
"""What is still to be done, in this order where more than one is."""


class Claim(NamedTuple):
    """What was proved, and against what: if that changes meanwhile, the proof is worth nothing."""

    tenant_id: int
    name: str
    came: Came
    hashed: str
    """The hash that the password was checked against."""
    totp: bytes = b""
    """The sealed secret at that time."""
    totp_passed: bool = False


class Ticket:
    """A claim, and what is needed next."""

    def __init__(self, text: str, claim: Claim, need: Need, until: float) -> None:
        self.text, self.claim, self.need, self.until = text, claim, need, until
        self.secret = ""
        """The TOTP secret that is being enrolled."""


class Tickets:
    """All of this process; the oldest makes room."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tickets: dict[str, Ticket] = {}

    def make(self, claim: Claim, need: Need) -> Ticket:
        """Give a ticket for a claim."""
        if len(self._tickets) >= MOST:
            del self._tickets[next(iter(self._tickets))]
        ticket = Ticket(secrets.token_urlsafe(32), claim, need, self._clock() + LASTS_S)
        self._tickets[ticket.text] = ticket
        return ticket

    def get(self, untrusted_ticket: str) -> Ticket | None:
        """Give what a browser brings back, while it is good."""
        ticket = self._tickets.get(untrusted_ticket)
        if ticket is None or self._clock() < ticket.until:
            return ticket
        del self._tickets[untrusted_ticket]
        return None

    def drop(self, ticket: Ticket) -> None:
        """Forget one."""
        self._tickets.pop(ticket.text, None)
