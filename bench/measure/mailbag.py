# SPDX-License-Identifier: Apache-2.0
"""A thousand everyday mails of one size from two hundred domains, no two alike, half of them DKIM-signed.

They are made once a day and kept below `.state/bench`: a Date field of yesterday would itself be judged.
"""

import base64
import fcntl
import random
import shutil
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from gatepost.protection.mailauth.dkim.sign import sign
from gatepost.testing.parcels import INDEX, Parcel, write_index
from measure.place import ROOT, tell
from measure.senders import DOMAINS, SELECTOR, Sender, keys, records, senders, zone

MAILS = 1000
DOMAIN = "example.com"
USERS = tuple(f"user-{number:02}@{DOMAIN}" for number in range(50))
_LONGEST_KEPT_S = 12 * 3600
_PLACE = ROOT / ".state" / "bench" / "mailbags"
_NAMES = "Anna Jonas Marie Paul Lena Felix Emma Lukas Clara Max", "Berg Keller Winter Sommer Brandt Vogel Hahn Busch Kramer Lange"
_FIRST, _LAST = (names.split() for names in _NAMES)
_VOCABULARY = """please find attached the quarterly report invoice meeting order number delivery account update team project schedule
customer contract price summary regards thanks budget review deadline document about after before between during friday monday
tomorrow warehouse train station window garden morning evening question answer colleague department signature printer paper"""
_WORDS = _VOCABULARY.split()


def is_signed(number: int) -> bool:
    """Tell whether the mail of this number is signed: of each domain's five mails two or three are."""
    return (number + number // DOMAINS) % 2 == 0


def sender_of(number: int) -> Sender:
    """Give the sender of the mail of this number."""
    return _SENDERS[number % DOMAINS]


_SENDERS = senders()


def mailbag(size_bytes: int, *, wordy: bool = False) -> Path:
    """Give the folder of mails of this size, as `gatepost.testing.parcels` reads it; makes it where there is none."""
    folder = _PLACE / f"{size_bytes}{'-wordy' * wordy}"
    with _locked():
        index = folder / INDEX
        if not index.exists() or time.time() - index.stat().st_mtime > _LONGEST_KEPT_S:
            tell(f"making {MAILS} mails of {size_bytes} bytes")
            _make(folder, size_bytes, wordy)
    return folder


def zone_file() -> Path:
    """Give the zone file of the senders."""
    with _locked():
        file = _PLACE / "zone"
        file.write_text(zone(records(_keys())))
    return file


class _locked:
    """Two benchmarks may want mails at one time."""

    def __enter__(self) -> None:
        _PLACE.mkdir(parents=True, exist_ok=True)
        self._file = (_PLACE / "lock").open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _keys() -> list[RSAPrivateKey]:
    return keys(_PLACE / "keys.pem")


def _make(folder: Path, size_bytes: int, wordy: bool) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_index(folder, _parcels(folder, size_bytes, wordy))


def _parcels(folder: Path, size_bytes: int, wordy: bool) -> Iterator[Parcel]:
    known, now = _keys(), time.time()
    for number in range(MAILS):
        chance, sender = random.Random(f"{size_bytes} {number}"), sender_of(number)
        author = f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"
        address = f"{author.replace(' ', '.').lower()}@{sender.domain}"
        recipient = USERS[number % len(USERS)]
        content = mail(size_bytes, sender, author, address, recipient, now - 60 - number, chance, wordy)
        if is_signed(number):
            content = sign(content, domain=sender.domain, selector=SELECTOR, key=known[sender.number], now=now) + content
        (folder / f"{number:04}.eml").write_bytes(content)
        yield Parcel(file=f"{number:04}.eml", sender=address, recipients=(recipient,), helo=sender.host, source=sender.address)


def mail(
    size_bytes: int, sender: Sender, author: str, address: str, recipient: str, at: float, chance: random.Random, wordy: bool
) -> bytes:
    """Make one mail of about this size: a text, its HTML twin with links, an attachment; a wordy one is mostly text."""
    head = (
        f"Received: from desk.{sender.domain} (desk.{sender.domain} [{sender.address}])\r\n"
        f"\tby {sender.host} with ESMTPSA id {chance.getrandbits(48):012x};\r\n\t{formatdate(at)}\r\n"
        f"Message-ID: <{chance.getrandbits(96):024x}@{sender.host}>\r\n"
        f"Date: {formatdate(at)}\r\n"
        f'From: "{author}" <{address}>\r\n'
        f"To: {recipient}\r\n"
        f"Subject: {' '.join(chance.choices(_WORDS, k=5)).capitalize()}\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="outer-5b1"\r\n\r\n'
    )
    text_bytes, html_bytes = (size_bytes // 2, size_bytes // 3) if wordy else (min(1200, size_bytes // 5), min(900, size_bytes // 6))
    text, marked = _text(chance, text_bytes, sender.domain), _text(chance, html_bytes, sender.domain, html=True)
    html = "<html><body>" + "".join(f"<p>{line}</p>\r\n" for line in marked)
    parts = (
        '--outer-5b1\r\nContent-Type: multipart/alternative; boundary="inner-5b2"\r\n\r\n'
        "--inner-5b2\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + "\r\n".join(text) + "\r\n"
        f"--inner-5b2\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}</body></html>\r\n--inner-5b2--\r\n"
        '--outer-5b1\r\nContent-Type: application/pdf; name="report.pdf"\r\n'
        'Content-Disposition: attachment; filename="report.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    )
    end = "--outer-5b1--\r\n"
    left = max(57, size_bytes - len(head) - len(parts) - len(end))
    # Base64 lines of 76 characters and CRLF carry 57 bytes in 78.
    attachment = b"%PDF-1.4\n" + chance.randbytes(left * 57 // 78)
    return (head + parts + base64.encodebytes(attachment).replace(b"\n", b"\r\n").decode("ascii") + end).encode("ascii")


def _text(chance: random.Random, size_bytes: int, domain: str, *, html: bool = False) -> list[str]:
    """Give lines of words; about three words in a hundred are links."""
    lines: list[str] = []
    length = 0
    while length < size_bytes:
        line = chance.choices(_WORDS, k=10)
        if chance.random() < 0.3:
            link = f"https://www.{domain}/{chance.choice(_WORDS)}/{chance.randrange(10**6)}"
            line[chance.randrange(10)] = f'<a href="{link}">{chance.choice(_WORDS)}</a>' if html else link
        lines.append(" ".join(line))
        length += len(lines[-1])
    return lines
