# SPDX-License-Identifier: Apache-2.0
"""Who may speak, and how fast: connections in total and per client, blocked clients, tar pit, PROXY headers."""

import asyncio
import ipaddress
import socket
import struct

import pytest

from gatepost.smtp.server.proxy import SIGNATURE_V2
from gatepost.testing.tls import self_signed
from security.receiving_server import Client, House, on_both_loops, receiving
from waiting import PATIENCE_S, until

BARE = b"BDAT 4 LAST\r\na\nb\n"


@on_both_loops
async def test_connections():
    """One connection more than the limit is told to come back; a place that is left is free again."""
    async with receiving(connections=3) as server:
        clients = [await Client.connect(server.address, source=f"127.0.0.{number}") for number in (1, 2, 3)]
        refused = await Client.connect(server.address, source="127.0.0.4")
        assert refused.greeting[:9] == "421 4.7.0"
        assert await refused.rest() == []
        assert (await clients[0].say(b"QUIT"))[:3] == "221"
        assert await clients[0].rest() == []
        again = await Client.connect(server.address, source="127.0.0.4")
        assert again.greeting[:3] == "220"
        for client in [*clients, refused, again]:
            await client.close()


@on_both_loops
async def test_connections_per_client():
    """One address does not take the places of the others."""
    async with receiving(connections_per_client=2) as server:
        clients = [await Client.connect(server.address, source=source) for source in ("127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.1")]
        assert [client.greeting[:3] for client in clients] == ["220", "220", "220", "421"]
        for client in clients:
            await client.close()


@on_both_loops
async def test_block_suspicious_clients_and_block_minutes():
    """A mail that only an attacker sends costs its client some minutes; others are not touched; the block ends by itself."""
    now = [1000.0]
    async with receiving(block_suspicious_clients=True, block_minutes=30, clock=lambda: now[0]) as server:
        client = await Client.connect(server.address, source="127.0.0.9")
        await client.envelope()
        await client.send(BARE)
        assert [reply[:10] for reply in await client.rest()] == ["550 5.6.11"]
        await client.close()

        async def greeting(source: str) -> str:
            client = await Client.connect(server.address, source=source)
            await client.close()
            return client.greeting[:9]

        assert await greeting("127.0.0.9") == "421 4.7.1"
        assert (await greeting("127.0.0.8"))[:3] == "220"
        now[0] += 30 * 60 - 1
        assert await greeting("127.0.0.9") == "421 4.7.1"
        now[0] += 2
        assert (await greeting("127.0.0.9"))[:3] == "220"
        server.gate.block("127.0.0.9")
        server.gate.block("127.0.0.7")
        assert await greeting("127.0.0.9") == "421 4.7.1"
        assert server.gate.clear_blocked() == 2
        assert (await greeting("127.0.0.9"))[:3] == "220"


@on_both_loops
async def test_blocking_can_be_switched_off():
    """Then a refused mail costs nothing but itself."""
    async with receiving(block_suspicious_clients=False) as server:
        for _ in range(2):
            client = await Client.connect(server.address)
            assert client.greeting[:3] == "220"
            await client.envelope()
            await client.send(BARE)
            assert [reply[:10] for reply in await client.rest()] == ["550 5.6.11"]
            await client.close()
        assert len(server.house.refused) == 2


@on_both_loops
async def test_a_refused_client_of_an_encrypted_listener_is_told_nothing_in_plain(tmp_path):
    """Where only TLS may be spoken, a client that may not enter is just hung up on."""
    async with receiving(tls=self_signed(tmp_path).server_context(), implicit=True, connections=1) as server:
        first = await Client.connect(server.address, tls=True)
        second = await Client.connect(server.address, greet=False)
        assert await second.rest() == []
        assert (await first.say(b"NOOP"))[:3] == "250"
        await first.close()
        await second.close()


