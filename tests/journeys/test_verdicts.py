# SPDX-License-Identifier: Apache-2.0
"""What is refused is refused in the SMTP dialogue, for a reason that the log tells; what passes carries the results."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from gatepost.config.blocklists import Blocklist, RealtimeBlocklistSettings
from gatepost.config.bootstrap import Listener
from gatepost.config.configuration import Configuration, CorporateServer, Dns, OwnedDomain
from gatepost.config.rules import FilterSettings, FilterUse, Rule, WordGroup
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.ports import free_port
from gatepost.testing.sink import Sink
from wire_client import WireClient

ZONE = """
good.example.     MX  10 mx.good.example.
good.example.     TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.good.example. TXT "v=DMARC1; p=reject"
mx.good.example.  A   192.0.2.1
1.2.0.192.in-addr.arpa. PTR mx.good.example.
9.2.0.192.in-addr.arpa. PTR mx9.good.example.
mx9.good.example. A   192.0.2.9
9.2.0.192.bl.example. A 127.0.0.2
9.2.0.192.other.example. A 127.0.0.2
"""
LISTS = RealtimeBlocklistSettings(lists=(Blocklist(zone="bl.example"), Blocklist(zone="other.example")))
WORDS = (WordGroup(name="pills", words=("cheap pills",), points=4.0),)


def mail(sender: str = "a@good.example", subject: str = "hello", extra: bytes = b"") -> bytes:
    return extra + f"From: {sender}\r\nSubject: {subject}\r\nMessage-ID: <1@good.example>\r\n\r\ntext\r\n".encode()


def configuration(sink: Sink, folder: Path, **settings: object) -> Configuration:
    zone = folder / "zone"
    zone.write_text(ZONE)
    return msgspec.structs.replace(
        relay_all_to(sink.port),
        rules=(),
        owned_domains=(OwnedDomain(name="example.com", recipients="list"),),
        corporate_users=("user@example.com", "other@example.com"),
        filters=FilterSettings(word_groups=WORDS, realtime_blocklists=LISTS),
        dns=Dns(zone_file=str(zone)),
        **settings,
    )


def proxied(port: int, client: str, sender: str, recipients: list[str], content: bytes) -> str:
    """Send one mail as this client, through a proxy that names it."""
    with WireClient(port, greet=False) as wire:
        wire.raw(f"PROXY TCP4 {client} 192.0.2.200 4711 25\r\n".encode())
        assert wire.reply().startswith("220")
        wire.say("EHLO mx.good.example")
        return wire.send(sender, recipients, content)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[tuple[Gateway, Sink]]:
    async with Sink() as sink:
        listener = Listener(address="127.0.0.1", port=free_port(), tls="none", proxy_from=("127.0.0.0/8",))
        async with Gateway(tmp_path / "gw", configuration(sink, tmp_path), listeners=[listener]) as gateway:
            yield gateway, sink


async def say(house: tuple[Gateway, Sink], client: str, sender: str, recipient: str, content: bytes) -> str:
    return await asyncio.to_thread(proxied, house[0].port, client, sender, [recipient], content)


async def test_a_good_mail_passes_with_its_results_on_top(house: tuple[Gateway, Sink]) -> None:
    """An authenticated mail is delivered below our Authentication-Results and Received; one forged in our name is gone."""
    forged = b"Authentication-Results: gateway.example; dmarc=pass header.from=bank.example\r\n"
    reply = await say(house, "192.0.2.1", "a@good.example", "user@example.com", mail(extra=forged))
    assert reply.startswith("250 2.0.0")
    (arrived,) = await house[1].wait(1)
    head, _, rest = arrived.content.partition(b"Received: ")
    assert head.startswith(b"Authentication-Results: gateway.example;\r\n")
    assert b"spf=pass" in head and b"dmarc=pass" in head
    assert rest.partition(b"\r\nFrom: ")[2] == mail()[6:]
    (event,) = house[0].events("mail.received")
    assert (event["rule"], event["scl"], event["failed"]) == ("All other inbound mails", 0, {})


async def test_a_listed_client_is_refused_before_its_content(house: tuple[Gateway, Sink]) -> None:
    """Two lists of 2 points reach the threshold; as nothing that follows could give negative points, DATA is already refused."""

    def talk() -> str:
        with WireClient(house[0].port, greet=False) as wire:
            wire.raw(b"PROXY TCP4 192.0.2.9 192.0.2.200 4711 25\r\n")
            wire.reply()
            wire.say("EHLO mx9.good.example")
            wire.say("MAIL FROM:<a@good.example>")
            wire.say("RCPT TO:<user@example.com>")
            return wire.say("DATA")

    reply = await asyncio.to_thread(talk)
    assert reply.startswith("550 5.7.1 Message refused as spam")
    (event,) = house[0].events("mail.refused")
    assert event["points"]["realtime_blocklists"] == 4
    assert event["track"] and reply.endswith(f"({event['track']})")


async def test_words_refuse(house: tuple[Gateway, Sink]) -> None:
    """A word group of 4 points refuses alone, and the track's id in the reply is the log's."""
    reply = await say(house, "192.0.2.1", "a@good.example", "user@example.com", mail(subject="Cheap Pills"))
    assert reply.startswith("550 5.7.1 Message refused as spam (")
    (event,) = house[0].events("mail.refused")
    assert reply.endswith(f"({event['track']})")
    assert event["points"] == {"realtime_blocklists": 0, "reputation": 0, "words": 4, "character_sets": 0}


async def test_a_forged_author_is_refused_by_dmarc(house: tuple[Gateway, Sink]) -> None:
    """A mail from elsewhere with the author of a domain that asks to reject gets DMARC's 4 points."""
    reply = await say(house, "203.0.113.5", "x@elsewhere.example", "user@example.com", mail())
    assert reply.startswith("550 5.7.1 Message refused as spam")
    (event,) = house[0].events("mail.refused")
    assert event["points"]["reputation"] >= 4


