# SPDX-License-Identifier: Apache-2.0
"""Additional fields: what every user, partner and partner's address has besides, one list for a tenant.

A field that is removed takes its values along, so that a later field of its name begins empty.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from gatepost.contracts.actor import Actor
from gatepost.people.answers import Fault, Faulty, Outdated, Removed, Saved
from gatepost.people.ledger import Ledger
from gatepost.people.record import AdditionalField, FieldForm
from gatepost.people.texts import VALUE, line_faults

MOST = 100
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}").fullmatch
_PLACES = 10_000
_ALL = "SELECT name, label, default_value, place, revision FROM additional_field WHERE tenant_id = ? ORDER BY place, name"
_WRITE = """INSERT INTO additional_field (tenant_id, name, label, default_value, place, revision) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (tenant_id, name) DO UPDATE SET label = excluded.label, default_value = excluded.default_value,
    place = excluded.place, revision = excluded.revision"""
_DROP = "DELETE FROM additional_field WHERE tenant_id = ? AND name = ?"
_HOLDERS = ("corporate_user", "partner", "partner_address")
_FORGET = {
    "sqlite": "UPDATE {table} SET fields = json_remove(fields, '$.' || ?) WHERE tenant_id = ? AND instr(fields, ?) > 0",
    "postgresql": "UPDATE {table} SET fields = (fields::jsonb - ?::text)::text WHERE tenant_id = ? AND strpos(fields, ?) > 0",
}


class _Change(NamedTuple):
    actor: Actor
    form: FieldForm
    revision: int


class _Removal(NamedTuple):
    actor: Actor
    name: str
    revision: int


class Fields:
    """The additional fields of one store."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def all(self, tenant_id: int) -> list[AdditionalField]:
        """Give all fields in their order. Raises: StoreAway."""
        return await self._ledger.store.ask(lambda connection: self._all(connection, tenant_id))

    async def save(
        self, actor: Actor, untrusted: FieldForm, revision: int = 0
    ) -> Saved[AdditionalField] | Outdated[AdditionalField] | Faulty:
        """Add a field, or change the one of a name whose revision the caller has seen. Raises: StoreFull, StoreAway."""
        form = FieldForm(untrusted.name.strip(), untrusted.label.strip(), untrusted.default_value.strip(), untrusted.place)
        if faults := tuple(_faults(form)):
            return Faulty(faults)
        answer: Saved[AdditionalField] | Outdated[AdditionalField] | Faulty
        answer = await self._ledger.store.perform(self._save, _Change(actor, form, revision))
        return answer

    async def remove(self, actor: Actor, name: str, revision: int) -> Removed[AdditionalField] | Outdated[AdditionalField]:
        """Remove a field and all its values. Raises: StoreFull, StoreAway."""
        answer: Removed[AdditionalField] | Outdated[AdditionalField]
        answer = await self._ledger.store.perform(self._remove, _Removal(actor, name, revision))
        return answer

    def _all(self, connection: Any, tenant_id: int) -> list[AdditionalField]:
        rows = self._ledger.run(connection, _ALL, tenant_id).fetchall()
        return [
            AdditionalField(name=name, label=label, default_value=default, place=place, revision=revision)
            for name, label, default, place, revision in rows
        ]

    # On the writer's thread

    def _save(self, connection: Any, changes: Sequence[_Change]) -> list[Saved[AdditionalField] | Outdated[AdditionalField] | Faulty]:
        self._ledger.lock(connection, "additional_field")
        return [self._save_one(connection, change) for change in changes]

    def _save_one(self, connection: Any, change: _Change) -> Saved[AdditionalField] | Outdated[AdditionalField] | Faulty:
        actor, form = change.actor, change.form
        known = {field.name: field for field in self._all(connection, actor.tenant_id)}
        current = known.get(form.name)
        if current is not None and not change.revision:
            return Faulty((Fault("name", f"there is a field {form.name} already", "change that one, or name this one otherwise"),))
        if (current.revision if current is not None else 0) != change.revision:
            return Outdated(current)
        if current is None and len(known) >= MOST:
            return Faulty((Fault("", f"there are {MOST} fields", "remove one first"),))
        if current is not None and current.form == form:
            return Saved(current)
        made = AdditionalField(
            name=form.name, label=form.label or form.name, default_value=form.default_value, place=form.place, revision=change.revision + 1
        )
        self._ledger.run(connection, _WRITE, actor.tenant_id, made.name, made.label, made.default_value, made.place, made.revision)
        operation = "people.field.change" if current is not None else "people.field.add"
        self._ledger.note(connection, actor, operation, made.name, before=current, after=made)
        return Saved(made)

    def _remove(self, connection: Any, removals: Sequence[_Removal]) -> list[Removed[AdditionalField] | Outdated[AdditionalField]]:
        self._ledger.lock(connection, "additional_field")
        return [self._remove_one(connection, removal) for removal in removals]

    def _remove_one(self, connection: Any, removal: _Removal) -> Removed[AdditionalField] | Outdated[AdditionalField]:
        actor, name = removal.actor, removal.name
        current = next((field for field in self._all(connection, actor.tenant_id) if field.name == name), None)
        if current is None or current.revision != removal.revision:
            return Outdated(current)
        self._ledger.run(connection, _DROP, actor.tenant_id, name)
        for table in _HOLDERS:
            text = _FORGET[self._ledger.store.engine].format(table=table)
            self._ledger.run(connection, text, name, actor.tenant_id, f'"{name}":')
        self._ledger.note(connection, actor, "people.field.remove", name, before=current)
        return Removed(current)


def _faults(form: FieldForm) -> Iterator[Fault]:
    if not _NAME(form.name):
        yield Fault(
            "name", f"{form.name!r} is no name of a field", "begin with a small letter; then small letters, digits and _, at most 40"
        )
    yield from line_faults("label", form.label)
    yield from line_faults("default_value", form.default_value, VALUE)
    if not 0 <= form.place <= _PLACES:
        yield Fault("place", "it is out of range", f"write a number from 0 to {_PLACES}")
