# SPDX-License-Identifier: Apache-2.0
"""The mails that the demo sends: real ones from a folder beside the project, or else a few of our own.

The folder is `corpora/mail-real` below `GATEPOST_SHARED`, which is `../shared` unless set; its `labels.json`, where there
is one, says which are ham and which spam. Mails are only read as bytes: nothing they name is looked up, and a mail's
envelope is taken from it only where it is plain.
"""

import os
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import msgspec

from gatepost.message.headers import Headers
from gatepost.message.parse import parse
from gatepost.roles.demo.origin import Origin, origin
from gatepost.testing.mails import sample_mail

WANTED = 300
"""Real mails of one demo, evenly taken from the folder."""
LARGE_BYTES = 300_000
PLAIN = "plain.eml"
"""The most everyday of our own mails."""

_BARE_LF = re.compile(rb"(?<!\r)\n")
_PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=-]{0,50}@(?:[A-Za-z0-9-]{1,40}\.){1,4}[A-Za-z]{2,15}")
_STORED_MAIL = frozenset({".eml", ".txt", ""})


class Mail(NamedTuple):
    """One mail in wire form (CRLF, no mbox line), with what it says of its way here; '' where it says nothing plain."""

    name: str
    content: bytes
    untrusted_origin: Origin | None
    untrusted_sender: str
    is_report: bool
    """Whether it is a delivery report, which comes from nobody: MAIL FROM:<>."""
    label: str = ""
    """What its folder calls it: ham, spam, phishing; '' when it says nothing."""

    is_real: bool = False

    @property
    def has_bare_line_ends(self) -> bool:
        """Whether a CR or LF stands alone, so that a gateway must refuse it."""
        return _has_bare_line_ends(self.content)


def real_mails(environ: Mapping[str, str] = os.environ) -> list[Mail]:
    """Give about `WANTED` mails from the folder, all with bare line ends among them; none where there is no such folder."""
    folder = Path(environ.get("GATEPOST_SHARED") or "../shared") / "corpora" / "mail-real"
    files = sorted(path for path in folder.rglob("*") if path.suffix in _STORED_MAIL and path.is_file())
    stored = [(path.relative_to(folder).as_posix(), _wire_form(path.read_bytes())) for path in files]
    labels = _labels(folder / "labels.json")
    share = min(1.0, WANTED / max(1, len(stored)))
    evenly = {int(number / share) for number in range(WANTED)}
    chosen = [one for number, one in enumerate(stored) if number in evenly or _has_bare_line_ends(one[1])]
    return [_mail(name, content, labels.get(name, ""), is_real=True) for name, content in chosen]


def own_mails() -> list[Mail]:
    """Give the package's own mails, each of another kind, and a large one."""
    folder = resources.files("gatepost.roles.demo") / "own_mails"
    stored = sorted((one.name, one.read_bytes()) for one in folder.iterdir() if one.name.endswith(".eml"))
    return [_mail(name, _wire_form(content)) for name, content in [*stored, ("large", sample_mail(LARGE_BYTES))]]


def _labels(file: Path) -> dict[str, str]:
    try:
        labels = msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        return {}
    return {name: label for name, label in labels.items() if label.isalpha()}


def _wire_form(stored: bytes) -> bytes:
    """Give what a client sends for a stored mail."""
    if stored.startswith(b"From "):
        stored = stored[stored.find(b"\n") + 1 :]
    content = _BARE_LF.sub(b"\r\n", stored)
    return content if content.endswith(b"\r\n") else content + b"\r\n"


def _has_bare_line_ends(content: bytes) -> bool:
    return not content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")


def _mail(name: str, content: bytes, label: str = "", *, is_real: bool = False) -> Mail:
    message = parse(content)
    is_report = message.root.content_type.full == "multipart/report"
    return Mail(name, content, origin(message.headers), next(_senders(message.headers), ""), is_report, label, is_real)


def _senders(headers: Headers) -> Iterator[str]:
    for name in ("Return-Path", "From"):
        for field in headers.all(name):
            if found := _PLAIN_ADDRESS.search(field.text):
                yield found[0]
