# SPDX-License-Identifier: Apache-2.0
"""Win a gateway, or part from one: done by the house's links, with its entry in the audit once it is done."""

import msgspec

from gatepost.contracts.actor import Actor, Entry
from gatepost.web.house import House


class Joined(msgspec.Struct):
    """A gateway that has joined: compare its fingerprint with what it printed."""

    name: str
    hostname: str
    fingerprint: str
    own_fingerprint: str
    store: str


class Left(msgspec.Struct):
    """A link that is no more here, and whether the other end was told."""

    name: str
    told: bool
    trouble: str


async def join(house: House, actor: Actor, address: str, token: str, name: str) -> Joined:
    """Pair this intranet with a gateway, and follow it from now on. Raises: UsageError, ControlError, StoreError."""
    joined = msgspec.convert(await house.gateways.join(address, token, name), Joined)
    after = {"address": address, "fingerprint": joined.fingerprint}
    await house.access.audit.note(Entry(actor, "role.join", joined.name, None, after))
    return joined


async def leave(house: House, actor: Actor, name: str) -> Left:
    """Part from a gateway: it is no longer called. Raises: ControlError, StoreError."""
    left = msgspec.convert(await house.gateways.leave(name), Left)
    await house.access.audit.note(Entry(actor, "role.leave", name, {"told": left.told}))
    return left
