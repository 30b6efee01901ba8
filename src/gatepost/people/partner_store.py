# SPDX-License-Identifier: Apache-2.0
"""The partners' rows, on both engines, with the same promises as the users' (user_store)."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from gatepost.contracts.actor import Actor
from gatepost.people.address import Folded
from gatepost.people.answers import Outdated, Removed, Saved
from gatepost.people.ledger import Ledger
from gatepost.people.record import AddressSettings, Partner, PartnerAddress, PartnerAddressForm, PartnerForm, PartnerSettings
from gatepost.people.shipping import PARTNER, entry, shipped_partner

COLUMNS = "domain, comment, settings, fields, revision, changed_at"
ENTRIES = "(SELECT count(*) FROM partner_address a WHERE a.tenant_id = partner.tenant_id AND a.domain = partner.domain)"
_ONE = f"SELECT {COLUMNS}, {ENTRIES} FROM partner WHERE tenant_id = ? AND domain = ?"  # noqa: S608 - constants
_WRITE = """INSERT INTO partner (tenant_id, domain, comment, settings, fields, revision, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (tenant_id, domain) DO UPDATE SET comment = excluded.comment, settings = excluded.settings, fields = excluded.fields,
    revision = excluded.revision, changed_at = excluded.changed_at"""
_DROP = "DELETE FROM partner WHERE tenant_id = ? AND domain = ?"
ADDRESS_COLUMNS = "local_part, domain, display_name, comment, settings, fields, revision, changed_at"
_ADDRESS = f"SELECT {ADDRESS_COLUMNS} FROM partner_address WHERE tenant_id = ? AND domain = ? AND local_part = ?"  # noqa: S608
_ADDRESSES = f"SELECT {ADDRESS_COLUMNS} FROM partner_address WHERE tenant_id = ? AND domain = ? ORDER BY local_part"  # noqa: S608
_WRITE_ADDRESS = """INSERT INTO partner_address
    (tenant_id, local_part, domain, display_name, comment, settings, fields, revision, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (tenant_id, domain, local_part) DO UPDATE SET display_name = excluded.display_name, comment = excluded.comment,
    settings = excluded.settings, fields = excluded.fields, revision = excluded.revision, changed_at = excluded.changed_at"""
_DROP_ADDRESS = "DELETE FROM partner_address WHERE tenant_id = ? AND domain = ? AND local_part = ?"
_DROP_ADDRESSES = "DELETE FROM partner_address WHERE tenant_id = ? AND domain = ?"

_settings = msgspec.json.Decoder(PartnerSettings).decode
_address_settings = msgspec.json.Decoder(AddressSettings).decode
_values = msgspec.json.Decoder(dict[str, str]).decode


class PartnerChange(NamedTuple):
    """A domain entry as somebody wants it; revision 0 is a new one."""

    actor: Actor
    form: PartnerForm
    revision: int
    at: float


class AddressChange(NamedTuple):
    """A user entry as somebody wants it; revision 0 is a new one."""

    actor: Actor
    address: Folded
    form: PartnerAddressForm
    revision: int
    at: float


class PartnerRemoval(NamedTuple):
    """A domain entry, or with a local part a user entry, that somebody does not want any more."""

    actor: Actor
    domain: str
    local_part: str
    revision: int


class PartnerStore:
    """The partners of one store; what gets a connection runs in the caller's transaction."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def get(self, connection: Any, tenant_id: int, domain: str) -> Partner | None:
        """Give one domain entry."""
        row = self._ledger.run(connection, _ONE, tenant_id, domain).fetchone()
        return partner(row) if row else None

    def address(self, connection: Any, tenant_id: int, address: Folded) -> PartnerAddress | None:
        """Give one user entry."""
        row = self._ledger.run(connection, _ADDRESS, tenant_id, address.domain, address.local).fetchone()
        return partner_address(row) if row else None

    # On the writer's thread

    def save(self, connection: Any, changes: Sequence[PartnerChange]) -> list[Saved[Partner] | Outdated[Partner]]:
        """Make changes of domain entries."""
        self._ledger.lock(connection, "partner")
        return [self._save_one(connection, change) for change in changes]

    def save_address(self, connection: Any, changes: Sequence[AddressChange]) -> list[Saved[PartnerAddress] | Outdated[PartnerAddress]]:
        """Make changes of user entries; a domain entry that is lacking is made."""
        self._ledger.lock(connection, "partner")
        return [self._save_address_one(connection, change) for change in changes]

    def remove(self, connection: Any, removals: Sequence[PartnerRemoval]) -> list[Removed[Partner] | Outdated[Partner]]:
        """Remove domain entries with their user entries."""
        self._ledger.lock(connection, "partner")
        return [self._remove_one(connection, removal) for removal in removals]

    def remove_address(
        self, connection: Any, removals: Sequence[PartnerRemoval]
    ) -> list[Removed[PartnerAddress] | Outdated[PartnerAddress]]:
        """Remove user entries."""
        self._ledger.lock(connection, "partner")
        return [self._remove_address_one(connection, removal) for removal in removals]

    def _save_one(self, connection: Any, change: PartnerChange) -> Saved[Partner] | Outdated[Partner]:
        actor, form = change.actor, change.form
        current = self.get(connection, actor.tenant_id, form.domain)
        if (current.revision if current is not None else 0) != change.revision:
            return Outdated(current)
        if current is not None and current.form == form:
            return Saved(current)
        return Saved(self._write(connection, change, current))

    def _write(self, connection: Any, change: PartnerChange, current: Partner | None) -> Partner:
        actor, form = change.actor, change.form
        entries = current.entries if current is not None else 0
        made = Partner(
            domain=form.domain,
            comment=form.comment,
            settings=form.settings,
            fields=form.fields,
            revision=change.revision + 1,
            changed_at=change.at,
            entries=entries,
        )
        row = (made.domain, made.comment, _json(made.settings), _json(made.fields), made.revision, made.changed_at)
        self._ledger.run(connection, _WRITE, actor.tenant_id, *row)
        operation = "people.partner.change" if current is not None else "people.partner.add"
        self._ledger.note(connection, actor, operation, _called(made.domain), before=current, after=made)
        if made.settings != (current.settings if current is not None else PartnerSettings()):
            self._ledger.ship(connection, entry(PARTNER, actor.tenant_id, shipped_partner(actor.tenant_id, made.domain, made.settings)))
        return made

    def _save_address_one(self, connection: Any, change: AddressChange) -> Saved[PartnerAddress] | Outdated[PartnerAddress]:
        actor, form = change.actor, change.form
        current = self.address(connection, actor.tenant_id, change.address)
        if (current.revision if current is not None else 0) != change.revision:
            return Outdated(current)
        if current is not None and current.form == form:
            return Saved(current)
        if self.get(connection, actor.tenant_id, change.address.domain) is None:
            self._write(connection, PartnerChange(actor, PartnerForm(change.address.domain), 0, change.at), None)
        made = PartnerAddress(
            address=form.address,
            display_name=form.display_name,
            comment=form.comment,
            settings=form.settings,
            fields=form.fields,
            revision=change.revision + 1,
            changed_at=change.at,
        )
        row = (*change.address, made.display_name, made.comment, _json(made.settings), _json(made.fields), made.revision, made.changed_at)
        self._ledger.run(connection, _WRITE_ADDRESS, actor.tenant_id, *row)
        operation = "people.partner_address.change" if current is not None else "people.partner_address.add"
        self._ledger.note(connection, actor, operation, made.address, before=current, after=made)
        return Saved(made)

    def _remove_one(self, connection: Any, removal: PartnerRemoval) -> Removed[Partner] | Outdated[Partner]:
        actor, domain = removal.actor, removal.domain
        current = self.get(connection, actor.tenant_id, domain)
        if current is None or current.revision != removal.revision:
            return Outdated(current)
        lost = [partner_address(row) for row in self._ledger.run(connection, _ADDRESSES, actor.tenant_id, domain).fetchall()]
        self._ledger.run(connection, _DROP_ADDRESSES, actor.tenant_id, domain)
        self._ledger.run(connection, _DROP, actor.tenant_id, domain)
        before = {"partner": current, "addresses": lost}
        self._ledger.note(connection, actor, "people.partner.remove", _called(domain), before=before)
        if current.settings != PartnerSettings():
            self._ledger.ship(connection, entry(PARTNER, actor.tenant_id, shipped_partner(actor.tenant_id, domain, None)))
        return Removed(current)

    def _remove_address_one(self, connection: Any, removal: PartnerRemoval) -> Removed[PartnerAddress] | Outdated[PartnerAddress]:
        actor, address = removal.actor, Folded(removal.local_part, removal.domain)
        current = self.address(connection, actor.tenant_id, address)
        if current is None or current.revision != removal.revision:
            return Outdated(current)
        self._ledger.run(connection, _DROP_ADDRESS, actor.tenant_id, address.domain, address.local)
        self._ledger.note(connection, actor, "people.partner_address.remove", current.address, before=current)
        return Removed(current)


def partner(row: Any) -> Partner:
    """Make a domain entry of a row of `COLUMNS` and `ENTRIES`."""
    domain, comment, settings, fields, revision, changed_at, entries = row
    return Partner(
        domain=domain,
        comment=comment,
        settings=_settings(settings),
        fields=_values(fields),
        revision=revision,
        changed_at=changed_at,
        entries=entries,
    )


def partner_address(row: Any) -> PartnerAddress:
    """Make a user entry of a row of `ADDRESS_COLUMNS`."""
    local_part, domain, display_name, comment, settings, fields, revision, changed_at = row
    return PartnerAddress(
        address=f"{local_part}@{domain}",
        display_name=display_name,
        comment=comment,
        settings=_address_settings(settings),
        fields=_values(fields),
        revision=revision,
        changed_at=changed_at,
    )


def _called(domain: str) -> str:
    return domain or "all partners"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
