# SPDX-License-Identifier: Apache-2.0
"""Validate the chain of a mail (RFC 8617 §5.2).

    none    the mail has no ARC field
    pass    the newest signature fits the mail, and every seal fits the chain below it
    fail    anything else; `reason` says what, also when the DNS gave no answer

Promises: it never raises for what a mail or a key record holds, and stops at the first thing that is broken. The newest
signature is looked at first, because a mail that was changed on its way fails there and nothing else need be asked.
"""

import hashlib

from gatepost.contracts.authentication import Arc
from gatepost.dns.resolver import Resolver
from gatepost.message.tree import Message
from gatepost.protection.mailauth.arc.chain import Chain, Set, read_chain
from gatepost.protection.mailauth.dkim.check import Claim, check, fetch_keys, is_signed_by, weakness
from gatepost.protection.mailauth.dkim.header import SignedHeader, relaxed_text
from gatepost.protection.mailauth.dkim.key import fault_for

OLDER_SIGNATURES = 8
"""Signatures below the newest that are checked to find the oldest that still fits the mail."""


async def validate(resolver: Resolver, message: Message, now: float) -> Arc:
    """Validate a mail's ARC chain. `now` is in seconds since 1970."""
    chain = read_chain(message.headers)
    if chain.fault:
        return Arc("fail", chain.instances, reason=chain.fault)
    if not chain.sets:
        return Arc()
    sealers = tuple(one.seal.domain for one in chain.sets)
    [newest] = await check(resolver, message, [_claim(chain.sets[-1])], now)
    reason = "" if newest.result == "pass" else f"the signature of instance {chain.instances}: {newest.reason}"
    reason = reason or await _broken_seal(resolver, message, chain)
    if reason:
        return Arc("fail", chain.instances, sealers, reason=reason)
    return Arc("pass", chain.instances, sealers, await _oldest_pass(resolver, message, chain, now))


def _claim(one: Set) -> Claim:
    return Claim(one.signature_field, one.signature)


async def _broken_seal(resolver: Resolver, message: Message, chain: Chain) -> str:
    """Check every seal and say what is wrong with the newest broken one; '' when all hold (step 6)."""
    keys = await fetch_keys(resolver, [one.seal for one in chain.sets])
    broken = ""
    for instance, (one, key, digest) in enumerate(zip(chain.sets, keys, seal_digests(message, chain.sets), strict=True), 1):
        wrong = key.fault or fault_for(key, one.seal)
        if not wrong:
            wrong = weakness(key, one.seal) if is_signed_by(key, one.seal, digest) else "the chain was changed, or another key sealed"
        if wrong:
            broken = f"the seal of instance {instance}: {wrong}"
    return broken


def seal_digests(message: Message, sets: tuple[Set, ...]) -> list[bytes]:
    """Hash what each seal seals: all sets up to its own, its own field without b= last (RFC 8617 §5.1.1)."""
    header, running, digests = SignedHeader(message.headers, message.raw), hashlib.sha256(), []
    for one in sets:
        running.update(header.relaxed(one.results))
        running.update(header.relaxed(one.signature_field))
        own = running.copy()
        own.update(relaxed_text(header.unsigned(one.seal_field, one.seal.blank))[:-2])
        digests.append(own.digest())
        running.update(header.relaxed(one.seal_field))
    return digests


async def _oldest_pass(resolver: Resolver, message: Message, chain: Chain, now: float) -> int:
    """Find the oldest signature from which on all fit the mail; 0 when that is every one (step 5)."""
    older = chain.sets[-2 : -2 - OLDER_SIGNATURES : -1]
    oldest = chain.instances
    for checked in await check(resolver, message, [_claim(one) for one in older], now):
        if checked.result != "pass":
            break
        oldest -= 1
    return 0 if oldest == 1 else oldest
