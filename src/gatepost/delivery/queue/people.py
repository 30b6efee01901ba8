# SPDX-License-Identifier: Apache-2.0
"""What people tell the queue: retry and drop, in slices, so that a hundred thousand recipients do not hold up the commits beside them."""

from collections.abc import Callable
from typing import Any

from gatepost.delivery.queue.insert import read_envelope
from gatepost.delivery.queue.record import QueuedRecipient, place
from gatepost.delivery.queue.statements import Key, Row, Statements, Track
from gatepost.delivery.queue.telling import Teller, Told

SLICE = 1000
"""Recipients that one operation changes at most."""
TellDrop = Callable[[str, int, tuple[int, ...], float], bytes]
"""track, tenant, places of the dropped recipients, Unix time -> what the track tells of it (`Settlement.outcome`)."""

_STATES = ("waiting", "sending", "disabled")


class People:
    """Does what people tell with one engine's SQL; used inside the writer's transactions only.

    Each call changes a slice behind the key `after` and gives the number of recipients, and where the next slice begins.
    """

    def __init__(self, sql: Statements, teller: Teller, tell_drop: TellDrop | None) -> None:
        self._sql, self._teller, self._tell_drop = sql, teller, tell_drop

    def retry(self, connection: Any, wanted: str, tenant_id: int | None, after: Key, now: float) -> tuple[int, Key | None]:
        """Make wanted recipients due now."""
        keys, last = self._sql.inspect.unclaimed(connection, wanted, tenant_id, SLICE, after)
        if keys:
            self._sql.inspect.make_due(connection, keys, now)
        return len(keys), last

    def drop(self, connection: Any, wanted: str, tenant_id: int | None, after: Key, now: float) -> tuple[int, tuple[str, ...], Key | None]:
        """Remove wanted recipients and tell of it in their tracks; gives the blobs to be unlinked between the two."""
        keys, last = self._sql.inspect.unclaimed(connection, wanted, tenant_id, SLICE, after)
        if not keys:
            return 0, (), last
        places: dict[int, list[int]] = {}
        for mail_id, number in keys:
            places.setdefault(mail_id, []).append(place(mail_id, number))
        mail_ids = sorted(places)
        tracks = self._sql.track.tracks_of(connection, mail_ids)
        self._sql.inspect.delete_keys(connection, keys)
        told = {track.mail_id: Told(self._outcomes(track, places[track.mail_id], now), None) for track in tracks if track.kept}
        self._teller.tell(connection, told, tracks, now)
        return len(keys), self._sql.settle.delete_finished(connection, mail_ids), last

    def _outcomes(self, track: Track, places: list[int], now: float) -> list[bytes]:
        return [self._tell_drop(track.name, track.tenant_id, tuple(places), now)] if self._tell_drop is not None else []


def read_queued(row: Row) -> QueuedRecipient:
    """Read a row of `InspectStatements.show`."""
    sender = read_envelope(row[2], []).sender
    return QueuedRecipient(
        track=row[0],
        tenant_id=row[1],
        sender=str(sender) if sender else "",
        recipient=f"{row[3]}@{row[4]}" if row[4] else row[3],
        direction=row[5],
        state=_STATES[row[6]],
        attempts=row[7],
        received_at=row[8],
        due_at=row[9],
        expires_at=row[10],
        size_bytes=row[11],
        last_reply=row[12],
        last_host=row[13],
    )
