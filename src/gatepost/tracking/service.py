# SPDX-License-Identifier: Apache-2.0
"""The tracks as the console serves them: applied from gateways, searched, shown, exported, imported, looked after.

Every question is one tenant's; without one it is tenant 0's.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from gatepost.errors import UsageError
from gatepost.replication.apply import Applier
from gatepost.replication.service import Handler, Operation
from gatepost.storage.contract import Store
from gatepost.tracking import search_terms
from gatepost.tracking.apply import TrackApplier, read
from gatepost.tracking.codec import KIND, encode_change
from gatepost.tracking.export import encoded
from gatepost.tracking.import_file import OBJECT_BYTES, Document
from gatepost.tracking.import_track import ImportedTrack, read_track
from gatepost.tracking.legacy import CONVERTERS, Converter, LegacyTracks
from gatepost.tracking.partitions import key_of
from gatepost.tracking.record import FORM, TrackChange, TrackOutcome
from gatepost.tracking.search import TrackSearch
from gatepost.tracking.search_explain import sentences
from gatepost.tracking.search_show import Tracks
from gatepost.tracking.service_upkeep import Upkeep
from gatepost.tracking.traffic import Traffic

AT_ONCE: Final = 100
"""Tracks of one export or import call."""


class TrackService:
    """The tracks of one open store."""

    def __init__(self, store: Store, form: int = FORM, converters: Mapping[int, Converter] = CONVERTERS) -> None:
        self._store = store
        self.applier = TrackApplier(store.engine, form, converters)
        self.legacy = LegacyTracks(store, self.applier, converters)
        self.upkeep = Upkeep(store, self.legacy)
        self.traffic = Traffic(store)
        self._search = TrackSearch(store)
        self._tracks = Tracks(store)

    def register(self, applier: Applier) -> None:
        """Have what gateways tell of their mails applied here."""
        applier.register(KIND, self.applier.versions, self.applier.apply, self._told)

    async def start(self) -> None:
        """Make the store ready for the next days' mail, and look after it from now on. Raises: StoreFull, StoreAway."""
        await self.upkeep.start()

    async def close(self) -> None:
        """Look after it no more."""
        await self.upkeep.close()

    def commands(self) -> dict[str, Handler | Operation]:
        """Give what `gatepost track` may ask."""
        return {
            "track.search": self.search,
            "track.show": self.show,
            "track.export": self.export,
            "track.import": Operation(self.import_, command=True),
            "track.legacy": self.progress,
            **self.traffic.commands(),
        }

    async def search(self, **asked: Any) -> Any:
        """Give one page of a search. Raises: UsageError, StoreAway."""
        return await self._search.find(search_terms.read(asked))

    async def show(self, track: str, tenant_id: int = 0) -> dict[str, Any]:
        """Give all that is known of a mail, and the same in sentences. Raises: ControlError, UsageError, StoreError."""
        found = await self._tracks.expect(tenant_id, _key(track))
        return {**found.told(), "explanation": sentences(found)}

    async def export(self, tracks: list[str], tenant_id: int = 0) -> list[str]:
        """Give tracks as exported JSON. Raises: ControlError, UsageError, StoreError."""
        if not 1 <= len(tracks) <= AT_ONCE:
            raise UsageError(f"tracks: are 1 to {AT_ONCE}")
        return [encoded(await self._tracks.expect(tenant_id, _key(track))).decode() for track in tracks]

    async def import_(self, documents: list[tuple[int, int, str]], tenant_id: int = 0) -> dict[str, int]:
        """Import exported tracks (number, offset, text), all or none; those that are known stay as they are.

        Raises: ImportRefused, UsageError, StoreError.
        """
        if not 1 <= len(documents) <= AT_ONCE or not isinstance(tenant_id, int):
            raise UsageError(f"documents: are 1 to {AT_ONCE}, of one tenant")
        tracks: dict[bytes, ImportedTrack] = {}
        for number, offset, untrusted_text in documents:
            untrusted = Document(number, offset, untrusted_text.encode())
            if len(untrusted.untrusted_text) > OBJECT_BYTES:
                raise UsageError(f"{untrusted.place}: is too long")
            imported = read_track(untrusted, tenant_id)
            tracks.setdefault(imported.key, imported)
        new: int = await self._store.perform(self._import, _Import(tenant_id, list(tracks.values())))
        return {"imported": new, "known": len(documents) - new}

    async def progress(self) -> dict[str, int]:
        """Tell how the conversion of tracks of older forms gets on. Raises: StoreAway."""
        return (await self.legacy.progress())._asdict()

    async def _told(self) -> None:
        self.applier.tell()
        if self.applier.took_older():
            self.upkeep.stir()

    def _import(self, connection: Any, imports: Sequence["_Import"]) -> list[int]:
        return [self._import_one(connection, one) for one in imports]

    def _import_one(self, connection: Any, one: "_Import") -> int:
        keys = {(one.tenant_id, track.key) for track in one.tracks}
        known = self.applier.statements.known(connection, keys)
        new = [track for track in one.tracks if (one.tenant_id, track.key) not in known]
        whole = [track for track in new if not track.track.details_were_deleted]
        self.applier.write(connection, [read(one.tenant_id, _payload(track)) for track in whole])
        self.applier.write_bare(connection, [track.track.head for track in new if track.track.details_were_deleted])
        return len(new)


class _Import(NamedTuple):
    tenant_id: int
    tracks: list[ImportedTrack]


def _payload(imported: ImportedTrack) -> bytes:
    head, attempts = imported.track.head, imported.track.attempts
    outcomes = (TrackOutcome(head.track, head.tenant_id, attempts),) if attempts else ()
    return encode_change(TrackChange(head, outcomes))


def _key(name: str) -> bytes:
    try:
        return key_of(name)
    except ValueError as error:
        raise UsageError(f"{name[:40]!r}: {error}") from None
