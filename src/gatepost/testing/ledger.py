# SPDX-License-Identifier: Apache-2.0
"""Ledgers: what a sender handed over and what a receiver got, one line a mail, to be compared afterwards.

Both ends name a mail by its `X-Load-Id` header and hash it from that header on, so trace headers that
a gateway puts before it do not matter. A line is one `write` to a file opened for appending: the
ledger of a process that is killed is whole up to its last line.
"""

import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

ID_HEADER = b"X-Load-Id: "


class LedgerLine(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One mail at one end."""

    id: str
    sha256: str
    size: int
    """Bytes from the id header on."""
    sender: str
    recipients: tuple[str, ...]
    at: float
    """Unix time when the fate was known."""
    accepted: bool = True
    reply: str = ""
    """The reply that settled it, or why there was none; a receiver leaves it empty."""
    seconds: float = 0.0
    """From the start of the attempt to that reply."""


def identify(content: bytes) -> tuple[str, int]:
    """Give a mail's id and where its id header starts; ('', 0) when it has none."""
    at = 0 if content.startswith(ID_HEADER) else content.find(b"\n" + ID_HEADER) + 1
    if not at and not content.startswith(ID_HEADER):
        return "", 0
    start = at + len(ID_HEADER)
    return content[start : content.find(b"\r", start)].decode("ascii", "replace"), at


def digest(content: bytes, start: int = 0) -> str:
    """Hash a mail from this offset on."""
    return hashlib.sha256(memoryview(content)[start:]).hexdigest()


class Ledger:
    """A file that lines are appended to."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._encode = msgspec.json.Encoder().encode

    def add(self, line: LedgerLine) -> None:
        """Append one line, whole."""
        os.write(self._file, self._encode(line) + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def read_ledger(path: Path) -> list[LedgerLine]:
    """Read a ledger; a last line that its writer did not finish is left out."""
    decode = msgspec.json.Decoder(LedgerLine).decode
    return [decode(line) for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
