# SPDX-License-Identifier: Apache-2.0
"""Build paths: from a certificate up to the anchors, depth first, each signature checked as its edge is taken (RFC 4158).

A certificate whose signature does not hold is never a step, so strangers with the right name cost one check each, and the
budget bounds how many. No two certificates of a path have the same subject and key.
"""

from collections.abc import Iterable, Iterator

from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.paths.budget import Budget
from gatepost.encryption.paths.credential import Credential, read_credential
from gatepost.encryption.paths.demands import Demands
from gatepost.encryption.paths.outcome import Finding
from gatepost.encryption.paths.signed import remembered_signature

Path = tuple[Credential, ...]
"""The certificate first, the anchor last."""


class Shelf:
    """Certificates by their subject."""

    __slots__ = ("_beside", "_by_subject", "faults", "members")

    def __init__(self, certificates: Iterable[Certificate], beside: "Shelf | None" = None) -> None:
        """Put certificates on a shelf; those of another one, beside it, are found by their names too."""
        self._beside = beside
        self._by_subject: dict[bytes, list[Credential]] = {}
        self.members: dict[Certificate, Credential] = {}
        self.faults: list[Fault] = []
        for certificate in certificates:
            if certificate in self.members:
                continue
            credential = read_credential(certificate)
            if isinstance(credential, Fault):
                self.faults.append(credential)
                continue
            self.members[certificate] = credential
            self._by_subject.setdefault(credential.subject, []).append(credential)

    def named(self, subject: bytes) -> list[Credential]:
        """Give those with this subject, a normalised name."""
        own = self._by_subject.get(subject, [])
        if self._beside is None:
            return own
        return own + [one for one in self._beside.named(subject) if one.certificate not in self.members]

    def with_more(self, certificates: tuple[Certificate, ...]) -> "Shelf":
        """Give a shelf that has these as well."""
        return Shelf((*self.members, *certificates), self._beside) if certificates else self

    def issuers_of(self, credential: Credential, second: int) -> list[Credential]:
        """Give those that may have issued a certificate, the likeliest first."""
        found = self.named(credential.issuer)
        if len(found) < 2:
            return found
        wanted = credential.authority_key
        return sorted(
            found,
            key=lambda one: (bool(wanted) and one.subject_key != wanted, not one.not_before <= second <= one.not_after, not one.is_ca),
        )


class Building:
    """The search for paths from one certificate."""

    __slots__ = ("_anchors", "_budget", "_demands", "_second", "_shelf", "furthest", "objection")

    def __init__(self, anchors: Shelf, shelf: Shelf, demands: Demands, second: int, budget: Budget) -> None:
        self._anchors = anchors
        self._shelf = shelf
        self._demands = demands
        self._second = second
        self._budget = budget
        self.furthest: Path = ()
        """The longest chain that led to no anchor."""
        self.objection: Finding | None = None
        """Why a certificate with the right name was no issuer."""

    def paths(self, target: Credential) -> Iterator[Path]:
        """Give each path to an anchor; `Refusal` when the budget is spent."""
        if target.certificate in self._anchors.members:
            yield (target,)
            return
        stack: list[tuple[Path, Iterator[tuple[Credential, bool]]]] = [((target,), self._candidates(target))]
        self.furthest = (target,)
        while stack:
            path, candidates = stack[-1]
            step = next(candidates, None)
            if step is None:
                stack.pop()
                continue
            issuer, is_anchor = step
            if not self._leads_on(path, issuer):
                continue
            longer = (*path, issuer)
            if is_anchor:
                yield longer
            elif len(longer) <= self._demands.limits.path_length + 1:
                if len(longer) > len(self.furthest):
                    self.furthest = longer
                stack.append((longer, self._candidates(issuer)))

    def _candidates(self, credential: Credential) -> Iterator[tuple[Credential, bool]]:
        for anchor in self._anchors.issuers_of(credential, self._second):
            yield anchor, True
        for issuer in self._shelf.issuers_of(credential, self._second):
            if issuer.certificate not in self._anchors.members:
                yield issuer, False

    def _leads_on(self, path: Path, issuer: Credential) -> bool:
        if any(issuer.key == one.key and issuer.subject == one.subject for one in path):
            return False
        last = path[-1]
        self._budget.spend_signature()
        check = remembered_signature(issuer.key, last.algorithm, last.signature, last.signed, self._demands.sha1)
        if check == "holds":
            return True
        if self.objection is None:
            kind, reason = (
                ("signature", "the issuer's key did not make it") if check == "broken" else ("algorithm", f"its algorithm is {check}")
            )
            self.objection = Finding(kind, f"a certificate's signature does not hold: {reason}", len(path) - 1)  # type: ignore[arg-type]
        return False
