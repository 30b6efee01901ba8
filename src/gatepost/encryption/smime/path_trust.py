# SPDX-License-Identifier: Apache-2.0
"""`Trust` by validated paths: what the room for paths answers, in the words of this one."""

from collections.abc import Sequence
from datetime import datetime

from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.paths.outcome import Finding, Outcome
from gatepost.encryption.paths.passing import Passing
from gatepost.encryption.paths.validator import Validator
from gatepost.encryption.smime.purpose import purpose_of
from gatepost.encryption.smime.trust import Chain, Revocation

_WORST: tuple[Revocation, ...] = ("revoked", "unknown", "unchecked", "good")
_LONGEST = 200
"""Characters of a subject, which is a stranger's word."""


class PathTrust:
    """Trusts what a validator finds a path for."""

    def __init__(self, validator: Validator) -> None:
        self._validator = validator

    def beside(self, certificates: Sequence[Certificate], lists: Sequence[bytes], received: datetime) -> "PathJudge":
        """Give who judges one mail with what came along."""
        return PathJudge(self._validator, certificates, Passing(lists, received) if lists else None)


class PathJudge:
    """Judges the certificates of one mail."""

    __slots__ = ("_certificates", "_passing", "_validator")

    def __init__(self, validator: Validator, certificates: Sequence[Certificate], passing: Passing | None) -> None:
        self._validator, self._certificates, self._passing = validator, certificates, passing

    def judge(self, certificate: Certificate, when: datetime) -> Chain:
        """Validate one certificate; a path whose revocation nobody knows is trusted, and says so."""
        outcome = self._validator.validate(certificate, self._certificates, when, self._passing)
        reason = "" if outcome.verdict == "trusted" else _reason(outcome)
        return Chain(outcome.verdict != "untrusted", reason, outcome.path, _revocation(outcome), _findings(outcome))


def _reason(outcome: Outcome) -> str:
    if not outcome.findings:
        return "no chain of certificates leads to one that is trusted"
    first = outcome.findings[0]
    return first.reason + (_whose(outcome, first) if first.depth > 0 else "")


def _findings(outcome: Outcome) -> tuple[str, ...]:
    """Give each finding; that something is unknown `revocation` says already, and why so is a finding of its own."""
    said = (f"{one.kind}: {one.reason}{_whose(outcome, one)}" for one in outcome.findings if one.kind != "revocation-unknown")
    return tuple(dict.fromkeys(said))


def _whose(outcome: Outcome, finding: Finding) -> str:
    if not 0 <= finding.depth < len(outcome.path):
        return ""
    subject = purpose_of(outcome.path[finding.depth]).subject
    return f" ({subject[:_LONGEST]})" if subject else ""


def _revocation(outcome: Outcome) -> Revocation:
    states = [status.state for status in outcome.revocation if status.source != "anchor"]
    return min(states, key=_WORST.index) if states else "unchecked"
