# SPDX-License-Identifier: Apache-2.0
"""Name constraints (RFC 5280 §4.2.1.10): which names the certificates below may have.

Permitted subtrees of several certificates all hold (their intersection), excluded ones add up. A constraint on a kind of
name that we cannot compare forbids that kind, and a name or a constraint that is not what its kind says forbids that name.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from gatepost.encryption.cms.ber import EXPLICIT, IMPLICIT, SEQUENCE, Cursor
from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.paths.general_names import GeneralName, NameKind, read_general_name, relative_names
from gatepost.encryption.paths.mailbox import folded, read_mailbox, unquoted
from gatepost.message.domains import a_label

_COMPARABLE: frozenset[NameKind] = frozenset(("email", "dns", "directory", "uri", "ip"))
_MOST = 8192
_URI = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://(?:[A-Za-z0-9._~!$&'()*+,;=:%-]*@)?([A-Za-z0-9._-]+)(?::[0-9]*)?(?:[/?#].*)?", re.DOTALL)
"""A URI that has a host name (RFC 3986 §3.2)."""


class NameConstraints(NamedTuple):
    """The subtrees of one certificate."""

    permitted: tuple[GeneralName, ...]
    excluded: tuple[GeneralName, ...]


class NameRules:
    """What the certificates of a path so far demand of the names below, and how many comparisons are left."""

    __slots__ = ("_excluded", "_left", "_permitted")

    def __init__(self, comparisons: int) -> None:
        self._left = comparisons
        self._permitted: list[dict[NameKind, list[bytes]]] = []
        self._excluded: dict[NameKind, list[bytes]] = {}

    def add(self, constraints: NameConstraints) -> None:
        """Take over the constraints of one more certificate."""
        if constraints.permitted:
            self._permitted.append(_by_kind(constraints.permitted, {}))
        _by_kind(constraints.excluded, self._excluded)

    def objection(self, names: Iterable[GeneralName]) -> str:
        """Say which of these names is not allowed and why, '' when all are; `Refusal` when that is too much work."""
        if not self._permitted and not self._excluded:
            return ""
        for name in names:
            excluded = self._excluded.get(name.kind)
            if excluded is not None and self._is_within_one(name, excluded, True):
                return f"the {name.kind} name {_shown(name)} is in an excluded subtree"
            for permitted in self._permitted:
                subtrees = permitted.get(name.kind)
                if subtrees is not None and not self._is_within_one(name, subtrees, False):
                    return f"the {name.kind} name {_shown(name)} is in no permitted subtree"
        return ""

    def _is_within_one(self, name: GeneralName, subtrees: list[bytes], excluding: bool) -> bool:
        """Say whether a name lies in one of the subtrees; of what cannot be compared, what makes the path fail."""
        self._left -= len(subtrees)
        if self._left < 0:
            raise Refusal("too-large", "there are too many names and name constraints to compare")
        if name.kind not in _COMPARABLE:
            return excluding
        return any(_is_within(name, subtree, excluding) for subtree in subtrees)


def read_name_constraints(cursor: Cursor) -> NameConstraints:
    """Read the extension's value."""
    held = cursor.enter(SEQUENCE)
    permitted = _read_subtrees(held, EXPLICIT | 0)
    excluded = _read_subtrees(held, EXPLICIT | 1)
    held.close()
    if not permitted and not excluded:
        raise Refusal("malformed", "name constraints constrain nothing")
    return NameConstraints(permitted, excluded)


def _read_subtrees(holder: Cursor, tag: int) -> tuple[GeneralName, ...]:
    if holder.peek() != tag:
        return ()
    held, subtrees = holder.enter(tag), []
    while held.position < held.end:
        subtree = held.enter(SEQUENCE)
        base = read_general_name(subtree)
        if subtree.peek() == IMPLICIT | 0 and subtree.value(IMPLICIT | 0) != b"\0":
            raise Refusal("unsupported", "a name constraint has a minimum")
        subtree.close()  # RFC 5280 §4.2.1.10: no maximum
        _check_base(base)
        subtrees.append(base)
        if len(subtrees) > _MOST:
            raise Refusal("too-large", "there are too many name constraints")
    if not subtrees:
        raise Refusal("malformed", "name constraints have an empty list")
    return tuple(subtrees)


