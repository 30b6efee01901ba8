# SPDX-License-Identifier: Apache-2.0
"""What is read and what is released of an S/MIME mail; the CMS room's policy says which algorithms."""

from typing import Literal, NamedTuple

from gatepost.config.limits import MessageLimits
from gatepost.encryption.cms import limits as cms_limits
from gatepost.encryption.cms import policy as cms_policy

Unauthenticated = Literal["held", "neutralised"]


class ReadPolicy(NamedTuple):
    """How far a mail is read."""

    algorithms: cms_policy.Policy = cms_policy.STRICT
    layers: int = 8
    """Signatures and encryptions inside each other."""
    message: MessageLimits = MessageLimits()
    cms: cms_limits.Limits = cms_limits.DEFAULT
    """Of each layer's object; what is beside the content is counted over all layers together."""
    inside_bytes: int = 117_440_512
    """Bytes that are kept of all layers together, 112 MiB: as much as a content of 46 MiB that is signed opaque and then encrypted."""

    def after(self, overhead_bytes: int, inside_bytes: int) -> "ReadPolicy":
        """Give what is left of the limits for the layers inside one with so much beside its content, and so much kept of it."""
        beside, inside = max(self.cms.overhead_bytes - overhead_bytes, 0), max(self.inside_bytes - inside_bytes, 0)
        limits = self.cms._replace(overhead_bytes=beside, size_bytes=min(self.cms.size_bytes, inside))
        return self._replace(cms=limits, inside_bytes=inside)


class ReleasePolicy(NamedTuple):
    """What leaves of a decrypted mail."""

    unauthenticated: Unauthenticated = "neutralised"
    """Content under CBC without an intact signature inside: kept back, or released with all that is active made plain text."""
    signatures: Literal["kept", "removed"] = "kept"
    """Whether a signature inside stays on the mail, so that its reader can check it again."""


READ = ReadPolicy()
RELEASE = ReleasePolicy()
