# SPDX-License-Identifier: Apache-2.0
"""Change the configuration: check what somebody proposes, plan it, apply it, take it back.

    seed ── version 1 ── apply ── version 2 ── apply ── version 3 ── rollback to 1 ── version 4, with the text of 1

Promises: nothing is applied that `gatepost config check` would refuse; nothing is applied over a change that its author has
not seen; a rollback is checked and told like any other change; a version and its entry in the audit are one transaction.
Refusals are values, with all that their reader needs.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from gatepost.config.canonical import canonical
from gatepost.config.configuration import Configuration
from gatepost.config.loader import load_configuration, read_configuration_text
from gatepost.config.rules import Rule
from gatepost.contracts.actor import Actor, Audit, Entry
from gatepost.errors import ConfigError, GatepostError
from gatepost.telemetry.events import ConfigurationMade, SeedIgnored
from gatepost.telemetry.log import emit
from gatepost.versioning.edit import with_default_rules
from gatepost.versioning.plan import Change, changes, sentence
from gatepost.versioning.record import Version, VersionLine, checksum
from gatepost.versioning.store import Also, Proposal, Versions

Faults = Callable[[Configuration, str], Iterable[ConfigError]]
"""Gives all that is wrong with a configuration; the second argument is what a fault calls it."""
GATEPOST = "gatepost"
"""The author of what no person did."""
_LONGEST_REASON, _LONGEST_AUTHOR = 500, 100
_AUDITED = 200
"""Changes that an entry of the audit tells; the version itself holds all."""


class Applied(NamedTuple):
    """The version that holds now. `made` is False when it says already what was proposed, or when this was only a plan."""

    version: VersionLine
    changes: tuple[Change, ...]
    made: bool = True


class Outdated(NamedTuple):
    """The version it was based on is not the newest: who changed what meanwhile."""

    newest: VersionLine
    meanwhile: tuple[VersionLine, ...]
    """The versions made since, oldest first."""
    changes: tuple[Change, ...]


class Faulty(NamedTuple):
    """The settings cannot work."""

    faults: tuple[ConfigError, ...]


Answer = Applied | Outdated | Faulty


class Versioning:
    """The configuration of one house: `faults` is what a start would refuse, `made` is called after each new version's COMMIT.

    `default_rules` are what holds where a version has no rules of its own: a change is told of what holds.
    """

    def __init__(
        self,
        versions: Versions,
        faults: Faults,
        made: Callable[[], object] | None = None,
        *,
        clock: Callable[[], float] = time.time,
        audit: Audit | None = None,
        default_rules: tuple[Rule, ...] = (),
    ) -> None:
        self.versions = versions
        self.faults = faults
        self.clock = clock
        self.audit: Audit = audit or (lambda connection, entry: None)
        self._made = made or (lambda: None)
        self._default_rules = default_rules

    async def begin(self, seed: str) -> Version:
        """Import the seed as version 1 when there is no version yet; tell when it was changed since. Raises: ConfigError, StoreError."""
        newest = await self.versions.current()
        if newest is None:
            configuration = load_configuration(seed)
            for fault in self.faults(configuration, seed):
                raise fault
            proposal = Proposal(canonical(configuration, seed), GATEPOST, f"imported from {seed}", self.clock(), 0)
            kept = await self.versions.make(proposal)
            if kept.made:
                self._tell(kept.newest, ())
            return kept.newest
        if await self._was_changed(seed, newest):
            emit(SeedIgnored(path=seed))
        return newest

    async def plan(self, untrusted_text: str, source: str, based_on: int | None = None) -> Answer:
        """Tell what an apply would do."""
        configuration = await asyncio.to_thread(self._read, untrusted_text, source)
        if isinstance(configuration, Faulty):
            return configuration
        newest = await self.newest()
        if checksum(canonical(configuration, source)) != newest.checksum and based_on not in (None, newest.number):
            return await self._outdated(based_on, newest)
        return Applied(newest.line, await asyncio.to_thread(self.between, newest, configuration), made=False)

    async def apply(
        self,
        untrusted_text: str,
        source: str,
        *,
        author: str,
        reason: str,
        based_on: int,
        actor: Actor | None = None,
        also: Also | None = None,
    ) -> Answer:
        """Make the settings of a text the next version; `also` happens in its transaction. Without an actor it is the author by CLI.

        Raises: GatepostError without a reason; StoreError; what `also` raises, with nothing made.
        """
        author, reason = _said(author, reason)
        configuration = await asyncio.to_thread(self._read, untrusted_text, source)
        if isinstance(configuration, Faulty):
            return configuration
        document, newest = await asyncio.to_thread(canonical, configuration, source), await self.newest()
        if document == newest.document:  # applied twice, because an answer was lost, is applied once
            return Applied(newest.line, (), made=False)
        if newest.number != based_on:
            return await self._outdated(based_on, newest)
        differing = await asyncio.to_thread(self.between, newest, configuration)
        told = _Told(actor or Actor(author, "cli"), differing, self.audit, also)
        kept = await self.versions.make(Proposal(document, author, reason, self.clock(), based_on, told.beside))
        if not kept.made:
            return await self._outdated(based_on, kept.newest)
        self._tell(kept.newest, differing)
        return Applied(kept.newest.line, differing)

    async def rollback(self, number: int, *, author: str, reason: str, actor: Actor | None = None) -> Answer:
        """Make the next version of an older one's text."""
        author, reason = _said(author, reason)
        wanted, newest = await self.get(number), await self.newest()
        said = f"back to version {number}: {reason}"
        return await self.apply(wanted.document, f"version {number}", author=author, reason=said, based_on=newest.number, actor=actor)

    async def difference(self, before: int, after: int | Configuration) -> tuple[Change, ...]:
        """Tell what differs between two versions, or between a version and other settings."""
        other = await self.get(after) if isinstance(after, int) else after
        return await asyncio.to_thread(self.between, await self.get(before), other)

    def between(self, before: Version, after: Version | Configuration) -> tuple[Change, ...]:
        """Tell what differs in what holds. Pure, and so for a thread. Raises: ConfigError for a version of another program."""
        pair = read(before), read(after) if isinstance(after, Version) else after
        return changes(*(with_default_rules(one, self._default_rules) for one in pair))

    async def get(self, number: int) -> Version:
        """Give a version. Raises: GatepostError when there is none of this number."""
        found = await self.versions.get(number)
        if found is None:
            newest = await self.versions.current()
            raise GatepostError(
                f"there is no version {number} of the configuration; "
                + (f"the newest is {newest.number}, `gatepost config history` lists them" if newest else "there is none yet")
            )
        return found

    def _tell(self, made: Version, differing: tuple[Change, ...]) -> None:
        emit(ConfigurationMade(version=made.number, author=made.author, reason=made.reason, changes=len(differing)))
        self._made()

    async def newest(self) -> Version:
        """Give the newest version. Raises: GatepostError before there is any."""
        newest = await self.versions.current()
        return newest if newest is not None else await self.get(1)

    async def _outdated(self, based_on: int | None, newest: Version) -> Outdated:
        since = newest.number - (based_on or 0)
        lines = await self.versions.history(max(since, 1))
        before = await self.versions.get(based_on) if based_on else None
        differing = self.between(before, newest) if before is not None and since > 0 else ()
        return Outdated(newest.line, tuple(reversed(lines)), differing)

    async def _was_changed(self, seed: str, newest: Version) -> bool:
        try:
            now = load_configuration(seed)
        except ConfigError:
            return True
        first = await self.versions.get(1)
        return now not in [read(one) for one in (first, newest) if one is not None]

    def _read(self, untrusted_text: str, source: str) -> Configuration | Faulty:
        try:
            configuration = read_configuration_text(untrusted_text, source)
            faults = tuple(self.faults(configuration, source))
        except ConfigError as fault:
            faults = (fault,)
        return Faulty(faults) if faults else configuration


class _Told(NamedTuple):
    """What happens in the transaction of a new version: its entry in the audit, and what its maker wants besides."""

    actor: Actor
    changes: tuple[Change, ...]
    audit: Audit
    also: Also | None

    def beside(self, connection: Any, made: Version) -> None:
        """Do it."""
        if self.also is not None:
            self.also(connection, made)
        told = [sentence(one) for one in self.changes[:_AUDITED]]
        after = {"version": made.number, "reason": made.reason, "changes": told}
        self.audit(connection, Entry(self.actor, "config.apply", f"version {made.number}", {"version": made.number - 1}, after))


def read(version: Version) -> Configuration:
    """Give the settings of a stored version. Raises ConfigError when this program does not know all of its keys."""
    return read_configuration_text(version.document, f"version {version.number}")


def _said(author: str, reason: str) -> tuple[str, str]:
    """Give who and why as one line each."""
    author, reason = " ".join(author.split())[:_LONGEST_AUTHOR], " ".join(reason.split())[:_LONGEST_REASON]
    if not reason:
        raise GatepostError("a change needs a reason, for those who read the history; say it with --reason")
    if not author:
        raise GatepostError("a change needs an author; say who with --author")
    return author, reason
