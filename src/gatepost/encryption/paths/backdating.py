# SPDX-License-Identifier: Apache-2.0
"""What a revocation at one time says about another.

A signature made before its certificate was revoked is good, unless the key may have been in other hands: then whoever holds it
can write any time into a signature, so such a certificate is revoked for all times.
"""

from datetime import UTC, datetime
from typing import Literal

from gatepost.encryption.paths.outcome import Status

_HARMLESS = frozenset(("affiliationChanged", "superseded", "cessationOfOperation", "privilegeWithdrawn"))


def judged(revoked: int, reason: str, second: int, source: Literal["crl", "ocsp"], fresh_until: int) -> Status:
    """Give the status at a second of a certificate that was revoked at another."""
    revoked_at = datetime.fromtimestamp(revoked, UTC)
    if second >= revoked or reason not in _HARMLESS:
        return Status("revoked", source, reason, revoked_at, since=revoked if second >= revoked else 0)
    if second > fresh_until:
        return Status("unknown", source, "the source is too old", since=second)
    return Status("good", source, until=min(revoked - 1, fresh_until))
