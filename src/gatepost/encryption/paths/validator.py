# SPDX-License-Identifier: Apache-2.0
"""Validate a certificate: build paths to the anchors, walk them, ask about revocation, remember the answer.

    validator = Validator(anchors, revocations)
    outcome = validator.validate(certificate, intermediates, when)

An answer is remembered by the certificate's bytes, for the seconds in which nothing that it rests on changes, and as long as the
source of revocation says that it has nothing new. A `trusted` one holds whatever intermediates come along; the others are
remembered with the intermediates that were given. One that limits cut short is not remembered, and what revocation lists that
came along add to an answer never is.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.fault import Fault, Refusal
from gatepost.encryption.paths.budget import Budget
from gatepost.encryption.paths.building import Building, Path, Shelf
from gatepost.encryption.paths.credential import Credential, read_credential
from gatepost.encryption.paths.demands import Demands
from gatepost.encryption.paths.outcome import Finding, Outcome, Status, Verdict
from gatepost.encryption.paths.passing import NOTHING, Passing, PassingLists
from gatepost.encryption.paths.revocation import ANCHOR, RevocationCheck
from gatepost.encryption.paths.source import Collected, Revocations
from gatepost.encryption.paths.steps import walk

_UNCHECKED = Status("unchecked")
_SMALL = 32_768
"""Bytes of certificates that an answer other than `trusted` is remembered for."""
_END = 253_402_300_799
_Key = TypeVar("_Key")
_RANK = {"trusted": 0, "unknown": 1, "untrusted": 2}

NOBODY: Revocations = Collected(away="no source of revocation is set up")
"""The source of who has none: every certificate's revocation is unknown."""


class _Remembered(NamedTuple):
    generation: int
    since: int
    until: int
    outcome: Outcome


