# SPDX-License-Identifier: Apache-2.0
"""Judge a mail by DMARC: find the policy, compare the identifiers, say what applies (RFC 9989 §4.10, §5.3).

* One author domain is judged as §5.3 says. Several are judged each, at most four, and the strictest policy among those that
  fail applies (§11.5); it passes only when all pass. No author, or one that cannot be read, gives `permerror` or another's
  failure, never `pass`.
* A name server that does not answer gives `temperror` and no policy, so that the mail goes on (§4.10.1 "fail open", §5.3.6);
  but only where its answer could still matter: another identifier that aligns makes a pass, and only the domains that would
  align with the author count.
* `Dmarc.policy` is what applies after t=y, which asks for one level less (§4.7); `Dmarc.testing` says that it was asked for.
"""

from gatepost.contracts.authentication import DkimSignature, Dmarc, DmarcPolicy, DmarcResult, Spf
from gatepost.dns.resolver import Resolver
from gatepost.protection.mailauth.dmarc.record import Record
from gatepost.protection.mailauth.dmarc.tree_walk import PolicyRecords, Walk

AUTHOR_DOMAINS = 4
"""How many author domains of one mail are judged (§11.5 asks for a limit)."""

_LOWERED: dict[DmarcPolicy, DmarcPolicy] = {"reject": "quarantine", "quarantine": "none", "none": "none"}
_STRICTNESS: dict[DmarcPolicy | None, int] = {None: 0, "none": 1, "quarantine": 2, "reject": 3}


async def evaluate(resolver: Resolver, *, author_domains: tuple[str, ...], spf: Spf, dkim: tuple[DkimSignature, ...]) -> Dmarc:
    """Judge a mail; `author_domains` are those of all From fields, '' for each author that cannot be read.

    `spf` is the check of MAIL FROM, or of `postmaster@HELO` for the null sender (§3.2.4); HELO alone never counts.
    """
    distinct = tuple(dict.fromkeys(author_domains))
    records = PolicyRecords(resolver)
    if len(distinct) == 1 and distinct[0]:
        return await _Evaluation(resolver, records, distinct[0], spf, dkim).run()
    readable = [domain for domain in distinct if domain]
    each = [await _Evaluation(resolver, records, domain, spf, dkim).run() for domain in readable[:AUTHOR_DOMAINS]]
    return _together(each, _trouble(distinct, readable))


def _trouble(distinct: tuple[str, ...], readable: list[str]) -> str:
    if not distinct:
        return "no author: From is missing or names none"
    if len(readable) < len(distinct):
        return "an author's address cannot be read"
    return f"more than {AUTHOR_DOMAINS} author domains" if len(readable) > AUTHOR_DOMAINS else ""


def _together(each: list[Dmarc], trouble: str) -> Dmarc:
    """Make one result of several authors': the worst."""
    failing = [one for one in each if one.result == "fail"]
    if failing:
        worst = max(failing, key=lambda one: _STRICTNESS[one.policy])
    elif trouble:
        return Dmarc(result="permerror", reason=trouble)
    else:
        # The first that did not pass, or the first of all when each did.
        order = ("temperror", "permerror", "none")
        worst = min(each, key=lambda one: order.index(one.result) if one.result in order else len(order))
    return Dmarc(
        result=worst.result,
        policy_domain=worst.policy_domain,
        organizational_domain=worst.organizational_domain,
        policy=worst.policy,
        testing=worst.testing,
        spf_aligned=worst.spf_aligned,
        dkim_aligned=worst.dkim_aligned,
        reason=f"several author domains; {worst.author_domain}: {worst.reason}",
    )


