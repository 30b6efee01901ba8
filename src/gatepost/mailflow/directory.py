# SPDX-License-Identifier: Apache-2.0
"""Who exists: the corporate users entered by hand, and for the others the answer of the inbound next hop."""

from collections.abc import Awaitable
from typing import Literal, Protocol

from gatepost.config.configuration import Configuration
from gatepost.message.addresses import Address
from gatepost.message.domains import a_label

Existence = Literal["known", "unknown", "no_answer"]


class Verifier(Protocol):
    """Asks the next hop whether a recipient exists, and remembers what it said."""

    def recalled(self, tenant_id: int, address: Address) -> Existence | None:
        """Give what is remembered; None when the next hop has to be asked."""

    def recipient_known(self, tenant_id: int, address: Address) -> Awaitable[Existence]:
        """Ask the next hop, once for all who want to know."""


class Directory:
    """The corporate users of one configuration."""

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
                return "unknown"
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
