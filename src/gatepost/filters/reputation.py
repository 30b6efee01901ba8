# SPDX-License-Identifier: Apache-2.0
"""Reputation: what the client, the envelope and the mail's authentication tell about the sender.

Each check has its points (`config.reputation`); a check that lacks an answer gives none and is named in `failed`.
Names of the client's address are not asked for where the address is private.
"""

import asyncio
from collections.abc import Callable
from ipaddress import ip_address
from typing import NamedTuple

import msgspec

from gatepost.config.reputation import ReputationSettings
from gatepost.contracts.authentication import Authentication, Dmarc
from gatepost.contracts.filter import Finding, Stage
from gatepost.contracts.judged import Direction, Judged
from gatepost.contracts.sentence import SEPARATOR
from gatepost.dns.resolver import Resolver
from gatepost.filters import reputation_words as said
from gatepost.filters.dynamic_names import contains_address
from gatepost.filters.one_line import one_line
from gatepost.filters.private_addresses import is_private
from gatepost.protection.mailauth.authors import author_domains
from gatepost.smtp.peer import unmapped

NAME = said.NAME

_NAMES = 5
"""Names of one address that are looked at; more have only shared hosts."""


class _Tally:
    """What some checks found, in their order."""

    def __init__(self) -> None:
        self.points = 0.0
        self.details: list[str] = []
        self.failed: list[str] = []

    def score(self, points: float, detail: str) -> None:
        if points:
            self.points += points
            self.details.append(said.SCORED.say(finding=one_line(detail), points=points))

    def miss(self, trouble: str) -> None:
        self.failed.append(one_line(trouble))


class _Names(NamedTuple):
    """How the names of an address lead back to it."""

    confirmed: bool
    unanswered: str


