# SPDX-License-Identifier: Apache-2.0
"""A name server that answers from a zone file, each question after a fixed time: the distance of real ones.

    python -m measure.slow_names --zone FILE --address 127.0.0.1 --port 5353 --delay-ms 5

It is asked by a resolver with a cache only, so it answers plainly: UDP, no DNSSEC. Names that it does not know do not exist.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path
from typing import Any, cast

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from gatepost.dns.zone_words import zone_words

TTL_S = 300
_SOA = f"names.example. hostmaster.example. 1 3600 600 86400 {TTL_S}"


class SlowNames(asyncio.DatagramProtocol):
    """The server; `asked` counts questions."""

    def __init__(self, zone: str, delay_s: float) -> None:
        self.asked = 0
        self._delay_s = delay_s
        self._known: dict[str, dict[str, list[str]]] = {}
        for line in zone.splitlines():
            name, kind, *values = (word.decode() for word in zone_words(line))
            value = " ".join(f'"{one}"' for one in values) if kind == "TXT" else " ".join(values)
            self._known.setdefault(name, {}).setdefault(kind, []).append(value)
            # What has names below it exists itself (RFC 8020).
            while name := name.partition(".")[2]:
                self._known.setdefault(name, {})

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.asked += 1
        asyncio.get_running_loop().call_later(self._delay_s, self._answer, data, addr)

    def _answer(self, data: bytes, addr: Any) -> None:
        query = dns.message.from_wire(data)
        response = dns.message.make_response(query, recursion_available=True)
        response.flags |= dns.flags.AA
        question = query.question[0]
        kinds = self._known.get(question.name.to_text().lower())
        values = kinds.get(dns.rdatatype.to_text(question.rdtype)) if kinds else None
        if values:
            response.answer.append(dns.rrset.from_text_list(question.name, TTL_S, "IN", question.rdtype, values))
        else:
            response.authority.append(dns.rrset.from_text(dns.name.root, TTL_S, "IN", "SOA", _SOA))
            if kinds is None:
                response.set_rcode(dns.rcode.NXDOMAIN)
        self._transport.sendto(response.to_wire(), addr)


async def _serve(zone: str, address: str, port: int, delay_s: float) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    transport, server = await loop.create_datagram_endpoint(lambda: SlowNames(zone, delay_s), local_addr=(address, port))
    print("ready", flush=True)
    await ended.wait()
    transport.close()
    print(server.asked, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Answer DNS questions from a zone file, slowly.")
    parser.add_argument("--zone", type=Path, required=True)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay-ms", type=float, default=5.0)
    options = parser.parse_args()
    asyncio.run(_serve(options.zone.read_text(), options.address, options.port, options.delay_ms / 1000))
    return 0


if __name__ == "__main__":
    sys.exit(main())
