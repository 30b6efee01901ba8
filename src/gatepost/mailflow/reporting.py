# SPDX-License-Identifier: Apache-2.0
"""Which reports an attempt causes: the sender learns what became of the mail (RFC 3461, RFC 3464)."""

from collections.abc import Callable, Iterator, Sequence

from gatepost.config.limits import DeliveryLimits
from gatepost.delivery.dsn.fate import Fate, action_owed
from gatepost.delivery.dsn.original import FULL_BYTES
from gatepost.delivery.dsn.report import report_for
from gatepost.delivery.queue.record import ClaimedMail, Direction, NewMail, Outcome
from gatepost.mailflow.identify import Identities
from gatepost.mailflow.track import new_track
from gatepost.telemetry.events import ReportSent
from gatepost.telemetry.log import emit

ReadBeginning = Callable[[str, int], bytes]
"""Gives up to so many first bytes of a blob; raises StoreError."""


class Reporting:
    """Makes the reports of one gateway."""

    def __init__(self, limits: DeliveryLimits, identities: Identities, hostname: str, read_beginning: ReadBeginning) -> None:
        self._limits = limits
        self._identities = identities
        self._hostname = hostname
        self._read_beginning = read_beginning

    def reports(self, claim: ClaimedMail, outcomes: tuple[Outcome, ...], now: float, *, next_hop_has_dsn: bool) -> tuple[NewMail, ...]:
        """Give the reports that these outcomes cause, to be queued in the same transaction."""
        mail = claim.mail
        if mail.envelope.sender is None:
            return ()
        fates = tuple(self._fates(claim, outcomes, now, next_hop_has_dsn))
        if not fates:
            return ()
        report = self.report(mail, fates, now)
        return () if report is None else (report,)

    def report(self, mail: NewMail, fates: Sequence[Fate], now: float) -> NewMail | None:
        """Give the report about these fates of a mail; None when its sender may not or will not hear of them."""
        report = report_for(
            mail,
            fates,
            now,
            self._hostname,
            new_track,
            direction_of=self._direction_of,
            limits=self._limits,
            untrusted_body=self._read_beginning(mail.body.blob, FULL_BYTES) if mail.body.blob else None,
        )
        if report is not None:
            emit(ReportSent(track=mail.track, report=report.track, action=fates[0].action, recipients=len(fates)))
        return report

    def _fates(self, claim: ClaimedMail, outcomes: tuple[Outcome, ...], now: float, next_hop_has_dsn: bool) -> Iterator[Fate]:
        for claimed, outcome in zip(claim.recipients, outcomes, strict=True):
            match outcome.state:
                case "bounced" | "delivered" as state:
                    action = action_owed(claimed.recipient.notify, state, next_hop_has_dsn)
                case _:
                    continue  # the notice of a delay is a clock's work, not an attempt's
            if action is not None:
                expired = outcome.state == "bounced" and outcome.reply[:1] != "5"
                yield Fate(claimed.recipient, action, outcome.reply, outcome.host, now, expired)

    def _direction_of(self, domain: str) -> Direction:
        return "inbound" if self._identities.is_owned(domain) else "outbound"
