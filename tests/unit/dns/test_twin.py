# SPDX-License-Identifier: Apache-2.0
"""The resolver in memory."""

from pathlib import Path

import pytest

from gatepost.dns.answers import Answer, MxRecord
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
    ],
)
async def test_kinds_of_nothing_are_told_apart(kind: str, name: str, status: str) -> None:
    """No such name, no such data and no answer are three values, and none is an exception."""
    twin = Twin(ZONE)
    answer = await getattr(twin, kind)(name)
    assert answer.status == status
    assert bool(answer.values) == (status == "found")
    assert twin.asked == [({"mx": "MX"}.get(kind, "ADDRESS"), name)]


async def test_the_null_mx_is_the_root() -> None:
    """`0 .` is a record whose host is empty."""
    assert (await Twin(ZONE).mx("nomail.example.com")).values == (MxRecord(0, ""),)


@pytest.mark.parametrize(
    "line", ["x MX mx", "x MX ten mx", "x A 2001:db8::1", "x AAAA 192.0.2.1", "x TXT hello", "x", "$ORIGIN", "x FAIL now"]
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
