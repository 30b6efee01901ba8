# SPDX-License-Identifier: Apache-2.0
"""The names that the client's address has and that lead back to it (RFC 7208 §5.5), looked up at most once a check."""

from gatepost.dns.resolver import Resolver
from gatepost.protection.mailauth.spf.budget import NAMES
from gatepost.protection.mailauth.spf.client import Client
from gatepost.protection.mailauth.spf.macros import query_name


class ValidatedNames:
    """For `ptr` and `%{p}`. The client's owner makes these records, so their faults are no error of the sender's."""

    def __init__(self, resolver: Resolver, client: Client) -> None:
        self._resolver, self._client = resolver, client
        self._names: list[str] | None = None

    async def any_below(self, domain: str) -> bool:
        """Whether one of the names is a domain or lies below it."""
        return any(name == domain or name.endswith(f".{domain}") for name in await self._all())

    async def best(self, domain: str) -> str:
        """Give the name for %{p}: the domain itself, else one below it, else any, else `unknown` (§7.3)."""
        names = await self._all()
        if domain in names:
            return domain
        return next((name for name in names if name.endswith(f".{domain}")), names[0] if names else "unknown")

    async def _all(self) -> list[str]:
        if self._names is None:
            answer = await self._resolver.names(self._client.address)
            self._names = [name for name in map(query_name, answer.values[:NAMES]) if name is not None and await self._leads_back(name)]
        return self._names

    async def _leads_back(self, name: str) -> bool:
        four = self._client.version == 4
        answer = await (self._resolver.a(name) if four else self._resolver.aaaa(name))
        return self._client.in_any(answer.values, 32 if four else 128)
