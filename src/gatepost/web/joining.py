# SPDX-License-Identifier: Apache-2.0
"""Win a gateway, or part from one: done by the house's links, with its entry in the audit once it is done."""

from typing import Any, NamedTuple, Protocol, cast

from gatepost.contracts.actor import Actor, Entry
from gatepost.replication.service import Operation
from gatepost.web.house import House


class Joined(NamedTuple):
    """A gateway that has joined; who joined it compares the fingerprints with what is shown there."""

    name: str
    hostname: str
    fingerprint: str
    own_fingerprint: str


class Left(NamedTuple):
    """A link that is no more; `trouble` says why the other end could not be told."""

    name: str
    trouble: str


class _Links(Protocol):
    """What the house's gateways can do besides."""

    def operations(self) -> dict[str, Any]:
        """Give `role.join` and `role.leave`."""


async def join(house: House, actor: Actor, address: str, token: str, name: str) -> Joined:
    """Pair this intranet with a gateway, and follow it from now on. Raises: UsageError, ControlError, StoreError."""
    made: dict[str, Any] = await _operation(house, "role.join").handler(address=address, token=token, name=name)
    after = {"address": address, "fingerprint": made["fingerprint"]}
    await house.access.audit.note(Entry(actor, "role.join", made["name"], None, after))
    return Joined(made["name"], made["hostname"], made["fingerprint"], made["own_fingerprint"])


async def leave(house: House, actor: Actor, name: str) -> Left:
    """Part from a gateway: it is no longer called. Raises: ControlError, StoreError."""
    left: dict[str, Any] = await _operation(house, "role.leave").handler(name=name)
    await house.access.audit.note(Entry(actor, "role.leave", name, {"told": left["told"]}))
    return Left(name, left["trouble"])


def _operation(house: House, name: str) -> Operation:
    return cast(Operation, cast(_Links, house.gateways).operations()[name])
