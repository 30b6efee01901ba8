# SPDX-License-Identifier: Apache-2.0
"""What a batch of tracks adds to the counters: mails and bytes by hour, direction and status, and whom refused mails blame.

A place is what a row of `traffic_hour` is found by. A track that changes its status leaves one place for another. Everything
is bounded here, so that no head can make a counter overflow.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from gatepost.tracking.partitions import day_of
from gatepost.tracking.record import FilterEntry, Status

MOST_BYTES: Final = 1 << 36
"""Of one track."""
MOST_BLAMED: Final = 32
"""Filters of one track."""
LONGEST_NAME: Final = 100
"""Characters of a filter's name."""
NOBODY: Final = ""
"""Who is blamed where no filter gave points."""
REFUSED: Final = frozenset((Status.TEMPORARILY_BLOCKED, Status.PERMANENTLY_BLOCKED))
"""No outcome changes these; so a refusal is counted once, when the track comes."""

_HOUR_S: Final = 3600
_END_HOUR: Final = 253_402_300_800 // _HOUR_S - 1
"""The last of the year 9999."""

Place = tuple[int, int, int, int]
"""Tenant, hour since 1970, direction, status."""


class Mark(NamedTuple):
    """How far a day is counted whose tracks were there before the counters: up to this tenant and track."""

    day: int
    tenant_id: int
    track: bytes


class Counted(NamedTuple):
    """What the counters know a track by; a `Summary` has it too."""

    sent_at: float
    direction: int
    mails: int
    size: int


class Countable(Protocol):
    """What can be counted: a `Counted`, or a row that has as much."""

    @property
    def sent_at(self) -> float:
        """Unix time."""

    @property
    def direction(self) -> int:
        """Its place in `store_rows.DIRECTIONS`."""

    @property
    def mails(self) -> int:
        """More than 1: so many refused ones, told as one."""

    @property
    def size(self) -> int:
        """Bytes of one of them."""


class Counts:
    """The changes of one transaction; `marks` are the days that are not counted to their end."""

    def __init__(self, marks: Iterable[Mark] = ()) -> None:
        self.traffic: dict[Place, list[int]] = {}
        """Mails and bytes."""
        self.refusals: dict[tuple[int, int, str], int] = {}
        """By tenant, hour and filter."""
        self._marks: Mapping[int, Mark] = {mark.day: mark for mark in marks}

    def left_out(self, tenant_id: int, track: bytes) -> bool:
        """Whether the upkeep counts this track, later."""
        mark = self._marks.get(day_of(track)) if self._marks else None
        return mark is not None and (tenant_id, track) > mark[1:]

    def add(self, tenant_id: int, track: Countable, status: int, sign: int = 1) -> None:
        """Count a track under a status; with `sign` -1 count it there no longer."""
        mails = track.mails
        place = (tenant_id, hour_of(track.sent_at), track.direction, status)
        found = self.traffic.get(place)
        if found is None:
            found = self.traffic[place] = [0, 0]
        found[0] += sign * mails
        found[1] += sign * min(track.size * mails, MOST_BYTES)

    def blame(self, tenant_id: int, track: Countable, blamed: Sequence[str]) -> None:
        """Count a refused track under each of these filters."""
        hour = hour_of(track.sent_at)
        for name in blamed:
            place = (tenant_id, hour, name)
            self.refusals[place] = self.refusals.get(place, 0) + track.mails


def hour_of(at: float) -> int:
    """Give the hour of a Unix time."""
    hour = at // _HOUR_S
    return int(hour) if 0 <= hour <= _END_HOUR else 0 if hour < 0 else _END_HOUR


def blamed(filters: Iterable[FilterEntry]) -> list[str]:
    """Name the filters that gave points to a refused mail, each once; `NOBODY` where none did."""
    names = dict.fromkeys(_name(one.name) for one in filters if one.points > 0)
    return list(names)[:MOST_BLAMED] or [NOBODY]


def _name(untrusted: str) -> str:
    """Give a filter's name as a column can hold it."""
    name = untrusted[:LONGEST_NAME]
    return name if name.isprintable() and name else "?"
