# SPDX-License-Identifier: Apache-2.0
"""The four methods together, on mails made to be taken for another's (the ways that the espoofer study describes)."""

import asyncio
import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.judged_mails import HOSTILE, AwayResolver, HangingResolver, LyingResolver
from gatepost.contracts.authentication import Authentication
from gatepost.dns.twin import Twin
from gatepost.message.addresses import Address
from gatepost.message.parse import parse
from gatepost.protection.mailauth.authenticate import authenticate
from gatepost.protection.mailauth.authors import author_domains
from gatepost.smtp.envelope import Envelope
from gatepost.smtp.peer import Peer

NOW = 1_700_000_000.0
EVIL = Address("a", "evil.example")

# evil.example may send from the client and has no policy of its own; victim.example asks to reject what it did not send.
ZONE = """
evil.example.         TXT "v=spf1 ip4:192.0.2.66 -all"
_dmarc.evil.example.  TXT "v=DMARC1; p=none"
mx.evil.example.      TXT "v=spf1 ip4:192.0.2.66 -all"
victim.example.       TXT "v=spf1 -all"
_dmarc.victim.example. TXT "v=DMARC1; p=reject"
"""


async def judge(raw: bytes, *, sender: Address | None = EVIL, resolver=None, helo="mx.evil.example") -> Authentication:
    return await authenticate(
        resolver or Twin(ZONE),
        peer=Peer("192.0.2.66", 25, "192.0.2.1:25", helo=helo),
        envelope=Envelope(sender),
        message=parse(raw),
        hostname="mx.owned.example",
        now=NOW,
    )


async def test_an_honest_mail_passes():
    """SPF of MAIL FROM and of HELO, and DMARC by SPF."""
    found = await judge(b"From: a@evil.example\r\n\r\n.\r\n")
    assert (found.spf.result, found.spf.identity, found.helo_spf.result, found.helo_spf.identity) == ("pass", "mailfrom", "pass", "helo")
    assert (found.dkim, found.arc.result, found.dmarc.result, found.dmarc.spf_aligned) == ((), "none", "pass", True)


async def test_a_report_is_judged_by_its_helo():
    """Of the null sender SPF checks postmaster at the HELO name, and DMARC takes that (RFC 7208 §2.4, RFC 9989 §3.2.4)."""
    found = await judge(b"From: postmaster@mx.evil.example\r\n\r\n.\r\n", sender=None)
    assert (found.spf.domain, found.spf.identity, found.helo_spf.result, found.dmarc.result) == (
        "mx.evil.example",
        "mailfrom",
        "pass",
        "pass",
    )


@pytest.mark.parametrize(
    "header",
    [
        b"From: ceo@victim.example\r\n",
        b"From : ceo@victim.example\r\n",
        b"from:\r\n ceo@victim.example\r\n",
        b"From: a@evil.example\r\nFrom: ceo@victim.example\r\n",
        b"From: ceo@victim.example\r\nFrom: a@evil.example\r\n",
        b"From: a@evil.example\r\nX: y\r\nFROM: ceo@victim.example\r\n",
        b"From: a@evil.example, ceo@victim.example\r\n",
        b"From: all: a@evil.example, ceo@victim.example;\r\n",
        b"From: <@evil.example,@any.example:ceo@victim.example>\r\n",
        b"From: a@evil.example\0, ceo@victim.example\r\n",
        b"From: (a@evil.example) ceo@victim.example\r\n",
        b'From: "a@evil.example" <ceo@victim.example>\r\n',
        b"From: =?utf-8?B?YUBldmlsLmV4YW1wbGU=?= <ceo@victim.example>\r\n",
        b"Sender: a@evil.example\r\nFrom: ceo@victim.example\r\n",
        b"From: ceo@mail.victim.example\r\n",
        b"From: a@evil.example; ceo@victim.example\r\n",
    ],
)
async def test_a_forged_author_is_refused_by_its_own_policy(header):
    """However the forged address is put beside an honest one, the victim's policy applies."""
    dmarc = (await judge(header + b"Subject: pay\r\n\r\n.\r\n")).dmarc
    assert (dmarc.result, dmarc.policy, dmarc.policy_domain) == ("fail", "reject", "victim.example")


