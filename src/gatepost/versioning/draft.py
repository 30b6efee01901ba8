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
from typing import Any

import msgspec

from gatepost.config.configuration import Configuration
from gatepost.config.rules import Rule
from gatepost.contracts.actor import Actor, Entry
from gatepost.errors import ConfigError
from gatepost.storage.contract import Store
from gatepost.versioning.change import Applied, Faulty, Outdated, Versioning
from gatepost.versioning.draft_record import Changed, Conflicting, Draft, OtherDraft, Refused, Stale, View
from gatepost.versioning.draft_store import DraftRows, Removal
from gatepost.versioning.draft_texts import SOURCE, DraftTexts, Text
from gatepost.versioning.edit import Operation
from gatepost.versioning.edit_faults import located
from gatepost.versioning.plan import Change
from gatepost.versioning.rebase import Choice, Conflict, concerns
from gatepost.versioning.record import Version, VersionLine

_SINCE = 100
"""Versions that are looked through for who made a change."""


class Drafts:
    """The drafts of one house. `default_rules` are what holds, and is edited, where the configuration has no rules of its own.

    What takes long is done in threads (`draft_texts`): what somebody else changes meanwhile is found out at the write.
    """

    def __init__(self, store: Store, versioning: Versioning, default_rules: tuple[Rule, ...] = ()) -> None:
        self._versioning = versioning
        self._texts = DraftTexts(versioning.faults, default_rules)
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
        edited = await asyncio.to_thread(self._texts.edited, opened, operation)
        if isinstance(edited, tuple):
            return Refused(edited)
        return await self._keep(actor, revision, opened.based_on, edited)

    async def replace(self, actor: Actor, revision: int, untrusted_text: str) -> Changed | Refused | Stale:
        """Make a whole TOML text the draft, as somebody wrote it; what still stops an apply is told with it."""
        opened = await self._opened(actor, revision)
        if isinstance(opened, Stale):
            return opened
        try:
            written = await asyncio.to_thread(self._texts.written, untrusted_text)
            return await self._keep(actor, revision, opened.based_on, written)
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
        return await asyncio.to_thread(self._texts.others, drafts, bases, actor.name)

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
        merged = await asyncio.to_thread(self._texts.merged, base, opened, newest, keep)
        if isinstance(merged, tuple):
            return Conflicting(newest.line, await self._attributed(merged, base.number, newest))
        return await self._keep(actor, revision, newest.number, merged)

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
            answer = await self._versioning.apply(draft.document, SOURCE, **said)
        except _ChangedMeanwhile:
            return Stale(await self.view(actor))
        if isinstance(answer, Applied) and not answer.made:  # it changes nothing, or nothing any more
            await self.discard(actor, revision)
        return answer

    async def _opened(self, actor: Actor, revision: int) -> Text | Stale:
        draft = await self.get(actor)
        if (draft.revision if draft is not None else 0) != revision:
            return Stale(await self._view(draft))
        if draft is not None:
            return Text(draft.document, SOURCE, draft.based_on)
        newest = await self._versioning.newest()
        return Text(newest.document, f"version {newest.number}", newest.number)

    async def _keep(self, actor: Actor, revision: int, based_on: int, document: str) -> Changed | Stale:
        draft = self._draft(actor, based_on, document, revision)
        if not await self._rows.write(draft, revision):
            return Stale(await self.view(actor))
        return Changed(await self._view(draft))

    def _draft(self, actor: Actor, based_on: int, document: str, seen: int) -> Draft:
        now = self._versioning.clock()
        revision = seen + 1 if seen else int(1000 * now)  # so that an earlier draft's is never met again
        return Draft(actor.tenant_id, actor.name, based_on, document, revision, now)

    async def _view(self, draft: Draft | None) -> View:
        newest = await self._versioning.newest()
        base = newest if draft is None or newest.number == draft.based_on else await self._versioning.get(draft.based_on)
        return await asyncio.to_thread(self._texts.view, draft, base, newest)

    async def _attributed(self, conflicts: tuple[Conflict, ...], base: int, newest: Version) -> tuple[Conflict, ...]:
        """Say of each conflict in which versions the others made it."""
        made: list[tuple[VersionLine, tuple[Change, ...]]] = []
        before = await self._versioning.get(max(base, newest.number - _SINCE))
        for number in range(before.number + 1, newest.number + 1):
            version = await self._versioning.get(number)
            made.append((version.line, await asyncio.to_thread(self._texts.between, before, version)))
            before = version
        return tuple(
            msgspec.structs.replace(one, by=tuple(line for line, told in made if any(concerns(change, one.place) for change in told)))
            for one in conflicts
        )


class _ChangedMeanwhile(Exception):
    """The draft is no longer the one that was seen."""
