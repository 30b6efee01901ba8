# SPDX-License-Identifier: Apache-2.0
"""What is wrong with what somebody says of a partner. Pure."""

from collections.abc import Collection, Iterator

import msgspec

from gatepost.people.address import Folded, folded, folded_domain
from gatepost.people.answers import Fault, Faulty
from gatepost.people.record import DEFAULT_PARTNER, PartnerAddressForm, PartnerForm
from gatepost.people.texts import comment_faults, line_faults, said, value_faults
from gatepost.people.user_form import TenantOf


def checked_partner(untrusted: PartnerForm, tenant_id: int, tenant_of: TenantOf, fields: Collection[str]) -> PartnerForm | Faulty:
    """Check a domain entry, and give it as it is stored; else all that is wrong with it."""
    written = untrusted.domain.strip()
    domain = written if written == DEFAULT_PARTNER else folded_domain(written)
    faults: list[Fault] = []
    if domain is None:
        faults.append(Fault("domain", f"{written!r} is no domain", "write it as example.com"))
    elif domain == DEFAULT_PARTNER and said(untrusted.fields):
        faults.append(Fault("fields", "all partners together have no fields", "change the fields' default values"))
    else:
        faults += _owned_faults("domain", domain, tenant_id, tenant_of)
    faults += [*comment_faults(untrusted.comment), *value_faults(said(untrusted.fields), fields)]
    if faults:
        return Faulty(tuple(faults))
    return PartnerForm(domain or "", untrusted.comment.strip(), untrusted.settings, said(untrusted.fields))


def checked_address(
    untrusted: PartnerAddressForm, tenant_id: int, tenant_of: TenantOf, fields: Collection[str]
) -> tuple[Folded, PartnerAddressForm] | Faulty:
    """Check a user entry, and give it as it is stored, its address folded; else all that is wrong with it."""
    written = untrusted.address.strip()
    read = folded(written)
    faults: list[Fault] = []
    if read is None:
        faults.append(Fault("address", f"{written!r} is no mail address", "write it as name@example.com"))
    else:
        faults += _owned_faults("address", read.domain, tenant_id, tenant_of)
    faults += [*line_faults("display_name", untrusted.display_name.strip()), *comment_faults(untrusted.comment)]
    faults += value_faults(said(untrusted.fields), fields)
    if faults or read is None:
        return Faulty(tuple(faults))
    form = msgspec.structs.replace(
        untrusted,
        address=str(read),
        display_name=untrusted.display_name.strip(),
        comment=untrusted.comment.strip(),
        fields=said(untrusted.fields),
    )
    return read, form


def _owned_faults(field: str, domain: str, tenant_id: int, tenant_of: TenantOf) -> Iterator[Fault]:
    if domain and tenant_of(domain) == tenant_id:
        yield Fault(field, f"{domain} is one of your owned domains", "enter its addresses as corporate users")
