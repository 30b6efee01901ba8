# SPDX-License-Identifier: Apache-2.0
"""How people travel to a gateway: the payloads of their artefacts.

A change travels alone. A gateway that is met for the first time gets pages: `users` are exactly those that the intranet has
after one key, up to another, so that what it holds besides in that range is gone.
"""

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from gatepost.people.record import PartnerSettings

FORM = 1
"""The version of all these payloads."""
USER, USERS = "corporate_user", "corporate_users"
PARTNER, PARTNERS = "partner", "partners"
HOUSE = 0

Shipped = tuple[str, int, int, float, bytes]
"""kind, form, tenant, time, payload: what stands in the outbox."""
Key = tuple[int, str]
"""Tenant, and a user's id or a partner's domain."""
BEGIN: Key = (-1, "")
"""Before all rows."""


class ShippedUser(msgspec.Struct, array_like=True, frozen=True):
    """A user; without addresses he is gone."""

    tenant_id: int
    id: str
    addresses: tuple[tuple[str, bool], ...]
    """Folded, and whether it is enabled, as its user is."""


class ShippedPartner(msgspec.Struct, array_like=True, frozen=True):
    """What a gateway must know of a partner domain ('' is all); with no settings it needs no row."""

    tenant_id: int
    domain: str
    settings: PartnerSettings | None


class UserPage(msgspec.Struct, array_like=True, frozen=True):
    """All users after a key, up to another; None is the end."""

    after: Key
    up_to: Key | None
    users: tuple[ShippedUser, ...]


class PartnerPage(msgspec.Struct, array_like=True, frozen=True):
    """All partners after a key, up to another; None is the end."""

    after: Key
    up_to: Key | None
    partners: tuple[ShippedPartner, ...]


def spans(after: Key, up_to: Key | None, column: str) -> list[tuple[str, tuple[Any, ...]]]:
    """Give the conditions whose rows together lie after a key, up to another, with their values: each within reach of an index.

    PostgreSQL finds only the tenant by an index where a pair of columns is compared.
    """
    if up_to is not None and after[0] == up_to[0]:
        return [(f"tenant_id = ? AND {column} > ? AND {column} <= ?", (*after, up_to[1]))]
    rest = [(f"tenant_id = ? AND {column} > ?", after)]
    if up_to is None:
        return [*rest, ("tenant_id > ?", (after[0],))]
    return [*rest, ("tenant_id > ? AND tenant_id < ?", (after[0], up_to[0])), (f"tenant_id = ? AND {column} <= ?", up_to)]


_encode = msgspec.msgpack.Encoder().encode


def entry(kind: str, tenant_id: int, payload: ShippedUser | ShippedPartner | UserPage | PartnerPage) -> Shipped:
    """Give what stands in the outbox."""
    return kind, FORM, tenant_id, time.time(), _encode(payload)


def shipped_user(tenant_id: int, identity: str, enabled: bool, addresses: Sequence[tuple[str, bool]]) -> ShippedUser:
    """Give what a gateway must know of a user."""
    return ShippedUser(tenant_id, identity, tuple((address, enabled and active) for address, active in addresses))


def shipped_partner(tenant_id: int, domain: str, settings: PartnerSettings | None) -> ShippedPartner:
    """Give what a gateway must know of a partner: nothing when all is as the level above says."""
    return ShippedPartner(tenant_id, domain, settings if settings is not None and settings != PartnerSettings() else None)
