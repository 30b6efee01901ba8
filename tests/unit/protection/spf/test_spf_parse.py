# SPDX-License-Identifier: Apache-2.0
"""What an SPF record says, and when it is malformed."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.protection.mailauth.spf.macros import Macro
from gatepost.protection.mailauth.spf.parse import LONGEST, is_spf, parse
from gatepost.protection.mailauth.spf.record import Malformed, Mechanism, Record


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        (b"v=spf1", True),
        (b"V=SPF1 -all", True),
        (b"v=spf1 ", True),
        (b"v=spf10", False),
        (b"v=spf1\t-all", False),
        (b" v=spf1", False),
        (b"", False),
    ],
)
def test_which_records_are_spf(text: bytes, ours: bool) -> None:
    """The version in any case, then a space or the end."""
    assert is_spf(text) == ours


def test_a_record_in_full() -> None:
    """Directives keep their order; the modifiers that mean something are apart, others are read and dropped."""
    record = parse(
        b"v=spf1  ip4:192.0.2.0/24 -IP6:2001:db8::/32 ?a:x.example/24//64 ~mx exists:%{ir}.x.example +ptr moo=%{d} exp=e.example. all"
    )
    assert record == Record(
        (
            Mechanism("ip4", "pass", "ip4:192.0.2.0/24", None, int(ipaddress.IPv4Address("192.0.2.0")), 24),
            Mechanism("ip6", "fail", "-IP6:2001:db8::/32", None, int(ipaddress.IPv6Address("2001:db8::")), 32, 32),
            Mechanism("a", "neutral", "?a:x.example/24//64", "x.example", 0, 24, 64),
            Mechanism("mx", "softfail", "~mx"),
            Mechanism("exists", "pass", "exists:%{ir}.x.example", (Macro("i", 0, True, ".", False), ".x.example")),
            Mechanism("ptr", "pass", "+ptr"),
            Mechanism("all", "pass", "all"),
        ),
        None,
        "e.example.",
    )


@pytest.mark.parametrize(
    "term",
    [
        *[
            "moo",
            "=x",
            "-",
            "+redirect=a.example",
            "1x=y",
            "all:",
            "all/8",
            "all.",
            "include",
            "include:",
            "include:example",
            "exists",
            "exists:",
        ],
        *[
            "a:",
            "a/",
            "a/33",
            "a/08",
            "a//129",
            "a/24/64",
            "a///64",
            "a:example",
            "a:x.9",
            "a:x.-a",
            "a:x.a-",
            "a:x.example:80",
            "a:x.example..",
            "ptr:",
            "ptr/24",
        ],
        *[
            "ip4",
            "ip4:",
            "ip4:1.2.3",
            "ip4:1.2.3.04",
            "ip4:1.2.3.4/33",
            "ip4:1.2.3.4/",
            "ip4:1.2.3.4/024",
            "ip4:1.2.3.4:80",
            "ip4/1.2.3.4",
            "ip4:::1",
        ],
        *["ip6:", "ip6:1.2.3.4", "ip6:::1/129", "ip6:::1%lo", "ip6:::1//64", "ip6:1:2:3", "ip4:1.2.3.4/\u0663".encode().decode("latin-1")],
        *[
            "a:%",
            "a:%{}",
            "a:%{x}",
            "a:%{d",
            "a:%{d0}",
            "a:%{d00}",
            "a:%{dx}",
            "a:%{d!}",
            "a:%d.example",
            "a:%{c}",
            "a:%{t}.example",
            "a:%{dr1}",
            "moo=%",
            "exp=",
            "redirect=",
        ],
        *["redirect=a.example redirect=a.example", "exp=a.example EXP=b.example", "a\tmx", "a\0", "\x80", "a:x.example\x7f", "a:%%_"],
    ],
)
def test_a_malformed_term_spoils_the_record(term: str) -> None:
    """One wrong term, also behind `all`, makes the whole record malformed."""
    assert isinstance(parse(b"v=spf1 all " + term.encode("latin-1")), Malformed)


@pytest.mark.parametrize(
    "term",
    [
        *[
            "a:x.example.",
            "a:.example",
            "a:%{d}",
            "a:%{D12R+-}",
            "a:%{d000128}",
            "a:x.%%",
            "a:x%_",
            "a:%-",
            "a:x.1-2",
            "a:x.a1",
            "a:a:b/c.example",
            "a:x_y.example",
        ],
        *[
            "a/0//0",
            "a:x.example//64",
            "a:%{d}/24",
            "A:%{h2}//1",
            "moo=",
            "moo=%{d}/x",
            "x-y_z.9=9",
            "redirect=%{d}",
            "ip4:0.0.0.0/0",
            "ip6:::ffff:1.2.3.4/128",
        ],
        "a:%{d" + "9" * 5000 + "}",
    ],
)
def test_odd_terms_that_are_well_formed(term: str) -> None:
    """What the grammar allows is read, however odd."""
    assert isinstance(parse(b"v=spf1 " + term.encode()), Record)


def test_a_very_long_record_is_malformed() -> None:
    """The work for one record is bounded."""
    assert isinstance(parse(b"v=spf1" + b" " * LONGEST), Malformed)


@given(st.one_of(st.binary(max_size=80), st.text("av=spf1:/%{}dr0.29-~?+ ipmxlcexo\\", max_size=60).map(str.encode)))
def test_any_octets_are_a_record_or_malformed(text: bytes) -> None:
    """The parser never raises, and says what is wrong in one printable line."""
    record = parse(b"v=spf1 " + text)
    assert isinstance(record, Record) or (record.reason.isprintable() and len(record.reason) < 150)
