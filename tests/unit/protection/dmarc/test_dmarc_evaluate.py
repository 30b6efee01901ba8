# SPDX-License-Identifier: Apache-2.0
"""DMARC's verdicts (RFC 9989 §4.10.1, §4.10.2, §5.3, §11.5)."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.judged_mails import AwayResolver, LyingResolver
from gatepost.contracts.authentication import DkimSignature, Dmarc, Spf
from gatepost.dns.twin import Twin
from gatepost.protection.mailauth.dmarc.evaluate import evaluate

NOBODY = Spf("none", "stranger.example")


def dns(**records: str) -> Twin:
    """Give a DNS with these policy records; `__` stands for a dot."""
    return Twin("".join(f'_dmarc.{name.replace("__", ".")}. TXT "v=DMARC1; {text}"\n' for name, text in records.items()))


def signed(*domains: str, result: str = "pass") -> tuple[DkimSignature, ...]:
    return tuple(DkimSignature(result, domain) for domain in domains)


async def judge(resolver, *authors, spf=NOBODY, dkim=()) -> Dmarc:
    return await evaluate(resolver, author_domains=authors, spf=spf, dkim=dkim)


@pytest.mark.parametrize(
    ("spf", "dkim", "spf_aligned", "dkim_aligned"),
    [
        (Spf("pass", "example.com"), (), True, False),
        (Spf("pass", "Bounce.Example.COM"), (), True, False),
        (NOBODY, signed("example.com"), False, True),
        (NOBODY, signed("other.example", "mail.example.com"), False, True),
        (Spf("pass", "b.example.com"), signed("example.com"), True, True),
    ],
)
async def test_one_aligned_identifier_is_enough(spf, dkim, spf_aligned, dkim_aligned):
    """SPF or DKIM, the same domain or, relaxed, one of the same organization."""
    found = await judge(dns(example__com="p=reject"), "example.com", spf=spf, dkim=dkim)
    assert (found.result, found.policy, found.spf_aligned, found.dkim_aligned) == ("pass", "reject", spf_aligned, dkim_aligned)
    assert (found.author_domain, found.policy_domain, found.organizational_domain) == ("example.com",) * 3


@pytest.mark.parametrize(
    ("spf", "dkim"),
    [
        (NOBODY, ()),
        (Spf("fail", "example.com"), ()),
        (Spf("softfail", "example.com"), ()),
        (Spf("pass", "example.org"), ()),
        (Spf("pass", "evil-example.com"), ()),
        (Spf("pass", "com"), ()),
        (Spf("pass", ""), ()),
        (NOBODY, signed("example.com", result="fail")),
        (NOBODY, signed("example.com", result="policy")),
        (NOBODY, signed("example.com.evil.example")),
    ],
)
async def test_nothing_else_passes(spf, dkim):
    """A failed check, another organization, or a domain that only looks alike does not vouch."""
    found = await judge(dns(example__com="p=reject"), "example.com", spf=spf, dkim=dkim)
    assert (found.result, found.policy, found.spf_aligned, found.dkim_aligned) == ("fail", "reject", False, False)


async def test_strict_alignment_takes_only_the_same_domain():
    """aspf=s and adkim=s each hold for their own method, and ask no further record."""
    zone = dns(example__com="p=reject; aspf=s")
    assert (await judge(zone, "example.com", spf=Spf("pass", "b.example.com"))).result == "fail"
    assert [name for _, name in zone.asked] == ["_dmarc.example.com"]
    assert (await judge(zone, "example.com", spf=Spf("pass", "example.com"))).result == "pass"
    assert (await judge(zone, "example.com", dkim=signed("b.example.com"))).result == "pass"
    assert (await judge(dns(example__com="p=reject; adkim=s"), "example.com", dkim=signed("b.example.com"))).result == "fail"


async def test_a_subdomain_that_is_its_own_organization_is_not_aligned_with_its_parent():
    """psd=n below, or no record above, makes two organizations of them (§4.10.2)."""
    assert (
        await judge(dns(example__com="p=reject", shop__example__com="p=reject; psd=n"), "shop.example.com", dkim=signed("example.com"))
    ).result == "fail"
    assert (await judge(dns(shop__example__com="p=reject"), "shop.example.com", dkim=signed("example.com"))).result == "fail"
    assert (
        await judge(dns(example__com="p=reject", shop__example__com="p=reject; psd=n"), "example.com", dkim=signed("shop.example.com"))
    ).result == "fail"


async def test_the_examples_of_the_standard():
    """Appendix B.4.1 to B.4.3."""
    zone = dns(example__com="p=reject", signing__example__com="p=none")
    spf, dkim = Spf("pass", "example.com"), signed("signing.example.com")
    simple = await judge(zone, "example.com", spf=spf, dkim=dkim)
    assert (simple.result, simple.spf_aligned, simple.dkim_aligned, simple.policy_domain) == ("pass", True, True, "example.com")
    deep = await judge(zone, "a.b.c.d.e.f.g.h.i.j.k.example.com", spf=spf, dkim=dkim)
    assert (deep.result, deep.spf_aligned, deep.dkim_aligned, deep.policy_domain) == ("pass", True, True, "example.com")
    zone = dns(bank__example="p=reject; psd=y", giant__bank__example="p=quarantine")
    bank = await judge(zone, "giant.bank.example", spf=Spf("pass", "mail.giant.bank.example"), dkim=signed("mail.mega.bank.example"))
    assert (bank.result, bank.spf_aligned, bank.dkim_aligned, bank.organizational_domain) == ("pass", True, False, "giant.bank.example")


@pytest.mark.parametrize(
    ("records", "author", "policy", "at"),
    [
        ({"example__com": "p=reject; sp=none"}, "example.com", "reject", "example.com"),
        ({"example__com": "p=reject; sp=none"}, "www.example.com", "none", "example.com"),
        ({"example__com": "p=quarantine"}, "www.example.com", "quarantine", "example.com"),
        ({"example__com": "p=reject", "www__example__com": "p=none"}, "www.example.com", "none", "www.example.com"),
        # A record between the author and the organization does not apply, nor does one above the organization.
        ({"example__com": "p=reject", "b__example__com": "p=none"}, "a.b.example.com", "reject", "example.com"),
        ({"com": "p=none; psd=y", "example__com": "p=reject"}, "a.example.com", "reject", "example.com"),
        ({"com": "p=none; psd=y; sp=reject"}, "a.example.com", "reject", "com"),
        ({"com": "p=quarantine; psd=y"}, "com", "quarantine", "com"),
    ],
)
async def test_the_policy_is_that_of_author_organization_or_public_suffix(records, author, policy, at):
    """In this order; p= for the domain itself, sp= for those below (§4.10.1)."""
    found = await judge(dns(**records), author)
    assert (found.result, found.policy, found.policy_domain) == ("fail", policy, at)


async def test_np_is_for_subdomains_that_do_not_exist():
    """NXDOMAIN, and nothing else, makes it apply (§3.2.13); it is asked only where the answer matters."""
    text = '_dmarc.example.com. TXT "v=DMARC1; p=none; sp=quarantine; np=reject"\nhere.example.com. MX 0 .\naway.example.com. FAIL A\n'
    assert (await judge(Twin(text), "gone.example.com")).policy == "reject"
    assert (await judge(Twin(text), "here.example.com")).policy == "quarantine"
    assert (await judge(Twin(text), "away.example.com")).result == "temperror"
    zone = dns(example__com="p=none; sp=reject")
    assert (await judge(zone, "gone.example.com")).policy == "reject"
    assert {kind for kind, _ in zone.asked} == {"TXT"}


@pytest.mark.parametrize(("policy", "applies"), [("reject", "quarantine"), ("quarantine", "none"), ("none", "none")])
async def test_a_testing_domain_gets_one_level_less(policy, applies):
    """t=y (§4.7); pct= means nothing any more (Appendix A.6)."""
    found = await judge(dns(example__com=f"p={policy}; t=y; pct=0"), "example.com")
    assert (found.result, found.policy, found.testing) == ("fail", applies, True)
    assert (await judge(dns(example__com=f"p={policy}; pct=0"), "example.com")).policy == policy


async def test_without_a_record_dmarc_does_not_apply():
    """No policy, and the result is none, whoever signed."""
    found = await judge(Twin(""), "mail.example.com", dkim=signed("mail.example.com"))
    assert (found.result, found.policy, found.dkim_aligned) == ("none", None, False)


async def test_a_record_that_cannot_be_used_gives_no_policy():
    """A wrong p= without rua= (§4.10.1) is a permanent error, in the words of §9.2."""
    found = await judge(dns(example__com="p=rejct"), "example.com")
    assert (found.result, found.policy) == ("permerror", None)


@pytest.mark.parametrize("away", ["_dmarc.mail.example.com", "_dmarc.example.com", "_dmarc.com"])
async def test_no_answer_is_no_verdict(away):
    """A name server that is away while the policy is looked for makes neither pass nor fail (§5.3.6)."""
    found = await judge(Twin(f"{away}. FAIL"), "mail.example.com", dkim=signed("mail.example.com"))
    assert (found.result, found.policy) == ("temperror", None)


async def test_an_answer_that_no_longer_matters_is_not_missed():
    """One identifier passes although another's organization cannot be found out."""
    zone = Twin('_dmarc.example.com. TXT "v=DMARC1; p=reject"\n_dmarc.b.example.com. FAIL\n')
    found = await judge(zone, "example.com", spf=Spf("pass", "b.example.com"), dkim=signed("example.com"))
    assert (found.result, found.spf_aligned, found.dkim_aligned) == ("pass", False, True)
    assert (await judge(zone, "example.com", spf=Spf("pass", "b.example.com"))).result == "temperror"


