# SPDX-License-Identifier: Apache-2.0
"""Judge a mail: the rules that may own it, what their filters say, and the verdict. `gatepost check` judges with the same code."""

import time
from collections.abc import Callable, Iterable, Mapping

import msgspec

from gatepost.config.configuration import Configuration
from gatepost.contracts.authentication import Authentication
from gatepost.contracts.filter import Filter
from gatepost.contracts.judged import Direction, Judged
from gatepost.dns.resolver import Resolver
from gatepost.mailflow.examine import Examined, examine, examine_envelope
from gatepost.mailflow.identify import Identities
from gatepost.mailflow.transaction import Transaction
from gatepost.message.addresses import Address
from gatepost.message.tree import Message
from gatepost.protection.mailauth.authenticate import authenticate
from gatepost.rules import scope
from gatepost.rules.chain import Chain
from gatepost.rules.decide import Decision, decide, is_beyond_help, strictest
from gatepost.rules.default import DEFAULT_RULES
from gatepost.rules.rule import CompiledRule
from gatepost.rules.ruleset import Ruleset, compile_rules
from gatepost.smtp.envelope import Envelope
from gatepost.smtp.peer import Peer
from gatepost.smtp.replies import Reply


class Judgement(msgspec.Struct, frozen=True):
    """The verdict on one mail, and all it rests on."""

    decision: Decision
    milliseconds: Mapping[str, float]
    authentication: Authentication | None = None


class Judging:
    """The rules and filters of one configuration."""

    def __init__(
        self,
        configuration: Configuration,
        identities: Identities,
        resolver: Resolver,
        filters: Iterable[Filter],
        *,
        hostname: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.filters = {one.name: one for one in filters}
        self.ruleset: Ruleset = compile_rules(configuration.rules or DEFAULT_RULES, self.filters.values())
        self._lowest = {one.name: one.lowest_points for one in self.filters.values()}
        self._configuration = configuration
        self._identities = identities
        self._resolver = resolver
        self._hostname = hostname
        self._clock = clock

    def begin(self, peer: Peer, envelope: Envelope) -> Transaction:
        """Tell at MAIL whose transaction this is and which rules may own it."""
        tenant = self._identities.tenant_of_corporate(peer)
        direction: Direction = "inbound" if tenant is None else "outbound"
        return Transaction(direction, tenant, self._candidates(direction, peer, envelope))

    def fix_direction(self, transaction: Transaction, peer: Peer, envelope: Envelope, tenant_id: int) -> None:
        """Make a transaction outbound after all: its content has shown whose it is."""
        transaction.direction, transaction.tenant_id = "outbound", tenant_id
        transaction.candidates = self._candidates("outbound", peer, envelope)
        transaction.chains = [self.chain(transaction, recipient.address) for recipient in envelope.recipients]

    def _candidates(self, direction: Direction, peer: Peer, envelope: Envelope) -> tuple[CompiledRule, ...]:
        return self.ruleset.candidates(scope.Transaction(direction, envelope.sender, peer.address, peer.listener))

    def chain(self, transaction: Transaction, recipient: Address, *, unknown: bool = False) -> Chain:
        """Give one recipient's chain of rules."""
        owned = self._identities.is_owned(recipient.domain)
        return self.ruleset.chain(transaction.candidates, recipient, owned=owned, unknown=unknown)

    def choose(self, transaction: Transaction, message: Message) -> tuple[CompiledRule, ...] | Reply:
        """Give the rules that own the mail, one unless recipients differ and the strictest is to hold for all."""
        authors = transaction.authors = scope.authors(message, self._configuration.message)
        owners: dict[CompiledRule, None] = {}
        for chain in dict.fromkeys(transaction.chains):
            owner = chain.own(authors)
            if isinstance(owner, Reply):
                return owner
            owners[owner] = None
        return tuple(owners)

    def has_envelope_filters(self, transaction: Transaction) -> bool:
        """Tell whether the one rule that will judge has filters that need no content."""
        rule = _agreed(transaction)
        return rule is not None and any(self.filters[name].stage == "envelope" for name in rule.multipliers)

    async def judge_envelope(self, transaction: Transaction, peer: Peer, envelope: Envelope) -> Decision | None:
        """Refuse before DATA what nothing in its content could save; None to let the content come."""
        rule = _agreed(transaction)
        if rule is None:
            return None
        asked = self._asked((rule,))
        examined = await examine_envelope(Judged(peer, envelope, transaction.direction, transaction.tenant_id or 0), asked)
        transaction.findings = {finding.filter: finding for finding in examined.findings}
        transaction.milliseconds = dict(examined.milliseconds)
        if is_beyond_help(examined.findings, rule, self._lowest, trust_possible=False):
            return decide(examined.findings, rule, direction=transaction.direction)
        return None

    async def judge(
        self, transaction: Transaction, rules: tuple[CompiledRule, ...], peer: Peer, envelope: Envelope, message: Message
    ) -> Judgement:
        """Ask the filters of the rules that own the mail, and decide."""
        asked = self._asked(rules)
        if not asked:
            return Judgement(strictest(decide((), rule, direction=transaction.direction) for rule in rules), {})
        judged = Judged(peer, envelope, transaction.direction, transaction.tenant_id or 0, message)
        inbound = transaction.direction == "inbound"
        examined: Examined = await examine(judged, asked, transaction.findings, self._authenticate if inbound else None)
        findings = (*transaction.findings.values(), *examined.findings)
        decision = strictest(decide(findings, rule, direction=transaction.direction) for rule in rules)
        return Judgement(decision, {**transaction.milliseconds, **examined.milliseconds}, examined.authentication)

    def _asked(self, rules: Iterable[CompiledRule]) -> list[Filter]:
        names = dict.fromkeys(name for rule in rules for name in rule.multipliers)
        return [self.filters[name] for name in names]

    async def _authenticate(self, judged: Judged) -> Authentication:
        assert judged.message is not None
        return await authenticate(
            self._resolver,
            peer=judged.peer,
            envelope=judged.envelope,
            message=judged.message,
            hostname=self._hostname,
            now=self._clock(),
        )


def _agreed(transaction: Transaction) -> CompiledRule | None:
    """Give the rule that judges for all recipients whatever the content says; None when there is none yet."""
    first = transaction.chains[0]
    return first.agreed if all(chain.key == first.key for chain in transaction.chains) else None
