# SPDX-License-Identifier: Apache-2.0
"""Verification: what is signed, what is not, and what counts."""

import pytest

from gatepost.contracts.authentication import DkimSignature
from gatepost.message.parse import parse
from gatepost.protection.mailauth.dkim import sign as signing
from gatepost.protection.mailauth.dkim.header import SignedHeader
from gatepost.protection.mailauth.dkim.sign import PrivateKey, sign
from gatepost.protection.mailauth.dkim.verify import REPORTED, TRIED, verify
from signing_keys import KeyZone, ed25519_key, record_of, rsa_key, short_rsa_key

NOW = 1_800_000_000.0
MAIL = (
    b"From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: One\r\nX-Note: first\r\nX-Note: second\r\n\r\n"
    b"Hello  Bob \r\n\r\nAnn\r\n"
)
NAME = "s._domainkey.example.org"


def signed(mail: bytes = MAIL, key: PrivateKey | None = None, **settings: object) -> bytes:
    return sign(mail, domain="example.org", selector="s", key=key or rsa_key(), now=NOW, **settings) + mail


async def verdicts(mail: bytes, record: str | None = None, now: float = NOW) -> tuple[DkimSignature, ...]:
    return await verify(KeyZone({NAME: record or record_of(rsa_key())}), parse(mail), now)


async def verdict(mail: bytes, record: str | None = None, now: float = NOW) -> tuple[str, str]:
    [found] = await verdicts(mail, record, now)
    return found.result, found.reason


async def test_a_mail_without_signatures_asks_nothing():
    """No field, no question, no result."""
    zone = KeyZone({})
    assert await verify(zone, parse(MAIL), NOW) == ()
    assert zone.asked == []


async def test_the_whole_report_of_one_signature():
    """Everything that Authentication-Results and DMARC need is in it."""
    mail = signed(identity="ann@sub.example.org")
    [found] = await verdicts(mail)
    start = mail[mail.index(b"b=\r\n\t") + 5 :][:8].decode()
    assert found == DkimSignature(
        result="pass",
        domain="example.org",
        selector="s",
        identity="ann@sub.example.org",
        algorithm="rsa-sha256",
        key_bits=1024,
        signature_start=start,
    )


@pytest.mark.parametrize("canonicalization", ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"])
@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
async def test_what_we_sign_passes_and_a_change_breaks_it(canonicalization: str, kind: str):
    """In every form and with both kinds of key; body and header are both protected."""
    key = rsa_key() if kind == "rsa" else ed25519_key()
    mail = signed(key=key, canonicalization=canonicalization)
    record = record_of(key)
    assert await verdict(mail, record) == ("pass", "")
    assert await verdict(mail.replace(b"Hello", b"Hallo"), record) == ("fail", "the body was changed")
    assert await verdict(mail.replace(b"Subject: One", b"Subject: Two"), record) == (
        "fail",
        "the header was changed, or another key signed",
    )
    assert (await verdict(mail.replace(b"To: bob", b"TO: bob"), record))[0] == (
        "pass" if canonicalization.startswith("relaxed") else "fail"
    )
    assert (await verdict(mail.replace(b"Hello  Bob", b"Hello Bob"), record))[0] == (
        "pass" if canonicalization.endswith("relaxed") else "fail"
    )


async def test_a_second_field_of_an_oversigned_name_breaks_the_signature():
    """A Subject put above the signed one is what the reader would see."""
    mail = signed()
    assert (await verdict(b"Subject: Two\r\n" + mail))[0] == "fail"
    assert (await verdict(b"X-Other: Two\r\n" + mail))[0] == "pass"


async def test_repeated_fields_are_signed_from_the_last_one_up():
    """A name listed once protects the lowest field of it only (RFC 6376 §5.4.2)."""
    lowest = MAIL.replace(b"X-Note: first\r\n", b"")
    once = signed(lowest, headers=["from", "x-note"])
    assert (await verdict(b"X-Note: third\r\n" + once))[0] == "pass"
    assert (await verdict(once.replace(b"X-Note: second", b"X-Note: third")))[0] == "fail"
    assert (await verdict(once.replace(b"X-Note: second", b"X-Note: second\r\nX-Note: third")))[0] == "fail"
    both = signed(headers=["from", "x-note"])
    assert (await verdict(both))[0] == "pass"
    assert (await verdict(both.replace(b"X-Note: first", b"X-Note: other")))[0] == "fail"
    assert (await verdict(b"X-Note: third\r\n" + both))[0] == "pass"


async def test_a_from_field_that_is_not_signed_does_not_count():
    """A mail with two From fields of which one is signed is right and worth nothing (RFC 6376 §8.15)."""
    mail = signed(oversigned=())
    assert await verdict(b"From: Eve <eve@example.com>\r\n" + mail) == ("policy", "the signature is right, but a From field is not signed")


async def test_a_signature_expires():
    """x= is the last second in which it counts."""
    mail = signed(valid_s=60)
    assert await verdict(mail, now=NOW + 60) == ("pass", "")
    assert await verdict(mail, now=NOW + 61) == ("neutral", "the signature has expired")


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("v=DKIM1; p=", ("permerror", "the key is revoked")),
        (record_of(rsa_key(), " h=sha1;"), ("permerror", "the key is not for sha256")),
        (record_of(ed25519_key()), ("permerror", "the key is of type ed25519")),
        (record_of(rsa_key(1100)), ("fail", "the header was changed, or another key signed")),
        (record_of(rsa_key(), " t=y;"), ("pass", "the domain is only testing")),
        (record_of(rsa_key(1100), " t=y;"), ("neutral", "the header was changed, or another key signed; the domain is only testing")),
    ],
    ids=["revoked", "for sha1", "of another type", "another", "testing", "another, testing"],
)
async def test_the_key_decides(record: str, expected: tuple[str, str]):
    """What the key is not for it does not sign; a domain that tests is never worse than unsigned."""
    assert await verdict(signed(), record) == expected