class Reputation:
    """The filter. `owns` says whether a domain is one of ours."""

    name = NAME
    stage: Stage = "content"
    directions: tuple[Direction, ...] = ("inbound",)

    def __init__(self, settings: ReputationSettings, resolver: Resolver, owns: Callable[[str], bool]) -> None:
        self.lowest_points = sum(min(0.0, points) for points in msgspec.structs.astuple(settings))
        self._points, self._resolver, self._owns = settings, resolver, owns
        self._asks_names = bool(settings.missing_ptr or settings.dynamic_name or settings.reverse_lookup_failed)

    async def judge(self, mail: Judged) -> Finding:
        """Make all checks; the questions to the DNS are asked at once."""
        client, sender = await asyncio.gather(self._client(mail), self._sender(mail))
        content = _Tally()
        if mail.authentication is None:
            content.miss(said.NOT_AUTHENTICATED.text)
        else:
            self._spf(mail.authentication, content)
            self._dkim(mail.authentication, content)
            self._dmarc(mail.authentication.dmarc, content)
        self._own_domain(mail, content)
        tallies = (client, sender, content)
        details = tuple(detail for tally in tallies for detail in tally.details)
        return Finding(
            filter=NAME,
            points=sum(tally.points for tally in tallies),
            message=_message(details),
            details=details,
            failed=SEPARATOR.join(trouble for tally in tallies for trouble in tally.failed),
        )

    async def _client(self, mail: Judged) -> _Tally:
        """Look at the connection and at the names of the client's address."""
        tally, points = _Tally(), self._points
        if not mail.peer.tls:
            tally.score(points.unsecured_connection, said.NOT_ENCRYPTED.text)
        if not self._asks_names or is_private(mail.peer.address):
            return tally
        address = str(ip_address(unmapped(mail.peer.address)))
        answer = await self._resolver.names(address)
        if answer.status == "failed":
            tally.miss(said.NAMES_UNKNOWN.say(address=address))
        elif not answer.values:
            tally.score(points.missing_ptr, said.NO_NAME.say(address=address))
        else:
            names = sorted(answer.values)[:_NAMES]
            if all(contains_address(name, address) for name in names):
                tally.score(points.dynamic_name, said.DYNAMIC_NAME.say(name=names[0]))
            if points.reverse_lookup_failed:
                confirmed, unanswered = await self._lead_back(names, address)
                if unanswered and not confirmed:
                    tally.miss(said.ADDRESSES_UNKNOWN.say(name=unanswered))
                elif not confirmed:
                    tally.score(points.reverse_lookup_failed, said.NO_WAY_BACK.say(name=names[0], address=address))
        return tally

    async def _lead_back(self, names: list[str], address: str) -> _Names:
        ask = self._resolver.aaaa if ":" in address else self._resolver.a
        unanswered = ""
        for name in names:
            answer = await ask(name)
            if address in answer.values:
                return _Names(True, "")
            if answer.status == "failed":
                unanswered = unanswered or name
        return _Names(False, unanswered)

    async def _sender(self, mail: Judged) -> _Tally:
        """Look whether MAIL FROM's domain could take an answer; a null MX says that it does not (RFC 7505)."""
        tally, sender = _Tally(), mail.envelope.sender
        if not self._points.sender_without_address or sender is None or not sender.domain or sender.domain.startswith("["):
            return tally
        domain = sender.domain
        exchangers = await self._resolver.mx(domain)
        status = exchangers.status
        if status == "found":
            if not any(one.host for one in exchangers.values):
                tally.score(self._points.sender_without_address, said.NULL_MX.say(domain=domain))
            return tally
        if status == "no_data":
            status = (await self._resolver.addresses(domain)).status
        if status == "failed":
            tally.miss(said.SENDER_UNKNOWN.say(domain=domain))
        elif status != "found":
            tally.score(self._points.sender_without_address, said.NO_ADDRESS.say(domain=domain))
        return tally

    def _spf(self, found: Authentication, tally: _Tally) -> None:
        spf = found.spf
        if not (self._points.spf_fail or self._points.spf_softfail):
            return
        if spf.result == "fail":
            tally.score(self._points.spf_fail, said.SPF_FAILS.say(domain=spf.domain))
        elif spf.result == "softfail":
            tally.score(self._points.spf_softfail, said.SPF_FAILS_SOFTLY.say(domain=spf.domain))
        elif spf.result == "temperror":
            tally.miss(said.SPF_UNKNOWN.say(domain=spf.domain, reason=spf.reason or said.NO_ANSWER.text))

    def _dkim(self, found: Authentication, tally: _Tally) -> None:
        results = {one.result for one in found.dkim}
        if "pass" in results or not self._points.dkim_broken:
            return
        broken = next((one for one in found.dkim if one.result in {"fail", "permerror"}), None)
        waiting = next((one for one in found.dkim if one.result == "temperror"), None)
        if waiting is not None:  # it may yet be right, and then the broken one does not matter
            tally.miss(said.DKIM_UNKNOWN.say(domain=waiting.domain, reason=waiting.reason or said.NO_ANSWER.text))
        elif broken is not None:
            reason = broken.reason or broken.result
            tally.score(self._points.dkim_broken, said.DKIM_BROKEN.say(domain=broken.domain, reason=reason))

    def _dmarc(self, dmarc: Dmarc, tally: _Tally) -> None:
        points = self._points
        if dmarc.result == "fail":
            each = {"reject": points.dmarc_fail_reject, "quarantine": points.dmarc_fail_quarantine}
            policy = dmarc.policy or "none"
            whose = dmarc.author_domain or dmarc.policy_domain
            fails = said.DMARC_FAILS_TESTING if dmarc.testing else said.DMARC_FAILS
            tally.score(each.get(policy, points.dmarc_fail_none), fails.say(domain=whose, policy=policy))
        elif dmarc.result == "temperror" and (points.dmarc_fail_none or points.dmarc_fail_quarantine or points.dmarc_fail_reject):
            reason, domain = dmarc.reason or said.NO_ANSWER.text, dmarc.author_domain
            tally.miss(said.DMARC_UNKNOWN.say(domain=domain, reason=reason) if domain else said.AUTHORS_UNKNOWN.say(reason=reason))
        elif dmarc.result == "permerror" and not dmarc.author_domain:
            tally.score(points.unreadable_author, said.NO_AUTHOR.say(reason=dmarc.reason))

    def _own_domain(self, mail: Judged, tally: _Tally) -> None:
        """Look whether somebody outside writes as one of us; who passes DMARC does so with the domain's consent."""
        if not self._points.own_domain_from_outside or mail.message is None:
            return
        dmarc = mail.authentication.dmarc if mail.authentication else Dmarc()
        if dmarc.result == "pass":
            return
        domains = (dmarc.author_domain,) if dmarc.author_domain else author_domains(mail.message)
        ours = next((domain for domain in domains if domain and self._owns(domain)), None)
        if ours is not None:
            tally.score(self._points.own_domain_from_outside, said.OWN_DOMAIN.say(domain=ours))


def _message(details: tuple[str, ...]) -> str:
    if not details:
        return said.NO_SIGN.text
    return details[0].rpartition(",")[0] if len(details) == 1 else said.SIGNS.say(count=len(details))
