# SPDX-License-Identifier: Apache-2.0
"""What `gatepost people` may ask of the console: operations of its private API, in plain values.

A change answers with its outcome: `saved`, `removed`, `outdated` with the row as it is now, `faulty` with each fault at its field.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from gatepost.contracts.actor import local_actor
from gatepost.errors import ControlError, UsageError
from gatepost.people.answers import Faulty, Outdated, Removed, Saved
from gatepost.people.record import FieldForm, PartnerAddressForm, PartnerForm, UserForm
from gatepost.people.service import People
from gatepost.people.user_search import PAGE, Search
from gatepost.replication.service import Handler, Operation

Form = TypeVar("Form", UserForm, PartnerForm, PartnerAddressForm, FieldForm)


def commands(people: People) -> Mapping[str, Handler | Operation]:
    """Give the operations by name."""
    return {**_users(people), **_partners(people), **_partner_addresses(people), **_fields(people)}


def _users(people: People) -> dict[str, Handler | Operation]:
    users = people.users

    async def list_(
        *,
        text: str = "",
        enabled: bool | None = None,
        source: str | None = None,
        cursor: str = "",
        limit: int = PAGE,
        tenant_id: int = 0,
    ) -> Any:
        page = await users.search(Search(tenant_id, text, enabled, source, cursor, limit))
        return {**_plain(page), "counts": _plain(await users.counts(tenant_id))}

    async def show(user: str, tenant_id: int = 0) -> Any:
        found = await (users.find(tenant_id, user) if "@" in user else users.get(tenant_id, user))
        if found is None:
            raise ControlError(f"there is no corporate user {user!r}; `gatepost people list` shows those there are")
        return {**_plain(found), "values": _plain(await users.fields_of(tenant_id, found))}

    async def save(user: dict[str, Any], author: str, id: str = "", revision: int = 0, tenant_id: int = 0) -> Any:
        return _told(await users.save(local_actor(author, tenant_id), _form(user, UserForm), id, revision))

    async def remove(id: str, revision: int, author: str, tenant_id: int = 0) -> Any:
        return _told(await users.remove(local_actor(author, tenant_id), id, revision))

    return {
        "people.user.list": list_,
        "people.user.show": show,
        "people.user.save": Operation(save, command=True),
        "people.user.remove": Operation(remove, command=True),
    }


def _partners(people: People) -> dict[str, Handler | Operation]:
    partners = people.partners

    async def list_(text: str = "", cursor: str = "", limit: int = PAGE, tenant_id: int = 0) -> Any:
        page = await partners.search(tenant_id, text, cursor=cursor, limit=limit)
        return {**_plain(page), "counts": _plain(await partners.counts(tenant_id))}

    async def show(domain: str = "", tenant_id: int = 0) -> Any:
        found = await partners.get(tenant_id, domain)
        if found is None:
            raise ControlError(f"there is no partner {domain!r}; `gatepost people partner list` shows those there are")
        return {**_plain(found), "effective": _plain(await partners.effective(tenant_id, domain))}

    async def effective(name: str, tenant_id: int = 0) -> Any:
        return _plain(await partners.effective(tenant_id, name))

    async def save(partner: dict[str, Any], author: str, revision: int = 0, tenant_id: int = 0) -> Any:
        return _told(await partners.save(local_actor(author, tenant_id), _form(partner, PartnerForm), revision))

    async def remove(domain: str, revision: int, author: str, tenant_id: int = 0) -> Any:
        return _told(await partners.remove(local_actor(author, tenant_id), domain, revision))

    return {
        "people.partner.list": list_,
        "people.partner.show": show,
        "people.partner.effective": effective,
        "people.partner.save": Operation(save, command=True),
        "people.partner.remove": Operation(remove, command=True),
    }


def _partner_addresses(people: People) -> dict[str, Handler | Operation]:
    partners = people.partners

    async def list_(domain: str, text: str = "", cursor: str = "", limit: int = PAGE, tenant_id: int = 0) -> Any:
        return _plain(await partners.addresses(tenant_id, domain, text, cursor=cursor, limit=limit))

    async def show(address: str, tenant_id: int = 0) -> Any:
        found = await partners.address(tenant_id, address)
        if found is None:
            raise ControlError(f"there is no entry of {address!r}; `gatepost people partner show DOMAIN` shows those there are")
        return {**_plain(found), "effective": _plain(await partners.effective(tenant_id, address))}

    async def save(address: dict[str, Any], author: str, revision: int = 0, tenant_id: int = 0) -> Any:
        return _told(await partners.save_address(local_actor(author, tenant_id), _form(address, PartnerAddressForm), revision))

    async def remove(address: str, revision: int, author: str, tenant_id: int = 0) -> Any:
        return _told(await partners.remove_address(local_actor(author, tenant_id), address, revision))

    return {
        "people.partner_address.list": list_,
        "people.partner_address.show": show,
        "people.partner_address.save": Operation(save, command=True),
        "people.partner_address.remove": Operation(remove, command=True),
    }


def _fields(people: People) -> dict[str, Handler | Operation]:
    fields = people.fields

    async def list_(tenant_id: int = 0) -> Any:
        return _plain(await fields.all(tenant_id))

    async def save(field: dict[str, Any], author: str, revision: int = 0, tenant_id: int = 0) -> Any:
        return _told(await fields.save(local_actor(author, tenant_id), _form(field, FieldForm), revision))

    async def remove(name: str, revision: int, author: str, tenant_id: int = 0) -> Any:
        return _told(await fields.remove(local_actor(author, tenant_id), name, revision))

    return {
        "people.field.list": list_,
        "people.field.save": Operation(save, command=True),
        "people.field.remove": Operation(remove, command=True),
    }


def _form(untrusted: Any, form: type[Form]) -> Form:
    try:
        return msgspec.convert(untrusted, form)
    except msgspec.ValidationError as fault:
        raise UsageError(f"this is no {form.__name__.removesuffix('Form')}: {fault}") from None


def _told(answer: Saved[Any] | Removed[Any] | Outdated[Any] | Faulty) -> dict[str, Any]:
    match answer:
        case Saved(row):
            return {"outcome": "saved", "row": _plain(row)}
        case Removed(row):
            return {"outcome": "removed", "row": _plain(row)}
        case Outdated(current):
            return {"outcome": "outdated", "row": _plain(current)}
        case Faulty(faults):
            return {"outcome": "faulty", "faults": _plain(faults)}


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)
