# SPDX-License-Identifier: Apache-2.0
"""Find the hosts that receive a domain's mail (RFC 5321 §5.1, RFC 7505), and say why when there are none.

    MX records            hosts by preference, those of equal preference in random order
    none, but addresses   the domain itself is the only host (the implicit MX)
    null MX `0 .`         the domain takes no mail: permanent
    a host that is us     it and every host of the same or a higher preference are cut; with none left: a loop
    no such domain        permanent
    no answer             temporary

A host "is us" by its name, or by any of its addresses: that finds a loop even through a name we do not know.
"""

import asyncio
import ipaddress
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

from gatepost.dns.answers import MxRecord
from gatepost.dns.resolver import Resolver

HOSTS = 10
"""Hosts looked up, and addresses tried, for one domain; more would only make a dead domain dearer."""
FAILED_TTL_S = 10.0

Shuffle = Callable[[list[MxRecord]], None]


class Exchanger(NamedTuple):
    """One address of one host that takes a domain's mail."""

    host: str
    address: str


class Exchangers(NamedTuple):
    """Where a domain's mail goes: `hosts` in the order of trying; `key` is the same whenever the MX hosts are."""

    hosts: tuple[Exchanger, ...]
    key: str
    ttl_s: float


class NoExchanger(NamedTuple):
    """Why a domain's mail can go nowhere; `reply` is an SMTP reply for the sender."""

    temporary: bool
    reply: str
    ttl_s: float


class Ourselves(NamedTuple):
    """How we know ourselves: names in lower case, addresses in canonical text."""

    names: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    loopback: bool = True
    """Whether loopback, unspecified and multicast addresses are ourselves too. A foreign domain whose MX points
    there would otherwise have us talk to our own services, which may trust us."""

    def is_host(self, host: str) -> bool:
        """Whether a host name is one of ours."""
        return host in self.names

    def is_address(self, address: str) -> bool:
        """Whether an IP address is one of ours."""
        if address in self.addresses:
            return True
        if not self.loopback:
            return False
        parsed: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address)
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
            if str(parsed) in self.addresses:
                return True
        return parsed.is_loopback or parsed.is_unspecified or parsed.is_multicast


async def exchangers(domain: str, resolver: Resolver, ourselves: Ourselves, shuffle: Shuffle) -> Exchangers | NoExchanger:
    """Find where mail for a domain goes; `shuffle` mixes a list in place."""
    answer = await resolver.mx(domain)
    if answer.status == "failed":
        return NoExchanger(True, f"451 4.4.3 The name servers of {domain} give no answer", FAILED_TTL_S)
    if answer.status == "nxdomain":
        return NoExchanger(False, f"550 5.1.2 The domain {domain} does not exist", answer.ttl_s)
    records = answer.values or (MxRecord(0, domain),)
    if all(not record.host for record in records):
        return NoExchanger(False, f"556 5.1.10 The domain {domain} takes no mail (null MX)", answer.ttl_s)
    ordered = _ordered([record for record in records if record.host], shuffle)
    return await _addressed(domain, ordered, answer.ttl_s, resolver, ourselves)


def _ordered(records: Sequence[MxRecord], shuffle: Shuffle) -> list[MxRecord]:
    ordered: list[MxRecord] = []
    for _, equals in groupby(sorted(set(records)), key=lambda record: record.preference):
        mixed = list(equals)
        shuffle(mixed)
        ordered += mixed
    return ordered


async def _addressed(
    domain: str, ordered: list[MxRecord], ttl_s: float, resolver: Resolver, ourselves: Ourselves
) -> Exchangers | NoExchanger:
    """Resolve the hosts, and cut from ourselves on."""
    ordered = ordered[:HOSTS]
    found = list(zip(ordered, await asyncio.gather(*(resolver.addresses(record.host) for record in ordered)), strict=True))
    ours = [
        record.preference for record, answer in found if ourselves.is_host(record.host) or any(map(ourselves.is_address, answer.values))
    ]
    limit = min(ours, default=65536)
    usable = [(record, answer) for record, answer in found if record.preference < limit]
    hosts = tuple(Exchanger(record.host, address) for record, answer in usable for address in answer.values)[:HOSTS]
    ttl_s = min([ttl_s, *(answer.ttl_s for _, answer in usable if answer.values)])
    if hosts:
        key = ",".join(record.host for record in sorted({record for record, _ in usable}))
        return Exchangers(hosts, key, ttl_s)
    if any(answer.temporary for _, answer in found):
        return NoExchanger(True, f"451 4.4.3 The mail hosts of {domain} cannot be looked up", FAILED_TTL_S)
    if ours:
        return NoExchanger(False, f"554 5.4.6 Mail for {domain} would loop back to this gateway", ttl_s)
    return NoExchanger(False, f"550 5.4.4 The mail hosts of {domain} have no address", ttl_s)


def literal_address(domain: str) -> str | None:
    """Give the IP address of an address literal, `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3); None when it is none."""
    if not (domain.startswith("[") and domain.endswith("]")):
        return None
    inner = domain[1:-1]
    try:
        if inner[:5].lower() == "ipv6:":
            return str(ipaddress.IPv6Address(inner[5:]))
        return str(ipaddress.IPv4Address(inner))
    except ValueError:
        return None
