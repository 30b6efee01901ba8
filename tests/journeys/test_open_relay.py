# SPDX-License-Identifier: Apache-2.0
"""Gatepost is no open relay, whatever address a stranger writes; and it relays for those it should."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from gatepost.config.configuration import CorporateServer
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.sink import Sink
from wire_client import WireClient

MAIL = b"From: a@example.org\r\nSubject: x\r\n\r\ntext\r\n"

TRICKS = [
    "victim@elsewhere.example",
    "victim%elsewhere.example@example.com",
    "elsewhere.example!victim@example.com",
    '"victim@elsewhere.example"@example.com',
    '"victim%elsewhere.example"@example.com',
    "@example.com:victim@elsewhere.example",
    "@example.com,@example.com:victim@elsewhere.example",
    "victim@elsewhere.example@example.com",
    "victim@[127.0.0.1]",
    "victim@[192.0.2.1]",
    "victim@[IPv6:2001:db8::1]",
    "victim@127.0.0.1",
    "victim@localhost",
    "victim@gateway.example",
    "victim@example.com.elsewhere.example",
    "victim@xexample.com",
    "victim@sub.example.com",
    "victim@example.com@elsewhere.example",
    "victim%elsewhere.example",
    "elsewhere.example!victim",
    "victim@EXAMPLE.COM.",
    "victim@example.com\x00@elsewhere.example",
    "victim@elsewhere.example\x0b@example.com",
    "victim@example。com",
    "victim%elsewhere.example%example.com@example.com",
]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[tuple[Gateway, Sink]]:
    """A gateway that owns example.com and takes mail to the world from 127.0.0.9 only."""
    async with Sink() as sink:
        configuration = msgspec.structs.replace(
            relay_all_to(sink.port),
            corporate_servers=(CorporateServer(name="inner", networks=("127.0.0.9/32",)),),
        )
        async with Gateway(tmp_path, configuration) as gateway:
            yield gateway, sink


async def test_no_trick_makes_a_stranger_relay(house: tuple[Gateway, Sink]) -> None:
    """Each known way to write a foreign recipient is refused with 5xx, and nothing reaches the next hop."""
    gateway, sink = house
    tricks = TRICKS

    def attack() -> dict[str, str]:
        answers = {}
        for sender in ("stranger@outside.example", "boss@example.com", "", "boss@gateway.example"):
            for trick in tricks:
                with WireClient(gateway.port) as client:
                    client.say("EHLO [127.0.0.1]")
                    client.say(f"MAIL FROM:<{sender}>")
                    answers[f"{sender} {trick}"] = client.say(f"RCPT TO:<{trick}>")
        return answers

    answers = await asyncio.to_thread(attack)
    assert {name: answer for name, answer in answers.items() if not answer.startswith("5")} == {}
    with WireClient(gateway.port) as client:
        client.say("EHLO outside.example")
        reply = await asyncio.to_thread(client.send, "stranger@outside.example", ["user@example.com"], MAIL)
    assert reply.startswith("250")
    (mail,) = await sink.wait(1)
    assert mail.recipients == ("user@example.com",)


async def test_claims_do_not_make_a_client_corporate(house: tuple[Gateway, Sink]) -> None:
    """Neither HELO, nor XCLIENT or a PROXY header that nobody asked for, nor AUTH where it is not offered help."""
    gateway, _ = house

    def claim() -> list[str]:
        replies = []
        for first in ("PROXY TCP4 127.0.0.9 127.0.0.1 1 25", "XCLIENT ADDR=127.0.0.9", "AUTH PLAIN AGEAYg==", "XFORWARD ADDR=127.0.0.9"):
            with WireClient(gateway.port) as client:
                client.say("EHLO inner")
                client.say(first)
                client.say("EHLO inner")
                client.say("MAIL FROM:<boss@example.com> AUTH=<>")
                replies.append(client.say("RCPT TO:<victim@elsewhere.example>"))
        return replies

    assert [reply[:9] for reply in await asyncio.to_thread(claim)] == ["550 5.7.1"] * 4


async def test_a_corporate_server_may_send_to_the_world(house: tuple[Gateway, Sink]) -> None:
    """What the inner server sends goes outwards, owned and foreign recipients in one transaction."""
    gateway, sink = house

    def send() -> str:
        with WireClient(gateway.port, source="127.0.0.9") as client:
            client.say("EHLO inner")
            return client.send("boss@example.com", ["partner@elsewhere.example", "user@example.com"], MAIL)

    assert (await asyncio.to_thread(send)).startswith("250 2.0.0")
    mails = await sink.wait(2)
    assert sorted(mail.recipients for mail in mails) == [("partner@elsewhere.example",), ("user@example.com",)]
    received = gateway.events("mail.received")
    assert [event["direction"] for event in received] == ["outbound"]


async def test_postmaster_without_a_domain_is_the_first_owned_domains(house: tuple[Gateway, Sink]) -> None:
    """`RCPT TO:<postmaster>` is taken from anybody (RFC 5321 §4.5.1)."""
    gateway, sink = house

    def send() -> str:
        with WireClient(gateway.port) as client:
            client.say("EHLO outside.example")
            return client.send("a@outside.example", ["Postmaster"], MAIL)

    assert (await asyncio.to_thread(send)).startswith("250")
    (mail,) = await sink.wait(1)
    assert mail.recipients == ("postmaster@example.com",)
