# SPDX-License-Identifier: Apache-2.0
"""Search the tracks of one tenant, newest first, day by day.

Each day is a question of its own, so that a long search never holds up the others, and ends when the page is full.
A search that has taken `SEARCH_S` gives what it has and where to go on. Pages are told apart by the last track's name, so mail that
comes meanwhile moves nothing.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec

from gatepost.storage.contract import Store
from gatepost.tracking.partitions import day_of, first_of, key_of, time_of, track_of
from gatepost.tracking.record import Status
from gatepost.tracking.search_filter import spoken_against
from gatepost.tracking.search_sql import DaySql
from gatepost.tracking.search_terms import Search, Term
from gatepost.tracking.store_engines import statements
from gatepost.tracking.store_rows import DIRECTIONS, Summary, people

SEARCH_S = 8.0
LOOKED_THROUGH = 200
"""Tracks whose details are read at a time."""


class Line(msgspec.Struct, frozen=True):
    """One mail in a list."""

    track: str
    tenant_id: int
    sent_at: float
    direction: str
    status: str
    subject: str
    size: int
    scl: float
    rule: str
    message_id: str
    client: str
    reply: str
    sender: str
    header_from: tuple[str, ...]
    recipients: tuple[str, ...]
    gateway: str
    count: int


class Found(msgspec.Struct, frozen=True):
    """One page of an answer."""

    tracks: tuple[Line, ...]
    next: str
    """`cursor` of the next page; '' when there is none."""
    searched_to: float | None = None
    """Until when (Unix time) the search came back, where it ended for want of time."""


class TrackSearch:
    """Searches one open store."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._statements = statements(store.engine)

    async def find(self, search: Search) -> Found:
        """Give one page. Raises: StoreAway."""
        return await (self._find_by_filter(search) if search.filter else self._find(search))

    async def _find_by_filter(self, search: Search) -> Found:
        """Look through what else fits, and into each track's details for what its filters said."""
        end = self._clock() + SEARCH_S
        found: list[Line] = []
        high = search.high
        while True:
            page = await self._find(search._replace(high=high, limit=LOOKED_THROUGH, filter=""))
            keys = [key_of(one.track) for one in page.tracks]
            fits = await self._store.ask(partial(spoken_against, self._statements, search.tenant_id, keys, search.filter))
            found += [one for one, key in zip(page.tracks, keys, strict=True) if key in fits]
            if len(found) >= search.limit:
                return Found(tuple(found[: search.limit]), found[search.limit - 1].track)
            if not page.next:
                return Found(tuple(found), "")
            high = key_of(page.next)
            if self._clock() > end:
                return Found(tuple(found), page.next, time_of(high))

    async def _find(self, search: Search) -> Found:
        end = self._clock() + SEARCH_S
        rows: list[Summary] = []
        for day, strayed in await self._store.ask(partial(self._days, search)):
            low, high = max(first_of(day), search.low), min(first_of(day + 1), search.high)
            left = search._replace(limit=search.limit - len(rows))
            sql = DaySql(self._store.engine, day, low, high, strayed=strayed)
            rows += await self._store.ask(partial(_search_day, sql, left))
            if len(rows) == search.limit:
                return Found(tuple(map(line, rows)), track_of(rows[-1].track))
            if self._clock() > end and low > search.low:
                return Found(tuple(map(line, rows)), track_of(low), time_of(low))
        return Found(tuple(map(line, rows)), "")

    def _days(self, search: Search, connection: Any) -> list[tuple[int, bool]]:
        """Give the days that the answer may lie in, newest first, and of each whether some of its tracks strayed."""
        strays = set(self._statements.strays(connection))
        days = strays.union(self._statements.days(connection))
        if search.track:
            days &= {day_of(search.track)}
        fit = sorted((day for day in days if first_of(day) < search.high and first_of(day + 1) > search.low), reverse=True)
        return [(day, day in strays) for day in fit]


def line(row: Summary) -> Line:
    """Give a summary as lists show it."""
    sender, header_from, recipients = people(row.people)
    return Line(
        track_of(row.track),
        row.tenant_id,
        row.sent_at,
        DIRECTIONS[row.direction],
        Status(row.status).name.lower(),
        row.subject,
        row.size,
        row.scl,
        row.rule,
        row.message_id,
        row.client,
        row.reply,
        sender,
        header_from,
        recipients,
        row.gateway,
        row.mails,
    )


def _search_day(day: DaySql, search: Search, connection: Any) -> Sequence[Summary]:
    rows: list[Summary] = []
    for asked in day.searches(search, _lead(day, search, connection)):
        rows += [Summary(*row) for row in day.rows(connection, asked)]
    return sorted(rows, key=lambda row: row.track, reverse=True)[: search.limit]


def _lead(day: DaySql, search: Search, connection: Any) -> Term | None:
    """Choose the side that leads: the rarer one of two."""
    sides = [term for term in search.terms if term.kind in ("address", "domain")]
    if search.track or search.message_id or not sides:
        return None
    if len(sides) == 1:
        return sides[0]
    first, second = (day.rows(connection, day.probe(search.tenant_id, side))[0][0] for side in sides)
    return sides[0] if first <= second else sides[1]
