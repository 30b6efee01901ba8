# SPDX-License-Identifier: Apache-2.0
"""The SMTP dialogue of a tracked mail once more, by another configuration: who is refused at RCPT, who must come anew.

The same steps as `mailflow.reception`, on what the track holds. Promise: what cannot be known is raised as `Gapped`, never guessed.
"""

from collections.abc import Sequence
from typing import NamedTuple

from gatepost.contracts.judged import Direction
from gatepost.message.addresses import Address
from gatepost.rules.chain import Chain, share
from gatepost.rules.refusals import UNKNOWN_RECIPIENT
from gatepost.rules.replay_ground import Ground, Known, Listed, folded
from gatepost.rules.replay_record import Gap, Unclear
from gatepost.rules.ruleset import Candidates
from gatepost.rules.scope import Transaction
from gatepost.smtp.replies import TOO_MANY_RECIPIENTS, UNABLE_TO_RELAY, Reply
from gatepost.tracking.bounds import MARK
from gatepost.tracking.record import TrackHead


class Gapped(Exception):
    """The track does not hold what this mail hangs on."""

    def __init__(self, gap: Gap, what: str = "") -> None:
        super().__init__(gap)
        self.unclear = Unclear(gap, what)


class Mail(NamedTuple):
    """A track's head, read once."""

    head: TrackHead
    sender: Address | None
    recipients: tuple[Address, ...]
    authors: tuple[Address, ...] | None
    """None when its content never came."""
    listed: Listed | None = None
    """Who of the recipients is a corporate user in the data; None when that was not looked up."""


class Group(NamedTuple):
    """Recipients that share one transaction."""

    recipients: tuple[Address, ...]
    chains: tuple[Chain, ...]


class Dialogue(NamedTuple):
    """What becomes of a mail's recipients before its content."""

    direction: Direction
    groups: tuple[Group, ...]
    refused: tuple[tuple[Address, Reply], ...]


def mail_of(head: TrackHead, listed: Listed | None = None) -> Mail:
    """Read a head. Raises: Gapped when an address was cut."""
    if any(MARK in text or "\ufffd" in text for text in (head.sender, *head.recipients)):
        raise Gapped("cut")
    recipients = tuple([_address(text) for text in head.recipients])
    authors = tuple([_address(text) for text in head.header_from]) if head.size else None
    return Mail(head, _address(head.sender) if head.sender else None, recipients, authors, listed)


def direction_of(head: TrackHead, then: Ground, now: Ground) -> Direction:
    """Tell which way a mail would go. Raises: Gapped when that rests on what the track does not hold."""
    client, was_outbound = head.client, head.direction == "outbound"
    before, after = then.configuration, now.configuration
    if now.people.is_corporate(client):
        return "outbound"
    if (before.corporate_servers, before.submission_users) == (after.corporate_servers, after.submission_users):
        if was_outbound and now.people.is_provider(client):
            raise Gapped("direction")  # its recipients were taken before its content showed whose it was
        return "outbound" if was_outbound else "inbound"
    by_address_alone = then.people.is_corporate(client) and not _certificates(then) and not before.submission_users
    if (was_outbound and not by_address_alone) or now.people.is_provider(client):
        raise Gapped("direction")
    if head.tls_protocol and not _certificates(now) <= _certificates(then):
        raise Gapped("direction")
    return "inbound"


def dialogue(mail: Mail, then: Ground, now: Ground) -> Dialogue:
    """Hold the dialogue; those who are answered 452 come anew, in a transaction of their own. Raises: Gapped."""
    direction = direction_of(mail.head, then, now)
    candidates = now.ruleset.candidates(Transaction(direction, mail.sender, mail.head.client, mail.head.connector))
    groups: list[Group] = []
    refused: list[tuple[Address, Reply]] = []
    waiting: Sequence[Address] = [now.people.addressed(one) for one in mail.recipients]
    while waiting:
        desk = _Desk(mail, then, now, direction, candidates)
        later = []
        for address in waiting:
            reply = desk.take(address)
            if reply is not None and reply.temporary:
                later.append(address)
            elif reply is not None:
                refused.append((address, reply))
        if desk.chains:
            groups.append(Group(tuple(desk.taken), tuple(desk.chains)))
        waiting = later  # shorter than before: the first of a transaction is never put off
    return Dialogue(direction, tuple(groups), tuple(refused))


