# SPDX-License-Identifier: Apache-2.0
"""The resolver in memory."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.dns.answers import OCTETS, VALUES, Answer, MxRecord, bounded
from gatepost.dns.resolver import interleaved
from gatepost.dns.twin import Twin
from gatepost.errors import ConfigError

ZONE = """\
$ORIGIN example.com.   ; a comment
$TTL 120
@        MX     10 mx
         60 IN MX 20 mx.other.example.
mx       A      192.0.2.1
mx       A      192.0.2.2
mx       AAAA   2001:DB8::1
alias    CNAME  mx
circle   CNAME  circle
nomail   MX     0 .
broken   FAIL
half     A      192.0.2.9
half     FAIL   TXT AAAA
"""

TEXTS = r"""
two      TXT    "v=spf1 " "mx -all"   ; a comment
two      TXT    plain
odd      TXT    "semi;colon \"quoted\" back\\slash \200\000" ; "not this"
wide     TXT    "grün"
empty    TXT    ""
1.2.0.192.in-addr.arpa                                                    PTR mx.Example.
1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6.arpa. PTR mx6
a\032space 60 IN A 192.0.2.8
"""


async def test_mail_exchangers() -> None:
    """MX records come as they stand, with the least time to live; relative names are below the origin."""
    answer = await Twin(ZONE).mx("Example.com")
    assert answer == Answer("found", (MxRecord(10, "mx.example.com"), MxRecord(20, "mx.other.example")), 60.0)


async def test_addresses_of_both_families_take_turns() -> None:
    """IPv6 comes first, then one of each family in turn."""
    answer = await Twin(ZONE).addresses("mx.example.com")
    assert answer == Answer("found", ("2001:db8::1", "192.0.2.1", "192.0.2.2"), 120.0)


@pytest.mark.parametrize(
    ("kind", "name", "status"),
    [
        ("addresses", "alias.example.com", "found"),
        ("addresses", "circle.example.com", "failed"),
        ("addresses", "absent.example.com", "nxdomain"),
        ("addresses", "nomail.example.com", "no_data"),
        ("addresses", "broken.example.com", "failed"),
        ("mx", "nomail.example.com", "found"),
        ("mx", "mx.example.com", "no_data"),
        ("mx", "absent.example.com", "nxdomain"),
        ("mx", "broken.example.com", "failed"),
        ("a", "alias.example.com", "found"),
        ("a", "half.example.com", "found"),
        ("a", "nomail.example.com", "no_data"),
        ("aaaa", "alias.example.com", "found"),
        ("aaaa", "half.example.com", "failed"),
        ("txt", "half.example.com", "failed"),
        ("txt", "mx.example.com", "no_data"),
        ("txt", "absent.example.com", "nxdomain"),
        ("names", "192.0.2.1", "nxdomain"),
        ("names", "no address", "nxdomain"),
    ],
)
async def test_kinds_of_nothing_are_told_apart(kind: str, name: str, status: str) -> None:
    """No such name, no such data and no answer are three values, and none is an exception."""
    twin = Twin(ZONE)
    answer = await getattr(twin, kind)(name)
    assert answer.status == status
    assert bool(answer.values) == (status == "found")
    assert twin.asked == [({"addresses": "ADDRESS", "names": "PTR"}.get(kind, kind.upper()), name)]


async def test_the_null_mx_is_the_root() -> None:
    """`0 .` is a record whose host is empty."""
    assert (await Twin(ZONE).mx("nomail.example.com")).values == (MxRecord(0, ""),)


@pytest.mark.parametrize(
    "line",
    [
        "x MX mx",
        "x MX ten mx",
        "x A 2001:db8::1",
        "x AAAA 192.0.2.1",
        "x TXT",
        'x TXT "open',
        "x TXT \\300",
        "x TXT \\",
        "x PTR a b",
        "x",
        "$ORIGIN",
        "x FAIL now",
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: str, tmp_path: Path) -> None:
    """A wrong zone file is a ConfigError that names file and line."""
    file = tmp_path / "zone"
    file.write_text(f"ok A 192.0.2.1\n{line}\n")
    with pytest.raises(ConfigError, match="zone: line 2: "):
        Twin.from_file(file)


def test_interleaving_keeps_all() -> None:
    """Two families are mixed one by one, what is left of the longer comes last."""
    assert interleaved(("a", "b", "c"), ("1",)) == ("a", "1", "b", "c")
    assert interleaved((), ("1", "2")) == ("1", "2")


async def test_text_records_are_octets_joined_without_a_space() -> None:
    """Strings of one record are joined; quotes, escapes, comments and UTF-8 are read as zone files write them."""
    twin = Twin(TEXTS)
    assert await twin.txt("Two") == Answer("found", (b"v=spf1 mx -all", b"plain"), 300.0)
    assert (await twin.txt("odd")).values == (b'semi;colon "quoted" back\\slash \xc8\x00',)
    assert (await twin.txt("wide")).values == ("grün".encode(),)
    assert (await twin.txt("empty")).values == (b"",)
    assert await twin.a("a space") == Answer("found", ("192.0.2.8",), 60.0)


@pytest.mark.parametrize(
    ("address", "names"),
    [("192.0.2.1", ("mx.example",)), ("::ffff:192.0.2.1", ("mx.example",)), ("2001:DB8::1", ("mx6",)), ("192.0.2.2", ())],
)
async def test_names_of_an_address(address: str, names: tuple[str, ...]) -> None:
    """PTR records answer for an address of either family, an IPv4-mapped one as its IPv4 address."""
    assert (await Twin(TEXTS).names(address)).values == names


def quoted(string: bytes) -> str:
    return '"' + "".join(chr(octet) if 32 <= octet < 127 and octet not in b'"\\' else f"\\{octet:03}" for octet in string) + '"'


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=4))
async def test_any_octets_can_be_written(strings: list[bytes]) -> None:
    """Whatever octets a TXT record has, a zone file can say them."""
    assert (await Twin("x TXT " + " ".join(map(quoted, strings))).txt("x")).values == (b"".join(strings),)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=60))
def test_any_line_is_read_or_refused(line: str) -> None:
    """A line of any characters is read or is a ConfigError."""
    try:
        Twin(line)
    except ConfigError as refused:
        assert "line 1" in str(refused)


async def test_an_answer_is_bounded() -> None:
    """No answer has more values or octets than a caller can bear."""
    assert len((await Twin("x A 192.0.2.1\n" * 1000).a("x")).values) == VALUES
    assert len((await Twin("x MX 1 mx\n" * 1000).mx("x")).values) == VALUES
    kept = bounded([b"x" * 1000] * 200)
    assert 0 < sum(map(len, kept)) <= OCTETS
    assert bounded([b"x" * (OCTETS + 1)]) == ()
