# SPDX-License-Identifier: Apache-2.0
"""A version of the configuration, how it travels, and how the processes that work with it do."""

import hashlib

import msgspec

KIND = "configuration"
"""Of the artefact that carries a version to a gateway."""
FORM = 1
"""The version of the artefact's payload."""
HOUSE = 0
"""The tenant whose rows these are: the configuration is the house's, and names its tenants inside."""


class VersionLine(msgspec.Struct, frozen=True):
    """One version without its text: a line of the history."""

    number: int
    author: str
    made_at: float
    """Unix time."""
    reason: str
    checksum: str
    """SHA-256 of the document, in hex."""


class Version(msgspec.Struct, frozen=True):
    """One version with its text; it never changes."""

    number: int
    author: str
    made_at: float
    reason: str
    checksum: str
    document: str
    """The canonical TOML of `config.canonical`."""

    @property
    def line(self) -> VersionLine:
        """The version without its text."""
        return VersionLine(self.number, self.author, self.made_at, self.reason, self.checksum)


class Shipped(msgspec.Struct, array_like=True, frozen=True):
    """The payload of an artefact of kind `configuration`."""

    number: int
    document: str
    checksum: str


def entry(version: Version) -> tuple[str, int, int, float, bytes]:
    """Give what stands in the outbox for a version: kind, form, tenant, time, payload."""
    payload = msgspec.msgpack.encode(Shipped(version.number, version.document, version.checksum))
    return KIND, FORM, HOUSE, version.made_at, payload


class ProcessState(msgspec.Struct, frozen=True):
    """Which version one process works with; `error` says why it kept it when there is a newer one."""

    gateway: str
    process: str
    pid: int
    version: int
    error: str = ""


def checksum(document: str) -> str:
    """Give the SHA-256 of a document, in hex."""
    return hashlib.sha256(document.encode()).hexdigest()
