# SPDX-License-Identifier: Apache-2.0
"""Chains that we seal ourselves, and what breaks them."""

import pytest

from gatepost.contracts.authentication import Arc
from gatepost.message.parse import parse
from gatepost.protection.mailauth.arc.chain import MOST_SETS
from gatepost.protection.mailauth.arc.seal import seal
from gatepost.protection.mailauth.arc.validate import validate
from signing_keys import KeyZone, ed25519_key, record_of, rsa_key

NOW = 1_800_000_000.0
MAIL = b"From: Ann <ann@example.org>\r\nTo: list@example.net\r\nSubject: One\r\n\r\nHello  all\r\n"
ZONE = {
    "s._domainkey.a.example": record_of(rsa_key()),
    "s._domainkey.b.example": record_of(ed25519_key()),
    "s._domainkey.c.example": record_of(rsa_key()),
}


async def validated(mail: bytes, records: dict[str, str | list[str] | None] | None = None) -> Arc:
    return await validate(KeyZone(ZONE if records is None else records), parse(mail), NOW)


async def passed_on(mail: bytes, domain: str) -> bytes:
    """Give the mail as it leaves one who received, validated and sealed it."""
    key = ed25519_key() if domain == "b.example" else rsa_key()
    found = await validated(mail)
    results = f"mx.{domain}; arc={found.result};\r\n\tspf=pass smtp.mailfrom=example.org".encode()
    return seal(mail, results=results, found=found, domain=domain, selector="s", key=key, now=NOW) + mail


async def passed_through(*domains: str) -> bytes:
    mail = MAIL
    for domain in domains:
        mail = await passed_on(mail, domain)
    return mail


async def test_a_mail_without_a_chain_has_none_and_asks_nothing():
    """No ARC field, no question."""
    zone = KeyZone({})
    assert await validate(zone, parse(MAIL), NOW) == Arc()
    assert zone.asked == []


async def test_a_chain_of_three_passes_and_names_its_sealers():
    """RSA and Ed25519 seals mix; sealers come oldest first."""
    mail = await passed_through("a.example", "b.example", "c.example")
    assert await validated(mail) == Arc("pass", 3, ("a.example", "b.example", "c.example"), 0)


async def test_who_changes_the_mail_on_the_way_is_seen():
    """A list that adds a footer and seals again leaves a valid chain whose older signatures no longer fit."""
    mail = (await passed_through("a.example")) + b"-- \r\nlist footer\r\n"
    assert (await validated(mail)).result == "fail"
    first = await validated(mail[: -len(b"-- \r\nlist footer\r\n")])
    sealed = seal(mail, results=b"mx.b.example; arc=pass", found=first, domain="b.example", selector="s", key=ed25519_key(), now=NOW) + mail
    assert await validated(sealed) == Arc("pass", 2, ("a.example", "b.example"), 2)
    assert await validated(await passed_on(sealed, "c.example")) == Arc("pass", 3, ("a.example", "b.example", "c.example"), 2)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"Hello", b"Hallo", "the signature of instance 2: the body was changed"),
        (b"Subject: One", b"Subject: Two", "the signature of instance 2: the header was changed, or another key signed"),
        (
            b"i=1; mx.a.example; arc=none",
            b"i=1; mx.a.example; arc=pass",
            "the seal of instance 2: the chain was changed, or another key sealed",
        ),
        (b"cv=none", b"cv=pass", "instance 1: cv= does not fit its place in the chain"),
        (b"cv=pass", b"cv=none", "instance 2: cv= does not fit its place in the chain"),
        (b"cv=pass", b"cv=fail", "instance 2: its sealer found the chain broken"),
        (b"ARC-Seal: i=2", b"ARC-Seal: i=3", "instance 2 has no arc-seal"),
        (b"ARC-Seal: i=2", b"ARC-Seal: i=1", "there are two ARC-Seal of instance 1"),
        (b"ARC-Seal: i=2", b"ARC-Seal: i=51", "the instance of ARC-Seal cannot be read"),
        (b"ARC-Seal: i=2;", b"ARC-Seal: i=2; h=from;", "instance 2: the seal has h="),
        (b"cv=pass; a=ed25519-sha256", b"cv=pass; a=rsa-sha1", "instance 2: the seal is made with SHA-1"),
        (b"h=from:", b"h=arc-seal:from:", "instance 1: the signature signs a seal"),
    ],
)
async def test_each_break_of_a_chain_is_named(old: bytes, new: bytes, reason: str):
    """What RFC 8617 §5.2 asks is asked, and the first thing that is broken is told."""
    mail = await passed_through("a.example", "b.example")
    assert old in mail
    found = await validated(mail.replace(old, new))
    assert (found.result, found.reason) == ("fail", reason)


async def test_a_key_that_cannot_be_had_breaks_the_chain():
    """ARC knows no temporary result; the reason tells."""
    mail = await passed_through("a.example", "b.example")
    gone = await validated(mail, {**ZONE, "s._domainkey.a.example": "v=DKIM1; p="})
    away = await validated(mail, {**ZONE, "s._domainkey.b.example": None})
    assert (gone.result, gone.reason) == ("fail", "the seal of instance 1: the key is revoked")
    assert (away.result, away.reason) == ("fail", "the signature of instance 2: the key could not be looked up")


async def test_a_mail_that_was_changed_costs_one_question():
    """The newest signature is looked at before any seal."""
    mail = (await passed_through("a.example", "b.example", "c.example")).replace(b"Hello", b"Hallo")
    zone = KeyZone(ZONE)
    assert (await validate(zone, parse(mail), NOW)).result == "fail"
    assert zone.asked == ["s._domainkey.c.example"]


async def test_a_broken_chain_is_sealed_once_more_and_then_left_alone():
    """The last seal says cv=fail and covers its own set only; nobody adds to it (RFC 8617 §5.1)."""
    broken = (await passed_through("a.example")).replace(b"Hello", b"Hallo")
    ended = await passed_on(broken, "b.example")
    assert ended.count(b"cv=fail") == 1
    assert (await validated(ended)).reason == "instance 2: its sealer found the chain broken"
    assert await passed_on(ended, "c.example") == ended


async def test_a_full_chain_takes_no_more():
    """Fifty sets are the most (RFC 8617 §4.2.1)."""
    mail = MAIL
    for number in range(MOST_SETS):
        found = Arc("pass" if number else "none")
        mail = seal(mail, results=b"mx; none", found=found, domain="b.example", selector="s", key=ed25519_key(), now=NOW) + mail
    assert (await validated(mail)).result == "pass"
    assert seal(mail, results=b"mx; none", found=Arc("pass"), domain="b.example", selector="s", key=ed25519_key(), now=NOW) == b""
    assert (await validated(mail.replace(b"i=50", b"i=51"))).result == "fail"
    assert (await validated(mail + b"")).instances == MOST_SETS


@pytest.mark.parametrize("results", [b"mx;\r\nX-Forged: yes", b"mx;\nspf=pass", b"mx;\rspf=pass"])
def test_results_cannot_end_their_field(results: bytes):
    """What would begin another field is refused."""
    with pytest.raises(ValueError, match="end their field"):
        seal(MAIL, results=results, found=Arc(), domain="b.example", selector="s", key=ed25519_key(), now=NOW)
