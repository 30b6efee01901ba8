# SPDX-License-Identifier: Apache-2.0
"""The house that delivers: the steps of `journey.deliver`, and what becomes of mail without a way."""

import random
import time
from collections.abc import Callable

from gatepost.delivery.dispatch import Dispatcher
from gatepost.delivery.queue.record import ClaimedMail, ClaimedRecipient, Outcome, Settlement, place
from gatepost.delivery.route import Route
from gatepost.delivery.routing import Unroutable
from gatepost.delivery.schedule import after_failure, next_attempt
from gatepost.delivery.send.result import RecipientResult, SendResult
from gatepost.delivery.send.sender import Sender
from gatepost.mailflow.reporting import Reporting
from gatepost.telemetry.events import DeliveryDone
from gatepost.telemetry.log import emit
from gatepost.tracking.outcome import Result, encoded_outcome


class Delivering:
    """The delivering process's house."""

    def __init__(self, sender: Sender, reporting: Reporting, clock: Callable[[], float] = time.time) -> None:
        self._sender = sender
        self._reporting = reporting
        self._clock = clock
        self.dispatcher: Dispatcher
        """Set by the composition root, which makes the two for each other."""

    async def send(self, claim: ClaimedMail, route: Route) -> SendResult:
        """Hand the mail to the next hop, and note for the route whether its hosts answered."""
        result = await self._sender.send(claim, route)
        breakers = self.dispatcher.breakers
        if result.host_failed:
            breakers.failed(route.key, result.recipients[0].reply, self._clock())
        else:
            breakers.reached(route.key)
        return result

    async def judge(self, claim: ClaimedMail, route: Route, result: SendResult) -> Settlement:
        """Decide for each recipient: delivered, tried again later, or given up with a report to the sender."""
        now = self._clock()
        pairs = tuple(zip(claim.recipients, result.recipients, strict=True))
        outcomes = tuple([self._outcome(claim, claimed, one, now) for claimed, one in pairs])
        self._tell(claim, outcomes, tls=result.tls)
        reports = await self._reporting.reports(claim, outcomes, now, next_hop_has_dsn=result.dsn_supported)
        tracked = _tracked(claim, outcomes, now, tls=result.tls, connector=route.connector)
        return Settlement(claim.mail_id, claim.variant_id, outcomes, reports, tracked)

    async def settle(self, claim: ClaimedMail, settlement: Settlement) -> None:
        """Record the outcomes and their reports in one transaction."""
        await self.dispatcher.settle(claim, settlement.outcomes, settlement.reports, settlement.outcome)

    async def refuse(self, claim: ClaimedMail, why: Unroutable) -> None:
        """Settle mail that has no way: later where the cause is temporary, else with a report."""
        now = self._clock()
        outcomes = after_failure(claim, why.reply, "", permanent=not why.temporary, now=now, random=random.random)
        self._tell(claim, outcomes, tls="")
        reports = await self._reporting.reports(claim, outcomes, now, next_hop_has_dsn=False)
        await self.dispatcher.settle(claim, outcomes, reports, _tracked(claim, outcomes, now))

    def _outcome(self, claim: ClaimedMail, claimed: ClaimedRecipient, result: RecipientResult, now: float) -> Outcome:
        if result.status == "accepted":
            return Outcome(claimed.id, claimed.fence, "delivered", 0.0, result.reply, result.host)
        due_at = None
        if result.status == "temporary":
            due_at = next_attempt(claimed.attempts + 1, claimed.first_failure_at, now, claim.mail.expires_at, random.random)
        if due_at is None:
            return Outcome(claimed.id, claimed.fence, "bounced", 0.0, result.reply, result.host)
        return Outcome(claimed.id, claimed.fence, "deferred", due_at, result.reply, result.host)

    def _tell(self, claim: ClaimedMail, outcomes: tuple[Outcome, ...], *, tls: str) -> None:
        first = outcomes[0]
        same = all(one.state == first.state and one.reply == first.reply for one in outcomes)
        for outcome, claimed in zip(outcomes[:1] if same else outcomes, claim.recipients, strict=False):
            emit(
                DeliveryDone(
                    track=claim.mail.track,
                    queue=claimed.recipient.address.domain,
                    host=outcome.host,
                    outcome=outcome.state,
                    recipients=len(outcomes) if same else 1,
                    reply=outcome.reply,
                    tls=tls,
                    attempt=claimed.attempts + 1,
                )
            )


def _tracked(claim: ClaimedMail, outcomes: tuple[Outcome, ...], now: float, *, tls: str = "", connector: str = "") -> bytes:
    """Give what the track tells of an attempt."""
    mail = claim.mail
    results = [Result(place(claim.mail_id, one.id), one.state, one.reply, one.host, one.due_at) for one in outcomes]
    return encoded_outcome(mail.track, mail.tenant_id, now, results, tls=tls, connector=connector)
