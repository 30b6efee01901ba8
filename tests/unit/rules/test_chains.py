# SPDX-License-Identifier: Apache-2.0
"""Chains: which rules may own a recipient's mail, and who may share a transaction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.config.rules import FilterUse, Rule
from gatepost.rules.chain import Chain, share
from gatepost.rules.decide import decide, strictest
from gatepost.rules.refusals import POLICY, UNKNOWN_RECIPIENT
from gatepost.rules.rule import CompiledRule
from gatepost.rules.ruleset import Ruleset
from gatepost.smtp.replies import TOO_MANY_RECIPIENTS
from unit.rules.rule_makers import address, chain, findings, rule, ruleset, transaction


def names(found):
    """Give the names of a chain's rules."""
    return [one.name for one in found.rules]


def test_only_the_first_matching_rule_owns_a_mail_and_order_decides():
    """A general rule above a special one owns the special one's mail too."""
    general, special = rule("general"), rule("special", mail_from=("a@partner.example",), mode="reject")
    assert names(chain(ruleset(general, special))) == ["general"]
    assert names(chain(ruleset(special, general))) == ["special"]


def test_a_chain_ends_at_the_first_rule_without_a_header_scope():
    """Rules with a header scope stand before it; what does not match, is disabled or comes after is not in it."""
    rules = ruleset(
        rule("outbound", direction="outbound"),
        rule("news", header_from=("*@news.example",)),
        rule("off", enabled=False),
        rule("other sender", mail_from=("*@other.example",)),
        rule("boss", header_from=("boss@example.com",), mode="reject"),
        rule("all"),
        rule("never"),
    )
    found = chain(rules)
    assert names(found) == ["news", "boss", "all"]
    assert found.own([address("x@news.example")]).name == "news"
    assert found.own([address("boss@example.com"), address("x@y.example")]).name == "boss"
    assert found.own([]).name == "all"


def test_a_mail_that_no_rule_owns_is_refused_by_policy():
    """At RCPT when no rule can match, at the end of data when From fits none."""
    none = chain(ruleset(rule("outbound", direction="outbound")))
    assert (none.at_rcpt("inbound"), none.own([])) == (POLICY, POLICY)
    depends = chain(ruleset(rule("news", header_from=("*@news.example",))))
    assert (depends.at_rcpt("inbound"), depends.own([address("a@b.example")])) == (None, POLICY)


def test_an_unknown_recipient_is_refused_only_with_a_scope_of_corporate_addresses():
    """With owned domains whatever stands before the @ is taken; with corporate addresses who is unknown is refused."""
    by_domain, by_address = (ruleset(rule("r", recipient_scope=scope)) for scope in ("owned_domains", "corporate_addresses"))
    assert not chain(by_domain).asks_directory
    assert chain(by_domain, unknown=True).at_rcpt("inbound") is None
    assert chain(by_address).asks_directory
    assert chain(by_address).at_rcpt("inbound") is None
    assert chain(by_address, unknown=True).at_rcpt("inbound") == UNKNOWN_RECIPIENT


def test_a_rule_for_domains_above_takes_unknown_recipients():
    """The first match decides, so that one sender may write to any local part."""
    rules = ruleset(rule("partner", mail_from=("*@partner.example",)), rule("rest", recipient_scope="corporate_addresses"))
    assert chain(rules, unknown=True).at_rcpt("inbound") is None
    assert chain(rules, unknown=True, sender="a@b.example").at_rcpt("inbound") == UNKNOWN_RECIPIENT


def test_whether_an_unknown_recipient_is_refused_may_depend_on_from():
    """RCPT takes him then, apart from the known ones, and the owner decides at the end of data."""
    rules = ruleset(rule("news", header_from=("*@news.example",)), rule("rest", recipient_scope="corporate_addresses"))
    known, unknown = chain(rules), chain(rules, unknown=True)
    assert unknown.at_rcpt("inbound") is None
    assert share(known, unknown, "split") == TOO_MANY_RECIPIENTS
    assert unknown.own([address("a@news.example")]).name == "news"
    assert unknown.own([address("a@b.example")]) == UNKNOWN_RECIPIENT


