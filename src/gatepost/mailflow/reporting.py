# SPDX-License-Identifier: Apache-2.0
"""Which reports an attempt causes: the sender learns what became of the mail (RFC 3461, RFC 3464)."""

import asyncio
from collections.abc import Callable, Iterator, Sequence

import msgspec

from gatepost.config.limits import DeliveryLimits
from gatepost.delivery.dsn.fate import Fate, action_owed
from gatepost.delivery.dsn.original import FULL_BYTES
from gatepost.delivery.dsn.report import report_for
from gatepost.delivery.queue.record import ClaimedMail, Direction, NewMail, Outcome
from gatepost.errors import StoreError
from gatepost.mailflow.identify import Identities
from gatepost.mailflow.track import new_track
from gatepost.telemetry.events import ReportSent
from gatepost.telemetry.log import emit
from gatepost.tracking.head import Report, encoded_report_head

ReadBeginning = Callable[[str, int], bytes]
"""Gives up to so many first bytes of a blob; blocks; raises StoreError."""


class Reporting:
    """Makes the reports of one gateway."""

    def __init__(
        self,
        limits: DeliveryLimits,
        identities: Identities,
        hostname: str,
        read_beginning: ReadBeginning,
        *,
        configuration_version: int = 0,
    ) -> None:
        self.configuration_version = configuration_version
        self._limits = limits
        self._identities = identities
        self._hostname = hostname
        self._read_beginning = read_beginning

    async def reports(
        self, claim: ClaimedMail, outcomes: tuple[Outcome, ...], now: float, *, next_hop_has_dsn: bool
    ) -> tuple[NewMail, ...]:
        """Give the reports that these outcomes cause, to be queued in the same transaction."""
        mail = claim.mail
        if mail.envelope.sender is None:
            return ()
        fates = tuple(self._fates(claim, outcomes, now, next_hop_has_dsn))
        if not fates:
            return ()
        report = await self.report(mail, fates, now)
        return () if report is None else (report,)

    async def report(self, mail: NewMail, fates: Sequence[Fate], now: float) -> NewMail | None:
        """Give the report about these fates of a mail; None when its sender may not or will not hear of them."""
        body = await asyncio.to_thread(self._beginning, mail.body.blob) if mail.body.blob else None
        report = report_for(
            mail,
            fates,
            now,
            self._hostname,
            new_track,
            direction_of=self._direction_of,
            limits=self._limits,
            untrusted_body=body,
        )
        if report is None:
            return None
        emit(ReportSent(track=mail.track, report=report.track, action=fates[0].action, recipients=len(fates)))
        return msgspec.structs.replace(report, head=self._head(report, mail.track))

    def _beginning(self, blob: str) -> bytes:
        try:
            return self._read_beginning(blob, FULL_BYTES)
        except StoreError:  # what became of the mail must be recorded all the same; the report does without its content
            return b""

    def _head(self, report: NewMail, about: str) -> bytes:
        recipient = report.envelope.recipients[0].address
        told = Report(
            report.track,
            report.tenant_id,
            report.received_at,
            report.direction,
            recipient,
            about,
            self._hostname,
            self.configuration_version,
        )
        return encoded_report_head(told, report.body.inline)

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
