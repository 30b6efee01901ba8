# SPDX-License-Identifier: Apache-2.0
"""One track, whole: what is left of it in the store, put together.

Once its details were dropped, it is what the summary tells.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

import msgspec

from gatepost.errors import ControlError, StoreError
from gatepost.storage.contract import Store
from gatepost.tracking.codec import decode_change
from gatepost.tracking.partitions import track_of
from gatepost.tracking.record import Attempt, Status, TrackHead
from gatepost.tracking.store_details import unpack
from gatepost.tracking.store_engines import statements
from gatepost.tracking.store_rows import DIRECTIONS, Summary, people


class Track(msgspec.Struct, frozen=True):
    """A mail's head as it was decided, each attempt once in the order of time, and what it all came to."""

    head: TrackHead
    attempts: tuple[Attempt, ...]
    status: Status
    details_were_deleted: bool = False

    def told(self) -> dict[str, Any]:
        """Give it for JSON, in snake_case."""
        head = msgspec.structs.asdict(self.head)
        for name in ("filters", "actions", "attachments"):
            head[name] = [msgspec.structs.asdict(one) for one in head[name]]
        head["operations"] = [{"kind": one.kind, "data": _document(one.data)} for one in self.head.operations]
        return {
            **head,
            "status": self.status.name.lower(),
            "decided": Status(self.head.status).name.lower(),
            "attempts": [msgspec.structs.asdict(one) for one in self.attempts],
            "details_were_deleted": self.details_were_deleted,
        }


class Tracks:
    """Reads single tracks from one open store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._statements = statements(store.engine)

    async def get(self, tenant_id: int, key: bytes) -> Track | None:
        """Give a track; None when this tenant has none of this name. Raises: StoreAway, StoreError when it is damaged."""
        return await self._store.ask(partial(self._get, tenant_id, key))

    async def expect(self, tenant_id: int, key: bytes) -> Track:
        """Give a track. Raises: ControlError when this tenant has none of this name; StoreAway, StoreError."""
        track = await self.get(tenant_id, key)
        if track is None:
            raise ControlError(f"there is no track {track_of(key)}; it may have been dropped, or its gateway has not told of it yet")
        return track

    def _get(self, tenant_id: int, key: bytes, connection: Any) -> Track | None:
        row = self._statements.summary(connection, tenant_id, key)
        if row is None:
            return None
        parts = self._statements.details(connection, tenant_id, key)
        return assembled(row, parts) if parts else Track(bare_head(row), (), Status(row.status), details_were_deleted=True)


def assembled(row: Summary, parts: list[bytes]) -> Track:
    """Put a track together from its summary and its details. Raises: StoreError when they are damaged."""
    head: TrackHead | None = None
    attempts: dict[tuple[Any, ...], Attempt] = {}
    try:
        for part in parts:
            change = decode_change(unpack(part))
            head = head or change.head
            for outcome in change.outcomes:
                for attempt in outcome.attempts:
                    attempts.setdefault(_identity(attempt), attempt)
    except (ValueError, msgspec.MsgspecError) as error:
        raise StoreError(f"the details of track {track_of(row.track)} cannot be read ({error}); restore the store from a backup") from None
    return Track(head or bare_head(row), in_order(attempts.values()), Status(row.status), details_were_deleted=head is None)


def in_order(attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """Give attempts in the order of time."""
    return tuple(sorted(attempts, key=lambda attempt: (attempt.at, attempt.recipients)))


def bare_head(row: Summary) -> TrackHead:
    """Give what a summary tells of a head."""
    sender, header_from, recipients = people(row.people)
    return TrackHead(
        track_of(row.track),
        row.tenant_id,
        row.sent_at,
        DIRECTIONS[row.direction],
        row.status,
        row.message_id,
        row.subject,
        row.size,
        sender,
        header_from,
        recipients,
        row.reply,
        rule=row.rule,
        scl=row.scl,
        gateway=row.gateway,
        client=row.client,
        count=row.mails,
    )


def _identity(attempt: Attempt) -> tuple[Any, ...]:
    """Give what tells attempts apart: microseconds, because an export keeps no more."""
    return (round(attempt.at * 1e6), attempt.recipients, attempt.state, attempt.reply, attempt.host)


def _document(data: bytes) -> Any:
    """Give an operation's JSON as a value; what is none, as a text."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return data.decode("utf-8", "replace")
