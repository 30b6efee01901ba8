# SPDX-License-Identifier: Apache-2.0
"""Whether a certificate on a path is revoked: what lists (RFC 5280 §6.3) and OCSP responses (RFC 6960) together say.

"Revoked" by any usable source wins; "good" needs one that is fresh, signed by who may sign it, and about this certificate;
everything else is "unknown", with the reasons why each source was not used. A source made after the time in question is as good as
one made at it, or better.
"""

from datetime import UTC, datetime

from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.paths import oids
from gatepost.encryption.paths.backdating import judged
from gatepost.encryption.paths.budget import Budget
from gatepost.encryption.paths.building import Building, Path, Shelf
from gatepost.encryption.paths.credential import DIGITAL_SIGNATURE, NON_REPUDIATION, Credential
from gatepost.encryption.paths.demands import Demands
from gatepost.encryption.paths.list_answers import ListAnswers
from gatepost.encryption.paths.outcome import Finding, Status
from gatepost.encryption.paths.passing import NOTHING, PassingLists
from gatepost.encryption.paths.responses import Answer, Response, read_response
from gatepost.encryption.paths.revocation_list import HOLD
from gatepost.encryption.paths.signed import is_short, remembered_signature
from gatepost.encryption.paths.source import Evidence, Revocations
from gatepost.encryption.paths.steps import walk

ANCHOR = Status("good", "anchor")
_DEPTH = 3
"""Signers of lists whose own revocation says another list, whose signer ..."""
_MOST_REASONS = 5


