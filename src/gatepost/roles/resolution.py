# SPDX-License-Identifier: Apache-2.0
"""Make what answers a process's questions about names."""

from pathlib import Path

from gatepost.config.configuration import Configuration
from gatepost.dns.cache import CachingResolver
from gatepost.dns.network import NetworkResolver
from gatepost.dns.resolver import Resolver
from gatepost.dns.twin import Twin


def make_resolver(configuration: Configuration) -> Resolver:
    """Give the machine's name servers, or those of the configuration, behind a cache; or a zone file alone."""
    settings = configuration.dns
    if settings.zone_file:
        return Twin.from_file(Path(settings.zone_file))
    return CachingResolver(NetworkResolver(settings.servers))
