# SPDX-License-Identifier: Apache-2.0
"""Reputation: each check with its points, its line, and what it does without an answer."""

import pytest

from contracts.judged_mails import AUTHENTICATED, CLEAN, ZONE, judged
from gatepost.config.reputation import ReputationSettings
from gatepost.contracts.authentication import Authentication, DkimSignature, Dmarc, Spf
from gatepost.contracts.filter import Finding
from gatepost.dns.twin import Twin
from gatepost.filters.dynamic_names import contains_address
from gatepost.filters.reputation import Reputation
from gatepost.message.addresses import Address


async def judge(zone: str = ZONE, checks: ReputationSettings | None = None, **mail) -> Finding:
    return await Reputation(checks or ReputationSettings(), Twin(zone), {"owned.example"}.__contains__).judge(judged(**mail))


def ptr(*names: str, back: bool = True) -> str:
    """Give a DNS in which 192.0.2.66 has these names."""
    lines = ["partner.example. MX 10 mx.partner.example."]
    for name in names:
        lines += [f"66.2.0.192.in-addr.arpa. PTR {name}.", f"{name}. A {'192.0.2.66' if back else '192.0.2.99'}"]
    return "\n".join(lines)


def found(**parts) -> Authentication:
    return Authentication(**{"spf": AUTHENTICATED.spf, "dkim": AUTHENTICATED.dkim, "dmarc": AUTHENTICATED.dmarc} | parts)


async def test_the_default_points_are_those_of_the_manual():
    """A check's default is what administrators are told."""
    assert ReputationSettings() == ReputationSettings(
        unsecured_connection=0,
        missing_ptr=1,
        dynamic_name=1,
        reverse_lookup_failed=1,
        sender_without_address=2,
        spf_fail=2,
        spf_softfail=1,
        dkim_broken=1,
        dmarc_fail_none=0,
        dmarc_fail_quarantine=2,
        dmarc_fail_reject=4,
        unreadable_author=0,
        own_domain_from_outside=4,
    )


async def test_an_unsecured_connection_scores_where_it_is_set():
    """By default it does not."""
    assert (await judge(tls="")).points == 0
    finding = await judge(tls="", checks=ReputationSettings(unsecured_connection=1))
    assert (finding.points, finding.details, finding.message) == (
        1,
        ("the connection was not encrypted, +1",),
        "the connection was not encrypted",
    )


async def test_a_client_without_a_name_scores():
    """No PTR record is one point."""
    finding = await judge(client="192.0.2.66")
    assert (finding.points, finding.details) == (1, ("192.0.2.66 has no name (PTR), +1",))


async def test_a_dynamic_name_scores():
    """When each name holds the address; one proper name is enough to be none."""
    assert (await judge(ptr("192-0-2-66.dsl.example"), client="192.0.2.66")).details == (
        "192-0-2-66.dsl.example looks like the name of a dynamic address, +1",
    )
    assert (await judge(ptr("192-0-2-66.dsl.example", "mail.partner.example"), client="192.0.2.66")).points == 0


async def test_a_name_that_does_not_lead_back_scores():
    """When none does; a name of another family's address only does not lead back either."""
    assert (await judge(ptr("mail.partner.example", back=False), client="192.0.2.66")).details == (
        "mail.partner.example does not lead back to 192.0.2.66, +1",
    )
    zone = ptr("mail.partner.example", back=False) + "\n66.2.0.192.in-addr.arpa. PTR ok.partner.example.\nok.partner.example. A 192.0.2.66"
    assert (await judge(zone, client="192.0.2.66")).points == 0


async def test_an_ipv6_client_is_confirmed_by_aaaa():
    """Its PTR stands below ip6.arpa."""
    digits = ".".join(reversed("20010db8000000000000000000000025"))
    zone = f"{digits}.ip6.arpa. PTR mx.partner.example.\nmx.partner.example. AAAA 2001:db8::25\npartner.example. MX 1 mx.partner.example."
    assert (await judge(zone, client="2001:db8::25")).points == 0
    assert (await judge(zone, client="2001:DB8:0::25")).points == 0


