# SPDX-License-Identifier: Apache-2.0
"""What a track tells of a mail's points, and what another rule would make of them.

A filter whose points are not known counts as the whole range of what it can give: where the verdict is the same at both ends, it
is known all the same.
"""

from collections.abc import Sequence
from typing import NamedTuple

from gatepost.contracts.filter import Finding
from gatepost.contracts.judged import Direction
from gatepost.rules.decide import MOST_POINTS, TRUST, Decision, Trust, decide, is_beyond_help, strictest
from gatepost.rules.replay_ground import Ground, judges_alike
from gatepost.rules.replay_record import Unclear
from gatepost.rules.rule import CompiledRule
from gatepost.tracking.record import TrackHead

NOT_ASKED = "was not asked"
"""What `decide` says of a filter that gave no finding."""


class Points(NamedTuple):
    """Raw points by filter, as far as the track holds them and they would be the same now."""

    findings: dict[str, Finding]
    outdated: frozenset[str]
    """Filters that were asked, but by other settings."""
    trust: Trust | None


class Verdict(NamedTuple):
    """What rules decide; `scl` is None where points are missing that decide nothing."""

    decision: Decision
    scl: float | None


def points_of(head: TrackHead, then: Ground, now: Ground) -> Points:
    """Read what a track tells."""
    findings, outdated, trust = {}, set(), None
    for entry in head.filters:
        if entry.name == TRUST:
            trust = Trust(-10.0 * entry.raw)
        elif entry.error == NOT_ASKED:
            continue
        elif judges_alike(entry.name, then.configuration, now.configuration):
            findings[entry.name] = Finding(entry.name, entry.raw)
        else:
            outdated.add(entry.name)
    return Points(findings, frozenset(outdated), trust)


def judged_by(rules: Sequence[CompiledRule], points: Points, now: Ground, direction: Direction) -> Verdict | Unclear:
    """Give the verdict of the rules that own a mail, or which filter's points it hangs on."""
    missing = [name for rule in rules for name, multiplier in rule.multipliers.items() if multiplier and name not in points.findings]
    known = points.findings.values()
    if not missing:
        decision = _decision(rules, [*known], points, direction)
        return Verdict(decision, decision.scl if decision.mode == "check" else None)
    low = _decision(rules, [*known, *(Finding(name, now.lowest.get(name, -MOST_POINTS)) for name in missing)], points, direction)
    high = _decision(rules, [*known, *(Finding(name, MOST_POINTS) for name in missing)], points, direction)
    if low.outcome != high.outcome:
        return Unclear("settings" if missing[0] in points.outdated else "points", missing[0])
    return Verdict(high, None)


def judged_before_content(rule: CompiledRule, points: Points, now: Ground, direction: Direction) -> Decision | None:
    """Give the refusal that comes before the content, from the filters that need none; None when it is let come."""
    early = [name for name in rule.multipliers if now.stages.get(name) == "envelope"]
    found = [points.findings[name] for name in early if name in points.findings]
    if not early or len(found) < len(early) or not is_beyond_help(found, rule, now.lowest, trust_possible=False):
        return None
    return decide(found, rule, direction=direction)


def _decision(rules: Sequence[CompiledRule], findings: list[Finding], points: Points, direction: Direction) -> Decision:
    return strictest(decide(findings, rule, points.trust, direction) for rule in rules)
