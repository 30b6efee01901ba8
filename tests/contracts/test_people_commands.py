# SPDX-License-Identifier: Apache-2.0
"""What the control socket may ask of people: plain values in and out, refusals in a sentence."""

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.msgpack import decode, encode

from contracts.people_house import House, a_house, an_engine  # noqa: F401
from gatepost.errors import ControlError, UsageError
from gatepost.people.commands import commands
from gatepost.replication.service import Handler, Operation


async def carry_out(operations: Mapping[str, Handler | Operation], name: str, /, **args: Any) -> Any:
    """Carry an operation out as the wire would: in plain values, both ways."""
    operation = operations[name]
    handler = operation.handler if isinstance(operation, Operation) else operation
    return decode(encode(await handler(**decode(encode(args)))))


async def test_a_user_is_looked_after_by_commands(house: House) -> None:
    """Saved, shown by address or id, listed, outdated, faulty, removed."""
    operations = commands(house.people)
    user = {"display_name": "Jo", "addresses": [{"address": "jo@a.example"}], "attributes": {"title": "Dr"}}
    made = await carry_out(operations, "people.user.save", user=user, author=" ann\n")
    assert (made["outcome"], made["row"]["revision"], made["row"]["attributes"]) == ("saved", 1, {"title": "Dr"})
    assert house.audit[0].actor == ("ann", "cli", "", 0)
    identity = made["row"]["id"]
    shown = [await carry_out(operations, "people.user.show", user=one) for one in ("JO@a.example", identity)]
    assert shown == [{**made["row"], "values": {}}] * 2
    listed = await carry_out(operations, "people.user.list", text="jo", limit=5)
    assert (listed["users"], listed["cursor"], listed["counts"]["users"]) == ([made["row"]], "", 1)
    late = await carry_out(operations, "people.user.save", user=user, author="ann", id=identity, revision=7)
    assert late == {"outcome": "outdated", "row": made["row"]}
    wrong = await carry_out(operations, "people.user.save", user={"display_name": "x"}, author="ann")
    assert (wrong["outcome"], wrong["faults"][0]["field"]) == ("faulty", "addresses")
    half = await carry_out(operations, "people.user.save", user=user, author="ann", id=identity)
    assert half["outcome"] == "faulty"
    assert (await carry_out(operations, "people.user.remove", id=identity, revision=1, author="ann"))["outcome"] == "removed"
    with pytest.raises(ControlError, match=r"there is no corporate user 'jo@a\.example'"):
        await carry_out(operations, "people.user.show", user="jo@a.example")


async def test_partners_and_fields_are_looked_after_by_commands(house: House) -> None:
    """Domains, addresses, the default, what holds, additional fields."""
    operations = commands(house.people)
    field = await carry_out(operations, "people.field.save", field={"name": "contract", "default_value": "none"}, author="ann")
    assert await carry_out(operations, "people.field.list") == [field["row"]]
    default = {"domain": "", "settings": {"connection_security": "required"}}
    assert (await carry_out(operations, "people.partner.save", partner=default, author="ann"))["outcome"] == "saved"
    entry = {"address": "jo@p.example", "fields": {"contract": "7"}}
    assert (await carry_out(operations, "people.partner_address.save", address=entry, author="ann"))["outcome"] == "saved"
    shown = await carry_out(operations, "people.partner.show", domain="p.example")
    assert shown["entries"] == 1
    assert shown["effective"]["settings"] == {"connection_security": {"value": "required", "origin": "default"}}
    held = await carry_out(operations, "people.partner.effective", name="jo@p.example")
    assert held == (await carry_out(operations, "people.partner_address.show", address="jo@p.example"))["effective"]
    assert held["fields"] == {"contract": {"value": "7", "origin": "address"}}
    assert [one["domain"] for one in (await carry_out(operations, "people.partner.list"))["partners"]] == ["p.example"]
    assert len((await carry_out(operations, "people.partner_address.list", domain="p.example"))["addresses"]) == 1
    removals = (
        ("people.partner_address.remove", {"address": "jo@p.example"}),
        ("people.partner.remove", {"domain": "p.example"}),
        ("people.partner.remove", {"domain": ""}),
        ("people.field.remove", {"name": "contract"}),
    )
    for name, args in removals:
        assert (await carry_out(operations, name, revision=1, author="ann", **args))["outcome"] == "removed"


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("people.user.save", {"user": {"adresses": []}, "author": "ann"}),
        ("people.user.save", {"user": {"addresses": [{"address": 3}]}, "author": "ann"}),
        ("people.user.save", {"user": {}, "author": " "}),
        ("people.partner.save", {"partner": {"domain": "p.example", "settings": {"connection_security": "none"}}, "author": "ann"}),
        ("people.field.save", {"field": {}, "author": "ann"}),
        ("people.user.list", {"cursor": "?"}),
    ],
)
async def test_what_makes_no_sense_is_refused_in_a_sentence(house: House, name: str, args: dict[str, Any]) -> None:
    """A key that nobody knows, a value of another kind, no author."""
    with pytest.raises(UsageError):
        await carry_out(commands(house.people), name, **args)
    assert house.audit == []
