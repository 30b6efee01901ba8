# SPDX-License-Identifier: Apache-2.0
"""SMIMECapabilities: what a signer can decrypt, most wanted first (RFC 8551 §2.5.2). Ours names nothing that is broken."""

from typing import NamedTuple

from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.ber import OID, SEQUENCE, AnyBytes, cursor_on
from gatepost.encryption.cms.fault import Fault, Refusal
from gatepost.encryption.cms.limits import Limits

_LIMITS = Limits(size_bytes=65_536)
_MOST = 100


class Capability(NamedTuple):
    """One algorithm that a peer says it has."""

    oid: bytes
    parameters: bytes = b""


OURS = (
    Capability(oids.AES256_GCM),
    Capability(oids.AES128_GCM),
    Capability(oids.AES256_CBC),
    Capability(oids.AES128_CBC),
)


def write_capabilities(capabilities: tuple[Capability, ...]) -> bytes:
    """Write the attribute's value."""
    return der.sequence(*(der.sequence(der.oid(one.oid), one.parameters) for one in capabilities))


def read_capabilities(untrusted: AnyBytes) -> tuple[Capability, ...] | Fault:
    """Read the attribute's value, or that of the certificate's extension of the same name."""
    try:
        listed, found = cursor_on(untrusted, _LIMITS).enter(SEQUENCE), []
        while listed.position < listed.end:
            one = listed.enter(SEQUENCE)
            found.append(Capability(one.value(OID), one.raw() if one.position < one.end else b""))
            if len(found) > _MOST:
                raise Refusal("too-large", "too many capabilities")
        return tuple(found)
    except Refusal as refusal:
        return refusal.fault
