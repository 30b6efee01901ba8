# SPDX-License-Identifier: Apache-2.0
"""Read a PKCS#12 file (RFC 7292): every key that is used for mail, with each certificate of it, and the certificates beside.

The library opens the file, checks its seal and gives all certificates, but of several keys the first alone. So where a file has
more than one, their bags are found here. Keys that lie with the certificates inside an encrypted safe are not: nobody writes
several so, and the first is the library's answer.
"""

import warnings
from collections.abc import Iterable
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key, pkcs12

from gatepost.encryption.cms.ber import EXPLICIT, INTEGER, OID, SEQUENCE, cursor_on
from gatepost.encryption.cms.certificate import Certificate, key_bits, read_certificate
from gatepost.encryption.cms.fault import Fault, Refusal
from gatepost.encryption.cms.limits import Limits
from gatepost.encryption.cms.local_key import LocalKey, PrivateKey
from gatepost.encryption.cms.oids import DATA, encoded
from gatepost.encryption.cms.public_key import load

_LIMITS = Limits(size_bytes=1_048_576, small_bytes=1_048_576)
_BAGS = "1.2.840.113549.1.12.10.1."
_KEY, _SHROUDED_KEY, _SAFE = encoded(_BAGS + "1"), encoded(_BAGS + "2"), encoded(_BAGS + "6")
_MOST_KEYS = 1_000
_CLOSED = Fault("undecryptable", "it is no PKCS#12 file that this password opens")


class KeyFile(NamedTuple):
    """What a file holds."""

    pairs: tuple[tuple[LocalKey, Certificate], ...]
    """A key and a certificate of it, in the order of the keys; a key with several certificates is there with each."""
    others: tuple[Certificate, ...]
    """Certificates of none of the keys: as a rule those of authorities."""


def read_key_file(untrusted: bytes, password: str) -> KeyFile | Fault:
    """Read a file in DER or BER; '' is no password."""
    secret = password.encode("utf-8", "surrogateescape") or None
    if secret is not None and b"\0" in secret:
        return _CLOSED  # the library takes no such password, and says so by a panic
    with warnings.catch_warnings(action="ignore"):  # old exports are not DER in every corner, and are read all the same
        try:
            first, own, more = pkcs12.load_key_and_certificates(untrusted, secret)
            found = [read_certificate(one.public_bytes(Encoding.DER)) for one in (own, *more) if one is not None]
            keys = _keys(first, untrusted, secret)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            return _CLOSED
        except Refusal as refusal:
            return refusal.fault
    if not keys:
        return Fault("unsupported", "it holds no key that is used for mail")
    return _paired(keys, [one for one in found if isinstance(one, Certificate)])


def _paired(keys: list[PrivateKey], certificates: list[Certificate]) -> KeyFile | Fault:
    pairs: list[tuple[LocalKey, Certificate]] = []
    unused: Fault | None = None
    for key in keys:
        for certificate in (one for one in certificates if _is_of(one, key)):
            trouble = load(certificate.public_key)
            if isinstance(trouble, Fault):
                unused = trouble
            else:
                pairs.append((LocalKey(key), certificate))
    if not pairs:
        return unused or Fault("malformed", "it holds no certificate of its key")
    own = [certificate for _, certificate in pairs]
    return KeyFile(tuple(pairs), tuple(one for one in certificates if one not in own))


def _keys(first: object, untrusted: bytes, secret: bytes | None) -> list[PrivateKey]:
    try:
        bags = _bags(untrusted)
    except Refusal:
        bags = []
    # Of one key the library reads more forms of encryption than of its bag alone.
    found: Iterable[object] = (first,) if len(bags) < 2 else (_key(*bag, secret) for bag in bags)
    return [
        key
        for key in found
        if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | x25519.X25519PrivateKey)
    ]


def _key(is_shrouded: bool, bag: bytes, secret: bytes | None) -> object:
    try:
        return load_der_private_key(bag, secret if is_shrouded else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Refusal("unsupported", "one of its keys is encrypted in a way that is not read, or malformed") from None


def _bags(untrusted: bytes) -> list[tuple[bool, bytes]]:
    """Find the keys that lie in the open or encrypted by themselves: whether each is, and its bytes."""
    outer = cursor_on(untrusted, _LIMITS).enter(SEQUENCE)
    outer.skip(INTEGER)
    found: list[tuple[bool, bytes]] = []
    safes = cursor_on(_content(outer.raw(SEQUENCE)), _LIMITS).enter(SEQUENCE)
    waiting = []
    while safes.peek() == SEQUENCE:
        waiting.append(_content(safes.raw(SEQUENCE)))
    while waiting:
        held = cursor_on(waiting.pop(0), _LIMITS)
        bags = held.enter(SEQUENCE) if held.peek() == SEQUENCE else held
        while bags.peek() == SEQUENCE and len(found) <= _MOST_KEYS:
            bag = bags.enter(SEQUENCE)
            kind, value = bag.value(OID), bag.enter(EXPLICIT | 0).raw()
            if kind in (_KEY, _SHROUDED_KEY):
                found.append((kind == _SHROUDED_KEY, value))
            elif kind == _SAFE:
                waiting.append(value)
    return found


def _content(info: bytes) -> bytes:
    """Give the octets of a ContentInfo that is plain data, b'' where it is not."""
    whole = cursor_on(info, _LIMITS).enter(SEQUENCE)
    return whole.enter(EXPLICIT | 0).small_octets() if whole.value(OID) == DATA else b""


def _is_of(certificate: Certificate, key: PrivateKey) -> bool:
    """Say whether a certificate is of this key, however either writes it."""
    own = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    theirs = load(certificate.public_key)
    if not isinstance(theirs, Fault):
        return theirs.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == own
    try:
        return key_bits(certificate.public_key) == key_bits(own)
    except Refusal:
        return False
