# SPDX-License-Identifier: Apache-2.0
"""What revocation lists say about one certificate (RFC 5280 §6.3.3): complete and delta, direct and indirect, whole and in parts.

Each list covers some reasons at some distribution point; "good" takes lists that together cover all reasons. Of lists that are equally
new, the one that revokes counts, so that the order in which they are given decides nothing.
"""

from typing import NamedTuple, Protocol

from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.fault import Fault, Refusal
from gatepost.encryption.paths import oids
from gatepost.encryption.paths.backdating import judged
from gatepost.encryption.paths.budget import Budget
from gatepost.encryption.paths.building import Path, Shelf
from gatepost.encryption.paths.credential import CRL_SIGN, Credential
from gatepost.encryption.paths.demands import Demands
from gatepost.encryption.paths.general_names import GeneralName
from gatepost.encryption.paths.outcome import Status
from gatepost.encryption.paths.passing import PassingLists
from gatepost.encryption.paths.points import ALL_REASONS, Point, Scope, read_points
from gatepost.encryption.paths.revocation_list import HOLD, Entry, RevocationList, read_list
from gatepost.encryption.paths.signed import is_short
from gatepost.encryption.paths.source import Evidence

_END = 253_402_300_799
_TOO_LARGE = Fault("too-large", "a list is too large")


class Inquiry(Protocol):
    """Who asks: the check of a whole path, of which this is a part."""

    demands: Demands
    second: int
    budget: Budget
    shelf: Shelf
    passing: PassingLists

    def vouches(self, signer: Credential, anchor: Credential, extra: tuple[Certificate, ...]) -> bool:
        """Say whether a path leads from this signer of a list to the anchor."""
        ...

    def note(self, reason: str, depth: int) -> None:
        """Keep why a list was not used."""
        ...


class _Listing(NamedTuple):
    entry: Entry | None
    until: int


