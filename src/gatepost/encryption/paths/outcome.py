# SPDX-License-Identifier: Apache-2.0
"""What a validation says: a verdict, the path it rests on, each certificate's revocation, and why."""

from datetime import datetime
from typing import Literal, NamedTuple

from gatepost.encryption.cms.certificate import Certificate

Verdict = Literal[
    "trusted",  # a path holds, and every certificate on it is known not to be revoked (or nobody was to ask)
    "untrusted",  # no path holds, or one certificate on the only ones that do is revoked
    "unknown",  # a path holds, and of one certificate on it nobody could say whether it is revoked
]

FindingKind = Literal[
    "malformed",  # a certificate, list or response cannot be read
    "no-path",  # no chain of certificates leads to an anchor
    "signature",  # an issuer's key did not make the signature
    "algorithm",  # a signature's algorithm is unknown or too weak
    "validity",  # before or after a certificate's time
    "extension",  # a critical extension that we do not know, or one in a form that RFC 5280 forbids
    "not-ca",  # a certificate that may not issue others did
    "path-length",
    "name-constraint",
    "policy",
    "key-usage",
    "revoked",
    "revocation-unknown",
    "revocation-source",  # a list or response that was given could not be used, and why
    "limit",  # the work for this path is more than the limits allow
]


class Finding(NamedTuple):
    """One thing that was found, for the track."""

    kind: FindingKind
    reason: str
    depth: int
    """Whose certificate: 0 is the one that was asked about, 1 its issuer's; -1 where none is meant."""


class Status(NamedTuple):
    """Whether one certificate is revoked."""

    state: Literal["good", "revoked", "unknown", "unchecked"]
    source: Literal["", "crl", "ocsp", "no-check", "anchor"] = ""
    """What said so; `no-check` is the responder's certificate that says of itself that nobody need ask (RFC 6960 §4.2.2.2.1)."""
    reason: str = ""
    """Why it is revoked (RFC 5280 §5.3.1), or why nothing is known."""
    revoked_at: datetime | None = None
    since: int = 0
    """The answer holds from this second (Unix time) ..."""
    until: int = 253_402_300_799
    """... to this one, both included."""


class Outcome(NamedTuple):
    """The answer about one certificate at one time."""

    verdict: Verdict
    path: tuple[Certificate, ...]
    """From the certificate to the anchor; the part that was built where there is no whole one."""
    revocation: tuple[Status, ...]
    """One for each certificate of the path."""
    findings: tuple[Finding, ...]
    policies: frozenset[str] = frozenset()
    """The certificate policies under which the path holds, dotted; `2.5.29.32.0` is any."""
    since: int = 0
    until: int = 0
    """The same answer holds at every second from `since` to `until` (Unix time, both included)."""
