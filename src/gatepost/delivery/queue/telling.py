# SPDX-License-Identifier: Apache-2.0
"""Artefacts of kind `track`: the heads and outcomes that leave in the transaction of what they tell.

A mail's head leaves once: with its first settlement, or by itself where none came within `GATHER_S`. What is told of one
mail within `GATHER_S` is one artefact, as far as this process remembers and nobody has been shown it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gatepost.delivery.queue.record import NewMail
from gatepost.delivery.queue.statements import Statements, Track
from gatepost.delivery.queue.tracks import KIND, Written, payload
from gatepost.replication.artefact import GATHER_S
from gatepost.replication.outbox_sqlite import Entry


class Told(NamedTuple):
    """What a transaction has to tell of one mail."""

    outcomes: list[bytes]
    written: Written | None


class Teller:
    """Writes artefacts of one version with one engine's SQL; used inside the writer's transactions only."""

    def __init__(self, sql: Statements, form: int) -> None:
        self._sql, self._form = sql, form

    def entry(self, mail: NewMail, outcome: bytes, now: float) -> Entry:
        """Give the artefact of a mail of which everything is told at once."""
        return (KIND, self._form, mail.tenant_id, now, payload(mail.head, (outcome,) if outcome else ()))

    def append(self, connection: Any, entries: Sequence[Entry]) -> None:
        """Write artefacts that nothing more will be gathered into."""
        self._sql.outbox.append(connection, entries)

    def tell(self, connection: Any, told: Mapping[int, Told], tracks: Sequence[Track], now: float) -> dict[int, Written]:
        """Write what is told of mails, the heads that have not left with it; gives what was written, by mail."""
        done: dict[int, Written] = {}
        entries: list[Entry] = []
        new: list[Written] = []
        heads: list[int] = []
        for track in tracks:
            one = told.get(track.mail_id)
            if one is None or not track.kept or not (track.head or one.outcomes):
                continue
            if track.head:
                heads.append(track.mail_id)
            gathered = self._gather(connection, one, track.head, now)
            if gathered is not None:
                done[track.mail_id] = gathered
                continue
            written = Written(track.mail_id, 0, now, track.head, tuple(one.outcomes))
            new.append(written)
            entries.append((KIND, self._form, track.tenant_id, now, payload(written.head, written.outcomes)))
        if heads:
            self._sql.track.mark_shipped(connection, heads)
        if entries:
            for written, sequence in zip(new, self._sql.outbox.append(connection, entries), strict=True):
                done[written.mail_id] = written._replace(sequence=sequence)
        return done

    def ship(self, connection: Any, mail_ids: Sequence[int], holder: int, now: float) -> list[Written]:
        """Write the heads of these mails that have not left, but for those that another holder will tell of."""
        tracks = self._sql.track.take_heads(connection, mail_ids, holder, now)
        entries = [(KIND, self._form, track.tenant_id, now, payload(track.head, ())) for track in tracks]
        sequences = self._sql.outbox.append(connection, entries) if entries else []
        return [Written(track.mail_id, number, now, track.head, ()) for track, number in zip(tracks, sequences, strict=True)]

    def _gather(self, connection: Any, told: Told, head: bytes, now: float) -> Written | None:
        """Put more into an artefact that is still young; None where there is none, or somebody was shown it."""
        before = told.written
        if before is None or before.at <= now - GATHER_S:
            return None
        after = before._replace(head=before.head or head, outcomes=(*before.outcomes, *told.outcomes))
        text = payload(after.head, after.outcomes)
        return after if self._sql.outbox.rewrite(connection, before.sequence, text, now - GATHER_S) else None
