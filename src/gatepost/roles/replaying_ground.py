# SPDX-License-Identifier: Apache-2.0
"""Make a configuration ready for a replay, out of the rooms that the gateway judges with."""

from gatepost.config.configuration import Configuration
from gatepost.dns.twin import Twin
from gatepost.mailflow.directory import Directory, Existence
from gatepost.mailflow.identify import Identities, is_routed
from gatepost.message.addresses import Address
from gatepost.rules.default import DEFAULT_RULES
from gatepost.rules.replay_ground import Ground, Known, Question
from gatepost.rules.ruleset import Ruleset
from gatepost.smtp.peer import Peer


def ground(configuration: Configuration) -> Ground:
    """Make a configuration ready that mails were judged by."""
    return Ground(configuration, Ruleset(configuration.rules or DEFAULT_RULES), _People(configuration))


def tried_ground(configuration: Configuration) -> Ground:
    """Make a configuration ready that is to be tried, with what its filters can give."""
    from gatepost.roles.judgement import make_filters  # loaded only where somebody tries a configuration

    filters = make_filters(configuration, Identities(configuration), Twin(""))
    stages, lowest = {one.name: one.stage for one in filters}, {one.name: one.lowest_points for one in filters}
    return ground(configuration)._replace(stages=stages, lowest=lowest)


class _People:
    """Who is whose by one configuration: keeps `rules.replay_ground.People`."""

    def __init__(self, configuration: Configuration) -> None:
        self._identities = Identities(configuration)
        self._asked = _Asked()
        self._directory = Directory(configuration, self._asked)
        self.tenant_of_domain = self._identities.tenant_of_domain
        self.is_routed = is_routed

    def addressed(self, address: Address) -> Address:
        return address if address.domain else Address(address.local, self._identities.first_owned)

    def is_corporate(self, client: str) -> bool:
        return self._identities.tenant_of_corporate(Peer(client, 0, "")) is not None

    def is_provider(self, client: str) -> bool:
        return self._identities.is_provider(Peer(client, 0, ""))

    def existence(self, address: Address) -> Known | Question:
        found = self._directory.existence(0, address)
        return found if found in ("known", "unknown") else self._asked.question


class _Asked:
    """Stands for the data and the next hops, which are not asked: keeps which of them would have been."""

    def __init__(self) -> None:
        self.question: Question = "callout"

    def listed(self, tenant_id: int, address: Address) -> Existence:
        self.question = "list"
        return "no_answer"

    def recalled(self, tenant_id: int, address: Address) -> Existence:
        self.question = "callout"
        return "no_answer"

    async def recipient_known(self, tenant_id: int, address: Address) -> Existence:
        return self.recalled(tenant_id, address)
