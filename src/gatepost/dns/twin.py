# SPDX-License-Identifier: Apache-2.0
r"""A resolver in memory that reads a zone file: for tests, the demo, and machines without a network.

    $ORIGIN example.com.          names without a last dot are below it; at first it is the root
    $TTL 300
    @        MX     10 mx         also: 60 IN MX 10 mx
    mx       A      192.0.2.1
    mx       AAAA   2001:db8::1
    mail     CNAME  mx
    nomail   MX     0 .           the null MX of RFC 7505
    @        TXT    "v=spf1 mx " "-all"        one record of two strings; \" \\ and \200 are escapes
    1.2.0.192.in-addr.arpa. PTR mx
    broken   FAIL                 every question for the name fails, as when its servers are away
    half     FAIL   TXT AAAA      these questions fail, others are answered

A name that has a record of another type gives "no data", any other name "no such name". Zone files are RFC 1035
§5.1 without its parentheses; a string may be longer than 255 octets; `FAIL` is our own.
"""

import ipaddress
from pathlib import Path
from typing import NamedTuple

from gatepost.dns.answers import VALUES, Answer, MxRecord, Status, bounded
from gatepost.dns.resolver import interleaved
from gatepost.dns.reverse import reverse_name
from gatepost.dns.zone_words import zone_words
from gatepost.errors import ConfigError

TTL_S = 300.0
_ALIASES = 8
_MEND = "write `name [ttl] [IN] MX|A|AAAA|TXT|PTR|CNAME|FAIL value`"
_KINDS = frozenset({"MX", "A", "AAAA", "TXT", "PTR"})


class _Record(NamedTuple):
    kind: str
    value: str
    ttl_s: float
    preference: int = 0
    text: bytes = b""


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
        return Answer(status, tuple(MxRecord(one.preference, one.value) for one in records[:VALUES]), _ttl(records))

    async def addresses(self, host: str) -> Answer[str]:
        """Give the addresses of a host."""
        self.asked.append(("ADDRESS", host))
        status, records = self._find(host, ("A", "AAAA"))
        v6 = tuple(one.value for one in records if one.kind == "AAAA")
        v4 = tuple(one.value for one in records if one.kind == "A")
        return Answer(status, bounded(interleaved(v6, v4)), _ttl(records))

    async def a(self, name: str) -> Answer[str]:
        """Give the IPv4 addresses of a name."""
        self.asked.append(("A", name))
        return self._values(name, "A")

    async def aaaa(self, name: str) -> Answer[str]:
        """Give the IPv6 addresses of a name."""
        self.asked.append(("AAAA", name))
        return self._values(name, "AAAA")

    async def txt(self, name: str) -> Answer[bytes]:
        """Give the TXT records of a name."""
        self.asked.append(("TXT", name))
        status, records = self._find(name, ("TXT",))
        return Answer(status, bounded([one.text for one in records]), _ttl(records))

    async def names(self, address: str) -> Answer[str]:
        """Give the names of an IP address."""
        self.asked.append(("PTR", address))
        reverse = reverse_name(address)
        return self._values(reverse, "PTR") if reverse is not None else Answer("nxdomain", (), TTL_S)

    def _values(self, name: str, kind: str) -> Answer[str]:
        status, records = self._find(name, (kind,))
        return Answer(status, bounded([one.value for one in records]), _ttl(records))

    def _find(self, name: str, kinds: tuple[str, ...]) -> tuple[Status, list[_Record]]:
        name = name.lower()
        for _ in range(_ALIASES):
            records = self._names.get(name)
            if records is None:
                return "nxdomain", []
            if any(one.kind == "FAIL" and (not one.value or one.value in kinds) for one in records):
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
        for number, line in enumerate(zone.split("\n"), 1):
            try:
                words = [word.decode("utf-8", "surrogateescape") for word in zone_words(line)]
                if not words:
                    continue
                if words[0] == "$ORIGIN":
                    origin = _absolute(words[1], origin)
                elif words[0] == "$TTL":
                    ttl = float(words[1])
                else:
                    if not line[0].isspace():
                        owner = _absolute(words.pop(0), origin)
                    self._names.setdefault(owner, []).extend(_records(words, origin, ttl))
            except (ValueError, IndexError, KeyError):
                raise ConfigError(f"{source}: line {number}", f"{line.strip()!r} cannot be read", _MEND) from None


def _records(words: list[str], origin: str, ttl: float) -> list[_Record]:
    """Read what follows the owner; only FAIL gives more than one record."""
    if words[0].isdigit():
        ttl = float(words.pop(0))
    if words[0].upper() == "IN":
        words.pop(0)
    kind, values = words[0].upper(), words[1:]
    match kind, values:
        case "MX", [preference, host]:
            return [_Record(kind, _absolute(host, origin), ttl, int(preference))]
        case "A", [address]:
            return [_Record(kind, str(ipaddress.IPv4Address(address)), ttl)]
        case "AAAA", [address]:
            return [_Record(kind, str(ipaddress.IPv6Address(address)), ttl)]
        case "TXT", [_, *_]:
            return [_Record(kind, "", ttl, text="".join(values).encode("utf-8", "surrogateescape"))]
        case "CNAME" | "PTR", [host]:
            return [_Record(kind, _absolute(host, origin), ttl)]
        case "FAIL", kinds if _KINDS.issuperset(kinds):
            return [_Record(kind, one, 0.0) for one in kinds or ("",)]
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
