# SPDX-License-Identifier: Apache-2.0
"""Certificate policies along a path (RFC 5280 §6.1, with the graph of RFC 9618 in place of the tree).

The tree of RFC 5280 doubles with each hostile mapping; a graph has at most one node for each policy in each certificate, and
says the same. A level maps a policy to the policies expected below it and to its parents in the level above.
"""

from typing import NamedTuple

from gatepost.encryption.cms.ber import IMPLICIT, INTEGER, OID, SEQUENCE, Cursor
from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.oids import dotted, encoded
from gatepost.encryption.paths import oids
from gatepost.encryption.paths.credential import Credential
from gatepost.encryption.paths.demands import ANY_POLICY, Demands

_ANY = oids.ANY_POLICY


class _Node(NamedTuple):
    expected: frozenset[bytes]
    parents: frozenset[bytes]


class PolicyConstraints(NamedTuple):
    """How many more certificates may come before a policy is required, and before mappings no longer count."""

    require_explicit: int | None
    inhibit_mapping: int | None


class PolicyWork:
    """The policies of a path so far, with the three counters of RFC 5280 §6.1.2."""

    __slots__ = ("_any", "_explicit", "_levels", "_mapping", "_most")

    def __init__(self, demands: Demands, certificates: int) -> None:
        self._levels: list[dict[bytes, _Node]] | None = [{_ANY: _Node(frozenset((_ANY,)), frozenset())}]
        self._explicit = 0 if demands.explicit_policy else certificates + 1
        self._mapping = 0 if demands.inhibit_mapping else certificates + 1
        self._any = 0 if demands.inhibit_any_policy else certificates + 1
        self._most = demands.limits.policies

    def take(self, credential: Credential, last: bool) -> str:
        """Do steps (d) to (f) of §6.1.3 with one certificate; say what is wrong, '' when nothing is."""
        cursor = credential.value(oids.POLICIES)
        if cursor is None:
            self._levels = None
        elif self._levels is not None:
            any_allowed = self._any > 0 or (not last and credential.self_issued)
            self._descend(self._levels, read_policies(cursor, self._most), any_allowed)
        else:
            cursor.enter(SEQUENCE)  # what counts no more is still to be what it says
        if self._explicit <= 0 and self._levels is None:
            return "no certificate policy holds on the whole path, and one is required"
        return ""

    def prepare(self, credential: Credential) -> str:
        """Do steps (a), (b) and (h) to (j) of §6.1.4 with a certificate that issued the next one."""
        cursor = credential.value(oids.MAPPINGS)
        if cursor is not None:
            mappings = read_mappings(cursor, self._most)
            if _ANY in mappings or any(_ANY in subjects for subjects in mappings.values()):
                return "a policy is mapped to or from anyPolicy"
            if self._levels is not None:
                self._map(self._levels, mappings)
        if not credential.self_issued:
            self._count_down()
        self._constrain(credential)
        skip = credential.value(oids.INHIBIT_ANY_POLICY)
        if skip is not None:
            self._any = min(self._any, _count(skip, INTEGER))
        return ""

    def finish(self, credential: Credential, wanted: frozenset[str]) -> tuple[str, frozenset[str]]:
        """Do steps (a), (b) and (g) of §6.1.5: what is wrong, and the policies that hold."""
        self._explicit = max(self._explicit - 1, 0)
        cursor = credential.value(oids.POLICY_CONSTRAINTS)
        if cursor is not None and read_policy_constraints(cursor).require_explicit == 0:
            self._explicit = 0
        holding = self._holding(wanted)
        if self._explicit <= 0 and not holding:
            return "none of the certificate policies that are wanted holds on the whole path", frozenset()
        return "", frozenset(map(dotted, holding))

    def _descend(self, levels: list[dict[bytes, _Node]], policies: frozenset[bytes], any_allowed: bool) -> None:
        above, here = levels[-1], {}
        expecting: dict[bytes, set[bytes]] = {}
        for parent, node in above.items():
            for policy in node.expected:
                expecting.setdefault(policy, set()).add(parent)
        for policy in policies - {_ANY}:
            parents = expecting.get(policy) or ({_ANY} if _ANY in above else None)
            if parents:
                here[policy] = _Node(frozenset((policy,)), frozenset(parents))
        if _ANY in policies and any_allowed:
            for policy, parents in expecting.items():
                if policy not in here:
                    here[policy] = _Node(frozenset((policy,)), frozenset(parents))
        if here:
            levels.append(here)
        else:
            self._levels = None

    def _map(self, levels: list[dict[bytes, _Node]], mappings: dict[bytes, set[bytes]]) -> None:
        here = levels[-1]
        for policy, subjects in mappings.items():
            if self._mapping > 0:
                if policy in here:
                    here[policy] = here[policy]._replace(expected=frozenset(subjects))
                elif _ANY in here:
                    here[policy] = _Node(frozenset(subjects), here[_ANY].parents)
            else:
                here.pop(policy, None)
        if not here:
            self._levels = None

    def _count_down(self) -> None:
        self._explicit = max(self._explicit - 1, 0)
        self._mapping = max(self._mapping - 1, 0)
        self._any = max(self._any - 1, 0)

    def _constrain(self, credential: Credential) -> None:
        cursor = credential.value(oids.POLICY_CONSTRAINTS)
        if cursor is None:
            return
        constraints = read_policy_constraints(cursor)
        if constraints.require_explicit is not None:
            self._explicit = min(self._explicit, constraints.require_explicit)
        if constraints.inhibit_mapping is not None:
            self._mapping = min(self._mapping, constraints.inhibit_mapping)

    def _holding(self, wanted: frozenset[str]) -> frozenset[bytes]:
        """Intersect the policies that lead to the last certificate, as the anchor's domain names them, with the wanted ones."""
        if self._levels is None:
            return frozenset()
        reached, domain = set(self._levels[-1]), set()
        any_at_last = _ANY in reached
        for level in reversed(self._levels[1:]):
            domain |= {policy for policy in reached if policy != _ANY and _ANY in level[policy].parents}
            reached = {parent for policy in reached for parent in level[policy].parents}
        if ANY_POLICY in wanted:
            return frozenset(domain | ({_ANY} if any_at_last else set()))
        wanted_octets = frozenset(map(encoded, wanted))
        return wanted_octets if any_at_last else wanted_octets & domain


