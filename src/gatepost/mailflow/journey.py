# SPDX-License-Identifier: Apache-2.0
"""START READING HERE: the two journeys of a mail, one named step a line.

`receive` runs while the client waits for the answer to its final dot; `deliver` runs once a mail is
ours. Each step is a method of the house that is handed in, and each house is put together in one
visible place, `roles/`.
"""

from typing import TYPE_CHECKING

from gatepost.smtp.replies import Reply, queued

if TYPE_CHECKING:  # each process loads its own half of the house
    from gatepost.delivery.queue.record import ClaimedMail
    from gatepost.delivery.route import Route
    from gatepost.mailflow.delivering import Delivering
    from gatepost.mailflow.receiving import Receiving
    from gatepost.smtp.envelope import Envelope
    from gatepost.smtp.peer import Peer
    from gatepost.smtp.server.service import Received


async def receive(peer: "Peer", envelope: "Envelope", received: "Received", house: "Receiving") -> Reply:
    """Carry one mail from its final dot to the queue, and answer the client (RFC 5321 §4.2.5, §6.1)."""
    opened = await house.open(peer, envelope, received)  # headers and MIME structure; defects are data
    mail = house.identify(opened)  # whose it is, which way it goes
    if isinstance(mail, Reply):
        return await house.refuse(opened, mail)
    rules = house.choose(mail)  # the rule that owns it, now that From is known
    if isinstance(rules, Reply):
        return await house.refuse(opened, rules)
    judgement = await house.judge(mail, rules)  # filters side by side, then the pure decision
    if judgement.decision.outcome == "refuse":
        return await house.refuse_judged(mail, judgement)  # the client keeps it
    if judgement.decision.outcome == "discard":
        return await house.discard(mail, judgement)
    await house.commit(mail, judgement)  # from here on the mail is ours
    return queued(mail.track)


async def deliver(claim: "ClaimedMail", route: "Route", house: "Delivering") -> None:
    """Carry one claimed mail to its next hop and record what became of each recipient."""
    result = await house.send(claim, route)  # one SMTP transaction
    settlement = await house.judge(claim, route, result)  # delivered, deferred or bounced, each with its report
    await house.settle(claim, settlement)  # one transaction; from here on it is the next hop's
