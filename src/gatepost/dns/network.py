# SPDX-License-Identifier: Apache-2.0
"""Ask the name servers of this machine (`/etc/resolv.conf`), or given ones, through dnspython.

dnspython is loaded at the first question: a gateway that sends everything to a smart host by its address
never pays for it. Each question ends within `lifetime_s`, whatever the servers do.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gatepost.config.names import name_server
from gatepost.dns.answers import VALUES, Answer, MxRecord, Status, bounded
from gatepost.dns.resolver import interleaved
from gatepost.dns.reverse import reverse_name

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver as DnspythonResolver
    from dns.message import QueryMessage
    from dns.resolver import NXDOMAIN

LIFETIME_S = 10.0
"""Time for one question over all servers and tries."""
NEGATIVE_TTL_S = 300.0
"""How long "no such name" holds where the answer brought no SOA record (RFC 2308 §5)."""


class NetworkResolver:
    """A stub resolver; give it a `CachingResolver` in front. `servers` are as `config.names.name_server` reads them."""

    def __init__(self, servers: Sequence[str] = (), port: int = 53, lifetime_s: float = LIFETIME_S) -> None:
        self._servers, self._port, self._lifetime_s = servers, port, lifetime_s
        self._resolver: DnspythonResolver | None = None

    async def mx(self, domain: str) -> Answer[MxRecord]:
        """Give the mail exchangers of a domain."""
        status, records, ttl = await self._ask(domain, "MX")
        hosts = (MxRecord(int(one.preference), one.exchange.to_text(omit_final_dot=True).lower()) for one in records[:VALUES])
        return Answer(status, tuple(one if one.host != "." else MxRecord(one.preference, "") for one in hosts), ttl)

    async def addresses(self, host: str) -> Answer[str]:
        """Give the addresses of a host; one family that failed does not hide the other that is there."""
        v6, v4 = await asyncio.gather(self.aaaa(host), self.a(host))
        if v6.values or v4.values:
            ttl = v6.ttl_s if not v4.values else v4.ttl_s if not v6.values else min(v6.ttl_s, v4.ttl_s)
            return Answer("found", interleaved(v6.values, v4.values), ttl)
        families = (v6.status, v4.status)
        status: Status = "failed" if "failed" in families else "no_data" if "no_data" in families else "nxdomain"
        return Answer(status, (), min(v6.ttl_s, v4.ttl_s))

    async def a(self, name: str) -> Answer[str]:
        """Give the IPv4 addresses of a name."""
        status, records, ttl = await self._ask(name, "A")
        return Answer(status, bounded([str(one.address) for one in records]), ttl)

    async def aaaa(self, name: str) -> Answer[str]:
        """Give the IPv6 addresses of a name."""
        status, records, ttl = await self._ask(name, "AAAA")
        return Answer(status, bounded([str(one.address) for one in records]), ttl)

    async def txt(self, name: str) -> Answer[bytes]:
        """Give the TXT records of a name."""
        status, records, ttl = await self._ask(name, "TXT")
        return Answer(status, bounded([b"".join(one.strings) for one in records]), ttl)

    async def names(self, address: str) -> Answer[str]:
        """Give the names of an IP address; a text that is none has no name."""
        reverse = reverse_name(address)
        if reverse is None:
            return Answer("nxdomain", (), NEGATIVE_TTL_S)
        status, records, ttl = await self._ask(reverse, "PTR")
        return Answer(status, bounded([one.target.to_text(omit_final_dot=True).lower() for one in records]), ttl)

    async def _ask(self, name: str, kind: str) -> "tuple[Status, Sequence[Any], float]":
        """Give the records as dnspython has them; the checked types say which attributes each kind has."""
        import dns.exception
        import dns.name
        import dns.resolver

        try:
            asked = dns.name.from_text(name)
        except (dns.exception.DNSException, ValueError):
            return "nxdomain", (), NEGATIVE_TTL_S  # a label that is empty or too long: such a name cannot exist
        try:
            answer = await self._loaded().resolve(asked, kind, raise_on_no_answer=False, lifetime=self._lifetime_s, search=False)
            ttl = max(float(answer.chaining_result.minimum_ttl), 0.0)
            return ("no_data", (), ttl) if answer.rrset is None else ("found", list(answer.rrset), ttl)
        except dns.resolver.NXDOMAIN as nothing:
            return "nxdomain", (), _negative_ttl(nothing)
        except Exception:  # dnspython answers some lies by AttributeError or AssertionError, besides its own
            return "failed", (), 0.0

    def _loaded(self) -> "DnspythonResolver":
        if self._resolver is None:
            import dns.asyncresolver
            import dns.resolver

            from gatepost.dns.nameserver import BoundedNameserver

            try:
                self._resolver = dns.asyncresolver.Resolver(configure=not self._servers)
            except dns.resolver.NoResolverConfiguration:
                self._resolver = dns.asyncresolver.Resolver(configure=False)
            servers = self._servers or [str(one) for one in self._resolver.nameservers]
            self._resolver.nameservers = [BoundedNameserver(*name_server(one, self._port)) for one in servers]
            self._resolver.use_edns(0, 0, 1232)  # DNS flag day 2020: the size that no path fragments
        return self._resolver


def _negative_ttl(nothing: "NXDOMAIN") -> float:
    """Give how long a name's absence holds: the least that the negative answers state (RFC 2308 §5)."""
    responses: dict[object, QueryMessage] = nothing.responses()  # type: ignore[no-untyped-call]
    return float(min((response.resolve_chaining().minimum_ttl for response in responses.values()), default=NEGATIVE_TTL_S))
