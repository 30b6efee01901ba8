# SPDX-License-Identifier: Apache-2.0
"""`gatepost people partner`: whom we write to, and how. A name is a domain, or an address with an @.

gatepost people partner set partner.example --connection-security required --comment "contract of 2026"
"""

from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

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
from gatepost.cli.place import ask_console
from gatepost.errors import ControlError, UsageError

ALL = "default"
"""How a command line names the settings of all partners."""
Name = Annotated[str, Parameter(help="A domain, an address, or `default` for all partners.")]

partner = App(name="partner", help="Look after partners: settings by address, domain, and for all.")


@partner.command(name="list")
def list_(
    text: Annotated[str, Parameter(help="Only partners with these words in domain or address.")] = "",
    *,
    limit: Limit = 50,
    cursor: Cursor = "",
    tenant: Tenant = 0,
    json: Json = False,
    config: Config = DEFAULT,
) -> int:
    """Show partner domains; exit code 1 when there is none."""
    answer = ask_console(config, "people.partner.list", text=text, limit=checked_limit(limit), cursor=cursor, tenant_id=tenant)
    if json:
        print_json(answer)
    elif answer["partners"]:
        lines = table("domain", "entries", "connection security", "comment", right=("entries",))
        for one in answer["partners"]:
            security = one["settings"].get("connection_security", "default")
            lines.add_row(plain(one["domain"]), str(one["entries"]), security, plain(one["comment"]))
        console().print(lines)
        tell_more(answer["cursor"])
    else:
        print("There is no such partner.")
    return 0 if answer["partners"] else 1


@partner.command
def show(name: Name, *, tenant: Tenant = 0, json: Json = False, config: Config = DEFAULT) -> int:
    """Show a partner, and where each of the settings that hold comes from."""
    found = _found(config, name, tenant)
    if found is None:
        raise ControlError(f"there is no partner {name!r}; `gatepost people partner list` shows those there are")
    entries = {} if "@" in name or name == ALL else ask_console(config, "people.partner_address.list", domain=name, tenant_id=tenant)
    if json:
        print_json({**found, **({"addresses": entries["addresses"]} if entries else {})})
        return 0
    screen = console()
    screen.print(plain(name, "bold"))
    if found["comment"]:
        screen.print(plain(found["comment"]))
    lines = table("", "holds", "comes from")
    for key, held in (*found["effective"]["settings"].items(), *found["effective"]["fields"].items()):
        lines.add_row(plain(key), plain(held["value"]), held["origin"])
    screen.print(lines)
    for one in entries.get("addresses", []):
        screen.print(plain(f"{one['address']}  {one['display_name']}"))
    return 0


@partner.command(name="set")
def set_(
    name: Name,
    *,
    connection_security: Annotated[
        Literal["default", "opportunistic", "required"] | None,
        Parameter(help="TLS for mail to the domain; the stricter of this and the send connector's holds."),
    ] = None,
    display_name: Annotated[str | None, Parameter(help="Of an address: the name that people read.")] = None,
    comment: Annotated[str | None, Parameter(help="A note for administrators.")] = None,
    field: Pairs = (),
    author: Author = "",
    tenant: Tenant = 0,
    json: Json = False,
    config: Config = DEFAULT,
) -> int:
    """Add a partner domain or an address of one, or change it; exit code 1 when something is wrong with what was said."""
    of_address = "@" in name
    if of_address and connection_security is not None:
        raise UsageError("connection security is a setting of domains; an address has none of its own")
    if not of_address and display_name is not None:
        raise UsageError("only an address has a display name")
    found = _found(config, name, tenant) or {"comment": "", "display_name": "", "settings": {}, "fields": {}, "revision": 0}
    form: dict[str, Any] = {
        "comment": found["comment"] if comment is None else comment,
        "settings": found["settings"] if connection_security is None else {"connection_security": connection_security},
        "fields": merged(found["fields"], paired(field, "--field")),
    }
    said = {"revision": found["revision"], "author": author_of(author), "tenant_id": tenant}
    if of_address:
        form |= {"address": name, "display_name": found["display_name"] if display_name is None else display_name}
        answer = ask_console(config, "people.partner_address.save", address=form, **said)
    else:
        answer = ask_console(config, "people.partner.save", partner={**form, "domain": "" if name == ALL else name}, **said)
    return tell(answer, f"{name} is as you said.", json=json)


@partner.command
def remove(name: Name, *, author: Author = "", tenant: Tenant = 0, json: Json = False, config: Config = DEFAULT) -> int:
    """Remove an address, or a domain with all its addresses; `default` goes back to the product's settings."""
    found = _found(config, name, tenant)
    if found is None or not found["revision"]:
        raise ControlError(f"there is no partner {name!r}; `gatepost people partner list` shows those there are")
    said = {"revision": found["revision"], "author": author_of(author), "tenant_id": tenant}
    if "@" in name:
        answer = ask_console(config, "people.partner_address.remove", address=name, **said)
    else:
        answer = ask_console(config, "people.partner.remove", domain="" if name == ALL else name, **said)
    return tell(answer, f"{name} was removed.", json=json)


def _found(config: Config, name: str, tenant: int) -> dict[str, Any] | None:
    """Give what there is of a name; None when there is nothing."""
    try:
        if "@" in name:
            found: dict[str, Any] = ask_console(config, "people.partner_address.show", address=name, tenant_id=tenant)
        else:
            found = ask_console(config, "people.partner.show", domain="" if name == ALL else name, tenant_id=tenant)
    except ControlError as refused:
        if refused.exit_code != 1:
            raise
        return None
    return found