@pytest.mark.parametrize(("level", "seconds"), [("off", 0.0), ("low", 2.0), ("medium", 5.0), ("high", 10.0)])
@on_both_loops
async def test_tar_pit(level, seconds):
    """Each level's delay is asked of the clock for every answer after a wrong command, not before, and not when it is off."""
    async with receiving(tar_pit=level) as server:
        assert server.reception.tar_pit_s == seconds
        asked: list[float] = []
        loop = asyncio.get_running_loop()

        def call_later(delay, call):
            asked.append(delay)
            return loop.call_later(0.0, call)

        server.reception.call_later = call_later
        client = await Client.connect(server.address)
        await client.say(b"NOOP")
        assert asked == []
        for line in (b"WRONG", b"NOOP", b"EHLO c", b"MAIL FROM:<a@example.org>", b"RCPT TO:<b@example.com>"):
            await client.say(line)
        await client.send(b"BDAT 1 LAST\r\nxRSET\r\nNOOP\r\nVRFY x\r\n")
        assert [(await client.reply())[:3] for _ in range(4)] == ["250", "250", "250", "252"]
        assert asked == ([] if level == "off" else [seconds] * 9)
        await client.close()


@on_both_loops
async def test_a_tar_pit_can_not_be_pushed():
    """A client that goes on talking gets no answer earlier, is not read without bound, and may hang up meanwhile."""
    async with receiving(tar_pit="low", errors=1000) as server:
        server.reception.tar_pit_s = 0.2
        client = await Client.connect(server.address)
        began = asyncio.get_running_loop().time()
        await client.send(b"WRONG\r\n")
        for _ in range(3):
            await client.send(b"NOOP\r\n", "bytes")
        assert (await client.reply())[:3] == "500"
        assert asyncio.get_running_loop().time() - began >= 0.19
        for number in (1, 2, 3):
            assert (await client.reply())[:3] == "250"
            assert asyncio.get_running_loop().time() - began >= 0.19 * (number + 1)
        server.reception.tar_pit_s = 0.5
        await client.send(b"NOOP\r\n" * 100_000)
        (connection,) = server.reception.connections
        await until(lambda: connection.session.buffered, "something waits")
        for _ in range(50):
            await asyncio.sleep(0)
            assert connection.session.buffered <= 131_072
        client.abort()
        await until(lambda: not server.reception.connections, "no connection is left")


@on_both_loops
async def test_a_held_session_can_be_drained():
    """The end of the process does not wait for a tar pit."""
    async with receiving(tar_pit="high", drain_s=PATIENCE_S) as server:
        server.reception.tar_pit_s = PATIENCE_S
        client = await Client.connect(server.address)
        await client.send(b"WRONG\r\n")
        (connection,) = server.reception.connections
        await until(lambda: connection._held, "the answer is held")
        began = asyncio.get_running_loop().time()
        await server.reception.drain()
        assert asyncio.get_running_loop().time() - began < PATIENCE_S / 2
        assert [reply[:3] for reply in await client.rest()] == ["500", "421"]
        await client.close()


def v2(command: int, family: int, body: bytes) -> bytes:
    return SIGNATURE_V2 + struct.pack("!BBH", 0x20 | command, family, len(body)) + body


V4 = ipaddress.ip_address("192.0.2.7").packed + ipaddress.ip_address("192.0.2.1").packed + struct.pack("!HH", 5555, 25)
V6 = ipaddress.ip_address("2001:db8::7").packed + ipaddress.ip_address("2001:db8::1").packed + struct.pack("!HH", 5555, 25)
MAPPED = ipaddress.ip_address("::ffff:192.0.2.7").packed + V6[16:]