class ListAnswers:
    """The lists of one evidence, asked about one certificate of a path."""

    def __init__(self, check: Inquiry, path: Path, depth: int, evidence: Evidence) -> None:
        self._check = check
        self._path = path
        self._depth = depth
        self._credential = path[depth]
        self.misses: list[str] = []
        """Why lists that were read are about something else: of interest where nothing is known in the end."""
        self._extra: tuple[Certificate, ...] = evidence.untrusted_certificates[: check.demands.limits.intermediates]
        self._lists = self._read(evidence.untrusted_lists)

    def status(self) -> Status | None:
        """Give what the lists say together, None when that is nothing."""
        covered, until = 0, _END
        try:
            points = self._points()
        except Refusal as refusal:
            self._note(refusal.fault.reason)
            return None
        decided: dict[tuple[bytes, Scope], tuple[int, int]] = {}
        unsure: Status | None = None
        for one in self._lists:
            age = _age(one)
            if one.base is not None or decided.get((one.issuer, one.scope), age) != age:
                continue
            reasons, listing = self._answer(one, points)
            if listing is None:
                continue
            # The newest list of its kind that can be used: what an older one said is over. One as new as this is asked too.
            decided[one.issuer, one.scope] = age
            if listing.entry is not None:
                status = judged(listing.entry.second, listing.entry.reason, self._check.second, "crl", listing.until)
                if status.state == "revoked":
                    return status
                unsure = unsure or (None if status.state == "good" else status)
                until = min(until, status.until)
            covered |= reasons
            until = min(until, listing.until)
        return unsure or self._together(covered, until)

    def _together(self, covered: int, until: int) -> Status | None:
        """Say what lists mean that name no revocation and cover these reasons."""
        if covered == ALL_REASONS:
            return Status("good", "crl", until=until)
        if covered:
            self._note("the lists do not cover all reasons to revoke")
        elif any(one.base is not None and one.issuer == self._credential.issuer for one in self._lists):
            self.misses.append("a list holds only changes to a list that is not here, or cannot be used")
        return None

    def _read(self, untrusted_lists: tuple[bytes, ...]) -> list[RevocationList]:
        """Read the lists, newest first."""
        limits, lists = self._check.demands.limits, []
        passing = self._check.passing
        read = [read_list(one) if len(one) <= limits.list_bytes else _TOO_LARGE for one in untrusted_lists[: limits.lists]]
        for one in (*read, *passing.lists, *passing.faults):
            if isinstance(one, Fault):
                self._note(one.reason)
            elif self._check.demands.strict and one.breach():
                self._note(one.breach())
            else:
                lists.append(one)
        return sorted(lists, key=_age, reverse=True)

    def _answer(self, one: RevocationList, points: tuple[Point, ...]) -> tuple[int, _Listing | None]:
        """Give what a list covers and what it says, None when it says nothing; `Refusal` when the budget is spent."""
        try:
            reasons = self._coverage(one, points)
            return reasons, self._look_up(one) if reasons else None
        except Refusal as refusal:
            if refusal.fault.kind == "too-large":
                raise
            self._note(refusal.fault.reason)
            return 0, None

    def _points(self) -> tuple[Point, ...]:
        """Give the certificate's distribution points, and the one that every certificate has: any list of its issuer."""
        cursor = self._credential.value(oids.LIST_POINTS)
        points = () if cursor is None else read_points(cursor)
        return (*points, Point(None, ALL_REASONS, ()))

    def _coverage(self, one: RevocationList, points: tuple[Point, ...]) -> int:
        """Give the reasons for which this list answers for the certificate; 0 when it does not."""
        scope, credential = one.scope, self._credential
        if scope.only_attributes:
            return self._miss("a list is about attribute certificates alone")
        if scope.only_users and credential.is_ca:
            return self._miss("a list is about persons alone")
        if scope.only_authorities and not credential.is_ca:
            return self._miss("a list is about authorities alone")
        reasons = 0
        for point in points:
            if self._is_at(one, point):
                reasons |= point.reasons & scope.reasons
        if reasons:
            return reasons
        is_own = one.issuer == credential.issuer
        return self._miss("a list is of another distribution point" if is_own else "a list is of another issuer")

    def _miss(self, reason: str) -> int:
        self.misses.append(reason)
        return 0

    def _is_at(self, one: RevocationList, point: Point) -> bool:
        """Say whether a list is the one that a distribution point means (§6.3.3 (b))."""
        scope, issuer = one.scope, self._credential.issuer
        if point.list_issuers:
            if one.issuer not in point.list_issuers or not scope.indirect:
                return False
        elif one.issuer != issuer:
            return False
        if scope.name is None:
            return True
        wanted = scope.name.names((one.issuer,))
        if point.name is not None:
            return bool(wanted & point.name.names(point.list_issuers or (issuer,)))
        fallback = point.list_issuers or (issuer,)
        return any(GeneralName("directory", name) in wanted for name in fallback)

    def _look_up(self, one: RevocationList) -> _Listing | None:
        """Find the certificate on a list and the deltas to it, once it is known that they may be believed; None when not."""
        self._check.budget.look_at_clock()
        if not self._is_signed(one):
            return None
        entry, until = self._find(one), self._until(one)
        if not self._is_fresh(one):
            return self._from_stale(entry, min(until, self._check.second - 1))
        entry, until = self._changed(one, entry, until)
        if entry is None and one.this_update > self._credential.not_after and oids.EXPIRED_ON_LIST not in one.extensions:
            self._note("a list was made when the certificate had expired")
            return None
        return _Listing(entry, until)

    def _changed(self, one: RevocationList, entry: Entry | None, until: int) -> tuple[Entry | None, int]:
        """Give what the newest deltas to a list make of its entry, and until when."""
        age: tuple[int, int] | None = None
        changes: list[Entry] = []
        for delta in self._lists:
            if age not in (None, _age(delta)) or not self._completes(delta, one):
                continue
            age, until = _age(delta), min(until, self._until(delta))
            found = self._find(delta)
            if found is not None:
                changes.append(found)
        if not changes:
            return entry, until
        return next((change for change in changes if change.reason != "removeFromCRL"), None), until

    def _from_stale(self, entry: Entry | None, until: int) -> _Listing | None:
        """Take from a list that is too old what no newer one can undo: only a hold is ever lifted."""
        return None if entry is None or entry.reason == HOLD else _Listing(entry, until)

    def _find(self, one: RevocationList) -> Entry | None:
        credential = self._credential
        return one.find(credential.certificate.serial, credential.issuer, self._check.budget.look_at_clock)

    def _completes(self, delta: RevocationList, whole: RevocationList) -> bool:
        """Say whether a delta continues this list (§6.3.3 (c)) and may be believed."""
        if delta.base is None or whole.number is None or delta.number is None:
            return False
        if delta.issuer != whole.issuer or delta.scope != whole.scope or delta.authority_key != whole.authority_key:
            return False
        if not delta.base <= whole.number <= delta.number:
            return False
        return self._is_fresh(delta) and self._is_signed(delta)

    def _until(self, one: RevocationList) -> int:
        return one.this_update if one.next_update is None else one.next_update

    def _is_fresh(self, one: RevocationList) -> bool:
        passing = self._check.passing
        second = max(self._check.second, passing.second) if one in passing.lists else self._check.second
        if second > self._until(one):
            self._note("a list is too old" if one.next_update is not None else "a list does not say until when it holds")
            return False
        return True

    def _is_signed(self, one: RevocationList) -> bool:
        """Say whether a list is signed by the issuer of the certificate, or another whom a path to the same anchor vouches for."""
        weak = False
        for signer in self._signers(one):
            if not signer.allows(CRL_SIGN):
                self._note("the key that could have signed a list may not sign lists")
                continue
            if is_short(signer.key, self._check.demands.least_rsa_bits):
                weak = True
                continue
            self._check.budget.spend_signature()
            checked = one.check(signer.key, self._check.demands.sha1)
            weak = weak or checked in ("weak", "unsupported")
            if checked == "holds" and self._is_believed(signer):
                return True
        cause = "a list's signature is by a key or an algorithm that is too weak or unknown"
        self._note(cause if weak else "nobody who may sign a list signed it")
        return False

    def _signers(self, one: RevocationList) -> list[Credential]:
        """Give who may have signed, the certificate's issuer first; each key once."""
        issuer, anchor = self._path[self._depth + 1], self._path[-1]
        own = [signer for signer in (issuer, anchor) if signer.subject == one.issuer]
        shelf = self._check.shelf.with_more(self._extra)
        others = [*self._path, *shelf.named(one.issuer)]
        return own + [signer for signer in others if signer.subject == one.issuer and signer not in own]

    def _is_believed(self, signer: Credential) -> bool:
        # The certificates above this one on its path are being judged themselves.
        if signer in self._path[self._depth + 1 :]:
            return True
        return self._check.vouches(signer, self._path[-1], self._extra)

    def _note(self, reason: str) -> None:
        self._check.note(reason, self._depth)


def _age(one: RevocationList) -> tuple[int, int]:
    """Give what tells the newer of two lists."""
    return one.this_update, one.number or 0
