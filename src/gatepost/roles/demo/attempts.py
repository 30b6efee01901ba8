# SPDX-License-Identifier: Apache-2.0
"""What the demo tries, and what shall become of each try.

Most tries are ordinary mail. The others show one check each: what the world tries to get through a mail
server, and what goes wrong behind it.
"""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import msgspec

from gatepost.roles.demo.mails import Mail
from gatepost.roles.demo.settings import BUSY, DOMAIN, SIZE_BYTES, UNKNOWN, USER
from gatepost.testing.conversation import Reply

Fate = Literal["delivered", "refused", "waiting", "reported"]
"""delivered: the next hop took it; waiting: it is tried again later; reported: given up, and its sender was told."""

CHECKS = {
    "550 5.7.1": "relay",
    "550 5.6.11": "line ends",
    "552 5.3.4": "size",
    "554 5.4.6": "mail loop",
    "554 5.6.0": "structure",
    "530 5.7.0": "TLS first",
    "535 5.7.8": "login",
    "421 4.7.1": "blocked client",
}
"""The check behind each refusal that the demo shows, by the beginning of its reply."""

_STRANGERS = ("192.0.2.{}", "198.51.100.{}", "203.0.113.{}", "2001:db8:25::{}")
"""Documentation ranges (RFC 5737, RFC 3849): clients of mails that name none."""
_MAILBOXES = ("anna", "bert", "carl", "dora", "emil")
_ROUNDS = 8
"""How often each own mail is sent where there are no others."""


class Attempt(msgspec.Struct, kw_only=True):
    """One try to hand a mail over, and once it was made, the reply that ended it."""

    name: str
    content: bytes
    client: str
    sender: str = "sender@example.org"
    recipients: tuple[str, ...] = (f"anna@{DOMAIN}",)
    door: Literal["smtp", "submission", "submissions"] = "smtp"
    starttls: bool = False
    login: Literal["", "right", "wrong"] = ""
    chunks: int = 0
    """BDAT commands; 0: DATA."""
    declared_bytes: int = 0
    """What MAIL says as SIZE; 0: nothing."""
    expected: Fate = "delivered"
    check: str = ""
    """Which check shall refuse it."""
    reply: Reply | None = None
    track: str = ""


class Attempts(NamedTuple):
    """All tries: those that may be made side by side, and those that must follow, one after another."""

    together: list[Attempt]
    in_turn: list[Attempt]


def attempts(real: list[Mail], own: list[Mail]) -> Attempts:
    """Give all tries; an attacker's come last, since his address is blocked from then on."""
    sound = [mail for mail in (*real, *own) if not mail.has_bare_line_ends]
    if not real:
        sound *= _ROUNDS
    ordinary = [_inbound(mail, number) for number, mail in enumerate(sound, 1)]
    others = (*_submitted(own), *_in_trouble(own[0]), *_refused(own[0]))
    return Attempts([*ordinary, *others], list(_attacks(real, own[0], {one.client for one in ordinary})))


def _inbound(mail: Mail, number: int) -> Attempt:
    """Mail from the world to us, sent in each of the ways that senders use."""
    recipients = tuple(f"{_MAILBOXES[(number + more) % 5]}@{DOMAIN}" for more in range(3 if number % 20 == 0 else 1))
    if number % 50 == 7:
        recipients = (f"jörg@{DOMAIN}",)
    sender = mail.untrusted_sender or f"sender{number}@example.org"
    return Attempt(
        name=mail.name,
        content=mail.content,
        client=mail.untrusted_client or _stranger(number),
        sender="" if mail.is_report else sender,
        recipients=recipients,
        starttls=number % 3 == 0,
        chunks=(0, 0, 1, 3)[number % 4],
        declared_bytes=len(mail.content) if number % 2 else 0,
    )


