# SPDX-License-Identifier: Apache-2.0
"""TLS between roles: version 1.3 alone, both ends known by exactly the certificate that was pinned at their pairing.

STANDARDS
    RFC 8446 (TLS 1.3).
"""

import ssl
from collections.abc import Iterable

from gatepost.errors import ControlError
from gatepost.replication.certificate import Identity, fingerprint_of, readable

_EXPIRED = 10
"""X509_V_ERR_CERT_HAS_EXPIRED."""
_ALERTS = {
    "UNKNOWN_CA": "does not know our certificate; pair the two anew with `gatepost role join`",
    "CERTIFICATE_EXPIRED": "says that our certificate has expired; remove the folder `link` in our data folder, start again, and join anew",
    "CERTIFICATE_REQUIRED": "wants a certificate; pair the two with `gatepost role join`",
    "BAD_CERTIFICATE": "does not take our certificate; pair the two anew with `gatepost role join`",
}


def server_context(identity: Identity, pinned: Iterable[str]) -> ssl.SSLContext:
    """Give the context of a listener that these PEM certificates may call; one that shows none has yet to be paired."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(identity.certificate, identity.key)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.num_tickets = 0  # A resumed session would outlive a pin that was taken back.
    for pem in pinned:
        context.load_verify_locations(cadata=pem)
    return context


def client_context(identity: Identity, pinned: str) -> ssl.SSLContext:
    """Give the context for calls to the role with this PEM certificate."""
    context = _client_context()
    context.load_cert_chain(identity.certificate, identity.key)
    context.load_verify_locations(cadata=pinned)
    return context


def pairing_context() -> ssl.SSLContext:
    """Give the context for a first call: any certificate passes the handshake, its fingerprint is compared with the token's."""
    context = _client_context()
    context.verify_mode = ssl.CERT_NONE
    return context


def _client_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # Known by its fingerprint, whatever it is called.
    return context


def shown_fingerprint(transport_object: ssl.SSLObject | ssl.SSLSocket | None) -> str:
    """Give the fingerprint of the certificate that the other end showed; '' when it showed none."""
    der = transport_object.getpeercert(binary_form=True) if transport_object is not None else None
    return fingerprint_of(der) if der else ""


def refuse_other(address: str, pinned: str, shown: str) -> None:
    """Raise ControlError unless the other end showed the certificate with this fingerprint."""
    if shown != pinned:
        raise ControlError(
            f"{address} shows the certificate {readable(shown)}, not {readable(pinned)}; "
            "somebody may be in between, or it was renewed: then ask it for a new token and join again"
        )


def tls_sentence(address: str, error: ssl.SSLError) -> str:
    """Say what a failed TLS connection to a role means, and how to mend it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code == _EXPIRED:
            return f"{address} shows a certificate that has expired; remove its folder `link`, start it again, and join anew"
        return f"{address} shows another certificate than the one it was paired with; if it was renewed on purpose, leave and join again"
    said = (error.reason or "").upper()
    for alert, sentence in _ALERTS.items():
        if alert in said:
            return f"{address} {sentence}"
    return f"{address} does not speak TLS 1.3 as roles do ({error.reason or error}); check the address"
