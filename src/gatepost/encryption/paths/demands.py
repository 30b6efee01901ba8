# SPDX-License-Identifier: Apache-2.0
"""What a path must be good for, and how much it may cost to find out: the inputs of RFC 5280 §6.1.1 that are policy."""

from typing import Literal, NamedTuple

ANY_POLICY = "2.5.29.32.0"

Purpose = Literal["email-protection", "ocsp-signing", "any"]
Use = Literal["sign", "encrypt", "any"]


class Limits(NamedTuple):
    """Largest numbers; above one of them the answer is `untrusted` or `unknown`, with a finding of kind `limit`."""

    milliseconds: int = 500
    """Of one validation; a single public-key operation is not interrupted."""
    intermediates: int = 200
    """Certificates beside the one in question that are looked at."""
    path_length: int = 10
    """Certificates between the one in question and the anchor; self-issued ones count."""
    signatures: int = 100
    """Signatures on certificates that are checked while paths are built."""
    paths: int = 32
    """Whole paths that are validated."""
    names: int = 262_144
    """Comparisons of a name with a name constraint on one path."""
    policies: int = 256
    """Policies, or mappings of them, in one certificate."""
    certificate_bytes: int = 65_536
    list_bytes: int = 67_108_864
    """Bytes of one revocation list; 64 MiB are a million entries."""
    lists: int = 64
    """Revocation lists and responses that are looked at for one certificate."""


class Demands(NamedTuple):
    """What the verifier asks of a path. The defaults are for the signature of a mail."""

    purpose: Purpose = "email-protection"
    """Extended key usage of the certificate, and of each above it that states any (RFC 8550 §4.4.4)."""
    use: Use = "sign"
    """`sign`: digitalSignature or nonRepudiation; `encrypt`: keyEncipherment of an RSA key, keyAgreement of another (RFC 8550 §4.4.2)."""
    revocation: bool = True
    """False asks nobody: a chain alone is judged, and each status says `unchecked`."""
    strict: bool = False
    """Also refuse what RFC 5280 §4 and §5 forbid an issuer to write and §6 lets a validator pass."""
    sha1: bool = False
    """Take signatures on certificates and lists that use SHA-1, and DSA."""
    least_rsa_bits: int = 2_048
    """Of the key of every issuer on the path (RFC 8550 §4.2); the certificate's own is judged with its signature."""
    policies: frozenset[str] = frozenset((ANY_POLICY,))
    """user-initial-policy-set, dotted."""
    explicit_policy: bool = False
    inhibit_mapping: bool = False
    inhibit_any_policy: bool = False
    most_intermediates: int | None = None
    """Intermediates that are not self-issued (RFC 5280 §4.2.1.9); None leaves it to the certificates."""
    response_age_seconds: int = 86_400
    """How old an OCSP response without nextUpdate may be."""
    limits: Limits = Limits()
