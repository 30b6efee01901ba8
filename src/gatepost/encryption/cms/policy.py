# SPDX-License-Identifier: Apache-2.0
"""Which old algorithms are still read. What is written never depends on this: it is always a strong one."""

from typing import NamedTuple


class Policy(NamedTuple):
    """What may be verified and decrypted beyond what is sound today; MD5, RC2 and DES never are."""

    sha1: bool = False
    """Whether a signature over SHA-1 is verified; it is then marked as weak."""
    triple_des: bool = False
    """Whether content, or a content key, under Triple-DES is decrypted; the cipher's name says so."""
    rsa_bits: int = 2048
    """Shortest RSA key whose signatures are verified; below 2048 they are marked as weak (RFC 8550 §4.3)."""


STRICT = Policy()
LEGACY = Policy(sha1=True, triple_des=True, rsa_bits=1024)
"""For old mail: everything that is still read at all."""
LEAST_RSA_BITS = 2048
"""Of a key that is written with or to, whatever is read (RFC 8550 §4.3)."""
