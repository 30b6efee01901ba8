# SPDX-License-Identifier: Apache-2.0
"""What differs between two configurations, in words."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gatepost.config.configuration import Configuration, CorporateServer, OwnedDomain, SendConnector, SubmissionUser
from gatepost.config.limits import DeliveryLimits
from gatepost.config.rules import FilterUse, Rule
from gatepost.versioning.plan import HIDDEN, changes, sentence

A, B, C = Rule(name="A"), Rule(name="B", filters=(FilterUse(name="words"),)), Rule(name="C")
BASE = Configuration(owned_domains=(OwnedDomain(name="a.example"),), rules=(A, B, C), corporate_users=("x@a.example", "y@a.example"))
replace = msgspec.structs.replace


def told(**other: object) -> list[str]:
    """Give the sentences about a change of the base."""
    return [sentence(one) for one in changes(BASE, replace(BASE, **other))]


def test_equal_configurations_differ_in_nothing():
    """No change is told where there is none."""
    assert changes(BASE, replace(BASE)) == ()


def test_a_changed_entry_is_known_by_its_name():
    """Only the field that differs is told, with the value before and after."""
    assert told(rules=(replace(A, threshold=6.5), B, C)) == ['rules "A": threshold 4 -> 6.5']
    assert told(rules=(A, replace(B, filters=(FilterUse(name="words", multiplier=2),)), C)) == [
        'rules "B": filters now with "words" multiplier 2 and without "words" multiplier 1'
    ]


def test_entries_come_and_go():
    """What comes is told with all that it says, but for defaults; and with its place, where an order decides."""
    assert told(rules=(A, B, C, Rule(name="D", mode="accept"))) == ['rules "D": added at place 4 (mode "accept")']
    assert told(rules=(A, Rule(name="D", mode="accept"), B, C)) == ['rules "D": added at place 2 (mode "accept")']
    assert told(rules=(A, C)) == ['rules "B": removed from place 2 (filters ["words" multiplier 1])']
    assert told(owned_domains=()) == ['owned_domains "a.example": removed']
    assert told(send_connectors=(SendConnector(name="x", direction="inbound"),)) == ['send_connectors "inbound x": added at place 1']
    assert told(corporate_servers=(CorporateServer(name="x"),)) == ['corporate_servers "x": added']


def test_a_rule_that_asks_no_filter_tells_of_none():
    """Filters and threshold of a rule that refuses or takes every mail say nothing about mail, and are not told as if they did."""
    asking = {"filters": (FilterUse(name="words"),), "threshold": 7.0, "verdict_reply": "no"}
    assert told(rules=(A, B, C, Rule(name="D", mode="reject", **asking))) == ['rules "D": added at place 4 (mode "reject")']
    assert told(rules=(A, B, C, Rule(name="D", **asking))) == [
        'rules "D": added at place 4 (filters ["words" multiplier 1], threshold 7, verdict_reply "no")'
    ]


def test_the_fewest_moves_explain_an_order():
    """A rule that is put first moves alone; those it passes do not."""
    assert told(rules=(C, A, B)) == ['rules "C": moved from place 3 to 1']
    assert told(rules=(B, A, C)) in (['rules "B": moved from place 2 to 1'], ['rules "A": moved from place 1 to 2'])


def test_lists_and_plain_keys():
    """Of a list what came and what went is told; keys above all tables need no section."""
    assert told(corporate_users=("y@a.example", "z@a.example")) == ['corporate_users now with "z@a.example" and without "x@a.example"']
    assert told(corporate_users=("y@a.example", "x@a.example")) == ['corporate_users now in another order, "y@a.example", "x@a.example"']
    assert told(different_rules="strictest") == ['different_rules "split" -> "strictest"']
    assert told(delivery=DeliveryLimits(lease_s=5)) == ["delivery: lease_s 60 -> 5"]


def test_secrets_are_not_shown():
    """Of a password only where it is kept, of a hash only that it changed, in words and as data."""
    out = SendConnector(name="out", direction="outbound", user="me", password="env:OLD")
    user = SubmissionUser(name="jo", password="$argon2id$old")
    before = Configuration(send_connectors=(out,), submission_users=(user,))
    after = Configuration(
        send_connectors=(replace(out, password="open sesame"),),
        submission_users=(replace(user, password="$argon2id$new"), SubmissionUser(name="li", password="$argon2id$li")),
    )
    found = changes(before, after)
    assert [sentence(one) for one in found] == [
        f'submission_users "jo": password changed {HIDDEN}',
        f'submission_users "li": added (password "{HIDDEN}")',
        f'send_connectors "outbound out": password "env:OLD" -> "{HIDDEN}"',
    ]
    shown = msgspec.json.encode(found).decode()
    assert not [secret for secret in ("sesame", "argon2id") if secret in shown]


@given(st.permutations("abcdef"), st.permutations("abcdef"))
def test_moves_are_enough_and_no_entry_is_lost(before, after):
    """Whoever is not told as moved keeps its order among all others that are not."""
    configurations = [Configuration(rules=tuple(Rule(name=name) for name in order)) for order in (before, after)]
    found = changes(*configurations)
    assert {one.kind for one in found} <= {"moved"}
    moved = {one.entry for one in found}
    assert [name for name in before if name not in moved] == [name for name in after if name not in moved]
    assert (not moved) == (before == after)


@given(st.lists(st.sampled_from("ab"), max_size=4), st.lists(st.sampled_from("ab"), max_size=4))
def test_two_entries_of_one_name_are_two(before, after):
    """Even settings that cannot work are compared whole: a plan is told before they are refused."""
    one, other = (Configuration(rules=tuple(Rule(name=name) for name in names)) for names in (before, after))
    assert (not changes(one, other)) == (before == after)
