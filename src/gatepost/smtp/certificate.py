# SPDX-License-Identifier: Apache-2.0
"""The certificate and the key that a process shows on its listeners, taken anew when their files have changed.

    look ─ as it was taken? ── yes: nothing to do
               │ no
           as at the look before? ── no: somebody is writing; the next look
               │ yes
           contexts of their own ── good: handshakes from now on have them, sessions that run keep theirs
                                 └─ bad: the pair so far stays, and an event says why, once for each state of the files

The live contexts are never loaded into: of a pair that does not fit, they would keep half. All listeners of a process get theirs in
one step (docs/decisions/0033-renewed-certificates.md).
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from gatepost.errors import GatepostError
from gatepost.smtp.leaf import Leaf, read_leaf
from gatepost.telemetry.events import CertificateKept, CertificateTaken, Event
from gatepost.telemetry.log import emit, emit_unexpected

LOOK_S: Final = 10.0
"""Between two looks at the files: what was changed is taken at the second look that sees it."""

Contexts = TypeVar("Contexts")
_Stamp = tuple[tuple[int, ...], ...]
"""Of each file what changes with it; empty for one that cannot be looked at."""


class Identity(NamedTuple):
    """PEM files of a certificate with its chain, and of its key."""

    certificate: Path
    key: Path


class CertificateState(msgspec.Struct, frozen=True):
    """How a process does with its certificate, as it tells others."""

    file: str
    begins_at: float
    """Unix time, as the next, of the one that is shown; 0 unknown."""
    ends_at: float
    kept: str = ""
    """Why what the files hold now cannot be taken: a sentence for people; '' when it was taken."""


class Certificate(Generic[Contexts]):
    """One identity in one process. `shown` is what the next handshake uses."""

    def __init__(self, process: str, identity: Identity, make: Callable[[Identity], Contexts], *others: Path) -> None:
        """Take it; `make` gives the contexts of all listeners, of `others` too, which are looked at as well. Raises: GatepostError."""
        self._process, self._identity, self._make = process, identity, make
        self._files = (*identity, *others)
        self._taken = self._seen = self._refused = _stamp(self._files)
        self.shown = make(identity)
        self._leaf = _leaf(identity)
        self._kept = ""
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> CertificateState:
        """How it does now."""
        return CertificateState(str(self._identity.certificate), self._leaf.begins_at, self._leaf.ends_at, self._kept)

    def start(self, changed: Callable[[], object] = lambda: None) -> None:
        """Look from time to time; `changed` is called when the state is another one."""
        self._task = asyncio.create_task(self._keep_looking(changed))

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def look(self) -> Event | None:
        """Look once, and take what has changed and is good; gives what is to be told of it."""
        now, before = _stamp(self._files), self._seen
        self._seen = now
        if now == self._taken:
            self._kept, self._refused = "", now
            return None
        if now == self._refused or now != before:
            return None
        certificate = str(self._identity.certificate)
        try:
            contexts, leaf = self._make(self._identity), read_leaf(self._identity.certificate)
        except (GatepostError, OSError) as error:
            self._refused, self._kept = now, str(error)
            return CertificateKept(process=self._process, certificate=certificate, reason=self._kept)
        if _stamp(self._files) != now:  # One of them changed while we read.
            return None
        self.shown, self._leaf, self._kept = contexts, leaf, ""
        self._taken = self._refused = now
        return CertificateTaken(process=self._process, certificate=certificate, sha256=leaf.sha256, ends_at=leaf.ends_at)

    async def _keep_looking(self, changed: Callable[[], object]) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            before = self.state
            try:
                if event := await asyncio.to_thread(self.look):
                    emit(event)
                if self.state != before:
                    changed()
            except Exception as defect:
                emit_unexpected(f"the look at the certificate of {self._process}", defect)


def _stamp(files: tuple[Path, ...]) -> _Stamp:
    stamps: list[tuple[int, ...]] = []
    for path in files:
        try:
            found = os.stat(path)
        except OSError:
            stamps.append(())
        else:
            stamps.append((found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode))
    return tuple(stamps)


def _leaf(identity: Identity) -> Leaf:
    try:
        return read_leaf(identity.certificate)
    except OSError:  # It was there a moment ago; the next look tells.
        return Leaf()