@pytest.mark.parametrize(
    ("rejection", "direction", "reply"),
    [
        ("reject_inbound_report_outbound", "inbound", POLICY),
        ("reject_inbound_report_outbound", "outbound", None),
        ("discard_report_outbound", "inbound", None),
        ("reject_report_none", "outbound", POLICY),
    ],
)
def test_a_rejecting_rule_is_answered_at_rcpt_when_it_refuses(rejection, direction, reply):
    """What is to be discarded must be taken first."""
    rules = ruleset(rule("no", mode="reject", direction="any", rejection=rejection))
    assert chain(rules, direction=direction).at_rcpt(direction) == reply


def pair(first, second):
    """Give the chains of two recipients, each with rules of its own."""
    recipients = (first, "a@example.com"), (second, "b@example.com")
    firsts, seconds = ([Rule(**{**one, "recipients": (to,)}) for one in rules] for rules, to in recipients)
    rules = Ruleset([*firsts, *seconds])
    return chain(rules, "a@example.com"), chain(rules, "b@example.com")


WORDS = (FilterUse(name="words"),)
NEWS, MORE = ("*@news.example",), ("*@more.example",)


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ([{"name": "a", "filters": WORDS}], [{"name": "b", "filters": WORDS}], True),
        ([{"name": "a", "filters": WORDS}], [{"name": "b", "filters": WORDS, "threshold": 5}], False),
        ([{"name": "a", "filters": WORDS}], [{"name": "b", "filters": (FilterUse(name="words", multiplier=2),)}], False),
        ([{"name": "a", "filters": WORDS}], [{"name": "b", "filters": (FilterUse(name="reputation"),)}], False),
        ([{"name": "a", "filters": WORDS}], [{"name": "b", "filters": (*WORDS, FilterUse(name="reputation", multiplier=0))}], True),
        ([{"name": "a", "filters": WORDS}], [{"name": "b", "mode": "accept"}], False),
        ([{"name": "a", "mode": "accept"}], [{"name": "b", "mode": "accept", "threshold": 9}], True),
        ([{"name": "a", "mode": "reject"}], [{"name": "b", "mode": "reject", "rejection": "discard_report_outbound"}], False),
        ([{"name": "a", "filters": WORDS}], [{"name": "b", "filters": WORDS, "verdict_reply": "Not today"}], True),
        (
            [{"name": "a", "filters": WORDS}],
            [{"name": "b", "filters": WORDS, "header_from": NEWS}, {"name": "c", "filters": WORDS}],
            True,
        ),
        (
            [{"name": "a", "filters": WORDS}],
            [{"name": "b", "mode": "accept", "header_from": NEWS}, {"name": "c", "filters": WORDS}],
            False,
        ),
        (
            [{"name": "a", "mode": "accept", "header_from": NEWS}, {"name": "b", "filters": WORDS}],
            [{"name": "c", "mode": "accept", "header_from": ("*@NEWS.example",)}, {"name": "d", "filters": WORDS}],
            True,
        ),
        (
            [{"name": "a", "mode": "accept", "header_from": NEWS}, {"name": "b", "filters": WORDS}],
            [{"name": "c", "mode": "accept", "header_from": MORE}, {"name": "d", "filters": WORDS}],
            False,
        ),
        (
            [{"name": "a", "mode": "accept", "header_from": NEWS}, {"name": "b", "filters": WORDS}],
            [{"name": "c", "mode": "accept", "header_from": NEWS}],
            False,
        ),
        (
            [
                {"name": "a", "mode": "accept", "header_from": NEWS},
                {"name": "b", "mode": "accept", "header_from": MORE},
                {"name": "c", "filters": WORDS},
            ],
            [{"name": "d", "mode": "accept", "header_from": MORE}, {"name": "e", "filters": WORDS}],
            False,
        ),
    ],
)
def test_recipients_share_a_transaction_when_their_chains_agree_in_all_that_can_refuse(first, second, together):
    """Mode, filters, multipliers, threshold and rejection split; names, texts and other treatment do not."""
    one, other = pair(first, second)
    assert (share(one, other, "split") is None) is together
    assert share(one, other, "split") in (None, TOO_MANY_RECIPIENTS)