HEADERS = [
    ("v1 IPv4", b"PROXY TCP4 192.0.2.7 192.0.2.1 5555 25\r\n", ("192.0.2.7", 5555)),
    ("v1 IPv6", b"PROXY TCP6 2001:db8::7 2001:db8::1 5555 25\r\n", ("2001:db8::7", 5555)),
    ("v1 mapped", b"PROXY TCP6 ::ffff:192.0.2.7 ::1 5555 25\r\n", ("192.0.2.7", 5555)),
    ("v1 unknown", b"PROXY UNKNOWN\r\n", None),
    ("v1 unknown with more", b"PROXY UNKNOWN ffff:f::1 ffff:f::1 65535 65535\r\n", None),
    ("v2 IPv4", v2(1, 0x11, V4), ("192.0.2.7", 5555)),
    ("v2 IPv6", v2(1, 0x21, V6), ("2001:db8::7", 5555)),
    ("v2 mapped", v2(1, 0x21, MAPPED), ("192.0.2.7", 5555)),
    ("v2 with more", v2(1, 0x11, V4 + b"\x04\x00\x01x"), ("192.0.2.7", 5555)),
    ("v2 local", v2(0, 0, b""), None),
    ("v2 local with an address", v2(0, 0x11, V4), None),
    ("v2 unspecified", v2(1, 0, b""), None),
]
MALFORMED = [
    ("nothing of the kind", b"EHLO client.example\r\n"),
    ("v1 in small letters", b"proxy TCP4 192.0.2.7 192.0.2.1 5555 25\r\n"),
    ("v1 of another family", b"PROXY UDP4 192.0.2.7 192.0.2.1 5555 25\r\n"),
    ("v1 with too few words", b"PROXY TCP4 192.0.2.7 192.0.2.1 5555\r\n"),
    ("v1 with two spaces", b"PROXY TCP4  192.0.2.7 192.0.2.1 5555 25\r\n"),
    ("v1 with no address", b"PROXY TCP4 192.0.2.256 192.0.2.1 5555 25\r\n"),
    ("v1 with a name", b"PROXY TCP4 localhost 192.0.2.1 5555 25\r\n"),
    ("v1 with the other family", b"PROXY TCP6 192.0.2.7 192.0.2.1 5555 25\r\n"),
    ("v1 with no proxy address", b"PROXY TCP4 192.0.2.7 x 5555 25\r\n"),
    ("v1 with a zone", b"PROXY TCP6 fe80::1%a\nb ::1 5555 25\r\n"),
    ("v1 with a port too large", b"PROXY TCP4 192.0.2.7 192.0.2.1 65536 25\r\n"),
    ("v1 with a negative port", b"PROXY TCP4 192.0.2.7 192.0.2.1 -1 25\r\n"),
    ("v1 with a wrong second port", b"PROXY TCP4 192.0.2.7 192.0.2.1 1 99999\r\n"),
    ("v1 that is too long", b"PROXY TCP4 " + b"1" * 120),
    ("v2 of version 1", SIGNATURE_V2 + b"\x11\x11\x00\x0c" + V4),
    ("v2 with an unknown command", v2(2, 0x11, V4)),
    ("v2 of UDP", v2(1, 0x12, V4)),
    ("v2 of a unix socket", v2(1, 0x31, b"x" * 216)),
    ("v2 that is too short", v2(1, 0x11, V4[:11])),
    ("v2 IPv6 that is too short", v2(1, 0x21, V6[:35])),
    ("v2 that is too long", SIGNATURE_V2 + b"\x21\x11\xff\xff"),
    ("v2 with a broken signature", SIGNATURE_V2[:11] + b"\r" + b"\x21\x11\x00\x0c" + V4),
]


