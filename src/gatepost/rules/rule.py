# SPDX-License-Identifier: Apache-2.0
"""A rule made ready: its scope compiled, and what of it can refuse as one value that can be compared."""

from gatepost.config.rules import Mode, Rule
from gatepost.rules.scope import Scope

Refusing = tuple[object, ...]
"""All of a rule that can refuse; two rules with equal ones give any mail the same verdict."""


class CompiledRule:
    """One enabled rule of a ruleset; it is compared by identity."""

    __slots__ = ("mode", "multipliers", "name", "refusing", "rule", "scope", "threshold")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.name = rule.name
        self.mode: Mode = rule.mode
        self.threshold = rule.threshold
        self.scope = Scope(rule)
        self.multipliers = {use.name: use.multiplier for use in rule.filters} if rule.mode == "check" else {}
        """The filters to ask, in the rule's order, and what their points are multiplied by."""
        self.refusing = _refusing(rule, self.multipliers)

    @property
    def asks_directory(self) -> bool:
        """Whether an unknown recipient is refused by this rule."""
        return self.scope.recipient_scope == "corporate_addresses"

    def __repr__(self) -> str:
        return f"<rule {self.name!r}>"


def _refusing(rule: Rule, multipliers: dict[str, int]) -> Refusing:
    weights = tuple(sorted((name, multiplier) for name, multiplier in multipliers.items() if multiplier))
    threshold = rule.threshold if rule.mode == "check" else None
    # How a rejection is answered belongs here: one transaction has one answer.
    return rule.mode, rule.rejection, threshold, weights
