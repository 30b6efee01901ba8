# SPDX-License-Identifier: Apache-2.0
"""Which old algorithms are still read. What is written never depends on this: it is always a strong one."""

from typing import NamedTuple


class Policy(NamedTuple):
    """What may be verified and decrypted beyond what is sound today; MD5, RC2 and DES never are."""

    sha1: bool = False
    """Whether a signature over SHA-1 is verified; it is then marked as weak."""
    triple_des: bool = False
    """Whether content under Triple-DES is decrypted; it is then marked as weak."""
    rsa_bits: int = 1024
    """Shortest RSA key whose signatures are verified; below 2048 they are marked as weak (RFC 8550 §4.3)."""


STRICT = Policy()