def read_policies(cursor: Cursor, most: int) -> frozenset[bytes]:
    """Read the policies of a certificate; their qualifiers say nothing to a machine."""
    held, found, number = cursor.enter(SEQUENCE), set(), 0
    while held.position < held.end:
        found.add(held.enter(SEQUENCE).value(OID))
        number += 1
        if number > most:
            raise Refusal("too-large", f"a certificate has more than {most} policies")
    if not found or len(found) != number:
        raise Refusal("malformed", "certificate policies are empty, or one is said twice")
    return frozenset(found)


def read_mappings(cursor: Cursor, most: int) -> dict[bytes, set[bytes]]:
    """Read policyMappings: a policy of the issuer's domain, and those of the subject's that are as good."""
    held, found, number = cursor.enter(SEQUENCE), dict[bytes, set[bytes]](), 0
    while held.position < held.end:
        mapping = held.enter(SEQUENCE)
        issuer, subject = mapping.value(OID), mapping.value(OID)
        mapping.close()
        found.setdefault(issuer, set()).add(subject)
        number += 1
        if number > most:
            raise Refusal("too-large", f"a certificate maps more than {most} policies")
    return found


def read_policy_constraints(cursor: Cursor) -> PolicyConstraints:
    """Read the extension's value."""
    held = cursor.enter(SEQUENCE)
    explicit = _count(held, IMPLICIT | 0) if held.peek() == IMPLICIT | 0 else None
    mapping = _count(held, IMPLICIT | 1) if held.peek() == IMPLICIT | 1 else None
    held.close()
    return PolicyConstraints(explicit, mapping)


def _count(cursor: Cursor, tag: int) -> int:
    value = cursor.value(tag)
    if not 1 <= len(value) <= 8 or value[0] & 0x80:
        raise Refusal("malformed", "a number of certificates is negative, or too large")
    return int.from_bytes(value)
