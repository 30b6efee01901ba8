# SPDX-License-Identifier: Apache-2.0
"""The heads of tracks: what the journey knows of a mail when it is decided, handed to `tracking.head`."""

from typing import NamedTuple

from gatepost.contracts.sentence import DECISION, Sentence
from gatepost.mailflow.arrival import Identified, Opened
from gatepost.mailflow.judging import Judgement
from gatepost.mailflow.transaction import Transaction
from gatepost.message.addresses import Address
from gatepost.rules.decide import Decision
from gatepost.smtp.envelope import Envelope
from gatepost.smtp.peer import Peer
from gatepost.smtp.replies import Reply
from gatepost.tracking.head import Decided, Verdict, encoded_head
from gatepost.tracking.record import Status

_REJECTS = Sentence(DECISION, "the rule rejects what it owns")
_DISCARDS = Sentence(DECISION, "the rule discards what it owns")
_REACHES = Sentence(DECISION, "{scl:g} points reach the threshold of {threshold:g}")


class Site(NamedTuple):
    """Where a mail was decided."""

    gateway: str
    version: int
    """Of the configuration."""


class Refusal(NamedTuple):
    """A mail that was not taken, or was taken to be discarded, and why."""

    track: str
    at: float
    reply: Reply | None
    """What the client was told; None when it was told that the mail is ours."""
    reason: str
    status: Status
    judgement: Judgement | None


def accepted_head(mail: Identified, judgement: Judgement, size: int, site: Site, now: float) -> bytes:
    """Give the head of a mail that is taken; `size` is that of what is committed."""
    opened = mail.opened
    decided = Decided(
        mail.track,
        mail.tenant_id,
        opened.received_at,
        mail.direction,
        opened.peer,
        opened.envelope.sender,
        [one.address for one in opened.envelope.recipients],
        _verdict(judgement, Status.DELIVERY_PENDING),
        site.gateway,
        site.version,
        size,
        opened.message,
        mail.transaction.authors,
        _elapsed(opened, now),
    )
    return encoded_head(decided)


def refused_head(
    peer: Peer, envelope: Envelope, recipients: list[Address], refusal: Refusal, site: Site, *, opened: Opened | None = None
) -> bytes:
    """Give the head of a mail that is refused; `opened` is None when its content was not read."""
    transaction = peer.transaction
    assert isinstance(transaction, Transaction)
    if refusal.judgement is not None:
        verdict = _verdict(refusal.judgement, refusal.status, refusal.reply, refusal.reason or why(refusal.judgement.decision))
    else:
        verdict = Verdict(refusal.status, refusal.reply, refusal.reason)
    return encoded_head(
        Decided(
            refusal.track,
            transaction.tenant_id or 0,
            refusal.at if opened is None else opened.received_at,
            transaction.direction,
            peer,
            envelope.sender,
            recipients,
            verdict,
            site.gateway,
            site.version,
            0 if opened is None else opened.received.size,
            None if opened is None else opened.message,
            transaction.authors if opened is not None else None,
            0.0 if opened is None else _elapsed(opened, refusal.at),
        )
    )


def refusal_key(client: str, reply: Reply, reason: str, judgement: Judgement | None) -> str:
    """Give what refusals share that are counted together: client, rule, and why (the reply without its track's id)."""
    rule = judgement.decision.rule if judgement is not None else ""
    return f"{client}\0{rule}\0{reply.code} {reply.enhanced}\0{reason}"


def why(decision: Decision) -> str:
    """Say in words why a rule did not let a mail through."""
    if decision.mode == "reject":
        return _REJECTS.text if decision.outcome == "refuse" else _DISCARDS.text
    return _REACHES.say(scl=decision.scl, threshold=decision.threshold)


def _elapsed(opened: Opened, now: float) -> float:
    """Give the milliseconds since the final dot; a clock that was set back gives none."""
    return round(max(1000 * (now - opened.received_at), 0.0), 3)


def _verdict(judgement: Judgement, status: Status, reply: Reply | None = None, reason: str = "") -> Verdict:
    decision = judgement.decision
    return Verdict(
        status,
        reply,
        reason,
        decision.rule,
        decision.threshold,
        decision.scl,
        decision.reasons,
        judgement.milliseconds,
        judgement.authentication,
    )
