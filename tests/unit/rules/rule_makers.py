# SPDX-License-Identifier: Apache-2.0
"""Rules, transactions and findings in few words, for the tests of the rules."""

from typing import NamedTuple

from gatepost.config.rules import FilterUse, Rule
from gatepost.contracts.filter import Finding
from gatepost.message.addresses import Address
from gatepost.rules.rule import CompiledRule
from gatepost.rules.ruleset import compile_rules
from gatepost.rules.scope import Transaction


class Known(NamedTuple):
    """A filter as far as rules know it."""

    name: str
    directions: tuple = ("inbound", "outbound")


KNOWN = [Known(name) for name in ("core", "words", "realtime_blocklists", "uri_blocklists", "reputation")]
KNOWN.append(Known("character_sets", ("inbound",)))


def address(text):
    """Make an address of `local@domain`."""
    local, _, domain = text.rpartition("@")
    return Address(local, domain)


def rule(name, filters="words", **keys):
    """Make a rule; filters as in `words reputation*2`."""
    uses = []
    for use in filters.split() if keys.get("mode", "check") == "check" else ():
        one, _, multiplier = use.partition("*")
        uses.append(FilterUse(name=one, multiplier=int(multiplier or 1)))
    return Rule(name=name, filters=tuple(uses), **keys)


def compiled(filters="words", **keys):
    """Make one rule ready."""
    return CompiledRule(rule("r", filters, **keys))


def ruleset(*rules):
    """Make rules ready, checked."""
    return compile_rules(rules, KNOWN)


def transaction(sender="a@partner.example", direction="inbound", client="192.0.2.1", listener="0.0.0.0:25"):
    """Make what is known at MAIL; the sender "" is null."""
    return Transaction(direction, address(sender) if sender else None, client, listener)


def chain(rules, recipient="user@example.com", unknown=False, **keys):
    """Give a recipient's chain; example.com is owned."""
    candidates = rules.candidates(transaction(**keys))
    to = address(recipient)
    return rules.chain(candidates, to, owned=to.domain == "example.com", unknown=unknown)


def findings(**points):
    """Make findings of names and raw points."""
    return [Finding(name, float(raw)) for name, raw in points.items()]
