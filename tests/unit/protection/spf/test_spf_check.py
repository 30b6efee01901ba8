# SPDX-License-Identifier: Apache-2.0
"""What a check finds, what it says, and what it may cost."""

import asyncio

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fuzz.fuzz_spf import one_input
from gatepost.contracts.authentication import Spf
from gatepost.dns.answers import Answer
from gatepost.dns.twin import Twin
from gatepost.message.addresses import Address
from gatepost.protection.mailauth.spf.check import check, check_helo

ZONE = (
    """\
good.example      TXT "v=spf1 ip4:192.0.2.0/24 -all"
words.example     TXT "v=spf1 include:good.example redirect=strict.example"
strict.example    TXT "v=spf1 exp=exp.%{d} -all"
exp.strict.example TXT "%{i} is not for " "%{l} of %{o}\\010(%{d}, %{r})"
helo.example      TXT "v=spf1 a -all"
helo.example      A 198.51.100.1
long.example      TXT "v=spf1 exp=long-exp.example -all"
two.example       TXT "v=spf1 -all"
two.example       TXT "v=spf1 +all"
wrong.example     TXT "v=spf1 all moo"
plain.example     TXT "no SPF"
dead.example      FAIL
deadmx.example    TXT "v=spf1 mx -all"
deadmx.example    MX 1 first
deadmx.example    MX 2 dead.example
first             A 192.0.2.1
ptr.example       TXT "v=spf1 ptr ~all"
7.2.0.192.in-addr.arpa PTR host.ptr.example
7.2.0.192.in-addr.arpa PTR dead.example
host.ptr.example  A 192.0.2.7
8.2.0.192.in-addr.arpa FAIL
utf8.example      TXT "v=spf1 exists:%{l}.utf8.example ?all"
mapped.example    TXT "v=spf1 ip6:::ffff:192.0.2.1 -ip4:192.0.2.1 a ?all"
loop.example      TXT "v=spf1 redirect=loop.example"
many.example      TXT "v=spf1 mx -all"
none.example      TXT "v=spf1 include:plain.example -all"
badname.example   TXT "v=spf1 include:%{d}..example -all"
"""
    + f'long-exp.example TXT "{"%{s}" * 32}"\n'
    + "".join(f"many.example MX {n} h{n}.example\n" for n in range(11))
)


async def asked(domain: str, client: str = "198.51.100.1", local: str = "user", twin: Twin | None = None) -> Spf:
    return await check(
        twin or Twin(ZONE), client=client, mail_from=Address(local, domain), helo="helo.example", hostname="gate.example", now=0.0
    )


@pytest.mark.parametrize(
    ("domain", "client", "result", "reason"),
    [
        ("good.example", "192.0.2.9", "pass", "ip4:192.0.2.0/24 of good.example"),
        ("good.example", "::ffff:192.0.2.9", "pass", "ip4:192.0.2.0/24 of good.example"),
        ("good.example", "2001:db8::1", "fail", "-all of good.example"),
        ("words.example", "192.0.2.9", "pass", "include:good.example of words.example"),
        ("words.example", "198.51.100.1", "fail", "-all of strict.example"),
        ("absent.example", "192.0.2.1", "none", "absent.example has no SPF record"),
        ("plain.example", "192.0.2.1", "none", "plain.example has no SPF record"),
        ("two.example", "192.0.2.1", "permerror", "two.example has 2 SPF records"),
        ("wrong.example", "192.0.2.1", "permerror", "wrong.example: the term moo is malformed"),
        ("dead.example", "192.0.2.1", "temperror", "the DNS gives no answer for dead.example"),
        ("deadmx.example", "192.0.2.1", "pass", "mx of deadmx.example"),
        ("deadmx.example", "192.0.2.2", "temperror", "the DNS gives no answer for dead.example"),
        ("ptr.example", "192.0.2.7", "pass", "ptr of ptr.example"),
        ("ptr.example", "192.0.2.8", "softfail", "~all of ptr.example"),
        ("mapped.example", "::ffff:192.0.2.1", "fail", "-ip4:192.0.2.1 of mapped.example"),
        ("mapped.example", "2001:db8::1", "neutral", "?all of mapped.example"),
        ("loop.example", "192.0.2.1", "permerror", "more than 10 terms ask the DNS"),
        ("many.example", "192.0.2.1", "permerror", "many.example has more than 10 mail exchangers"),
        ("none.example", "192.0.2.1", "permerror", "include of none.example without a record: plain.example has no SPF record"),
        ("badname.example", "192.0.2.1", "permerror", "include of badname.example without a record: the name is none"),
    ],
)
async def test_results_and_their_reasons(domain: str, client: str, result: str, reason: str) -> None:
    """Each result says in one line what made it."""
    found = await asked(domain, client)
    assert (found.result, found.reason, found.domain, found.identity) == (result, reason, domain, "mailfrom")