async def test_only_the_silence_of_an_aligned_domain_excuses():
    """An SPF or DKIM temperror of the author's organization is waited for; a stranger's is not."""
    zone = dns(example__com="p=reject")
    assert (await judge(zone, "example.com", spf=Spf("temperror", "b.example.com"))).result == "temperror"
    assert (await judge(zone, "example.com", dkim=signed("example.com", result="temperror"))).result == "temperror"
    assert (await judge(zone, "example.com", spf=Spf("temperror", "evil.example"))).result == "fail"
    assert (await judge(zone, "example.com", dkim=signed("evil.example", result="temperror"))).result == "fail"


async def test_of_several_authors_the_worst_counts():
    """The strictest policy among those that fail; all must pass to pass (§11.5)."""
    zone = dns(example__com="p=reject", evil__example="p=none", mild__example="p=quarantine")
    found = await judge(zone, "evil.example", "example.com", "mild.example", dkim=signed("evil.example"))
    assert (found.result, found.policy, found.author_domain, found.policy_domain) == ("fail", "reject", "", "example.com")
    assert (await judge(zone, "evil.example", "example.com", dkim=signed("evil.example", "example.com"))).result == "pass"
    assert (await judge(zone, "evil.example", "unknown.example", dkim=signed("evil.example"))).result == "none"


