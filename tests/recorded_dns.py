# SPDX-License-Identifier: Apache-2.0
"""A resolver that answers from a list of recorded answers, as the rspamd cases of the corpus bring them."""

from typing import Any

from gatepost.dns.answers import Answer, MxRecord, Status
from gatepost.dns.resolver import interleaved
from gatepost.dns.reverse import reverse_name

_RCODES: dict[str, Status] = {"norec": "no_data", "nxdomain": "nxdomain", "timeout": "failed"}


class RecordedDns:
    """`records`: `{name, type, replies}` or `{name, type, rcode}` with rcode norec, nxdomain or timeout; the first counts."""

    def __init__(self, records: list[dict[str, Any]]) -> None:
        self._records: dict[tuple[str, str], dict[str, Any]] = {}
        for record in records:
            self._records.setdefault((record["name"].lower(), record["type"]), record)
        self._names = {name for name, _ in self._records}

    def _ask(self, name: str, kind: str) -> Answer[str]:
        record = self._records.get((name.lower(), kind))
        if record is None:
            return Answer("no_data" if name.lower() in self._names else "nxdomain")
        return Answer(_RCODES[record["rcode"]]) if record.get("rcode") else Answer("found", tuple(record["replies"]))

    async def a(self, name: str) -> Answer[str]:
        """Give the IPv4 addresses of a name."""
        return self._ask(name, "a")

    async def aaaa(self, name: str) -> Answer[str]:
        """Give the IPv6 addresses of a name."""
        return self._ask(name, "aaaa")

    async def addresses(self, host: str) -> Answer[str]:
        """Give the addresses of a host."""
        v6, v4 = self._ask(host, "aaaa"), self._ask(host, "a")
        values = interleaved(v6.values, v4.values)
        return Answer("found", values) if values else v4 if v6.status != "failed" else v6

    async def mx(self, domain: str) -> Answer[MxRecord]:
        """Give the mail exchangers of a domain."""
        answer = self._ask(domain, "mx")
        pairs = (reply.split() for reply in answer.values)
        return Answer(answer.status, tuple(MxRecord(int(preference), host.rstrip(".")) for preference, host in pairs))

    async def txt(self, name: str) -> Answer[bytes]:
        """Give the TXT records of a name."""
        answer = self._ask(name, "txt")
        return Answer(answer.status, tuple(reply.encode() for reply in answer.values))

    async def names(self, address: str) -> Answer[str]:
        """Give the names of an IP address."""
        return self._ask(reverse_name(address) or "", "ptr")
