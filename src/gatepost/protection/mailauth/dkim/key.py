# SPDX-License-Identifier: Apache-2.0
"""Fetch a signer's public key from the DNS and read its record (RFC 6376 §3.6, RFC 8301 §3.2, RFC 8463 §4.2).

Promises: any record gives a `Key`; one that cannot be used says why in `fault`, and whether that may pass. Records that
were read once are remembered by their bytes, so the answers' lifetimes stay the resolver's matter.
"""

from collections.abc import Callable
from functools import lru_cache

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from gatepost.dns.resolver import Resolver
from gatepost.message.domains import a_label
from gatepost.protection.mailauth.dkim.field import Signer
from gatepost.protection.mailauth.dkim.tags import Tags, decode_base64, items_of, parse_tags, value_of

MOST_BITS = 8192
"""Larger RSA keys are not used: checking takes longer with their size, and nobody needs them."""
LEAST_BITS = 512
"""Smaller RSA keys are not even tried; what is below 1024 bits does not count (RFC 8301 §3.2)."""

_MOST_EXPONENT_BITS = 64
_MOST_RECORDS = 4
"""Records looked at for one name; there should be one (RFC 6376 §3.6.2.2)."""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One key record; usable when `fault` is ''."""

    public: RSAPublicKey | Ed25519PublicKey | None = None
    bits: int = 0
    type: str = "rsa"
    hashes: tuple[str, ...] = ()
    """h=, the hashes it may be used with; all when empty."""
    testing: bool = False
    """t=y: the domain is trying DKIM out."""
    no_subdomains: bool = False
    """t=s: i= must be in the very domain of d=."""
    fault: str = ""
    temporary: bool = False


async def fetch_key(resolver: Resolver, domain: str, selector: str) -> Key:
    """Get the key of a selector; of several records the first that can be used."""
    name = a_label(f"{selector}._domainkey.{domain}")
    if name is None:
        return Key(fault="the key's name is too long")
    answer = await resolver.txt(name)
    if answer.status == "failed":
        return Key(fault="the key could not be looked up", temporary=True)
    key = Key(fault="there is no key")
    for record in answer.values[:_MOST_RECORDS]:
        key = parse_key(record) if len(record) <= MOST_BITS else Key(fault="the key record is too long")
        if not key.fault:
            break
    return key


@lru_cache(maxsize=4096)
def parse_key(untrusted: bytes) -> Key:
    """Read a key record."""
    tags = parse_tags(untrusted)
    if tags is None:
        return Key(fault="the key record is no well-formed list of tags")
    kind = (value_of(tags, b"k").lower() or b"rsa").decode("ascii", "replace")
    fault = _fault_of_record(tags, kind)
    public: RSAPublicKey | Ed25519PublicKey | None = None
    bits = 0
    if not fault:
        public, bits, fault = _LOADERS[kind](decode_base64(tags[b"p"].value) or b"")
    flags = items_of(value_of(tags, b"t").lower())
    return Key(
        public=public,
        bits=bits,
        type=kind,
        hashes=tuple(item.decode("ascii", "replace") for item in items_of(value_of(tags, b"h").lower()) if item),
        testing=b"y" in flags,
        no_subdomains=b"s" in flags,
        fault=fault,
    )


def fault_for(key: Key, signer: Signer) -> str:
    """Say why a key that can be used is not for this signature; '' when it is."""
    if key.type != signer.key_type:
        return f"the key is of type {key.type}"
    if key.hashes and signer.hash_name not in key.hashes:
        return f"the key is not for {signer.hash_name}"
    return ""


def _fault_of_record(tags: Tags, kind: str) -> str:
    if value_of(tags, b"v") not in (b"", b"DKIM1"):
        return "the key record is of another version"
    if kind not in _LOADERS:
        return "the key is of a type that is not known"
    if b"p" not in tags:
        return "the key record has no key"
    if not tags[b"p"].value:
        return "the key is revoked"
    services = items_of(value_of(tags, b"s").lower() or b"*")
    return "" if b"*" in services or b"email" in services else "the key is not for mail"


def _rsa(der: bytes) -> tuple[RSAPublicKey | None, int, str]:
    """Load SubjectPublicKeyInfo, as all publish, or the RSAPublicKey of the standard's text."""
    try:
        public = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        return None, 0, "the key cannot be read"
    if not isinstance(public, RSAPublicKey):
        return None, 0, "the key is not of the type that its record says"
    bits = public.key_size
    if not LEAST_BITS <= bits <= MOST_BITS:
        return None, bits, f"the key has {bits} bits"
    if public.public_numbers().e.bit_length() > _MOST_EXPONENT_BITS:
        return None, bits, "the key has an outsize exponent"
    return public, bits, ""


def _ed25519(raw: bytes) -> tuple[Ed25519PublicKey | None, int, str]:
    try:
        return Ed25519PublicKey.from_public_bytes(raw), 256, ""
    except ValueError:
        return None, 0, "the key cannot be read"


_LOADERS: dict[str, Callable[[bytes], tuple[RSAPublicKey | Ed25519PublicKey | None, int, str]]] = {"rsa": _rsa, "ed25519": _ed25519}
