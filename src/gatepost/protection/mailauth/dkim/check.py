# SPDX-License-Identifier: Apache-2.0
"""Check signatures against keys, body and header; DKIM-Signature and ARC-Message-Signature alike (RFC 6376 §6.1).

A signature that is right but made with SHA-1 or a key below 1024 bits does not count (RFC 8301 §3): it is `policy`,
and so told apart from one that is wrong. So is one that leaves a From field of the mail unsigned (RFC 6376 §8.15).
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from gatepost.contracts.authentication import DkimResult
from gatepost.dns.resolver import Resolver
from gatepost.message.headers import Field
from gatepost.message.tree import Message
from gatepost.protection.mailauth.dkim.body import BodyDigest, BodyForm, hash_body, new_hash
from gatepost.protection.mailauth.dkim.field import Signature, Signer
from gatepost.protection.mailauth.dkim.header import SignedHeader
from gatepost.protection.mailauth.dkim.key import Key, fault_for, fetch_key

COUNTING_BITS = 1024
"""RSA keys with fewer bits are not valid (RFC 8301 §3.2)."""

_PADDING = PKCS1v15()
_HASHED = {"sha256": Prehashed(SHA256()), "sha1": Prehashed(SHA1())}  # noqa: S303  see the docstring above


class Claim(NamedTuple):
    """A signature and the field it came in."""

    field: Field
    signature: Signature


class Checked(NamedTuple):
    """What the check of one signature gave."""

    result: DkimResult
    reason: str = ""
    key_bits: int = 0


async def check(resolver: Resolver, message: Message, claims: Sequence[Claim], now: float) -> list[Checked]:
    """Check signatures, in their order. `now` is in seconds since 1970."""
    known = {place: early for place, claim in enumerate(claims) if (early := _before_the_key(claim.signature, now)) is not None}
    waiting = [place for place in range(len(claims)) if place not in known]
    keys = await fetch_keys(resolver, [claims[place].signature.signer for place in waiting])
    usable: list[tuple[int, Key]] = []
    for place, key in zip(waiting, keys, strict=True):
        refused = _by_the_key(claims[place].signature, key)
        if refused is None:
            usable.append((place, key))
        else:
            known[place] = refused
    digests = await hash_body(message, [body_form(claims[place].signature) for place, _ in usable])
    header = SignedHeader(message.headers, message.raw)
    for place, key in usable:
        known[place] = _by_the_mail(header, claims[place], key, digests[body_form(claims[place].signature)])
    return [known[place] for place in range(len(claims))]


async def fetch_keys(resolver: Resolver, signers: Sequence[Signer]) -> list[Key]:
    """Get the keys of several signers at once, each name only once."""
    names = list(dict.fromkeys((signer.domain, signer.selector) for signer in signers))
    if len(names) == 1:
        return [await fetch_key(resolver, *names[0])] * len(signers)
    keys = dict(zip(names, await asyncio.gather(*(fetch_key(resolver, *name) for name in names)), strict=True))
    return [keys[signer.domain, signer.selector] for signer in signers]


def body_form(signature: Signature) -> BodyForm:
    """Say which hash of the body a signature needs."""
    return BodyForm(signature.relaxed_body, signature.signer.hash_name, signature.body_length)


def is_signed_by(key: Key, signer: Signer, digest: bytes) -> bool:
    """Whether a signature over bytes of this hash was made with the key (RFC 6376 §3.3, RFC 8463 §3)."""
    public = key.public
    try:
        if isinstance(public, RSAPublicKey):
            public.verify(signer.value, digest, _PADDING, _HASHED[signer.hash_name])
        elif isinstance(public, Ed25519PublicKey):
            public.verify(signer.value, digest)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def weakness(key: Key, signer: Signer) -> str:
    """Say why a signature that is right does not count; '' when it does."""
    if signer.hash_name == "sha1":
        return "the signature is right, but SHA-1 no longer counts"
    if signer.key_type == "rsa" and key.bits < COUNTING_BITS:
        return f"the signature is right, but a key of {key.bits} bits does not count"
    return ""


def _before_the_key(signature: Signature, now: float) -> Checked | None:
    """Give a result that needs no key, if there is one."""
    if signature.fault:
        return Checked("neutral", signature.fault)
    if signature.expires_at is not None and signature.expires_at < now:
        return Checked("neutral", "the signature has expired")
    return None


def _by_the_key(signature: Signature, key: Key) -> Checked | None:
    """Give a result that needs no look at the mail, if there is one."""
    if key.fault:
        return Checked("temperror" if key.temporary else "permerror", key.fault, key.bits)
    fault = fault_for(key, signature.signer)
    if not fault and key.no_subdomains and not signature.identity.endswith("@" + signature.signer.domain):
        fault = "the key is not for subdomains"
    return Checked("permerror", fault, key.bits) if fault else None


def _by_the_mail(header: SignedHeader, claim: Claim, key: Key, body: BodyDigest) -> Checked:
    signature, bits, length = claim.signature, key.bits, claim.signature.body_length
    wrong = _wrong(header, claim, key, body)
    if wrong:
        # A domain that tries DKIM out is to be treated as if it had not signed (RFC 6376 §3.6.1).
        return Checked("neutral", f"{wrong}; the domain is only testing", bits) if key.testing else Checked("fail", wrong, bits)
    weak = weakness(key, signature.signer)
    if not weak and header.headers.count("from") > signature.names.count("from"):
        weak = "the signature is right, but a From field is not signed"
    if weak:
        return Checked("policy", weak, bits)
    if length is not None and length < body.size:
        return Checked("pass", f"only the first {length} of {body.size} bytes of the body are signed", bits)
    return Checked("pass", "the domain is only testing" if key.testing else "", bits)


def _wrong(header: SignedHeader, claim: Claim, key: Key, body: BodyDigest) -> str:
    """Say what is wrong between a signature and its mail; '' when nothing is."""
    signature = claim.signature
    if signature.body_length is not None and signature.body_length > body.size:
        return "l= counts more than the body has"
    if body.digest != signature.body_hash:
        return "the body was changed"
    hasher = new_hash(signature.signer.hash_name)
    unsigned = header.unsigned(claim.field, signature.signer.blank)
    hasher.update(header.data(signature.names, signature.relaxed_header, unsigned, claim.field))
    return "" if is_signed_by(key, signature.signer, hasher.digest()) else "the header was changed, or another key signed"
