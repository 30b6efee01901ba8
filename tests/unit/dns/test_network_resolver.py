# SPDX-License-Identifier: Apache-2.0
"""The resolver that asks real name servers, against one on the loopback."""

import asyncio
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from gatepost.dns.answers import Answer, MxRecord
from gatepost.dns.network import NetworkResolver
from waiting import PATIENCE_S

SOA = ("example.", 900, "IN", "SOA", "ns.example. host.example. 1 1 1 1 77")
RECORDS = {
    ("mail.example.", "MX"): [("mail.example.", 300, "IN", "MX", "10 MX1.Example.", "20 mx2.example.")],
    ("null.example.", "MX"): [("null.example.", 300, "IN", "MX", "0 .")],
    ("mx1.example.", "A"): [("mx1.example.", 200, "IN", "A", "192.0.2.1")],
    ("mx1.example.", "AAAA"): [("mx1.example.", 100, "IN", "AAAA", "2001:db8::1")],
    ("v4.example.", "A"): [("v4.example.", 200, "IN", "A", "192.0.2.4")],
    ("alias.example.", "MX"): [
        ("alias.example.", 50, "IN", "CNAME", "mail.example."),
        ("mail.example.", 300, "IN", "MX", "10 mx1.example."),
    ],
    ("half.example.", "A"): [("half.example.", 200, "IN", "A", "192.0.2.5")],
    ("text.example.", "TXT"): [("text.example.", 300, "IN", "TXT", '"v=spf1 " "-all"', '"\\200\\"\\000"')],
    ("big.example.", "TXT"): [("big.example.", 300, "IN", "TXT", *(f'"{n} {"x" * 200}"' for n in range(60)))],
    ("huge.example.", "TXT"): [("huge.example.", 300, "IN", "TXT", *(f'"{n} {"x" * 200}"' for n in range(90)))],
    ("1.2.0.192.in-addr.arpa.", "PTR"): [("1.2.0.192.in-addr.arpa.", 300, "IN", "PTR", "Mx1.Example.")],
    (f"1.{'0.' * 23}8.b.d.0.1.0.0.2.ip6.arpa.", "PTR"): [(f"1.{'0.' * 23}8.b.d.0.1.0.0.2.ip6.arpa.", 300, "IN", "PTR", "mx6.example.")],
}


def answered(wire: bytes) -> bytes | None:
    """Answer from RECORDS; `servfail` and `silent` in a name do what they say."""
    query = dns.message.from_wire(wire)
    question = query.question[0]
    name, kind = question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)
    if "silent" in name or (name == "half.example." and kind == "AAAA"):
        return None
    response = dns.message.make_response(query)
    response.flags |= dns.flags.RA
    if "servfail" in name:
        response.set_rcode(dns.rcode.SERVFAIL)
    elif found := RECORDS.get((name, kind)):
        response.answer = [dns.rrset.from_text(*one) for one in found]
    else:
        response.authority = [dns.rrset.from_text(*SOA)]
        if not any(name == known for known, _ in RECORDS):
            response.set_rcode(dns.rcode.NXDOMAIN)
    return response.to_wire(max_size=65535)


class NameServer(asyncio.DatagramProtocol):
    """Speaks over UDP: what is too large comes cut, with the bit that says so; `lie` alters each answer."""

    lie: Callable[[bytes], bytes] = staticmethod(bytes)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, peer: Any) -> None:
        if (answer := answered(data)) is not None:
            self.transport.sendto(type(self).lie(answer) if len(answer) <= 1232 else data[:2] + b"\x83\x80" + data[4:], peer)


async def speak_tcp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        query = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        answer = answered(query) or b""
        writer.write(len(answer).to_bytes(2, "big") + answer)
    except asyncio.IncompleteReadError:
        pass  # whoever asks had no time left
    finally:
        writer.close()


async def one_port_for_both() -> tuple[asyncio.Server, asyncio.DatagramTransport]:
    """Listen on TCP and UDP at one port; another test may have taken the second, so try again."""
    for _ in range(20):
        server = await asyncio.start_server(speak_tcp, "127.0.0.1", 0)
        try:
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(NameServer, server.sockets[0].getsockname())
        except OSError:
            server.close()
        else:
            return server, transport
    raise AssertionError("no port is free for both TCP and UDP")


@pytest.fixture
async def resolver() -> AsyncIterator[Callable[..., NetworkResolver]]:
    server, transport = await one_port_for_both()
    yield lambda lifetime_s=PATIENCE_S: NetworkResolver(["127.0.0.1"], server.sockets[0].getsockname()[1], lifetime_s)
    transport.close()
    server.close()
    await server.wait_closed()


async def test_mail_exchangers_and_addresses(resolver: Callable[..., NetworkResolver]) -> None:
    """Hosts are in lower case without the last dot; both families come, with the shorter time to live."""
    asked = resolver()
    answer = await asked.mx("mail.example")
    assert sorted(answer.values) == [MxRecord(10, "mx1.example"), MxRecord(20, "mx2.example")]
    assert (answer.status, answer.ttl_s) == ("found", 300.0)
    assert await asked.mx("null.example") == Answer("found", (MxRecord(0, ""),), 300.0)
    assert await asked.mx("alias.example") == Answer("found", (MxRecord(10, "mx1.example"),), 50.0)
    assert await asked.addresses("mx1.example") == Answer("found", ("2001:db8::1", "192.0.2.1"), 100.0)
    assert await asked.addresses("v4.example") == Answer("found", ("192.0.2.4",), 200.0)


