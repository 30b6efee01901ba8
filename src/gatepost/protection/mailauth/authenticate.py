# SPDX-License-Identifier: Apache-2.0
"""Authenticate a received mail: SPF, DKIM and ARC at once, then DMARC on what they gave.

Promises: never raises for what a mail, its sender or a name server can do. Each method asks the DNS a bounded number of
questions; the time limit is the caller's, who may cancel. The same mail and the same answers give the same result.
"""

import asyncio

import msgspec

from gatepost.contracts.authentication import Authentication, Spf
from gatepost.dns.resolver import Resolver
from gatepost.message.tree import Message
from gatepost.protection.mailauth.arc.validate import validate
from gatepost.protection.mailauth.authors import author_domains
from gatepost.protection.mailauth.dkim.verify import verify
from gatepost.protection.mailauth.dmarc.evaluate import evaluate
from gatepost.protection.mailauth.spf.check import check, check_helo
from gatepost.smtp.envelope import Envelope
from gatepost.smtp.peer import Peer


async def authenticate(
    resolver: Resolver, *, peer: Peer, envelope: Envelope, message: Message, hostname: str, now: float
) -> Authentication:
    """Check who a mail is from. `hostname` is this gateway's name, `now` is in seconds since 1970."""
    spf, helo_spf, dkim, arc = await asyncio.gather(
        check(resolver, client=peer.address, mail_from=envelope.sender, helo=peer.helo, hostname=hostname, now=now),
        _helo(resolver, peer, envelope, hostname, now),
        verify(resolver, message, now),
        validate(resolver, message, now),
    )
    # Of a null sender SPF checks postmaster at the HELO name, so that one answer serves both identities (RFC 7208 §2.4).
    helo_spf = helo_spf or msgspec.structs.replace(spf, identity="helo")
    dmarc = await evaluate(resolver, author_domains=author_domains(message), spf=spf, dkim=dkim)
    return Authentication(spf, helo_spf, dkim, arc, dmarc)


async def _helo(resolver: Resolver, peer: Peer, envelope: Envelope, hostname: str, now: float) -> Spf | None:
    if envelope.sender is None:
        return None
    return await check_helo(resolver, client=peer.address, helo=peer.helo, hostname=hostname, now=now)