async def test_the_explanation_is_one_bounded_line() -> None:
    """A fail carries the words of the domain that decided, their macros filled, on one line."""
    assert (await asked("words.example")).explanation == "198.51.100.1 is not for user of words.example (strict.example, gate.example)"
    assert (await asked("long.example", local="x" * 60)).explanation == (("x" * 60 + "@long.example") * 32)[:500]
    assert (await asked("good.example")).explanation == ""


async def test_the_null_sender_is_checked_by_its_helo_name() -> None:
    """A mail without a sender is judged as postmaster of the name that the client gave."""
    twin = Twin(ZONE + 'local.example TXT "v=spf1 exists:%{l}.local.example -all"\npostmaster.local.example A 127.0.0.2\n')
    common = {"client": "198.51.100.1", "hostname": "gate.example", "now": 0.0}
    found = await check(twin, mail_from=None, helo="Helo.Example", **common)
    assert (found.result, found.domain, found.identity) == ("pass", "helo.example", "mailfrom")
    assert (await check(twin, mail_from=None, helo="local.example", **common)).result == "pass"
    assert (await check(twin, mail_from=Address("", "local.example"), helo="x.example", **common)).result == "pass"
    helo = await check_helo(twin, helo="helo.example.", **common)
    assert helo == Spf("pass", "helo.example", "helo", "a of helo.example")


@pytest.mark.parametrize(
    "domain",
    ["", "localhost", "[192.0.2.1]", "[IPv6:::1]", "192.0.2.1", "a..example", f"{'x' * 64}.example", "x." * 200 + "example", "ü.example"],
)
async def test_what_is_no_domain_is_not_asked_for(domain: str) -> None:
    """A name that can have no record gives `none` without a question."""
    twin = Twin(ZONE)
    assert await asked(domain, twin=twin) == Spf("none", "", "mailfrom", "there is no domain name to check")
    assert (await check_helo(twin, client="192.0.2.1", helo=domain, hostname="g", now=0.0)).result == "none"
    assert twin.asked == []


async def test_a_client_without_an_address() -> None:
    """A client that has no IP address can be neither allowed nor refused."""
    assert (await asked("good.example", client="unix")).result == "none"


async def test_a_local_part_in_utf8_matches_no_name() -> None:
    """A macro that gives a name outside ASCII matches nothing, and is not asked for (RFC 8616)."""
    twin = Twin(ZONE)
    assert (await asked("utf8.example", local="ü", twin=twin)).result == "neutral"
    assert twin.asked == [("TXT", "utf8.example")]


async def test_a_check_can_be_cancelled() -> None:
    """The time is the caller's: a check that waits for a name server ends when it is told to."""

    class Silent(Twin):
        async def txt(self, name: str) -> Answer[bytes]:
            await asyncio.Event().wait()
            raise AssertionError

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await asked("good.example", twin=Silent(""))


ASKING = ["a", "mx", "ptr", "a:1.example", "mx:2.example", "include:3.example", "include:4.example", "exists:%{p}.%{d}", "a:%{l}.example"]
TERMS = st.sampled_from(
    [
        *ASKING,
        "include:%{p2}",
        "mx:%{S}.a.b",
        "ptr:%{h}",
        "redirect=5.example",
        "exp=6.example",
        "-all",
        "?all",
        "ip4:1.2.3.4",
        "moo",
        "%{c}",
    ]
)


@settings(max_examples=200)
@given(
    st.lists(st.lists(TERMS, max_size=14).map(lambda terms: "v=spf1 " + " ".join(terms)), max_size=6).map(
        lambda lines: "\n".join(lines).encode()
    )
)
@example(b"v=spf1 " + b"mx:1.example " * 10)
@example(b"v=spf1 include:1.example include:2.example\n" * 7)
@example(b"v=spf1 exp=%{p} -all\n%{p}%{c}%{t}\0\xff")
def test_no_records_cost_more_than_the_limits(data: bytes) -> None:
    """Whatever a chain of records says, there is a result after a bounded number of questions."""
    one_input(data)


@given(st.binary(max_size=200))
def test_no_octets_raise(data: bytes) -> None:
    """Any octets for records, local part and HELO name give a result."""
    one_input(b"v=spf1 " + data)
