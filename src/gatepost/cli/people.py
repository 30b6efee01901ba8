# SPDX-License-Identifier: Apache-2.0
"""`gatepost people`: corporate users, partners and additional fields, asked of the console.

gatepost people add jo@example.com sales@example.com --name "Jo Doe" --attribute surname=Doe
gatepost people change jo@example.com --disable-address sales@example.com
"""

from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from gatepost.cli import people_admin
from gatepost.cli.output import console, plain, print_json, table
from gatepost.cli.people_answer import (
    DEFAULT,
    Author,
    Config,
    Cursor,
    Json,
    Limit,
    Pairs,
    Tenant,
    author_of,
    checked_limit,
    merged,
    paired,
    tell,
    tell_more,
)
from gatepost.cli.people_field import field
from gatepost.cli.people_partner import partner
from gatepost.cli.place import ask_console
from gatepost.errors import UsageError

Addresses = Annotated[tuple[str, ...], Parameter(help="Mail addresses. May be given several times.", negative=())]
User = Annotated[str, Parameter(help="One of the user's addresses, or the user's id.")]

people = App(name="people", help="Look after corporate users, partners, and who may administer.")
people.command(partner)
people.command(field)
people_admin.register(people)


@people.command(name="list")
def list_(
    text: Annotated[str, Parameter(help="Only users with these words in name or address.")] = "",
    *,
    only: Annotated[Literal["enabled", "disabled"] | None, Parameter(help="Only such users.")] = None,
    source: Annotated[str | None, Parameter(help="Only users of this directory; `manual`: those entered by hand.")] = None,
    limit: Limit = 50,
    cursor: Cursor = "",
    tenant: Tenant = 0,
    json: Json = False,
    config: Config = DEFAULT,
) -> int:
    """Show corporate users by name; exit code 1 when there is none."""
    enabled = None if only is None else only == "enabled"
    asked: dict[str, Any] = {"text": text, "enabled": enabled, "source": source, "limit": checked_limit(limit), "cursor": cursor}
    answer = ask_console(config, "people.user.list", tenant_id=tenant, **asked)
    if json:
        print_json(answer)
    elif answer["users"]:
        console().print(_listed(answer["users"]))
        tell_more(answer["cursor"])
    else:
        print("There is no such user.")
    return 0 if answer["users"] else 1


@people.command
def show(user: User, *, tenant: Tenant = 0, json: Json = False, config: Config = DEFAULT) -> int:
    """Show one corporate user."""
    found = ask_console(config, "people.user.show", user=user, tenant_id=tenant)
    if json:
        print_json(found)
        return 0
    screen = console()
    screen.print(
        plain(f"{found['display_name'] or '(no name)'}, {found['source']}, {_state(found) or 'enabled'}, id {found['id']}", "bold")
    )
    lines = table("address", "", "")
    for one in found["addresses"]:
        lines.add_row(plain(one["address"]), "default" if one["is_default"] else "", _state(one))
    screen.print(lines)
    for name, value in found["attributes"].items():
        screen.print(plain(f"{name}: {value}"))
    for name, held in found["values"].items():
        screen.print(plain(f"{name}: {held['value']}{'' if held['origin'] == 'address' else ' (default)'}"))
    return 0


@people.command
def add(
    address: Annotated[str, Parameter(help="The default address.")],
    *addresses: Annotated[str, Parameter(help="Further addresses.")],
    name: Annotated[str, Parameter(help="The name that people read.")] = "",
    attribute: Pairs = (),
    field: Pairs = (),
    disabled: Annotated[bool, Parameter(help="Not to be written to yet.", negative=())] = False,
    author: Author = "",
    tenant: Tenant = 0,
    json: Json = False,
    config: Config = DEFAULT,
) -> int:
    """Add a corporate user; exit code 1 when something is wrong with what was said."""
    user = {
        "display_name": name,
        "addresses": [{"address": one} for one in (address, *addresses)],
        "enabled": not disabled,
        "attributes": merged({}, paired(attribute, "--attribute")),
        "fields": merged({}, paired(field, "--field")),
    }
    answer = ask_console(config, "people.user.save", user=user, author=author_of(author), tenant_id=tenant)
    return tell(answer, f"{address} was added.", json=json)


@people.command
def change(
    user: User,
    *,
    name: Annotated[str | None, Parameter(help="The name that people read.")] = None,
    add_address: Addresses = (),
    remove_address: Addresses = (),
    enable_address: Addresses = (),
    disable_address: Addresses = (),
    default: Annotated[str, Parameter(help="The address that is the default from now on.")] = "",
    enable: Annotated[bool, Parameter(help="Let mail to this user in.", negative=())] = False,
    disable: Annotated[bool, Parameter(help="Let none in.", negative=())] = False,
    attribute: Pairs = (),
    field: Pairs = (),
    author: Author = "",
    tenant: Tenant = 0,
    json: Json = False,
    config: Config = DEFAULT,
) -> int:
    """Change a corporate user; exit code 1 when something is wrong, or somebody else changed the user meanwhile."""
    if enable and disable:
        raise UsageError("say --enable or --disable, not both")
    found = ask_console(config, "people.user.show", user=user, tenant_id=tenant)
    addresses = [one for one in found["addresses"] if not _among(one["address"], remove_address)]
    addresses += [{"address": one, "is_default": False, "enabled": True} for one in add_address]
    for one in addresses:
        one["enabled"] = (one["enabled"] or _among(one["address"], enable_address)) and not _among(one["address"], disable_address)
        if default:
            one["is_default"] = _among(one["address"], (default,))
    _expect(addresses, (*enable_address, *disable_address, *([default] if default else [])))
    form = {
        "display_name": found["display_name"] if name is None else name,
        "addresses": addresses,
        "enabled": enable or (found["enabled"] and not disable),
        "attributes": merged(found["attributes"], paired(attribute, "--attribute")),
        "fields": merged(found["fields"], paired(field, "--field")),
    }
    said = {"id": found["id"], "revision": found["revision"], "author": author_of(author), "tenant_id": tenant}
    return tell(ask_console(config, "people.user.save", user=form, **said), f"{user} is as you said.", json=json)


@people.command
def remove(user: User, *, author: Author = "", tenant: Tenant = 0, json: Json = False, config: Config = DEFAULT) -> int:
    """Remove a corporate user with all addresses."""
    found = ask_console(config, "people.user.show", user=user, tenant_id=tenant)
    said = {"id": found["id"], "revision": found["revision"], "author": author_of(author), "tenant_id": tenant}
    return tell(ask_console(config, "people.user.remove", **said), f"{user} was removed.", json=json)


def _among(address: str, named: tuple[str, ...]) -> bool:
    return address.casefold() in {one.casefold() for one in named}


def _expect(addresses: list[dict[str, Any]], named: tuple[str, ...]) -> None:
    known = tuple(one["address"] for one in addresses)
    for one in named:
        if not _among(one, known):
            raise UsageError(f"{one} is none of the user's addresses; these are {', '.join(known) or 'none'}")


def _listed(users: list[dict[str, Any]]) -> Any:
    lines = table("name", "default address", "others", "source", "")
    for user in users:
        addresses = [one["address"] for one in user["addresses"]]
        further = str(len(addresses) - 1) if len(addresses) > 1 else ""
        lines.add_row(plain(user["display_name"]), plain(addresses[0] if addresses else ""), further, plain(user["source"]), _state(user))
    return lines


def _state(one: dict[str, Any]) -> str:
    return "" if one["enabled"] else "disabled"
