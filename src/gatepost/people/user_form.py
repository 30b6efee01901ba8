# SPDX-License-Identifier: Apache-2.0
"""What is wrong with what somebody says of a user, and his addresses made ready to be stored. Pure."""

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

import msgspec

from gatepost.people.address import Folded, folded
from gatepost.people.answers import Fault, Faulty
from gatepost.people.record import Attributes, User, UserAddress, UserForm
from gatepost.people.texts import line_faults, said, value_faults

TenantOf = Callable[[str], int | None]
"""Tells which tenant owns a domain (A-labels, small letters); None when nobody here does."""
ADDRESSES = 300
"""Of one user, at most."""
ATTRIBUTE = 128


class StoredAddress(NamedTuple):
    """One address with what it is compared by, and its place in the form."""

    place: int
    folded: str
    address: UserAddress


class Ready(NamedTuple):
    """A form without faults."""

    form: UserForm
    addresses: tuple[StoredAddress, ...]


def checked(untrusted: UserForm, tenant_id: int, tenant_of: TenantOf, fields: Collection[str]) -> Ready | Faulty:
    """Check a form, and give it as it is stored; else all that is wrong with it."""
    form = _tidied(untrusted)
    faults = [*_text_faults(form), *value_faults(form.fields, fields)]
    ready: list[StoredAddress] = []
    seen: dict[str, int] = {}
    for number, one in enumerate(form.addresses):
        read = folded(one.address)
        if (fault := _address_fault(number, one.address, read, tenant_id, tenant_of)) is not None:
            faults.append(fault)
        elif (first := seen.setdefault(str(read), number)) != number:
            faults.append(Fault(f"addresses[{number}].address", f"it is address {first + 1} already", "write each address once"))
        ready.append(StoredAddress(number, str(read), one))
    faults += _list_faults(form.addresses)
    if faults:
        return Faulty(tuple(faults))
    marked = _marked(ready)
    return Ready(msgspec.structs.replace(form, addresses=tuple(one.address for one in marked)), marked)


def replicated_faults(form: UserForm, current: User) -> Iterator[Fault]:
    """Yield what of a replicated user may be changed at its source alone: all but who is enabled."""
    mend = f"change it in the directory {current.source}; here only the activity can be changed"
    before = current.form
    for name in ("display_name", "attributes", "fields"):
        if getattr(form, name) != getattr(before, name):
            yield Fault(name, f"it comes from the directory {current.source}", mend)
    if _plain(form) != _plain(before):
        yield Fault("addresses", f"they come from the directory {current.source}", mend)


def _plain(form: UserForm) -> set[tuple[str, bool]]:
    return {(one.address, one.is_default) for one in form.addresses}


def _tidied(form: UserForm) -> UserForm:
    addresses = tuple(msgspec.structs.replace(one, address=one.address.strip()) for one in form.addresses)
    attributes = Attributes(**{name: value.strip() for name, value in msgspec.structs.asdict(form.attributes).items()})
    return UserForm(form.display_name.strip(), addresses, form.enabled, attributes, said(form.fields))


def _text_faults(form: UserForm) -> Iterator[Fault]:
    yield from line_faults("display_name", form.display_name)
    for name, value in msgspec.structs.asdict(form.attributes).items():
        yield from line_faults(f"attributes.{name}", value, ATTRIBUTE)


def _address_fault(number: int, written: str, read: Folded | None, tenant_id: int, tenant_of: TenantOf) -> Fault | None:
    field = f"addresses[{number}].address"
    if read is None:
        return Fault(field, f"{written!r} is no mail address", "write it as name@example.com")
    if tenant_of(read.domain) != tenant_id:
        return Fault(field, f"{read.domain} is none of your owned domains", "take an address of an owned domain, or add the domain first")
    return None


def _list_faults(addresses: tuple[UserAddress, ...]) -> Iterator[Fault]:
    if not addresses:
        yield Fault("addresses", "there is none", "give the user at least one address")
    if len(addresses) > ADDRESSES:
        yield Fault("addresses", f"there are {len(addresses)}", f"give a user at most {ADDRESSES}")
    if sum(one.is_default for one in addresses) > 1:
        yield Fault("addresses", "more than one is the default", "mark one address as the default")


def _marked(ready: list[StoredAddress]) -> tuple[StoredAddress, ...]:
    """Put the default address first; without a mark it is the first."""
    if not any(one.address.is_default for one in ready):
        ready[0] = ready[0]._replace(address=msgspec.structs.replace(ready[0].address, is_default=True))
    return tuple(sorted(ready, key=lambda one: (not one.address.is_default, one.folded)))
