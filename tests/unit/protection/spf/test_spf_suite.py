# SPDX-License-Identifier: Apache-2.0
"""The published test suite of RFC 7208, each case against its zone.

Its zones have records of the withdrawn type SPF: they stand for TXT records as well, unless the name has TXT
records of its own (`TXT: NONE` says that it has none). TIMEOUT: each type that the name does not list gives no answer.
A case may allow several results; DEFAULT means that there is no explanation of the domain's own.
"""

from typing import Any

import pytest

from gatepost.dns.twin import Twin
from gatepost.message.addresses import Address
from gatepost.protection.mailauth.spf.check import check
from shared_corpora import corpus

KINDS = ("A", "AAAA", "MX", "PTR", "TXT")


def octets(value: str) -> bytes:
    """Give a text of the suite as it is on the wire; its non-ASCII characters stand for octets."""
    return value.encode("latin-1", "replace")


def quoted(octets: bytes) -> str:
    return '"' + "".join(f"\\{octet:03}" for octet in octets) + '"'


def zone(zonedata: dict[str, list[Any]]) -> str:
    """Write the suite's zone data as a zone file."""
    lines = []
    for name, entries in zonedata.items():
        owner = "".join(f"\\{octet:03}" for octet in octets(name + "."))
        records = [next(iter(entry.items())) for entry in entries if entry != "TIMEOUT"]
        own = any(kind == "TXT" for kind, _ in records)
        kinds = set()
        for listed, value in records:
            if value == "NONE" or (listed == "SPF" and own):
                continue
            kind = "TXT" if listed == "SPF" else listed
            kinds.add(kind)
            lines.append(f"{owner} {kind} {written(kind, value)}")
        if "TIMEOUT" in entries:
            lines.append(f"{owner} FAIL {' '.join(kind for kind in KINDS if kind not in kinds)}")
    return "\n".join(lines)


def written(kind: str, value: Any) -> str:
    if kind == "TXT":
        return " ".join(map(quoted, map(octets, [value] if isinstance(value, str) else value or [""])))
    if kind == "MX":
        return f"{value[0]} {quoted(octets(value[1].rstrip('.') + '.'))}"
    return quoted(octets(value.rstrip(".") + ".")) if kind in ("PTR", "CNAME") else str(value)


async def test_the_suite() -> None:
    """Every case of the suite gives a result that it allows, and its explanation."""
    yaml = pytest.importorskip("yaml")
    passed, failed = 0, []
    for chapter in yaml.safe_load_all((corpus("auth") / "spf" / "rfc7208-tests.yml").read_text("utf-8")):
        twin = Twin(zone(chapter["zonedata"]))
        for name, case in chapter["tests"].items():
            local, at, domain = case["mailfrom"].rpartition("@")
            mail_from = Address(local, domain.lower()) if at else None
            found = await check(twin, client=case["host"], mail_from=mail_from, helo=case["helo"], hostname="unknown", now=0.0)
            allowed = case["result"] if isinstance(case["result"], list) else [case["result"]]
            words = case.get("explanation", found.explanation)
            if found.result in allowed and found.explanation == ("" if words == "DEFAULT" else words):
                passed += 1
            else:
                failed.append(f"{chapter['description']}: {name}: {found}, not {allowed} {words!r}")
    print(f"{passed} cases of the RFC 7208 suite pass")
    assert failed == []
    assert passed > 100