def _submitted(own: list[Mail]) -> Iterator[Attempt]:
    """Mail from one of ours to the world, with a login."""
    for number, mail in enumerate(own * 2):
        yield Attempt(
            name=f"submitted {mail.name}",
            content=mail.content,
            client="",
            sender=USER,
            recipients=(f"partner{number}@example.net",),
            door="submissions" if number % 3 == 2 else "submission",
            starttls=number % 3 != 2,
            login="right",
            chunks=number % 2,
        )


def _in_trouble(mail: Mail) -> Iterator[Attempt]:
    """Mail that we take and the next hop does not."""
    for number in (1, 2):
        name, client = f"to a busy mailbox {number}", _stranger(number)
        yield Attempt(name=name, content=mail.content, client=client, recipients=(BUSY.address,), expected="waiting")
    yield Attempt(
        name="to nobody",
        content=mail.content,
        client="",
        sender=USER,
        recipients=(UNKNOWN.address,),
        door="submission",
        starttls=True,
        login="right",
        expected="reported",
    )


def _refused(mail: Mail) -> Iterator[Attempt]:
    """Mail that breaks a rule."""

    def refused(check: str, name: str, number: int, **changes: Any) -> Attempt:
        what = {"content": mail.content, "client": _stranger(number) if number else "", **changes}
        return Attempt(name=name, expected="refused", check=check, **what)

    circle = b"".join(b"Received: from a by b; Wed, 25 Nov 2026 10:%02d:00 +0000\r\n" % (hop % 60) for hop in range(120))
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(80))
    large = mail.content + (b"z" * 998 + b"\r\n") * (SIZE_BYTES // 1000 + 1)
    yield refused("relay", "a stranger's mail to the world", 31, recipients=("victim@example.net",))
    yield refused("relay", "the same, in our name", 32, sender=USER, recipients=("victim@example.net",))
    yield refused("relay", "the same, through a local part", 33, recipients=(f"victim%example.net@{DOMAIN}",))
    yield refused("size", "too large, and saying so", 34, content=large, declared_bytes=len(large))
    yield refused("size", "too large, not saying so", 35, content=large)
    yield refused("mail loop", "has run in a circle", 36, content=circle + mail.content)
    yield refused("structure", "nested 80 deep", 37, content=b"MIME-Version: 1.0\r\n" + nested)
    yield refused("TLS first", "submission in the clear", 0, door="submission", sender=USER)
    yield refused("login", "a guessed password", 0, door="submissions", sender=USER, login="wrong")


def _attacks(real: list[Mail], mail: Mail, clients: set[str]) -> Iterator[Attempt]:
    """Mail with bare line ends, as it is used to smuggle a second mail past a gateway; then one from a client so blocked."""
    second = b"MAIL FROM:<chief@example.com>\r\nRCPT TO:<anna@example.com>\r\nDATA\r\nSubject: pay this\r\n\r\nnow\r\n"
    contents = (
        ("a second mail behind LF . LF", mail.content + b"Hello\n.\n" + second, 0),
        ("a second mail behind LF . CR LF", mail.content + b"Hello\n.\r\n" + second, 0),
        ("a bare CR between two chunks", mail.content + b"Hello\r" + b"world" * 100 + b"\r\n", 2),
    )
    for number, (name, content, chunks) in enumerate(contents, 41):
        client = _stranger(number)
        yield Attempt(name=name, content=content, client=client, chunks=chunks, expected="refused", check="line ends")
    for number, found in enumerate((one for one in real if one.has_bare_line_ends), 51):
        client = found.untrusted_client if found.untrusted_client not in clients else ""
        clients.add(client)
        yield Attempt(name=found.name, content=found.content, client=client or _stranger(number), expected="refused", check="line ends")
    yield Attempt(
        name="a blocked client's next mail", content=mail.content, client=_stranger(41), expected="refused", check="blocked client"
    )


def _stranger(number: int) -> str:
    return _STRANGERS[number % 4].format(number % 250 + 1)
