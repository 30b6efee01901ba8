# SPDX-License-Identifier: Apache-2.0
"""Decide: findings and trust in, one verdict with its reasons out. Pure arithmetic.

    points of a filter = its raw points, held within -10 to 10, times the rule's multiplier
    SCL                = the sum of these, and of the trust's points; tracked as it is, shown within -10 to 10
    refused            = SCL >= the rule's threshold

The clamp comes before the multiplier, so one filter can give more than 10.
"""

import math
from collections.abc import Iterable, Mapping

import msgspec

from gatepost.config.rules import Mode
from gatepost.contracts.filter import Finding
from gatepost.contracts.judged import Direction
from gatepost.contracts.sentence import ANY, Sentence
from gatepost.rules.refusals import POLICY, Outcome, fate, spam
from gatepost.rules.rule import CompiledRule
from gatepost.smtp.replies import Reply

MOST_POINTS = 10.0
"""Where raw points, and the shown SCL, are clamped."""
POINTS_OF_TRUST = -0.1
"""SCL of one trust point."""
TRUST = "level_of_trust"

_NOT_ASKED = Sentence(ANY, "was not asked")
_NO_NUMBER = Sentence(ANY, "gave points that are no number")

_DIGITS = 6
"""Sums are rounded to these, so that 0.1 ten times is 1 and a threshold is reached when people think it is."""


class Trust(msgspec.Struct, frozen=True):
    """The Level of Trust that applies to a mail: authenticated, and reduced to one number by whoever keeps it."""

    points: float
    message: str = ""


class Reason(msgspec.Struct, frozen=True):
    """What one filter, or trust, had to do with a verdict."""

    name: str
    raw: float
    clamped: float
    multiplier: int
    points: float
    message: str = ""
    details: tuple[str, ...] = ()
    failed: str = ""


class Decision(msgspec.Struct, frozen=True):
    """The verdict of one rule on one mail."""

    rule: str
    mode: Mode
    outcome: Outcome
    """accept; refuse with `reply`; discard: answered as if taken, but not delivered."""
    threshold: float
    scl: float = 0.0
    """Tracked: the sum as it is."""
    reply: Reply | None = None
    """The refusal; None unless the outcome is `refuse`."""
    reports: bool = False
    """Whether the gateway itself sends the sender a report of the rejection."""
    reasons: tuple[Reason, ...] = ()

    @property
    def shown_scl(self) -> float:
        """The SCL within -10 to 10, as people know it."""
        return clamped(self.scl)


def decide(findings: Iterable[Finding], rule: CompiledRule, trust: Trust | None = None, direction: Direction = "inbound") -> Decision:
    """Give a rule's verdict; findings of filters that the rule does not ask are ignored."""
    if rule.mode == "accept":
        return Decision(rule.name, rule.mode, "accept", rule.threshold)
    if rule.mode == "reject":
        outcome, reports = fate(rule.rule.rejection, direction)
        return Decision(rule.name, rule.mode, outcome, rule.threshold, reply=POLICY if outcome == "refuse" else None, reports=reports)
    found = {finding.filter: finding for finding in findings}
    reasons = [_reason(name, multiplier, found.get(name)) for name, multiplier in rule.multipliers.items()]
    if trust is not None:
        reasons.append(_trusted(trust))
    scl = total(reason.points for reason in reasons)
    if scl >= rule.threshold:
        return Decision(rule.name, rule.mode, "refuse", rule.threshold, scl, reply=spam(rule.rule.verdict_reply), reasons=tuple(reasons))
    return Decision(rule.name, rule.mode, "accept", rule.threshold, scl, reasons=tuple(reasons))


def strictest(decisions: Iterable[Decision]) -> Decision:
    """Give the one verdict for recipients with different rules: refused by one is refused for all, else discarded, else accepted."""
    return max(decisions, key=lambda decision: (_SEVERITY[decision.outcome], decision.scl - decision.threshold))


_SEVERITY: Mapping[Outcome, int] = {"accept": 0, "discard": 1, "refuse": 2}


def is_beyond_help(findings: Iterable[Finding], rule: CompiledRule, lowest: Mapping[str, float], trust_possible: bool) -> bool:
    """Tell whether a mail will be refused whatever is still found out, so that it can be refused before DATA.

    `lowest` are the raw points that a filter gives at the least, where that is more than -10.
    """
    if rule.mode != "check":
        return False
    found = {finding.filter: finding for finding in findings}
    sums = [-MOST_POINTS] if trust_possible else []
    for name, multiplier in rule.multipliers.items():
        finding = found.get(name)
        sums.append(clamped(lowest.get(name, -MOST_POINTS) if finding is None else finding.points) * multiplier)
    return total(sums) >= rule.threshold


def clamped(raw: float) -> float:
    """Hold points within -10 to 10; what is no number is 0."""
    return 0.0 if math.isnan(raw) else min(max(raw, -MOST_POINTS), MOST_POINTS)


def total(points: Iterable[float]) -> float:
    """Add points without the dust of binary fractions."""
    return round(math.fsum(points), _DIGITS) + 0.0  # no minus zero


def _reason(name: str, multiplier: int, finding: Finding | None) -> Reason:
    if finding is None:
        return Reason(name, 0.0, 0.0, multiplier, 0.0, failed=_NOT_ASKED.text)
    held = clamped(finding.points)
    finite = math.isfinite(finding.points)
    return Reason(
        name,
        finding.points if finite else held,
        held,
        multiplier,
        round(held * multiplier, _DIGITS) + 0.0,
        finding.message,
        finding.details,
        finding.failed if finite else finding.failed or _NO_NUMBER.text,
    )


def _trusted(trust: Trust) -> Reason:
    raw = round(trust.points * POINTS_OF_TRUST, _DIGITS) + 0.0 if math.isfinite(trust.points) else 0.0
    held = clamped(raw)
    return Reason(TRUST, raw, held, 1, held, trust.message)
