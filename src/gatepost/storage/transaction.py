# SPDX-License-Identifier: Apache-2.0
"""Carry out one function in one transaction, where a room has no rows to gather from several operations."""

from collections.abc import Callable
from typing import Any, TypeVar

from gatepost.storage.contract import Store

Answer = TypeVar("Answer")


async def transact(store: Store, do: Callable[[Any], Answer]) -> Answer:
    """Carry out `do(connection)` in one transaction; it may be called twice, the first time undone. Raises: StoreFull, StoreAway."""
    answer: Answer = await store.perform(_each, do)
    return answer


def _each(connection: Any, does: list[Callable[[Any], Any]]) -> list[Any]:
    return [do(connection) for do in does]
