# SPDX-License-Identifier: Apache-2.0
"""The verdict as arithmetic: clamp, multiplier, sum, threshold, trust."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.contracts.filter import Finding
from gatepost.rules.decide import TRUST, Trust, clamped, decide, is_beyond_help, strictest, total
from gatepost.rules.refusals import POLICY, SPAM, with_track
from unit.rules.rule_makers import compiled, findings


def test_points_are_clamped_before_the_multiplier_and_refuse_from_the_threshold_on():
    """16 raw points are 10, times 2 are 20; 4.0 refuses, 3.9 does not."""
    verdict = decide(findings(words=16), compiled("words*2"))
    (reason,) = verdict.reasons
    assert (reason.raw, reason.clamped, reason.multiplier, reason.points) == (16, 10, 2, 20)
    assert decide(findings(words=4), compiled()).outcome == "refuse"
    assert decide(findings(words=3.9), compiled()).outcome == "accept"
    assert decide(findings(words=-40, reputation=14), compiled("words reputation")).scl == 0


def test_the_worked_example_gives_22_and_is_refused():
    """Two list hits x 2, one URI hit x 2 and eight words clamped to 10."""
    rule = compiled("realtime_blocklists*2 uri_blocklists*2 words")
    verdict = decide(findings(realtime_blocklists=4, uri_blocklists=2, words=16), rule)
    assert [reason.points for reason in verdict.reasons] == [8, 4, 10]
    assert (verdict.scl, verdict.shown_scl, verdict.outcome, verdict.reply) == (22, 10, "refuse", SPAM)


def test_antispam_alone_is_outweighed_by_a_trust_of_51():
    """4 - 5.1 = -1.1, accepted; without trust it is refused."""
    rule = compiled("core")
    verdict = decide(findings(core=4), rule, Trust(51, "51 points for partner.example"))
    assert (verdict.scl, verdict.outcome) == (-1.1, "accept")
    assert verdict.reasons[-1].name == TRUST
    assert (verdict.reasons[-1].raw, verdict.reasons[-1].points) == (-5.1, -5.1)
    assert decide(findings(core=4), rule).outcome == "refuse"
    assert decide(findings(core=4), rule, Trust(0)).outcome == "refuse"


def test_a_second_filter_outweighs_the_trust_again():
    """4 + 2 x 3 - 5.1 = 4.9, refused."""
    verdict = decide(findings(core=4, realtime_blocklists=2), compiled("core realtime_blocklists*3"), Trust(51))
    assert (verdict.scl, verdict.outcome) == (4.9, "refuse")


def test_trust_is_clamped_like_a_filter():
    """More than 100 points help no further, and mistrust counts against a mail."""
    assert decide(findings(words=0), compiled(), Trust(500)).scl == -10
    assert decide(findings(words=0), compiled(), Trust(-40)).outcome == "refuse"
    assert decide(findings(words=0), compiled(), Trust(math.nan)).scl == 0


@pytest.mark.parametrize(
    ("rejection", "direction", "outcome", "reports"),
    [
        ("reject_inbound_report_outbound", "inbound", "refuse", False),
        ("reject_inbound_report_outbound", "outbound", "discard", True),
        ("discard_report_outbound", "inbound", "discard", False),
        ("discard_report_outbound", "outbound", "discard", True),
        ("reject_report_all", "inbound", "refuse", True),
        ("reject_report_all", "outbound", "refuse", True),
        ("reject_report_none", "inbound", "refuse", False),
        ("reject_report_none", "outbound", "refuse", False),
    ],
)
def test_a_rejecting_rule_follows_its_rejection_behaviour(rejection, direction, outcome, reports):
    """Each of the four choices, in both directions."""
    verdict = decide([], compiled(mode="reject", rejection=rejection), direction=direction)
    assert (verdict.outcome, verdict.reports, verdict.reasons) == (outcome, reports, ())
    assert verdict.reply == (POLICY if outcome == "refuse" else None)


def test_an_accepting_rule_asks_nobody():
    """Findings and mistrust change nothing."""
    verdict = decide(findings(words=10), compiled(mode="accept"), Trust(-100))
    assert (verdict.outcome, verdict.scl, verdict.reasons) == ("accept", 0, ())


def test_a_filter_without_an_answer_gives_nothing_and_says_so():
    """What failed, and what was never asked, is named with 0 points; what the rule does not ask is left out."""
    verdict = decide([Finding("words", 0, failed="no answer in 5 s"), Finding("reputation", 9)], compiled("words realtime_blocklists"))
    assert [(reason.name, reason.points, reason.failed) for reason in verdict.reasons] == [
        ("words", 0, "no answer in 5 s"),
        ("realtime_blocklists", 0, "was not asked"),
    ]


def test_a_multiplier_of_0_only_shows_the_points():
    """The filter stands in the reasons and weighs nothing."""
    verdict = decide(findings(words=10), compiled("words*0 reputation"))
    assert (verdict.reasons[0].clamped, verdict.reasons[0].points, verdict.scl) == (10, 0, 0)


def test_tenths_add_up_to_the_threshold():
    """Binary fractions do not let a mail through: 1.1 + 1.3 + 1.6 reaches 4."""
    rule = compiled("words reputation core")
    assert decide(findings(words=1.1, reputation=1.3, core=1.6), rule).outcome == "refuse"
    assert total([0.1] * 40) == 4


def test_the_public_reply_names_no_configuration():
    """A rule's own text is used where there is one, and the track is all that is added."""
    assert str(with_track(SPAM, "abc")) == "550 5.7.1 Message refused as spam (abc)"
    reply = decide(findings(words=9), compiled(verdict_reply="Call us")).reply
    assert str(reply) == "550 5.7.1 Call us"


