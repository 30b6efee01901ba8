# SPDX-License-Identifier: Apache-2.0
"""Scopes: each condition alone, several authors, and the words for a misfit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.config.limits import MessageLimits
from gatepost.config.rules import Rule
from gatepost.message.parse import parse
from gatepost.rules.scope import Scope, Transaction, authors
from unit.rules.rule_makers import address, transaction


def scope(**keys):
    """Make the scope of a rule."""
    return Scope(Rule(name="r", **keys))


@pytest.mark.parametrize(
    ("keys", "given_keys", "fits"),
    [
        ({}, {}, True),
        ({"direction": "outbound"}, {}, False),
        ({"direction": "any"}, {"direction": "outbound"}, True),
        ({"mail_from": ("*@partner.example",)}, {}, True),
        ({"mail_from": ("*@other.example",)}, {}, False),
        ({"mail_from": ("*@other.example", "*.example")}, {}, True),
        ({"mail_from": ("<>",)}, {"sender": ""}, True),
        ({"mail_from": ("*",)}, {"sender": ""}, False),
        ({"clients": ("192.0.2.0/24",)}, {}, True),
        ({"clients": ("198.51.100.0/24", "192.0.2.1")}, {}, True),
        ({"clients": ("192.0.2.0/32",)}, {}, False),
        ({"clients": ("2001:db8::/32",)}, {"client": "2001:db8:1::1"}, True),
        ({"clients": ("::/0",)}, {"client": "192.0.2.1"}, False),
        ({"clients": ("0.0.0.0/0",)}, {"client": "no address"}, False),
        ({"listeners": ("0.0.0.0:25",)}, {}, True),
        ({"listeners": ("0.0.0.0:587",)}, {}, False),
        ({"mail_from": ("*@partner.example",), "clients": ("198.51.100.1",)}, {}, False),
    ],
)
def test_every_scope_that_is_given_must_match(keys, given_keys, fits):
    """Direction, sender, client and listener each let a mail in or keep it out."""
    made = scope(**keys)
    asked = transaction(**given_keys)
    assert made.fits_transaction(asked) is fits
    assert (made.misfit_transaction(asked) == "") is fits


@pytest.mark.parametrize(
    ("keys", "recipient", "owned", "fits"),
    [
        ({}, "a@elsewhere.example", False, True),
        ({"recipient_scope": "owned_domains"}, "a@elsewhere.example", False, False),
        ({"recipient_scope": "owned_domains"}, "a@example.com", True, True),
        ({"recipient_scope": "corporate_addresses"}, "a@example.com", True, True),
        ({"recipients": ("sales@example.com",), "recipient_scope": "owned_domains"}, "a@example.com", True, False),
        ({"recipients": ("sales@example.com",)}, "Sales@example.com", True, True),
    ],
)
def test_recipients_match_by_pattern_and_by_scope(keys, recipient, owned, fits):
    """Both must hold where both are given."""
    made = scope(**keys)
    assert made.fits_recipient(address(recipient), owned=owned) is fits
    assert (made.misfit_recipient(address(recipient), owned=owned) == "") is fits


GOOD, BAD = address("a@good.example"), address("a@bad.example")


@pytest.mark.parametrize(
    ("mode", "found", "fits"),
    [
        ("accept", [GOOD], True),
        ("accept", [GOOD, BAD], False),
        ("check", [BAD, GOOD], False),
        ("reject", [BAD, GOOD], True),
        ("reject", [BAD], False),
        ("accept", [GOOD, None], False),
        ("accept", [None], False),
        ("accept", [], False),
        ("reject", [], False),
    ],
)
def test_a_second_author_carries_no_mail_into_a_kind_rule_nor_out_of_a_strict_one(mode, found, fits):
    """All authors must match, or one where the rule rejects; an unreadable author matches nothing."""
    made = scope(mode=mode, header_from=("*@good.example",))
    assert made.fits_authors(found) is fits
    assert (made.misfit_authors(found) == "") is fits


def test_authors_are_all_mailboxes_of_all_from_fields():
    """A mail with two From fields has the authors of both; what cannot be read is None."""
    message = parse(b"From: A <a@good.example>, b@x.example\r\nSubject: x\r\nFrom: broken\r\n\r\n")
    assert authors(message, MessageLimits()) == [GOOD, address("b@x.example"), None]


pattern = st.sampled_from(["*@a.example", "x@a.example", "*.example", "*", "<>"])
network = st.sampled_from(["192.0.2.0/24", "192.0.2.7", "2001:db8::/64", "0.0.0.0/0"])


@given(
    st.builds(
        Rule,
        name=st.just("r"),
        direction=st.sampled_from(["inbound", "outbound", "any"]),
        mail_from=st.lists(pattern, max_size=3).map(tuple),
        clients=st.lists(network, max_size=2).map(tuple),
        listeners=st.lists(st.sampled_from(["a:25", "b:25"]), max_size=1).map(tuple),
    ),
    st.builds(
        Transaction,
        st.sampled_from(["inbound", "outbound"]),
        st.sampled_from([None, address("x@a.example"), address("x@b.a.example")]),
        st.sampled_from(["192.0.2.7", "198.51.100.1", "2001:db8::1"]),
        st.sampled_from(["a:25", "b:25"]),
    ),
)
def test_words_and_verdict_of_a_scope_agree(made, asked):
    """A misfit has words exactly when the scope does not fit."""
    assert (Scope(made).misfit_transaction(asked) == "") is Scope(made).fits_transaction(asked)