async def test_the_names_of_a_private_client_are_not_asked_for():
    """Only MAIL FROM's domain is."""
    twin = Twin(ZONE)
    await Reputation(ReputationSettings(), twin, bool).judge(judged(client="10.0.0.1"))
    assert twin.asked == [("MX", "partner.example")]


@pytest.mark.parametrize(
    ("zone", "points"),
    [
        ("", 2),
        ("s.example. TXT x", 2),
        ("s.example. MX 0 .", 2),
        ("s.example. MX 0 mx.s.example.", 0),
        ("s.example. A 192.0.2.1", 0),
        ("s.example. AAAA 2001:db8::1", 0),
    ],
)
async def test_a_sender_domain_that_takes_no_mail_scores(zone, points):
    """Neither MX nor address, or a null MX (RFC 7505)."""
    finding = await judge(f"{ZONE}\n{zone}", sender=Address("a", "s.example"))
    assert (finding.points, finding.failed) == (points, "")


@pytest.mark.parametrize("sender", [None, Address("a", "[192.0.2.1]"), Address("postmaster", "")])
async def test_a_sender_without_a_domain_is_not_looked_up(sender):
    """The null sender of reports is no sign."""
    assert (await judge(sender=sender)).points == 0


@pytest.mark.parametrize(
    ("result", "points", "failed"),
    [
        ("fail", 2, False),
        ("softfail", 1, False),
        ("temperror", 0, True),
        ("permerror", 0, False),
        ("neutral", 0, False),
        ("none", 0, False),
    ],
)
async def test_spf_scores(result, points, failed):
    """fail 2, softfail 1; without an answer nothing."""
    finding = await judge(authentication=found(spf=Spf(result, "partner.example")))
    assert (finding.points, bool(finding.failed)) == (points, failed)


@pytest.mark.parametrize(
    ("results", "points", "failed"),
    [
        (["fail"], 1, False),
        (["permerror"], 1, False),
        (["fail", "fail"], 1, False),
        (["fail", "pass"], 0, False),
        (["temperror"], 0, True),
        (["fail", "temperror"], 0, True),
        (["temperror", "pass"], 0, False),
        (["policy"], 0, False),
        (["neutral"], 0, False),
        ([], 0, False),
    ],
)
async def test_a_broken_signature_scores_once(results, points, failed):
    """Unless another is right, or may yet be; a mail without any is none the worse (RFC 6376 §6.1)."""
    finding = await judge(authentication=found(dkim=tuple(DkimSignature(result, "d.example") for result in results)))
    assert (finding.points, bool(finding.failed)) == (points, failed)


@pytest.mark.parametrize(
    ("dmarc", "points", "failed"),
    [
        (Dmarc("fail", "p.example", policy="none"), 0, False),
        (Dmarc("fail", "p.example", policy="quarantine"), 2, False),
        (Dmarc("fail", "p.example", policy="reject"), 4, False),
        (Dmarc("fail", "", "p.example", policy="reject"), 4, False),
        (Dmarc("temperror", "p.example"), 0, True),
        (Dmarc("permerror", "p.example"), 0, False),
        (Dmarc("permerror"), 0, False),
        (Dmarc("none", "p.example"), 0, False),
        (Dmarc("pass", "p.example", policy="reject"), 0, False),
    ],
)
async def test_dmarc_scores_by_the_policy_that_applies(dmarc, points, failed):
    """The author's domain decides how much; what testing lowers is already lowered."""
    finding = await judge(authentication=found(dmarc=dmarc))
    assert (finding.points, bool(finding.failed)) == (points, failed)


async def test_an_unreadable_author_scores_where_it_is_set():
    """Only when no author domain could be told."""
    checks = ReputationSettings(unreadable_author=3)
    assert (await judge(checks=checks, authentication=found(dmarc=Dmarc("permerror")))).points == 3
    assert (await judge(checks=checks, authentication=found(dmarc=Dmarc("permerror", "p.example")))).points == 0


