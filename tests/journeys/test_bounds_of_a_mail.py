# SPDX-License-Identifier: Apache-2.0
"""A mail that exceeds a bound is refused by name at its end, and the session goes on; one below it passes."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from gatepost.config.configuration import CorporateServer
from gatepost.config.limits import DeliveryLimits, MessageLimits
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.sink import Sink
from wire_client import WireClient

HEAD = b"From: a@outside.example\r\nSubject: x\r\n"


def nested(levels: int) -> bytes:
    """A multipart in a multipart, and so on."""
    opening = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(levels))
    return HEAD + opening + b"\r\ntext\r\n" + b"".join(b"--b%d--\r\n" % n for n in reversed(range(levels)))


CASES = [
    ("received", b"Received: from x by y; Mon, 23 Nov 2026 10:00:00 +0000\r\n" * 5 + HEAD + b"\r\ntext\r\n", "554 5.4.6"),
    ("received", b"Received: from x by y; Mon, 23 Nov 2026 10:00:00 +0000\r\n" * 4 + HEAD + b"\r\ntext\r\n", "250 2.0.0"),
    ("depth", nested(7), "554 5.6.0"),
    ("depth", nested(3), "250 2.0.0"),
    ("headers", HEAD + b"X: y\r\n" * 60 + b"\r\ntext\r\n", "554 5.6.0"),
    ("header_bytes", HEAD + b"X: " + b"y" * 2000 + b"\r\n\r\ntext\r\n", "554 5.6.0"),
]


@pytest.mark.parametrize(("limit", "content", "answer"), CASES, ids=lambda value: value if isinstance(value, str) else "")
async def test_a_bound_gives_a_verdict(limit: str, content: bytes, answer: str, tmp_path: Path) -> None:
    """Each named limit is a reply at the end of data; the next mail of the session is taken."""
    limits = MessageLimits(received=5, depth=6, headers=50, header_bytes=1500)
    async with Sink() as sink:
        settings = msgspec.structs.replace(relay_all_to(sink.port), message=limits)
        async with Gateway(tmp_path, settings) as gateway:

            def talk() -> tuple[str, str]:
                with WireClient(gateway.port) as client:
                    client.say("EHLO outside.example")
                    first = client.send("a@outside.example", ["user@example.com"], content)
                    return first, client.send("a@outside.example", ["user@example.com"], HEAD + b"\r\ntext\r\n")

            first, second = await asyncio.to_thread(talk)
    assert (first[:9], second[:9]) == (answer, "250 2.0.0")


async def test_outbound_mail_has_a_lifetime_of_its_own(tmp_path: Path) -> None:
    """`expire_outbound_h` ends outbound mail; inbound mail beside it goes on waiting."""
    limits = DeliveryLimits(expire_outbound_h=1e-6)
    async with Sink() as sink:
        sink.fail("rcpt", reply="451 4.2.1 Busy", match="@elsewhere.example")
        settings = msgspec.structs.replace(
            relay_all_to(sink.port, delivery=limits), corporate_servers=(CorporateServer(name="inner", networks=("127.0.0.9",)),)
        )
        async with Gateway(tmp_path, settings) as gateway:

            def talk() -> str:
                with WireClient(gateway.port, source="127.0.0.9") as client:
                    client.say("EHLO inner")
                    return client.send("user@example.com", ["x@elsewhere.example"], HEAD + b"\r\ntext\r\n")

            assert (await asyncio.to_thread(talk)).startswith("250")
            (report,) = await sink.wait(1)
    assert report.recipients == ("user@example.com",)
    assert b"Status: 4.4.7" in report.content