def test_the_strictest_verdict_is_a_refusal_then_a_discarding():
    """Among refusals the clearest one is told."""
    discard = decide([], compiled(mode="reject", rejection="discard_report_outbound"))
    accept, refuse, clearer = (decide(findings(words=points), compiled()) for points in (0, 4, 9))
    assert strictest([accept, discard]) is discard
    assert strictest([refuse, discard, accept]) is refuse
    assert strictest([refuse, clearer]) is clearer


def test_a_mail_is_refused_early_only_when_nothing_can_save_it():
    """Filters still to come, and trust, may take points away, as far as they ever do."""
    rule = compiled("realtime_blocklists*2 words")
    assert not is_beyond_help(findings(realtime_blocklists=4), rule, {}, trust_possible=False)
    assert is_beyond_help(findings(realtime_blocklists=4), rule, {"words": 0}, trust_possible=False)
    assert not is_beyond_help(findings(realtime_blocklists=4), rule, {"words": 0}, trust_possible=True)
    assert not is_beyond_help(findings(), compiled(mode="reject"), {}, trust_possible=False)


raw = st.floats(allow_nan=True, allow_infinity=True)
multiplier = st.integers(0, 10)


@given(raw)
def test_clamped_points_lie_between_minus_10_and_10(points):
    """Whatever a filter gives, infinite and no numbers too."""
    assert -10 <= clamped(points) <= 10


@given(st.lists(st.tuples(raw, multiplier), min_size=1, max_size=5), st.floats(-2000, 2000), st.floats(0.1, 50))
def test_the_tracked_scl_is_the_sum_of_its_reasons(filters, trust, threshold):
    """Each reason is clamped times multiplier, the SCL their sum, the shown one within bounds, the outcome its comparison."""
    names = ["core", "words", "realtime_blocklists", "uri_blocklists", "reputation"][: len(filters)]
    rule = compiled(" ".join(f"{name}*{times}" for name, (_, times) in zip(names, filters, strict=True)), threshold=threshold)
    verdict = decide([Finding(name, points) for name, (points, _) in zip(names, filters, strict=True)], rule, Trust(trust))
    for reason, (_, times) in zip(verdict.reasons, filters, strict=False):
        assert reason.points == pytest.approx(reason.clamped * times, abs=1e-6)
        assert abs(reason.points) <= 10 * times
    assert verdict.scl == total(reason.points for reason in verdict.reasons)
    assert -10 <= verdict.shown_scl <= 10
    assert verdict.outcome == ("refuse" if verdict.scl >= threshold else "accept")


@given(st.lists(st.floats(-30, 30), min_size=3, max_size=3), st.integers(0, 2), st.floats(0, 30), st.floats(-200, 200))
def test_more_points_never_rescue_a_mail(points, which, more, trust):
    """The verdict is monotone: more suspicion, or less trust, never turns a refusal into an acceptance."""
    rule = compiled("core words*2 reputation*3")
    names = ("core", "words", "reputation")
    before = decide([Finding(name, one) for name, one in zip(names, points, strict=True)], rule, Trust(trust))
    points[which] += more
    after = decide([Finding(name, one) for name, one in zip(names, points, strict=True)], rule, Trust(trust - more))
    assert after.scl >= before.scl
    assert (before.outcome, after.outcome) != ("refuse", "accept")


@given(st.lists(st.floats(-30, 30), min_size=3, max_size=3), st.floats(0, 300), st.integers(0, 3))
def test_what_is_beyond_help_is_refused_in_the_end(points, trust, known):
    """An early refusal is never one that the whole judgement would not give."""
    rule = compiled("core words*2 reputation*3")
    all_found = [Finding(name, one) for name, one in zip(("core", "words", "reputation"), points, strict=True)]
    if is_beyond_help(all_found[:known], rule, {}, trust_possible=True):
        assert decide(all_found, rule, Trust(trust)).outcome == "refuse"
