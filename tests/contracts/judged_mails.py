# SPDX-License-Identifier: Apache-2.0
"""Mails for filters: a clean one, hostile ones, and resolvers that fail, hang, or answer in another order."""

import asyncio
from typing import Any

from gatepost.contracts.authentication import Authentication, DkimSignature, Dmarc, Spf
from gatepost.contracts.judged import Judged
from gatepost.dns.answers import Answer, MxRecord
from gatepost.dns.twin import Twin
from gatepost.message.addresses import Address
from gatepost.message.parse import parse
from gatepost.smtp.envelope import Envelope, Recipient
from gatepost.smtp.peer import Peer

CLEAN = b"From: Ann <ann@partner.example>\r\nTo: bob@owned.example\r\nSubject: Lunch\r\n\r\nAt noon?\r\n"

ANN = Address("ann", "partner.example")

AUTHENTICATED = Authentication(
    spf=Spf("pass", "partner.example"),
    dkim=(DkimSignature("pass", "partner.example", "key1"),),
    dmarc=Dmarc("pass", "partner.example", "partner.example", "partner.example", "reject", spf_aligned=True, dkim_aligned=True),
)

ZONE = """
partner.example.         MX   10 mx.partner.example.
mx.partner.example.      A    192.0.2.25
mx.partner.example.      AAAA 2001:db8::25
25.2.0.192.in-addr.arpa. PTR  mx.partner.example.
25.2.0.192.in-addr.arpa. PTR  other.partner.example.
"""


def judged(
    raw: bytes = CLEAN,
    *,
    client: str = "192.0.2.25",
    tls: str = "TLSv1.3 TLS_AES_256_GCM_SHA384",
    sender: Address | None = ANN,
    authentication: Authentication | None = AUTHENTICATED,
    content: bool = True,
) -> Judged:
    """Give a mail as a filter gets it."""
    return Judged(
        peer=Peer(client, 40000, "192.0.2.1:25", helo="mx.partner.example", extended=True, tls=tls),
        envelope=Envelope(sender, recipients=[Recipient(Address("bob", "owned.example"))]),
        direction="inbound",
        message=parse(raw) if content else None,
        authentication=authentication if content else None,
    )


def _nested(depth: int) -> bytes:
    parts = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(depth))
    return b"From: a@b.example\r\nMIME-Version: 1.0\r\n" + parts + b"\r\nend\r\n"


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "no header": b"\r\nbody only",
    "no body": b"From: a@b.example",
    "all bytes": bytes(range(256)) * 8,
    "NUL in From": b"From: a@evil.example\0, b@owned.example\r\n\r\n\0\0\0",
    "From twice": b"From: a@evil.example\r\nFrom: b@owned.example\r\n\r\n.\r\n",
    "From a group": b"From: all: a@evil.example, b@owned.example;\r\n\r\n.\r\n",
    "From empty": b"From:\r\nSubject:\r\n\r\n",
    "many authors": b"From: " + b",\r\n ".join(b"a@d%d.example" % number for number in range(3000)) + b"\r\n\r\n.\r\n",
    "long line": b"Subject: " + b"x" * 1_000_000 + b"\r\n\r\n" + b"y" * 100_000,
    "many fields": b"X: y\r\n" * 20_000 + b"\r\n.\r\n",
    "deep": _nested(300),
    "bad charset": b'Subject: =?nonsense?B?////?= =?utf-8?Q?=ff=fe?=\r\nContent-Type: text/plain; charset="\0"\r\n\r\n\xff\xfe\xfd',
    "bad base64": b"Content-Transfer-Encoding: base64\r\nContent-Type: text/html; charset=utf-7\r\n\r\n====+AAA-%%%",
    "words": b"From: a@b.example\r\n\r\n" + b"word " * 100_000,
    "unclosed html": b"Content-Type: text/html\r\n\r\n" + b"<div><!-- " * 20_000,
    "other scripts": "From: ü@bücher.example\r\nSubject: Привет 你好 \u202e\r\n\r\nПривет, мир\r\n".encode(),
}


def hostile() -> list[tuple[str, Judged]]:
    """Give mails that try to break a filter, by their content, their client or their envelope."""
    mails = [(name, judged(raw, authentication=Authentication())) for name, raw in HOSTILE.items()]
    mails += [(f"client {client!r}", judged(client=client)) for client in ("::1", "2001:db8::25", "::ffff:192.0.2.25", "fe80::1%eth0", "")]
    senders = [
        None,
        Address("", ""),
        Address("a", "[192.0.2.1]"),
        Address('"\r\n"', "x" * 63 + "." + "y" * 63),
        Address("ü", "xn--bcher-kva.example"),
    ]
    mails += [(f"sender {sender}", judged(sender=sender, tls="")) for sender in senders]
    nasty = 'a"b\r\nX: y\0'
    found = Authentication(
        spf=Spf("fail", nasty, reason=nasty),
        dkim=(DkimSignature("fail", nasty, reason=nasty), DkimSignature("temperror", nasty)),
        dmarc=Dmarc("fail", nasty, policy="reject", reason=nasty),
    )
    return [*mails, ("hostile findings", judged(authentication=found)), ("no findings", judged(authentication=None))]


class AwayResolver:
    """Every question fails, as when no name server can be reached."""

    def __init__(self) -> None:
        self.asked = 0

    async def _fail(self, _name: str) -> Answer[Any]:
        self.asked += 1
        return Answer("failed")

    mx = addresses = a = aaaa = txt = names = _fail


class HangingResolver:
    """No question is ever answered; `asked` tells that one was put."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def _hang(self, _name: str) -> Answer[Any]:
        self.asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    mx = addresses = a = aaaa = txt = names = _hang


class LyingResolver:
    """Every question is answered with what no honest server sends."""

    async def _text(self, _name: str) -> Answer[str]:
        return Answer("found", ("", "no address", "203.0.113.9", "::", "x" * 300))

    async def mx(self, _domain: str) -> Answer[MxRecord]:
        """Give a null MX beside a real one."""
        return Answer("found", (MxRecord(0, ""), MxRecord(70000, "\0")))

    async def txt(self, _name: str) -> Answer[bytes]:
        """Give records that begin as good ones do."""
        return Answer("found", (b"v=spf1 \xff", b"v=DMARC1;\0", b"\r\n"))

    addresses = a = aaaa = names = _text


class ReversedTwin(Twin):
    """A twin that gives each answer's values the other way round."""

    def _find(self, name: str, kinds: tuple[str, ...]) -> tuple[Any, list[Any]]:
        status, records = super()._find(name, kinds)
        return status, records[::-1]
