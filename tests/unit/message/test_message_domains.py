# SPDX-License-Identifier: Apache-2.0
"""Domains come out in one spelling, or not at all."""

import pytest

from gatepost.message.domains import a_label, address_literal, is_address_literal


@pytest.mark.parametrize(
    ("untrusted", "domain"),
    [
        ("Example.COM", "example.com"),
        ("münchen.de", "xn--mnchen-3ya.de"),
        ("MÜNCHEN.de", "xn--mnchen-3ya.de"),
        ("XN--MNCHEN-3YA.de", "xn--mnchen-3ya.de"),
        ("straße.de", "xn--strae-oqa.de"),
        ("日本。jp", "xn--wgv71a.jp"),
        ("under_score.example", "under_score.example"),
        ("localhost", "localhost"),
        ("a" * 63 + ".de", "a" * 63 + ".de"),
    ],
)
def test_every_spelling_of_a_domain_gives_one_text(untrusted: str, domain: str) -> None:
    """The same domain in capitals, in Unicode or in A-labels is the same text."""
    assert a_label(untrusted) == domain


@pytest.mark.parametrize(
    "untrusted",
    [
        *("", ".", "a..b", ".a", "a.", "-a.de", "a-.de", "a b.de", "a\n.de", "a.de\n", "a@b", "a/b.de", "a\x00.de", "[192.0.2.1]"),
        *("a" * 64 + ".de", ".".join(["a" * 60] * 5), "ü" * 300, "\ud800.de", "münchen.de.", "☃" * 64 + ".de"),
    ],
)
def test_what_is_no_domain_is_refused(untrusted: str) -> None:
    """A text that cannot be a domain gives None and no exception; a dot at the end is a syntax error."""
    assert a_label(untrusted) is None


@pytest.mark.parametrize(
    ("untrusted", "literal"),
    [
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("[IPv6:2001:DB8:0::1]", "[IPv6:2001:db8::1]"),
        ("[ipv6:::1]", "[IPv6:::1]"),
        ("[IPv6:fe80::1%eth0]", None),
        ("[192.0.2.256]", None),
        ("[::1]", None),
        ("[]", None),
        ("192.0.2.1", None),
        ("[192.0.2.1", None),
        ("[example.org]", None),
    ],
)
def test_an_address_literal_has_one_form(untrusted: str, literal: str | None) -> None:
    """IPv4 and tagged IPv6 literals are known in their canonical form, anything else is none."""
    assert address_literal(untrusted) == literal
    assert is_address_literal(untrusted) is (literal is not None)
