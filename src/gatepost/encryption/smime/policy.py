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

    def after(self, overhead_bytes: int) -> "ReadPolicy":
        """Give what is left of the limits for the layers inside one with so much beside its content."""
        left = max(self.cms.overhead_bytes - overhead_bytes, 0)
        return self._replace(cms=self.cms._replace(overhead_bytes=left))


class ReleasePolicy(NamedTuple):
    """What leaves of a decrypted mail."""

    unauthenticated: Unauthenticated = "neutralised"
    """Content under CBC without an intact signature inside: kept back, or released with all that is active made plain text."""
    signatures: Literal["kept", "removed"] = "kept"
    """Whether a signature inside stays on the mail, so that its reader can check it again."""


READ = ReadPolicy()
RELEASE = ReleasePolicy()
