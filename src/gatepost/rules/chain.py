# SPDX-License-Identifier: Apache-2.0
"""The rules that may come to own one recipient's mail: those whose envelope scopes match, up to the first without a header scope.

Which of them owns it is known once From has been read. Until then, recipients may share a transaction when their
chains agree in all that can refuse, whatever From will say: one transaction has one verdict.
"""

from gatepost.config.rules import DifferentRules
from gatepost.contracts.judged import Direction
from gatepost.rules.refusals import POLICY, UNKNOWN_RECIPIENT, fate
from gatepost.rules.rule import CompiledRule
from gatepost.rules.scope import Authors
from gatepost.smtp.replies import TOO_MANY_RECIPIENTS, Reply

Link = tuple[object, ...]


class Chain:
    """One recipient's rules, in order; recipients with the same rules share one chain."""

    __slots__ = ("asks_directory", "key", "rules", "unknown")

    def __init__(self, rules: tuple[CompiledRule, ...], *, unknown: bool = False) -> None:
        self.rules = rules
        self.unknown = unknown
        """Whether the recipient is no corporate address."""
        self.asks_directory = any(rule.asks_directory for rule in rules)
        """Whether it matters if the recipient is a corporate address; otherwise nobody need be asked."""
        self.key = _key(rules, unknown)
        """Equal for chains that agree in all that can refuse."""

    @property
    def agreed(self) -> CompiledRule | None:
        """A rule that judges as every rule of the chain does, so that it can judge before DATA; None when it depends on From."""
        return self.rules[-1] if len(self.key) == 1 and self.rules[-1].scope.header_from is None else None

    def at_rcpt(self, direction: Direction) -> Reply | None:
        """Give the refusal that RCPT can be answered with already, or None to take the recipient."""
        if not self.rules:
            return POLICY
        if self.rules[-1].scope.header_from is not None:
            return None
        if self.unknown and all(rule.asks_directory for rule in self.rules):
            return UNKNOWN_RECIPIENT
        if all(rule.mode == "reject" and fate(rule.rule.rejection, direction).outcome == "refuse" for rule in self.rules):
            return POLICY
        return None

    def own(self, authors: Authors) -> CompiledRule | Reply:
        """Give the rule that owns the mail, or the refusal when none does or the owner does not know the recipient."""
        for rule in self.rules:
            if rule.scope.fits_authors(authors):
                return UNKNOWN_RECIPIENT if self.unknown and rule.asks_directory else rule
        return POLICY


def share(first: Chain, other: Chain, setting: DifferentRules) -> Reply | None:
    """Give the answer to RCPT when a recipient cannot join the transaction that another began (RFC 5321 §4.5.3.1.10)."""
    return None if setting == "strictest" or first.key == other.key else TOO_MANY_RECIPIENTS


def _key(rules: tuple[CompiledRule, ...], unknown: bool) -> tuple[Link, ...]:
    links: list[Link] = []
    for rule in reversed(rules):
        patterns = rule.scope.header_from
        written = None if patterns is None else frozenset(map(str.lower, patterns.written))
        judged = (rule.refusing, unknown and rule.asks_directory)
        # A rule that judges as the one that would follow it changes nothing, whoever the author is.
        if links and links[-1][0] is None and links[-1][1] == judged:
            continue
        links.append((written, judged))
    return tuple(reversed(links))
