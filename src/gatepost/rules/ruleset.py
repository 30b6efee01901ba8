# SPDX-License-Identifier: Apache-2.0
"""All rules of one configuration, compiled: at MAIL they give candidates, at each RCPT a chain.

Promises: `compile_rules` refuses what cannot work, with its place and the mend; afterwards nothing here raises.
The first match decides, never the more special rule.
"""

from collections.abc import Collection, Sequence

from gatepost.config.rules import Rule
from gatepost.message.addresses import Address
from gatepost.rules.chain import Chain
from gatepost.rules.faults import KnownFilter, rule_faults
from gatepost.rules.rule import CompiledRule
from gatepost.rules.scope import Transaction

_CHAINS_REMEMBERED = 10_000

Candidates = tuple[CompiledRule, ...]
"""The rules that may own a mail of one transaction, in order."""


class Ruleset:
    """The enabled rules, in order."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.all = tuple(rules)
        """Every rule, the disabled ones too."""
        self.rules = tuple(CompiledRule(rule) for rule in rules if rule.enabled)
        self._chains: dict[Candidates, tuple[Chain, Chain]] = {}

    def candidates(self, transaction: Transaction) -> Candidates:
        """Give the rules that may own a mail of this transaction; asked once, at MAIL."""
        return tuple(rule for rule in self.rules if rule.scope.fits_transaction(transaction))

    def chain(self, candidates: Candidates, recipient: Address, *, owned: bool, unknown: bool = False) -> Chain:
        """Give a recipient's chain: `owned` tells of its domain; ask whether it is unknown only if the chain `asks_directory`."""
        fitting = []
        for rule in candidates:
            if rule.scope.fits_recipient(recipient, owned=owned):
                fitting.append(rule)
                if rule.scope.header_from is None:
                    break
        rules = tuple(fitting)
        chains = self._chains.get(rules)
        if chains is None:
            if len(self._chains) >= _CHAINS_REMEMBERED:
                self._chains.clear()
            chains = self._chains[rules] = (Chain(rules), Chain(rules, unknown=True))
        return chains[unknown]


def compile_rules(
    rules: Sequence[Rule], known: Collection[KnownFilter], source: str = "rules", listeners: Collection[str] | None = None
) -> Ruleset:
    """Make a configuration's rules ready; raises ConfigError for the first that cannot work."""
    for fault in rule_faults(rules, known, source, listeners):
        raise fault
    return Ruleset(rules)
