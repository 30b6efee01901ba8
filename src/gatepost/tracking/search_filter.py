# SPDX-License-Identifier: Apache-2.0
"""Which of some tracks a filter spoke against: known from their details alone, so each has to be read."""

from collections.abc import Sequence
from typing import Any

import msgspec

from gatepost.tracking.codec import decode_change
from gatepost.tracking.record import TrackHead
from gatepost.tracking.store import TrackStatements
from gatepost.tracking.store_details import unpack

NO_FILTER = "-"


def spoken_against(statements: TrackStatements, tenant_id: int, keys: Sequence[bytes], name: str, connection: Any) -> set[bytes]:
    """Give the tracks that the filter of this name gave points to; for `-` those that none did. Damaged details count as none."""
    return {key for key in keys if _fits(_head(statements.details(connection, tenant_id, key)), name)}


def _head(parts: Sequence[bytes]) -> TrackHead | None:
    for part in parts:
        try:
            change = decode_change(unpack(part))
        except (ValueError, msgspec.MsgspecError):
            continue
        if change.head is not None:
            return change.head
    return None


def _fits(head: TrackHead | None, name: str) -> bool:
    speaking = {one.name for one in head.filters if one.points > 0} if head is not None else set()
    return not speaking if name == NO_FILTER else name in speaking
