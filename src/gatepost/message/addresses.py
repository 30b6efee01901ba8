# SPDX-License-Identifier: Apache-2.0
"""The two nouns of every envelope: a domain and an address.

A domain is held in lower case and in A-labels (RFC 5891 §4.4); a local part is held as it was
written, quotes included, because only the domain's owner may interpret it (RFC 5321 §2.3.11).
"""

from typing import NamedTuple


class Address(NamedTuple):
    """A mailbox as an envelope names it; `domain` is normalised, `local` is verbatim."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}" if self.domain else self.local

    @property
    def is_ascii(self) -> bool:
        """Whether the address can travel without SMTPUTF8 (RFC 6531 §3.2)."""
        return self.local.isascii()
