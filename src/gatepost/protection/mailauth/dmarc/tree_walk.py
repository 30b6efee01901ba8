# SPDX-License-Identifier: Apache-2.0
"""The DNS tree walk: from a domain up to the root, at most eight questions (RFC 9989 §4.10).

    a.b.c.d.e.f.g.h.mail.example.com        asked as it is, then from its last seven labels on:
    f.g.h.mail.example.com                  ... one label less each time ...
    com                                     a record with psd=y or psd=n ends the walk

The organizational domain is read off the records that were found (§4.10.2). Each name is asked once for a mail.
"""

from typing import NamedTuple

from gatepost.dns.resolver import Resolver
from gatepost.protection.mailauth.dmarc.record import Record, is_policy_record, parse_record

_LABELS = 7
_LONGEST_NAME = 253 - len("_dmarc.")


class Found(NamedTuple):
    """A domain that has a policy record."""

    domain: str
    record: Record


class Walk(NamedTuple):
    """What a walk found, longest name first; `failed` is the name that nobody answered for, where it then ended."""

    start: str
    found: tuple[Found, ...] = ()
    failed: str = ""

    @property
    def organizational_domain(self) -> str:
        """The organizational domain of the start (§4.10.2, rules 1 to 3); means nothing after a failed walk."""
        for domain, record in self.found:
            if record.psd == "n":
                return domain
            if record.psd == "y" and domain != self.start:
                return ".".join(self.start.split(".")[-domain.count(".") - 2 :])
        return self.found[-1].domain if self.found else self.start

    @property
    def policy(self) -> Found | None:
        """The record that applies where the start has none: the organizational domain's, else the public suffix's (§4.10.1)."""
        organization = self.organizational_domain
        for one in self.found:
            if one.domain == organization:
                return one
        return self.found[-1] if self.found and self.found[-1].record.psd == "y" else None


def names_of_walk(domain: str) -> list[str]:
    """Give the names that a walk from this domain asks for, in order."""
    labels = domain.split(".")
    upper = labels[1:] if len(labels) <= _LABELS else labels[-_LABELS:]
    return [domain, *(".".join(upper[start:]) for start in range(len(upper)))]


class PolicyRecords:
    """The policy records that are asked for while one mail is judged."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._known: dict[str, Record | None] = {}

    async def at(self, domain: str) -> Record | None:
        """Give a domain's own record; raises LookupError when no server answers."""
        if domain in self._known:
            return self._known[domain]
        record = None
        if len(domain) <= _LONGEST_NAME:
            answer = await self._resolver.txt(f"_dmarc.{domain}")
            if answer.status == "failed":
                raise LookupError(domain)
            # Several records at one name are as none (§4.10 step 2).
            records = [text for text in answer.values if is_policy_record(text)]
            record = parse_record(records[0]) if len(records) == 1 else None
        self._known[domain] = record
        return record

    async def walk(self, domain: str) -> Walk:
        """Walk up from a domain."""
        found: list[Found] = []
        for name in names_of_walk(domain):
            try:
                record = await self.at(name)
            except LookupError:
                return Walk(domain, tuple(found), name)
            if record is not None:
                found.append(Found(name, record))
                if record.psd != "u":
                    break
        return Walk(domain, tuple(found))