class Validator:
    """Paths to some anchors, under some demands. Safe to use from several threads."""

    def __init__(
        self,
        anchors: Iterable[Certificate],
        revocations: Revocations = NOBODY,
        demands: Demands | None = None,
        known: Iterable[Certificate] = (),
        remembered: int = 10_000,
    ) -> None:
        """Set up for anchors, which are trusted, and `known` intermediates, which are not and help where a mail brings none."""
        self._known = Shelf(known)
        self._anchors = Shelf(anchors)
        self._revocations = revocations
        self._demands = Demands() if demands is None else demands
        self._most = remembered
        self._trusted: dict[Certificate, _Remembered] = {}
        self._others: dict[tuple[Certificate, ...], _Remembered] = {}

    @property
    def unreadable_anchors(self) -> tuple[Fault, ...]:
        """Why anchors were left out: they cannot be read."""
        return tuple(self._anchors.faults)

    def validate(
        self, certificate: Certificate, intermediates: Sequence[Certificate], when: datetime, passing: Passing | None = None
    ) -> Outcome:
        """Judge a certificate at an aware time, with the help of what came along; never raises for what that is."""
        second = int(when.timestamp() // 1)
        found = self._trusted.get(certificate)
        if found is not None and found.since <= second <= found.until and found.generation == self._revocations.generation:
            outcome = found.outcome
        else:
            outcome = self._recall(certificate, intermediates, second)
        return outcome if passing is None else self._with(passing, outcome, certificate, intermediates, second)

    def _with(
        self, passing: Passing, known: Outcome, certificate: Certificate, intermediates: Sequence[Certificate], second: int
    ) -> Outcome:
        """Let lists that came along say what the source did not know: that the path is good, or that a certificate is revoked."""
        if not self._demands.revocation or known.verdict == "untrusted":
            return known
        lists = passing.read(self._demands.limits)
        judging = _Validation(self._anchors, self._known, self._revocations, self._demands, second, passing=lists)
        outcome = judging.judge(certificate, intermediates)
        if _is_revoked(outcome) or _RANK[outcome.verdict] < _RANK[known.verdict]:
            return outcome
        # What came along settles all or nothing; why it did not is said all the same.
        return known._replace(findings=outcome.findings) if known.verdict == outcome.verdict == "unknown" else known

    def _recall(self, certificate: Certificate, intermediates: Sequence[Certificate], second: int) -> Outcome:
        key = (certificate, *intermediates)
        generation = self._revocations.generation
        found = self._others.get(key)
        if found is not None and found.since <= second <= found.until and found.generation == generation:
            return found.outcome
        outcome = _Validation(self._anchors, self._known, self._revocations, self._demands, second).judge(certificate, intermediates)
        if all(finding.kind != "limit" for finding in outcome.findings):
            remembered = _Remembered(generation, outcome.since, outcome.until, outcome)
            if outcome.verdict == "trusted":
                _keep(self._trusted, certificate, remembered, self._most)
            elif sum(len(one.encoded) for one in key) <= _SMALL:
                _keep(self._others, key, remembered, self._most // 10)
        return outcome


def _keep(into: dict[_Key, _Remembered], key: _Key, remembered: _Remembered, most: int) -> None:
    if len(into) >= most:
        for oldest in list(into)[: most // 10 + 1]:
            into.pop(oldest, None)
    into[key] = remembered


class _Validation:
    """One validation."""

    def __init__(
        self, anchors: Shelf, known: Shelf, revocations: Revocations, demands: Demands, second: int, *, passing: PassingLists = NOTHING
    ) -> None:
        self._passing = passing
        self._known = known
        self._anchors = anchors
        self._revocations = revocations
        self._demands = demands
        self._second = second
        self._budget = Budget(demands.limits)
        self._best: Outcome | None = None

    def judge(self, certificate: Certificate, intermediates: Sequence[Certificate]) -> Outcome:
        target = _read(certificate, self._demands.limits.certificate_bytes)
        if isinstance(target, Fault):
            return Outcome("untrusted", (certificate,), (_UNCHECKED,), (Finding("malformed", target.reason, 0),), until=_END)
        most = self._demands.limits.intermediates
        shelf = Shelf(intermediates[:most], self._known)
        building = Building(self._anchors, shelf, self._demands, self._second, self._budget)
        limit: Finding | None = None
        try:
            for path in building.paths(target):
                self._budget.spend_path()
                if self._settles(path, shelf):
                    break
        except Refusal as refusal:
            limit = Finding("limit", refusal.fault.reason, -1)
        outcome = self._best or self._no_path(target, building, shelf.faults)
        extra = [] if limit is None or outcome.verdict == "trusted" else [limit]
        if len(intermediates) > most and outcome.verdict != "trusted":
            extra.append(Finding("limit", f"of the certificates that came along only {most} were looked at", -1))
        return self._within(outcome._replace(findings=outcome.findings + tuple(extra)), (target, *shelf.members.values()))

    def _settles(self, path: Path, shelf: Shelf) -> bool:
        """Judge one path; say whether its outcome is final."""
        result = walk(path, self._second, self._demands)
        if result.findings:
            self._keep_best(Outcome("untrusted", _certificates(path), (_UNCHECKED,) * len(path), result.findings))
            return False
        if not self._demands.revocation:
            self._keep_best(self._outcome("trusted", path, (_UNCHECKED,) * (len(path) - 1) + (ANCHOR,), (), result.policies))
            return True
        check = RevocationCheck(self._revocations, self._demands, shelf, self._second, self._budget, passing=self._passing)
        try:
            statuses = check.statuses(path)
        except Refusal as refusal:
            # No more can be found out: that is not knowing, whatever the cause.
            statuses = (*(Status("unknown", reason=refusal.fault.reason) for _ in path[1:]), ANCHOR)
            check.findings.append(Finding("limit", refusal.fault.reason, -1))
        verdict, findings = _weigh(statuses)
        outcome = self._outcome(verdict, path, statuses, findings + tuple(check.findings), result.policies)
        self._keep_best(outcome._replace(since=max(outcome.since, check.since), until=min(outcome.until, check.until)))
        # Another path cannot undo that its own issuer revoked the certificate.
        return verdict == "trusted" or statuses[0].state == "revoked"

    def _keep_best(self, outcome: Outcome) -> None:
        revoked = outcome.revocation[0].state == "revoked"
        if self._best is None or revoked or _RANK[outcome.verdict] < _RANK[self._best.verdict]:
            self._best = outcome

    def _outcome(
        self, verdict: Verdict, path: Path, statuses: tuple[Status, ...], findings: tuple[Finding, ...], policies: frozenset[str]
    ) -> Outcome:
        since = max(*(one.not_before for one in path), *(status.since for status in statuses))
        until = min(*(one.not_after for one in path), *(status.until for status in statuses))
        return Outcome(verdict, _certificates(path), statuses, findings, policies, since, until)

    def _no_path(self, target: Credential, building: Building, faults: list[Fault]) -> Outcome:
        path = building.furthest or (target,)
        reason = Finding("no-path", "no chain of certificates leads to one that is trusted", len(path) - 1)
        objection = () if building.objection is None else (building.objection,)
        unread = tuple(Finding("malformed", f"a certificate that came along was left out: {fault.reason}", -1) for fault in faults[:3])
        return Outcome("untrusted", _certificates(path), (_UNCHECKED,) * len(path), (reason, *objection, *unread))

    def _within(self, outcome: Outcome, considered: tuple[Credential, ...]) -> Outcome:
        """Say how long an outcome holds: one that is not `trusted`, until any certificate that was looked at begins or ends."""
        if outcome.verdict == "trusted":
            return outcome
        second = self._second
        since, until = (0, _END) if outcome.verdict == "untrusted" else (outcome.since, outcome.until)
        if any(status.state == "revoked" for status in outcome.revocation):
            since = second
        for one in (*considered, *self._known.members.values(), *self._anchors.members.values()):
            for begin in (one.not_before, one.not_after + 1):
                since, until = (max(since, begin), until) if begin <= second else (since, min(until, begin - 1))
        return outcome._replace(since=since, until=until)


def _read(certificate: Certificate, most_bytes: int) -> Credential | Fault:
    if len(certificate.encoded) > most_bytes:
        return Fault("too-large", f"the certificate has more than {most_bytes} bytes")
    return read_credential(certificate)


def _is_revoked(outcome: Outcome) -> bool:
    return any(status.state == "revoked" for status in outcome.revocation)


def _certificates(path: Path) -> tuple[Certificate, ...]:
    return tuple(one.certificate for one in path)


def _weigh(statuses: tuple[Status, ...]) -> tuple[Verdict, tuple[Finding, ...]]:
    revoked = tuple(
        Finding("revoked", f"the certificate is revoked: {status.reason}", depth)
        for depth, status in enumerate(statuses)
        if status.state == "revoked"
    )
    if revoked:
        return "untrusted", revoked
    unknown = tuple(
        Finding("revocation-unknown", f"nobody could say whether the certificate is revoked: {status.reason}", depth)
        for depth, status in enumerate(statuses)
        if status.state == "unknown"
    )
    return ("unknown" if unknown else "trusted"), unknown
