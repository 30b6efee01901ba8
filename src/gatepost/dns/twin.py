# SPDX-License-Identifier: Apache-2.0
"""A resolver in memory that reads a zone file: for tests, the demo, and machines without a network.

    $ORIGIN example.com.          names without a last dot are below it; at first it is the root
    $TTL 300
    @        MX     10 mx         also: 60 IN MX 10 mx
    mx       A      192.0.2.1
    mx       AAAA   2001:db8::1
    mail     CNAME  mx
    nomail   MX     0 .           the null MX of RFC 7505
    broken   FAIL                 every question for the name fails, as when its servers are away

A name that has a record of another type gives "no data", any other name "no such name". Zone files are RFC 1035
§5.1 without its parentheses and backslashes; `FAIL` is our own.
"""

import ipaddress
from pathlib import Path
from typing import NamedTuple

from gatepost.dns.answers import Answer, MxRecord, Status
from gatepost.dns.resolver import interleaved
from gatepost.errors import ConfigError

TTL_S = 300.0
_ALIASES = 8
_MEND = "write `name [ttl] [IN] MX|A|AAAA|CNAME|FAIL value`"


class _Record(NamedTuple):
    kind: str
    value: str
    preference: int
    ttl_s: float


class Twin:
    """The DNS of a zone file; `asked` keeps the questions, for tests."""

    def __init__(self, zone: str, source: str = "zone") -> None:
        self.asked: list[tuple[str, str]] = []
        self._names: dict[str, list[_Record]] = {}
        self._read(zone, source)

    @classmethod
    def from_file(cls, path: Path) -> "Twin":
        """Read a zone file; raises ConfigError with the line that cannot be read."""
        return cls(path.read_text("utf-8"), str(path))

    async def mx(self, domain: str) -> Answer[MxRecord]:
        """Give the mail exchangers of a domain."""
        self.asked.append(("MX", domain))
        status, records = self._find(domain, ("MX",))
        return Answer(status, tuple(MxRecord(one.preference, one.value) for one in records), _ttl(records))

    async def addresses(self, host: str) -> Answer[str]:
        """Give the addresses of a host."""
        self.asked.append(("ADDRESS", host))
        status, records = self._find(host, ("A", "AAAA"))
        v6 = tuple(one.value for one in records if one.kind == "AAAA")
        v4 = tuple(one.value for one in records if one.kind == "A")
        return Answer(status, interleaved(v6, v4), _ttl(records))

    def _find(self, name: str, kinds: tuple[str, ...]) -> tuple[Status, list[_Record]]:
        name = name.lower()
        for _ in range(_ALIASES):
            records = self._names.get(name)
            if records is None:
                return "nxdomain", []
            if any(one.kind == "FAIL" for one in records):
                return "failed", []
            if found := [one for one in records if one.kind in kinds]:
                return "found", found
            alias = next((one.value for one in records if one.kind == "CNAME"), None)
            if alias is None:
                return "no_data", []
            name = alias
        return "failed", []

    def _read(self, zone: str, source: str) -> None:
        origin, ttl, owner = "", TTL_S, ""
        for number, line in enumerate(zone.splitlines(), 1):
            words = line.split(";", 1)[0].split()
            if not words:
                continue
            try:
                if words[0] == "$ORIGIN":
                    origin = _absolute(words[1], origin)
                elif words[0] == "$TTL":
                    ttl = float(words[1])
                else:
                    if not line[0].isspace():
                        owner = _absolute(words.pop(0), origin)
                    self._names.setdefault(owner, []).append(_record(words, origin, ttl))
            except (ValueError, IndexError, KeyError):
                raise ConfigError(f"{source}: line {number}", f"{line.strip()!r} cannot be read", _MEND) from None


def _record(words: list[str], origin: str, ttl: float) -> _Record:
    if words[0].isdigit():
        ttl = float(words.pop(0))
    if words[0].upper() == "IN":
        words.pop(0)
    kind, values = words[0].upper(), words[1:]
    match kind, values:
        case "MX", [preference, host]:
            return _Record(kind, _absolute(host, origin), int(preference), ttl)
        case "A", [address]:
            return _Record(kind, str(ipaddress.IPv4Address(address)), 0, ttl)
        case "AAAA", [address]:
            return _Record(kind, str(ipaddress.IPv6Address(address)), 0, ttl)
        case "CNAME", [host]:
            return _Record(kind, _absolute(host, origin), 0, ttl)
        case "FAIL", []:
            return _Record(kind, "", 0, 0.0)
    raise ValueError(kind)


def _absolute(name: str, origin: str) -> str:
    """Give a name in full, in lower case and without its last dot; the root is ''."""
    name = name.lower()
    if name == "@":
        return origin
    if name.endswith("."):
        return name[:-1]
    return f"{name}.{origin}" if origin else name


def _ttl(records: list[_Record]) -> float:
    return min((one.ttl_s for one in records), default=TTL_S)
