# SPDX-License-Identifier: Apache-2.0
"""A rule that cannot work is refused with its place, its cause and its mend."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.config.rules import FilterUse, Rule
from gatepost.errors import ConfigError
from gatepost.rules.faults import rule_faults
from gatepost.rules.ruleset import compile_rules
from unit.rules.rule_makers import KNOWN, address, rule, transaction


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (rule("a", "wrods"), "f: rules[0].filters[0].name: there is no filter 'wrods'; did you mean words?"),
        (rule("a", "zz"), "f: rules[0].filters[0].name: there is no filter 'zz'; write one of character_sets, core, realtime_blocklists, "),
        (
            rule("a", "words character_sets", direction="outbound"),
            "f: rules[0].filters[1].name: character_sets has no function in outbound mail; remove it, or make the rule inbound",
        ),
        (rule("a", "character_sets", direction="any"), "f: rules[0].filters[0].name: character_sets has no function in outbound mail"),
        (rule("a", "words words"), "f: rules[0].filters[1].name: words is filters[0] already; remove one of them"),
        (rule("a", ""), "f: rules[0].filters: is empty, so nothing gives points and the threshold is never reached; "),
        (
            rule("a", mail_from=("ok@example.com", "example.com")),
            "f: rules[0].mail_from[1]: 'example.com' is no address; write *@example.com",
        ),
        (rule("a", recipients=("<>",)), "f: rules[0].recipients[0]: the null sender is no recipient and no author"),
        (rule("a", header_from=("a@*",)), "f: rules[0].header_from[0]: 'a@*' has a * behind the @"),
        (rule("a", clients=("192.0.2.1/24",)), "f: rules[0].clients[0]: '192.0.2.1/24' has bits set beyond its prefix"),
        (rule("a", clients=("mx.example",)), "f: rules[0].clients[0]: 'mx.example' is no IP address or network; write an address"),
        (rule("a", listeners=("port 25",)), "f: rules[0].listeners[0]: 'port 25' is no listener; write address:port, as 0.0.0.0:25"),
        (rule("a", listeners=("0.0.0.0:26",)), "f: rules[0].listeners[0]: there is no listener 0.0.0.0:26; write one of 0.0.0.0:25"),
        (rule("a", threshold=float("nan")), "f: rules[0].threshold: nan is never reached; write a number, as 4"),
    ],
)
def test_what_cannot_work_is_refused_with_the_place_and_the_mend(made, sentence):
    """The sentence names the key, the cause and what to write."""
    with pytest.raises(ConfigError) as refused:
        compile_rules([made], KNOWN, "f", listeners={"0.0.0.0:25"})
    assert str(refused.value).startswith(sentence)


def test_two_rules_of_one_name_are_refused():
    """A track must say which rule it was; a disabled one counts."""
    faults = list(rule_faults([rule("a", enabled=False), rule("b"), rule("a")], KNOWN, "f"))
    assert [fault.path for fault in faults] == ["f: rules[2].name"]


def test_all_faults_are_told_not_only_the_first():
    """Whoever mends a file mends it once."""
    faults = list(rule_faults([rule("a", "zz", mail_from=("x",), clients=("y",)), rule("a", "")], KNOWN, "f"))
    places = ["rules[0].mail_from[0]", "rules[0].clients[0]", "rules[0].filters[0].name", "rules[1].name", "rules[1].filters"]
    assert [fault.path for fault in faults] == [f"f: {place}" for place in places]


@pytest.mark.parametrize(
    "keys",
    [
        {"threshold": 0},
        {"verdict_reply": "two\nlines"},
        {"verdict_reply": "Größe"},
        {"filters": [{"name": "words", "multiplier": 11}]},
        {"filters": [{"name": "words", "multiplier": 1.5}]},
        {"mode": "maybe"},
        {"name": ""},
        {"unknown": 1},
    ],
)
def test_what_no_key_can_hold_is_refused_by_the_model(keys):
    """Ranges, choices and unknown keys are errors of the file's form."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "a", **keys}, Rule)


text = st.sampled_from(["*@a.example", "x@a.example", "*.example", "*", "<>", "example", "a@", "*a@b.example", "@", "a b@c.example"])
rules = st.lists(
    st.builds(
        Rule,
        name=st.sampled_from("abcdefgh"),
        enabled=st.booleans(),
        direction=st.sampled_from(["inbound", "outbound", "any"]),
        mode=st.sampled_from(["accept", "reject", "check"]),
        mail_from=st.lists(text, max_size=2).map(tuple),
        header_from=st.lists(text, max_size=2).map(tuple),
        recipients=st.lists(text, max_size=2).map(tuple),
        recipient_scope=st.sampled_from(["any", "owned_domains", "corporate_addresses"]),
        clients=st.lists(st.sampled_from(["192.0.2.0/24", "2001:db8::1", "nonsense"]), max_size=1).map(tuple),
        listeners=st.lists(st.sampled_from(["0.0.0.0:25", "x"]), max_size=1).map(tuple),
        filters=st.lists(
            st.builds(FilterUse, name=st.sampled_from(["words", "core", "zz"]), multiplier=st.integers(0, 10)), max_size=2
        ).map(tuple),
    ),
    max_size=4,
)


@given(rules, st.sampled_from(["", "x@a.example", "a@b.example"]), st.sampled_from(["inbound", "outbound"]), st.booleans())
def test_rules_that_pass_the_check_never_raise_afterwards(made, sender, direction, owned):
    """Compiling and asking them gives values only; rules that do not pass are refused by ConfigError alone."""
    try:
        ready = compile_rules(made, KNOWN)
    except ConfigError:
        assert list(rule_faults(made, KNOWN, "f"))
        return
    candidates = ready.candidates(transaction(sender, direction))
    found = ready.chain(candidates, address("x@a.example"), owned=owned)
    found.own([address("x@a.example")])
    found.at_rcpt(direction)
