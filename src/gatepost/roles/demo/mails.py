# SPDX-License-Identifier: Apache-2.0
"""The mails that the demo sends: real ones from a folder beside the project, or else a few of our own.

The folder is `corpora/mail-real` below `GATEPOST_SHARED`, which is `../shared` unless set. Mails are only
read as bytes: nothing they name is looked up, and a mail's envelope is taken from it only where it is plain.
"""

import ipaddress
import os
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from gatepost.message.headers import Headers
from gatepost.message.parse import parse
from gatepost.testing.mails import sample_mail

WANTED = 300
"""Real mails of one demo, evenly taken from the folder."""
LARGE_BYTES = 300_000

_BARE_LF = re.compile(rb"(?<!\r)\n")
_IN_BRACKETS = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f.:]{3,45})\]")
_DOCUMENTATION = tuple(map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")))
"""RFC 5737, RFC 3849: where the clients of our own mails are."""
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=-]{0,50}@(?:[A-Za-z0-9-]{1,40}\.){1,4}[A-Za-z]{2,15}")
_STORED_MAIL = frozenset({".eml", ".txt", ""})


class Mail(NamedTuple):
    """One mail in wire form (CRLF, no mbox line), with what it says of its way here; '' where it says nothing plain."""

    name: str
    content: bytes
    untrusted_client: str
    untrusted_sender: str
    is_report: bool
    """Whether it is a delivery report, which comes from nobody: MAIL FROM:<>."""

    @property
    def has_bare_line_ends(self) -> bool:
        """Whether a CR or LF stands alone, so that a gateway must refuse it."""
        return _has_bare_line_ends(self.content)


def real_mails(environ: Mapping[str, str] = os.environ) -> list[Mail]:
    """Give about `WANTED` mails from the folder, all with bare line ends among them; none where there is no such folder."""
    folder = Path(environ.get("GATEPOST_SHARED") or "../shared") / "corpora" / "mail-real"
    files = sorted(path for path in folder.rglob("*") if path.suffix in _STORED_MAIL and path.is_file())
    stored = [(path.relative_to(folder).as_posix(), _wire_form(path.read_bytes())) for path in files]
    share = min(1.0, WANTED / max(1, len(stored)))
    evenly = {int(number / share) for number in range(WANTED)}
    return [_mail(*one) for number, one in enumerate(stored) if number in evenly or _has_bare_line_ends(one[1])]


def own_mails() -> list[Mail]:
    """Give the package's own mails, each of another kind, and a large one."""
    folder = resources.files("gatepost.roles.demo") / "own_mails"
    stored = sorted((one.name, one.read_bytes()) for one in folder.iterdir() if one.name.endswith(".eml"))
    return [_mail(name, _wire_form(content)) for name, content in [*stored, ("large", sample_mail(LARGE_BYTES))]]


def _wire_form(stored: bytes) -> bytes:
    """Give what a client sends for a stored mail."""
    if stored.startswith(b"From "):
        stored = stored[stored.find(b"\n") + 1 :]
    content = _BARE_LF.sub(b"\r\n", stored)
    return content if content.endswith(b"\r\n") else content + b"\r\n"


def _has_bare_line_ends(content: bytes) -> bool:
    return not content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")


def _mail(name: str, content: bytes) -> Mail:
    message = parse(content)
    is_report = message.root.content_type.full == "multipart/report"
    return Mail(name, content, next(_clients(message.headers), ""), next(_senders(message.headers), ""), is_report)


def _clients(headers: Headers) -> Iterator[str]:
    """Yield the public addresses that the trace fields name, the latest hop first."""
    for field in headers.all("Received"):
        for literal in _IN_BRACKETS.findall(field.text):
            try:
                address = ipaddress.ip_address(literal)
            except ValueError:
                continue
            if (address.is_global and not address.is_multicast) or any(address in network for network in _DOCUMENTATION):
                yield str(address)


def _senders(headers: Headers) -> Iterator[str]:
    for name in ("Return-Path", "From"):
        for field in headers.all(name):
            if found := _PLAIN_ADDRESS.search(field.text):
                yield found[0]
