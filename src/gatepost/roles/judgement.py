# SPDX-License-Identifier: Apache-2.0
"""Put together what judges a mail: the filters with their settings, the rules."""

from collections.abc import Iterator
from typing import NamedTuple

from gatepost.config.configuration import Configuration
from gatepost.config.configuration_checks import configuration_faults
from gatepost.contracts.filter import Filter
from gatepost.contracts.judged import Direction
from gatepost.dns.resolver import Resolver
from gatepost.errors import ConfigError
from gatepost.filters.character_sets import CharacterSets, character_set_faults
from gatepost.filters.realtime_blocklists import RealtimeBlocklists, realtime_blocklist_faults
from gatepost.filters.reputation import Reputation
from gatepost.filters.word_patterns import word_group_faults
from gatepost.filters.words import Words
from gatepost.mailflow.identify import Identities
from gatepost.mailflow.judging import Judging
from gatepost.rules.faults import rule_faults

_SOURCE = "configuration"


class _Kind(NamedTuple):
    """A filter as rules know it, before it has its settings."""

    name: str
    directions: tuple[Direction, ...]


_KINDS = tuple(_Kind(one.name, one.directions) for one in (RealtimeBlocklists, Reputation, Words, CharacterSets))


def _filter_faults(configuration: Configuration, source: str) -> Iterator[ConfigError]:
    settings = configuration.filters
    yield from realtime_blocklist_faults(settings.realtime_blocklists, f"{source}: filters.realtime_blocklists")
    yield from word_group_faults(settings.word_groups, source)
    yield from character_set_faults(settings.character_sets, source)


def make_filters(configuration: Configuration, identities: Identities, resolver: Resolver) -> tuple[Filter, ...]:
    """Make every filter; raises ConfigError for settings that cannot work."""
    settings = configuration.filters
    for fault in _filter_faults(configuration, _SOURCE):
        raise fault
    return (
        RealtimeBlocklists(settings.realtime_blocklists, resolver),
        Reputation(settings.reputation, resolver, identities.is_owned),
        Words(settings.word_groups),
        CharacterSets(settings.character_sets),
    )


def make_judging(configuration: Configuration, identities: Identities, resolver: Resolver, hostname: str) -> Judging:
    """Make rules and filters ready; raises ConfigError for what cannot work, with its place and the mend."""
    filters = make_filters(configuration, identities, resolver)
    return Judging(configuration, identities, resolver, filters, hostname=hostname)


def configuration_refusals(configuration: Configuration, source: str) -> Iterator[ConfigError]:
    """Yield all that a start and an apply would refuse."""
    yield from configuration_faults(configuration, source)
    yield from _filter_faults(configuration, source)
    yield from rule_faults(configuration.rules, _KINDS, source)
