# SPDX-License-Identifier: Apache-2.0
"""What mail authentication found, as values: SPF, DKIM, ARC, DMARC (results as RFC 8601 §2.7 names them).

`temperror` is a matter of the moment (a resolver that did not answer), `permerror` of the sender's records.
Nothing here is an exception: a forged mail is as ordinary as a signed one.
"""

from typing import Literal

import msgspec

SpfResult = Literal["none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"]
DkimResult = Literal["pass", "fail", "policy", "neutral", "temperror", "permerror"]
ArcResult = Literal["none", "pass", "fail"]
DmarcResult = Literal["none", "pass", "fail", "temperror", "permerror"]
DmarcPolicy = Literal["none", "quarantine", "reject"]


class Spf(msgspec.Struct, frozen=True):
    """The check of one identity (RFC 7208)."""

    result: SpfResult = "none"
    domain: str = ""
    """The domain that was checked."""
    identity: Literal["mailfrom", "helo"] = "mailfrom"
    reason: str = ""
    """The mechanism that decided, or what was wrong; one line."""
    explanation: str = ""
    """The domain's own words for a fail (`exp=`); untrusted text, one line, at most 500 characters."""


class DkimSignature(msgspec.Struct, frozen=True):
    """One DKIM-Signature field and what its check gave (RFC 6376, RFC 8463)."""

    result: DkimResult
    domain: str = ""
    """d=, in A-labels and lower case."""
    selector: str = ""
    identity: str = ""
    """i=, or `@d`."""
    algorithm: str = ""
    reason: str = ""
    key_bits: int = 0
    signature_start: str = ""
    """The first 8 characters of b=, as Authentication-Results names it (RFC 6008)."""


class Arc(msgspec.Struct, frozen=True):
    """The ARC chain (RFC 8617)."""

    result: ArcResult = "none"
    instances: int = 0
    sealers: tuple[str, ...] = ()
    """d= of each ARC-Seal, oldest first."""
    oldest_pass: int = 0
    reason: str = ""


class Dmarc(msgspec.Struct, frozen=True):
    """DMARC for the author domain (RFC 9989)."""

    result: DmarcResult = "none"
    author_domain: str = ""
    """The domain of the From field; '' when there is not exactly one."""
    policy_domain: str = ""
    """Where the policy record was found."""
    organizational_domain: str = ""
    policy: DmarcPolicy | None = None
    """The policy that applies to this mail; None when there is no record."""
    testing: bool = False
    """The domain asks that its policy is not applied yet (`t=y`)."""
    spf_aligned: bool = False
    dkim_aligned: bool = False
    reason: str = ""


class Authentication(msgspec.Struct, frozen=True):
    """All of it for one mail."""

    spf: Spf = Spf()
    helo_spf: Spf = Spf(identity="helo")
    dkim: tuple[DkimSignature, ...] = ()
    arc: Arc = Arc()
    dmarc: Dmarc = Dmarc()
