# SPDX-License-Identifier: Apache-2.0
"""check_host(): take a domain's record and try its mechanisms in order until one matches (RFC 7208 §4, §5, §6.1).

What stops an evaluation early, an error of the record or of the DNS, is an `Outcome` like any other.
"""

from typing import NamedTuple

from gatepost.contracts.authentication import SpfResult
from gatepost.dns.answers import Answer, MxRecord
from gatepost.dns.resolver import Resolver
from gatepost.protection.mailauth.spf.budget import NAMES, TERMS, VOIDS, Budget
from gatepost.protection.mailauth.spf.identity import Identity
from gatepost.protection.mailauth.spf.macros import MacroString, expand, query_name, uses
from gatepost.protection.mailauth.spf.parse import is_spf, parse
from gatepost.protection.mailauth.spf.record import Malformed, Mechanism, Record
from gatepost.protection.mailauth.spf.validated import ValidatedNames


class Outcome(NamedTuple):
    """What a record said; for a fail also where its domain explains itself."""

    result: SpfResult
    reason: str
    domain: str = ""
    """The domain whose record decided, after redirects."""
    explanation: MacroString | None = None


_TOO_MANY_TERMS = Outcome("permerror", f"more than {TERMS} terms ask the DNS")
_TOO_MANY_VOIDS = Outcome("permerror", f"more than {VOIDS} names that do not exist are asked for")


class Evaluation:
    """One check; its includes and redirects share the budget."""

    def __init__(self, resolver: Resolver, identity: Identity) -> None:
        self._resolver = resolver
        self._identity = identity
        self._client = identity.client
        self._budget = Budget()
        self._validated = ValidatedNames(resolver, identity.client)

    async def host(self, domain: str) -> Outcome:
        """Evaluate the record of a domain that `query_name` has passed."""
        answer = await self._resolver.txt(domain)
        if answer.status == "failed":
            return Outcome("temperror", f"the DNS gives no answer for {domain}")
        records = [text for text in answer.values if is_spf(text)]
        if len(records) != 1:
            return (
                Outcome("permerror", f"{domain} has {len(records)} SPF records")
                if records
                else Outcome("none", f"{domain} has no SPF record")
            )
        record = parse(records[0])
        if isinstance(record, Malformed):
            return Outcome("permerror", f"{domain}: {record.reason}")
        return await self._record(record, domain)

    async def _record(self, record: Record, domain: str) -> Outcome:
        for mechanism in record.mechanisms:
            matched = await self._matches(mechanism, domain)
            if matched is True:
                return Outcome(mechanism.result, f"{mechanism.text[:100]} of {domain}", domain, record.explanation)
            if matched is not False:
                return matched
        if record.redirect is None:
            return Outcome("neutral", f"nothing in the record of {domain} matches", domain)
        if not self._budget.term():
            return _TOO_MANY_TERMS
        target = await self._target(record.redirect, domain)
        outcome = await self.host(target) if target is not None else Outcome("none", "the name is none")
        return Outcome("permerror", f"redirect of {domain} without a record: {outcome.reason}") if outcome.result == "none" else outcome

    async def _matches(self, mechanism: Mechanism, domain: str) -> bool | Outcome:
        kind = mechanism.kind
        if kind == "ip4":
            return self._client.version == 4 and self._client.in_network(mechanism.network, mechanism.bits4)
        if kind == "ip6":
            return self._client.version == 6 and self._client.in_network(mechanism.network, mechanism.bits6)
        if kind == "all":
            return True
        if not self._budget.term():
            return _TOO_MANY_TERMS
        target = domain if mechanism.target is None else await self._target(mechanism.target, domain)
        if kind == "include":
            return await self._include(target, domain)
        if target is None:
            return False  # a name that cannot exist matches nothing (§4.8)
        if kind == "a":
            return await self._has_address(mechanism, target)
        if kind == "mx":
            return await self._mx(mechanism, target)
        if kind == "exists":
            return self._found(await self._resolver.a(target), target)
        return await self._validated.any_below(target)

    async def _include(self, target: str | None, domain: str) -> bool | Outcome:
        """Take another domain's pass for a match, its errors for ours, all else for no match (§5.2)."""
        outcome = await self.host(target) if target is not None else Outcome("none", "the name is none")
        if outcome.result == "none":
            return Outcome("permerror", f"include of {domain} without a record: {outcome.reason}")
        return outcome if outcome.result in ("temperror", "permerror") else outcome.result == "pass"

    async def _mx(self, mechanism: Mechanism, target: str) -> bool | Outcome:
        answer = await self._resolver.mx(target)
        found = self._found(answer, target)
        if found is not True:
            return found
        hosts: list[MxRecord] = sorted(answer.values)
        if len(hosts) > NAMES:
            return Outcome("permerror", f"{target} has more than {NAMES} mail exchangers")
        for _, host in hosts:
            name = query_name(host)
            matched = await self._has_address(mechanism, name) if name is not None else False
            if matched is not False:
                return matched
        return False

    async def _has_address(self, mechanism: Mechanism, name: str) -> bool | Outcome:
        """Say whether one of a name's addresses is in the client's network (§5.3)."""
        four = self._client.version == 4
        answer = await (self._resolver.a(name) if four else self._resolver.aaaa(name))
        found = self._found(answer, name)
        if found is not True:
            return found
        return self._client.in_any(answer.values, mechanism.bits4 if four else mechanism.bits6)

    def _found(self, answer: Answer[str] | Answer[MxRecord], name: str) -> bool | Outcome:
        """Say whether there is an answer; one too many without is an error."""
        if answer.status == "failed":
            return Outcome("temperror", f"the DNS gives no answer for {name}")
        if answer.values:
            return True
        return False if self._budget.void() else _TOO_MANY_VOIDS

    async def _target(self, target: MacroString, domain: str) -> str | None:
        return query_name(await self.expanded(target, domain))

    async def expanded(self, text: MacroString, domain: str) -> str:
        """Fill a text's macros; the validated name is looked up only where it is used."""
        if isinstance(text, str):
            return text
        name = await self._validated.best(domain) if uses(text, "p") else ""
        return expand(text, self._identity.values(domain, name))
