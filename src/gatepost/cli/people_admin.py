# SPDX-License-Identifier: Apache-2.0
"""`gatepost people admin` and `gatepost people admins`: who may administer, asked of the console.

gatepost people admin anna --one-time-password      the first administrator, or one who forgot his password
"""

import time
from typing import Annotated, Any

from cyclopts import App, Parameter

from gatepost.cli.output import console, plain, print_json, table
from gatepost.cli.place import HERE, Place, ask_console, whoami
from gatepost.errors import UsageError

Json = Annotated[bool, Parameter(help="Answer in JSON.", negative=())]
Tenant = Annotated[int, Parameter(help="Whose administrators.")]
_ALL = ("configuration", "monitoring", "people", "disclaimer")


def register(people: App) -> None:
    """Add both commands to the noun."""
    people.command(admin)
    people.command(admins)


def admin(
    name: Annotated[str, Parameter(help="The name he signs in with.")],
    *,
    one_time_password: Annotated[bool, Parameter(help="Make and print a password, valid for 24 hours.", negative=())] = False,
    roles: Annotated[str, Parameter(help="configuration, monitoring, people, disclaimer, with commas between; all; none.")] = "",
    display_name: Annotated[str | None, Parameter(help="What pages call him.")] = None,
    language: Annotated[str | None, Parameter(help="Of his pages: en or de.")] = None,
    disable: Annotated[bool, Parameter(help="Let him in no more; his sessions end, his tokens are good for nothing.", negative=())] = False,
    enable: Annotated[bool, Parameter(help="Let him in again.", negative=())] = False,
    unlock: Annotated[bool, Parameter(help="Forget his failed attempts.", negative=())] = False,
    reset_totp: Annotated[bool, Parameter(help="Forget his authenticator; he enrols one at his next sign-in.", negative=())] = False,
    tenant: Tenant = 0,
    json: Json = False,
    place: Place = HERE,
) -> int:
    """Add an administrator, or change one; without an option show him."""
    if disable and enable:
        raise UsageError("say --disable or --enable, not both")
    change: dict[str, Any] = {"one_time_password": one_time_password, "unlock": unlock, "reset_totp": reset_totp}
    change |= {"display_name": display_name, "language": language, "roles": _roles(roles)}
    change["enabled"] = enable if enable or disable else None
    if all(change[one] is None for one in ("display_name", "language", "roles", "enabled")) and not (
        one_time_password or unlock or reset_totp
    ):
        return _show(name, tenant, place, json=json)
    answer = _ask(place, "access.admin", author=whoami(), name=name, change=change, tenant_id=tenant)
    if json:
        print_json(answer)
        return 0
    console().print(plain(_sentence(answer["administrator"], "was added" if answer["added"] else "is as you said")))
    if answer["one_time_password"]:
        print("One-time password, valid for 24 hours, not shown again:")
        print(answer["one_time_password"])
    return 0


def admins(*, tenant: Tenant = 0, json: Json = False, place: Place = HERE) -> int:
    """List who may administer; exit code 1 when nobody may."""
    answer = _ask(place, "access.admins", tenant_id=tenant)
    if json:
        print_json(answer)
    elif answer:
        console().print(_listed(answer))
    else:
        print("There is no administrator; `gatepost people admin NAME --one-time-password` adds one.")
    return 0 if answer else 1


def _show(name: str, tenant: int, place: Place, *, json: bool) -> int:
    answer = [one for one in _ask(place, "access.admins", tenant_id=tenant) if one["name"] == name.lower()]
    if json:
        print_json(answer[0] if answer else None)
    elif answer:
        console().print(_listed(answer))
    else:
        console().print(plain(f"There is no administrator {name}; --one-time-password adds one."))
    return 0 if answer else 1


def _ask(place: Place, do: str, **args: Any) -> Any:
    return ask_console(place, do, kept="administrators", **args)


def _roles(said: str) -> tuple[str, ...] | None:
    """Read --roles; the console knows which there are."""
    words = tuple(one.strip() for one in said.split(",") if one.strip())
    if not words:
        return None
    if words == ("all",):
        return _ALL
    return () if words == ("none",) else words


def _listed(administrators: list[dict[str, Any]]) -> Any:
    lines = table("name", "called", "roles", "state", "authenticator", "signed in")
    for one in administrators:
        lines.add_row(
            plain(one["name"]),
            plain(one["display_name"] or "-"),
            plain(_roles_of(one)),
            plain(_state(one)),
            "yes" if one["has_totp"] else "no",
            _when(one["signed_in_at"]) if one["signed_in_at"] is not None else "never",
        )
    return lines


def _sentence(administrator: dict[str, Any], done: str) -> str:
    return f"{administrator['name']} {done}: {_state(administrator)}, roles: {_roles_of(administrator)}."


def _roles_of(administrator: dict[str, Any]) -> str:
    roles = tuple(administrator["roles"])
    return "all" if set(_ALL) <= set(roles) else ", ".join(roles) or "none"


def _state(administrator: dict[str, Any]) -> str:
    if not administrator["enabled"]:
        return "disabled"
    if (until := administrator["locked_until"]) is not None and until > time.time():
        return f"locked until {_when(until)}"
    if (until := administrator["one_time_until"]) is not None:
        return f"one-time password until {_when(until)}" if until > time.time() else "one-time password is over"
    return "enabled"


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
