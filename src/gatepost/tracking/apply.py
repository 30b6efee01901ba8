# SPDX-License-Identifier: Apache-2.0
"""Apply what gateways tell of their mails: artefacts of kind `track`, many at once, in few statements.

Promises, whatever comes and in whatever order:

* A head becomes a summary, its addresses and its details. A head that is known already changes nothing.
* Outcomes raise the fates of recipients, and so the status; told twice they change nothing. Outcomes whose head has not
  come yet wait for it.
* A track of an older form waits in `message_tracking_legacy_entry` until it is converted (`legacy`).
* Each new track, and each new status, changes the counters of traffic in the same transaction.
* What is no track is refused and counted, and holds up nothing that comes after it.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, Final, NamedTuple

import msgspec

from gatepost.replication.artefact import Artefact
from gatepost.storage.contract import Engine
from gatepost.telemetry.events import TracksRefused
from gatepost.telemetry.log import emit
from gatepost.tracking.apply_fates import merge, status_of
from gatepost.tracking.codec import compose, decode_change, encode_outcome
from gatepost.tracking.partitions import day_of, key_of
from gatepost.tracking.record import FORM, Attempt, TrackChange, TrackHead, TrackOutcome
from gatepost.tracking.store import Fate, Key, Known
from gatepost.tracking.store_details import pack
from gatepost.tracking.store_engines import statements
from gatepost.tracking.store_rows import AddressRow, DetailsRow, Summary, addresses, fault, summary
from gatepost.tracking.traffic_count import NOBODY, REFUSED, Counted, Counts, blamed
from gatepost.tracking.traffic_store import TrafficStatements

HEAD_PART: Final = 0
_NEW: Final = Counted(0.0, 0, 0, 0)
"""Stands where a track was not counted before this batch; its summary says the rest."""


class Change(NamedTuple):
    """One artefact's track: sound, and of one mail. It is decoded again when it is written: that is cheaper than to hold it."""

    key: Key
    has_head: bool
    payload: bytes


class Move(NamedTuple):
    """A track whose status has changed."""

    key: Key
    before: Known
    after: Known


class Refused(ValueError):
    """An artefact that is no track, with the reason."""


class TrackApplier:
    """Applies tracks to the store of one engine."""

    def __init__(self, engine: Engine, form: int = FORM, older: Iterable[int] = ()) -> None:
        """Apply tracks of `form`; those of an `older` one are kept for their conversion."""
        self.statements = statements(engine)
        self._traffic = TrafficStatements(engine)
        self.form = form
        self._older = frozenset(older)
        self._refused = 0
        self._reason = ""
        self._took_older = False

    @property
    def versions(self) -> tuple[int, ...]:
        """The forms that are known here."""
        return (*sorted(self._older), self.form)

    def apply(self, connection: Any, artefacts: Sequence[Artefact]) -> None:
        """Apply artefacts of kind `track`, in the transaction that the connection is in."""
        older = [(one.tenant_id, one.version, one.payload) for one in artefacts if one.version in self._older]
        if older:
            self.statements.put_legacy(connection, older)
            self._took_older = True
        changes: list[Change] = []
        for artefact in artefacts:
            if artefact.version in self._older:
                continue
            try:
                changes.append(read(artefact.tenant_id, artefact.payload))
            except Refused as refused:
                self._refused += 1
                self._reason = str(refused)
        self.write(connection, changes)

    def tell(self) -> None:
        """Tell of what was refused, once the rest is committed."""
        if self._refused:
            emit(TracksRefused(tracks=self._refused, reason=self._reason))
            self._refused = 0

    def took_older(self) -> bool:
        """Whether tracks of an older form have come since this was asked last."""
        took, self._took_older = self._took_older, False
        return took

    def write(self, connection: Any, changes: Sequence[Change]) -> int:
        """Write changes; gives how many tracks are new."""
        if not changes:
            return 0
        known = self.statements.known(connection, {change.key for change in changes})
        new = {change.key: place for place, change in enumerate(changes) if change.has_head and change.key not in known}
        if new:
            self.statements.open_at_need(connection, {day_of(key[1]) for key in new})
        writing = _Writing(known)
        for place in new.values():  # first, so that outcomes of the same batch find them
            writing.add(changes[place])
        for place, change in enumerate(changes):
            if new.get(change.key) != place:
                writing.amend(change)
        for waited in self.statements.take_waiting(connection, new) if new else ():
            writing.amend(Change((waited.tenant_id, waited.track), False, waited.content))
        self._store(connection, writing)
        return len(new)

    def write_bare(self, connection: Any, heads: Sequence[TrackHead]) -> None:
        """Write tracks of which only the summary is left; none is known."""
        rows = [summary(head, key_of(head.track)) for head in heads]
        self.statements.open_at_need(connection, {day_of(row.track) for row in rows})
        people = [one for head, row in zip(heads, rows, strict=True) for one in addresses(head, row.track)]
        self.statements.insert(connection, rows, people)
        self._count(connection, rows, {(row.tenant_id, row.track): [NOBODY] for row in rows if row.status in REFUSED})

    def _store(self, connection: Any, writing: "_Writing") -> None:
        summaries = writing.new_summaries()
        if summaries:
            self.statements.insert(connection, summaries, writing.addresses)
        moves = writing.moves()
        if summaries or moves:
            self._count(connection, summaries, writing.blamed, moves)
        if writing.details:
            gone = {day for day, has_details in self.statements.days(connection).items() if not has_details}
            kept = [row for row in writing.details if day_of(row.track) not in gone] if gone else writing.details
            self.statements.add_details(connection, kept)
        if fates := writing.new_fates():
            self.statements.update(connection, fates)
        if writing.waiting:
            self.statements.put_waiting(connection, writing.waiting)

    def _count(self, connection: Any, new: Sequence[Summary], blamed_by: Mapping[Key, Sequence[str]], moves: Iterable[Move] = ()) -> None:
        """Change the counters for new tracks and new statuses."""
        counts = Counts(self._traffic.marks(connection))
        for row in new:
            if counts.left_out(row.tenant_id, row.track):
                continue
            counts.add(row.tenant_id, row, row.status)
            if row.status in REFUSED:
                counts.blame(row.tenant_id, row, blamed_by[row.tenant_id, row.track])
        for (tenant_id, track), before, after in moves:
            if not counts.left_out(tenant_id, track):
                counts.add(tenant_id, before.counted, before.status, -1)
                counts.add(tenant_id, before.counted, after.status)
        self._traffic.add(connection, counts)


