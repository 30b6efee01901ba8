# SPDX-License-Identifier: Apache-2.0
"""Who writes to whom: is this client ours, is this recipient ours, whose mail is it.

The rule that makes Gatepost no open relay stands here alone: mail for a domain that is not owned is
taken only from a corporate mail server (its address, its client certificate) or an authenticated user.
"""

import ipaddress
from typing import NamedTuple

from gatepost.config.configuration import Configuration, CorporateServer
from gatepost.message.addresses import Address
from gatepost.message.tree import Message
from gatepost.smtp.peer import Peer

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_ROUTING_CHARACTERS = frozenset("%!@")
_CLIENTS_REMEMBERED = 10_000


class _Provider(NamedTuple):
    """A provider's range, and the header field that it puts on one customer's mail."""

    networks: tuple[Network, ...]
    header: str
    value: str
    tenant: int

    @classmethod
    def of(cls, server: CorporateServer) -> "_Provider":
        header, _, value = server.provider_header.partition(":")
        networks = tuple(ipaddress.ip_network(network) for network in server.provider_networks)
        return cls(networks, header.strip().lower(), value.strip().casefold(), server.tenant)

    def sends_from(self, address: str) -> bool:
        client = ipaddress.ip_address(address)
        return any(client in network for network in self.networks)

    def marks(self, message: Message) -> bool:
        """Whether the mail has the field exactly once, with this value: a second one would be the sender's own."""
        found = message.headers.all(self.header)
        return len(found) == 1 and found[0].text.strip().casefold() == self.value


class Identities:
    """Owned domains and corporate servers of one configuration, ready to be asked per mail."""

    def __init__(self, configuration: Configuration) -> None:
        self._owned: dict[str, int] = {}
        self._owned_below: dict[str, int] = {}
        for domain in configuration.owned_domains:
            if domain.name.startswith("*."):
                self._owned_below[domain.name[2:]] = domain.tenant
            else:
                self._owned[domain.name] = domain.tenant
        self._networks: list[tuple[Network, CorporateServer]] = [
            (ipaddress.ip_network(network), server) for server in configuration.corporate_servers for network in server.networks
        ]
        self._certificates = {
            server.certificate_sha256.lower(): server for server in configuration.corporate_servers if server.certificate_sha256
        }
        self._of_client: dict[str, int | None] = {}
        self._providers = [_Provider.of(server) for server in configuration.corporate_servers if server.provider_header]
        self.first_owned = next(iter(self._owned), "")

    def tenant_of_domain(self, domain: str) -> int | None:
        """Tell which tenant owns a domain; None when nobody here does."""
        tenant = self._owned.get(domain)
        if tenant is None and self._owned_below:
            _, _, parent = domain.partition(".")
            while parent and tenant is None:
                tenant = self._owned_below.get(parent)
                _, _, parent = parent.partition(".")
        return tenant

    def is_owned(self, domain: str) -> bool:
        """Tell whether anybody here owns a domain."""
        return self.tenant_of_domain(domain) is not None

    def tenant_of_recipient(self, address: Address) -> int | None:
        """Tell whose recipient this is; `<postmaster>` without a domain is the first owned domain's (RFC 5321 §4.5.1)."""
        return self.tenant_of_domain(address.domain or self.first_owned)

    def tenant_of_corporate(self, peer: Peer) -> int | None:
        """Tell for which tenant the client may send to the world; None when it may not."""
        if peer.tenant_id is not None:
            return peer.tenant_id
        if peer.certificate_sha256 and (server := self._certificates.get(peer.certificate_sha256)):
            return server.tenant
        if not self._networks:
            return None
        if peer.address not in self._of_client:
            if len(self._of_client) >= _CLIENTS_REMEMBERED:
                self._of_client.clear()
            self._of_client[peer.address] = self._by_network(peer.address)
        return self._of_client[peer.address]

    def is_provider(self, peer: Peer) -> bool:
        """Tell whether the client is a provider's that sends for many customers, ours perhaps among them."""
        return bool(self._providers) and any(provider.sends_from(peer.address) for provider in self._providers)

    def tenant_of_provider(self, peer: Peer, message: Message) -> int | None:
        """Tell by the provider's header for which tenant a mail from its range was sent; None when it is another customer's."""
        for provider in self._providers:
            if provider.sends_from(peer.address) and provider.marks(message):
                return provider.tenant
        return None

    def _by_network(self, address: str) -> int | None:
        client = ipaddress.ip_address(address)
        mapped = getattr(client, "ipv4_mapped", None)
        client = mapped or client
        return next((server.tenant for network, server in self._networks if client in network), None)


def is_routed(address: Address) -> bool:
    """Tell whether a local part asks a server behind us to send the mail on (`user%elsewhere`, `elsewhere!user`)."""
    return not _ROUTING_CHARACTERS.isdisjoint(address.local)
