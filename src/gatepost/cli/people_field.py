# SPDX-License-Identifier: Apache-2.0
"""`gatepost people field`: additional fields, which every user, partner and partner's address has besides."""

from typing import Annotated

from cyclopts import App, Parameter

from gatepost.cli.output import console, plain, print_json, table
from gatepost.cli.people_answer import DEFAULT, Author, Config, Json, Tenant, author_of, tell
from gatepost.cli.place import ask_console
from gatepost.errors import ControlError

Name = Annotated[str, Parameter(help="The field's name: small letters, digits and _.")]

field = App(name="field", help="Look after additional fields.")


@field.command(name="list")
def list_(*, tenant: Tenant = 0, json: Json = False, config: Config = DEFAULT) -> int:
    """Show the fields in their order; exit code 1 when there is none."""
    answer = ask_console(config, "people.field.list", tenant_id=tenant)
    if json:
        print_json(answer)
    elif answer:
        lines = table("name", "label", "default value", "place", right=("place",))
        for one in answer:
            lines.add_row(plain(one["name"]), plain(one["label"]), plain(one["default_value"]), str(one["place"]))
        console().print(lines)
    else:
        print("There is no additional field.")
    return 0 if answer else 1


@field.command(name="set")
def set_(
    name: Name,
    *,
    label: Annotated[str | None, Parameter(help="What pages call it.")] = None,
    default_value: Annotated[str | None, Parameter(help="What holds where nothing is said.")] = None,
    place: Annotated[int | None, Parameter(help="The lower stands first.")] = None,
    author: Author = "",
    tenant: Tenant = 0,
    json: Json = False,
    config: Config = DEFAULT,
) -> int:
    """Add a field, or change it; exit code 1 when something is wrong with what was said."""
    known = {one["name"]: one for one in ask_console(config, "people.field.list", tenant_id=tenant)}
    found = known.get(name) or {"label": name, "default_value": "", "place": len(known), "revision": 0}
    said = {"label": label, "default_value": default_value, "place": place}
    form = {"name": name, **{key: found[key] if value is None else value for key, value in said.items()}}
    change = {"revision": found["revision"], "author": author_of(author), "tenant_id": tenant}
    return tell(ask_console(config, "people.field.save", field=form, **change), f"{name} is as you said.", json=json)


@field.command
def remove(name: Name, *, author: Author = "", tenant: Tenant = 0, json: Json = False, config: Config = DEFAULT) -> int:
    """Remove a field and all its values."""
    found = next((one for one in ask_console(config, "people.field.list", tenant_id=tenant) if one["name"] == name), None)
    if found is None:
        raise ControlError(f"there is no field {name!r}; `gatepost people field list` shows those there are")
    change = {"revision": found["revision"], "author": author_of(author), "tenant_id": tenant}
    return tell(ask_console(config, "people.field.remove", name=name, **change), f"{name} was removed.", json=json)
