# SPDX-License-Identifier: Apache-2.0
"""Drafts: what administrators have changed on pages and not applied (docs/decisions/0027-drafts.md).

    the newest version ── change ── draft, revision 1 ── change ── revision 2 ── apply ── the next version
                                          │ somebody else applies meanwhile          ▲
                                          └──────────── rebase ──────────────────────┘

Promises: nothing that somebody has typed is overwritten by another tab, another person or a rebase without his choice; the
draft that is applied is the one that was seen; it ends in the transaction that makes the version.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from gatepost.config.canonical import canonical
from gatepost.config.configuration import Configuration
from gatepost.config.loader import read_configuration_text
from gatepost.config.rules import Rule
from gatepost.contracts.actor import Actor, Entry
from gatepost.errors import ConfigError
from gatepost.storage.contract import Store
from gatepost.versioning.change import Applied, Faulty, Outdated, Versioning, read
from gatepost.versioning.draft_record import Changed, Conflicting, Draft, OtherDraft, Refused, Stale, View
from gatepost.versioning.draft_store import DraftRows, Removal
from gatepost.versioning.edit import Operation, edit, faults_of, with_default_rules, without_default_rules
from gatepost.versioning.edit_faults import located
from gatepost.versioning.plan import Change, changes
from gatepost.versioning.rebase import Choice, Conflict, concerns, merge
from gatepost.versioning.record import Version, VersionLine

_SOURCE = "the draft"
_SINCE = 100
"""Versions that are looked through for who made a change."""


class Drafts:
    """The drafts of one house. `default_rules` are what holds, and is edited, where the configuration has no rules of its own."""

    def __init__(self, store: Store, versioning: Versioning, default_rules: tuple[Rule, ...] = ()) -> None:
        self._versioning = versioning
        self._default_rules = default_rules
        self._rows = DraftRows(store, versioning.audit)

    async def get(self, actor: Actor) -> Draft | None:
        """Give somebody's draft; None when he has none. Raises: StoreAway."""
        return await self._rows.get(actor.tenant_id, actor.name)

    async def view(self, actor: Actor) -> View:
        """Give what somebody sees who edits. Raises: StoreAway; ConfigError for a draft that this program cannot read."""
        return await self._view(await self.get(actor))

    async def begin(self, actor: Actor) -> View:
        """Begin a draft from the newest version, unless there is one. Raises: StoreFull, StoreAway, ConfigError."""
        draft = await self.get(actor)
        if draft is None:
            newest = await self._versioning.newest()
            await self._rows.write(self._draft(actor, newest.number, newest.document, 0), 0)
        return await self.view(actor)

    async def change(self, actor: Actor, revision: int, operation: Operation) -> Changed | Refused | Stale:
        """Carry out an edit; the first begins the draft. `revision` is the one that was seen. Raises: StoreFull, StoreAway, ConfigError."""
        opened = await self._opened(actor, revision)
        if isinstance(opened, Stale):
            return opened
        edited = await asyncio.to_thread(edit, opened.configuration, operation, self._versioning.faults, self._default_rules)
        if isinstance(edited, tuple):
            return Refused(edited)
        return await self._keep(actor, revision, opened.based_on, edited)

    async def replace(self, actor: Actor, revision: int, untrusted_text: str) -> Changed | Refused | Stale:
        """Make a whole TOML text the draft, as somebody wrote it; what still stops an apply is told with it."""
        opened = await self._opened(actor, revision)
        if isinstance(opened, Stale):
            return opened
        try:
            configuration = read_configuration_text(untrusted_text, _SOURCE)
            return await self._keep(actor, revision, opened.based_on, configuration)
        except ConfigError as fault:
            return Refused((located(Configuration(), fault),))

    async def discard(self, actor: Actor, revision: int) -> bool:
        """Give one's own draft up; tells whether it was there as it was seen. Raises: StoreFull, StoreAway."""
        return await self._rows.remove(Removal(actor.tenant_id, actor.name, revision))

    async def discard_of(self, actor: Actor, author: str) -> bool:
        """Give up a draft that somebody else has left behind; the audit is told. Raises: StoreFull, StoreAway."""
        draft = await self._rows.get(actor.tenant_id, author)
        if draft is None:
            return False
        before = {"based_on": draft.based_on, "changed_at": draft.changed_at}
        entry = Entry(actor, "config.draft.discard", author, before)
        return await self._rows.remove(Removal(actor.tenant_id, author, draft.revision, entry))

    async def others(self, actor: Actor) -> tuple[OtherDraft, ...]:
        """Tell who else has a draft, and what it changes. Raises: StoreAway."""
        drafts = await self._rows.all(actor.tenant_id)
        numbers = {draft.based_on for draft in drafts}
        bases = {number: await self._versioning.get(number) for number in numbers}
        told = {draft.author: self._told(draft, bases[draft.based_on]) for draft in drafts}
        own = told.pop(actor.name, None)
        return tuple(_overlapping(other, own) for other in told.values())

    async def rebase(self, actor: Actor, revision: int, onto: int, choices: Iterable[Choice] = ()) -> Changed | Conflicting | Stale:
        """Put the draft onto the newest version; `onto` is the one that the choices were made for.

        With conflicts in which nobody has chosen, or with a version that nobody has seen, nothing is changed.
        Raises: StoreFull, StoreAway, ConfigError.
        """
        opened = await self._opened(actor, revision)
        if isinstance(opened, Stale):
            return opened
        newest = await self._versioning.newest()
        keep = {choice.place: choice.keep for choice in choices} if onto == newest.number else {}
        base = await self._versioning.get(opened.based_on)
        before, mine, theirs = (self._ruled(one) for one in (read(base), opened.configuration, read(newest)))
        merged = await asyncio.to_thread(merge, before, mine, theirs, keep)
        if merged.conflicts:
            return Conflicting(newest.line, await self._attributed(merged.conflicts, base.number, newest))
        configuration = merged.configuration
        if not read(newest).rules:
            configuration = without_default_rules(configuration, self._default_rules)
        return await self._keep(actor, revision, newest.number, configuration)

    async def apply(self, actor: Actor, revision: int, reason: str) -> Applied | Outdated | Faulty | Stale:
        """Make the draft, as it was seen, the next version, and end it. Raises: GatepostError without a reason; StoreError."""
        draft = await self.get(actor)
        if draft is None or draft.revision != revision:
            return Stale(await self._view(draft))

        def end(connection: Any, made: Version) -> None:
            if not self._rows.end(connection, actor.tenant_id, actor.name, revision):
                raise _ChangedMeanwhile

        said: dict[str, Any] = {"author": actor.name, "reason": reason, "based_on": draft.based_on, "actor": actor, "also": end}
        try:
            answer = await self._versioning.apply(draft.document, _SOURCE, **said)
        except _ChangedMeanwhile:
            return Stale(await self.view(actor))
        if isinstance(answer, Applied) and not answer.made:  # it changes nothing, or nothing any more
            await self.discard(actor, revision)
        return answer

    async def _opened(self, actor: Actor, revision: int) -> "_Opened | Stale":
        draft = await self.get(actor)
        if (draft.revision if draft is not None else 0) != revision:
            return Stale(await self._view(draft))
        if draft is not None:
            return _Opened(read_configuration_text(draft.document, _SOURCE), draft.based_on)
        newest = await self._versioning.newest()
        return _Opened(read(newest), newest.number)

    async def _keep(self, actor: Actor, revision: int, based_on: int, configuration: Configuration) -> Changed | Stale:
        draft = self._draft(actor, based_on, canonical(configuration, _SOURCE), revision)
        if not await self._rows.write(draft, revision):
            return Stale(await self.view(actor))
        return Changed(await self._view(draft))

    def _draft(self, actor: Actor, based_on: int, document: str, seen: int) -> Draft:
        now = self._versioning.clock()
        revision = seen + 1 if seen else int(1000 * now)  # so that an earlier draft's is never met again
        return Draft(actor.tenant_id, actor.name, based_on, document, revision, now)

    async def _view(self, draft: Draft | None) -> View:
        newest = await self._versioning.newest()
        if draft is None:
            return View(self._ruled(read(newest)), newest.number, 0, newest.made_at, newest.line)
        base = newest if newest.number == draft.based_on else await self._versioning.get(draft.based_on)
        configuration = self._ruled(read_configuration_text(draft.document, _SOURCE))
        faults = await asyncio.to_thread(faults_of, configuration, self._versioning.faults)
        told = changes(self._ruled(read(base)), configuration)
        return View(configuration, draft.based_on, draft.revision, draft.changed_at, newest.line, told, faults)

    def _ruled(self, configuration: Configuration) -> Configuration:
        return with_default_rules(configuration, self._default_rules)

    def _told(self, draft: Draft, base: Version) -> OtherDraft:
        try:
            told = changes(self._ruled(read(base)), self._ruled(read_configuration_text(draft.document, f"the draft of {draft.author}")))
        except ConfigError as fault:
            return OtherDraft(draft.author, draft.changed_at, draft.based_on, (), unreadable=str(fault))
        return OtherDraft(draft.author, draft.changed_at, draft.based_on, told)

    async def _attributed(self, conflicts: tuple[Conflict, ...], base: int, newest: Version) -> tuple[Conflict, ...]:
        """Say of each conflict in which versions the others made it."""
        made: _Made = []
        before = await self._versioning.get(max(base, newest.number - _SINCE))
        for number in range(before.number + 1, newest.number + 1):
            version = await self._versioning.get(number)
            made.append((version.line, changes(self._ruled(read(before)), self._ruled(read(version)))))
            before = version
        return tuple(msgspec.structs.replace(one, by=_makers(one, made)) for one in conflicts)


class _Opened(NamedTuple):
    """What an edit begins with."""

    configuration: Configuration
    based_on: int


class _ChangedMeanwhile(Exception):
    """The draft is no longer the one that was seen."""


_Made = list[tuple[VersionLine, tuple[Change, ...]]]


def _makers(conflict: Conflict, made: _Made) -> tuple[VersionLine, ...]:
    return tuple(line for line, told in made if any(concerns(change, conflict.place) for change in told))


def _overlapping(other: OtherDraft, own: OtherDraft | None) -> OtherDraft:
    mine = own.changes if own is not None else ()
    touched = tuple(one for one in other.changes if any(_touch(one, two) for two in mine))
    return OtherDraft(other.author, other.changed_at, other.based_on, other.changes, touched, other.unreadable)


def _touch(one: Change, other: Change) -> bool:
    if (one.section, one.entry) != (other.section, other.entry):
        return one.kind == other.kind == "moved" and one.section == other.section
    return one.field == other.field or not (one.field and other.field)
