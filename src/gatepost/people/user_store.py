# SPDX-License-Identifier: Apache-2.0
"""The corporate users' rows, on both engines.

Promises: an address belongs to one user of a tenant; of two changes that rest on the same revision the second is not made; a
row, its addresses, its audit entry and its artefacts are one transaction; a change that changes nothing leaves nothing.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import msgspec

from gatepost.contracts.actor import Actor
from gatepost.people.answers import Fault, Faulty, Outdated, Removed, Saved
from gatepost.people.ledger import Ledger
from gatepost.people.record import MANUAL, Attributes, User, UserAddress
from gatepost.people.shipping import USER, entry, shipped_user
from gatepost.people.user_form import Ready, replicated_faults

COLUMNS = "id, display_name, enabled, source, attributes, fields, revision, changed_at"
_ONE = f"SELECT {COLUMNS} FROM corporate_user WHERE tenant_id = ? AND id = ?"  # noqa: S608 - constants
_LISTED = """SELECT a.address, a.enabled, u.enabled FROM corporate_address a
    JOIN corporate_user u ON u.tenant_id = a.tenant_id AND u.id = a.user_id WHERE a.tenant_id = ? AND a.address IN ({marks})"""
_BY_ADDRESS = "SELECT user_id FROM corporate_address WHERE tenant_id = ? AND address = ?"
_OWNERS = "SELECT address, user_id FROM corporate_address WHERE tenant_id = ? AND user_id <> ? AND address IN ({marks})"
_ADDRESSES = """SELECT user_id, written, is_default, enabled FROM corporate_address
    WHERE tenant_id = ? AND user_id IN ({marks}) ORDER BY user_id, is_default DESC, address"""
_WRITE = """INSERT INTO corporate_user
    (tenant_id, id, display_name, sort_name, found_by, source, enabled, attributes, fields, revision, changed_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (tenant_id, id) DO UPDATE SET display_name = excluded.display_name, sort_name = excluded.sort_name,
    found_by = excluded.found_by, enabled = excluded.enabled, attributes = excluded.attributes, fields = excluded.fields,
    revision = excluded.revision, changed_at = excluded.changed_at"""
_ADD_ADDRESS = "INSERT INTO corporate_address (tenant_id, address, user_id, written, is_default, enabled) VALUES (?, ?, ?, ?, ?, ?)"
_DROP_ADDRESSES = "DELETE FROM corporate_address WHERE tenant_id = ? AND user_id = ?"
_DROP = "DELETE FROM corporate_user WHERE tenant_id = ? AND id = ?"
_SORTED_BY = 200
"""Characters of a name that decide its place."""

_attributes = msgspec.json.Decoder(Attributes).decode
_values = msgspec.json.Decoder(dict[str, str]).decode


class UserChange(NamedTuple):
    """A user as somebody wants him; revision 0 is a new one, whose id nobody has yet."""

    actor: Actor
    id: str
    revision: int
    ready: Ready
    at: float


class UserRemoval(NamedTuple):
    """A user whom somebody does not want any more."""

    actor: Actor
    id: str
    revision: int


class UserStore:
    """The users of one store; what gets a connection runs in the caller's transaction."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def save(self, change: UserChange) -> Saved[User] | Outdated[User] | Faulty:
        """Make a change. Raises: StoreFull, StoreAway."""
        answer: Saved[User] | Outdated[User] | Faulty = await self._ledger.store.perform(self._save, change)
        return answer

    async def remove(self, removal: UserRemoval) -> Removed[User] | Outdated[User] | Faulty:
        """Remove a user. Raises: StoreFull, StoreAway."""
        answer: Removed[User] | Outdated[User] | Faulty = await self._ledger.store.perform(self._remove, removal)
        return answer

    def get(self, connection: Any, tenant_id: int, identity: str) -> User | None:
        """Give one user."""
        rows = self._ledger.run(connection, _ONE, tenant_id, identity).fetchall()
        return self.with_addresses(connection, tenant_id, rows)[0] if rows else None

    def find(self, connection: Any, tenant_id: int, address: str) -> User | None:
        """Give the user who has a folded address."""
        row = self._ledger.run(connection, _BY_ADDRESS, tenant_id, address).fetchone()
        return self.get(connection, tenant_id, row[0]) if row else None

    def listed(self, connection: Any, tenant_id: int, addresses: Collection[str]) -> dict[str, bool]:
        """Tell which of some folded addresses (500 at most) are a user's, and whether each is enabled, as its user."""
        text = _LISTED.format(marks=", ".join("?" * len(addresses)))
        rows = self._ledger.run(connection, text, tenant_id, *addresses).fetchall() if addresses else ()
        return {address: bool(own and user) for address, own, user in rows}

    def with_addresses(self, connection: Any, tenant_id: int, rows: Sequence[Any]) -> list[User]:
        """Make users of rows of `COLUMNS`, in their order."""
        if not rows:
            return []
        addresses: dict[str, list[UserAddress]] = {row[0]: [] for row in rows}
        text = _ADDRESSES.format(marks=", ".join("?" * len(rows)))
        for identity, written, is_default, enabled in self._ledger.run(connection, text, tenant_id, *addresses).fetchall():
            addresses[identity].append(UserAddress(written, bool(is_default), bool(enabled)))
        return [_user(row, tuple(addresses[row[0]])) for row in rows]

    # On the writer's thread

    def _save(self, connection: Any, changes: Sequence[UserChange]) -> list[Saved[User] | Outdated[User] | Faulty]:
        self._ledger.lock(connection, "corporate_user")
        return [self._save_one(connection, change) for change in changes]

    def _remove(self, connection: Any, removals: Sequence[UserRemoval]) -> list[Removed[User] | Outdated[User] | Faulty]:
        self._ledger.lock(connection, "corporate_user")
        return [self._remove_one(connection, removal) for removal in removals]

    def _save_one(self, connection: Any, change: UserChange) -> Saved[User] | Outdated[User] | Faulty:
        tenant_id, form = change.actor.tenant_id, change.ready.form
        current = self.get(connection, tenant_id, change.id)
        if (current.revision if current is not None else 0) != change.revision:
            return Outdated(current)
        if current is not None and current.is_replicated and (faults := tuple(replicated_faults(form, current))):
            return Faulty(faults)
        if faults := self._taken(connection, change):
            return Faulty(faults)
        made = _made(change, current)
        if current is not None and made.form == current.form:
            return Saved(current)
        self._write(connection, change, made)
        operation = "people.user.change" if current is not None else "people.user.add"
        self._ledger.note(connection, change.actor, operation, made.default_address, before=current, after=made)
        addresses = [(one.folded, one.address.enabled) for one in change.ready.addresses]
        self._ledger.ship(connection, entry(USER, tenant_id, shipped_user(tenant_id, made.id, made.enabled, addresses)))
        return Saved(made)

    def _taken(self, connection: Any, change: UserChange) -> tuple[Fault, ...]:
        tenant_id, addresses = change.actor.tenant_id, change.ready.addresses
        text = _OWNERS.format(marks=", ".join("?" * len(addresses)))
        owners = dict(self._ledger.run(connection, text, tenant_id, change.id, *(one.folded for one in addresses)).fetchall())
        faults = []
        for place, folded, one in addresses:
            if (owner := self.get(connection, tenant_id, owners[folded]) if folded in owners else None) is not None:
                cause = f"{one.address} belongs to {owner.display_name or owner.default_address} already"
                faults.append(Fault(f"addresses[{place}].address", cause, "remove it there first, or take another"))
        return tuple(faults)

    def _write(self, connection: Any, change: UserChange, made: User) -> None:
        run, tenant_id = self._ledger.run, change.actor.tenant_id
        sort_name = (made.display_name or made.default_address).casefold()[:_SORTED_BY]
        found_by = {made.display_name.casefold(): None}
        for one in change.ready.addresses:
            found_by |= {one.address.address.casefold(): None, one.folded: None}
        attributes, fields = (msgspec.json.encode(one).decode() for one in (made.attributes, made.fields))
        text = "\n".join([*found_by, ""])
        row = (made.display_name, sort_name, text, made.source, int(made.enabled), attributes, fields, made.revision, made.changed_at)
        run(connection, _WRITE, tenant_id, made.id, *row)
        run(connection, _DROP_ADDRESSES, tenant_id, made.id)
        for one in change.ready.addresses:
            address = one.address
            run(connection, _ADD_ADDRESS, tenant_id, one.folded, made.id, address.address, int(address.is_default), int(address.enabled))

    def _remove_one(self, connection: Any, removal: UserRemoval) -> Removed[User] | Outdated[User] | Faulty:
        tenant_id = removal.actor.tenant_id
        current = self.get(connection, tenant_id, removal.id)
        if current is None or current.revision != removal.revision:
            return Outdated(current)
        if current.is_replicated:
            cause = f"the user comes from the directory {current.source}"
            return Faulty((Fault("", cause, "remove the user there, or disable the user here"),))
        self._ledger.run(connection, _DROP_ADDRESSES, tenant_id, removal.id)
        self._ledger.run(connection, _DROP, tenant_id, removal.id)
        self._ledger.note(connection, removal.actor, "people.user.remove", current.default_address, before=current)
        self._ledger.ship(connection, entry(USER, tenant_id, shipped_user(tenant_id, removal.id, False, ())))
        return Removed(current)


def _user(row: Any, addresses: tuple[UserAddress, ...]) -> User:
    identity, display_name, enabled, source, attributes, fields, revision, changed_at = row
    return User(
        id=identity,
        display_name=display_name,
        addresses=addresses,
        enabled=bool(enabled),
        source=source,
        attributes=_attributes(attributes),
        fields=_values(fields),
        revision=revision,
        changed_at=changed_at,
    )


def _made(change: UserChange, current: User | None) -> User:
    form = change.ready.form
    return User(
        id=change.id,
        display_name=form.display_name,
        addresses=form.addresses,
        enabled=form.enabled,
        source=current.source if current is not None else MANUAL,
        attributes=form.attributes,
        fields=form.fields,
        revision=change.revision + 1,
        changed_at=change.at,
    )
