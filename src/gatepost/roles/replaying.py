# SPDX-License-Identifier: Apache-2.0
"""Try a configuration on the mail of the last day: which mails would be judged otherwise (docs/decisions/0027-drafts.md).

    tracks, newest first ── a page ── decoded and judged anew in a thread ── told so far ── the next page ... until done

Promises: at most `MOST_TRACKS` tracks and `MOST_S` seconds; the console's loop is never held up, one replay works at a time; what
was not looked at is counted. The judging is the gateway's own (`rules.replay`).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from gatepost.config.configuration import Configuration
from gatepost.config.loader import read_configuration_text
from gatepost.contracts.actor import Actor, local_actor
from gatepost.errors import GatepostError, UsageError
from gatepost.message.addresses import Address
from gatepost.replication.service import Handler, Operation
from gatepost.roles.replaying_ground import ground, tried_ground
from gatepost.rules.replay_ground import Listed, folded
from gatepost.rules.replay_tally import Replay, Tally
from gatepost.storage.contract import Store
from gatepost.tracking.recent import Packed, RecentHeads, read_head
from gatepost.tracking.record import TrackHead
from gatepost.versioning.change import Versioning, read
from gatepost.versioning.draft import Drafts

DAY_S = 86_400.0
MOST_S = 5.0
MOST_TRACKS = 20_000
_PAGE = 250
_COUNTED = 100_000
"""How many that were not looked at are counted."""
_LOOKED_UP = 500
"""Addresses of one question to the data."""
_GROUNDS = 20
"""Older versions that are kept ready during one replay."""

Lookup = Callable[[int, Collection[str]], Awaitable[Listed]]
"""Gives who of some addresses is a corporate user of a tenant in the data, and whether he is enabled."""


class Period(NamedTuple):
    """Whose mails are looked at, and of which time (Unix)."""

    tenant_id: int
    after: float
    before: float


class Replaying:
    """Tries configurations on the tracks of one open store. Without a `lookup` who exists is read off the tracks alone."""

    def __init__(
        self,
        store: Store,
        versioning: Versioning,
        drafts: Drafts,
        lookup: Lookup | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.drafts = drafts
        self._heads = RecentHeads(store)
        self._versioning = versioning
        self._lookup = lookup
        self._clock = clock
        self._turn = asyncio.Lock()

    async def run(
        self, configuration: Configuration, *, tenant_id: int = 0, after: float | None = None, before: float | None = None
    ) -> AsyncIterator[Replay]:
        """Try a configuration on the mail of a period, the last 24 hours unless it is given; the last answer is the whole one.

        Who is slow to take the answers misses some of those in between. Raises: GatepostError for a configuration that cannot work;
        StoreAway.
        """
        period = await self._period(configuration, tenant_id, after, before)
        latest, news = [Replay(period.after, period.before)], asyncio.Event()

        def tell(replay: Replay) -> None:
            latest[0] = replay
            news.set()

        task = asyncio.create_task(self._work(configuration, period, tell))
        task.add_done_callback(lambda _: news.set())
        try:
            while not task.done():
                await news.wait()
                news.clear()
                if not task.done():
                    yield latest[0]
            yield await task
        finally:
            task.cancel()

    async def whole(
        self, configuration: Configuration, *, tenant_id: int = 0, after: float | None = None, before: float | None = None
    ) -> Replay:
        """Give the whole answer at once. Raises: as `run`."""
        return await self._work(configuration, await self._period(configuration, tenant_id, after, before), lambda replay: None)

    async def draft(self, actor: Actor) -> AsyncIterator[Replay]:
        """Try somebody's draft on the last day's mail. Raises: as `run`."""
        view = await self.drafts.view(actor)
        async for told in self.run(view.configuration, tenant_id=actor.tenant_id):
            yield told

    async def _period(self, configuration: Configuration, tenant_id: int, after: float | None, before: float | None) -> Period:
        for fault in await asyncio.to_thread(lambda: list(self._versioning.faults(configuration, "the configuration"))):
            raise fault
        until = self._clock() if before is None else before
        since = until - DAY_S if after is None else after
        if since >= until:
            raise GatepostError("the period to try the configuration on ends before it begins; name its beginning first")
        return Period(tenant_id, since, until)

    async def _work(self, configuration: Configuration, period: Period, tell: Callable[[Replay], None]) -> Replay:
        async with self._turn:
            began = time.monotonic()
            tally = Tally(period.after, period.before, await asyncio.to_thread(tried_ground, configuration))
            async for page in self._heads.pages(*period, _PAGE):
                page = page[: MOST_TRACKS - tally.tracks]  # noqa: PLW2901
                heads = await asyncio.to_thread(_decoded, page)
                await self._prepare(tally, heads)
                await asyncio.to_thread(tally.add, heads, await self._listed(period.tenant_id, heads))
                seconds = time.monotonic() - began
                if seconds > MOST_S or tally.tracks >= MOST_TRACKS:
                    left = await self._heads.count(period.tenant_id, period.after, page[-1][0], _COUNTED)
                    return tally.told(seconds, "whole" if not left else "time" if seconds > MOST_S else "tracks", left)
                tell(tally.told(seconds))
            return tally.told(time.monotonic() - began, "whole")

    async def _listed(self, tenant_id: int, heads: Sequence[TrackHead | None]) -> Listed | None:
        if self._lookup is None:
            return None
        recipients = {text for head in heads if head is not None for text in head.recipients}
        wanted = sorted({folded(Address(*text.rpartition("@")[::2])) for text in recipients})
        found: dict[str, bool] = {}
        for start in range(0, len(wanted), _LOOKED_UP):
            found.update(await self._lookup(tenant_id, wanted[start : start + _LOOKED_UP]))
        return found

    async def _prepare(self, tally: Tally, heads: Sequence[TrackHead | None]) -> None:
        """Make the versions ready by which a page's mails were judged."""
        wanted = {head.configuration_version for head in heads if head is not None}
        if len(tally.grounds) + len(wanted) > _GROUNDS:
            tally.grounds = {number: one for number, one in tally.grounds.items() if number in wanted}
        for number in wanted - tally.grounds.keys():
            version = await self._versioning.versions.get(number) if number > 0 else None
            try:
                tally.grounds[number] = await asyncio.to_thread(ground, read(version)) if version is not None else None
            except GatepostError:  # a key that this program no longer knows
                tally.grounds[number] = None


def _decoded(page: Sequence[Packed]) -> list[TrackHead | None]:
    return [read_head(packed) for _, packed in page]


def commands(replaying: Replaying) -> Mapping[str, Handler | Operation]:
    """Give the operations by name."""

    async def replay(
        *,
        document: str = "",
        source: str = "",
        author: str = "",
        tenant_id: int = 0,
        after: float | None = None,
        before: float | None = None,
    ) -> dict[str, Any]:
        if bool(document) == bool(author):
            raise UsageError("a replay tries either a document or the draft of an author; name one of them")
        if document:
            configuration = read_configuration_text(document, source or "the configuration")
        else:
            configuration = (await replaying.drafts.view(local_actor(author, tenant_id))).configuration
        told: dict[str, Any] = msgspec.to_builtins(await replaying.whole(configuration, tenant_id=tenant_id, after=after, before=before))
        return told

    return {"config.replay": replay}
