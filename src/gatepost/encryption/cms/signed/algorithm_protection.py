# SPDX-License-Identifier: Apache-2.0
"""CMSAlgorithmProtection: the signer's algorithms among the signed attributes, so that nobody can exchange them (RFC 6211)."""

from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.algorithm import Algorithm, read_algorithm
from gatepost.encryption.cms.attributes import VALUE_LIMITS, Attributes
from gatepost.encryption.cms.ber import EXPLICIT, SEQUENCE, cursor_on
from gatepost.encryption.cms.fault import Refusal

_SIGNATURE = EXPLICIT | 1


def write_protection(digest: bytes, signature: bytes) -> bytes:
    """Write the attribute's value from the two encoded algorithms."""
    return der.sequence(digest, bytes((_SIGNATURE,)) + signature[1:])


def contradicts(attributes: Attributes, digest: Algorithm, signature: Algorithm) -> bool:
    """Say whether the attribute is there and names other algorithms; NULL and absent parameters are the same."""
    if oids.ALGORITHM_PROTECTION not in attributes.values:
        return False
    value = attributes.only(oids.ALGORITHM_PROTECTION)
    if value is None:
        return True
    try:
        inside = cursor_on(value, VALUE_LIMITS).enter(SEQUENCE)
        signed_digest = read_algorithm(inside)
        if inside.peek() != _SIGNATURE:
            return True
        signed_signature = read_algorithm(inside, _SIGNATURE)
        inside.close()
    except Refusal:
        return True
    return not (_same(signed_digest, digest) and _same(signed_signature, signature))


def _same(one: Algorithm, other: Algorithm) -> bool:
    return one.oid == other.oid and (one.parameters == other.parameters or (one.plain and other.plain))
