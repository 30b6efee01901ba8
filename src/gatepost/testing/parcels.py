# SPDX-License-Identifier: Apache-2.0
"""A folder of mails to send, each with its envelope and the client that brings it: `index.json` and one file a mail.

What judges mail looks at who brings it; one mail sent over and over would show it the same sender every time.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

INDEX = "index.json"


class Parcel(msgspec.Struct, kw_only=True, frozen=True):
    """One mail of a folder."""

    file: str
    """Name of the file with its content, CRLF lines."""
    sender: str
    recipients: tuple[str, ...]
    helo: str = "load.example"
    source: str = ""
    """IP address of the client; '': any of this machine's."""


class Loaded(NamedTuple):
    """A parcel with its content, and the content as it stands on the wire: stuffed, with the final dot."""

    sender: str
    recipients: tuple[str, ...]
    helo: str
    source: str
    content: bytes
    wire: bytes


def write_index(folder: Path, parcels: Iterable[Parcel]) -> None:
    """Write the folder's index; it is the last file that is written, so a folder that has one is whole."""
    new = folder / f"{INDEX}.new"
    new.write_bytes(msgspec.json.encode(list(parcels)))
    new.rename(folder / INDEX)


def read_index(folder: Path) -> list[Parcel]:
    """Read the folder's index."""
    return msgspec.json.decode((folder / INDEX).read_bytes(), type=list[Parcel])


def load(folder: Path, share: tuple[int, int] = (0, 1)) -> list[Loaded]:
    """Read a folder's mails into memory, or a share (k, n) of them: every n-th from the k-th on.

    Raises:
        OSError: The folder has no index, or the share is empty.
    """
    parcels = read_index(folder)[share[0] :: share[1]]
    if not parcels:
        raise OSError(f"{folder} has no mail for share {share}")
    return [Loaded(one.sender, one.recipients, one.helo, one.source, *wire_form((folder / one.file).read_bytes())) for one in parcels]


def wire_form(content: bytes) -> tuple[bytes, bytes]:
    """Give a content with an end to its last line, and as it stands on the wire (RFC 5321 §4.5.2)."""
    whole = content if content.endswith(b"\r\n") else content + b"\r\n"
    return whole, (b"\r\n" + whole).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