@pytest.mark.parametrize(
    ("author", "dmarc", "points"),
    [
        (b"boss@owned.example", Dmarc("none", "owned.example"), 4),
        (b"boss@owned.example", Dmarc("fail", "owned.example", policy="none"), 4),
        (b"boss@owned.example", Dmarc("pass", "owned.example", policy="none"), 0),
        (b"a@evil.example, boss@owned.example", Dmarc("none"), 4),
        (b"a@evil.example\0, boss@owned.example", Dmarc("permerror"), 4),
        (b"boss@owned.example.evil.example", Dmarc("none", "owned.example.evil.example"), 0),
    ],
)
async def test_an_own_domain_from_outside_scores(author, dmarc, points):
    """Unless DMARC says that the domain itself sent it; also beside another author."""
    finding = await judge(raw=b"From: " + author + b"\r\n\r\n.\r\n", authentication=found(dmarc=dmarc))
    assert finding.points == points


async def test_all_signs_add_up_in_one_order():
    """Client, sender, SPF, DKIM, DMARC, author; one line each, and nothing is clamped here."""
    findings = found(
        spf=Spf("fail", "gone.example"), dkim=(DkimSignature("fail", "x.example"),), dmarc=Dmarc("fail", "owned.example", policy="reject")
    )
    finding = await judge("", client="192.0.2.66", sender=Address("a", "gone.example"), raw=CLEAN, authentication=findings)
    assert finding.points == 1 + 2 + 2 + 1 + 4 + 4
    assert [detail.rpartition(", ")[2] for detail in finding.details] == ["+1", "+2", "+2", "+1", "+4", "+4"]
    assert finding.message == "6 signs of a doubtful sender"


async def test_what_has_no_answer_is_named_and_gives_nothing():
    """Each question that failed is in `failed`; the others count."""
    zone = "25.2.0.192.in-addr.arpa. PTR mx.partner.example.\nmx.partner.example. FAIL\npartner.example. FAIL MX"
    finding = await judge(zone, authentication=found(spf=Spf("fail", "partner.example")))
    assert finding.points == 2
    assert (
        finding.failed
        == "addresses of mx.partner.example: no answer from the DNS; MX and addresses of partner.example: no answer from the DNS"
    )


async def test_a_check_of_no_points_asks_nothing():
    """With all checks at 0 the DNS is left alone."""
    checks = ReputationSettings(**dict.fromkeys(ReputationSettings.__struct_fields__, 0.0))
    twin = Twin("")
    finding = await Reputation(checks, twin, bool).judge(judged(authentication=found(spf=Spf("temperror"), dmarc=Dmarc("temperror"))))
    assert (twin.asked, finding.points, finding.failed) == ([], 0, "")


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("192-0-2-17.dsl.example", "192.0.2.17"),
        ("17.2.0.192.dsl.example", "192.0.2.17"),
        ("host192.0.2.17.example", "192.0.2.17"),
        ("cpe1-192-000-002-017.example", "192.0.2.17"),
        ("192000002017.example", "192.0.2.17"),
        ("ip017002000192.example", "192.0.2.17"),
        ("c0000211.example", "192.0.2.17"),
        ("2001-db8--17.example", "2001:db8::17"),
        ("20010db8000000000000000000000017.v6.example", "2001:db8::17"),
        ("7.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.example", "2001:db8::17"),
        ("2001-0db8-0000-0000-0000-0000-0000-0017.example", "2001:db8::17"),
    ],
)
def test_a_name_that_holds_the_address_is_dynamic(name, address):
    """Forwards, backwards, padded, in hexadecimal."""
    assert contains_address(name, address)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("mx17.example", "192.0.2.17"),
        ("mail-192-0-2-18.example", "192.0.2.17"),
        ("mx1.2-0.example", "192.0.2.1"),
        ("mail.example", "2001:db8::17"),
    ],
)
def test_other_names_are_not(name, address):
    """A number or a part of the address does not make a dynamic name."""
    assert not contains_address(name, address)
