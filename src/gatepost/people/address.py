# SPDX-License-Identifier: Apache-2.0
"""An address as somebody wrote it, and as it is compared: small letters, the domain in A-labels."""

from typing import NamedTuple

from gatepost.message.domains import a_label
from gatepost.smtp.session.paths import parse_path


class Folded(NamedTuple):
    """An address to compare by."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


def folded(untrusted_address: str) -> Folded | None:
    """Fold an address with a domain name; None when it is none, or its domain is an IP address in brackets."""
    if untrusted_address.startswith("@"):
        return None  # a source route
    address = parse_path(untrusted_address)
    return Folded(address.local.casefold(), address.domain) if address is not None and is_name(address.domain) else None


def folded_domain(untrusted_domain: str) -> str | None:
    """Give a domain name in small A-labels; None when it is none."""
    domain = a_label(untrusted_domain)
    return domain if domain is not None and is_name(domain) else None


def is_name(domain: str) -> bool:
    """Tell whether a normalised domain is a name, and no IP address."""
    return bool(domain) and domain[0] != "[" and not domain.rpartition(".")[2].isdigit()
