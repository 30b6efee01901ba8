# SPDX-License-Identifier: Apache-2.0
"""Triple-DES key wrap (RFC 3217 §3, id-alg-CMS3DESwrap of RFC 3370 §4.3.1): only to read old mail to a curve's key, by policy.

OpenSSL wraps AES keys so too, where it is told to; so a content key of any length is taken, and parity bits are not looked at.
"""

import hashlib
import hmac

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC

KEY_LENGTH = 24
_VECTOR = bytes.fromhex("4adda22c79e82105")
_LENGTHS = range(24, 73, 8)
"""Octets of a wrapped key: a vector and a checksum of 8 each beside it."""


def unwrap_triple_des(key: bytes, wrapped: bytes) -> bytes | None:
    """Unwrap a content key; None when the key is wrong."""
    if len(wrapped) not in _LENGTHS:
        return None
    turned = _decrypted(key, _VECTOR, wrapped)[::-1]
    held = _decrypted(key, turned[:8], turned[8:])
    found, checksum = held[:-8], held[-8:]
    is_right = hmac.compare_digest(hashlib.sha1(found, usedforsecurity=False).digest()[:8], checksum)
    return found if is_right else None


def _decrypted(key: bytes, vector: bytes, octets: bytes) -> bytes:
    return Cipher(TripleDES(key), CBC(vector)).decryptor().update(octets)
