# SPDX-License-Identifier: Apache-2.0
"""A process follows the versions that are announced to it, one after another, and keeps the one it has when it cannot.

    announced ── load DATA/configuration/current, in a thread ── take ── ConfigurationTaken
                                     └──── cannot ──────────────┴──────── ConfigurationKept, and `error` says why

Promises: only one version is taken at a time; of several announced meanwhile only the newest; whatever goes wrong, the process
works on with the version it has. `current` may hold a newer version than was announced: it is taken.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from gatepost.config.configuration import Configuration
from gatepost.errors import ConfigError, GatepostError
from gatepost.telemetry.events import ConfigurationKept, ConfigurationTaken
from gatepost.telemetry.log import emit, emit_unexpected
from gatepost.versioning import current

Take = Callable[[Configuration, int], Awaitable[None]]
"""Begins to work with a version; raises GatepostError, with nothing changed, when it cannot."""
Report = Callable[[int, str], object]
"""Is told the version and the error whenever one of them changed."""


class Following:
    """The version one process works with; `error` is '' unless there is a newer one that it could not take."""

    def __init__(self, process: str, data: Path, version: int, take: Take, report: Report | None = None) -> None:
        self.version = version
        self.error = ""
        self._process, self._data, self._take = process, data, take
        self._report = report or (lambda version, error: None)
        self._wanted = version
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def announced(self, version: int) -> None:
        """Note that this version is to be worked with; returns at once."""
        self._wanted = version
        if self._task is None and not self._closed and (version != self.version or self.error):
            self._task = asyncio.get_running_loop().create_task(self._follow())

    async def settled(self) -> None:
        """Wait until what was announced has been taken or given up."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def close(self) -> None:
        """Give up what is under way, and hear no more; the process ends."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        try:
            while True:
                wanted = self._wanted
                await self._attempt(wanted)
                if wanted == self._wanted:
                    return
        finally:
            self._task = None

    async def _attempt(self, wanted: int) -> None:
        before = self.version
        try:
            held = await asyncio.to_thread(current.read, self._data)
            if held.number < wanted:
                path = current.folder(self._data) / "current"
                raise ConfigError(str(path), f"holds version {held.number}, but {wanted} was announced", "the next announcement mends it")
            if held.number != before:
                await self._take(held.configuration, held.number)
            self.version, self.error = held.number, ""
        except GatepostError as fault:
            self._keep(wanted, str(fault))
        except Exception as defect:
            emit_unexpected(f"taking configuration {wanted}", defect)
            self._keep(wanted, "a defect of Gatepost stopped it; the log says where")
        else:
            if self.version != before:
                emit(ConfigurationTaken(process=self._process, version=self.version, before=before))
        self._report(self.version, self.error)

    def _keep(self, wanted: int, reason: str) -> None:
        self.error = reason
        emit(ConfigurationKept(version=self.version, newer=wanted, reason=reason))