@pytest.mark.parametrize("cut", ["whole", "bytes"])
@on_both_loops
async def test_a_listed_proxy_names_its_client(cut):
    """Each form is read, however it is cut; what follows in the same segment is the client's."""
    async with receiving(proxy_from=("127.0.0.0/29",)) as server:
        for name, header, client_address in HEADERS:
            client = await Client.connect(server.address, greet=False)
            await client.send(header + b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.com>\r\nBDAT 0 LAST\r\nQUIT\r\n", cut)
            assert [reply[:3] for reply in await client.rest()] == ["220", "250", "250", "250", "250", "221"], name
            await client.close()
            peer = server.house.mails[-1].peer
            assert (peer.address == "127.0.0.1") if client_address is None else ((peer.address, peer.port) == client_address), name


@on_both_loops
async def test_a_header_that_can_not_be_read_ends_the_connection():
    """Guessing would let a client choose its own address."""
    async with receiving(proxy_from=("127.0.0.1",)) as server:
        for name, header in MALFORMED:
            client = await Client.connect(server.address, greet=False)
            await client.send(header + b"\r\nEHLO c\r\n")
            assert [reply[:9] for reply in await client.rest()] == ["421 4.3.5"], name
            await client.close()
        assert server.reception.connections == set()


@on_both_loops
async def test_a_header_from_anybody_else_is_a_wrong_command():
    """It changes nobody's address: version 1 is an unknown verb, version 2 holds a NUL and ends the session."""
    async with receiving(proxy_from=("192.0.2.0/24",)) as server:
        client = await Client.connect(server.address)
        assert client.greeting[:3] == "220"
        assert (await client.say(b"PROXY TCP4 192.0.2.7 192.0.2.1 5555 25"))[:3] == "500"
        await client.envelope()
        await client.send(b"BDAT 0 LAST\r\n")
        assert (await client.reply())[:3] == "250"
        assert server.house.mails[0].peer.address == "127.0.0.1"
        await client.close()
        client = await Client.connect(server.address)
        await client.send(v2(1, 0x11, V4))
        assert [reply[:3] for reply in await client.rest()] == ["500", "500", "500"]
        await client.close()


@on_both_loops
async def test_limits_and_blocks_count_for_the_client_behind_the_proxy():
    """Not for the proxy, which would lock out everybody else."""
    async with receiving(proxy_from=("127.0.0.1",), connections_per_client=1, block_suspicious_clients=True) as server:

        async def behind(address: bytes) -> Client:
            client = await Client.connect(server.address, greet=False)
            await client.send(b"PROXY TCP4 " + address + b" 192.0.2.1 5555 25\r\n")
            client.greeting = await client.reply()
            return client

        first, second, again = await behind(b"192.0.2.7"), await behind(b"192.0.2.8"), await behind(b"192.0.2.7")
        assert [client.greeting[:3] for client in (first, second, again)] == ["220", "220", "421"]
        await first.envelope()
        await first.send(BARE)
        assert (await first.reply())[:3] == "550"
        blocked = await behind(b"192.0.2.7")
        third = await behind(b"192.0.2.9")
        assert (blocked.greeting[:9], third.greeting[:3]) == ("421 4.7.1", "220")
        for client in (first, second, again, blocked, third):
            await client.close()


@on_both_loops
async def test_tls_timeout_s_bounds_a_proxy_header():
    """A proxy that says nothing is hung up on."""
    async with receiving(proxy_from=("127.0.0.1",), tls_timeout_s=0.15) as server:
        client = await Client.connect(server.address, greet=False)
        await client.send(b"PROXY ")
        assert [reply[:9] for reply in await client.rest()] == ["421 4.4.2"]
        await client.close()


@on_both_loops
async def test_a_proxy_in_front_of_an_encrypted_listener(tmp_path):
    """The header comes first and in plain, then the client's handshake."""
    async with receiving(tls=self_signed(tmp_path).server_context(), implicit=True, proxy_from=("127.0.0.1",)) as server:
        client = await Client.connect(server.address, greet=False)
        await client.send(v2(1, 0x11, V4))
        await client.wrap()
        assert (await client.reply())[:3] == "220"
        await client.envelope()
        await client.send(b"BDAT 0 LAST\r\n")
        assert (await client.reply())[:3] == "250"
        assert server.house.mails[0].peer.address == "192.0.2.7"
        await client.close()


@on_both_loops
async def test_an_ipv4_client_of_a_listener_for_both_families_has_its_ipv4_address():
    """Networks, limits and trace headers meet `127.0.0.1`, not `::ffff:127.0.0.1`."""
    async with receiving(House(), family=socket.AF_INET6, proxy_from=("192.0.2.0/24",)) as server:
        client = await Client.connect(server.address)
        await client.envelope()
        await client.send(b"BDAT 0 LAST\r\n")
        assert (await client.reply())[:3] == "250"
        assert server.house.mails[0].peer.address == "127.0.0.1"
        await client.close()