async def test_the_same_author_domain_twice_is_one():
    """What counts is how many domains there are (§5.3.1)."""
    found = await judge(dns(example__com="p=reject"), "example.com", "example.com", dkim=signed("example.com"))
    assert (found.result, found.author_domain) == ("pass", "example.com")


@pytest.mark.parametrize("authors", [(), ("",), ("", "evil.example"), tuple(f"d{number}.evil.example" for number in range(5))])
async def test_who_cannot_be_told_never_passes(authors):
    """No author, one that cannot be read, or too many to judge: neither pass nor fail."""
    zone = dns(evil__example="p=reject")
    found = await judge(zone, *authors, dkim=signed("evil.example"))
    assert (found.result, found.policy, found.author_domain) == ("permerror", None, "")


async def test_an_unreadable_author_does_not_cover_a_forged_one():
    """A failure beside it stays a failure."""
    found = await judge(dns(example__com="p=reject"), "", "example.com", dkim=signed("evil.example"))
    assert (found.result, found.policy) == ("fail", "reject")


async def test_at_most_four_authors_are_looked_up():
    """A mail with a thousand authors asks for four (§11.5)."""
    zone = Twin("")
    await judge(zone, *(f"d{number}.example" for number in range(1000)))
    assert len({name for _, name in zone.asked if name != "_dmarc.example"}) == 4


async def test_an_address_literal_has_no_policy():
    """Nothing is asked for it."""
    zone = Twin("")
    assert (await judge(zone, "[192.0.2.1]")).result == "none"
    assert zone.asked == []


_DOMAINS = st.lists(st.sampled_from(["a", "b", "example", "com", "", "\0", "x" * 64]), max_size=12).map(".".join)


@given(
    st.lists(_DOMAINS, max_size=6),
    st.sampled_from(["pass", "fail", "temperror"]),
    _DOMAINS,
    st.lists(st.tuples(st.sampled_from(["pass", "fail", "temperror"]), _DOMAINS), max_size=4),
)
def test_nothing_raises(authors, spf, spf_domain, signatures):
    """Any domains and any resolver give a verdict, and a pass has an identifier behind it."""
    dkim = tuple(DkimSignature(result, domain) for result, domain in signatures)
    for resolver in (LyingResolver(), AwayResolver(), dns(example="p=reject", b__example="p=none; psd=y", com="p=quarantine; np=reject")):
        found = asyncio.run(judge(resolver, *authors, spf=Spf(spf, spf_domain), dkim=dkim))
        assert (found.result == "pass") == (found.spf_aligned or found.dkim_aligned)
        assert found.result != "fail" or found.policy is not None
