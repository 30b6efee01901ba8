# SPDX-License-Identifier: Apache-2.0
"""Which reports an attempt causes: the sender learns what became of the mail (RFC 3461, RFC 3464)."""

from gatepost.config.configuration import Configuration
from gatepost.delivery.queue.record import ClaimedMail, NewMail, Outcome
from gatepost.delivery.send.result import SendResult
from gatepost.mailflow.identify import Identities


class Reporting:
    """Makes the reports of one gateway."""

    def __init__(self, configuration: Configuration, identities: Identities, hostname: str) -> None:
        self._identities = identities
        self._hostname = hostname

    def reports(
        self, claim: ClaimedMail, outcomes: tuple[Outcome, ...], result: SendResult, now: float
    ) -> tuple[NewMail, ...]:
        """Give the reports that these outcomes cause, ready to be queued in the same transaction."""
        return ()
