# SPDX-License-Identifier: Apache-2.0
"""Verify the DKIM signatures of a mail (RFC 6376 §6, RFC 8301, RFC 8463).

    pass       right and counting; `reason` says when only part of the body is signed
    fail       body or header were changed, or another key signed
    neutral    not well-formed, expired, of a kind not known here, or wrong from a domain that only tests
    policy     right but too weak to count, or one signature too many
    permerror  no key, or a key that cannot be used, or not for this
    temperror  the DNS gave no answer

Promises: it never raises for what a mail or a key record holds; it asks for at most `TRIED` keys and reads the
body at most twice, whatever a mail brings.
"""

from gatepost.contracts.authentication import DkimSignature
from gatepost.dns.resolver import Resolver
from gatepost.message.tree import Message
from gatepost.protection.mailauth.dkim.check import Checked, Claim, check
from gatepost.protection.mailauth.dkim.field import parse_signature

TRIED = 8
"""Signatures of one mail that are checked, from the top."""
REPORTED = 16
"""Signatures of one mail that are reported at all."""

_TOO_MANY = Checked("policy", f"only the first {TRIED} signatures are checked")


async def verify(resolver: Resolver, message: Message, now: float) -> tuple[DkimSignature, ...]:
    """Check a mail's signatures, from the top down. `now` is in seconds since 1970."""
    fields = message.headers.all("dkim-signature")
    if not fields:
        return ()
    claims = [Claim(field, parse_signature(field.raw)) for field in fields[:REPORTED]]
    checked = await check(resolver, message, claims[:TRIED], now)
    checked += [_TOO_MANY] * (len(claims) - len(checked))
    return tuple(_reported(claim, outcome) for claim, outcome in zip(claims, checked, strict=True))


def _reported(claim: Claim, checked: Checked) -> DkimSignature:
    signature = claim.signature
    return DkimSignature(
        result=checked.result,
        domain=signature.signer.domain,
        selector=signature.signer.selector,
        identity=signature.identity,
        algorithm=signature.signer.algorithm,
        reason=checked.reason,
        key_bits=checked.key_bits,
        signature_start=signature.signer.start,
    )
