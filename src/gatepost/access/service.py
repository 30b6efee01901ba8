# SPDX-License-Identifier: Apache-2.0
"""What `gatepost people admin` and `gatepost people admins` may ask of the console, in plain values."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gatepost.access.access import Access
from gatepost.access.administrators import Change, Changed
from gatepost.access.record import Administrator, Refusal
from gatepost.access.roles import ROLES
from gatepost.contracts.actor import Actor, local_actor
from gatepost.errors import UsageError
from gatepost.replication.service import Handler, Operation


def commands(access: Access) -> Mapping[str, Handler | Operation]:
    """Give the operations by name."""

    async def admins(tenant_id: int = 0) -> list[dict[str, Any]]:
        return [_told(one) for one in await access.administrators.list(tenant_id)]

    async def admin(author: str, name: str, change: dict[str, Any], tenant_id: int = 0) -> dict[str, Any]:
        wanted = _read(change)
        actor = local_actor(author, tenant_id)
        known = await access.administrators.get(name, tenant_id)
        if known is not None:
            done = await access.administrators.change(actor, name, wanted)
        else:
            done = await _add(access, actor, name, wanted)
        if isinstance(done, Refusal):
            raise UsageError(done.sentence)
        return {"administrator": _told(done.administrator), "one_time_password": done.one_time_password, "added": known is None}

    return {
        "access.admins": admins,
        # Not remembered: a one-time password must be kept nowhere.
        "access.admin": Operation(admin, command=True, remembered=False),
    }


async def _add(access: Access, actor: Actor, name: str, wanted: Change) -> Changed | Refusal:
    if not wanted.one_time_password:
        return Refusal(f"there is no administrator {name[:64]!r}; say --one-time-password to add one")
    if wanted.unlock or wanted.reset_totp or wanted.enabled is not None:
        return Refusal(f"there is no administrator {name[:64]!r} to change")
    roles = ROLES if wanted.roles is None else wanted.roles
    return await access.administrators.add(actor, name, roles, display_name=wanted.display_name or "", language=wanted.language or "en")


def _read(untrusted_change: dict[str, Any]) -> Change:
    try:
        return msgspec.convert(untrusted_change, Change)
    except msgspec.ValidationError as fault:
        raise UsageError(f"change: {fault}") from None


def _told(administrator: Administrator) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(administrator)
    return told
