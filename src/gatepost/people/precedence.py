# SPDX-License-Identifier: Apache-2.0
"""Which value holds where several levels may say one: address, then domain, then the default, then the product's. Pure."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from gatepost.people.record import AddressSettings, PartnerSettings

Origin = Literal["address", "domain", "default", "product"]
ORDER: tuple[Origin, ...] = ("address", "domain", "default")
"""From the level that wins."""


class Resolved(msgspec.Struct, frozen=True):
    """A value, and the level that said it."""

    value: str
    origin: Origin


def effective(product: Mapping[str, str], levels: Mapping[Origin, Mapping[str, str]]) -> dict[str, Resolved]:
    """Give the value that holds for each name that the product knows, whatever else the levels say.

    A level says nothing of a name that it does not hold.
    """
    return {name: _resolved(name, value, levels) for name, value in product.items()}


def _resolved(name: str, fallback: str, levels: Mapping[Origin, Mapping[str, str]]) -> Resolved:
    for origin in ORDER:
        said = levels.get(origin)
        if said is not None and name in said:
            return Resolved(said[name], origin)
    return Resolved(fallback, "product")


def settings_that_hold(
    default: PartnerSettings, domain: PartnerSettings | None = None, address: AddressSettings | None = None
) -> dict[str, Resolved]:
    """Give each setting of a partner as it holds for him; `default` by the product leaves it to the send connector."""
    product = {field.encode_name: str(field.default) for field in msgspec.structs.fields(PartnerSettings)}
    levels: dict[Origin, Mapping[str, str]] = {"default": _said(default)}
    if domain is not None:
        levels["domain"] = _said(domain)
    if address is not None:
        levels["address"] = _said(address)
    return effective(product, levels)


def _said(settings: PartnerSettings | AddressSettings) -> dict[str, str]:
    told: dict[str, str] = msgspec.to_builtins(settings)  # what says `default` is left out
    return told