async def test_a_strict_key_is_not_for_subdomains():
    """With t=s the identity is in the very domain (RFC 6376 §3.6.1)."""
    record = record_of(rsa_key(), " t=s;")
    assert await verdict(signed(identity="a@example.org"), record) == ("pass", "")
    assert await verdict(signed(identity="a@sub.example.org"), record) == ("permerror", "the key is not for subdomains")


async def test_a_server_that_does_not_answer_is_temporary():
    """Only the DNS makes a temporary error."""
    [found] = await verify(KeyZone({NAME: None}), parse(signed()), NOW)
    assert (found.result, found.reason, found.domain) == ("temperror", "the key could not be looked up", "example.org")


async def test_a_small_key_does_not_count():
    """768 bits verify and are still no pass (RFC 8301 §3.2)."""
    small = short_rsa_key(768)
    mail, record = signed(key=small), record_of(small)
    assert await verdict(mail, record) == ("policy", "the signature is right, but a key of 768 bits does not count")
    assert (await verdict(mail.replace(b"Hello", b"Hallo"), record))[0] == "fail"


async def test_a_part_of_the_body_may_be_signed_and_is_said():
    """l= counts canonical bytes; more than there are is wrong (RFC 6376 §3.5)."""
    body = b"Hello Bob\r\n\r\nAnn\r\n"

    def with_length(length: int) -> bytes:
        head = MAIL[: MAIL.index(b"\r\n\r\n") + 4]
        draft = signing.prepare(
            parse(head + body[:length]),
            domain="example.org",
            selector="s",
            algorithm="rsa-sha256",
            now=NOW,
            canonicalization="relaxed/simple",
        )
        unsigned = draft.unsigned.replace(b" s=s;", b" s=s; l=%d;" % length)
        message = parse(head + body)
        data = SignedHeader(message.headers, message.raw).data(_names(unsigned), True, unsigned)
        return signing.Draft(unsigned, b"").field(signing.sign_digest(rsa_key(), signing.hashlib.sha256(data).digest())) + head + body

    assert await verdict(with_length(len(body))) == ("pass", "")
    assert await verdict(with_length(len(body)) + b"more\r\n") == (
        "pass",
        f"only the first {len(body)} of {len(body) + 6} bytes of the body are signed",
    )
    assert (await verdict(with_length(len(body)).replace(b"Ann\r\n", b"")))[1] == "l= counts more than the body has"


def _names(unsigned: bytes) -> list[str]:
    listed = unsigned.partition(b"h=")[2].partition(b";")[0].decode()
    return "".join(listed.split()).split(":")


async def test_only_the_first_signatures_are_tried_and_each_key_is_fetched_once():
    """A mail with hundreds of signatures costs no more than one with eight."""
    field = sign(MAIL, domain="example.org", selector="s", key=rsa_key(), now=NOW)
    zone = KeyZone({NAME: record_of(rsa_key())})
    found = await verify(zone, parse(field * 300 + MAIL), NOW)
    assert [one.result for one in found] == ["pass"] * TRIED + ["policy"] * (REPORTED - TRIED)
    assert {one.domain for one in found} == {"example.org"}
    assert zone.asked == [NAME]


async def test_signatures_are_judged_one_by_one_in_their_order():
    """A good one is found among others that are malformed, foreign or of no known kind."""
    good = signed()
    field = good[: -len(MAIL)]
    mail = b"DKIM-Signature: nonsense\r\n" + field.replace(b"d=example.org", b"d=example.com") + field.replace(b"v=1", b"v=3") + good
    results = [(one.result, one.domain) for one in await verdicts(mail)]
    assert results == [("neutral", ""), ("permerror", "example.com"), ("neutral", "example.org"), ("pass", "example.org")]


async def test_a_signature_may_sign_the_other_signatures():
    """DKIM-Signature in h= means the fields that were there before, never its own."""
    first = signed()
    second = signed(first, headers=["from", "dkim-signature"])
    assert [one.result for one in await verdicts(second)] == ["pass", "pass"]
    changed = second[: -len(first)] + first.replace(b"d=example.org; s=s;", b"d=example.org;  s=s;")
    assert [one.result for one in await verdicts(changed)] == ["pass", "pass"]
    changed = second[: -len(first)] + first.replace(b"d=example.org; s=s;", b"s=s; d=example.org;")
    assert [one.result for one in await verdicts(changed)] == ["fail", "fail"]
