# SPDX-License-Identifier: Apache-2.0
"""What one validation may still spend: time, and signatures. Spent, it ends the work with a `Refusal` of kind `too-large`."""

from time import monotonic

from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.paths.demands import Limits


class Budget:
    """Counts down through one validation, revocation and its helpers' paths included."""

    __slots__ = ("_ends", "_signatures", "paths")

    def __init__(self, limits: Limits) -> None:
        self._ends = monotonic() + limits.milliseconds / 1000
        self._signatures = limits.signatures
        self.paths = limits.paths

    def spend_signature(self) -> None:
        """Take one signature check off; `Refusal` when none or no time is left."""
        self._signatures -= 1
        if self._signatures < 0:
            raise Refusal("too-large", "too many signatures would have to be checked to find a path")
        self.look_at_clock()

    def spend_path(self) -> None:
        """Take one whole path off; `Refusal` when none or no time is left."""
        self.paths -= 1
        if self.paths < 0:
            raise Refusal("too-large", "too many paths would have to be looked at")
        self.look_at_clock()

    def look_at_clock(self) -> None:
        """Raise `Refusal` when the time is over."""
        if monotonic() > self._ends:
            raise Refusal("too-large", "validation takes longer than it may")
