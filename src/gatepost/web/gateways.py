# SPDX-License-Identifier: Apache-2.0
"""What pages ask of gateways: all at once, and one that is away is told as away while the rest is shown."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from gatepost.errors import GatepostError


class Gateways(Protocol):
    """The links to gateways."""

    @property
    def names(self) -> Sequence[str]:
        """The gateways there are."""

    async def gateways(self) -> list[dict[str, Any]]:
        """Tell how each does: name, address, trouble, contact_at, waiting, oldest_age_s, processes."""

    async def ask(self, name: str, do: str, args: dict[str, Any], *, timeout_s: float = 10.0) -> Any:
        """Have one gateway answer or do something. Raises: ControlError."""

    async def join(self, address: str, token: str, name: str = "") -> dict[str, Any]:
        """Pair with a gateway: name, hostname, fingerprint, own_fingerprint, store. Raises: UsageError, ControlError, StoreError."""

    async def leave(self, name: str) -> dict[str, Any]:
        """Part from one: name, told, trouble. Raises: ControlError, StoreError."""


class Answer(NamedTuple):
    """What a gateway answered, or why it did not."""

    gateway: str
    value: Any
    trouble: str = ""


async def ask_one(gateways: Gateways, name: str, do: str, args: Mapping[str, Any], *, timeout_s: float = 3.0) -> Answer:
    """Ask a gateway; one that is away is no error."""
    try:
        return Answer(name, await gateways.ask(name, do, dict(args), timeout_s=timeout_s))
    except GatepostError as error:
        return Answer(name, None, str(error))


async def ask_all(gateways: Gateways, do: str, args: Mapping[str, Any]) -> list[Answer]:
    """Ask every gateway the same, at the same time."""
    return list(await asyncio.gather(*(ask_one(gateways, name, do, args) for name in sorted(gateways.names))))