class RevocationCheck:
    """The asking about one path's certificates at one second."""

    def __init__(
        self, source: Revocations, demands: Demands, shelf: Shelf, second: int, budget: Budget, *, passing: PassingLists = NOTHING
    ) -> None:
        self.demands = demands
        self.second = second
        self.budget = budget
        self.findings: list[Finding] = []
        self.since, self.until = 0, 253_402_300_799
        """When the certificates hold of those who signed what was believed."""
        self._source = source
        self.shelf = shelf
        self.passing = passing
        self._asking: list[Certificate] = []
        self._said: list[list[str]] = [[]]
        """What was noted in each question that is being asked, the innermost last."""

    def statuses(self, path: Path) -> tuple[Status, ...]:
        """Give the status of each certificate of a path; the anchor's is that it is trusted."""
        return (*(self._status(path, depth) for depth in range(len(path) - 1)), ANCHOR)

    def vouches(self, signer: Credential, anchor: Credential, extra: tuple[Certificate, ...]) -> bool:
        """Say whether a path from this signer of a list leads to the anchor, with no certificate on it revoked or unknown."""
        if signer.certificate == anchor.certificate:
            return True
        if signer.certificate in self._asking or len(self._asking) >= _DEPTH:
            return False
        shelf = self.shelf.with_more(extra)
        building = Building(Shelf((anchor.certificate,)), shelf, self.demands, self.second, self.budget)
        plain = self.demands._replace(purpose="any", use="any", policies=Demands().policies, explicit_policy=False, most_intermediates=None)
        for path in building.paths(signer):
            self.budget.spend_path()
            if walk(path, self.second, plain).findings:
                continue
            statuses = self.statuses(path)
            if all(status.state == "good" for status in statuses):
                self._rest_on(path, statuses)
                return True
        return False

    def note(self, reason: str, depth: int) -> None:
        """Keep why a list or a response was not used; -1 is the depth of who signed one, whose path is another one."""
        if reason not in self._said[-1]:
            self._said[-1].append(reason)
        finding = Finding("revocation-source", reason, depth if len(self._asking) == 1 else -1)
        if finding not in self.findings and len(self.findings) < 50:
            self.findings.append(finding)

    def _status(self, path: Path, depth: int) -> Status:
        credential, issuer = path[depth], path[depth + 1]
        if credential.certificate in self._asking:
            return Status("unknown", reason="whether it is revoked says a list that it signed itself")
        when = datetime.fromtimestamp(self.second, UTC)
        evidence = self._source.find(credential.certificate, issuer.certificate, when)
        self._asking.append(credential.certificate)
        self._said.append([])
        try:
            return self._weigh(path, depth, evidence)
        finally:
            self._asking.pop()
            self._said.pop()

    def _weigh(self, path: Path, depth: int, evidence: Evidence) -> Status:
        most = self.demands.limits.lists
        if len(evidence.untrusted_lists) + len(evidence.untrusted_responses) > most:
            self.note(f"of the lists and responses only {most} were looked at", depth)
        misses: list[str] = []
        answer = self._from_responses(path, depth, evidence.untrusted_responses[:most], misses)
        if answer is not None and answer.state == "revoked":
            return answer
        lists = ListAnswers(self, path, depth, evidence)
        from_lists = lists.status()
        if from_lists is not None and (answer is None or answer.state == "unknown" or from_lists.state == "revoked"):
            return from_lists
        if answer is not None:
            return answer
        for miss in () if evidence.away else (*misses, *lists.misses):
            self.note(miss, depth)
        reasons = [reason for reason in (evidence.away, *self._said[-1]) if reason]
        return Status("unknown", reason="; ".join(reasons[:_MOST_REASONS]) or "there is no list or response about it", since=self.second)

    def _from_responses(self, path: Path, depth: int, responses: tuple[bytes, ...], misses: list[str]) -> Status | None:
        """Give what responses say together; what is about another certificate is a miss."""
        found: Status | None = None
        for encoded in responses:
            response = read_response(encoded)
            if isinstance(response, Fault):
                self.note(response.reason, depth)
                continue
            status = self._from_response(path, depth, response, misses)
            if status is not None and status.state == "revoked":
                return status
            if found is None or found.state != "good":
                found = status or found
        return found

    def _from_response(self, path: Path, depth: int, response: Response, misses: list[str]) -> Status | None:
        credential, issuer = path[depth], path[depth + 1]
        answers = [one for one in response.answers if one.is_about(credential.certificate, issuer.certificate)]
        if not answers:
            misses.append("a response is about another certificate")
            return None
        if not self._is_authorised(path, depth, response):
            self.note("a response was not signed by who may answer for this certificate", depth)
            return None
        newest = max(answers, key=lambda one: (one.this_update, one.state == "revoked", one.state == "unknown"))
        return self._from_answer(credential, newest, depth)

    def _from_answer(self, credential: Credential, answer: Answer, depth: int) -> Status | None:
        if answer.state == "unknown":
            self.note("the responder does not know the certificate", depth)
            return None
        is_stale = self._until(answer) < self.second
        if answer.state == "revoked" and not (is_stale and answer.reason == HOLD):
            return judged(answer.second, answer.reason, self.second, "ocsp", self._until(answer))
        if is_stale:
            self.note("a response is too old", depth)
            return None
        if answer.this_update > credential.not_after:
            self.note("a response was made when the certificate had expired", depth)
            return None
        return Status("good", "ocsp", until=self._until(answer))

    def _until(self, answer: Answer) -> int:
        return answer.this_update + self.demands.response_age_seconds if answer.next_update is None else answer.next_update

    def _is_authorised(self, path: Path, depth: int, response: Response) -> bool:
        """Say whether the issuer signed the response, or one to whom it gave that right (RFC 6960 §4.2.2.2)."""
        issuer = path[depth + 1]
        if response.is_by(issuer.certificate) and self._signed(issuer, response):
            return issuer.allows(DIGITAL_SIGNATURE | NON_REPUDIATION) or not self.demands.strict
        candidates = Shelf((*response.certificates, *self.shelf.members)).members.values()
        for delegate in candidates:
            if not response.is_by(delegate.certificate) or not self._signed(delegate, response):
                continue
            if delegate.purposes is None or oids.OCSP_SIGNING not in delegate.purposes:
                continue
            if delegate.issuer == issuer.subject and self._is_delegate(delegate, path[depth + 1 :]):
                return True
        return False

    def _signed(self, signer: Credential, response: Response) -> bool:
        if is_short(signer.key, self.demands.least_rsa_bits):
            return False
        self.budget.spend_signature()
        return remembered_signature(signer.key, response.algorithm, response.signature, response.signed, self.demands.sha1) == "holds"

    def _is_delegate(self, delegate: Credential, above: Path) -> bool:
        self.budget.spend_path()
        path = (delegate, *above)
        demands = self.demands._replace(purpose="any", use="any", policies=Demands().policies, explicit_policy=False)
        if walk(path, self._second_of(delegate), demands).findings:
            return False
        if oids.NO_CHECK in delegate.extensions:
            self._rest_on((delegate,), ())
            return True
        if delegate.certificate in self._asking or len(self._asking) >= _DEPTH:
            return False
        status = self._status(path, 0)
        self._rest_on((delegate,), (status,))
        return status.state == "good"

    def _rest_on(self, path: Path, statuses: tuple[Status, ...]) -> None:
        """Remember that the answer holds no longer than these do."""
        self.until = min(self.until, *(one.not_after for one in path), *(status.until for status in statuses))
        if self.second >= path[0].not_before:
            self.since = max(self.since, *(one.not_before for one in path), *(status.since for status in statuses))

    def _second_of(self, delegate: Credential) -> int:
        """A responder's certificate is short-lived: one that began after the time in question is judged when it began."""
        return max(self.second, delegate.not_before)