def test_different_rules_for_recipients_split_or_are_judged_by_the_strictest():
    """With `split` the second recipient is told 452; with `strictest` one refusal refuses the mail for all, in any order."""
    lax, strict = [{"name": "lax", "filters": WORDS, "threshold": 8}], [{"name": "strict", "filters": WORDS, "threshold": 2}]
    for one, other in (pair(lax, strict), pair(strict, lax)):
        assert share(one, other, "split") == TOO_MANY_RECIPIENTS
        assert share(one, other, "strictest") is None
        verdicts = [decide(findings(words=5), found.own([])) for found in (one, other)]
        assert {verdict.outcome for verdict in verdicts} == {"accept", "refuse"}
        assert (strictest(verdicts).rule, strictest(verdicts).outcome) == ("strict", "refuse")


def test_a_chain_that_agrees_may_be_judged_before_data():
    """It gives the rule that judges for all of it, and none where From may change the verdict."""
    assert chain(ruleset(rule("a"))).agreed.name == "a"
    assert chain(ruleset(rule("n", header_from=NEWS), rule("a"))).agreed.name == "a"
    assert chain(ruleset(rule("n", header_from=NEWS, threshold=9), rule("a"))).agreed is None
    assert chain(ruleset(rule("n", header_from=NEWS))).agreed is None
    assert chain(ruleset(rule("o", direction="outbound"))).agreed is None


def test_recipients_of_the_same_rules_share_one_chain():
    """A thousand recipients cost no thousand chains."""
    rules = ruleset(rule("a"), rule("b"))
    assert chain(rules, "x@example.com") is chain(rules, "y@example.com")


one_rule = st.builds(
    Rule,
    name=st.sampled_from("abcdef"),
    mode=st.sampled_from(["accept", "reject", "check"]),
    header_from=st.sampled_from([(), NEWS, MORE]),
    filters=st.sampled_from([WORDS, (FilterUse(name="words", multiplier=2),)]),
    threshold=st.sampled_from([2.0, 4.0]),
)
author = st.lists(st.sampled_from([address("a@news.example"), address("a@more.example"), address("a@b.example"), None]), max_size=2)


def verdict(found, authors, points):
    """Judge a mail by a chain."""
    owner = found.own(authors)
    return decide(findings(words=points), owner).outcome if isinstance(owner, CompiledRule) else owner


@given(st.lists(one_rule, min_size=1, max_size=3), st.lists(one_rule, min_size=1, max_size=3), author, st.floats(-12, 12))
def test_whoever_shares_a_transaction_gets_one_verdict(first, second, authors, points):
    """Chains of equal keys give every mail the same verdict, whatever From says: no recipient's rule is passed over."""
    one, other = (Chain(tuple(map(CompiledRule, rules))) for rules in (first, second))
    if share(one, other, "split") is None:
        assert verdict(one, authors, points) == verdict(other, authors, points)
    if one.agreed is not None:
        assert verdict(one, authors, points) == decide(findings(words=points), one.agreed).outcome


@given(st.lists(one_rule, max_size=6), st.sampled_from(["user@example.com", "a@elsewhere.example"]), st.booleans(), author)
def test_a_ruleset_never_raises(rules, recipient, unknown, authors):
    """Every recipient gets a chain, and every chain an owner or a refusal."""
    made = Ruleset(rules)
    candidates = made.candidates(transaction())
    found = made.chain(candidates, address(recipient), owned=True, unknown=unknown)
    assert found.at_rcpt("inbound") in (None, POLICY, UNKNOWN_RECIPIENT)
    assert found.own(authors) in (*found.rules, POLICY, UNKNOWN_RECIPIENT)
