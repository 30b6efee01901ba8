# SPDX-License-Identifier: Apache-2.0
"""Everything about one mail that a check reads, and the macro values made of it (RFC 7208 §2.4, §7.2)."""

from typing import NamedTuple

from gatepost.protection.mailauth.spf.client import Client


class Identity(NamedTuple):
    """Who claims to send, from where."""

    client: Client
    local: str
    domain: str
    """The domain to check first; macro o."""
    helo: str
    hostname: str
    """The name of this gateway; macro r."""
    now: float
    """Seconds since the epoch; macro t."""

    def values(self, domain: str, validated_name: str) -> dict[str, str]:
        """Give the text of each macro for the current domain; `validated_name` need be right only where p is used."""
        return {
            "s": f"{self.local}@{self.domain}",
            "l": self.local,
            "o": self.domain,
            "d": domain,
            "i": self.client.dotted,
            "p": validated_name,
            "v": "in-addr" if self.client.version == 4 else "ip6",
            "h": self.helo,
            "c": self.client.address,
            "r": self.hostname,
            "t": str(int(self.now)),
        }