@pytest.mark.parametrize(
    "header",
    [
        b"From: ceo@victim.example\0\r\n",
        b"From: ceo@victim.example\0.evil.example\r\n",
        b"From: ceo@victim.example@evil.example\r\n",
        b"From: <ceo@victim.example> <a@evil.example>\r\n",
        b"From: =?utf-8?B?Y2VvQHZpY3RpbS5leGFtcGxl?=\r\n",
        b"From: a@evil.example, ceo@victim.example\0\r\n",
        b"From: a@evil.example\r\nFrom: \r\nFrom: ceo\r\n",
        b"From: ceo@victim.example.\r\n",
        b"From:\r\n",
        b"From: nobody:;\r\n",
        b"Subject: no author\r\n",
        b"From: a@evil.example\r\n" * 9,
    ],
)
async def test_an_author_who_cannot_be_told_never_passes(header):
    """Nothing is guessed: what is no address that can be read makes DMARC a permanent error."""
    dmarc = (await judge(header + b"\r\n.\r\n")).dmarc
    assert (dmarc.result, dmarc.policy, dmarc.author_domain) == ("permerror", None, "")


async def test_a_forged_mail_cannot_borrow_a_strangers_signature():
    """A right signature of evil.example does not vouch for victim.example, nor does one whose d= only contains it."""
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    public = base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
    zone = ZONE + f's._domainkey.evil.example. TXT "v=DKIM1; k=ed25519; p={public}"\n'
    body_hash = base64.b64encode(hashlib.sha256(b".\r\n").digest()).decode()
    for domain in ("evil.example", "victim.example.evil.example", "victim.example", "victim.example(.evil.example"):
        head = f"v=1; a=ed25519-sha256; c=relaxed/relaxed; d={domain}; s=s; h=from; bh={body_hash}; b="
        data = b"from:ceo@victim.example\r\ndkim-signature:" + head.encode()
        signature = base64.b64encode(key.sign(hashlib.sha256(data).digest())).decode()
        raw = f"DKIM-Signature: {head}{signature}\r\nFrom: ceo@victim.example\r\n\r\n.\r\n".encode()
        found = await judge(raw, resolver=Twin(zone))
        assert [one.result == "pass" for one in found.dkim] == [domain == "evil.example"]
        assert (found.dmarc.result, found.dmarc.policy, found.dmarc.dkim_aligned) == ("fail", "reject", False)


@pytest.mark.parametrize("sender", [Address("ceo@victim.example", "evil.example"), Address('"x"', "victim.example.evil.example"), None])
async def test_the_envelope_cannot_lend_a_name(sender):
    """A MAIL FROM or HELO that only contains the victim's name aligns with nothing."""
    found = await judge(b"From: ceo@victim.example\r\n\r\n.\r\n", sender=sender, helo="victim.example.evil.example")
    assert (found.dmarc.result, found.dmarc.policy) == ("fail", "reject")


async def test_no_name_server_no_verdict():
    """With every server away the mail is neither right nor wrong."""
    found = await judge(b"From: a@evil.example\r\n\r\n.\r\n", resolver=AwayResolver())
    assert (found.spf.result, found.dmarc.result, found.dmarc.policy) == ("temperror", "temperror", None)


async def test_it_can_be_cancelled():
    """Waiting for the DNS it ends at once, and no task is left."""
    resolver = HangingResolver()
    task = asyncio.ensure_future(judge(b"From: a@evil.example\r\nDKIM-Signature: v=1\r\n\r\n.\r\n", resolver=resolver))
    await resolver.asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_mail_gives_a_result(name):
    """Whatever the mail and the DNS hold, there is a result, the same each time."""
    for resolver in (Twin(ZONE), LyingResolver(), AwayResolver()):
        assert await judge(HOSTILE[name], resolver=resolver) == await judge(HOSTILE[name], resolver=resolver)


@settings(max_examples=80)
@given(
    st.lists(
        st.tuples(st.sampled_from(["From", "DKIM-Signature", "ARC-Seal", "ARC-Message-Signature"]), st.binary(max_size=60)), max_size=6
    )
)
def test_no_fields_raise(fields):
    """Any bytes in the fields that are judged give a result."""
    raw = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in fields) + b"\r\n.\r\n"
    for resolver in (Twin(ZONE), LyingResolver()):
        assert asyncio.run(judge(raw, resolver=resolver)).dmarc.result in ("none", "pass", "fail", "temperror", "permerror")


@given(st.binary(max_size=120))
def test_no_from_field_raises(value):
    """Any From field gives domains that are A-labels, literals, or '' for what cannot be read."""
    for domain in author_domains(parse(b"From: " + value + b"\r\n\r\n")):
        assert domain.isascii()
        assert domain == domain.lower() or domain.startswith("[IPv6:")
