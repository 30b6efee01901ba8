# SPDX-License-Identifier: Apache-2.0
"""The signing-certificate attributes: which certificate the signer meant, by its hash (RFC 5035; RFC 2634 §5.4 with SHA-1).

They keep a forger from passing off another certificate with the same key as the signer's.
"""

import hmac

from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.algorithm import read_algorithm
from gatepost.encryption.cms.attributes import VALUE_LIMITS, Attributes
from gatepost.encryption.cms.ber import SEQUENCE, cursor_on
from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.digests import name_of
from gatepost.encryption.cms.fault import Refusal


def write_signing_certificate(certificate: Certificate) -> bytes:
    """Write the value of signing-certificate-v2 with its default hash, SHA-256."""
    return der.sequence(der.sequence(der.sequence(der.octet_string(certificate.digest("sha256")))))


def names_certificate(attributes: Attributes, certificate: Certificate) -> bool:
    """Say whether the signer meant this certificate: the first hash of each such attribute fits; true where there is none."""
    try:
        return all(_fits(attributes, kind, certificate) for kind in (oids.SIGNING_CERTIFICATE, oids.SIGNING_CERTIFICATE_V2))
    except Refusal:
        return False


def _fits(attributes: Attributes, kind: bytes, certificate: Certificate) -> bool:
    if kind not in attributes.values:
        return True
    value = attributes.only(kind)
    if value is None:
        return False
    first = cursor_on(value, VALUE_LIMITS).enter(SEQUENCE).enter(SEQUENCE).enter(SEQUENCE)
    digest = "sha1" if kind == oids.SIGNING_CERTIFICATE else "sha256"
    if kind == oids.SIGNING_CERTIFICATE_V2 and first.peek() == SEQUENCE:
        digest = name_of(read_algorithm(first))
    return hmac.compare_digest(first.value(0x04), certificate.digest(digest))
