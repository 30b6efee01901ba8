# SPDX-License-Identifier: Apache-2.0
"""Make one version of the configuration ready for `receive`: the house that a mail from MAIL FROM to its end belongs to.

A snapshot never changes. A newer one is put beside it; who has begun with the older one keeps it, and it goes with the last of them.
"""

from typing import NamedTuple

from gatepost.config.configuration import Configuration
from gatepost.delivery.handover.client import Committing
from gatepost.dns.resolver import Resolver
from gatepost.mailflow.directory import Directory
from gatepost.mailflow.identify import Identities
from gatepost.mailflow.login import Logins
from gatepost.mailflow.receiving import Receiving, TellRefused
from gatepost.mailflow.reception import ReceptionDesk
from gatepost.mailflow.reporting import Reporting
from gatepost.roles.judgement import make_judging
from gatepost.roles.resolution import make_resolver
from gatepost.storage.blobs import BlobStore


class Snapshot(NamedTuple):
    """One version, ready."""

    version: int
    configuration: Configuration
    resolver: Resolver
    house: Receiving
    desk: ReceptionDesk


class Workshop(NamedTuple):
    """What all snapshots of a process share."""

    hostname: str
    handover: Committing
    blobs: BlobStore
    tell_refused: TellRefused | None = None
    """Where refused mail is told of."""

    def make(self, configuration: Configuration, version: int, before: Snapshot | None = None) -> Snapshot:
        """Make a snapshot; what the DNS has answered is kept while the same servers are asked. Raises ConfigError."""
        same_dns = before is not None and before.configuration.dns == configuration.dns
        resolver = before.resolver if before is not None and same_dns else make_resolver(configuration)
        identities = Identities(configuration)
        house = Receiving(
            configuration,
            identities=identities,
            judging=make_judging(configuration, identities, resolver, self.hostname),
            reporting=Reporting(configuration.delivery, identities, self.hostname, self.blobs.beginning, configuration_version=version),
            hostname=self.hostname,
            handover=self.handover,
            blobs=self.blobs,
            tell_refused=self.tell_refused,
            configuration_version=version,
        )
        desk = ReceptionDesk(house, Logins(configuration), Directory(configuration, self.handover))
        return Snapshot(version, configuration, resolver, house, desk)
