# SPDX-License-Identifier: Apache-2.0
"""What an engine gives to the tracks: its SQL as functions, one module each, with the same names.

What is decided (which status, which track waits, what is a duplicate) stands in `apply` once. All functions run inside the
writer's transaction; those named as questions also on the reading connection. Locks are not needed: one process applies.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from gatepost.tracking.store_rows import AddressRow, DetailsRow, Summary
from gatepost.tracking.traffic_count import Counted

Key = tuple[int, bytes]
"""Tenant and key of a track."""


class Known(NamedTuple):
    """What the store knows of a track's fate, and what the counters know it by."""

    status: int
    fates: bytes
    counted: Counted


class Fate(NamedTuple):
    """A track's new status and fates, in the order of the statement's values."""

    status: int
    fates: bytes
    tenant_id: int
    track: bytes


class Legacy(NamedTuple):
    """A track of an older form."""

    id: int
    tenant_id: int
    form: int
    payload: bytes


class LegacyCount(NamedTuple):
    """How the conversion of older forms gets on; `waiting` must become 0, `refused` are kept for whoever looks why."""

    waiting: int
    refused: int
    converted: int


class TrackStatements(Protocol):
    """SQL of the tracks."""

    def days(self, connection: Any) -> Mapping[int, bool]:
        """Question: give the days that have tables, and whether their details are still there."""

    def strays(self, connection: Any) -> Collection[int]:
        """Question: give the days whose tracks found no tables of their own (PostgreSQL's default partition)."""

    def open_days(self, connection: Any, days: Collection[int]) -> None:
        """Make the tables of these days where there are none; strays move in."""

    def open_at_need(self, connection: Any, days: Collection[int]) -> None:
        """Make what an insertion could not do without: on SQLite the tables, on PostgreSQL nothing."""

    def known(self, connection: Any, keys: Collection[Key]) -> dict[Key, Known]:
        """Question: give what is known of those of these tracks that have a summary."""

    def insert(self, connection: Any, summaries: Sequence[Summary], addresses: Sequence[AddressRow]) -> None:
        """Insert tracks that are not known yet; their days are open."""

    def add_details(self, connection: Any, rows: Sequence[DetailsRow]) -> None:
        """Insert details; a part that is there already is left as it is."""

    def update(self, connection: Any, fates: Sequence[Fate]) -> None:
        """Write new fates."""

    def put_waiting(self, connection: Any, rows: Sequence[DetailsRow]) -> None:
        """Keep outcomes, not compressed, until their head comes."""

    def take_waiting(self, connection: Any, keys: Collection[Key]) -> list[DetailsRow]:
        """Give the outcomes that waited for these tracks, and keep them no longer."""

    def summary(self, connection: Any, tenant_id: int, track: bytes) -> Summary | None:
        """Question: give one summary."""

    def details(self, connection: Any, tenant_id: int, track: bytes) -> list[bytes]:
        """Question: give the details of one track, its head first; none when they were dropped."""

    def drop_summaries(self, connection: Any, day: int) -> None:
        """Drop all that is kept of a day."""

    def drop_details(self, connection: Any, day: int) -> None:
        """Drop the details of a day."""

    def drop_waiting(self, connection: Any, before: bytes) -> int:
        """Drop outcomes of tracks before this key, whose head never came; gives their number."""

    def put_legacy(self, connection: Any, rows: Sequence[tuple[int, int, bytes]]) -> None:
        """Keep tracks of an older form: tenant, form and payload."""

    def legacy(self, connection: Any, limit: int) -> list[Legacy]:
        """Question: give the oldest that wait."""

    def settle_legacy(self, connection: Any, converted: Sequence[int], refused: Mapping[int, str]) -> None:
        """Remove those that were converted; mark those that cannot be, with the reason."""

    def legacy_count(self, connection: Any) -> LegacyCount:
        """Question: tell how many wait, were refused, were converted."""