def _check_base(base: GeneralName) -> None:
    if base.kind == "dns" and base.value[:1] == b".":
        raise Refusal("malformed", "a constraint on DNS names begins with a dot")
    if base.kind == "ip":
        half = len(base.value) // 2
        if len(base.value) not in (8, 32):
            raise Refusal("malformed", "a constraint on IP addresses is neither of 8 nor of 32 octets")
        mask = int.from_bytes(base.value[half:])
        inverse = mask ^ ((1 << half * 8) - 1)
        if inverse & (inverse + 1):
            raise Refusal("malformed", "the mask of a constraint on IP addresses has a hole")
    if base.kind == "email" and b"@" in base.value and (base.value[0:1] == b"@" or base.value[-1:] == b"@"):
        raise Refusal("malformed", "a constraint on mail addresses has an empty half")


def _by_kind(names: Iterable[GeneralName], into: dict[NameKind, list[bytes]]) -> dict[NameKind, list[bytes]]:
    for name in names:
        into.setdefault(name.kind, []).append(name.value)
    return into


def _is_within(name: GeneralName, base: bytes, excluding: bool) -> bool:
    match name.kind:
        case "email":
            return _is_mailbox_within(name.value, base, excluding)
        case "dns":
            return _is_dns_within(name.value.lower().rstrip(b"."), base.lower(), excluding)
        case "directory":
            parts, base_parts = relative_names(name.value), relative_names(base)
            return parts[: len(base_parts)] == base_parts
        case "uri":
            return _is_uri_within(name.value, base, excluding)
        case _:
            return _is_address_within(name.value, base)


def _is_mailbox_within(mailbox: bytes, base: bytes, excluding: bool) -> bool:
    read = read_mailbox(mailbox)
    if read is None:
        return excluding
    if b"@" in base:
        one = read_mailbox(base)
        if one is None or one.domain != read.domain:
            return excluding and one is None
        # RFC 5280 §7.5 has local parts equal in each letter; who is bound to From is so in either case.
        return folded(read.local) == folded(one.local) if excluding else unquoted(read.local) == unquoted(one.local)
    host = base.decode("ascii", "replace").lower()
    if host and a_label(host.removeprefix(".")) is None:
        return excluding
    return _is_host_within(read.domain.encode(), host.encode())


def _is_host_within(host: bytes, base: bytes) -> bool:
    """Compare as for mail addresses and URIs: a leading dot means every host below, none means this host."""
    return host.endswith(base) and len(host) > len(base) if base[:1] == b"." else base in (b"", host)


def _is_dns_within(name: bytes, base: bytes, excluding: bool) -> bool:
    if not base or name == base or name.endswith(b"." + base):
        return True
    # A wildcard may stand for a name that is excluded.
    return excluding and name[:2] == b"*." and base.endswith(name[1:]) and b"." not in base[: -len(name) + 1]


def _is_uri_within(uri: bytes, base: bytes, excluding: bool) -> bool:
    match = _URI.fullmatch(uri)
    if match is None or match[1].replace(b".", b"").isdigit():
        return excluding  # RFC 5280 §4.2.1.10: where a URI has no host name, the path is rejected
    return _is_host_within(match[1].lower(), base.lower())


def _is_address_within(address: bytes, base: bytes) -> bool:
    half = len(base) // 2
    if len(address) != half:
        return False
    return all(octet & mask == wanted & mask for octet, wanted, mask in zip(address, base[:half], base[half:], strict=True))


def _shown(name: GeneralName) -> str:
    if name.kind in ("email", "dns", "uri"):
        return ascii(name.value[:100].decode("utf-8", "replace"))
    return name.value[:40].hex()
