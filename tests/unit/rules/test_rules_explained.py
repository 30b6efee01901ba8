# SPDX-License-Identifier: Apache-2.0
"""`explain` says which rule owns a mail and why those above it do not; the default rules as people read them."""

from hypothesis import given
from hypothesis import strategies as st

from gatepost.config.rules import Rule
from gatepost.rules.default import DEFAULT_RULES
from gatepost.rules.explain import explain, owner
from gatepost.rules.rule import CompiledRule
from gatepost.rules.ruleset import Ruleset, compile_rules
from unit.rules.rule_makers import KNOWN, address, rule, ruleset, transaction

USER = address("user@example.com")


def test_each_rule_above_the_owner_says_why_it_is_not():
    """One line for each, in the rules' order; those below the owner are not looked at."""
    rules = ruleset(
        rule("off", enabled=False),
        rule("out", direction="outbound"),
        rule("sender", mail_from=("*@a.example", "*@b.example")),
        rule("net", clients=("198.51.100.0/24",)),
        rule("port", listeners=("0.0.0.0:587",)),
        rule("to", recipients=("boss@example.com",)),
        rule("author", header_from=("*@news.example",)),
        rule("all"),
        rule("below"),
    )
    told = explain(rules, transaction(), USER, owned=True, authors=[address("x@partner.example")])
    assert [(one.rule, one.matches) for one in told] == [
        *((name, False) for name in ("off", "out", "sender", "net", "port", "to", "author")),
        ("all", True),
    ]
    assert [one.why for one in told] == [
        "it is disabled",
        "it is for outbound mail, and this is inbound",
        "the sender a@partner.example is none of *@a.example, *@b.example",
        "the client 192.0.2.1 is not in 198.51.100.0/24",
        "the listener 0.0.0.0:25 is none of 0.0.0.0:587",
        "the recipient user@example.com is none of boss@example.com",
        "From (x@partner.example) is none of *@news.example",
        "its scopes match",
    ]
    assert owner(told) == "all"


def test_without_from_a_rule_with_a_header_scope_may_own_the_mail():
    """It is neither yes nor no, and says what it depends on."""
    rules = ruleset(rule("news", header_from=("*@news.example",)), rule("all"))
    told = explain(rules, transaction(), USER, owned=True)
    assert [one.matches for one in told] == [None, True]
    assert told[0].why == "it owns mail whose From is *@news.example, and From was not given"


def test_an_owner_that_refuses_the_unknown_says_so():
    """The recipient's name stands in the sentence."""
    rules = ruleset(rule("all", recipient_scope="corporate_addresses"))
    (told,) = explain(rules, transaction(), USER, owned=True, unknown=True)
    assert told.why == "its scopes match; it refuses user@example.com, who is no corporate address"


def test_nobody_may_own_a_mail():
    """Then the last line is a no, and there is no owner."""
    told = explain(ruleset(rule("out", direction="outbound")), transaction(), USER, owned=True)
    assert (told[-1].matches, owner(told), owner([])) == (False, "", "")


pattern = st.sampled_from(["*@partner.example", "x@a.example", "*"])
some_rules = st.lists(
    st.builds(
        Rule,
        name=st.uuids().map(str),
        enabled=st.booleans(),
        mode=st.just("accept"),
        direction=st.sampled_from(["inbound", "outbound", "any"]),
        mail_from=st.lists(pattern, max_size=1).map(tuple),
        header_from=st.lists(pattern, max_size=1).map(tuple),
        recipient_scope=st.sampled_from(["any", "owned_domains"]),
    ),
    max_size=5,
)


@given(some_rules, st.booleans(), st.lists(st.sampled_from([address("x@a.example"), address("y@b.example")]), max_size=2))
def test_the_owner_is_the_same_for_explain_and_for_the_gateway(rules, owned, authors):
    """What `explain` tells is what the chain does."""
    made = Ruleset(rules)
    found = made.chain(made.candidates(transaction()), USER, owned=owned).own(authors)
    told = owner(explain(made, transaction(), USER, owned=owned, authors=authors))
    assert told == (found.name if isinstance(found, CompiledRule) else "")


def test_the_default_rules_work_with_the_filters_that_exist():
    """Internal and outbound mail is accepted, all other mail checked; an unknown recipient is refused."""
    made = compile_rules(DEFAULT_RULES, KNOWN)
    cases = {
        ("outbound", "user@example.com", True): "Internal communication",
        ("outbound", "a@elsewhere.example", False): "All outbound mails",
        ("inbound", "user@example.com", True): "All other inbound mails",
        ("inbound", "a@elsewhere.example", False): "",
    }
    for (direction, to, owned), name in cases.items():
        assert owner(explain(made, transaction(direction=direction), address(to), owned=owned)) == name
    inbound = made.rules[-1]
    assert (inbound.mode, inbound.threshold, inbound.asks_directory) == ("check", 4, True)
    assert inbound.multipliers == {"realtime_blocklists": 1, "reputation": 1, "words": 1, "character_sets": 1}