async def test_one_family_texts_and_names(resolver: Callable[..., NetworkResolver]) -> None:
    """Texts are octets with their strings joined; names are in lower case; each family can be asked alone."""
    asked = resolver()
    assert await asked.a("mx1.example") == Answer("found", ("192.0.2.1",), 200.0)
    assert await asked.aaaa("mx1.example") == Answer("found", ("2001:db8::1",), 100.0)
    assert (await asked.aaaa("v4.example")).status == "no_data"
    answer = await asked.txt("text.example")
    assert (answer.status, sorted(answer.values)) == ("found", [b"v=spf1 -all", b'\xc8"\0'])
    assert await asked.names("192.0.2.1") == Answer("found", ("mx1.example",), 300.0)
    assert await asked.names("2001:db8::1") == Answer("found", ("mx6.example",), 300.0)
    assert (await asked.names("::ffff:192.0.2.1")).values == ("mx1.example",)
    assert (await asked.names("192.0.2.2")).status == "nxdomain"
    assert (await asked.names("[192.0.2.1]")).status == "nxdomain"


@pytest.mark.parametrize("written", ["127.0.0.1:{port}", "[127.0.0.1]:{port}"])
async def test_a_name_server_may_have_a_port_of_its_own(written: str) -> None:
    """It is asked at that port, not at the usual one."""
    server, transport = await one_port_for_both()
    asked = NetworkResolver([written.format(port=server.sockets[0].getsockname()[1])], port=1)
    assert (await asked.a("mx1.example")).values == ("192.0.2.1",)
    transport.close()
    server.close()
    await server.wait_closed()


async def test_a_large_answer_comes_over_tcp(resolver: Callable[..., NetworkResolver]) -> None:
    """What does not fit a datagram is asked again over TCP; what would be dear to read is not read at all."""
    assert len((await resolver().txt("big.example")).values) == 60
    started = asyncio.get_running_loop().time()
    assert await resolver().txt("huge.example") == Answer("failed", (), 0.0)
    assert asyncio.get_running_loop().time() - started < PATIENCE_S / 2


async def test_a_lying_server_is_a_failure_or_an_answer(resolver: Callable[..., NetworkResolver], monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that are cut, altered, for another question or no DNS at all never become an exception."""
    chance = random.Random(7208)

    def altered(answer: bytes) -> bytes:
        mutable = bytearray(answer)
        for _ in range(chance.randrange(1, 4)):
            mutable[chance.randrange(len(mutable))] = chance.randrange(256)
        return bytes(mutable)

    lies: list[Callable[[bytes], bytes]] = [
        lambda answer: b"",
        lambda answer: answer[:5],
        lambda answer: answer[:-3],
        lambda answer: answer[::-1],
        lambda answer: bytes([answer[0] ^ 1]) + answer[1:],
        lambda answer: answer.replace(b"example", b"exampel"),
        lambda answer: answer[:3] + b"\x80" + answer[4:6] + b"\xff\xff" + answer[8:],
        *[altered] * 16,
    ]
    statuses = set()
    for lie in lies:
        monkeypatch.setattr(NameServer, "lie", staticmethod(lie))
        asked = resolver(0.05)
        answers = await asyncio.gather(
            asked.mx("mail.example"), asked.addresses("mx1.example"), asked.txt("text.example"), asked.names("192.0.2.1")
        )
        statuses |= {answer.status for answer in answers}
    assert {"failed", "found"} <= statuses


async def test_kinds_of_nothing(resolver: Callable[..., NetworkResolver]) -> None:
    """No such name, no such data and a failing server are told apart; the absence holds as long as the SOA says."""
    asked = resolver()
    assert await asked.mx("absent.example") == Answer("nxdomain", (), 77.0)
    assert await asked.addresses("absent.example") == Answer("nxdomain", (), 77.0)
    assert await asked.mx("v4.example") == Answer("no_data", (), 77.0)
    assert (await asked.addresses("mail.example")).status == "no_data"
    assert await asked.mx("servfail.example") == Answer("failed", (), 0.0)
    assert (await asked.addresses("servfail.example")).status == "failed"


async def test_silence_ends_in_time(resolver: Callable[..., NetworkResolver]) -> None:
    """A server that says nothing costs the lifetime and no more; one silent family does not hide the other."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert (await resolver(0.2).mx("silent.example")).status == "failed"
    assert loop.time() - started < 4.0, "dnspython alone would take five seconds"
    for lifetime_s in (0.2, 2.0, PATIENCE_S):  # the family that answers may need more than the least
        answer = await resolver(lifetime_s).addresses("half.example")
        if answer.values:
            break
    assert answer.values == ("192.0.2.5",)


@pytest.mark.parametrize("name", ["a..example", f"{'x' * 64}.example", ".".join(["x" * 60] * 5)])
async def test_a_name_that_cannot_exist_is_not_asked(resolver: Callable[..., NetworkResolver], name: str) -> None:
    """An empty label or a name too long is "no such name"."""
    assert (await resolver().mx(name)).status == "nxdomain"


async def test_no_name_server_at_all() -> None:
    """A port where nobody listens is a failure, not an exception."""
    assert (await NetworkResolver(["127.0.0.1"], 1, 0.2).mx("mail.example")).status == "failed"


def test_dnspython_is_not_loaded_before_the_first_question() -> None:
    """A gateway that never asks the DNS never loads dnspython."""
    code = "import sys, gatepost.dns.network, gatepost.delivery.routing; sys.exit('dns.resolver' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
