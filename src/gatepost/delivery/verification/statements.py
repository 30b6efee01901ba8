# SPDX-License-Identifier: Apache-2.0
"""What an engine gives to the remembered answers: its SQL as functions, with the same names on both engines."""

from collections.abc import Sequence
from typing import Any, Protocol

from gatepost.message.addresses import Address

Row = tuple[int, str, str, bool, float]
"""tenant, domain, local part, known, expires at (Unix time)."""


class Statements(Protocol):
    """One engine's SQL."""

    def recall(self, connection: Any, tenant_id: int, address: Address) -> list[tuple[str, bool, float]]:
        """Answer the question what is stored of an address and of its domain: local part, known, expires at."""

    def remember(self, connection: Any, rows: Sequence[Row]) -> None:
        """Write answers in this order, over older ones."""

    def expire(self, connection: Any, now: float, limit: int) -> int:
        """Delete answers that hold until `now` at most, soonest first; gives their number."""

    def count(self, connection: Any) -> int:
        """Answer the question how many answers there are."""
