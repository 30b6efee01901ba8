# SPDX-License-Identifier: Apache-2.0
"""Rules in words: what a rule's scope is, what it asks, and the filters there are."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from gatepost.contracts.judged import Direction
from gatepost.web.frame.words import Words, _

_SHOWN: Final = 3
"""Values of a scope that a list of rules shows."""

NAMES: Final[Mapping[str, str]] = {
    "realtime_blocklists": _("Realtime blocklists"),
    "reputation": _("Reputation filter"),
    "words": _("Word matching"),
    "character_sets": _("Allowed Unicode character sets"),
}
"""What people call each filter."""
_BESIDE: Final = {"level_of_trust": _("Level of Trust")}
"""What gives points and is no filter."""

_SCOPES: Final[Mapping[str, str]] = {
    "mail_from": _("Sender: {values}"),
    "header_from": _("Author: {values}"),
    "recipients": _("Recipient: {values}"),
    "clients": _("Client: {values}"),
    "listeners": _("Receive connector: {values}"),
}
_SCOPE_OF_RECIPIENTS: Final = {"owned_domains": _("To owned domains"), "corporate_addresses": _("To corporate email addresses")}


class Known(NamedTuple):
    """A filter that rules may ask."""

    name: str
    directions: tuple[Direction, ...]
    """Where it has a function."""

    def fits(self, direction: str) -> bool:
        """Tell whether a rule of this direction may ask it."""
        return direction in self.directions or (direction == "any" and len(self.directions) > 1)

    @property
    def wanted(self) -> str:
        """Name the directions of rules that may ask it, for a page's script."""
        return " ".join(one for one in ("inbound", "outbound", "any") if self.fits(one))


@cache
def filters() -> tuple[Known, ...]:
    """Give every filter, in the order in which they judge; they are loaded where somebody looks at a rule."""
    from gatepost.filters.character_sets import CharacterSets
    from gatepost.filters.realtime_blocklists import RealtimeBlocklists
    from gatepost.filters.reputation import Reputation
    from gatepost.filters.words import Words as WordMatching

    return tuple(Known(one.name, one.directions) for one in (RealtimeBlocklists, Reputation, WordMatching, CharacterSets))


def scopes(rule: Mapping[str, Any], words: Words) -> list[str]:
    """Say which mails a rule may own; of a rule for all, that."""
    said = [words(sentence, values=_listed(rule[field], words)) for field, sentence in _SCOPES.items() if rule[field]]
    if whom := _SCOPE_OF_RECIPIENTS.get(rule["recipient_scope"]):
        said.append(words(whom))
    return said or [words("All mails")]


def asked(rule: Mapping[str, Any], words: Words) -> str:
    """Say which filters a rule asks."""
    return ", ".join(f"{called(use['name'], words)} × {use['multiplier']}" for use in rule["filters"])


def called(name: str, words: Words) -> str:
    """Give what people call a filter, or what else gives points; one that is not known here keeps its name."""
    return words(NAMES.get(name) or _BESIDE.get(name, name))


def _listed(values: Sequence[str], words: Words) -> str:
    first = ", ".join(values[:_SHOWN])
    return first if len(values) <= _SHOWN else words("{first} and {n} more", first=first, n=len(values) - _SHOWN)
