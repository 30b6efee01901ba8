# SPDX-License-Identifier: Apache-2.0
"""A real Postfix as the peer that sends to Gatepost, and as the next hop that Gatepost sends to."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.mails import sample_mail
from gatepost.testing.postfix import Postfix, why_not
from gatepost.testing.sink import Sink
from gatepost.testing.tls import self_signed
from wire_client import WireClient

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")

HEAD = b"From: a@outside.example\r\nTo: u@example.com\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@outside.example>\r\n"
MAILS = [
    ("plain", HEAD + b"Subject: x\r\n\r\ntext\r\n"),
    ("dots", HEAD + b"\r\n.\r\n..\r\n.leading\r\nend.\r\n"),
    ("eight bit", HEAD + "Subject: ü\r\n\r\nGrüße\r\n".encode()),
    ("large", sample_mail(400_000)),
]


def _send_all(port: int) -> list[str]:
    with WireClient(port) as client:
        client.say("EHLO outside.example")
        return [client.send("a@outside.example", [f"u{number}@example.com"], mail, options=" BODY=8BITMIME")
                for number, (_, mail) in enumerate(MAILS)]  # fmt: skip


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gatepost-postfix-") as name:
        path = Path(name)
        path.chmod(0o755)  # Postfix's own user has to reach its queue
        yield path


@pytest.mark.parametrize("with_tls", [False, True], ids=["plain", "STARTTLS"])
async def test_postfix_sends_through_gatepost(folder: Path, with_tls: bool) -> None:
    """Mail that Postfix relays to us arrives at our next hop as Postfix sent it."""
    certificate = self_signed(folder / "tls") if with_tls else None
    async with Sink() as sink, Gateway(folder / "gw", relay_all_to(sink.port), tls=certificate) as gateway:
        parameters = {"smtp_tls_security_level": "encrypt" if with_tls else "none"}
        postfix = Postfix(folder / "pf", relay_to=gateway.port, parameters=parameters)
        await asyncio.to_thread(postfix.start)
        try:
            replies = await asyncio.to_thread(_send_all, postfix.port)
            mails = await sink.wait(len(MAILS))
        finally:
            await asyncio.to_thread(postfix.stop)
        received = await asyncio.to_thread(gateway.wait_for, "mail.received", len(MAILS))
    assert [reply[:3] for reply in replies] == ["250"] * len(MAILS)
    assert len(received) == len(MAILS)
    by_recipient = {mail.recipients[0]: mail.content for mail in mails}
    for number, (_, mail) in enumerate(MAILS):
        content = by_recipient[f"u{number}@example.com"]
        assert content.endswith(mail)
        assert (b"by gateway.example with ESMTPS id" in content) == with_tls
    assert sink.errors == []


@pytest.mark.parametrize("with_tls", [False, True], ids=["plain", "STARTTLS"])
async def test_gatepost_sends_to_postfix(folder: Path, with_tls: bool) -> None:
    """Mail that we send to Postfix arrives behind it whole, over one reused connection."""
    certificate = self_signed(folder / "tls") if with_tls else None
    async with Sink() as sink:
        postfix = Postfix(folder / "pf", relay_to=sink.port, tls=certificate)
        await asyncio.to_thread(postfix.start)
        try:
            async with Gateway(folder / "gw", relay_all_to(postfix.port)) as gateway:
                replies = await asyncio.to_thread(_send_all, gateway.port)
                mails = await sink.wait(len(MAILS))
                done = await asyncio.to_thread(gateway.wait_for, "delivery.done", len(MAILS))
        finally:
            await asyncio.to_thread(postfix.stop)
    assert [reply[:3] for reply in replies] == ["250"] * len(MAILS)
    by_recipient = {mail.recipients[0]: mail.content for mail in mails}
    for number, (_, mail) in enumerate(MAILS):
        assert by_recipient[f"u{number}@example.com"].endswith(mail)
    assert [event["outcome"] for event in done] == ["delivered"] * len(MAILS)
    assert all(bool(event["tls"]) == with_tls for event in done)


async def test_postfix_bounces_what_gatepost_refuses_and_tells_the_sender(folder: Path) -> None:
    """A relay attempt that we refuse with 550 becomes Postfix's own report: the sending server tells its user."""
    async with Sink() as sink, Sink() as senders, Gateway(folder / "gw", relay_all_to(sink.port)) as gateway:
        routes = folder / "transport"
        routes.write_text(f"outside.example smtp:[127.0.0.1]:{senders.port}\n")
        parameters = {"transport_maps": f"texthash:{routes}"}
        postfix = Postfix(folder / "pf", relay_to=gateway.port, parameters=parameters)
        await asyncio.to_thread(postfix.start)
        try:

            def send() -> str:
                with WireClient(postfix.port) as client:
                    client.say("EHLO x")
                    return client.send("a@outside.example", ["victim@elsewhere.example"], MAILS[0][1])

            assert (await asyncio.to_thread(send)).startswith("250")
            (report,) = await senders.wait(1)
        finally:
            await asyncio.to_thread(postfix.stop)
    assert report.sender == ""
    assert b"550 5.7.1 Unable to relay" in report.content
