# SPDX-License-Identifier: Apache-2.0
"""What the demo tries, and what shall become of each try.

Most tries are ordinary mail. The others show one check each: what the world tries to get through a mail
server, and what goes wrong behind it.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from gatepost.roles.demo.attempt import Attempt
from gatepost.roles.demo.filtered import filtered
from gatepost.roles.demo.mails import PLAIN, Mail
from gatepost.roles.demo.origin import Origin
from gatepost.roles.demo.settings import BUSY, DOMAIN, MAILBOXES, SIZE_BYTES, UMLAUT, UNKNOWN, USER

_STRANGERS = ("192.0.2.{}", "198.51.100.{}", "203.0.113.{}", "2001:db8:25::{}")
"""Documentation ranges (RFC 5737, RFC 3849): clients of mails that name none."""
_HOSTS = ("mx{}.north.example", "mx{}.east.example", "mx{}.south.example", "mx{}.west.example")
_ROUNDS = 8
"""How often each own mail is sent where there are no others."""


class Attempts(NamedTuple):
    """All tries: those that may be made side by side, and those that must follow, one after another."""

    together: list[Attempt]
    in_turn: list[Attempt]
    records: tuple[str, ...]
    """What the DNS has to know beside the names of clients and senders."""

    @property
    def all(self) -> list[Attempt]:
        """All, in their order."""
        return [*self.together, *self.in_turn]


def attempts(real: list[Mail], own: list[Mail]) -> Attempts:
    """Give all tries; an attacker's come last, since his address is blocked from then on."""
    sound = [mail for mail in (*real, *own) if not mail.has_bare_line_ends]
    if not real:
        sound *= _ROUNDS
    ordinary = [_inbound(mail, number) for number, mail in enumerate(sound, 1)]
    plain = next(mail for mail in own if mail.name == PLAIN)
    judged = filtered(plain)
    others = (*judged.attempts, *_submitted(own), *_in_trouble(plain), *_refused(plain))
    attacks = list(_attacks(real, plain, {one.client for one in ordinary}))
    return Attempts([*ordinary, *others], attacks, judged.records)


def _inbound(mail: Mail, number: int) -> Attempt:
    """Mail from the world to us, sent in each of the ways that senders use."""
    recipients = tuple(MAILBOXES[(number + more) % 5] for more in range(3 if number % 20 == 0 else 1))
    if number % 50 == 7:
        recipients = (UMLAUT,)
    sender = mail.untrusted_sender or f"sender{number}@example.org"
    return Attempt(
        name=mail.name,
        content=mail.content,
        sender="" if mail.is_report else sender,
        recipients=recipients,
        starttls=number % 3 == 0,
        chunks=(0, 0, 1, 3)[number % 4],
        declared_bytes=len(mail.content) if number % 2 else 0,
        label=mail.label,
        expected=None if mail.is_real else "delivered",
        **_from(mail.untrusted_origin or _stranger(number)),
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
        name, client = f"to a busy mailbox {number}", _from(_stranger(number))
        yield Attempt(name=name, content=mail.content, recipients=(BUSY.address,), expected="waiting", **client)
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
        what = {"content": mail.content, **(_from(_stranger(number)) if number else {"client": ""}), **changes}
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
    second = b"MAIL FROM:<chief@company.example>\r\nRCPT TO:<anna@company.example>\r\nDATA\r\nSubject: pay this\r\n\r\nnow\r\n"
    contents = (
        ("a second mail behind LF . LF", mail.content + b"Hello\n.\n" + second, 0),
        ("a second mail behind LF . CR LF", mail.content + b"Hello\n.\r\n" + second, 0),
        ("a bare CR between two chunks", mail.content + b"Hello\r" + b"world" * 100 + b"\r\n", 2),
    )
    for number, (name, content, chunks) in enumerate(contents, 41):
        client = _from(_stranger(number))
        yield Attempt(name=name, content=content, chunks=chunks, expected="refused", check="line ends", **client)
    for number, found in enumerate((one for one in real if one.has_bare_line_ends), 51):
        known = found.untrusted_origin
        came = known if known and known.client not in clients else _stranger(number)
        clients.add(came.client)
        yield Attempt(name=found.name, content=found.content, label=found.label, expected="refused", check="line ends", **_from(came))
    blocked = _from(_stranger(41))
    yield Attempt(name="a blocked client's next mail", content=mail.content, expected="refused", check="blocked client", **blocked)


def _stranger(number: int) -> Origin:
    host = _HOSTS[number % 4].format(number % 250 + 1)
    return Origin(_STRANGERS[number % 4].format(number % 250 + 1), host, host)


def _from(origin: Origin) -> dict[str, Any]:
    return {"client": origin.client, "helo": origin.helo, "host": origin.host, "leads_back": origin.leads_back}
