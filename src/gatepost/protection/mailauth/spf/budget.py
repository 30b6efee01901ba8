# SPDX-License-Identifier: Apache-2.0
"""How much DNS one check may cost (RFC 7208 §4.6.4); with all limits reached it has asked about 130 questions.

terms   include, a, mx, ptr, exists and redirect, whole check    10   else permerror
voids   questions of such a term without any answer              2   else permerror
names   hosts of one mx                                          10   else permerror
        names of one address for ptr and %{p}                    10   the others are not looked at
"""

TERMS = 10
VOIDS = 2
NAMES = 10


class Budget:
    """What one check has spent."""

    def __init__(self) -> None:
        self.terms = 0
        self.voids = 0

    def term(self) -> bool:
        """Count a term that asks the DNS; False when it is one too many."""
        self.terms += 1
        return self.terms <= TERMS

    def void(self) -> bool:
        """Count a question without an answer; False when it is one too many."""
        self.voids += 1
        return self.voids <= VOIDS
