# SPDX-License-Identifier: Apache-2.0
"""Where a domain's mail goes."""

import random

import pytest

from gatepost.dns.answers import MxRecord
from gatepost.dns.exchangers import HOSTS, Exchanger, Exchangers, NoExchanger, Ourselves, exchangers, literal_address
from gatepost.dns.twin import Twin

ZONE = """\
plain.example      MX 20 b.example
plain.example      MX 10 a.example
a.example          A 192.0.2.1
a.example          AAAA 2001:db8::1
b.example          A 192.0.2.2
implicit.example   A 192.0.2.3
null.example       MX 0 .
dead.example       FAIL
text.example       CNAME nothing.example
nothing.example    MX 10 unknown.example
halfdead.example   MX 10 dead.example
halfdead.example   MX 20 b.example
alldead.example    MX 10 dead.example
backup.example     MX 10 a.example
backup.example     MX 20 gate.example
backup.example     MX 20 b.example
backup.example     MX 30 b.example
primary.example    MX 10 gate.example
primary.example    MX 20 b.example
hidden.example     MX 10 alias-of-us.example
alias-of-us.example A 192.0.2.99
inward.example     MX 10 localhost.example
localhost.example  A 127.0.0.1
mapped.example     MX 10 mapped-host.example
mapped-host.example AAAA ::ffff:127.0.0.1
gate.example       A 192.0.2.99
"""
US = Ourselves(frozenset({"gate.example"}), frozenset({"192.0.2.99"}))


def straight(_: list[MxRecord]) -> None:
    """Leave the order as it is."""


async def find(domain: str, ourselves: Ourselves = US) -> Exchangers | NoExchanger:
    return await exchangers(domain, Twin(ZONE), ourselves, straight)


async def test_hosts_by_preference_with_all_their_addresses() -> None:
    """The lowest preference comes first, each host with its IPv6 and IPv4 addresses."""
    found = await find("plain.example")
    assert found == Exchangers(
        (Exchanger("a.example", "2001:db8::1"), Exchanger("a.example", "192.0.2.1"), Exchanger("b.example", "192.0.2.2")),
        "a.example,b.example",
        300.0,
    )


@pytest.mark.parametrize(
    ("domain", "hosts"),
    [
        ("implicit.example", ["implicit.example"]),
        ("halfdead.example", ["b.example"]),
        ("backup.example", ["a.example", "a.example"]),
    ],
)
async def test_which_hosts_are_used(domain: str, hosts: list[str]) -> None:
    """A domain without MX is its own host; a host that cannot be looked up is passed over; from ourselves on all is cut."""
    found = await find(domain)
    assert isinstance(found, Exchangers)
    assert [one.host for one in found.hosts] == hosts


@pytest.mark.parametrize(
    ("domain", "temporary", "reply"),
    [
        ("absent.example", False, "550 5.1.2 The domain absent.example does not exist"),
        ("null.example", False, "556 5.1.10 The domain null.example takes no mail (null MX)"),
        ("dead.example", True, "451 4.4.3 The name servers of dead.example give no answer"),
        ("alldead.example", True, "451 4.4.3 The mail hosts of alldead.example cannot be looked up"),
        ("text.example", False, "550 5.4.4 The mail hosts of text.example have no address"),
        ("primary.example", False, "554 5.4.6 Mail for primary.example would loop back to this gateway"),
        ("hidden.example", False, "554 5.4.6 Mail for hidden.example would loop back to this gateway"),
        ("inward.example", False, "554 5.4.6 Mail for inward.example would loop back to this gateway"),
        ("mapped.example", False, "554 5.4.6 Mail for mapped.example would loop back to this gateway"),
        ("gate.example", False, "554 5.4.6 Mail for gate.example would loop back to this gateway"),
    ],
)
async def test_why_mail_can_go_nowhere(domain: str, temporary: bool, reply: str) -> None:
    """Each reason has its own reply, and only a missing answer is temporary."""
    found = await find(domain)
    assert isinstance(found, NoExchanger)
    assert (found.temporary, found.reply) == (temporary, reply)


async def test_loopback_is_allowed_where_it_is_wanted() -> None:
    """Tests and a host that hands on to itself can switch the loopback guard off."""
    found = await find("inward.example", Ourselves(loopback=False))
    assert isinstance(found, Exchangers)
    assert [one.address for one in found.hosts] == ["127.0.0.1"]


async def test_equal_preferences_are_shuffled_and_the_key_is_not() -> None:
    """Hosts of one preference share the load, those of another keep their place, and the route is one and the same."""
    zone = "many.example MX 5 first\nfirst A 192.0.2.5\n" + "".join(f"many.example MX 10 h{n}\nh{n} A 192.0.2.1{n}\n" for n in range(4))
    chance = random.Random(1)
    orders, keys = set(), set()
    for _ in range(40):
        found = await exchangers("many.example", Twin(zone), US, chance.shuffle)
        assert isinstance(found, Exchangers)
        assert found.hosts[0].host == "first"
        orders.add(tuple(one.host for one in found.hosts))
        keys.add(found.key)
    assert len(orders) > 10
    assert keys == {"first,h0,h1,h2,h3"}


async def test_a_domain_with_very_many_hosts_costs_little() -> None:
    """No more than a bounded number of hosts is looked up, and of addresses tried."""
    zone = "".join(f"many.example MX {n} h{n}\nh{n} A 192.0.2.{n}\nh{n} A 198.51.100.{n}\n" for n in range(100))
    twin = Twin(zone)
    found = await exchangers("many.example", twin, US, straight)
    assert isinstance(found, Exchangers)
    assert len(found.hosts) == HOSTS
    assert len(twin.asked) == 1 + HOSTS


@pytest.mark.parametrize(
    ("domain", "address"),
    [
        ("[192.0.2.1]", "192.0.2.1"),
        ("[IPv6:2001:DB8:0::1]", "2001:db8::1"),
        ("[ipv6:::1]", "::1"),
        ("[2001:db8::1]", None),
        ("[IPv6:192.0.2.1]", None),
        ("[x]", None),
        ("example.com", None),
        ("", None),
    ],
)
def test_address_literals(domain: str, address: str | None) -> None:
    """An address literal gives its address in canonical form; anything else gives None."""
    assert literal_address(domain) == address