class _Desk:
    """One transaction, as `mailflow.reception` answers its recipients."""

    def __init__(self, mail: Mail, then: Ground, now: Ground, direction: Direction, candidates: Candidates) -> None:
        self.taken: list[Address] = []
        self.chains: list[Chain] = []
        self._mail, self._then, self._now = mail, then, now
        self._direction = direction
        self._candidates = candidates
        self._tenant: int | None = None

    def take(self, address: Address) -> Reply | None:
        """Take a recipient, or give the refusal. Raises: Gapped."""
        now = self._now
        owner = now.people.tenant_of_domain(address.domain)
        if self._direction == "inbound" and (refusal := self._relay_refusal(address, owner)):
            return refusal
        chain = now.ruleset.chain(self._candidates, address, owned=owner is not None)
        if chain.asks_directory and owner is not None and _existence(self._mail, address, self._then, now) == "unknown":
            chain = now.ruleset.chain(self._candidates, address, owned=True, unknown=True)
        refusal = chain.at_rcpt(self._direction)
        if refusal is None and self.chains:
            refusal = share(self.chains[0], chain, now.configuration.different_rules)
        if refusal is None:
            self.taken.append(address)
            self.chains.append(chain)
        return refusal

    def _relay_refusal(self, address: Address, owner: int | None) -> Reply | None:
        if owner is None or self._now.people.is_routed(address):
            if owner is None and self._now.people.is_provider(self._mail.head.client):
                raise Gapped("direction")  # its content would have to show whose it is
            return UNABLE_TO_RELAY
        if self._tenant is None:
            self._tenant = owner
        return TOO_MANY_RECIPIENTS if self._tenant != owner else None


def _existence(mail: Mail, address: Address, then: Ground, now: Ground) -> Known:
    """Tell whether a recipient exists, by the configuration, the data, or what was found out then. Raises: Gapped."""
    said = now.people.existence(address)
    if said in ("known", "unknown"):
        return said
    if mail.listed is not None:
        enabled = mail.listed.get(folded(address))
        if enabled is not None:
            return "known" if enabled else "unknown"
        if said == "list":
            return "unknown"
    asked = then.people.existence(address)
    if asked in ("known", "unknown"):
        raise Gapped("recipient")  # the configuration told it, and nobody else was asked
    answer = _answer_of_then(mail, address, then)
    if asked == said or (mail.listed is None and (asked, answer) in (("list", "known"), ("callout", "unknown"))):
        return answer
    raise Gapped("recipient")


def _answer_of_then(mail: Mail, address: Address, then: Ground) -> Known:
    """Tell what was found out of a recipient, from what became of the mail. Raises: Gapped."""
    head = mail.head
    if head.reply.startswith(str(UNKNOWN_RECIPIENT)) and len(mail.recipients) == 1:
        return "unknown"
    transaction = Transaction(_direction(head), mail.sender, head.client, head.connector)
    owned = then.people.tenant_of_domain(address.domain) is not None
    chain = then.ruleset.chain(then.ruleset.candidates(transaction), address, owned=owned)
    if head.rule and chain.asks_directory:
        if mail.authors is not None:
            owner = chain.own(mail.authors)
            asked = not isinstance(owner, Reply) and owner.asks_directory
        else:
            asked = chain.rules[-1].scope.header_from is None and all(rule.asks_directory for rule in chain.rules)
        if asked:
            return "known"  # otherwise it would have been refused as unknown
    raise Gapped("recipient")


def _direction(head: TrackHead) -> Direction:
    return "outbound" if head.direction == "outbound" else "inbound"


def _certificates(ground: Ground) -> set[str]:
    return {one.certificate_sha256.lower() for one in ground.configuration.corporate_servers if one.certificate_sha256}


def _address(text: str) -> Address:
    local, at, domain = text.rpartition("@")
    return Address(local, domain) if at else Address(domain, "")
