# SPDX-License-Identifier: Apache-2.0
"""Mails of our own that the filters must tell apart, each with what the DNS has to say about it.

All come from addresses of documentation, and each is kept as a file, so that `gatepost check` can be asked about it.
"""

import base64
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gatepost.protection.mailauth.dkim.sign import sign
from gatepost.roles.demo.attempt import FILTERS, RECIPIENT, Attempt
from gatepost.roles.demo.mails import Mail
from gatepost.roles.demo.origin import literal
from gatepost.roles.demo.settings import BLOCKLISTS, DOMAIN

EXAMPLE = "a forged author"
"""The attempt whose way is told at the demo's end."""

_BANK = "bank.example"
_SELECTOR = "demo"


class Filtered(NamedTuple):
    """Attempts, and the records that they need beside those that every sender has."""

    attempts: tuple[Attempt, ...]
    records: tuple[str, ...]


def filtered(plain: Mail) -> Filtered:
    """Give the attempts; their content is made of an everyday mail where nothing else is wanted."""
    key = Ed25519PrivateKey.generate()
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    records = (
        f'_dmarc.{_BANK}. TXT "v=DMARC1; p=reject"',
        f'{_BANK}. TXT "v=spf1 ip4:192.0.2.250 -all"',
        f'{_SELECTOR}._domainkey.{_BANK}. TXT "v=DKIM1; k=ed25519; p={public}"',
    )
    return Filtered((*_by_client(plain.content), *_by_author(key), *_by_content(), *_by_recipient(plain.content)), records)


def _by_client(content: bytes) -> Iterator[Attempt]:
    both = "a client on two blocklists"
    yield _refused(both, content, "192.0.2.254", "realtime_blocklists", host="out.cheap-hosting.example", listed=BLOCKLISTS)


def _by_author(key: Ed25519PrivateKey) -> Iterator[Attempt]:
    letter = _letter(f"Bank <service@{_BANK}>", "Your account statement", "Your statement of November is ready in the usual place.")
    yield _refused(EXAMPLE, letter, "203.0.113.254", "reputation", host="vps7.cheap-hosting.example", sender="x@cheap-hosting.example")
    signed = sign(letter, domain=_BANK, selector=_SELECTOR, key=key, now=time.time()) + letter
    altered = signed.replace(b"in the usual place", b"at http://login.bank-service.example/")
    forwarder: dict[str, Any] = {"host": "mail.alumni.example", "sender": "forwarded@alumni.example"}
    yield Attempt(name="a bank's mail, forwarded", content=signed, client="198.51.100.254", helo="mail.alumni.example", **forwarder)
    yield _refused("the same, altered on its way", altered, "198.51.100.254", "reputation", **forwarder)
    chief = _letter(f"The chief <chief@{DOMAIN}>", "Urgent", "Are you at your desk? I need you to buy something for me.")
    yield _refused("our own domain, from outside", chief, "2001:db8:66::254", "reputation", host="mail.free.example")


def _by_content() -> Iterator[Attempt]:
    pills = _letter("Shop <offers@shop.example>", "Cheap pills", "Cheap pills for weight loss, no obligation!")
    once = _letter("Shop <offers@shop.example>", "An offer", "Refinance now.")
    foreign = _letter("Магазин <x@nowhere.example>", "Только сегодня", "Лучшие цены на все товары нашего магазина.")
    yield _refused("words", pills, "192.0.2.253", "words", host="mail.shop.example")
    yield _refused("one word and one list", once, "192.0.2.252", "realtime_blocklists words", host="mx.shop.example", listed=BLOCKLISTS[:1])
    names = "reputation character_sets"
    yield _refused("a foreign script, from nowhere", foreign, "203.0.113.253", names, sender="x@nowhere.example", in_dns=False)


def _by_recipient(content: bytes) -> Iterator[Attempt]:
    for guessed in ("info", "sales", "j.smith"):
        recipients = (f"{guessed}@{DOMAIN}",)
        name, client = f"to {guessed}, who does not exist", "198.51.100.253"
        yield Attempt(
            name=name, content=content, client=client, host="mx.guess.example", recipients=recipients, expected="refused", check=RECIPIENT
        )


def _refused(name: str, content: bytes, client: str, filters: str, **more: Any) -> Attempt:
    """Give an attempt that these filters shall refuse."""
    helo = more.get("host") or literal(client)
    return Attempt(name=name, content=content, client=client, helo=helo, expected="refused", check=FILTERS, filters=filters, **more)


def _letter(author: str, subject: str, text: str) -> bytes:
    lines = (
        "Date: Wed, 25 Nov 2026 09:00:00 +0000",
        f"Message-ID: <{sum(map(ord, subject))}@letters.example>",
        f"From: {author}",
        f"To: Anna Berg <anna@{DOMAIN}>",
        f"Subject: {subject}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        text,
        "",
    )
    return "\r\n".join(lines).encode()
