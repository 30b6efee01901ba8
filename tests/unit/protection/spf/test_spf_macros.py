# SPDX-License-Identifier: Apache-2.0
"""The macro language, by the examples of RFC 7208 §7.4 and at its edges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.protection.mailauth.spf.client import Client, read_client
from gatepost.protection.mailauth.spf.identity import Identity
from gatepost.protection.mailauth.spf.macros import EXPLANATION_LETTERS, expand, query_name, read_macros, uses


def filled(text: str, client: str = "192.0.2.3", local: str = "strong-bad") -> str | None:
    address = read_client(client)
    assert address is not None
    macros = read_macros(text, EXPLANATION_LETTERS)
    identity = Identity(address, local, "email.example.com", "mx.example.org", "gate.example.net", 1_000_000_000.9)
    return None if macros is None else expand(macros, identity.values("email.example.com", "mx.example.org"))


@pytest.mark.parametrize(
    ("text", "expansion"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
        ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        ("%{c} %{r} %{t} %{h} %{p}", "192.0.2.3 gate.example.net 1000000000 mx.example.org mx.example.org"),
        ("%%a%_b%-c", "%a b%20c"),
        ("%{S}", "strong-bad%40email.example.com"),
        ("%{d999}|%{d1000}|%{d9999999}", "email.example.com|email.example.com|email.example.com"),
        ("no macro at all", "no macro at all"),
        ("100%", None),
        ("%{d2", None),
    ],
)
def test_expansion(text: str, expansion: str | None) -> None:
    """Each text expands as the standard's own examples say."""
    assert filled(text) == expansion


def test_ipv6() -> None:
    """An IPv6 address is its digits for macro i, and short for macro c; a mapped one is IPv4."""
    assert filled("%{ir}.%{v}._spf.%{d2}", "2001:db8::cb01") == f"1.0.b.c.{'0.' * 20}8.b.d.0.1.0.0.2.ip6._spf.example.com"
    assert filled("%{c}", "2001:DB8:0::1") == "2001:db8::1"
    assert filled("%{i} %{v}", "::ffff:192.0.2.3") == "192.0.2.3 in-addr"


def test_odd_local_parts() -> None:
    """Capitals percent-encode whatever a URL may not hold, also UTF-8 and lone surrogates."""
    assert filled("%{L}", local='"a b"@ü') == "%22a%20b%22%40%C3%BC"
    assert filled("%{L}", local="\ud800") == "%3F"
    assert filled("%{l1-+/}", local="a-b+c/d") == "d"


def test_which_letters_are_used() -> None:
    """Only a text that uses a letter makes its value needed."""
    macros = read_macros("%{d}.%{p}")
    assert macros is not None
    assert uses(macros, "p")
    assert not uses(macros, "l")
    assert not uses("p", "p")


@pytest.mark.parametrize(
    ("expanded", "name"),
    [
        ("A.Example.", "a.example"),
        ("a b%.example", "a b%.example"),
        ("", None),
        (".", None),
        ("a..example", None),
        (".example", None),
        ("a.example..", None),
        (f"{'x' * 63}.example", f"{'x' * 63}.example"),
        (f"{'x' * 64}.example", None),
        ("ü.example", None),
        ("a\r.example", None),
        ("x" * 300, None),
        ("left." + "x." * 125 + "ex", "x." * 125 + "ex"),
    ],
)
def test_names_to_ask_for(expanded: str, name: str | None) -> None:
    """A name is in lower case and fits the DNS; one too long loses labels on the left, one that cannot exist is none."""
    assert query_name(expanded) == name


@given(st.text("%{}dlsiphvorctSL0129r.-+,/_= x", max_size=40), st.text(max_size=20))
def test_reading_and_expanding_never_raise(text: str, local: str) -> None:
    """Any text and any local part give an expansion or none."""
    expansion = filled(text, local=local)
    assert expansion is None or len(expansion) <= len(text) * (len(local) * 12 + 60)


@given(st.text(max_size=300))
def test_a_name_to_ask_for_fits_the_dns(text: str) -> None:
    """Whatever is expanded, the name asked for is one that can exist."""
    name = query_name(text)
    assert name is None or (len(name) <= 253 and name.isascii() and all(0 < len(label) < 64 for label in name.split(".")))


@pytest.mark.parametrize(
    ("text", "client"),
    [("192.0.2.1", Client("192.0.2.1", 0xC0000201, 4)), ("fe80::1%eth0", Client("fe80::1", (0xFE80 << 112) + 1, 6)), ("local", None)],
)
def test_clients(text: str, client: Client | None) -> None:
    """A client is its address; an interface's name is dropped, anything else is none."""
    assert read_client(text) == client