class _Writing:
    """The rows that a batch comes to."""

    def __init__(self, known: dict[Key, Known]) -> None:
        self.addresses: list[AddressRow] = []
        self.details: list[DetailsRow] = []
        self.waiting: list[DetailsRow] = []
        self.blamed: dict[Key, list[str]] = {}
        """The filters that spoke against new tracks that were refused."""
        self._before = known
        self._known = dict(known)
        self._summaries: dict[Key, Summary] = {}

    def add(self, change: Change) -> None:
        """Add a track that is not known yet."""
        key, _, payload = change
        told = decode_change(payload)
        assert told.head is not None
        made = self._summaries[key] = summary(told.head, key[1])
        self.addresses += addresses(told.head, key[1])
        self.details.append(DetailsRow(*key, HEAD_PART, pack(payload)))
        if made.status in REFUSED:
            self.blamed[key] = blamed(told.head.filters)
        self._raise(key, Known(made.status, made.fates, _NEW), _attempts(told))

    def amend(self, change: Change) -> None:
        """Add outcomes; a head has been known before."""
        key, _, payload = change
        told = decode_change(payload)
        attempts = _attempts(told)
        if not attempts:
            return
        if told.head is not None:
            payload = compose(b"", [encode_outcome(one) for one in told.outcomes])
        part = _part(payload)
        if (before := self._known.get(key)) is None:
            self.waiting.append(DetailsRow(*key, part, payload))
        else:
            self.details.append(DetailsRow(*key, part, pack(payload)))
            self._raise(key, before, attempts)

    def new_summaries(self) -> list[Summary]:
        """Give the summaries of new tracks, with their fates."""
        known = self._known
        return [
            row if (fate := known[key]).fates == row.fates else row._replace(status=fate.status, fates=fate.fates)
            for key, row in self._summaries.items()
        ]

    def new_fates(self) -> list[Fate]:
        """Give what has changed of tracks that were known."""
        after = self._known
        return [Fate(after[key].status, after[key].fates, *key) for key, before in self._before.items() if after[key] != before]

    def moves(self) -> list[Move]:
        """Give the tracks that were known and have another status now."""
        after = self._known
        return [Move(key, before, after[key]) for key, before in self._before.items() if after[key].status != before.status]

    def _raise(self, key: Key, before: Known, attempts: Sequence[Attempt]) -> None:
        fates = merge(before.fates, attempts)
        self._known[key] = Known(status_of(before.status, fates), fates, before.counted)


def read(tenant_id: int, untrusted_payload: bytes) -> Change:
    """Read an artefact's payload. Raises: Refused."""
    try:
        change = decode_change(untrusted_payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused(f"no track of form {FORM}: {error}") from None
    head, outcomes = change.head, change.outcomes
    if head is None and not outcomes:
        raise Refused("neither head nor outcome")
    first: TrackHead | TrackOutcome = head if head is not None else outcomes[0]
    name = first.track
    if first.tenant_id != tenant_id:
        raise Refused("another tenant's than the artefact says")
    for outcome in outcomes:
        if outcome.track != name or outcome.tenant_id != tenant_id:
            raise Refused("outcomes of another mail than the head's")
        if not all(isfinite(attempt.at) and isfinite(attempt.due_at) for attempt in outcome.attempts):
            raise Refused("a time is not finite")
    try:
        key = key_of(name)
    except ValueError as error:
        raise Refused(str(error)) from None
    if name != name.upper():
        raise Refused("a track's name is in capitals")
    if head is not None and (reason := fault(head)):
        raise Refused(reason)
    return Change((tenant_id, key), head is not None, untrusted_payload)


def _attempts(change: TrackChange) -> list[Attempt]:
    return [attempt for outcome in change.outcomes for attempt in outcome.attempts]


def _part(payload: bytes) -> int:
    """Give the number of what came after the head: the same for the same."""
    return int.from_bytes(hashlib.blake2b(payload, digest_size=7).digest(), "big") or 1
