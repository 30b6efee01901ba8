# SPDX-License-Identifier: Apache-2.0
"""The DNS tree walk of RFC 9989 §4.10, with the examples of its §4.10.2 and Appendix B.4."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.dns.twin import Twin
from gatepost.protection.mailauth.dmarc.tree_walk import PolicyRecords, names_of_walk

DEEP = "a.b.c.d.e.f.g.h.i.j.mail.example.com"


def zone(**records: str) -> Twin:
    """Give a DNS with these records; `__` stands for a dot."""
    return Twin("".join(f'_dmarc.{name.replace("__", ".")}. TXT "{text}"\n' for name, text in records.items()))


def test_a_long_name_is_asked_eight_times():
    """As it is, then from its last seven labels on (the example of §4.10)."""
    upper = ["g.h.i.j.mail.example.com", "h.i.j.mail.example.com", "i.j.mail.example.com", "j.mail.example.com"]
    assert names_of_walk(DEEP) == [DEEP, *upper, "mail.example.com", "example.com", "com"]


def test_a_short_name_is_asked_label_by_label():
    """Up to the last label, eight labels too."""
    assert names_of_walk("mail.example.com") == ["mail.example.com", "example.com", "com"]
    assert names_of_walk("com") == ["com"]
    assert names_of_walk("a.b.c.d.e.f.g.h")[:3] == ["a.b.c.d.e.f.g.h", "b.c.d.e.f.g.h", "c.d.e.f.g.h"]


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=127))
def test_no_name_is_asked_more_than_eight_times(labels):
    """Whatever a domain looks like, at most eight names are asked, each a suffix of it, the last a single label."""
    domain = ".".join(labels)
    names = names_of_walk(domain)
    assert len(names) == min(len(labels), 8)
    assert names[0] == domain
    assert all(f".{domain}".endswith(f".{name}") for name in names)
    assert "." not in names[-1]


@pytest.mark.parametrize(
    ("records", "start", "organization"),
    [
        ({"mail__example__com": "v=DMARC1", "example__com": "v=DMARC1"}, "a.mail.example.com", "example.com"),
        ({"mail__example__com": "v=DMARC1; psd=n", "example__com": "v=DMARC1"}, "a.mail.example.com", "mail.example.com"),
        ({"com": "v=DMARC1; psd=y"}, "a.mail.example.com", "example.com"),
        ({"signing__example__com": "v=DMARC1", "example__com": "v=DMARC1"}, "signing.example.com", "example.com"),
        ({"example__com": "v=DMARC1"}, "a.b.c.d.e.f.g.h.i.j.k.example.com", "example.com"),
        ({"bank__example": "v=DMARC1; psd=y", "giant__bank__example": "v=DMARC1"}, "giant.bank.example", "giant.bank.example"),
        ({"bank__example": "v=DMARC1; psd=y", "giant__bank__example": "v=DMARC1"}, "mail.giant.bank.example", "giant.bank.example"),
        ({"bank__example": "v=DMARC1; psd=y", "giant__bank__example": "v=DMARC1"}, "mail.mega.bank.example", "mega.bank.example"),
        ({}, "a.mail.example.com", "a.mail.example.com"),
        ({"bank__example": "v=DMARC1; psd=y"}, "bank.example", "bank.example"),
        ({"bank__example": "v=DMARC1; psd=y"}, "one.two.three.four.five.six.seven.eight.bank.example", "eight.bank.example"),
        ({"mail__example__com": "v=DMARC1; psd=u"}, "mail.example.com", "mail.example.com"),
    ],
)
async def test_the_organizational_domain_is_read_off_the_records(records, start, organization):
    """Rules 1 to 3 of §4.10.2."""
    assert (await PolicyRecords(zone(**records)).walk(start)).organizational_domain == organization


async def test_a_public_suffix_ends_the_walk():
    """Nothing above a record with psd=y or psd=n is asked."""
    dns = zone(bank__example="v=DMARC1; psd=y")
    await PolicyRecords(dns).walk("giant.bank.example")
    assert [name for _, name in dns.asked] == ["_dmarc.giant.bank.example", "_dmarc.bank.example"]


async def test_a_name_is_asked_once_for_a_mail():
    """A second walk over the same names asks nothing."""
    dns = zone(example__com="v=DMARC1")
    records = PolicyRecords(dns)
    await records.walk("mail.example.com")
    asked = len(dns.asked)
    await records.walk("mail.example.com")
    assert len(dns.asked) == asked == 3


async def test_several_records_at_a_name_are_none():
    """They are all discarded and the walk goes on (§4.10 step 2); other TXT records do not count."""
    dns = Twin(
        '_dmarc.a.example.com. TXT "v=DMARC1; p=reject"\n_dmarc.a.example.com. TXT "v=DMARC1; p=none"\n'
        '_dmarc.example.com. TXT "v=spf1 -all"\n_dmarc.example.com. TXT "v=DMARC1; p=quarantine"\n'
    )
    walk = await PolicyRecords(dns).walk("a.example.com")
    assert [(one.domain, one.record.policy) for one in walk.found] == [("example.com", "quarantine")]


async def test_a_walk_ends_where_nobody_answers():
    """The name is told, so that nobody takes the rest for the whole."""
    walk = await PolicyRecords(Twin("_dmarc.example.com. FAIL")).walk("mail.example.com")
    assert walk.failed == "example.com"


async def test_a_name_too_long_for_the_dns_is_not_asked():
    """With `_dmarc.` before it, it would be no name any more."""
    dns = Twin("")
    domain = ".".join(["x" * 49] * 5)
    assert await PolicyRecords(dns).at(domain) is None
    assert dns.asked == []
