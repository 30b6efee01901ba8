# SPDX-License-Identifier: Apache-2.0
"""What one configuration judges mails by, as far as a replay needs it."""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, Protocol

from gatepost.config.configuration import Configuration
from gatepost.contracts.filter import Stage
from gatepost.message.addresses import Address
from gatepost.rules.ruleset import Ruleset

Known = Literal["known", "unknown"]
Question = Literal["list", "callout"]
"""Who alone knows whether a recipient exists: the corporate users in the data; these and the next hop."""
Listed = Mapping[str, bool]
"""Corporate users in the data by address, as `folded` gives it, and whether each is enabled; those of a mail at least."""


class People(Protocol):
    """Who is whose by one configuration, as the gateway sees it (`mailflow.identify`, `mailflow.directory`)."""

    def tenant_of_domain(self, domain: str) -> int | None:
        """Tell which tenant owns a domain."""

    def addressed(self, address: Address) -> Address:
        """Give `postmaster` without a domain the first owned one."""

    def is_routed(self, address: Address) -> bool:
        """Tell whether the local part names another route."""

    def is_corporate(self, client: str) -> bool:
        """Tell whether a client's address alone shows that it is one of ours."""

    def is_provider(self, client: str) -> bool:
        """Tell whether a client is a provider's that sends for many customers."""

    def existence(self, address: Address) -> Known | Question:
        """Tell whether a recipient of an owned domain exists, or who would have to be asked."""


class Ground(NamedTuple):
    """One configuration, made ready."""

    configuration: Configuration
    ruleset: Ruleset
    people: People
    stages: Mapping[str, Stage] = {}
    """By filter; only of the configuration that is tried."""
    lowest: Mapping[str, float] = {}
    """The least raw points that each filter gives; only of the configuration that is tried."""


def folded(address: Address) -> str:
    """Give an address as corporate users are known by."""
    return f"{address.local.casefold()}@{address.domain}"


_RestsOn = Callable[[Configuration], object]
RESTS_ON: Mapping[str, _RestsOn] = {
    "words": lambda one: one.filters.word_groups,
    "character_sets": lambda one: one.filters.character_sets,
    "realtime_blocklists": lambda one: (one.filters.realtime_blocklists, one.dns),
    "reputation": lambda one: (one.filters.reputation, one.dns, {domain.name for domain in one.owned_domains}),
}
"""The settings that a filter's raw points rest on."""


def judges_alike(name: str, then: Configuration, now: Configuration) -> bool:
    """Tell whether a filter gives the same mail the same raw points by both configurations; one that is not listed rests on all."""
    if then is now:
        return True
    rests_on: _RestsOn | None = RESTS_ON.get(name)
    if rests_on is None:
        return (then.filters, then.dns, then.owned_domains) == (now.filters, now.dns, now.owned_domains)
    return bool(rests_on(then) == rests_on(now))
