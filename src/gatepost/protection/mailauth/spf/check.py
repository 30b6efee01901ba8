# SPDX-License-Identifier: Apache-2.0
"""Check the two identities that a client claims, its MAIL FROM and its HELO name (RFC 7208 §2.3, §2.4).

Neither function raises for anything that a client, a domain or a name server can do. The DNS questions are bounded
(`budget.py`); the time is the caller's to bound, by cancelling.
"""

from typing import Literal

from gatepost.contracts.authentication import Spf
from gatepost.dns.resolver import Resolver
from gatepost.message.addresses import Address
from gatepost.protection.mailauth.spf.client import read_client
from gatepost.protection.mailauth.spf.evaluate import Evaluation
from gatepost.protection.mailauth.spf.explain import explanation
from gatepost.protection.mailauth.spf.identity import Identity
from gatepost.protection.mailauth.spf.macros import LONGEST_NAME, query_name

POSTMASTER = "postmaster"
"""The local part where there is none (RFC 7208 §4.3)."""


async def check(resolver: Resolver, *, client: str, mail_from: Address | None, helo: str, hostname: str, now: float) -> Spf:
    """Check the MAIL FROM identity of a client's IP address; that of a null sender is postmaster at its HELO name.

    `hostname` is this gateway's name and `now` seconds since the epoch, both for macros.
    """
    local, domain = (mail_from.local, mail_from.domain) if mail_from is not None else ("", helo)
    return await _checked(resolver, "mailfrom", client, (local or POSTMASTER, domain, helo, hostname, now))


async def check_helo(resolver: Resolver, *, client: str, helo: str, hostname: str, now: float) -> Spf:
    """Check the HELO identity of a client's IP address."""
    return await _checked(resolver, "helo", client, (POSTMASTER, helo, helo, hostname, now))


async def _checked(
    resolver: Resolver, identity: Literal["mailfrom", "helo"], client: str, claimed: tuple[str, str, str, str, float]
) -> Spf:
    address, domain = read_client(client), _checkable(claimed[1])
    if address is None:
        return Spf("none", "", identity, "the client has no IP address")
    if domain is None:
        return Spf("none", "", identity, "there is no domain name to check")
    evaluation = Evaluation(resolver, Identity(address, claimed[0], domain, *claimed[2:]))
    outcome = await evaluation.host(domain)
    return Spf(outcome.result, domain, identity, outcome.reason, await explanation(resolver, evaluation, outcome))


def _checkable(untrusted_domain: str) -> str | None:
    """Give a domain that can have a record; None for a literal, a single label, or no name at all (RFC 7208 §4.3)."""
    domain = query_name(untrusted_domain) if len(untrusted_domain) <= LONGEST_NAME + 1 else None
    if domain is None or "." not in domain or domain[0] == "[" or domain[domain.rindex(".") + 1 :].isdigit():
        return None
    return domain
