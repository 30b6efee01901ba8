# SPDX-License-Identifier: Apache-2.0
"""What RFC 5280 §4 forbids an issuer to write: looked at where `Demands.strict` asks for it.

Such a certificate is made badly and still says clearly who vouches for whom, so §6 lets a validator take it.
"""

import re

from gatepost.encryption.paths import oids
from gatepost.encryption.paths.credential import CERT_SIGN, Credential

_MUST_NOT_BE_CRITICAL = (oids.AUTHORITY_KEY, oids.SUBJECT_KEY, oids.AUTHORITY_ACCESS, oids.SUBJECT_ACCESS, oids.FRESHEST_LIST)
_MUST_BE_CRITICAL = (oids.POLICY_CONSTRAINTS, oids.INHIBIT_ANY_POLICY)
"""Name constraints that are not critical are common, and constrain all the same."""
_IP_ADDRESS = re.compile(rb"[0-9.]+|.*:.*", re.DOTALL)
_MOST_SERIAL_OCTETS = 20


def breach(credential: Credential, is_issuer: bool) -> str:
    """Say what RFC 5280 forbids in a certificate, '' when nothing is."""
    serial = credential.certificate.serial
    is_root = credential.is_ca and credential.self_issued  # known by its bytes; old ones have number 0
    if not is_root and (serial[:1] >= b"\x80" or not serial.strip(b"\0") or len(serial) > _MOST_SERIAL_OCTETS):
        return "the serial number is not positive, or has more than 20 octets (RFC 5280 §4.1.2.2)"
    if credential.issuer == b"\x30\0":
        return "the issuer has no name (RFC 5280 §4.1.2.4)"
    for oid in _MUST_NOT_BE_CRITICAL:
        if credential.is_critical(oid):
            return "an extension is critical that must not be (RFC 5280 §4.2)"
    for oid in _MUST_BE_CRITICAL:
        if oid in credential.extensions and not credential.is_critical(oid):
            return "an extension is not critical that must be (RFC 5280 §4.2.1)"
    return _breach_in_keys(credential) or _breach_in_names(credential) or (_breach_of_issuer(credential) if is_issuer else "")


def _breach_in_keys(credential: Credential) -> str:
    if not credential.authority_key and not credential.self_issued:
        return "there is no authority key identifier (RFC 5280 §4.2.1.1)"
    if credential.is_ca and not credential.subject_key:
        return "an authority has no subject key identifier (RFC 5280 §4.2.1.2)"
    if not credential.is_ca and oids.NAME_CONSTRAINTS in credential.extensions:
        return "a certificate that is no authority has name constraints (RFC 5280 §4.2.1.10)"
    if not credential.is_ca and credential.usage is not None and credential.usage & CERT_SIGN:
        return "a certificate that is no authority may sign certificates (RFC 5280 §4.2.1.3)"
    if credential.usage == 0:
        return "the key may be used for nothing (RFC 5280 §4.2.1.3)"
    return ""


def _breach_in_names(credential: Credential) -> str:
    if oids.SUBJECT_NAMES in credential.extensions and not credential.names:
        return "the alternative names are empty (RFC 5280 §4.2.1.6)"
    if credential.subject == b"\x30\0" and not credential.is_critical(oids.SUBJECT_NAMES):
        return "there is no subject, and the alternative names are not critical (RFC 5280 §4.2.1.6)"
    for name in credential.names:
        if name.kind == "dns" and (not name.value.strip() or _IP_ADDRESS.fullmatch(name.value)):
            return "a DNS name is empty or an IP address (RFC 5280 §4.2.1.6)"
        if name.kind == "ip" and len(name.value) not in (4, 16):
            return "an IP address is neither of 4 nor of 16 octets (RFC 5280 §4.2.1.6)"
    return ""


def _breach_of_issuer(credential: Credential) -> str:
    if not credential.is_ca or not credential.is_critical(oids.BASIC_CONSTRAINTS):
        return "an issuer's basic constraints are missing, or not critical (RFC 5280 §4.2.1.9)"
    if not credential.allows(CERT_SIGN):
        return "an authority's key may not sign certificates (RFC 5280 §4.2.1.3)"
    return ""
