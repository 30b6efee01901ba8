# SPDX-License-Identifier: Apache-2.0
"""Ask the name servers of this machine (`/etc/resolv.conf`), or given ones, through dnspython.

dnspython is loaded at the first question: a gateway that sends everything to a smart host by its address
never pays for it. Each question ends within `lifetime_s`, whatever the servers do.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gatepost.dns.answers import Answer, MxRecord, Status
from gatepost.dns.resolver import interleaved

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver as DnspythonResolver
    from dns.message import QueryMessage
    from dns.resolver import NXDOMAIN
    from dns.resolver import Answer as DnspythonAnswer

LIFETIME_S = 10.0
"""Time for one question over all servers and tries."""
NEGATIVE_TTL_S = 300.0
"""How long "no such name" holds where the answer brought no SOA record (RFC 2308 §5)."""


class NetworkResolver:
    """A stub resolver; give it a `CachingResolver` in front."""

    def __init__(self, servers: Sequence[str] = (), port: int = 53, lifetime_s: float = LIFETIME_S) -> None:
        self._servers, self._port, self._lifetime_s = servers, port, lifetime_s
        self._resolver: DnspythonResolver | None = None

    async def mx(self, domain: str) -> Answer[MxRecord]:
        """Give the mail exchangers of a domain."""
        status, answer, ttl = await self._ask(domain, "MX")
        if answer is None or answer.rrset is None:
            return Answer(status, (), ttl)
        records = (MxRecord(int(r.preference), r.exchange.to_text(omit_final_dot=True).lower()) for r in answer.rrset)
        return Answer("found", tuple(record if record.host != "." else MxRecord(record.preference, "") for record in records), ttl)

    async def addresses(self, host: str) -> Answer[str]:
        """Give the addresses of a host; one family that failed does not hide the other that is there."""
        (status6, answer6, ttl6), (status4, answer4, ttl4) = await asyncio.gather(self._ask(host, "AAAA"), self._ask(host, "A"))
        v6 = tuple(str(r.address) for r in answer6.rrset) if answer6 is not None and answer6.rrset is not None else ()
        v4 = tuple(str(r.address) for r in answer4.rrset) if answer4 is not None and answer4.rrset is not None else ()
        if v6 or v4:
            ttl = ttl6 if not v4 else ttl4 if not v6 else min(ttl6, ttl4)
            return Answer("found", interleaved(v6, v4), ttl)
        status: Status = "failed" if "failed" in (status6, status4) else "no_data" if "no_data" in (status6, status4) else "nxdomain"
        return Answer(status, (), min(ttl6, ttl4))

    async def _ask(self, name: str, kind: str) -> "tuple[Status, DnspythonAnswer | None, float]":
        import dns.exception
        import dns.name
        import dns.resolver

        try:
            asked = dns.name.from_text(name)
        except (dns.exception.DNSException, ValueError):
            return "nxdomain", None, NEGATIVE_TTL_S  # a label that is empty or too long: such a name cannot exist
        try:
            answer = await self._loaded().resolve(asked, kind, raise_on_no_answer=False, lifetime=self._lifetime_s, search=False)
        except dns.resolver.NXDOMAIN as nothing:
            return "nxdomain", None, _negative_ttl(nothing)
        except (dns.exception.DNSException, OSError, EOFError, ValueError):
            return "failed", None, 0.0
        if answer.rrset is None:
            return "no_data", None, max(float(answer.chaining_result.minimum_ttl), 0.0)
        return "found", answer, float(answer.chaining_result.minimum_ttl)

    def _loaded(self) -> "DnspythonResolver":
        if self._resolver is None:
            import dns.asyncresolver
            import dns.resolver

            try:
                self._resolver = dns.asyncresolver.Resolver(configure=not self._servers)
            except dns.resolver.NoResolverConfiguration:
                self._resolver = dns.asyncresolver.Resolver(configure=False)
            if self._servers:
                self._resolver.nameservers = list(self._servers)
                self._resolver.port = self._port
            self._resolver.use_edns(0, 0, 1232)  # DNS flag day 2020: the size that no path fragments
        return self._resolver


def _negative_ttl(nothing: "NXDOMAIN") -> float:
    """Give how long a name's absence holds: the least that the negative answers state (RFC 2308 §5)."""
    responses: dict[object, QueryMessage] = nothing.responses()  # type: ignore[no-untyped-call]
    return float(min((response.resolve_chaining().minimum_ttl for response in responses.values()), default=NEGATIVE_TTL_S))
