# SPDX-License-Identifier: Apache-2.0
"""Users, partners and additional fields as people see them; `...Form` is what they may say of one."""

from typing import Literal

import msgspec

MANUAL = "manual"
"""The source of a user whom somebody entered by hand; of others it is the name of their directory."""
DEFAULT_PARTNER = ""
"""The domain under which the default settings of all partners stand."""

ConnectionSecurity = Literal["default", "opportunistic", "required"]


class Attributes(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the subject of a user's certificate is made of."""

    given_name: str = ""
    surname: str = ""
    title: str = ""
    locality: str = ""
    state_or_province: str = ""
    organization: str = ""
    organizational_unit: str = ""
    username: str = ""


class UserAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One address of a user, as it was written."""

    address: str
    is_default: bool = False
    enabled: bool = True


class UserForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody says of a user. Of the addresses one is the default; without a mark it is the first."""

    display_name: str = ""
    addresses: tuple[UserAddress, ...] = ()
    enabled: bool = True
    attributes: Attributes = Attributes()
    fields: dict[str, str] = {}


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A corporate user. `revision` is what a change of him must name."""

    id: str
    display_name: str
    addresses: tuple[UserAddress, ...]
    enabled: bool
    source: str
    attributes: Attributes
    fields: dict[str, str]
    revision: int
    changed_at: float
    """Unix time."""

    @property
    def is_replicated(self) -> bool:
        """Whether he comes from a directory, and can be changed only there but for who is enabled."""
        return self.source != MANUAL

    @property
    def default_address(self) -> str:
        """His default address; '' when he has none."""
        return next((one.address for one in self.addresses if one.is_default), "")

    @property
    def form(self) -> UserForm:
        """What a form begins with."""
        return UserForm(self.display_name, self.addresses, self.enabled, self.attributes, self.fields)


class PartnerSettings(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The settings of a partner domain, and of all partners; `default` is whatever the level above says."""

    connection_security: ConnectionSecurity = "default"


class AddressSettings(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The settings of one address of a partner; there is none yet that may differ from its domain's."""


class PartnerForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody says of a partner domain, or, under the domain '', of all partners."""

    domain: str
    comment: str = ""
    settings: PartnerSettings = PartnerSettings()
    fields: dict[str, str] = {}


class PartnerAddressForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody says of one address of a partner."""

    address: str
    display_name: str = ""
    comment: str = ""
    settings: AddressSettings = AddressSettings()
    fields: dict[str, str] = {}


class Partner(msgspec.Struct, frozen=True, kw_only=True):
    """A domain entry. Revision 0: nobody has entered anything, these are the product's defaults."""

    domain: str
    comment: str = ""
    settings: PartnerSettings = PartnerSettings()
    fields: dict[str, str] = {}
    revision: int = 0
    changed_at: float = 0.0
    entries: int = 0
    """User entries of the domain."""

    @property
    def form(self) -> PartnerForm:
        """What a form begins with."""
        return PartnerForm(self.domain, self.comment, self.settings, self.fields)


class PartnerAddress(msgspec.Struct, frozen=True, kw_only=True):
    """A user entry of a partner domain; the address is folded but for a quoted local part's sake never unquoted."""

    address: str
    display_name: str = ""
    comment: str = ""
    settings: AddressSettings = AddressSettings()
    fields: dict[str, str] = {}
    revision: int = 0
    changed_at: float = 0.0

    @property
    def form(self) -> PartnerAddressForm:
        """What a form begins with."""
        return PartnerAddressForm(self.address, self.display_name, self.comment, self.settings, self.fields)


class FieldForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody says of an additional field; `place` orders them, and fields of one place by their name."""

    name: str
    label: str = ""
    default_value: str = ""
    place: int = 0


class AdditionalField(msgspec.Struct, frozen=True, kw_only=True):
    """A field that every user, partner and partner's address has besides."""

    name: str
    label: str
    default_value: str
    place: int
    revision: int

    @property
    def form(self) -> FieldForm:
        """What a form begins with."""
        return FieldForm(self.name, self.label, self.default_value, self.place)