class _Evaluation:
    """The judgement of one author domain."""

    def __init__(self, resolver: Resolver, records: PolicyRecords, author: str, spf: Spf, dkim: tuple[DkimSignature, ...]) -> None:
        self.resolver, self.records, self.author, self.spf, self.dkim = resolver, records, author, spf, dkim
        self.policy_domain = self.organization = ""

    async def run(self) -> Dmarc:
        if self.author.startswith("["):
            return Dmarc(author_domain=self.author, reason="an address literal has no policy")
        try:
            record = await self._discover()
            if record is None:
                return Dmarc(author_domain=self.author, organizational_domain=self.organization, reason="no policy record")
            if not record.usable:
                return self._verdict("permerror", f"the record's {', '.join(record.faults)} cannot be used")
            return await self._judge(record)
        except LookupError as name:
            return self._verdict("temperror", f"no answer from the DNS for {name}")

    def _verdict(self, result: DmarcResult, reason: str) -> Dmarc:
        return Dmarc(
            result=result,
            author_domain=self.author,
            policy_domain=self.policy_domain,
            organizational_domain=self.organization,
            reason=reason,
        )

    async def _discover(self) -> Record | None:
        """Find the policy record (§4.10.1)."""
        record = await self.records.at(self.author)
        if record is not None:
            self.policy_domain = self.author
            return record
        walk = await self._walk(self.author)
        self.organization = walk.organizational_domain
        if walk.policy is None:
            return None
        self.policy_domain = walk.policy.domain
        return walk.policy.record

    async def _organization(self) -> str:
        """Give the author's organizational domain, walked for when first asked for."""
        if not self.organization:
            self.organization = (await self._walk(self.author)).organizational_domain
        return self.organization

    async def _walk(self, domain: str) -> Walk:
        walk = await self.records.walk(domain)
        if walk.failed:
            raise LookupError(walk.failed)
        return walk

    async def _aligns(self, identifier: str, strict: bool) -> bool:
        """Whether an identifier is the author's or, relaxed, of the same organization (§4.10.2)."""
        author = self.author
        if identifier == author:
            return True
        if strict or not identifier or identifier.rpartition(".")[2] != author.rpartition(".")[2]:
            return False
        organization = await self._organization()
        if identifier != organization and not identifier.endswith(f".{organization}"):
            return False
        return (await self._walk(identifier)).organizational_domain == organization

    async def _any_aligns(self, identifiers: dict[str, None], strict: bool, unanswered: list[str]) -> bool:
        for identifier in identifiers:
            try:
                if await self._aligns(identifier, strict):
                    return True
            except LookupError as name:
                unanswered.append(str(name))
        return False

    async def _judge(self, record: Record) -> Dmarc:
        unanswered: list[str] = []
        spf_domain = self.spf.domain.lower()
        spf = self.spf.result == "pass" and await self._any_aligns({spf_domain: None}, record.strict_spf, unanswered)
        passed = dict.fromkeys(one.domain for one in self.dkim if one.result == "pass")
        dkim = await self._any_aligns(passed, record.strict_dkim, unanswered)
        if spf or dkim:
            return self._result(record, "pass", record.policy if self._is_own else record.subdomain, spf, dkim)
        # What has no answer yet matters only for a domain that would align; a stranger's own silence excuses nobody.
        if unanswered:
            raise LookupError(unanswered[0])
        if self.spf.result == "temperror" and await self._aligns(spf_domain, record.strict_spf):
            return self._verdict("temperror", "SPF has no answer yet")
        waiting = dict.fromkeys(one.domain for one in self.dkim if one.result == "temperror")
        if await self._any_aligns(waiting, record.strict_dkim, unanswered):
            return self._verdict("temperror", "DKIM has no answer yet")
        if unanswered:
            raise LookupError(unanswered[0])
        return self._result(record, "fail", await self._policy(record), spf, dkim)

    @property
    def _is_own(self) -> bool:
        return self.policy_domain == self.author

    async def _policy(self, record: Record) -> DmarcPolicy:
        """Choose between p=, sp= and np=; whether the author domain exists is asked only where it matters (§3.2.13)."""
        if self._is_own:
            return record.policy
        if record.nonexistent == record.subdomain:
            return record.subdomain
        answer = await self.resolver.a(self.author)
        if answer.status == "failed":
            raise LookupError(self.author)
        return record.nonexistent if answer.status == "nxdomain" else record.subdomain

    def _result(self, record: Record, result: DmarcResult, policy: DmarcPolicy, spf: bool, dkim: bool) -> Dmarc:
        aligned = " and ".join(name for name, holds in (("SPF", spf), ("DKIM", dkim)) if holds)
        return Dmarc(
            result=result,
            author_domain=self.author,
            policy_domain=self.policy_domain,
            # Where no walk was needed, the domain that author and identifier share is taken for it (§4.10.2, note).
            organizational_domain=self.organization or (self.author if spf or dkim else ""),
            policy=_LOWERED[policy] if record.testing else policy,
            testing=record.testing,
            spf_aligned=spf,
            dkim_aligned=dkim,
            reason=f"aligned by {aligned}" if aligned else "neither SPF nor DKIM vouches for the author domain",
        )
