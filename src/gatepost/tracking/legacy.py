# SPDX-License-Identifier: Apache-2.0
"""Convert tracks of an older form in the background, slice by slice, so that new ones never wait long.

A converter takes a payload of one form to the next; a payload of form 1 in a program of form 3 goes through two. What cannot be
converted stays where it is, marked with the reason; the rest must drain.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from gatepost.storage.contract import Store
from gatepost.tracking.apply import Change, Refused, TrackApplier, read
from gatepost.tracking.store import Legacy, LegacyCount

SLICE: Final = 200
"""Tracks of one transaction; some 20 ms."""

Converter = Callable[[bytes], bytes]
"""Payload of one form -> payload of the next. Raises: ValueError, msgspec.MsgspecError for what it cannot convert."""

CONVERTERS: Final[Mapping[int, Converter]] = {}
"""By the form that they take."""


class LegacyTracks:
    """The tracks of older forms in one open store."""

    def __init__(self, store: Store, applier: TrackApplier, converters: Mapping[int, Converter] = CONVERTERS) -> None:
        self._store = store
        self._applier = applier
        self._converters = converters

    async def progress(self) -> LegacyCount:
        """Tell how the conversion gets on. Raises: StoreAway."""
        return await self._store.ask(self._applier.statements.legacy_count)

    async def convert(self) -> int:
        """Convert one slice; gives how many were dealt with, 0 when none waits. Raises: StoreFull, StoreAway."""
        if not (await self.progress()).waiting:
            return 0
        dealt: int = await self._store.perform(self._convert, SLICE)
        return dealt

    def _convert(self, connection: Any, limits: Sequence[int]) -> list[int]:
        return [self._convert_slice(connection, limit) for limit in limits]

    def _convert_slice(self, connection: Any, limit: int) -> int:
        rows = self._applier.statements.legacy(connection, limit)
        changes: list[Change] = []
        converted: list[int] = []
        refused: dict[int, str] = {}
        for row in rows:
            try:
                changes.append(self._converted(row))
                converted.append(row.id)
            except (ValueError, msgspec.MsgspecError) as error:
                refused[row.id] = str(error) or type(error).__name__
        self._applier.write(connection, changes)
        self._applier.statements.settle_legacy(connection, converted, refused)
        return len(rows)

    def _converted(self, row: Legacy) -> Change:
        payload = row.payload
        for form in range(row.form, self._applier.form):
            converter = self._converters.get(form)
            if converter is None:
                raise Refused(f"nobody here converts form {form}")
            payload = converter(payload)
        return read(row.tenant_id, payload)
