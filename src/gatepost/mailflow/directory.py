# SPDX-License-Identifier: Apache-2.0
"""Who exists: the corporate users of the configuration, then those of the data, then whom the inbound next hop knows.

The process that owns the store has the data's users, and answers for both: at once where nobody needs to be asked.
"""

from collections.abc import Awaitable
from typing import Literal, Protocol

from gatepost.config.configuration import Configuration
from gatepost.message.addresses import Address
from gatepost.message.domains import a_label

Existence = Literal["known", "unknown", "no_answer"]


class Verifier(Protocol):
    """Asks the store's process whether a recipient exists, and remembers what it said."""

    def recalled(self, tenant_id: int, address: Address) -> Existence | None:
        """Give what is remembered; None when it has to be asked for."""

    def recipient_known(self, tenant_id: int, address: Address) -> Awaitable[Existence]:
        """Ask whether a recipient is a corporate user, or the next hop knows him."""

    def listed(self, tenant_id: int, address: Address) -> Existence | Awaitable[Existence]:
        """Ask whether a recipient is a corporate user, whatever the next hop says."""


class Directory:
    """Who exists by one configuration, and by the data."""

    def __init__(self, configuration: Configuration, verifier: Verifier) -> None:
        self._verifier = verifier
        self._users = {_folded(user) for user in configuration.corporate_users}
        self._exact = {one.name: one.recipients for one in configuration.owned_domains if not one.name.startswith("*.")}
        self._below = {one.name[2:]: one.recipients for one in configuration.owned_domains if one.name.startswith("*.")}

    def existence(self, tenant_id: int, address: Address) -> Existence | Awaitable[Existence]:
        """Tell whether a recipient of an owned domain exists, at once where that is known."""
        if f"{address.local.casefold()}@{address.domain}" in self._users or address.local.casefold() == "postmaster":
            return "known"
        match self._check_of(address.domain):
            case "any":
                return "known"
            case "list":
                return self._verifier.listed(tenant_id, address)
            case _:
                recalled = self._verifier.recalled(tenant_id, address)
                return recalled or self._verifier.recipient_known(tenant_id, address)

    def _check_of(self, domain: str) -> str:
        found = self._exact.get(domain)
        while found is None and domain:
            _, _, domain = domain.partition(".")
            found = self._below.get(domain)
        return found or "callout"


def _folded(user: str) -> str:
    local, _, domain = user.rpartition("@")
    return f"{local.casefold()}@{a_label(domain) or domain.lower()}"
