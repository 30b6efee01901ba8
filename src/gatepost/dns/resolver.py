# SPDX-License-Identifier: Apache-2.0
"""The questions that this house asks the DNS, whoever answers: the network, a cache before it, or a zone file."""

from typing import Protocol

from gatepost.dns.answers import Answer, MxRecord


class Resolver(Protocol):
    """Answers within a bounded time; never raises for what a name server, or its absence, can cause.

    Names are A-labels without a last dot. Aliases (CNAME) are followed by the resolver.
    """

    async def mx(self, domain: str) -> Answer[MxRecord]:
        """Give the mail exchangers of a domain as they stand, in no order."""

    async def addresses(self, host: str) -> Answer[str]:
        """Give the IPv6 and IPv4 addresses of a host, one of each family in turn, IPv6 first."""

    async def a(self, name: str) -> Answer[str]:
        """Give the IPv4 addresses of a name."""

    async def aaaa(self, name: str) -> Answer[str]:
        """Give the IPv6 addresses of a name."""

    async def txt(self, name: str) -> Answer[bytes]:
        """Give the TXT records of a name, each with its strings joined without a space (RFC 7208 §3.3)."""

    async def names(self, address: str) -> Answer[str]:
        """Give the names that an IP address has by PTR records, in lower case without the last dot."""


def interleaved(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """Mix two families' addresses one by one, so that a family which cannot be reached costs one try, not all."""
    mixed = [address for pair in zip(first, second, strict=False) for address in pair]
    shorter = min(len(first), len(second))
    return (*mixed, *first[shorter:], *second[shorter:])
