# SPDX-License-Identifier: Apache-2.0
"""Put together what judges a mail: the filters with their settings, the rules."""

from collections.abc import Iterator

from gatepost.config.configuration import Configuration
from gatepost.config.configuration_checks import configuration_faults
from gatepost.contracts.filter import Filter
from gatepost.dns.resolver import Resolver
from gatepost.dns.twin import Twin
from gatepost.errors import ConfigError
from gatepost.filters.character_sets import CharacterSets, character_set_faults
from gatepost.filters.realtime_blocklists import RealtimeBlocklists, realtime_blocklist_faults
from gatepost.filters.reputation import Reputation
from gatepost.filters.word_patterns import word_group_faults
from gatepost.filters.words import Words
from gatepost.mailflow.identify import Identities
from gatepost.mailflow.judging import Judging

_SOURCE = "configuration"


def make_filters(configuration: Configuration, identities: Identities, resolver: Resolver) -> tuple[Filter, ...]:
    """Make every filter; raises ConfigError for settings that cannot work."""
    settings = configuration.filters
    for fault in (
        *realtime_blocklist_faults(settings.realtime_blocklists, f"{_SOURCE}: filters.realtime_blocklists"),
        *word_group_faults(settings.word_groups, _SOURCE),
        *character_set_faults(settings.character_sets, _SOURCE),
    ):
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


def check_judgement(configuration: Configuration) -> None:
    """Raise ConfigError when rules or filters cannot work."""
    make_judging(configuration, Identities(configuration), Twin(""), "gateway.invalid")


def configuration_refusals(configuration: Configuration, source: str) -> Iterator[ConfigError]:
    """Yield all that a start and an apply would refuse; rules and filters are tried once the rest is right, and tell their first fault."""
    faults = list(configuration_faults(configuration, source))
    yield from faults
    if not faults:
        try:
            check_judgement(configuration)
        except ConfigError as fault:
            yield ConfigError(_place(fault.path, source), fault.cause, fault.mend)


def _place(path: str, source: str) -> str:
    """Name the file or version in a fault's place, where the room that found it knows only the settings."""
    return path.replace(f"{_SOURCE}: ", f"{source}: ", 1) if path.startswith(f"{_SOURCE}: ") else path
