# SPDX-License-Identifier: Apache-2.0
"""The configuration as a file of the gateway: what `receive` and `deliver` load at their start and when one is announced.

    DATA/configuration/current   the newest version that reached this gateway
    DATA/configuration/applied   the newest version that `deliver` took over; what a start falls back to

Promises: each is written whole or not at all, and is durable when `write` returns; the first line holds the version and the
checksum of the rest, so that a file which was damaged or edited is known as such.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from gatepost.config.configuration import Configuration
from gatepost.config.loader import load_configuration, parse_configuration, text_of
from gatepost.errors import ConfigError
from gatepost.storage.files import file_error
from gatepost.telemetry.events import ConfigurationKept
from gatepost.telemetry.log import emit
from gatepost.versioning.record import checksum

_HEAD = re.compile(r"# Gatepost configuration, version (?P<number>\d{1,15})(?:, sha256 (?P<checksum>[0-9a-f]{64}))?\r?\n")
_MEND = "remove it: `deliver` writes it anew from its store"


class Held(NamedTuple):
    """A configuration and its version; 0 for the file that the bootstrap file names, before there is any version."""

    number: int
    configuration: Configuration


def folder(data: Path) -> Path:
    """Tell where the files of this gateway lie."""
    return data / "configuration"


def head(number: int, mark: str = "") -> str:
    """Give the first line of a document on its way, with its line end."""
    return f"# Gatepost configuration, version {number}{', sha256 ' + mark if mark else ''}\n"


def version_in(untrusted_text: str) -> int | None:
    """Tell which version a document says it is, or was made from; None when it says nothing."""
    found = _HEAD.match(untrusted_text)
    return int(found["number"]) if found else None


def write(data: Path, number: int, document: str) -> None:
    """Make a version the current one. Raises: StoreFull, StoreAway."""
    place = folder(data)
    _replace(place / "current", head(number, checksum(document)) + document, place)


def note_applied(data: Path, number: int) -> None:
    """Keep the current file, if it holds this version, as the one that this gateway could work with. Raises: StoreFull, StoreAway."""
    place = folder(data)
    try:
        text = (place / "current").read_text("utf-8")
    except FileNotFoundError:
        return
    except OSError as error:
        raise file_error(error, str(place)) from error
    if version_in(text) == number:
        _replace(place / "applied", text, place)


def number_of(data: Path) -> int:
    """Tell which version the current file holds; 0 when there is none, or it is damaged."""
    try:
        return _whole(folder(data) / "current")[0]
    except ConfigError:
        return 0


def read(data: Path, name: str = "current") -> Held:
    """Read one of the two files and check it whole; raises ConfigError."""
    path = folder(data) / name
    number, document = _whole(path)
    return Held(number, parse_configuration(document, f"{path} (version {number})"))


def load(data: Path, seed: str, usable: Callable[[Configuration], None] | None = None) -> Held:
    """Give what a process starts with: the current version, else the one applied last, else, before there is any, the seed.

    `usable` raises ConfigError for what this process cannot work with. Raises ConfigError when nothing can be used.
    """
    if not _exists(folder(data) / "current"):
        held = Held(0, load_configuration(seed))
        if usable is not None:
            usable(held.configuration)
        return held
    faults: list[ConfigError] = []
    for held_or_fault in _candidates(data, usable):
        if isinstance(held_or_fault, Held):
            if faults:
                emit(ConfigurationKept(version=held_or_fault.number, newer=number_of(data), reason=str(faults[0])))
            return held_or_fault
        faults.append(held_or_fault)
    raise faults[0]


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as fault:
        raise ConfigError(str(path), f"cannot be looked at ({fault.strerror})", "try as root, or as the gateway's own user") from None


def _candidates(data: Path, usable: Callable[[Configuration], None] | None) -> Iterator[Held | ConfigError]:
    for name in ("current", "applied"):
        try:
            held = read(data, name)
            if usable is not None:
                usable(held.configuration)
        except ConfigError as fault:
            yield fault
        else:
            yield held


def _whole(path: Path) -> tuple[int, str]:
    text = text_of(path, _MEND)
    found = _HEAD.match(text)
    document = text[found.end() :] if found else ""
    if not found or found["checksum"] != checksum(document):
        raise ConfigError(str(path), "is damaged, or was edited", f"{_MEND}; to change the configuration, use `gatepost config apply`")
    return int(found["number"]), document


def _replace(path: Path, text: str, place: Path) -> None:
    """Write a file whole: first beside it, then in its place, each step durable before the next."""
    beside = path.with_name(f"{path.name}.new")
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        beside.replace(path)
        directory = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise file_error(error, str(path)) from error
