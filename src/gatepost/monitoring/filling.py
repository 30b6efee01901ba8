# SPDX-License-Identifier: Apache-2.0
"""How full the stores are, as they were looked at last: the intranet's own, and that of each gateway.

Stores that gateways share are told once, under the name of the first of them.
"""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from gatepost.storage.usage import Bound, Usage
from gatepost.storage.usage_record import TableUsage

AWAY = "the gateway does not answer"


class Fill(msgspec.Struct, frozen=True):
    """One store as pages show it."""

    name: str
    """`intranet`, or the gateway's."""
    bytes: int
    free_bytes: int | None
    share: float | None
    """0 to 1, of the disk or the quota; None: no limit is known."""
    bound: Bound
    where: str
    engine: str
    tables: tuple[TableUsage, ...]
    measured_at: float
    trouble: str = ""
    """Why nothing is known; then the figures are 0."""


AskUsages = Callable[[], Awaitable[Mapping[str, Usage | None]]]
"""By the store's name; None: nobody answers."""


class FillLevels:
    """Asks, and remembers what was answered."""

    def __init__(self, ask: AskUsages) -> None:
        self._ask = ask
        self._known: Mapping[str, Usage | None] = {}

    async def look(self) -> Mapping[str, Usage | None]:
        """Ask now. Raises: StoreAway."""
        self._known = await self._ask()
        return self._known

    def known(self) -> list[Fill]:
        """Give what the last look saw, the intranet first."""
        return [_fill(name, usage) for name, usage in self._known.items()]


def _fill(name: str, usage: Usage | None) -> Fill:
    if usage is None:
        return Fill(name, 0, None, None, "unknown", "", "", (), 0.0, AWAY)
    share = None if usage.percent is None else min(1.0, usage.percent / 100.0)
    return Fill(
        name,
        usage.used_bytes,
        usage.free_bytes,
        share,
        usage.bound,
        usage.where,
        usage.engine,
        usage.tables,
        usage.measured_at,
        usage.trouble,
    )
