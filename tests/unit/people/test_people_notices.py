# SPDX-License-Identifier: Apache-2.0
"""Who is told, and from which address: settings of each owned domain, and for all."""

import pytest

from gatepost.config.configuration import Configuration, Notices, OwnedDomain, SendConnector
from gatepost.config.configuration_checks import configuration_faults

INBOUND = SendConnector(name="in", direction="inbound", smart_hosts=("192.0.2.1",))


def faults(notices: Notices, **domain: str) -> list[str]:
    """Give where something is wrong."""
    domains = (OwnedDomain(name="b.example"), OwnedDomain(name="a.example", **domain))
    settings = Configuration(owned_domains=domains, send_connectors=(INBOUND,), notices=notices)
    return [fault.path for fault in configuration_faults(settings, "c.toml")]


def test_addresses_of_notices_may_be_left_out() -> None:
    """Empty ones are right, and so are addresses of any domain."""
    assert faults(Notices()) == []
    good = Notices(administrative_address="it.team+alerts@bücher.example", notice_sender="post@a.example")
    assert faults(good, administrative_address="al@b.example", notice_sender="no-reply@a.example") == []


@pytest.mark.parametrize(
    "address",
    ["postmaster", "@a.example", "a b@a.example", "jo@192.0.2.1", "jo@a..example", "Jo <jo@a.example>", "jo@[192.0.2.1]", "a@b@c.example"],
)
def test_what_is_no_address_is_named_with_its_place(address: str) -> None:
    """For all domains and for one."""
    assert faults(Notices(administrative_address=address)) == ["c.toml: notices.administrative_address"]
    assert faults(Notices(notice_sender=address)) == ["c.toml: notices.notice_sender"]
    assert faults(Notices(), administrative_address=address) == ["c.toml: owned_domains[1].administrative_address"]
    assert faults(Notices(), notice_sender=address) == ["c.toml: owned_domains[1].notice_sender"]
