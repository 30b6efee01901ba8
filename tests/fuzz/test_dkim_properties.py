# SPDX-License-Identifier: Apache-2.0
"""Signatures, keys and chains against bytes that nobody wrote."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.contracts.authentication import Arc
from gatepost.message.parse import parse
from gatepost.protection.mailauth.arc.seal import seal
from gatepost.protection.mailauth.arc.validate import validate
from gatepost.protection.mailauth.dkim.field import parse_signature
from gatepost.protection.mailauth.dkim.key import parse_key
from gatepost.protection.mailauth.dkim.sign import sign
from gatepost.protection.mailauth.dkim.tags import parse_tags
from gatepost.protection.mailauth.dkim.verify import REPORTED, verify
from signing_keys import KeyZone, ed25519_key, record_of, rsa_key

NOW = 1_800_000_000.0
ZONE = {"s._domainkey.a.example": record_of(rsa_key()), "e._domainkey.a.example": record_of(ed25519_key())}

PIECES = [
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b";",
        b"=",
        b":",
        b"/",
        b"@",
        b"\0",
        b"\xff",
        "\u00fc".encode(),
        b"\r\n\r\n",
        b"\r\n\t",
        b"AAAA",
        b"=41",
        b"0",
        b"1",
    ),
    *(
        b"From: a@a.example\r\n",
        b"Subject: x\r\n",
        b"DKIM-Signature: ",
        b"ARC-Seal: ",
        b"ARC-Message-Signature: ",
        b"ARC-Authentication-Results: ",
    ),
    *(
        b"v=1; ",
        b"a=rsa-sha256; ",
        b"a=rsa-sha1; ",
        b"a=ed25519-sha256; ",
        b"c=relaxed/relaxed; ",
        b"c=simple; ",
        b"d=a.example; ",
        b"s=s; ",
        b"s=e; ",
    ),
    *(
        b"h=from:subject; ",
        b"h=from; ",
        b"bh=AAAA; ",
        b"bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; ",
        b"b=QUJDREVG; ",
        b"b=",
        b"l=0; ",
        b"l=5; ",
    ),
    *(
        b"x=1800000001; ",
        b"t=1; ",
        b"i=1; ",
        b"i=2; ",
        b"i=@a.example; ",
        b"cv=none; ",
        b"cv=pass; ",
        b"q=dns/txt; ",
        b"v=DKIM1; ",
        b"k=rsa; ",
        b"k=ed25519; ",
        b"p=",
    ),
    *(b"h=sha256; ", b"t=y:s; ", b"s=email; ", record_of(rsa_key()).encode(), record_of(ed25519_key()).encode()),
]
SOUP = st.lists(st.sampled_from(PIECES) | st.binary(max_size=6), max_size=40).map(b"".join)


@given(untrusted=SOUP)
def test_no_list_field_or_record_raises(untrusted: bytes):
    """Whatever is read as tags, as a signature or as a key gives a value."""
    tags = parse_tags(untrusted)
    if tags is not None:
        assert all(untrusted[tag.start : tag.end].strip(b" \t\r\n") == tag.value for tag in tags.values())
    signature = parse_signature(untrusted)
    assert signature.fault or ("from" in signature.names and signature.signer.value and signature.body_hash)
    key = parse_key(untrusted)
    assert (key.public is None) == bool(key.fault)


@settings(max_examples=300)
@given(
    untrusted=SOUP,
    lead=st.sampled_from(
        [b"", b"DKIM-Signature: v=1; a=rsa-sha256; d=a.example; s=s; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b="]
    ),
)
def test_no_mail_raises_and_none_passes_by_chance(untrusted: bytes, lead: bytes):
    """Each signature gets one result, and nobody without the key gets a pass."""
    message = parse(lead + untrusted)
    found = asyncio.run(verify(KeyZone(ZONE), message, NOW))
    assert len(found) == min(message.headers.count("dkim-signature"), REPORTED)
    assert all(one.result != "pass" and (one.reason and "\n" not in one.reason) for one in found)
    assert asyncio.run(validate(KeyZone(ZONE), message, NOW)).result in ("none", "fail")


@settings(max_examples=150)
@given(mail=SOUP, form=st.sampled_from(["simple/simple", "relaxed/relaxed", "simple/relaxed", "relaxed/simple"]))
def test_any_mail_can_be_signed_and_sealed(mail: bytes, form: str):
    """What we sign and what we seal passes with us, whatever the mail is made of."""
    if not mail.startswith((b"From", b"Subject")) or b"ARC-" in mail or b"DKIM-" in mail:
        mail = b"From: a@a.example\r\n" + mail.replace(b"ARC-", b"").replace(b"DKIM-", b"")
    field = sign(mail, domain="a.example", selector="e", key=ed25519_key(), now=NOW, canonicalization=form)
    [found] = asyncio.run(verify(KeyZone(ZONE), parse(field + mail), NOW))
    assert (found.result, found.reason) == ("pass", "")
    block = seal(mail, results=b"mx.a.example; none", found=Arc(), domain="a.example", selector="e", key=ed25519_key(), now=NOW)
    assert asyncio.run(validate(KeyZone(ZONE), parse(block + mail), NOW)).result == "pass"
