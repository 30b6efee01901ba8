# SPDX-License-Identifier: Apache-2.0
"""An independent implementation, pyspf, judges random records over the same DNS."""

from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gatepost.dns.twin import Twin
from gatepost.message.addresses import Address
from gatepost.protection.mailauth.spf.check import check

pyspf = pytest.importorskip("spf")

CLIENTS = ("192.0.2.1", "198.51.100.7", "2001:db8::1", "::ffff:192.0.2.1")
NAMES = ("a.example", "b.example", "c.example", "d.example", "mail.a.example", "absent.example", "dead.example")
HELO = "mail.a.example"

domain = st.sampled_from(
    [
        *NAMES,
        "%{d}",
        "%{o}",
        "%{h}",
        "mail.%{d2}",
        "%{l}.example",
        "%{l1r-}.example",
        "%{dr}.example",
        "A.Example.",
        "%{i}.%{v}.x.example",
        "%{ir}.x.example",
        "%{S}.example",
    ]
)
odd_domain = st.sampled_from(
    [
        "",
        "example",
        "a.example.9",
        "a..example",
        "%{x}.example",
        "%a.example",
        "a.example/33",
        "a.ex-ample",
        "a.-example",
        "%%.example",
        "a%_b.example",
    ]
)
prefix4 = st.sampled_from(["", "/0", "/8", "/24", "/31", "/32"])
prefix6 = st.sampled_from(["", "//0", "//32", "//64", "//127", "//128"])
odd_prefix = st.sampled_from(["/33", "/", "//129", "/08", "//", "/24/64", "///"])
network4 = st.sampled_from(["192.0.2.0", "192.0.2.1", "198.51.100.0", "10.0.0.0"])
network6 = st.sampled_from(["2001:db8::", "2001:DB8::1", "::", "fe80::", "::ffff:192.0.2.1", "::192.0.2.1"])
qualifier = st.sampled_from(["", "+", "-", "~", "?"])


def joined(*parts: st.SearchStrategy[str] | str) -> st.SearchStrategy[str]:
    return st.tuples(*(st.just(part) if isinstance(part, str) else part for part in parts)).map("".join)


good_term = st.one_of(
    joined(qualifier, "all"),
    joined(qualifier, st.sampled_from(["include:", "INCLUDE:", "exists:"]), domain),
    joined(qualifier, st.sampled_from(["a", "mx", "A"]), prefix4, prefix6),
    joined(qualifier, st.sampled_from(["a:", "mx:", "Mx:"]), domain, prefix4, prefix6),
    joined(qualifier, "ip4:", network4, prefix4),
    joined(qualifier, "ip6:", network6, prefix6.map(lambda text: text[1:])),
    joined(qualifier, st.sampled_from(["ptr", "ptr:a.example", "ptr:example.com"])),
    joined("redirect=", domain),
    joined("x.", st.sampled_from([str(n) for n in range(1000)]), "=", domain),
)
odd_term = st.one_of(
    joined(qualifier, st.sampled_from(["a:", "mx:", "include:", "exists:", "ptr:", "redirect=", "redirect:", "ip4:", "ip6:"]), odd_domain),
    joined(qualifier, st.sampled_from(["a", "mx", "a:a.example", "all", "ip4:192.0.2.0", "ip6:2001:db8::", "include"]), odd_prefix),
    st.sampled_from(
        [
            "all:",
            "ip4",
            "ip6",
            "include",
            "exists",
            "moo",
            "1up=x",
            "=",
            "-",
            "a=b",
            "ip4:1.2.3",
            "ip4:01.2.3.4",
            "ip4:1.2.3.4:8",
            "ip6:::1::",
        ]
    ),
)
record = st.tuples(
    st.sampled_from(["v=spf1 "] * 20 + ["V=Spf1  ", "v=spf10 ", "v=spf1"]),
    st.lists(st.one_of(*[good_term] * 30, odd_term), max_size=6).map(" ".join),
).map("".join)

KNOWN = ("trivial recursion", "Error: x.")
"""Where pyspf departs from RFC 7208: it refuses a record that includes itself also when an earlier term matches (§4.6.2),
and one that has the same unknown modifier twice (§6)."""


@st.composite
def zones(draw: st.DrawFn) -> str:
    """Draw a zone in which each client has names and each name may have anything."""
    lines = ["dead.example FAIL", "1.2.0.192.in-addr.arpa PTR mail.a.example", "7.100.51.198.in-addr.arpa PTR b.example"]
    lines.append(f"1.{'0.' * 23}8.b.d.0.1.0.0.2.ip6.arpa PTR mail.a.example")
    lines += ["mail.a.example A 192.0.2.9", "mail.a.example AAAA 2001:db8::9", "b.example A 192.0.2.9", "b.example AAAA 2001:db8::9"]
    for name in NAMES[:5]:
        lines += [
            f"{name} A {address}" for address in draw(st.sets(st.sampled_from(["192.0.2.1", "192.0.2.2", "198.51.100.7"]), max_size=2))
        ]
        lines += [f"{name} AAAA {address}" for address in draw(st.sets(st.sampled_from(["2001:db8::1", "2001:db8::2"]), max_size=1))]
        lines += [f"{name} MX {n} {host}" for n, host in enumerate(draw(st.lists(st.sampled_from([*NAMES, "."]), max_size=1)))]
        records = draw(st.one_of(*[st.lists(record, min_size=1, max_size=1)] * 5, st.lists(record, max_size=2)))
        lines += [f'{name} TXT "{text}"' for text in records]
    return "\n".join(lines)


def at_once(answer: Coroutine[Any, Any, Any]) -> Any:
    """Run what never waits."""
    try:
        answer.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits")


class Lookup:
    """The twin, as pyspf asks."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin

    def __call__(self, name: str, kind: str, *_: Any) -> list[tuple[tuple[str, str], Any]]:
        status, records = self.twin._find(name, (kind,))
        if status == "failed":
            raise pyspf.TempError("no answer")
        values = {"TXT": lambda one: (one.text,), "MX": lambda one: (one.preference, one.value)}.get(kind, lambda one: one.value)
        return [((name, kind), values(one)) for one in records]


@settings(max_examples=300, derandomize=True)
@given(zones(), st.sampled_from(CLIENTS), st.sampled_from(["user", "strong-bad", "a"]), st.sampled_from(NAMES[:5]))
def test_pyspf_agrees(zone: str, client: str, local: str, sender: str) -> None:
    """Whatever the records say, the result is the same as pyspf's."""
    twin = Twin(zone)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyspf, "DNSLookup", Lookup(twin))
        judged, words = pyspf.check2(client, f"{local}@{sender}", HELO, querytime=0)
    assume(not any(known in words for known in KNOWN))
    assume("Too many DNS lookups" not in words or "redirect=" not in zone)  # pyspf counts a redirect that is not reached
    found = at_once(check(twin, client=client, mail_from=Address(local, sender), helo=HELO, hostname="gate.example", now=0.0))
    assert found.result == judged, found
