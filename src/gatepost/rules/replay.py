# SPDX-License-Identifier: Apache-2.0
"""Judge a mail of the past anew, by another configuration, from its track alone. Pure.

    head ── what became of it ── the dialogue once more ── who owns it ── points x multipliers ── same, otherwise, undetermined
              `_before`             replay_transaction       `_owners`       replay_points

Promises: a mail that is told as same or otherwise would be judged so by the gateway, as long as the DNS, the next hops and the
programs answer as they did; what a track does not hold is never guessed, and named. Nothing here raises.
"""

from gatepost.config.configuration import Configuration
from gatepost.contracts.judged import Direction
from gatepost.rules.chain import Chain
from gatepost.rules.refusals import POLICY, UNKNOWN_RECIPIENT, Outcome
from gatepost.rules.replay_ground import Ground, Listed
from gatepost.rules.replay_points import Points, Verdict, judged_before_content, judged_by, points_of
from gatepost.rules.replay_record import Judged, Rejudged, Unclear
from gatepost.rules.replay_transaction import Gapped, Group, Mail, dialogue, mail_of
from gatepost.rules.rule import CompiledRule
from gatepost.smtp.replies import UNABLE_TO_RELAY, Reply
from gatepost.tracking.bounds import MARK
from gatepost.tracking.record import Status, TrackHead

_TAKEN = {Status.SUCCESS, Status.DELIVERY_PENDING, Status.PARTIAL_SUCCESS}
_BY_RULES = tuple(map(str, (POLICY, UNKNOWN_RECIPIENT, UNABLE_TO_RELAY)))
"""Refusals without a rule's name that rules or identities decide; the others are about the content or the store."""


def rejudge(head: TrackHead, then: Ground | None, now: Ground, listed: Listed | None = None) -> Rejudged:
    """Judge a mail by `now`; `then` is what it was judged by, None where that is not known.

    `listed` tells who of the recipients is a corporate user in the data, None where nobody looked.
    """
    before = _before(head)
    try:
        return _rejudged(head, before, then, now, listed)
    except Gapped as gapped:
        return Rejudged("undetermined", before, unclear=gapped.unclear)


def _rejudged(head: TrackHead, before: Judged, then: Ground | None, now: Ground, listed: Listed | None) -> Rejudged:
    if head.count > 1:
        raise Gapped("counted")
    if not head.client:
        return Rejudged("same", before)  # a report of the gateway's own is not judged
    if head.status == Status.TEMPORARILY_BLOCKED:
        raise Gapped("put_off")
    if head.status not in _TAKEN and head.status not in (Status.PERMANENTLY_BLOCKED, Status.SUPPRESSED):
        raise Gapped("status")
    if then is None:
        raise Gapped("version")
    _check_limits(head, then.configuration, now.configuration)
    if before.outcome == "refuse" and not head.rule and not head.reply.startswith(_BY_RULES):
        return Rejudged("same", before)  # for its content, which no rule looks at
    mail = mail_of(head, listed)
    after = _after(mail, then, now)
    alike = {one.outcome for one in after} == {before.outcome}
    return Rejudged("same" if alike else "otherwise", before, after)


def _before(head: TrackHead) -> Judged:
    outcome: Outcome = "accept" if head.status in _TAKEN else "discard" if head.status == Status.SUPPRESSED else "refuse"
    reply = head.reply.partition(f" ({head.track})")[0]
    return Judged(outcome, head.recipients, head.rule, head.threshold, head.scl if head.filters else None, reply)


def _after(mail: Mail, then: Ground, now: Ground) -> tuple[Judged, ...]:
    held = dialogue(mail, then, now)
    points = points_of(mail.head, then, now)
    judged = [_judged(mail, group, points, now, held.direction) for group in held.groups]
    for reply in dict.fromkeys(reply for _, reply in held.refused):
        judged.append(Judged("refuse", tuple(str(one) for one, said in held.refused if said is reply), reply=str(reply)))
    return tuple(judged)


def _judged(mail: Mail, group: Group, points: Points, now: Ground, direction: Direction) -> Judged:
    recipients = tuple(map(str, group.recipients))
    first = group.chains[0]
    agreed = first.agreed if all(chain.key == first.key for chain in group.chains) else None
    early = judged_before_content(agreed, points, now, direction) if agreed is not None else None
    if early is not None:
        return Judged("refuse", recipients, early.rule, early.threshold, early.scl, str(early.reply))
    owners = _owners(mail, group.chains, agreed)
    if isinstance(owners, Reply):
        return Judged("refuse", recipients, reply=str(owners))
    verdict: Verdict | Unclear = judged_by(owners, points, now, direction)
    if isinstance(verdict, Unclear):
        raise Gapped(verdict.gap, verdict.what)
    decision = verdict.decision
    if mail.authors is None and decision.outcome != "refuse":
        raise Gapped("content")  # which may be refused for itself: a loop, too many parts
    reply = str(decision.reply) if decision.reply is not None else ""
    return Judged(decision.outcome, recipients, decision.rule, decision.threshold, verdict.scl, reply)


def _owners(mail: Mail, chains: tuple[Chain, ...], agreed: CompiledRule | None) -> tuple[CompiledRule, ...] | Reply:
    """Give the rules that own the mail, or the refusal when there is none. Raises: Gapped when From decides and is not known."""
    asks_author = any(rule.scope.header_from is not None for chain in chains for rule in chain.rules)
    if asks_author and mail.authors is None:
        if agreed is None:
            raise Gapped("author")
        return (agreed,)  # whoever the author is, the verdict is its
    if asks_author and MARK in mail.head.header_from:
        raise Gapped("cut")
    owners: dict[CompiledRule, None] = {}
    for chain in dict.fromkeys(chains):
        owner = chain.own(mail.authors or ())
        if isinstance(owner, Reply):
            return owner
        owners[owner] = None
    return tuple(owners)


def _check_limits(head: TrackHead, then: Configuration, now: Configuration) -> None:
    """Raise Gapped where limits have changed that the mail may reach."""
    reaches = head.size > now.receive.size_bytes or len(head.recipients) > now.receive.recipients
    had_content = head.size > 0 or (head.reply and not head.rule and not head.reply.startswith(_BY_RULES))
    if (reaches and then.receive != now.receive) or (had_content and then.message != now.message):
        raise Gapped("limits")
