# SPDX-License-Identifier: Apache-2.0
"""Tell which rule would own a mail, and why the rules above it do not."""

from typing import NamedTuple

from gatepost.contracts.sentence import RULES, SEPARATOR, Sentence
from gatepost.message.addresses import Address
from gatepost.rules.rule import CompiledRule
from gatepost.rules.ruleset import Ruleset
from gatepost.rules.scope import Authors, Transaction

_DISABLED = Sentence(RULES, "it is disabled")
_REFUSES = Sentence(RULES, "it refuses {recipient}, who is no corporate address")
_MATCHES = Sentence(RULES, "its scopes match")
_MATCHES_FROM = Sentence(RULES, "its scopes match, From too")
_DEPENDS = Sentence(RULES, "it owns mail whose From is {entries}, and From was not given")


class Explained(NamedTuple):
    """One rule that was looked at; `matches` is None where it depends on a From that was not given."""

    rule: str
    matches: bool | None
    why: str


def explain(
    ruleset: Ruleset, transaction: Transaction, recipient: Address, *, owned: bool, unknown: bool = False, authors: Authors | None = None
) -> list[Explained]:
    """Explain each rule from the top down to the one that owns the mail; the last says True unless no rule does.

    `authors` are the addresses in From, None when they are not given: a rule with a header scope may then own the mail.
    """
    ready = iter(ruleset.rules)
    told: list[Explained] = []
    for rule in ruleset.all:
        if not rule.enabled:
            told.append(Explained(rule.name, False, _DISABLED.text))
            continue
        compiled = next(ready)
        one = _explained(compiled, transaction, recipient, owned, authors)
        if one.matches is not False and unknown and compiled.asks_directory:
            one = one._replace(why=one.why + SEPARATOR + _REFUSES.say(recipient=recipient))
        told.append(one)
        if one.matches:
            break
    return told


def owner(explained: list[Explained]) -> str:
    """Name the rule that owns the mail, '' when none does and it is refused by policy."""
    return explained[-1].rule if explained and explained[-1].matches else ""


def _explained(rule: CompiledRule, transaction: Transaction, recipient: Address, owned: bool, authors: Authors | None) -> Explained:
    scope = rule.scope
    misfit = scope.misfit_transaction(transaction) or scope.misfit_recipient(recipient, owned=owned)
    if misfit:
        return Explained(rule.name, False, misfit)
    if scope.header_from is None:
        return Explained(rule.name, True, _MATCHES.text)
    if authors is None:
        return Explained(rule.name, None, _DEPENDS.say(entries=", ".join(scope.header_from.written)))
    misfit = scope.misfit_authors(authors)
    return Explained(rule.name, not misfit, misfit or _MATCHES_FROM.text)
