# SPDX-License-Identifier: Apache-2.0
"""Real test material that lies outside the project: the folder that GATEPOST_SHARED names, else `../shared`.

A test that needs it is skipped where it is absent. The *wire form* of a stored mail is what a client would send:
the file without a leading mbox `From ` line, each LF that follows no CR made CRLF.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parent.parent
_SHARED = Path(os.environ.get("GATEPOST_SHARED") or _ROOT.parent / "shared")

_BARE_LF = re.compile(rb"(?<!\r)\n")
_MBOX_LINE = re.compile(rb"(?m)^From .*\n")
_NO_MAIL_SUFFIXES = frozenset({".json", ".xml", ".out", ".md", ".bin", ".dat", ".gitattributes"})
_DECODED_BODY = re.compile(r"_decoded(?:_\d+)*\.(?:txt|bin|xml)$")


def corpus(topic: str) -> Path:
    """Give the folder of one topic, or skip the test that asks."""
    folder = _SHARED / "corpora" / topic
    if not folder.is_dir():
        pytest.skip(f"no test material at {folder}; set GATEPOST_SHARED")
    return folder


def mail_files(topic: str) -> Iterator[Path]:
    """Give every file of a topic that holds mail, in a stable order."""
    for path in sorted(corpus(topic).rglob("*")):
        if path.is_file() and _holds_mail(path):
            yield path


def wire_mails(topic: str) -> Iterator[tuple[str, bytes]]:
    """Give each mail of a topic with its name, in wire form; mbox files give one for each mail in them."""
    folder = corpus(topic)
    for path in mail_files(topic):
        name = path.relative_to(folder).as_posix()
        mails = split_mbox(path.read_bytes()) if _is_mbox(path) else [path.read_bytes()]
        for number, mail in enumerate(mails, 1):
            yield (f"{name}#{number}" if len(mails) > 1 else name), wire_form(mail)


def wire_form(stored: bytes) -> bytes:
    """Give what a client would send for a stored mail."""
    if stored.startswith(b"From "):
        stored = stored[stored.find(b"\n") + 1 :]
    return _BARE_LF.sub(b"\r\n", stored)


def split_mbox(stored: bytes) -> list[bytes]:
    """Split an mbox file at each `From ` line that begins it or follows an empty line."""
    starts = [
        match.start()
        for match in _MBOX_LINE.finditer(stored)
        if match.start() == 0 or stored[: match.start()].endswith((b"\n\n", b"\n\r\n"))
    ]
    return [stored[start:end] for start, end in zip(starts, [*starts[1:], len(stored)], strict=True)]


def _is_mbox(path: Path) -> bool:
    return path.name.startswith("mbox") or ".mbox" in path.name or path.parent.name in {"mbox", "mailbox"}


def _holds_mail(path: Path) -> bool:
    if path.suffix in _NO_MAIL_SUFFIXES or path.name in _NO_MAIL_SUFFIXES or _DECODED_BODY.search(path.name):
        return False
    return not path.name.endswith("-summary.txt")
