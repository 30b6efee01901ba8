# SPDX-License-Identifier: Apache-2.0
"""What the form around the list of rules asks for, by button, position or drag; and rules in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.config.configuration import Configuration
from gatepost.dns.twin import Twin
from gatepost.mailflow.identify import Identities
from gatepost.roles.judgement import make_filters
from gatepost.web.console.configuration.rules_order import Asked, asked_of, dragged
from gatepost.web.console.configuration.rules_words import NAMES, filters, scopes
from gatepost.web.frame.forms import Form
from gatepost.web.frame.words import load

NAMED = ["a", "b", "c"]


def sent(do: str = "", order: list[str] | None = None, **places: str) -> Form:
    """Send the form of three rules."""
    return Form({"shown": NAMED, "order": order or NAMED, "do": do, **{f"place-{name[1:]}": value for name, value in places.items()}})


@pytest.mark.parametrize(
    ("form", "wanted"),
    [
        (sent("up 1"), Asked("b", "up", 1)),
        (sent("down 1"), Asked("b", "down", 3)),
        (sent("up 0"), None),
        (sent("down 2"), None),
        (sent("enable 2"), Asked("c", "enable")),
        (sent("disable 0"), Asked("a", "disable")),
        (sent("place", p0="1", p1="2", p2="1"), Asked("c", "place", 1)),
        (sent("place", p0="1", p1="2", p2="3"), None),
        (sent("place", p0="9"), Asked("a", "place", 9)),
        (sent("", ["b", "c", "a"]), Asked("a", "drag", 3)),
        (sent(), None),
        (sent("up 3"), None),
        (sent("up x"), None),
        (sent("burn 1"), None),
        (Form(), None),
    ],
)
def test_each_way_asks_for_one_change(form: Form, wanted: Asked | None):
    """What cannot be done is nothing; a place beyond the end is the edit's to refuse."""
    assert asked_of(form) == wanted


def test_a_position_that_is_no_number_is_told():
    """It is not taken for another."""
    form = sent("place", p1="first")
    assert asked_of(form) is None
    assert [one.field for one in form.faults] == ["place-1"]


@given(st.lists(st.text(min_size=1), min_size=1, unique=True), st.data())
def test_any_single_drag_is_understood(names: list[str], data: st.DataObject):
    """Whatever rule is moved wherever, the move that is found gives the order that the page shows."""
    moved, place = data.draw(st.sampled_from(names)), data.draw(st.integers(0, len(names) - 1))
    after = [one for one in names if one != moved]
    after.insert(place, moved)
    found = dragged(names, after)
    if after == names:
        assert found is None
        return
    assert found is not None
    assert found.place is not None
    again = [one for one in names if one != found.rule]
    again.insert(found.place - 1, found.rule)
    assert again == after


def test_a_list_that_was_another_is_not_guessed_at():
    """Two moves at once, or other rules, are nothing that a drag does."""
    assert dragged(["a", "b", "c", "d"], ["d", "c", "b", "a"]) is None
    assert dragged(["a", "b"], ["a", "c"]) is None
    assert dragged(["a", "b"], ["a"]) is None


def test_the_filters_that_are_offered_are_those_that_judge():
    """In their order, with their directions, each with a name for people."""
    made = make_filters(Configuration(), Identities(Configuration()), Twin(""))
    assert [(one.name, one.directions) for one in filters()] == [(one.name, one.directions) for one in made]
    assert set(NAMES) == {one.name for one in made}


def test_only_filters_with_a_function_in_the_direction_are_offered():
    """A rule for both directions asks only filters that judge both."""
    wanted = {one.name: one.wanted for one in filters()}
    assert wanted == {
        "realtime_blocklists": "inbound",
        "reputation": "inbound",
        "words": "inbound outbound any",
        "character_sets": "inbound",
    }


def test_scopes_are_said_in_words():
    """As much of a long list as a page has room for; of no scope, that."""
    german = load()["de"]
    rule = {
        "mail_from": [f"*@{n}.example" for n in range(5)],
        "header_from": [],
        "recipients": [],
        "clients": ["192.0.2.1"],
        "listeners": [],
    }
    said = scopes({**rule, "recipient_scope": "corporate_addresses"}, german)
    assert said == [
        "Absender: *@0.example, *@1.example, *@2.example und 2 weitere",
        "Client: 192.0.2.1",
        "An E-Mail-Adressen des Unternehmens",
    ]
    assert scopes({**rule, "mail_from": [], "clients": [], "recipient_scope": "any"}, german) == ["Alle E-Mails"]