async def test_an_unknown_recipient_is_refused_at_rcpt(house: tuple[Gateway, Sink]) -> None:
    """The default rule is for corporate addresses: who is not one is unknown; postmaster always exists."""
    reply = await say(house, "192.0.2.1", "a@good.example", "nobody@example.com", mail())
    assert reply == "550 5.1.1 Recipient unknown"
    assert (await say(house, "192.0.2.1", "a@good.example", "postmaster@example.com", mail())).startswith("250")
    assert (await say(house, "192.0.2.1", "a@good.example", "USER@example.com", mail())).startswith("250")


RULES = (
    Rule(name="kind", recipients=("other@example.com",), mode="accept"),
    Rule(name="strict", filters=(FilterUse(name="words", multiplier=2),), threshold=4),
)


@pytest.mark.parametrize(("setting", "second", "verdict"), [("split", "452", "250"), ("strictest", "250", "550")])
async def test_recipients_with_different_rules(tmp_path: Path, setting: str, second: str, verdict: str) -> None:
    """split: the second recipient is answered 452 and the first gets the mail; strictest: one refusal is for both."""
    async with Sink() as sink:
        settings = configuration(sink, tmp_path, different_rules=setting)
        settings = msgspec.structs.replace(settings, rules=RULES)
        async with Gateway(tmp_path / "gw", settings) as gateway:

            def talk() -> tuple[str, str]:
                with WireClient(gateway.port) as wire:
                    wire.say("EHLO mx.good.example")
                    wire.say("MAIL FROM:<a@good.example>")
                    assert wire.say("RCPT TO:<other@example.com>").startswith("250")
                    second = wire.say("RCPT TO:<user@example.com>")
                    wire.say("DATA")
                    wire.raw(mail(subject="cheap pills") + b".\r\n")
                    return second, wire.reply()

            got_second, got_verdict = await asyncio.to_thread(talk)
    assert (got_second[:3], got_verdict[:3]) == (second, verdict)


async def test_a_providers_header_decides_whose_mail_it_is(tmp_path: Path) -> None:
    """From a provider's range: our customer's mark makes it outbound, another's mail to the world is refused, to us it is inbound."""
    async with Sink() as sink:
        settings = configuration(
            sink,
            tmp_path,
            corporate_servers=(
                CorporateServer(name="cloud", provider_networks=("127.0.0.0/8",), provider_header="X-OriginatorOrg: example.com"),
            ),
        )
        async with Gateway(
            tmp_path / "gw", msgspec.structs.replace(settings, rules=(Rule(name="all", direction="any", mode="accept"),))
        ) as gateway:

            def send(recipient: str, mark: bytes) -> str:
                with WireClient(gateway.port) as wire:
                    wire.say("EHLO cloud")
                    return wire.send("boss@example.com", [recipient], mail(extra=mark))

            ours, other = b"X-OriginatorOrg: example.com\r\n", b"X-OriginatorOrg: evil.example\r\n"
            cases = [
                ("partner@elsewhere.example", ours),
                ("partner@elsewhere.example", other),
                ("partner@elsewhere.example", b""),
                ("partner@elsewhere.example", ours + other),
                ("user@example.com", other),
            ]
            replies = [(await asyncio.to_thread(send, *case))[:9] for case in cases]
            directions = [event["direction"] for event in gateway.events("mail.received")]
    assert replies == ["250 2.0.0", "550 5.7.1", "550 5.7.1", "550 5.7.1", "250 2.0.0"]
    assert directions == ["outbound", "inbound"]


async def test_a_rejecting_rule_discards_outbound_mail_with_a_report(tmp_path: Path) -> None:
    """By default a rejected outbound mail is taken, dropped, and its sender told by the gateway itself."""
    async with Sink() as sink:
        settings = msgspec.structs.replace(
            configuration(sink, tmp_path),
            corporate_servers=(CorporateServer(name="inner", networks=("127.0.0.1",)),),
            rules=(
                Rule(name="no", direction="outbound", recipients=("*@rival.example",), mode="reject"),
                Rule(name="yes", direction="any", mode="accept"),
            ),
        )
        async with Gateway(tmp_path / "gw", settings) as gateway:

            def send() -> str:
                with WireClient(gateway.port) as wire:
                    wire.say("EHLO inner")
                    return wire.send("user@example.com", ["x@rival.example"], mail("user@example.com"))

            reply = await asyncio.to_thread(send)
            (report,) = await sink.wait(1)
    assert reply.startswith("250")
    assert (report.sender, report.recipients) == ("", ("user@example.com",))
    assert b"discarded by policy" in report.content
