# SPDX-License-Identifier: Apache-2.0
"""Address patterns, as rules write them.

    user@example.com     this address
    *user@example.com    every address of example.com that ends so
    *@example.com        every address of example.com, not of its subdomains
    *.example.com        every address of a subdomain of example.com, at any depth
    *                    every address
    <>                   the null sender of reports, and nothing else

Capitals do not count, in local parts neither, and `"user"@example.com` is `user@example.com` (RFC 5321 §4.1.2).
Promise: to match takes time linear in the length of the address, however many patterns there are; only
the `*user@` patterns of the address's own domain are tried one by one.
"""

from collections.abc import Iterable

from gatepost.message.addresses import Address
from gatepost.message.domains import a_label, address_literal
from gatepost.message.parameters import unescape

NULL_SENDER = "<>"
_FORMS = "write user@example.com, *user@example.com, *@example.com, *.example.com or *"


class Patterns:
    """The patterns of one scope, sorted into tables by their form."""

    __slots__ = ("_addresses", "_below", "_domains", "_endings", "_null", "_rest", "written")

    def __init__(self, patterns: Iterable[str]) -> None:
        self.written = tuple(patterns)
        """As the rule has them; each was found good by `pattern_fault`."""
        self._rest = self._null = False
        self._addresses: set[tuple[str, str]] = set()
        self._domains: set[str] = set()
        self._below: set[str] = set()
        endings: dict[str, list[str]] = {}
        for pattern in self.written:
            if pattern == NULL_SENDER:
                self._null = True
            elif pattern == "*":
                self._rest = True
            elif pattern.startswith("*."):
                self._below.add(_domain(pattern[2:]) or "")
            else:
                untrusted_local, _, domain = pattern.rpartition("@")
                domain = _domain(domain) or ""
                if untrusted_local == "*":
                    self._domains.add(domain)
                elif untrusted_local.startswith("*"):
                    endings.setdefault(domain, []).append(_local(untrusted_local[1:]))
                else:
                    self._addresses.add((_local(untrusted_local), domain))
        self._endings = {domain: tuple(locals_) for domain, locals_ in endings.items()}

    def match(self, address: Address | None) -> bool:
        """Tell whether one of the patterns is this address; None is the null sender."""
        if address is None:
            return self._null
        if self._rest:
            return True
        domain = address.domain
        if domain in self._domains or (self._below and self._is_below(domain)):
            return True
        if not self._addresses and domain not in self._endings:
            return False
        local = _local(address.local)
        return (local, domain) in self._addresses or local.endswith(self._endings.get(domain, ()))

    def _is_below(self, domain: str) -> bool:
        # A domain has at most 127 labels (RFC 1035 §2.3.4), so this is bounded.
        _, _, parent = domain.partition(".")
        while parent:
            if parent in self._below:
                return True
            _, _, parent = parent.partition(".")
        return False


def pattern_fault(pattern: str, *, null_allowed: bool) -> tuple[str, str] | None:
    """Tell what is wrong with a pattern, and the mend; None when it is good."""
    if pattern == "*" or (null_allowed and pattern == NULL_SENDER):
        return None
    if pattern == NULL_SENDER:
        return "the null sender is no recipient and no author", _FORMS
    if pattern.startswith("*."):
        return None if _domain(pattern[2:]) else (f"{pattern!r} names no domain", _FORMS)
    untrusted_local, at, untrusted_domain = pattern.rpartition("@")
    if not at:
        known = _domain(pattern)
        return f"{pattern!r} is no address", f"write *@{pattern} for the addresses of this domain" if known else _FORMS
    if not untrusted_local:
        return f"{pattern!r} has nothing before the @", f"write *{pattern}"
    if "*" in untrusted_domain:
        return f"{pattern!r} has a * behind the @", "write *.example.com for subdomains, and one pattern for each domain"
    if "*" in untrusted_local[1:]:
        return f"{pattern!r} has a * that is not at its beginning", _FORMS
    if not _domain(untrusted_domain):
        return f"{untrusted_domain!r} is no domain", _FORMS
    return _local_fault(untrusted_local.removeprefix("*"), pattern)


def _local_fault(untrusted_local: str, pattern: str) -> tuple[str, str] | None:
    if untrusted_local.startswith('"') and untrusted_local.endswith('"') and len(untrusted_local) > 2:
        return None
    if untrusted_local != "".join(untrusted_local.split()) or not set(untrusted_local).isdisjoint('"<>(),;:@[]\\'):
        return f"{pattern!r} is no address", _FORMS
    return None


def _domain(untrusted: str) -> str | None:
    return address_literal(untrusted) if untrusted.startswith("[") else a_label(untrusted)


def _local(local: str) -> str:
    if len(local) > 1 and local[0] == '"' and local[-1] == '"':
        local = unescape(local[1:-1])
    return local.lower() if local.isascii() else local.casefold()
