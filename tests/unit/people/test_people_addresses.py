# SPDX-License-Identifier: Apache-2.0
"""Addresses of people, folded as the gateway folds what it is asked for; and the spans of pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.mailflow.directory import _folded
from gatepost.people.address import folded, folded_domain
from gatepost.people.shipping import BEGIN, spans
from gatepost.smtp.session.paths import parse_path


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Jo.Doe@Example.COM", "jo.doe@example.com"),
        ("jo@BÜCHER.example", "jo@xn--bcher-kva.example"),
        ("JÜRGEN@a.example", "jürgen@a.example"),
        ('"Jo Doe"@a.example', '"jo doe"@a.example'),
    ],
)
def test_an_address_is_compared_in_small_letters_and_a_labels(written: str, read: str) -> None:
    """Local part and domain, whatever they were written in."""
    assert str(folded(written)) == read


@pytest.mark.parametrize(
    "text",
    [
        "",
        "jo",
        "postmaster",
        "@a.example",
        "jo@",
        "jo@[192.0.2.1]",
        "jo@192.0.2.1",
        "@x,@y:jo@a.example",
        "a b@c.example",
        "<jo@a.example>",
        "jo@a..example",
    ],
)
def test_what_is_no_address_with_a_domain_is_none(text: str) -> None:
    """Nothing is guessed."""
    assert folded(text) is None


@given(st.text(max_size=30), st.sampled_from(["a.example", "A.Example", "bücher.example"]))
def test_whatever_the_wire_names_is_folded_alike(local: str, domain: str) -> None:
    """An address that RCPT takes and its user's address are one, and the configuration's list folds no other way."""
    address = parse_path(f"{local}@{domain}")
    read = folded(f"{local}@{domain}")
    if address is None or read is None:
        return
    assert str(read) == f"{address.local.casefold()}@{address.domain}" == _folded(f"{address.local}@{address.domain}")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Example.COM", "example.com"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("*.a.example", None),
        ("192.0.2.1", None),
        ("", None),
        ("a b", None),
    ],
)
def test_a_domain_is_a_name(text: str, read: str | None) -> None:
    """Patterns and addresses are none."""
    assert folded_domain(text) == read


KEYS = st.tuples(st.integers(0, 3), st.sampled_from("abcd"))


@given(rows=st.sets(KEYS), after=KEYS | st.just(BEGIN), up_to=KEYS | st.none())
def test_the_spans_of_a_page_are_its_rows_each_once(rows, after, up_to) -> None:
    """As the comparison of pairs has it, within one tenant and across several."""
    if up_to is not None and up_to <= after:
        return
    found = []
    for condition, values in spans(after, up_to, "id"):
        for tenant_id, identity in rows:
            told = condition.replace("=", "==").replace("<==", "<=").replace("AND", "and").replace("?", "{!r}").format(*values)
            if eval(told, {"tenant_id": tenant_id, "id": identity}):  # conditions of our own
                found.append((tenant_id, identity))
    assert sorted(found) == sorted(row for row in rows if row > after and (up_to is None or row <= up_to))
